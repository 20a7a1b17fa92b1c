"""Expressions name what they say: hand-made scenes, and a recount that shares nothing with the code under test.

:class:`Recount` measures the item map with scikit-image and answers an expression, as it was *parsed*, by plain
readings without margins. Where :func:`~engine.scenes.truths.referring.refer` made a referral, both must mean the same
things.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from skimage import measure as sk_measure
from skimage import morphology

from engine.draws import Draws
from engine.scenes.layout import make_scene
from engine.scenes.paint import paint_items
from engine.scenes.scene import COLOURS, COVERS, OBJECTS, WATERS, Item, Line, Mark, Polygon, Scene
from engine.scenes.truths.facts import Facts, measure
from engine.scenes.truths.referring import (
    BOX_CATEGORIES,
    MASK_CATEGORIES,
    SAR_CATEGORIES,
    SAR_ONLY,
    Referral,
    refer,
    referral_mask,
)
from engine.scenes.truths.selection import Selector
from engine.text.directions import agrees
from engine.text.expressions import Parsed, Relation, Superlative, parse
from engine.text.negatives import negatives

Mask = NDArray[np.bool_]
WAYS = ("road", "runway", "pier", "paved", "bridge")
DUTIES = {"light-duty": {"car", "van"}, "heavy-duty": {"truck", "trailer", "bus"}}


@cache
def facts_of(seed: int) -> Facts:
    scene = make_scene(seed, 256)
    return measure(scene, paint_items(scene.items, 256))


# ---- the recount


@dataclass(frozen=True, eq=False)
class Seen:
    """One thing as scikit-image measures it: (row, column) centroid and half-open box."""

    key: tuple[str, int]
    mask: Mask
    item: Item | None
    centre: tuple[float, float]
    box: tuple[int, int, int, int]
    area: int


class Recount:
    """What is seen of a scene, and what a parsed expression means in it."""

    def __init__(self, facts: Facts) -> None:
        self.items, self.top, self.size = facts.scene.items, facts.top, facts.scene.size
        self.ground, self.marks = facts.ground, facts.scene.marks
        names = np.array([item.name for item in self.items])
        surface = np.where(np.isin(names, WAYS)[self.top], names[self.top], names[self.ground])
        self.seen: dict[str, list[Seen]] = {}
        for region in sk_measure.regionprops(self.top + 1):
            item = self.items[region.label - 1]
            if item.name in OBJECTS:
                self._see(item.name, self.top == region.label - 1, item)
        for name in (*COVERS, *WATERS, "road", "runway", "pier"):
            mask = np.isin(surface, WATERS) if name == "water" else surface == name
            labels = sk_measure.label(mask, connectivity=2)
            for region in sk_measure.regionprops(labels):
                if region.area >= 60:
                    self._see(name, labels == region.label, None)

    def _see(self, name: str, mask: Mask, item: Item | None) -> None:
        (region,) = sk_measure.regionprops(mask.astype(np.uint8))
        top, left, bottom, right = region.bbox
        things = self.seen.setdefault(name, [])
        box = (left, top, right, bottom)
        things.append(Seen((name, len(things)), mask, item, region.centroid, box, int(region.area)))

    def at(self, key: tuple[str, int]) -> Seen:
        """The thing that another recount of the same scene calls ``key``."""
        return self.seen[key[0]][key[1]]

    def select(self, parsed: Parsed) -> list[Seen]:
        """The things that ``parsed`` means."""
        things = [one for one in self.seen.get(parsed.category, []) if self._is(one, parsed.attributes)]
        things = [one for one in things if "large" not in parsed.attributes or one.area > self._middle(things)]
        things = [one for one in things if "small" not in parsed.attributes or one.area < self._middle(things)]
        if parsed.position is not None:
            x, y = parsed.position
            things = [one for one in things if self._at(one.centre[1], x) and self._at(one.centre[0], y)]
        if parsed.relation is not None:
            things = self._related(things, parsed.relation)
        return self._best(things, parsed.superlative) if parsed.superlative and things else things

    def _is(self, one: Seen, attributes: tuple[str, ...]) -> bool:
        kinds = {one.item.kind} if one.item else {self.items[i].kind for i in np.unique(self.ground[one.mask])}
        for attribute in attributes:
            if attribute in COLOURS:
                if one.item is None or one.item.colour != attribute:
                    return False
            elif attribute not in ("large", "small") and not kinds <= DUTIES.get(attribute, {attribute}):
                return False
        return True

    @staticmethod
    def _middle(things: list[Seen]) -> float:
        """The size in the widest gap between sizes that follow each other."""
        areas = sorted(one.area for one in things)
        ratio, low, high = max((b / a, a, b) for a, b in pairwise(areas)) if areas[1:] else (1, 1, 1)
        return math.sqrt(low * high) if ratio > 1.5 else math.nan

    def _at(self, at: float, step: int | None) -> bool:
        share = (at + 0.5) / self.size
        return {None: True, -1: share < 0.45, 0: abs(share - 0.5) < 0.17, 1: share > 0.55}[step]

    def _best(self, things: list[Seen], most: Superlative) -> list[Seen]:
        def length(one: Seen) -> float:
            points = shapely.MultiPoint(np.argwhere(one.mask)).minimum_rotated_rectangle.buffer(0.5)
            corners = list(points.minimum_rotated_rectangle.exterior.coords)
            return max(math.dist(a, b) for a, b in pairwise(corners))

        measures = {
            "largest": lambda one: -one.area, "smallest": lambda one: one.area,
            "longest": lambda one: -length(one), "shortest": length,
            "leftmost": lambda one: one.centre[1], "rightmost": lambda one: -one.centre[1],
            "topmost": lambda one: one.centre[0], "bottommost": lambda one: -one.centre[0],
        }  # fmt: skip
        return sorted(things, key=measures[most.kind])[most.rank - 1 : most.rank]

    def _related(self, things: list[Seen], relation: Relation) -> list[Seen]:
        others = self.select(relation.reference)
        assert others, relation
        if relation.kind in ("direction", "nearest"):
            assert len(others) == 1, relation
            row, column = others[0].centre
            things = [one for one in things if one is not others[0]]
            if relation.kind == "nearest":
                return sorted(things, key=lambda one: math.dist(one.centre, (row, column)))[:1]
            return [one for one in things if self._lies(one.centre[1] - column, one.centre[0] - row, relation.way)]
        union = np.logical_or.reduce([other.mask for other in others])
        if relation.kind == "with":
            return [one for one in things if any(self._share(other, one.mask, one.key[0]) > 0.5 for other in others)]
        if relation.kind in ("on", "in"):
            name = relation.reference.category
            return [one for one in things if self._share(one, union, name) > 0.5]
        if relation.kind == "surrounded":
            rims = ((one, morphology.dilation(one.mask, np.ones((7, 7))) & ~one.mask) for one in things)
            return [one for one, rim in rims if union[rim].mean() > 0.7]
        distance = ndimage.distance_transform_edt(~union)
        limit = 4.5 if relation.kind == "over" else 10
        return [one for one in things if distance[one.mask].min() < limit]

    def _share(self, one: Seen, support: Mask, name: str) -> float:
        if name in (*COVERS, *WATERS, "harbor"):
            return float(support[one.mask].mean())
        names = np.array([item.name for item in self.items])
        ring = morphology.dilation(one.mask, np.ones((3, 3))) & (names[self.top] != one.key[0])
        return float(support[ring].mean()) if ring.any() else 0.0

    @staticmethod
    def _lies(x: float, y: float, way: tuple[int | None, int | None] | None) -> bool:
        assert way is not None
        heading = math.atan2(way[1] or 0, way[0] or 0)
        off = abs((math.atan2(y, x) - heading + math.pi) % (2 * math.pi) - math.pi)
        return math.degrees(off) < (34 if way[0] and way[1] else 51)


REACH = {
    "building": 1.0, "storage tank": 1.0, "bridge": 1.0, "transmission tower": 1.0, "ship": 0.8, "airplane": 0.5,
}  # fmt: skip
"""Up to which share of its height a thing shines in a radar picture."""


class RadarRecount(Recount):
    """The same with echoes for footprints: each pixel of a thing, and where its layover carries it, step by step."""

    def __init__(self, facts: Facts) -> None:
        self.scene = facts.scene
        super().__init__(facts)

    def _see(self, name: str, mask: Mask, item: Item | None) -> None:
        if item is not None and name in REACH:
            length = REACH[name] * item.height_m / self.scene.gsd_m / math.tan(math.radians(self.scene.incidence_deg))
            toward = np.array(self.toward())
            echo = mask.copy()
            for step in range(math.ceil(2 * length) + 1):
                rows, columns = (np.argwhere(mask) + np.rint(min(step / 2, length) * toward).astype(int)).T
                inside = (rows >= 0) & (rows < self.size) & (columns >= 0) & (columns < self.size)
                echo[rows[inside], columns[inside]] = True
            mask = echo
        super()._see(name, mask, item)

    def toward(self) -> tuple[float, float]:
        """Rows and columns of one pixel's way to the radar, whose azimuth runs clockwise from up."""
        turned = math.radians(90 - self.scene.look_deg)
        return -math.sin(turned), math.cos(turned)


