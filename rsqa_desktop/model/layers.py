"""What is drawn over the images, as records: the panes draw them, the layer list shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError
from engine.records import Box, Finding, TiledAnswer

PaneName = Literal["optical", "sar"]
OverlayKind = Literal[
    "boxes", "regions", "attention", "word", "trust", "routing", "routing-share", "gate", "answers", "confidence"
]
TILE_KINDS: tuple[OverlayKind, ...] = ("answers", "confidence")
"""Maps of one value per tile, from a question over a grid of tiles; the others are reasons for one answer."""


@dataclass(frozen=True, slots=True)
class OverlayLayer:
    """What is drawn over the images as a layer: boxes, a reason for a result, or what was answered tile by tile.

    ``array_path`` names a float32 ``.npy`` of shape [rows, columns] spread over ``extent_px`` (full-resolution
    pixels of the scene's grid), NaN where the layer has nothing to say. ``low`` and ``high`` are the ends of its
    legend. ``panes`` are where it is drawn; ``sensor`` is what it is about, and gives its colour. ``tiled`` is there
    exactly for :data:`TILE_KINDS`, whose ``array_path`` then is one of its arrays; ``finding`` exactly for ``boxes``,
    which have no array.
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
    tiled: TiledAnswer | None = None
    finding: Finding | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.opacity <= 1.0:
            raise UsageError(f"The opacity {self.opacity} of “{self.title}” is not between 0 and 1.")
