"""The facts as a radar shows them: what stands up is laid over towards the radar, and its box is that of its echo.

A person who marks a tank or a tower in a radar picture marks what shines, from the foot to the displaced top. How far
that reaches is the renderer's own rule, :func:`~engine.scenes.radar.scatterers.laid_over_px`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.scenes.radar.scatterers import laid_over_px, look_of, pixels, rays, towards
from engine.scenes.scene import OBJECTS, Scene
from engine.scenes.truths.facts import Box, Facts, Thing


def radar_view(facts: Facts) -> Facts:
    """``facts`` with the echoes of objects in place of their footprints; ``facts`` itself where nothing stands up.

    ``top`` shows an object's visible footprint swept along its layover; no echo covers another object's footprint.
    Box, centre, area and ``whole`` of the things follow. Flat things, covers and marks stay, and so do all ids.
    """
    lay = np.array([_lay(facts.scene, index) for index in range(len(facts.scene.items))], np.float32)
    if not (lay[facts.top] >= 0.5).any():
        return facts
    top = _swept(facts, lay)
    areas = np.bincount(top.ravel(), minlength=len(lay))
    things = tuple(
        _laid_over(facts.scene, thing, int(areas[thing.item])) if thing.item >= 0 else thing for thing in facts.things
    )
    return replace(facts, top=top, things=things)


def echo_box(scene: Scene, thing: Thing) -> Box:
    """The box around the visible footprint of ``thing`` and the same moved by its layover; it may leave the view."""
    left, upper, right, lower = thing.box
    dx, dy = _shift(scene, thing)
    return left + min(dx, 0), upper + min(dy, 0), right + max(dx, 0), lower + max(dy, 0)


def layover_px(scene: Scene, thing: Thing) -> float:
    """How far the top of ``thing`` is drawn from its foot, in pixels; 0 for covers, ways and marks."""
    return _lay(scene, thing.item) if thing.item >= 0 else 0.0


def _lay(scene: Scene, index: int) -> float:
    item = scene.items[index]
    return laid_over_px(scene, item) if item.name in OBJECTS else 0.0


def _shift(scene: Scene, thing: Thing) -> tuple[int, int]:
    """Whole columns and rows from the foot of ``thing`` to its top."""
    look, lay = look_of(scene), layover_px(scene, thing)
    return round(look.dx * lay), round(look.dy * lay)


def _laid_over(scene: Scene, thing: Thing, area_px: int) -> Thing:
    """``thing`` with the box of its echo, cut at the border; its centre moves as the middle of the box does."""
    whole_box = echo_box(scene, thing)
    left, upper, right, lower = whole_box
    box = max(left, 0), max(upper, 0), min(right, scene.size), min(lower, scene.size)
    x, y = (
        at + (box[axis] + box[axis + 2] - thing.box[axis] - thing.box[axis + 2]) / 2
        for axis, at in enumerate(thing.centre)
    )
    inside = left > 0 and upper > 0 and right < scene.size and lower < scene.size
    return replace(thing, box=box, centre=(x, y), area_px=area_px, whole=thing.whole and inside)


def _swept(facts: Facts, lay: NDArray[np.float32]) -> NDArray[np.int32]:
    """The item map with each object's pixels carried along its layover, int32 [size, size].

    Only the pixels of an object that face the radar are carried: what they sweep holds what those behind them do.
    """
    look, size = look_of(facts.scene), facts.scene.size
    reach = lay[facts.top]
    rows, columns = np.nonzero(reach - towards(reach, look) >= 0.5)
    index, _, r, c = rays(rows, columns, reach[rows, columns], look.dx, look.dy)
    places, inside = pixels(r, c, size)
    top = facts.top.ravel().copy()
    objects = np.array([item.name in OBJECTS for item in facts.scene.items])
    free = ~objects[top[places]]
    top[places[free]] = facts.top[rows, columns][index[inside][free]]
    return top.reshape(size, size)