def with_marks(recount: Recount, facts: Facts) -> None:
    """Crossroads, junctions and harbors, each from its outline by shapely."""
    taken: dict[str, NDArray[np.int32]] = {}
    for thing in facts.things:
        if thing.name in ("harbor", "crossroad", "T junction"):
            mask = facts.mask(thing)
            outline = max(
                (shapely.Polygon(mark.outline.points) for mark in recount.marks if mark.name == thing.name),
                key=lambda polygon: (
                    polygon.buffer(1.5).intersection(shapely.box(*thing.box)).area
                    - polygon.buffer(1.5).symmetric_difference(shapely.box(*thing.box)).area
                ),
            )
            view = shapely.box(0, 0, recount.size, recount.size)
            bounds = outline.intersection(view).bounds
            assert np.allclose(bounds, thing.box, atol=2.0), (thing, bounds)
            taken.setdefault(thing.name, np.zeros_like(facts.top))
            recount._see(thing.name, mask, None)


def check(seed: int) -> None:
    """Every referral of one scene against the recount."""
    facts = facts_of(seed)
    ground, radar = Recount(facts), RadarRecount(facts)
    with_marks(ground, facts)
    with_marks(radar, facts)
    for wording in ("train", "held-out"):
        for referral in refer(facts, seed, wording):
            parsed = parse(referral.text)
            assert parsed.certain, referral
            assert parsed.sensor in ("", referral.sensor)
            assert parsed.category == referral.category
            selected = ground.select(parsed)
            meant = np.logical_or.reduce([facts.mask(facts.things[member]) for member in referral.members])
            found = np.logical_or.reduce([one.mask for one in selected]) if selected else np.zeros_like(meant)
            assert np.array_equal(found, meant), (seed, referral)
            assert referral.distractors == len(ground.seen[parsed.category]) - len(selected)
            seen = ground
            if referral.sensor == "sar":
                seen, selected = radar, [radar.at(one.key) for one in selected]
                assert radar.select(parsed) == selected, (seed, referral)
            check_place(seen, facts, referral, selected)
            for text in negatives(referral.text, Draws(seed, 1)):
                other = parse(text)
                if other.sensor == parsed.sensor and referral.task == "box":
                    assert not same(seen, other, selected), (referral, text)


