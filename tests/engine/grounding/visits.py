"""Visits for tests: made by hand, with every thing painted in a grey of its own, and from scenes' truth, unrendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from engine.grounding.data.expression_set import Expression, ExpressionSet, NamedThing
from engine.grounding.visit import Naming, PictureVisit
from engine.scenes.layout import make_scene
from engine.scenes.paint import paint_items
from engine.scenes.scene import Disc, Item, Mark, Polygon, Scene
from engine.scenes.truths.facts import Facts, Thing, measure
from engine.scenes.truths.referring import BOX_CATEGORIES, SAR_ONLY, refer
from engine.text.directions import MATRICES, Move

SIZE = 128
CLOSED = ("airplane", "bridge", "harbor", "ship", "storage tank", "tennis court")
Things = Sequence[tuple[str, tuple[float, float, float, float]]]


def grey(thing: int) -> int:
    """What thing ``thing`` of a hand-made visit is painted in."""
    return 60 + 20 * thing


def made(
    things: Things,
    texts: Sequence[tuple[str, tuple[int, ...], str]] = (),
    *,
    sensor: str = "optical",
    known: bool = True,
    size: int = SIZE,
    unlisted: Sequence[str] = (),
) -> PictureVisit:
    """A picture with ``things`` (class, box) and ``texts`` (text, what it names, class)."""
    pixels = np.full((3, size, size), 20, np.uint8)
    for number, (_, box) in enumerate(things):
        x0, y0, x1, y1 = (int(edge) for edge in box)
        pixels[:, y0:y1, x0:x1] = grey(number)
    return PictureVisit(
        pixels=pixels,
        valid=np.ones((size, size), bool),
        boxes=np.array([box for _, box in things], np.float32).reshape(-1, 4),
        categories=tuple(name for name, _ in things),
        expressions=tuple(Naming(*text) for text in texts),
        sensor=sensor,  # type: ignore[arg-type]
        categories_known=known,
        unlisted=frozenset(unlisted),
    )


def set_of(visits: Sequence[PictureVisit], *, known: bool = True, closed: Sequence[str] = CLOSED) -> ExpressionSet:
    """The expression set whose pictures are ``visits``."""
    things: list[NamedThing] = []
    expressions: list[Expression] = []
    for number, visit in enumerate(visits):
        first = len(things)
        pairs = zip(visit.categories, visit.boxes.tolist(), strict=True)
        things += [NamedThing(number, tuple(box), name) for name, box in pairs]
        expressions += [
            Expression(number, one.text, tuple(first + thing for thing in one.things), one.category)
            for one in visit.expressions
        ]
    return ExpressionSet(
        about="made by hand",
        pixels=np.stack([visit.pixels for visit in visits]),
        sensors=tuple(visit.sensor for visit in visits),
        names=tuple(f"picture {number}" for number in range(len(visits))),
        weather=("",) * len(visits),
        gsd_m=(None,) * len(visits),
        things=tuple(things),
        expressions=tuple(expressions),
        categories_known=known,
        uncertain=tuple(tuple(sorted(visit.unlisted)) for visit in visits),
        closed=tuple(closed),
    )


# ---- scenes


@cache
def facts_of(seed: int) -> Facts:
    scene = make_scene(seed, 256)
    return measure(scene, paint_items(scene.items, 256))


def listed(facts: Facts) -> list[Thing]:
    """The things that a set of boxes has of the optical picture."""
    return [thing for thing in facts.things if thing.name in BOX_CATEGORIES and thing.name not in SAR_ONLY]


@cache
def scene_visit(seed: int) -> PictureVisit:
    """The optical picture of a scene, blank, with all its things and its expressions."""
    facts = facts_of(seed)
    things = listed(facts)
    row_of = {thing.id: row for row, thing in enumerate(things)}
    referrals = [one for one in refer(facts, seed, "train") if one.task == "box" and one.sensor == "optical"]
    visit = made([], [(one.text, (row_of[one.members[0]],), one.category) for one in referrals], size=256)
    boxes = np.array([thing.box for thing in things], np.float32).reshape(-1, 4)
    return replace(visit, boxes=boxes, categories=tuple(thing.name for thing in things))


def moved_facts(facts: Facts, move: Move) -> Facts:
    """The facts of the scene after ``move``: its map flipped or turned, its outlines with it."""
    turns: dict[Move, int] = {"turn-90": -1, "turn-180": 2, "turn-270": 1}
    if move in turns:
        top = np.rot90(facts.top, turns[move])
    else:
        top = np.flip(facts.top, 1 if move == "flip-horizontal" else 0)
    a, b, c, d = MATRICES[move]
    half = facts.scene.size / 2

    def point(x: float, y: float) -> tuple[float, float]:
        return a * (x - half) + b * (y - half) + half, c * (x - half) + d * (y - half) + half

    def angle(degrees: float) -> float:
        x, y = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return float(np.degrees(np.arctan2(c * x + d * y, a * x + b * y)))

    return measure(_changed(facts.scene, facts.scene.size, point, angle), np.ascontiguousarray(top))


def cropped_facts(facts: Facts, x0: int, y0: int, side: int) -> Facts:
    """The facts of what is seen of the scene in a square of ``side`` pixels."""
    top = np.ascontiguousarray(facts.top[y0 : y0 + side, x0 : x0 + side])
    return measure(_changed(facts.scene, side, lambda x, y: (x - x0, y - y0), lambda degrees: degrees), top)


def _changed(scene: Scene, size: int, point, angle) -> Scene:
    def item(one: Item) -> Item:
        if isinstance(one.shape, Disc):
            shape = replace(one.shape, centre=point(*one.shape.centre))
        else:
            shape = replace(one.shape, points=tuple(point(*at) for at in one.shape.points))
        return replace(one, shape=shape, angle_deg=angle(one.angle_deg))

    marks = tuple(Mark(mark.name, Polygon(tuple(point(*at) for at in mark.outline.points))) for mark in scene.marks)
    return replace(scene, size=size, items=tuple(map(item, scene.items)), marks=marks)
