"""What the readers of a scene's facts share: masks by name, the nine cells, and what is clear of the edges of bins."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.scenes.scene import WATERS
from engine.scenes.truths.facts import Box, Facts, Thing, has_textured_town
from engine.text import LOCATION_ANSWERS
from engine.text.vocabulary import AREA_EDGES_PX, LENGTH_CAP_PX, LENGTH_STEP_PX, VIEW_PX

Cells = tuple[tuple[str, bool], ...]

SEEN_SHARE = 0.012
"""A cover or a water body below this share of the view (28 x 28 of 256 x 256) is not asked about."""

LARGEST_RATIO = 1.4
"""By how much the largest patch has to exceed the next, to be named as that."""

_CELL_MARGIN_PX = 5
_AREA_MARGIN = 0.08
_LENGTH_MARGIN, _LENGTH_MARGIN_PX = 0.06, 3.0
_FABRIC_HIDES = ("building", "crossroad", "T junction")


class Reading:
    """The facts of one scene, with what several readers need of them. ``scale`` brings pixels to the 256 view."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.scene = facts.scene
        self.size = facts.scene.size
        self.scale = VIEW_PX / self.size
        self.names = np.array([item.name for item in self.scene.items])
        self.kinds = np.array([item.kind for item in self.scene.items])

    @cached_property
    def textured(self) -> bool:
        """Whether :func:`~engine.scenes.truths.facts.has_textured_town`."""
        return has_textured_town(self.facts)

    def uncountable(self, name: str) -> bool:
        """Whether a textured town may hold more of a class than there are items."""
        return name in _FABRIC_HIDES and self.textured

    @cached_property
    def on_way(self) -> NDArray[np.bool_]:
        """Where a way or a bridge covers the ground, [size, size]."""
        return np.asarray(np.isin(self.names, ("road", "runway", "pier", "paved", "bridge"))[self.facts.top])

    def cover_mask(self, name: str) -> NDArray[np.bool_]:
        """Where a cover or water body is the surface, scraps included, [size, size]."""
        wanted = np.isin(self.names, WATERS) if name == "water" else self.names == name
        return np.asarray(wanted[self.facts.ground] & ~self.on_way)

    # ---- the nine cells

    def cells_of_things(self, things: list[Thing]) -> Cells:
        """Cells that hold a thing wholly, and cells that none comes near."""
        found = []
        for word, (left, top, right, bottom) in self._cells() if things else ():
            near = _grown((left, top, right, bottom))
            if any(t.box[0] >= left and t.box[1] >= top and t.box[2] <= right and t.box[3] <= bottom for t in things):
                found.append((word, True))
            elif not any(_touch(thing.box, near) for thing in things):
                found.append((word, False))
        return tuple(found)

    def cells_of_mask(self, mask: NDArray[np.bool_], enough: float) -> Cells:
        """Cells of which the share ``enough`` is covered, and cells in and near which there is nothing of it."""
        found = []
        for word, cell in self._cells():
            left, top, right, bottom = _grown(cell)
            if mask[cell[1] : cell[3], cell[0] : cell[2]].mean() >= enough:
                found.append((word, True))
            elif not mask[max(top, 0) : bottom, max(left, 0) : right].any():
                found.append((word, False))
        return tuple(found)

    def _cells(self) -> list[tuple[str, Box]]:
        edges = [round(self.size * third / 3) for third in range(4)]
        places = ((row, column) for row in range(3) for column in range(3))
        boxes = [(edges[column], edges[row], edges[column + 1], edges[row + 1]) for row, column in places]
        return list(zip(LOCATION_ANSWERS, boxes, strict=True))

    # ---- clear of the edges of bins

    def clear_area(self, pixels: float) -> float | None:
        """An area of the view in pixels of the 256 view, if it is not within 8 % of the edge of a bin."""
        area = pixels * self.scale**2
        near = any(abs(area - edge) < _AREA_MARGIN * edge for edge in AREA_EDGES_PX)
        return None if near else area

    def clear_length(self, pixels: float, *, unsure: float = 0.0) -> float | None:
        """A length in pixels of the 256 view, if it is not within 6 %, 3 pixels or ``unsure`` of the edge of a bin."""
        length = pixels * self.scale
        edge = min(max(round(length / LENGTH_STEP_PX), 1) * LENGTH_STEP_PX, LENGTH_CAP_PX)
        margin = max(_LENGTH_MARGIN_PX, _LENGTH_MARGIN * length, unsure * self.scale)
        return None if abs(length - edge) < margin else length


def _grown(cell: Box) -> Box:
    margin = _CELL_MARGIN_PX
    return cell[0] - margin, cell[1] - margin, cell[2] + margin, cell[3] + margin


def _touch(box: Box, other: Box) -> bool:
    return box[0] < other[2] and box[2] > other[0] and box[1] < other[3] and box[3] > other[1]