def same(recount: Recount, other: Parsed, selected: list[Seen]) -> bool:
    """Whether ``other`` means what was meant; a superlative's contrary among one thing would."""
    try:
        return [one.key for one in recount.select(other)] == [one.key for one in selected]
    except AssertionError:  # the reference is not there, or is not one thing: the sentence is false of everything
        return False


def check_place(recount: Recount, facts: Facts, referral: Referral, selected: list[Seen]) -> None:
    mask = referral_mask(facts, referral)
    assert mask.dtype == bool
    assert mask.any()
    if referral.task == "box":
        assert len(selected) == 1
        assert referral.box_xyxy_px == selected[0].box
        assert agrees(referral.text, referral.box_xyxy_px, facts.scene.size, facts.scene.size)
    else:
        assert referral.box_xyxy_px is None
        if referral.category in COVERS and referral.category != "built-up area":
            assert all(recount.items[index].cover is not None for index in np.unique(facts.top[mask]))


@pytest.mark.parametrize("seed", range(60))
def test_the_recount_finds_what_was_meant(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60, 260))
def test_the_recount_finds_what_was_meant_in_many_scenes(seed: int) -> None:
    check(seed)


# ---- by hand


def scene_of(*items: Item, marks: tuple[Mark, ...] = (), setting: str = "coast") -> Facts:
    ground = Item("grassland", Polygon(((-20.0, -20.0), (276.0, -20.0), (276.0, 276.0), (-20.0, 276.0))))
    scene = Scene(1, 256, 1.0, 0.5, (180.0, 45.0), 90.0, 0.2, (ground, *items), setting, marks)
    return measure(scene, paint_items(scene.items, 256))


