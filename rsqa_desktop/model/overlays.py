"""From an answer's explanation maps to layers: which panes, how opaque, what is on at first."""

from __future__ import annotations

from collections.abc import Iterable

from engine.records import Answer, ExplanationMap
from rsqa_desktop.model.layers import OverlayKind, OverlayLayer, PaneName

# Kind -> the words of the answer card. A SAR analyst reads CFAR as "constant false-alarm rate", so it is spelt out.
KIND_TITLES: dict[OverlayKind, str] = {
    "regions": "Key regions (CFAR: coarse-to-fine attention)",
    "attention": "Attention",
    "trust": "Sensor trust",
}
KIND_HELP: dict[OverlayKind, str] = {
    "regions": "The regions the question was routed to before looking closer, in each sensor. CFAR is the network’s "
    "coarse-to-fine attention routing; it is not a constant-false-alarm-rate detector and raises no alarms.",
    "attention": "The share of attention each patch received from the question, in each sensor.",
    "trust": "Where the fused features lean on the optical image and where on SAR.",
}
_ORDER: tuple[OverlayKind, ...] = ("regions", "attention", "trust")
_OPACITY: dict[OverlayKind, float] = {"regions": 0.6, "attention": 0.5, "trust": 0.7}
_SHOWN_AT_FIRST: frozenset[OverlayKind] = frozenset({"regions"})
_SENSOR_WORDS = {"optical": "optical", "sar": "SAR"}


def layers_of(
    answer: Answer, panes: tuple[PaneName, ...], earlier: Iterable[OverlayLayer] = ()
) -> tuple[OverlayLayer, ...]:
    """The layers of one answer, topmost first.

    ``panes`` are the ones on screen. What the user set on the ``earlier`` layers of the same name (shown, opacity)
    carries over, so that asking again does not undo it.
    """
    remembered = {layer.id: layer for layer in earlier}
    maps = sorted(answer.explanations.items(), key=lambda item: (_ORDER.index(item[1].kind), item[1].sensor))
    return tuple(_layer(name, each, panes, remembered.get(name)) for name, each in maps)


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
