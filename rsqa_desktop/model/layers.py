"""What is drawn over the images, as records: the panes draw them, the layer list shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError
from engine.records import Box, Cleaning, Finding, Outline, TiledAnswer
from rsqa_desktop.model.marks import Thing

PaneName = Literal["optical", "sar"]
OverlayKind = Literal[
    "boxes",
    "outline",
    "probability",
    "regions",
    "attention",
    "word",
    "trust",
    "routing",
    "routing-share",
    "gate",
    "answers",
    "confidence",
]
OUTLINE_KINDS: tuple[OverlayKind, ...] = ("outline", "probability")
"""The mask and what it was cut out of; the other layers of an outline are reasons."""
TILE_KINDS: tuple[OverlayKind, ...] = ("answers", "confidence")
"""Maps of one value per tile, from a question over a grid of tiles; the others are reasons for one answer."""


@dataclass(frozen=True, slots=True)
class OverlayLayer:
    """What is drawn over the images as a layer: boxes, a mask, a reason for a result, or what was answered by tile.

    ``array_path`` names a float32 ``.npy`` of shape [rows, columns] spread over ``extent_px`` (full-resolution
    pixels of the scene's grid), NaN where the layer has nothing to say. ``low`` and ``high`` are the ends of its
    legend. ``panes`` are where it is drawn; ``sensor`` is what it is about, and gives its colour. ``tiled`` is there
    exactly for :data:`TILE_KINDS`, whose ``array_path`` then is one of its arrays; ``finding`` exactly for ``boxes``,
    which have no array; ``outline`` exactly for :data:`OUTLINE_KINDS`, whose arrays are bytes, as that record tells.
    ``cleaning`` is what the mask on screen is cut with: where it is not the outline's own, the mask is a preview.
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
    outline: Outline | None = None
    cleaning: Cleaning | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.opacity <= 1.0:
            raise UsageError(f"The opacity {self.opacity} of “{self.title}” is not between 0 and 1.")

    @property
    def things(self) -> tuple[Thing, ...]:
        """What can be chosen in it: boxes, or parts of the mask."""
        if self.finding is not None:
            return self.finding.boxes
        return self.outline.parts if self.outline is not None and self.kind == "outline" else ()

    @property
    def is_preview(self) -> bool:
        """Whether the mask is cut in another way than the outline's own, which is not known yet."""
        return self.outline is not None and self.cleaning not in (None, self.outline.cleaning)