def block(name: str, left: float, top: float, width: float, height: float, **more: str) -> Item:
    right, bottom = left + width - 1, top + height - 1
    return Item(name, Polygon(((left, top), (right, top), (right, bottom), (left, bottom))), **more)  # type: ignore[arg-type]


TANKS = scene_of(
    block("storage tank", 20, 20, 20, 20, colour="white"),
    block("storage tank", 60, 20, 20, 20, colour="grey"),
    block("storage tank", 200, 200, 40, 40, colour="white"),
    block("pier", 196, 183, 50, 8),
    block("building", 120, 120, 12, 12, kind="hall", colour="red"),
)


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ("the storage tanks", [(20, 20, 40, 40), (60, 20, 80, 40), (200, 200, 240, 240)]),
        ("the grey tank", [(60, 20, 80, 40)]),
        ("the white tank in the top left", [(20, 20, 40, 40)]),
        ("the tanks on the left", [(20, 20, 40, 40), (60, 20, 80, 40)]),
        ("the tank at the bottom right", [(200, 200, 240, 240)]),
        ("the leftmost tank", [(20, 20, 40, 40)]),
        ("the second tank from the left", [(60, 20, 80, 40)]),
        ("the largest tank", [(200, 200, 240, 240)]),
        ("the large tank", [(200, 200, 240, 240)]),
        ("the small tanks", [(20, 20, 40, 40), (60, 20, 80, 40)]),
        ("the largest white tank", [(200, 200, 240, 240)]),
        ("the tank to the lower right of the hall", [(200, 200, 240, 240)]),
        ("the tanks to the upper left of the building", [(20, 20, 40, 40), (60, 20, 80, 40)]),
        ("the tank next to the pier", None),  # 9 rows between them: neither next to it nor not
        ("the tank nearest to the hall", None),  # the grey one by its centre, but not clearly
        ("the topmost tank", None),  # two are level
        ("the tank in the middle", []),
        ("the tank beside the river", None),  # there is none
        ("the tank with a ship", None),
    ],
)
def test_selections_by_hand(text: str, boxes: list[tuple[int, int, int, int]] | None) -> None:
    selection = Selector(TANKS).select(parse(text))
    assert selection.clear == (boxes is not None)
    assert [TANKS.things[member].box for member in selection.members] == (boxes or [])


