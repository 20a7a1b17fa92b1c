"""Which overlay paints which kind of layer."""

from __future__ import annotations

from rsqa_desktop.canvas.box_overlay import BoxesOverlay
from rsqa_desktop.canvas.mask_overlay import MaskOverlay
from rsqa_desktop.canvas.overlays import Overlay
from rsqa_desktop.canvas.probability_overlay import ProbabilityOverlay
from rsqa_desktop.canvas.tile_overlay import AnswersOverlay
from rsqa_desktop.model.layers import OverlayLayer


def overlay_of(layer: OverlayLayer) -> Overlay:
    """The overlay that paints ``layer``. Raises :class:`RasterUnreadable` where its arrays cannot be read."""
    if layer.finding is not None:
        return BoxesOverlay(layer, layer.finding)
    if layer.outline is not None:
        return MaskOverlay(layer, layer.outline) if layer.kind == "outline" else ProbabilityOverlay(layer)
    return AnswersOverlay(layer, layer.tiled) if layer.kind == "answers" and layer.tiled else Overlay(layer)
