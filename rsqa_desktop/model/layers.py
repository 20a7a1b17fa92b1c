"""One reason drawn over the images, as a record: what the panes draw and what the layer list shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError
from engine.records import Box

PaneName = Literal["optical", "sar"]
OverlayKind = Literal["regions", "attention", "trust"]


@dataclass(frozen=True, slots=True)
class OverlayLayer:
    """An explanation map as a layer.

    ``array_path`` names a float32 ``.npy`` of shape [rows, columns] spread over ``extent_px`` (full-resolution
    pixels of the scene's grid), NaN where the layer has nothing to say. ``low`` and ``high`` are the ends of its
    legend. ``panes`` are where it is drawn; ``sensor`` is what it is about, and gives its colour.
    Raises :class:`UsageError` for an opacity outside 0..1.
    """

    id: str
    title: str
    kind: OverlayKind
    panes: tuple[PaneName, ...]
    array_path: str
    extent_px: Box
    low: float
    high: float
    opacity: float = 0.6
    visible: bool = True
    sensor: Literal["optical", "sar", "both"] = "both"

    def __post_init__(self) -> None:
        if not 0.0 <= self.opacity <= 1.0:
            raise UsageError(f"The opacity {self.opacity} of “{self.title}” is not between 0 and 1.")
