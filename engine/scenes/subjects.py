"""What is known of each class of a scene, as :class:`~engine.text.description.Subject` records.

Facts near a threshold are left out: a lake of a few pixels, a thing on the border between two cells of the nine, an
area near the edge of its bin. What is said here, a person could see.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes import measures
from engine.scenes.facts import Facts, Thing
from engine.scenes.scene import COVERS, KINDS, MARKS, OBJECTS, WATERS, Line
from engine.text import LOCATION_ANSWERS, NOUNS, Subject
from engine.text.vocabulary import AREA_EDGES_PX, LENGTH_CAP_PX, LENGTH_STEP_PX

VIEW_PX = 256
SEEN_SHARE = 0.012
"""A cover or a water body below this share of the view (28 x 28 of 256 x 256) is not asked about."""

SEEN_WAY_SHARE = 0.006
"""The same for roads and the like, which are long and thin: half the length of the view at the least width."""

_SEEN_CELL_SHARE, _CELL_MARGIN_PX = 0.1, 5
_OBJECT_PX = 4
"""What is left of a thing under others, if it is less than this many pixels, is neither there nor not there."""

_LARGEST_RATIO = 1.4
_AREA_MARGIN, _LENGTH_MARGIN, _LENGTH_MARGIN_PX = 0.08, 0.06, 3.0
_PATCHES = ("lake", "forest", "farmland", "grassland", "bare land", "built-up area", "concrete", "wetland")
_WAYS = ("road", "wide road", "narrow road", "runway", "pier")
_FABRIC_HIDES = ("building", "crossroad", "T junction")


class SubjectReader:
    """Reads the subjects off the facts of one scene."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.scene = facts.scene
        self.size = facts.scene.size
        self.scale = VIEW_PX / self.size
        self.textured = has_textured_town(facts)
        kinds = [item.kind if item.name == "road" else "" for item in self.scene.items]
        self._kinds = np.array(kinds)
        self._names = np.array([item.name for item in self.scene.items])

    def read(self) -> tuple[Subject, ...]:
        """Every class, kind and superlative of which something is known, in a fixed order."""
        found: list[Subject] = []
        for name in (*OBJECTS, *MARKS):
            found += self._counted(name, self.facts.named(name))
        for kind in KINDS["ship"]:
            ships = [thing for thing in self.facts.named("ship") if thing.kind == kind]
            found += self._counted(kind, ships)
        for name in (*COVERS, *WATERS):
            found += self._cover(name)
        for name in _WAYS:
            found += self._way(name)
        return tuple(found)

    # ---- things that are counted

    def _counted(self, name: str, things: list[Thing]) -> list[Subject]:
        """A class of objects or marks: presence, count, place of a single one, distribution, length of bridges."""
        if any(thing.area_px < _OBJECT_PX for thing in things):
            return []
        if name in _FABRIC_HIDES and self.textured:
            return [Subject(name, present=True if things else None)]
        single = things[0] if len(things) == 1 else None
        points = [thing.centre for thing in things]
        spread = "single" if single else measures.distribution(points, self.size)
        found = [
            Subject(
                name,
                present=bool(things),
                cells=self._cells_of_things(things),
                count=len(things),
                location=measures.place(single.box, self.size) if single else None,
                distribution=spread,
                length_px=self._object_length(single) if single else None,
            )
        ]
        plural = NOUNS[name].many
        if len(things) > 1 and plural in NOUNS:
            found.append(Subject(plural, location=measures.place(_union(things), self.size)))
        if name == "bridge" and len(things) > 1:
            found += self._longest(name, things)
        return found

    def _cells_of_things(self, things: list[Thing]) -> tuple[tuple[str, bool], ...]:
        """Cells that hold a thing wholly, and cells that none comes near."""
        if not things:
            return ()
        edges = [round(self.size * third / 3) for third in range(4)]
        cells = []
        for index, word in enumerate(LOCATION_ANSWERS):
            row, column = divmod(index, 3)
            cell = (edges[column], edges[row], edges[column + 1], edges[row + 1])
            if any(_inside(thing.box, cell) for thing in things):
                cells.append((word, True))
            elif not any(_touch(thing.box, cell, _CELL_MARGIN_PX) for thing in things):
                cells.append((word, False))
        return tuple(cells)

    def _object_length(self, thing: Thing) -> float | None:
        """Length of a bridge in the view; of other objects nothing is asked."""
        shape = self.scene.items[thing.item].shape
        if thing.name != "bridge" or thing.item < 0 or not isinstance(shape, Line):
            return None
        return self._clear_length(measures.path_length(measures.along_line(shape.points, self.size)))

    def _longest(self, name: str, things: list[Thing]) -> list[Subject]:
        lengths = sorted(((self._line_length(thing), thing.id) for thing in things), reverse=True)
        if lengths[0][0] < 1.25 * lengths[1][0]:
            return []
        longest = self.facts.things[lengths[0][1]]
        where = measures.place(longest.box, self.size)
        return [Subject(f"longest {name}", location=where, length_px=self._clear_length(lengths[0][0]))]

    def _line_length(self, thing: Thing) -> float:
        shape = self.scene.items[thing.item].shape
        return measures.path_length(measures.along_line(shape.points, self.size)) if isinstance(shape, Line) else 0.0

    # ---- land cover and water

    def _cover(self, name: str) -> list[Subject]:
        """A cover or water body: presence, area, and where it comes in patches, their number and the largest one."""
        share = self.facts.shares[name]
        if share == 0:
            return [Subject(name, present=False, count=0 if name in _PATCHES else None)]
        if share < SEEN_SHARE:
            return []
        mask = self._mask(name)
        patches = sorted(self.facts.named(name), key=lambda thing: -thing.area_px)
        single = patches[0] if len(patches) == 1 and patches[0].area_px > 0.97 * share * self.size**2 else None
        found = [
            Subject(
                name,
                present=True,
                cells=self._cells_of_mask(mask),
                count=len(patches) if name in _PATCHES and self._countable(mask, patches) else None,
                area_px=self._clear_area(share * self.size**2),
                location=measures.place(single.box, self.size) if single else None,
                shape=self._shape(single) if single and name != "river" else None,
            )
        ]
        if name == "river":
            found[0] = self._river(found[0])
        if len(patches) > 1 and patches[0].area_px > _LARGEST_RATIO * patches[1].area_px and f"largest {name}" in NOUNS:
            found.append(self._largest(name, patches[0]))
        return found

    def _largest(self, name: str, patch: Thing) -> Subject:
        return Subject(
            f"largest {name}",
            location=measures.place(patch.box, self.size),
            area_px=self._clear_area(patch.area_px),
            shape=self._shape(patch),
        )

    def _shape(self, patch: Thing) -> str | None:
        """The shape of a patch that lies wholly in the view and is large enough to have one."""
        if not patch.whole or patch.area_px * self.scale**2 < 300:
            return None
        left, top, right, bottom = patch.box
        return measures.patch_shape(self.facts.labels[patch.name][top:bottom, left:right] == patch.id + 1)

    def _mask(self, name: str) -> NDArray[np.bool_]:
        """Where a cover, water body or way is the surface, scraps included."""
        labels = self.facts.labels[name]
        if name in ("road", "runway", "pier"):
            return np.asarray((self._names == name)[self.facts.top])
        wanted = np.isin(self._names, WATERS) if name == "water" else self._names == name
        return np.asarray(wanted[self.facts.ground] & ((labels > 0) | ~self._on_way()))

    def _on_way(self) -> NDArray[np.bool_]:
        return np.asarray(np.isin(self._names, ("road", "runway", "pier", "paved", "bridge"))[self.facts.top])

    def _cells_of_mask(self, mask: NDArray[np.bool_]) -> tuple[tuple[str, bool], ...]:
        """Cells of which a tenth is covered, and cells in and near which there is nothing of it."""
        edges = [round(self.size * third / 3) for third in range(4)]
        cells = []
        for index, word in enumerate(LOCATION_ANSWERS):
            row, column = divmod(index, 3)
            rows, columns = slice(edges[row], edges[row + 1]), slice(edges[column], edges[column + 1])
            near = mask[_wider(rows), _wider(columns)]
            if mask[rows, columns].mean() >= _SEEN_CELL_SHARE:
                cells.append((word, True))
            elif not near.any():
                cells.append((word, False))
        return tuple(cells)

    def _countable(self, mask: NDArray[np.bool_], patches: list[Thing]) -> bool:
        """Whether the number of patches does not hang on scraps, thin necks or narrow gaps.

        It has to stay the same when the view is seen at half its size, once generously and once strictly.
        """
        even = self.size // 2 * 2
        blocks = mask[:even, :even].reshape(even // 2, 2, even // 2, 2)
        for half in (blocks.any(axis=(1, 3)), blocks.all(axis=(1, 3))):
            if int(ndimage.label(half, np.ones((3, 3)))[1]) != len(patches):
                return False
        return all(patch.area_px * self.scale**2 >= 120 for patch in patches)

    def _river(self, river: Subject) -> Subject:
        """Length and shape of the only river, bridges counting as river."""
        band = (self._names == "river")[self.facts.ground]
        if len(np.unique(self.facts.ground[band])) != 1 or int(ndimage.label(band, np.ones((3, 3)))[1]) != 1:
            return river
        land = ndimage.distance_transform_edt(np.pad(np.isin(self._names, WATERS)[self.facts.ground], 4, mode="edge"))
        length = measures.band_length(band, land[4:-4, 4:-4])
        middle = measures.band_middle(band)
        return Subject(
            river.name, river.present, river.cells, river.count, river.area_px,
            length_px=None if length is None else self._clear_length(length),
            shape=None if middle is None else measures.line_shape(middle),
        )  # fmt: skip

    # ---- roads, runways, piers

    def _way(self, name: str) -> list[Subject]:
        """Roads by kind and together, runways, piers: presence; length and shape of the only one."""
        kind = name.removesuffix("road").strip() if name.endswith(" road") else ""
        base = "road" if name.endswith("road") else name
        of_name = (self._names == base) & ((self._kinds == kind) if kind else True)
        mask = of_name[self.facts.top]
        share = float(mask.mean())
        if share == 0:
            return [] if base == "road" and self.textured else [Subject(name, present=False)]
        if share * self.size < SEEN_WAY_SHARE * VIEW_PX:
            return []
        items = [i for i in np.unique(self.facts.top[mask]).tolist() if isinstance(self.scene.items[i].shape, Line)]
        only = self._only_line(items, of_name)
        shape = None if only is None else measures.line_shape(only)
        length = None if only is None else self._clear_length(measures.path_length(only))
        where = None if only is None else measures.place(_box_of(only), self.size)
        cells = () if base == "road" and self.textured else self._cells_of_mask_way(mask)
        return [Subject(name, present=True, cells=cells, length_px=length, shape=shape, location=where)]

    def _cells_of_mask_way(self, mask: NDArray[np.bool_]) -> tuple[tuple[str, bool], ...]:
        """As for covers, but a twentieth of a cell is enough of what is thin."""
        edges = [round(self.size * third / 3) for third in range(4)]
        cells = []
        for index, word in enumerate(LOCATION_ANSWERS):
            row, column = divmod(index, 3)
            rows, columns = slice(edges[row], edges[row + 1]), slice(edges[column], edges[column + 1])
            if mask[rows, columns].mean() >= 0.02:
                cells.append((word, True))
            elif not mask[_wider(rows), _wider(columns)].any():
                cells.append((word, False))
        return tuple(cells)

    def _only_line(self, items: list[int], of_name: NDArray[np.bool_]) -> NDArray[np.float64] | None:
        """Points along the one line of its name in the view, if nearly all of it can be seen."""
        if len(items) != 1 or (self._names[items[0]] == "road" and self.textured):
            return None
        shape = self.scene.items[items[0]].shape
        points = measures.along_line(shape.points, self.size) if isinstance(shape, Line) else np.zeros((0, 2))
        if len(points) < 20:
            return None
        columns, rows = np.minimum(points.astype(np.intp), self.size - 1).T
        on_top = np.isin(self._names, ("bridge", "vehicle", "airplane", "road", "runway", "pier"))[
            self.facts.top[rows, columns]
        ]
        return points if on_top.mean() > 0.95 else None

    # ---- clear of the edges of bins

    def _clear_area(self, pixels: float) -> float | None:
        """An area in pixels of the 256 view, if it is not within 8 % of the edge of a bin."""
        area = pixels * self.scale**2
        near = any(abs(area - edge) < _AREA_MARGIN * edge for edge in AREA_EDGES_PX)
        return None if near else area

    def _clear_length(self, pixels: float) -> float | None:
        """A length in pixels of the 256 view, if it is not within 6 % or 3 pixels of the edge of a bin."""
        length = pixels * self.scale
        edge = min(max(round(length / LENGTH_STEP_PX), 1) * LENGTH_STEP_PX, LENGTH_CAP_PX)
        return None if abs(length - edge) < max(_LENGTH_MARGIN_PX, _LENGTH_MARGIN * length) else length


def has_textured_town(facts: Facts) -> bool:
    """Whether a town is seen whose houses and streets are texture only: no building of its own stands on it.

    The renderers draw houses in it, so that neither buildings nor roads can be counted or denied.
    """
    items = facts.scene.items
    towns = [index for index in np.unique(facts.ground).tolist() if items[index].name == "built-up area"]
    last = facts.scene.size - 1
    homes = [facts.ground[min(int(t.centre[1]), last), min(int(t.centre[0]), last)] for t in facts.named("building")]
    return any(town not in homes for town in towns)


def _union(things: list[Thing]) -> tuple[int, int, int, int]:
    boxes = [thing.box for thing in things]
    return (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))


def _box_of(points: NDArray[np.float64]) -> tuple[int, int, int, int]:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return int(left), int(top), int(right) + 1, int(bottom) + 1


def _inside(box: tuple[int, int, int, int], cell: tuple[int, int, int, int]) -> bool:
    return box[0] >= cell[0] and box[1] >= cell[1] and box[2] <= cell[2] and box[3] <= cell[3]


def _touch(box: tuple[int, int, int, int], cell: tuple[int, int, int, int], margin: int) -> bool:
    return (
        box[0] < cell[2] + margin
        and box[2] > cell[0] - margin
        and box[1] < cell[3] + margin
        and box[3] > cell[1] - margin
    )


def _wider(span: slice) -> slice:
    return slice(max(span.start - _CELL_MARGIN_PX, 0), span.stop + _CELL_MARGIN_PX)
