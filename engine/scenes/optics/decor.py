"""What makes things recognisable: markings, roofs, decks, drawn in metres and only where they are resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from engine.scenes.optics import decor_sports, decor_things, decor_ways
from engine.scenes.optics.materials import Colour
from engine.scenes.optics.sheet import Sheet
from engine.scenes.scene import Item, Scene
from engine.scenes.surface import FloatArray, bounds

Drawer = Callable[[Sheet, Item, Colour, Scene], None]

_DRAWERS: dict[str, Drawer] = {
    "road": decor_ways.road,
    "bridge": decor_ways.bridge,
    "runway": decor_ways.runway,
    "pier": decor_ways.pier,
    "paved": decor_ways.paved,
    "parking lot": decor_ways.parking_lot,
    "tennis court": decor_sports.tennis_court,
    "basketball court": decor_sports.basketball_court,
    "baseball diamond": decor_sports.baseball_diamond,
    "ground track field": decor_sports.ground_track_field,
    "swimming pool": decor_sports.swimming_pool,
    "building": decor_things.building,
    "storage tank": decor_things.storage_tank,
    "ship": decor_things.ship,
    "airplane": decor_things.airplane,
    "vehicle": decor_things.vehicle,
    "transmission tower": decor_things.transmission_tower,
}

_WINDOW = 512
"""Pixels of the view that are drawn at a time, so that a large view needs no more memory for its details."""


def draw_details(colour: FloatArray, scene: Scene, albedos: Sequence[Colour]) -> None:
    """Lay the details of every item over ``colour``, float32 [size, size, 3], in place.

    ``albedos`` are the items' own colours. Items are drawn in their order, and each wipes what lies under it.
    """
    todo = [(index, item, bounds(item)) for index, item in enumerate(scene.items)]
    for left, top, width, height in _windows(scene.size):
        near = [
            (index, item)
            for index, item, (x0, y0, x1, y1) in todo
            if x1 >= left - 1 and y1 >= top - 1 and x0 <= left + width and y0 <= top + height
        ]
        first = next((place for place, (_, item) in enumerate(near) if item.name in _DRAWERS), None)
        if first is None:
            continue
        sheet = Sheet(left, top, width, height, scene.gsd_m)
        for index, item in near[first:]:
            sheet.clear(item)
            drawer = _DRAWERS.get(item.name)
            if drawer is not None:
                drawer(sheet, item, albedos[index], scene)
        sheet.lay_on(colour[top : top + height, left : left + width])


def _windows(size: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, width and height of windows that cover the view."""
    for top in range(0, size, _WINDOW):
        for left in range(0, size, _WINDOW):
            yield left, top, min(_WINDOW, size - left), min(_WINDOW, size - top)
