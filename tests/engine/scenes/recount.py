"""The facts of a scene by other means: scikit-image draws the vectors again, and the picture alone is measured.

Nothing here is shared with :mod:`engine.scenes.truths.facts`, ``measures`` or ``truth``: polygons are filled by
scikit-image at pixel centres, patches are labelled and measured by it, lengths are those of skeletons or of shapely's
rectangles.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from skimage import draw, measure, morphology

from engine.scenes import Question
from engine.scenes.scene import COVERS, MARKS, WATERS, Disc, Item, Mark, Polygon, Scene
from engine.text import ANSWERS, NOUNS, TEMPLATES
from engine.text.questions import _CELLS, _CHECKED, _LEADS, _SIDES

WAYS = ("road", "runway", "pier", "paved", "bridge")


def outlines(item: Item) -> Iterator[list[tuple[float, float]]]:
    """Polygons that together are the item."""
    shape = item.shape
    if isinstance(shape, Polygon):
        yield list(shape.points)
    elif isinstance(shape, Disc):
        yield circle(shape.centre, shape.radius + 0.3)
    else:
        width = max(1.0, round(shape.width))
        for (ax, ay), (bx, by) in zip(shape.points, shape.points[1:], strict=False):
            length = math.hypot(bx - ax, by - ay)
            if length > 0:
                nx, ny = -(by - ay) / length * width / 2, (bx - ax) / length * width / 2
                yield [(ax + nx, ay + ny), (bx + nx, by + ny), (bx - nx, by - ny), (ax - nx, ay - ny)]
        for joint in shape.points[1:-1]:
            yield circle(joint, width / 2)


def circle(centre: tuple[float, float], radius: float) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    return [(centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles]


def redraw(scene: Scene, indices: list[int]) -> NDArray[np.int32]:
    """The index of the item on top at each pixel, of those in ``indices`` alone."""
    out = np.full((scene.size, scene.size), indices[0], np.int32)
    for index in indices[1:]:
        for points in outlines(scene.items[index]):
            x, y = np.array(points).T
            rows, columns = draw.polygon(y, x, out.shape)  # type: ignore[no-untyped-call]
            out[rows, columns] = index
    return out


class Recount:
    """The facts of a scene, from the redrawn picture alone."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.size = scene, scene.size
        self.top = redraw(scene, list(range(len(scene.items))))
        self.ground = redraw(scene, [i for i, item in enumerate(scene.items) if item.cover is not None])
        self.names = np.array([item.name for item in scene.items], "U24")
        self.kinds = np.array([item.kind for item in scene.items], "U24")
        self.mask = cache(self._mask)
        self.patches = cache(self._patches)

    def _mask(self, name: str) -> NDArray[np.bool_]:
        """Where a class, a kind or a mark is."""
        if name in MARKS:
            return self._drawn([mark for mark in self.scene.marks if mark.name == name])
        if name in COVERS or name in WATERS:
            wanted = np.isin(self.names, WATERS if name == "water" else [name])[self.ground]
            return wanted & ~np.isin(self.names, WAYS)[self.top]
        if name.endswith(" road"):
            return ((self.names == "road") & (self.kinds == name.split(maxsplit=1)[0]))[self.top]
        if name in ("cargo ship", "boat"):
            return ((self.names == "ship") & (self.kinds == name))[self.top]
        return (self.names == name)[self.top]

    def _patches(self, name: str) -> list[Any]:
        """Its connected parts as region properties, the largest first; scraps of covers left out; marks one by one."""
        if name in MARKS:
            found = [region for mark in self.scene.marks if mark.name == name for region in self._regions([mark])]
        else:
            least = 60 if name in COVERS or name in WATERS else 1
            found = measure.regionprops(measure.label(self.mask(name), connectivity=2))  # type: ignore[no-untyped-call]
            found = [part for part in found if part.area >= least]
        return sorted(found, key=lambda part: -part.area)

    def _regions(self, marks: list[Mark]) -> list[Any]:
        return measure.regionprops(self._drawn(marks).astype(int))  # type: ignore[no-untyped-call,no-any-return]

    def _drawn(self, marks: list[Mark]) -> NDArray[np.bool_]:
        found = np.zeros(self.top.shape, bool)
        for mark in marks:
            x, y = np.array(mark.outline.points).T
            found[draw.polygon(y, x, found.shape)] = True  # type: ignore[no-untyped-call]
        return found

    def named(self, name: str) -> list[Any]:
        """The parts that a name of :data:`engine.text.NOUNS` means: one for superlatives, all else."""
        if name.startswith("largest "):
            return self.patches(name.removeprefix("largest "))[:1]
        if name.startswith("longest "):
            return [max(self.patches(name.removeprefix("longest ")), key=longer_side)]
        singular = {"storage tanks": "storage tank", "tennis courts": "tennis court"}.get(name, name.removesuffix("s"))
        return self.patches(name if name in self.names or name in COVERS or name in MARKS else singular)

    def share(self, name: str) -> float:
        return float(self.mask(name).mean())

    def area_px(self, name: str) -> float:
        """Square pixels of the 256 view."""
        parts = self.named(name) if name.startswith("largest ") else []
        pixels = parts[0].area if parts else self.mask(name).sum()
        return float(pixels) * (256 / self.size) ** 2

    def box(self, name: str) -> tuple[float, float, float, float]:
        """Top, left, bottom, right over all of it but scraps."""
        parts = self.named(name)
        least = 0.03 * sum(part.area for part in parts) if name in COVERS or name in WATERS else 0
        boxes = np.array([part.bbox for part in parts if part.area >= least])
        return (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))

    def middle(self, name: str) -> tuple[float, float]:
        """Column and row of its centroid."""
        row, column = self.named(name)[0].centroid
        return column, row