def test_on_in_around_and_across_by_hand() -> None:
    facts = scene_of(
        Item("river", Line(((-20.0, 100.0), (276.0, 100.0)), 30.0)),
        Item("road", Line(((60.0, -20.0), (60.0, 276.0)), 16.0), kind="wide"),
        Item("bridge", Line(((60.0, 82.0), (60.0, 118.0)), 16.0)),
        block("vehicle", 57, 20, 5, 9, kind="car", colour="red"),
        block("vehicle", 120, 20, 9, 5, kind="truck", colour="white"),
        block("ship", 150, 96, 20, 8, kind="boat"),
        block("forest", 160, 140, 90, 90),
        block("lake", 190, 170, 30, 30),
        block("lake", 20, 180, 20, 20),
        block("parking lot", 100, 150, 40, 40),
        block("vehicle", 110, 160, 5, 9, kind="car", colour="red"),
    )
    selector = Selector(facts)

    def boxes(text: str) -> list[tuple[int, int, int, int]]:
        selection = selector.select(parse(text))
        assert selection.clear, text
        return [facts.things[member].box for member in selection.members]

    assert boxes("the vehicle on the road") == [(57, 20, 62, 29)]
    assert boxes("the vehicles in the parking lot") == [(110, 160, 115, 169)]
    assert boxes("the parking lot with cars") == [(100, 150, 140, 190)]
    assert boxes("the light-duty vehicles") == [(57, 20, 62, 29), (110, 160, 115, 169)]
    assert boxes("the lake surrounded by forest") == [(190, 170, 220, 200)]
    assert boxes("the ship on the river") == [(150, 96, 170, 104)]
    assert len(boxes("the bridge across the river")) == 1
    assert boxes("the red car on the road") == [(57, 20, 62, 29)]


def test_a_mask_of_a_cover_leaves_out_what_stands_on_it() -> None:
    facts = scene_of(block("storage tank", 20, 20, 20, 20), block("ship", 200, 200, 10, 10), block("lake", 0, 0, 9, 9))
    referral = next(one for seed in range(60) for one in refer(facts, seed, "train") if one.category == "grassland")
    assert referral_mask(facts, referral).sum() == 256 * 256 - 400 - 100 - 81


def test_nothing_to_name_makes_no_referral_with_a_box() -> None:
    facts = scene_of()
    for seed in range(20):
        assert all(one.task == "mask" and one.how == "category" for one in refer(facts, seed, "train"))


def test_only_what_sar_resolves_is_named_for_it() -> None:
    for seed in range(60):
        for referral in refer(facts_of(seed), seed, "train"):
            parsed = parse(referral.text)
            names = [parsed.category, *([parsed.relation.reference.category] if parsed.relation else [])]
            assert referral.category in (BOX_CATEGORIES if referral.task == "box" else MASK_CATEGORIES)
            if referral.sensor == "sar":
                assert set(names) <= set(SAR_CATEGORIES)
                assert not set(parsed.attributes) - {"large", "small"}
            else:
                assert not set(names) & set(SAR_ONLY)


def test_wordings_differ_and_what_is_named_does_not() -> None:
    heard = set()
    for seed in range(40):
        train, held_out = (refer(facts_of(seed), seed, wording) for wording in ("train", "held-out"))
        assert train == refer(facts_of(seed), seed, "train")
        heard |= {one.text for one in train}
        for one, other in zip(train, held_out, strict=True):
            assert replace(one, text="") == replace(other, text="")
            assert one.text != other.text
    assert not heard & {one.text for seed in range(40) for one in refer(facts_of(seed), seed, "held-out")}


def test_most_expressions_need_to_be_read_to_the_end() -> None:
    """Difficulty over 60 scenes: distractors, every way of telling apart, three or more per scene and task."""
    found = [one for seed in range(60) for one in refer(facts_of(seed), seed, "train")]
    for task in ("box", "mask"):
        mine = [one for one in found if one.task == task]
        assert len(mine) >= 60 * 2.5
        assert sum(one.distractors > 0 for one in mine) / len(mine) > 0.6
        hows = Counter(part for one in mine for part in one.how.split("+"))
        assert all(hows[how] / len(mine) > 0.04 for how in ("attribute", "position", "superlative", "relation"))
        assert hows["relation"] / len(mine) > 0.2
        assert len({one.category for one in mine}) >= 10
