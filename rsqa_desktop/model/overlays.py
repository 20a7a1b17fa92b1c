"""From a result to layers: which panes, how opaque, what is on at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.records import Box, ExplanationMap, Finding, Outline, TiledAnswer
from rsqa_desktop.model.history import Result
from rsqa_desktop.model.layers import OUTLINE_KINDS, TILE_KINDS, OverlayKind, OverlayLayer, PaneName

# Kind -> the words of the answer card. A SAR analyst reads CFAR as "constant false-alarm rate", so it is spelt out.
KIND_TITLES: dict[OverlayKind, str] = {
    "boxes": "Boxes",
    "outline": "Outline",
    "probability": "Probability",
    "regions": "Key regions (CFAR: coarse-to-fine attention)",
    "attention": "Attention",
    "word": "What each word looked at (attention)",
    "trust": "Sensor trust",
    "routing": "Which expert took which patch (PL-MoE)",
    "routing-share": "How much of a patch its expert took",
    "gate": "Where the words were let in (gate)",
    "answers": "Map of answers",
    "confidence": "Confidence by tile",
}
KIND_HELP: dict[OverlayKind, str] = {
    "boxes": "What was found, each box in the colour of the image it was found in; dashed on the other image.",
    "outline": "The mask: filled lightly, with a line along its edge and round its holes.",
    "probability": "How likely each pixel is meant; the mask is cut out of it at the threshold.",
    "regions": "The regions the question was routed to before looking closer, in each sensor. CFAR is the network’s "
    "coarse-to-fine attention routing; it is not a constant-false-alarm-rate detector and raises no alarms.",
    "attention": "The share of attention each patch received from the question, in each sensor.",
    "word": "Which share of the attention each word of the expression has, in each cell.",
    "trust": "Where the fused features lean on the optical image and where on SAR.",
    "routing": "Patch-level mixture of experts (PL-MoE): the expert that took the most of each patch, in each sensor.",
    "routing-share": "How much of each patch its first expert took; the others it was given to took the rest.",
    "gate": "Where the words of the expression were let into the features, at one scale.",
    "answers": "What was answered in each tile: a colour and a letter per answer, hatched where one sensor answered "
    "alone, grey and struck out where none has data.",
    "confidence": "How sure each tile’s answer is: the brighter, the surer.",
}
WHY_KINDS: tuple[OverlayKind, ...] = tuple(kind for kind in KIND_TITLES if kind not in ("boxes", "outline"))
"""What the card offers to toggle; boxes and mask are the result itself, and toggled in the list of layers."""
_NAMES: dict[OverlayKind, str] = {"routing": "Experts", "routing-share": "Experts’ shares", "gate": "Gate"}
"""Short names for the list of layers, of those whose titles are sentences."""
_ORDER: tuple[OverlayKind, ...] = ("regions", "attention", "word", "trust", "routing", "routing-share", "gate")
_OPACITY: dict[OverlayKind, float] = {
    "boxes": 1.0,
    "outline": 1.0,
    "probability": 0.7,
    "regions": 0.6,
    "attention": 0.5,
    "word": 0.6,
    "trust": 0.7,
    "routing": 0.5,
    "routing-share": 0.5,
    "gate": 0.5,
    "answers": 0.5,
    "confidence": 0.7,
}
_SHOWN_AT_FIRST: frozenset[OverlayKind] = frozenset({"boxes", "outline", "regions", "answers"})
_SENSOR_WORDS = {"optical": "optical", "sar": "SAR"}


def layers_of(
    result: Result, panes: tuple[PaneName, ...], earlier: Mapping[str, OverlayLayer]
) -> tuple[OverlayLayer, ...]:
    """The layers of one result, topmost first.

    ``panes`` are the ones on screen. What the user set on the ``earlier`` layer of the same id (shown, opacity) carries
    over, so that asking again does not undo it; on that of a word only to the same word.
    """
    if isinstance(result, TiledAnswer):
        return tuple(_tile_layer(kind, result, panes, earlier.get(kind)) for kind in TILE_KINDS)
    maps = sorted(result.explanations.items(), key=lambda item: (_ORDER.index(item[1].kind), item[1].sensor))
    if isinstance(result, Outline):
        maps = _with_words(maps, result.words)
    reasons = tuple(_layer(name, each, panes, earlier.get(name)) for name, each in maps)
    if isinstance(result, Outline):
        return (*(_outline_layer(kind, result, panes, earlier.get(kind)) for kind in OUTLINE_KINDS), *reasons)
    return (_box_layer(result, panes, earlier.get("boxes")), *reasons) if isinstance(result, Finding) else reasons


def _box_layer(finding: Finding, panes: tuple[PaneName, ...], before: OverlayLayer | None) -> OverlayLayer:
    return OverlayLayer(
        id="boxes",
        title=f"{KIND_TITLES['boxes']} · {len(finding.boxes):,}",
        kind="boxes",
        panes=panes,
        array_path="",
        extent_px=finding.area.window.box,
        low=0.0,
        high=1.0,
        opacity=before.opacity if before else _OPACITY["boxes"],
        visible=before.visible if before else True,
        finding=finding,
    )


def _outline_layer(
    kind: OverlayKind, outline: Outline, panes: tuple[PaneName, ...], before: OverlayLayer | None
) -> OverlayLayer:
    return OverlayLayer(
        id=kind,
        title=KIND_TITLES[kind],
        kind=kind,
        panes=panes,
        array_path=outline.mask if kind == "outline" else outline.probability,
        extent_px=outline.area.window.box,
        low=0.0,
        high=1.0,
        opacity=before.opacity if before else _OPACITY[kind],
        visible=before.visible if before else kind in _SHOWN_AT_FIRST,
        outline=outline,
        cleaning=outline.cleaning,
    )


def _with_words(maps: list[tuple[str, ExplanationMap]], words: tuple[str, ...]) -> list[tuple[str, ExplanationMap]]:
    """``maps`` with those of words called by their word; both come in the order of the expression."""
    of_words = iter(words)
    return [
        (name, replace(each, title=f"“{next(of_words, each.title)}”") if each.kind == "word" else each)
        for name, each in maps
    ]


def _tile_layer(
    kind: OverlayKind, tiled: TiledAnswer, panes: tuple[PaneName, ...], before: OverlayLayer | None
) -> OverlayLayer:
    grid = tiled.grid
    left, top = grid.window.col_off, grid.window.row_off
    return OverlayLayer(
        id=kind,
        title=KIND_TITLES[kind],
        kind=kind,
        panes=panes,
        array_path=tiled.arrays.answer if kind == "answers" else tiled.arrays.confidence,
        # As if no tile were cut: a cell of the array is then a whole tile everywhere.
        extent_px=Box(left, top, left + grid.columns * grid.side_px, top + grid.rows * grid.side_px),
        low=0.0,
        high=1.0,
        opacity=before.opacity if before else _OPACITY[kind],
        visible=before.visible if before else kind in _SHOWN_AT_FIRST,
        tiled=tiled,
    )


def _layer(name: str, each: ExplanationMap, panes: tuple[PaneName, ...], before: OverlayLayer | None) -> OverlayLayer:
    about = tuple(pane for pane in panes if each.sensor in (pane, "both"))
    title = _NAMES.get(each.kind) or KIND_TITLES[each.kind].split(" (")[0]
    if each.kind == "gate":  # one map for every scale that the network looks at
        title = f"{title} {each.shape[0]} × {each.shape[1]}"
    if each.kind == "word":
        title = each.title
        before = before if before and before.title == title else None
    if each.sensor in _SENSOR_WORDS:
        title = f"{title} · {_SENSOR_WORDS[each.sensor]}"
    return OverlayLayer(
        id=name,
        title=title,
        kind=each.kind,
        panes=about,
        array_path=each.path,
        extent_px=each.extent_px,
        low=each.low,
        high=each.high,
        opacity=before.opacity if before else _OPACITY[each.kind],
        visible=before.visible if before else each.kind in _SHOWN_AT_FIRST,
        sensor=each.sensor,
    )