def longer_side(part: Any) -> float:
    """The longer side of shapely's smallest rectangle around a part's pixels."""
    rows, columns = part.coords.T
    corners = shapely.MultiPoint([(c + dx, r + dy) for r, c in zip(rows, columns, strict=True) for dx in (0.1, 0.9)
                                  for dy in (0.1, 0.9)])  # fmt: skip
    ring = np.array(corners.minimum_rotated_rectangle.exterior.coords)
    return float(np.hypot(*np.diff(ring, axis=0).T).max())


def fill_of_rectangle(part: Any) -> float:
    """How much of the smallest rectangle around it a part fills."""
    rows, columns = part.coords.T
    corners = [(c + dx, r + dy) for r, c in zip(rows, columns, strict=True) for dx in (0, 1) for dy in (0, 1)]
    return float(part.area) / float(shapely.MultiPoint(corners).minimum_rotated_rectangle.area)


def skeleton_path(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The longest path along the skeleton of a band, [N, 2] as columns and rows, smoothed a little.

    From any pixel to the farthest by steps, and from there to the farthest again.
    """
    bones = {(int(r), int(c)) for r, c in np.argwhere(morphology.skeletonize(mask))}
    start = next(iter(sorted(bones)))
    for _ in range(2):
        before: dict[tuple[int, int], tuple[int, int] | None] = {start: None}
        ring = [start]
        while ring:
            last_ring, last = ring, ring[-1]
            ring = []
            for spot in last_ring:
                for near in _neighbours(spot):
                    if near in bones and near not in before:
                        before[near] = spot
                        ring.append(near)
        end, path = last, []
        walk: tuple[int, int] | None = end
        while walk is not None:
            path.append(walk)
            walk = before[walk]
        start = end
    points = np.array(path, np.float64)[:, ::-1]
    kernel = min(9, len(points) // 2 * 2 - 1)
    if kernel < 3:
        return points
    padded = np.pad(points, ((kernel // 2, kernel // 2), (0, 0)), mode="reflect", reflect_type="odd")
    return np.stack([np.convolve(padded[:, axis], np.ones(kernel) / kernel, "valid") for axis in (0, 1)], 1)


def _neighbours(spot: tuple[int, int]) -> list[tuple[int, int]]:
    r, c = spot
    return [(r + dr, c + dc) for dr, dc in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))]


# ---- what a question asks, read from its words


def meaning(question: Question) -> tuple[str, ...]:
    """The slots of a question, from its text: keys of ``NOUNS`` and the word it tests."""
    template = TEMPLATES[question.template]
    text = question.text
    for lead in sorted({*_LEADS["train"], *_LEADS["held-out"]} - {""}):
        text = text.removeprefix(lead)
    for wording in (*template.train, *template.held_out):
        found = _pattern(wording).fullmatch(text)
        if found:
            return _slots(found.groupdict())
    raise ValueError(question.text)


@cache
def _pattern(wording: str) -> re.Pattern[str]:
    tested = [_CHECKED.get(word, word) for word in ANSWERS]
    words = {"cell": _CELLS.values(), "side": _SIDES.values(), "word": tested}
    seen: set[str] = set()

    def group(match: re.Match[str]) -> str:
        slot = match.group(1)
        if slot in seen:
            return f"(?P={slot})"
        seen.add(slot)
        form = slot.removeprefix("other_")
        if form in ("any", "many", "the", "mass"):
            forms = sorted({getattr(noun, form) for noun in NOUNS.values()}, key=len, reverse=True)
            return f"(?P<{slot}>{'|'.join(map(re.escape, forms))})"
        return f"(?P<{slot}>{'|'.join(map(re.escape, words[slot]))})"

    pieces = re.split(r"(\{\w+\})", wording)
    body = "".join(group(m) if (m := re.fullmatch(r"\{(\w+)\}", piece)) else re.escape(piece) for piece in pieces)
    return re.compile(body, re.IGNORECASE)


def _slots(groups: dict[str, str]) -> tuple[str, ...]:
    nouns: dict[str, str] = {}
    words = []
    for slot, form in groups.items():
        kind = slot.removeprefix("other_")
        if kind in ("any", "many", "the", "mass"):
            key = next(name for name, noun in NOUNS.items() if getattr(noun, kind).casefold() == form.casefold())
            nouns["other" if slot.startswith("other_") else "one"] = key
        else:
            table = {"cell": _CELLS, "side": _SIDES, "word": _CHECKED}[kind]
            words.append(next((word for word, phrase in table.items() if phrase == form), form))
    return (*(nouns[role] for role in ("one", "other") if role in nouns), *words)
