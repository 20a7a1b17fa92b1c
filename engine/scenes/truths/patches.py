"""What is known of land cover and water: areas, patches and their shapes, and the river."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes.scene import COVERS, WATERS
from engine.scenes.truths import measures
from engine.scenes.truths.facts import Thing
from engine.scenes.truths.reading import LARGEST_RATIO, SEEN_SHARE, Reading
from engine.text import NOUNS, Subject

PATCHED = ("lake", "forest", "farmland", "grassland", "bare land", "built-up area", "concrete", "wetland")
"""Covers and waters that come in patches which can be counted."""

_CELL_SHARE = 0.1
_LEAST_COUNTED_PX, _LEAST_SHAPED_PX = 120, 300
_STRANGERS, _SECOND_PIECE, _SCRAPS = 0.04, 0.1, 0.03
_EIGHT = np.ones((3, 3))


class Patches:
    """The patches of one cover or water body, the largest first.

    Whether two patches touch can hang on a pixel. So each is looked at again in the view at a third of its size, once
    generously (a pixel counts if one of its nine does) and once strictly (if all do).
    """

    def __init__(self, reading: Reading, name: str) -> None:
        self.name = name
        self.mask = reading.cover_mask(name)
        self.things = sorted(reading.facts.named(name), key=lambda thing: -thing.area_px)
        self._labels = reading.facts.labels[name]
        self._scale = reading.scale
        end = self.mask.shape[0] // 3 * 3
        self._third = (slice(1, end, 3), slice(1, end, 3))
        nine = [self.mask[row:end:3, column:end:3] for row in range(3) for column in range(3)]
        self._generous, self._joined = ndimage.label(np.logical_or.reduce(nine), _EIGHT)
        self._strict, self._parted = ndimage.label(np.logical_and.reduce(nine), _EIGHT)

    def count(self) -> int | None:
        """How many there are, if that does not hang on scraps, thin necks or narrow gaps."""
        clear = self._joined == self._parted == len(self.things)
        large = all(thing.area_px * self._scale**2 >= _LEAST_COUNTED_PX for thing in self.things)
        return len(self.things) if clear and large else None

    def standing_out(self) -> tuple[str, Thing] | None:
        """The only patch, or the one that is clearly the largest, with its name; None where its outline is unsure."""
        if not self.things:
            return None
        first = self.things[0]
        if first.area_px >= (1 - _SCRAPS) * self.mask.sum():
            name = self.name
        elif len(self.things) > 1 and first.area_px > LARGEST_RATIO * self.things[1].area_px:
            name = f"largest {self.name}"
        else:
            return None
        return (name, first) if name in NOUNS and self._sure(first) else None

    def _sure(self, thing: Thing) -> bool:
        """Whether it neither nearly joins another patch nor nearly falls apart."""
        own = self._labels[self._third] == thing.id + 1
        if not own.any():
            return False
        home = int(np.bincount(self._generous[own]).argmax())
        strangers = int(((self._generous == home) & ~own & self.mask[self._third]).sum())
        pieces = np.sort(np.bincount(self._strict[own])[1:])
        if strangers > _STRANGERS * own.sum() or not len(pieces):
            return False
        return len(pieces) == 1 or bool(pieces[-2] <= _SECOND_PIECE * pieces[-1])

    def shape(self, thing: Thing) -> str | None:
        """The shape of a patch that lies wholly in the view and is large enough to have one."""
        if not thing.whole or thing.area_px * self._scale**2 < _LEAST_SHAPED_PX:
            return None
        left, top, right, bottom = thing.box
        return measures.patch_shape(self._labels[top:bottom, left:right] == thing.id + 1)


def read_patches(reading: Reading) -> tuple[list[Subject], list[tuple[str, Thing]]]:
    """Every cover and water body; and of those in patches the one that stands out, with its name."""
    found: list[Subject] = []
    named: list[tuple[str, Thing]] = []
    for name in (*COVERS, *WATERS):
        share = reading.facts.shares[name]
        if share == 0:
            found.append(Subject(name, present=False, count=0 if name in PATCHED else None))
        elif share >= SEEN_SHARE:
            found += _river(reading) if name == "river" else _cover(reading, name, named)
    return found, named


def _cover(reading: Reading, name: str, all_named: list[tuple[str, Thing]]) -> list[Subject]:
    patches = Patches(reading, name)
    named = patches.standing_out()
    own: list[Subject] = []
    place, shape = None, None
    if named is not None:
        all_named.append(named)
        place, shape = measures.place(named[1].box, reading.size), patches.shape(named[1])
        if named[0] != name:
            area = reading.clear_area(named[1].area_px)
            own.append(Subject(named[0], location=place, area_px=area, shape=shape))
            place, shape = None, None
    general = Subject(
        name,
        present=True,
        cells=reading.cells_of_mask(patches.mask, _CELL_SHARE),
        count=patches.count() if name in PATCHED else None,
        area_px=reading.clear_area(float(patches.mask.sum())),
        location=place,
        shape=shape,
    )
    return [general, *own]


def _river(reading: Reading) -> list[Subject]:
    """The river: its area without, its length and shape with what lies under bridges; both of a single one only."""
    mask = reading.cover_mask("river")
    band = np.asarray((reading.names == "river")[reading.facts.ground])
    length, shape = None, None
    if len(np.unique(reading.facts.ground[band])) == 1 and int(ndimage.label(band, _EIGHT)[1]) == 1:
        length = measures.band_length(band, _to_land(reading))
        middle = measures.band_middle(band)
        shape = None if middle is None else measures.line_shape(middle)
    return [
        Subject(
            "river",
            present=True,
            cells=reading.cells_of_mask(mask, _CELL_SHARE),
            area_px=reading.clear_area(float(mask.sum())),
            length_px=None if length is None else reading.clear_length(length, unsure=band.sum() / length),
            shape=shape,
        )
    ]


def _to_land(reading: Reading) -> NDArray[np.float64]:
    """Distance of each pixel to land, [size, size]; beyond the border it goes on as at it."""
    wet = np.isin(reading.names, WATERS)[reading.facts.ground]
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(wet, 4, mode="edge"))
    return distance[4:-4, 4:-4]
