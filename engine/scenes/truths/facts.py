"""What can be seen of a scene, measured on its maps: the one source of every question, expression, box and mask.

Truth is read off the painted map, not off the intentions: what a later item hides is not there. Everything is in
pixels of the view, columns then rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from engine.scenes.paint import paint_items
from engine.scenes.scene import COVERS, MARKS, OBJECTS, WATERS, Polygon, Scene

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, half-open."""

SEEN_PATCH_PX = 60
"""A patch of land cover below this many pixels (of any view) is a scrap, not a patch."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One object, mark, or connected patch of a cover, water body or way, as far as it is visible.

    ``id`` is its index in :attr:`Facts.things`; ``item`` the index into ``scene.items`` for an object, -1 else.
    ``box`` bounds its visible pixels; ``centre`` is their middle; ``area_px`` counts them. ``whole`` says that nothing
    of it is cut off by the border of the view, ``group`` is the item's.
    """

    id: int
    name: str
    kind: str
    colour: str
    item: int
    box: Box
    centre: tuple[float, float]
    area_px: int
    angle_deg: float
    whole: bool
    group: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is visible. ``top`` is the item on top, ``ground`` the cover or water item beneath, int32 [size, size].

    ``labels`` has one map per class of patches (int32 [size, size]: 0, or the patch's thing id + 1). ``shares`` is
    the visible share (0..1) of the view per cover, water body and way; what stands on a cover counts as that cover,
    a way does not. ``counts`` are the things per class of :data:`OBJECTS` and :data:`MARKS`.
    """

    scene: Scene
    top: NDArray[np.int32]
    ground: NDArray[np.int32]
    things: tuple[Thing, ...]
    labels: dict[str, NDArray[np.int32]]
    shares: dict[str, float]
    counts: dict[str, int]

    def named(self, name: str) -> list[Thing]:
        """The things of one class."""
        return [thing for thing in self.things if thing.name == name]

    def mask(self, thing: Thing) -> NDArray[np.bool_]:
        """Its pixels, bool [size, size]; a mark's are those inside its outline."""
        if thing.item >= 0:
            return np.asarray(self.top == thing.item)
        return np.asarray(self.labels[thing.name] == thing.id + 1)


def measure(scene: Scene, top: NDArray[np.int32]) -> Facts:
    """The facts of ``scene`` as its item map ``top``, int32 [size, size], shows them."""
    things: list[Thing] = []
    labels: dict[str, NDArray[np.int32]] = {}
    _objects(scene, top, things)
    ground = _ground(scene, top)
    surface = _surface(scene, top, ground)
    shares: dict[str, float] = {}
    for name in (*COVERS, *WATERS, "road", "runway", "pier"):
        mask = surface == _CODES[name] if name != "water" else np.isin(surface, [_CODES[w] for w in WATERS])
        shares[name] = float(mask.mean())
        if mask.any():
            labels[name] = _patches(name, mask, things)
    for name in MARKS:
        labels[name] = _marks(scene, name, things)
    counts = {name: sum(thing.name == name for thing in things) for name in (*OBJECTS, *MARKS)}
    return Facts(scene, top, ground, tuple(things), labels, shares, counts)


_CODES = {name: code for code, name in enumerate((*COVERS, *WATERS, "road", "runway", "pier", "paved", "bridge"))}


def has_textured_town(facts: Facts) -> bool:
    """Whether a town is seen whose houses and streets are texture only: no building of its own stands on it.

    The renderers draw houses in it, so that neither buildings nor roads nor junctions can be counted or denied.
    """
    names = np.array([item.name for item in facts.scene.items])
    seen = np.bincount(facts.ground.ravel(), minlength=len(names)) > 0
    towns = np.flatnonzero(seen & (names == "built-up area"))
    last = facts.scene.size - 1
    homes = {
        int(facts.ground[min(int(thing.centre[1]), last), min(int(thing.centre[0]), last)])
        for thing in facts.named("building")
    }
    return any(town not in homes for town in towns.tolist())


def _ground(scene: Scene, top: NDArray[np.int32]) -> NDArray[np.int32]:
    """The cover or water item under each pixel: what a later object or way stands on."""
    covers = [index for index, item in enumerate(scene.items) if item.cover is not None]
    if len(covers) == len(scene.items):
        return top
    painted = paint_items((scene.items[index] for index in covers), scene.size)
    ground: NDArray[np.int32] = np.array(covers, np.int32)[painted]
    return ground


def _surface(scene: Scene, top: NDArray[np.int32], ground: NDArray[np.int32]) -> NDArray[np.int32]:
    """A code of ``_CODES`` per pixel: the way on top, else the cover or water beneath whatever stands there."""
    is_way = [item.name in ("road", "runway", "pier", "paved", "bridge") for item in scene.items]
    codes = np.array([_CODES.get(item.name, -1) for item in scene.items], np.int32)
    surface: NDArray[np.int32] = np.where(np.array(is_way)[top], codes[top], codes[ground])
    return surface


def _objects(scene: Scene, top: NDArray[np.int32], things: list[Thing]) -> None:
    """Every counted item of which at least a pixel is visible."""
    found = ndimage.find_objects(top + 1, max_label=len(scene.items))
    for index, (item, where) in enumerate(zip(scene.items, found, strict=True)):
        if where is None or item.name not in OBJECTS:
            continue
        mask = top[where] == index
        things.append(
            _thing(len(things), item.name, mask, where, scene.size,
                   kind=item.kind, colour=item.colour, item=index, angle_deg=item.angle_deg, group=item.group)
        )  # fmt: skip


def _patches(name: str, mask: NDArray[np.bool_], things: list[Thing]) -> NDArray[np.int32]:
    """Connected patches (8 neighbours) of at least ``SEEN_PATCH_PX`` pixels, as things and as a map of their ids."""
    labelled, count = ndimage.label(mask, np.ones((3, 3)))
    ids = np.zeros(count + 1, np.int32)
    for label, where in enumerate(ndimage.find_objects(labelled), start=1):
        part = labelled[where] == label
        if part.sum() >= SEEN_PATCH_PX:
            ids[label] = len(things) + 1
            things.append(_thing(len(things), name, part, where, mask.shape[0]))
    placed: NDArray[np.int32] = ids[labelled]
    return placed


def _marks(scene: Scene, name: str, things: list[Thing]) -> NDArray[np.int32]:
    """The marks of one class; of two that overlap the later one has the shared pixels."""
    placed = np.zeros((scene.size, scene.size), np.int32)
    for mark in scene.marks:
        if mark.name == name:
            inside = _inside(mark.outline, scene.size)
            where = ndimage.find_objects(inside.astype(np.int32))
            if where:
                placed[inside] = len(things) + 1
                things.append(_thing(len(things), name, inside[where[0]], where[0], scene.size))
    return placed


def _inside(outline: Polygon, size: int) -> NDArray[np.bool_]:
    image = Image.new("1", (size, size), 0)
    ImageDraw.Draw(image).polygon(outline.points, fill=1)
    return np.array(image, dtype=bool)


def _thing(
    number: int, name: str, mask: NDArray[np.bool_], where: tuple[slice, slice], size: int, *,
    kind: str = "", colour: str = "", item: int = -1, angle_deg: float = 0.0, group: int = 0,
) -> Thing:  # fmt: skip
    """Measure ``mask``, cut out of the view at ``where``."""
    top, left, bottom, right = where[0].start, where[1].start, where[0].stop, where[1].stop
    rows, columns = np.nonzero(mask)
    centre = (left + float(columns.mean()) + 0.5, top + float(rows.mean()) + 0.5)
    whole = top > 0 and left > 0 and bottom < size and right < size
    box = (left, top, right, bottom)
    return Thing(number, name, kind, colour, item, box, centre, int(mask.sum()), angle_deg, whole, group)
