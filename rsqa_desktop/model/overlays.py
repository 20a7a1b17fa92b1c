"""From an answer to layers: which panes, how opaque, what is on at first."""

from __future__ import annotations

from collections.abc import Mapping

from engine.records import Answer, Box, ExplanationMap, TiledAnswer
from rsqa_desktop.model.layers import TILE_KINDS, OverlayKind, OverlayLayer, PaneName

# Kind -> the words of the answer card. A SAR analyst reads CFAR as "constant false-alarm rate", so it is spelt out.
KIND_TITLES: dict[OverlayKind, str] = {
    "regions": "Key regions (CFAR: coarse-to-fine attention)",
    "attention": "Attention",
    "trust": "Sensor trust",
    "routing": "Expert of each patch (PL-MoE)",
    "routing-share": "Share of a patch’s first expert",
    "gate": "Text gate",
    "answers": "Map of answers",
    "confidence": "Confidence by tile",
}
KIND_HELP: dict[OverlayKind, str] = {
    "regions": "The regions the question was routed to before looking closer, in each sensor. CFAR is the network’s "
    "coarse-to-fine attention routing; it is not a constant-false-alarm-rate detector and raises no alarms.",
    "attention": "The share of attention each patch received from the question, in each sensor.",
    "trust": "Where the fused features lean on the optical image and where on SAR.",
    "routing": "The expert that took the most of each patch of the picture, in each sensor.",
    "routing-share": "How much of each patch its first expert took; the others it was given to took the rest.",
    "gate": "Where the words of the expression were let into the features, at one scale.",
    "answers": "What was answered in each tile: a colour and a letter per answer, hatched where one sensor answered "
    "alone, grey and struck out where none has data.",
    "confidence": "How sure each tile’s answer is: the brighter, the surer.",
}
_ORDER: tuple[OverlayKind, ...] = ("regions", "attention", "trust", "routing", "routing-share", "gate")
_OPACITY: dict[OverlayKind, float] = {
    "regions": 0.6,
    "attention": 0.5,
    "trust": 0.7,
    "routing": 0.5,
    "routing-share": 0.5,
    "gate": 0.5,
    "answers": 0.5,
    "confidence": 0.7,
}
_SHOWN_AT_FIRST: frozenset[OverlayKind] = frozenset({"regions", "answers"})
_SENSOR_WORDS = {"optical": "optical", "sar": "SAR"}


def layers_of(
    result: Answer | TiledAnswer, panes: tuple[PaneName, ...], earlier: Mapping[str, OverlayLayer]
) -> tuple[OverlayLayer, ...]:
    """The layers of one answer, topmost first.

    ``panes`` are the ones on screen. What the user set on the ``earlier`` layer of the same id (shown, opacity) carries
    over, so that asking again does not undo it.
    """
    if isinstance(result, TiledAnswer):
        return tuple(_tile_layer(kind, result, panes, earlier.get(kind)) for kind in TILE_KINDS)
    maps = sorted(result.explanations.items(), key=lambda item: (_ORDER.index(item[1].kind), item[1].sensor))
    return tuple(_layer(name, each, panes, earlier.get(name)) for name, each in maps)


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
    title = KIND_TITLES[each.kind].split(" (")[0]
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
