"""What people build, recounted independently on the painted map of 300 scenes."""

import math
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from engine.draws import Draws
from engine.scenes.built import airfields
from engine.scenes.built.floor import GAP_PX, Floor, Plot, stencil
from engine.scenes.built.traffic import LOT_GAP_PX
from engine.scenes.layout import make_scene
from engine.scenes.paint import paint_item, paint_items
from engine.scenes.plan import Plan
from engine.scenes.scene import KINDS, WATERS, Disc, Item, Line, Polygon, Scene

OURS = (
    "ship", "storage tank", "building", "airplane", "vehicle", "tennis court", "basketball court", "baseball diamond",
    "ground track field", "swimming pool", "parking lot",
)  # fmt: skip
SEEDS = range(1000, 1300)
NEIGHBOURS = np.ones((3, 3))


@dataclass(frozen=True)
class View:
    scene: Scene
    top: np.ndarray
    """int32 [256, 256]: the item on top."""

    def mask(self, *names: str, kind: str = "") -> np.ndarray:
        chosen = [item.name in names and (not kind or item.kind == kind) for item in self.scene.items]
        return np.array(chosen)[self.top]

    def beneath(self, kept: list[bool]) -> np.ndarray:
        """Names of what would be on top if only the items that are ``kept`` were painted."""
        items = [item for item, keep in zip(self.scene.items, kept, strict=True) if keep]
        return np.array([item.name for item in items])[paint_items(items, self.scene.size)]

    def things(self, *names: str) -> list[tuple[int, Item]]:
        return [(index, item) for index, item in enumerate(self.scene.items) if item.name in names]


@pytest.fixture(scope="module")
def views() -> list[View]:
    scenes = [make_scene(seed) for seed in SEEDS]
    return [View(scene, paint_items(scene.items, scene.size)) for scene in scenes]


def painted_alone(item: Item, size: int) -> int:
    """How many pixels of the view an item has where nothing lies on it."""
    image = Image.new("1", (size, size), 0)
    paint_item(ImageDraw.Draw(image), item, 1)
    return int(np.count_nonzero(np.asarray(image)))


def sides_m(item: Item, gsd_m: float) -> tuple[float, float]:
    """The longer and shorter side in metres, along and across the direction of ``angle_deg``."""
    if isinstance(item.shape, Disc):
        return 2 * item.shape.radius * gsd_m, 2 * item.shape.radius * gsd_m
    c, s = math.cos(math.radians(item.angle_deg)), math.sin(math.radians(item.angle_deg))
    points = np.array(item.shape.points)
    along, across = points @ (c, s), points @ (-s, c)
    return float(np.ptp(along)) * gsd_m, float(np.ptp(across)) * gsd_m


# ---- counting


@pytest.mark.parametrize("name", OURS)
def test_things_of_a_class_are_as_many_as_its_connected_components(views: list[View], name: str) -> None:
    for view in views:
        _, count = ndimage.label(view.mask(name), NEIGHBOURS)
        assert count == len(view.things(name)), (view.scene.seed, name)


def test_nothing_counted_is_covered_or_tiny(views: list[View]) -> None:
    for view in views:
        seen = np.bincount(view.top.ravel(), minlength=len(view.scene.items))
        for index, item in view.things(*OURS):
            assert seen[index] >= 4, (view.scene.seed, item)
            if item.name != "parking lot":
                assert seen[index] == painted_alone(item, view.scene.size), (view.scene.seed, item)


def test_nothing_counted_is_cut_by_the_border(views: list[View]) -> None:
    for view in views:
        rim = np.concatenate([view.top[0], view.top[-1], view.top[:, 0], view.top[:, -1]])
        names = {view.scene.items[index].name for index in np.unique(rim)}
        assert not names & set(OURS), view.scene.seed


# ---- what there is


SHARES = {
    "ship": 0.25, "storage tank": 0.2, "building": 0.5, "airplane": 0.06, "vehicle": 0.2, "tennis court": 0.05,
    "basketball court": 0.05, "baseball diamond": 0.04, "ground track field": 0.03, "swimming pool": 0.06,
    "parking lot": 0.08,
}  # fmt: skip
"""In at least this share of views there is one."""

KIND_SHARES = {
    "house": 0.25, "hall": 0.25, "car": 0.12, "van": 0.08, "truck": 0.08, "trailer": 0.08, "bus": 0.04,
    "cargo ship": 0.12, "boat": 0.15, "pad": 0.15, "apron": 0.06, "quay": 0.06,
}  # fmt: skip


def test_every_class_and_kind_occurs_often_enough(views: list[View]) -> None:
    classes, kinds = Counter[str](), Counter[str]()
    for view in views:
        classes.update({item.name for item in view.scene.items})
        kinds.update({item.kind for item in view.scene.items})
    assert {name: classes[name] for name, share in SHARES.items() if classes[name] < share * len(views)} == {}
    assert {kind: kinds[kind] for kind, share in KIND_SHARES.items() if kinds[kind] < share * len(views)} == {}
    assert sum(any(mark.name == "harbor" for mark in view.scene.marks) for view in views) >= 0.06 * len(views)


@pytest.mark.parametrize("name", ["ship", "storage tank", "building", "vehicle", "airplane", "swimming pool"])
def test_counts_run_from_none_to_many(views: list[View], name: str) -> None:
    counts = [len(view.things(name)) for view in views]
    assert min(counts) == 0
    assert max(counts) > 10
    assert len(set(counts) & set(range(1, 11))) >= 7


def test_every_item_has_a_kind_of_its_class(views: list[View]) -> None:
    for view in views:
        for item in view.scene.items:
            if item.name in KINDS and item.name in (*OURS, "paved"):
                assert item.kind in KINDS[item.name], item


def test_there_are_groups_and_single_things(views: list[View]) -> None:
    for name in ("storage tank", "ship", "vehicle", "airplane"):
        groups = [item.group for view in views for _, item in view.things(name)]
        assert 0 in groups, name
        assert any(groups), name


def test_distractors_two_farms_two_lots_courts_of_both_kinds(views: list[View]) -> None:
    def groups(view: View, name: str) -> int:
        return len({item.group for _, item in view.things(name)} - {0})

    assert sum(groups(view, "storage tank") >= 2 for view in views) >= 6
    assert sum(len(view.things("parking lot")) >= 2 for view in views) >= 6
    both = [view for view in views if view.things("tennis court") and view.things("basketball court")]
    assert len(both) >= 6


# ---- where things are


def test_ships_are_on_water(views: list[View]) -> None:
    for view in views:
        beneath = view.beneath([item.name != "ship" for item in view.scene.items])
        assert set(np.unique(beneath[view.mask("ship")])) <= set(WATERS), view.scene.seed


def test_vehicles_are_on_made_ground(views: list[View]) -> None:
    allowed = {"road", "parking lot", "paved", "built-up area", "concrete"}
    for view in views:
        beneath = view.beneath([item.name != "vehicle" for item in view.scene.items])
        assert set(np.unique(beneath[view.mask("vehicle")])) <= allowed, view.scene.seed


def test_pools_are_among_houses(views: list[View]) -> None:
    for view in views:
        beneath = view.beneath([item.name != "swimming pool" for item in view.scene.items])
        assert set(np.unique(beneath[view.mask("swimming pool")])) <= {"built-up area"}, view.scene.seed


def test_courts_and_fields_are_inside_their_grounds(views: list[View]) -> None:
    for view in views:
        for names, ground in ((("tennis court", "basketball court"), "paved"),
                              (("ground track field", "baseball diamond"), "grassland")):  # fmt: skip
            beneath = view.beneath([item.name not in names for item in view.scene.items])
            around = ndimage.binary_dilation(view.mask(*names))
            assert set(np.unique(beneath[around])) <= {ground}, (view.scene.seed, names)


def test_airplanes_are_on_the_airfield(views: list[View]) -> None:
    for view in views:
        beneath = view.beneath([item.name != "airplane" for item in view.scene.items])
        assert set(np.unique(beneath[view.mask("airplane")])) <= {"paved", "runway", "grassland"}, view.scene.seed


def test_harbor_marks_hold_piers_and_water(views: list[View]) -> None:
    marked = 0
    for view in views:
        for mark in view.scene.marks:
            if mark.name == "harbor":
                marked += 1
                where, inside = stencil(mark.outline.points, view.scene.size)
                for names in (("pier",), WATERS, ("paved",)):
                    assert (view.mask(*names)[where] & inside).sum() >= 8, (view.scene.seed, names)
    assert marked


# ---- sizes


RANGES_M = {
    "car": ((4.3, 4.8), (1.9, 1.9)), "van": ((5.2, 5.9), (2.0, 2.0)), "truck": ((8, 10), (2.5, 2.5)),
    "trailer": ((13, 16), (2.6, 2.6)), "bus": ((11.5, 12.5), (2.6, 2.6)),
    "cargo ship": ((60, 250), (8, 45)), "boat": ((8, 25), (2.2, 9.5)),
    "tennis court": ((34, 36.5), (17, 18.3)), "basketball court": ((28, 30), (15, 16.5)),
    "ground track field": ((170, 185), (90, 100)), "baseball diamond": ((64, 110), (45, 78)),
    "house": ((7, 16), (7, 12)), "hall": ((8, 182), (8, 182)), "storage tank": ((8, 80), (8, 80)),
    "airplane": ((12, 69), (15, 65)), "swimming pool": ((4.8, 11), (3.6, 6.8)), "parking lot": ((30, 90), (18, 70)),
}  # fmt: skip


def test_sizes_in_metres_are_real(views: list[View]) -> None:
    for view in views:
        slack = view.scene.gsd_m * 0.6  # corners are rounded to quarter pixels
        for _, item in view.things(*OURS):
            long, short = sides_m(item, view.scene.gsd_m)
            assert short / view.scene.gsd_m >= 1.5, item
            sizes = RANGES_M.get(item.kind) or RANGES_M.get(item.name)
            if sizes is not None:
                assert sizes[0][0] - slack <= long <= sizes[0][1] + slack, (view.scene.seed, item)
                assert sizes[1][0] - slack <= short <= sizes[1][1] + slack, (view.scene.seed, item)


HEIGHTS_M = {
    "house": (6, 9), "hall": (8, 20), "storage tank": (10, 20), "ship": (5, 30), "airplane": (5, 15),
    "vehicle": (1.5, 4),
}  # fmt: skip


def test_heights_are_set(views: list[View]) -> None:
    for view in views:
        for _, item in view.things(*OURS):
            low, high = HEIGHTS_M.get(item.kind) or HEIGHTS_M.get(item.name) or (0, 0)
            assert low <= item.height_m <= high, item


# ---- plots and floors


def test_a_stencil_is_what_is_painted() -> None:
    draws = Draws(5, 1)
    for _ in range(50):
        plot = Plot((draws.uniform(-10, 74), draws.uniform(-10, 74)), draws.uniform(1, 20), draws.uniform(1, 20),
                    draws.uniform(0, math.pi))  # fmt: skip
        ground = Item("grassland", Polygon(((-1, -1), (65, -1), (65, 65), (-1, 65))))
        painted = paint_items([ground, Item("building", Polygon(plot.corners()))], 64) == 1
        where, mask = stencil(plot.corners(), 64)
        mine = np.zeros((64, 64), bool)
        mine[where] = mask
        assert np.array_equal(mine, painted)


def test_halves_of_a_plot_lie_apart_inside_it() -> None:
    plot = Plot((40.0, 30.0), 20, 8, 0.4)
    first, second = plot.halves(0.3, 4.0)
    assert (first.half_w, second.half_w) == pytest.approx((5.0, 13.0))
    assert first.half_h == second.half_h == 8
    assert math.dist(first.centre, second.centre) == pytest.approx(first.half_w + second.half_w + 4, abs=0.5)


def test_a_floor_keeps_things_apart_on_its_ground_and_in_the_view() -> None:
    plan = Plan(Draws(1, 1), 64, 1.0, "rural")
    free = np.ones((64, 64), bool)
    free[:, 40:] = False
    floor = Floor(plan, free, np.zeros((64, 64), bool))
    assert floor.build("building", Plot((20.0, 20.0), 5, 5, 0.0), kind="hall")
    assert not floor.build("building", Plot((31.0, 20.0), 5, 5, 0.0), kind="hall")  # a pixel between them
    assert not floor.build("building", Plot((36.0, 50.0), 5, 5, 0.0), kind="hall")  # partly off its ground
    assert not floor.build("building", Plot((4.0, 50.0), 5, 5, 0.0), kind="hall")  # partly out of the view
    assert not floor.build("building", Plot((20.0, 50.0), 5, 0.5, 0.0), kind="hall")  # too thin to see
    assert floor.build("building", Plot((34.0, 20.0), 5, 5, 0.0), kind="hall")
    assert [item.name for item in plan.items] == ["building", "building"]


@pytest.mark.parametrize("gap", [LOT_GAP_PX, GAP_PX])
def test_no_two_things_that_a_floor_lets_stand_touch_on_the_raster(gap: float) -> None:
    draws = Draws(9, 1)
    for _ in range(150):
        floor = Floor(Plan(draws, 64, 1.0, "rural"), np.ones((64, 64), bool), np.zeros((64, 64), bool))
        first = Plot(
            (31 + draws.unit(), 31 + draws.unit()), draws.uniform(1, 8), draws.uniform(1, 3), draws.uniform(0, 3)
        )
        assert floor.build("vehicle", first, gap=gap)
        away, half_w, half_h = draws.uniform(0, 6.28), draws.uniform(1, 8), draws.uniform(1, 3)
        angle = draws.choice((first.angle, draws.uniform(0, 3)))
        for step in range(1, 80):  # the nearest place on the way out where it may stand
            centre = 32 + step / 4 * math.cos(away), 32 + step / 4 * math.sin(away)
            second = Plot(centre, half_w, half_h, angle)
            if floor.build("vehicle", second, gap=gap):
                break
        both = np.zeros((64, 64), bool)
        for plot in (first, second):
            where, mask = stencil(plot.corners(), 64)
            both[where] |= mask
        assert ndimage.label(both, NEIGHBOURS)[1] == 2


@pytest.mark.parametrize("name", airfields.MAKES)
def test_an_airplane_is_in_one_piece_however_it_stands(name: str) -> None:
    draws, make = Draws(3, 1), airfields.MAKES[name]
    ground = Item("paved", Polygon(((-1, -1), (97, -1), (97, 97), (-1, 97))), kind="apron")
    for span in (7.0, 8.5, 10.0, 13.0, 20.0, 45.0):
        for _ in range(40):
            floor = Floor(Plan(draws, 96, 1.0, "airfield"), np.ones((96, 96), bool), np.zeros((96, 96), bool))
            centre = draws.uniform(44, 52), draws.uniform(44, 52)
            assert airfields.put_airplane(floor, make, span, centre, draws.uniform(0, 2 * math.pi))
            top = paint_items([ground, *floor.plan.items], 96)
            assert ndimage.label(top == 1, NEIGHBOURS)[1] == 1


# ---- sameness


PRINT_DIGEST = """
import hashlib, sys
from engine.scenes.layout import make_scene
print(hashlib.sha256("".join(repr(make_scene(seed)) for seed in range(1000, 1008)).encode()).hexdigest())
"""


def test_another_process_builds_the_same() -> None:
    def digest(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run([sys.executable, "-c", PRINT_DIGEST], capture_output=True, text=True, env=environment,
                              check=True)  # fmt: skip
        return done.stdout

    assert digest("1") == digest("2")


def test_a_larger_view_has_more_of_everything() -> None:
    large = make_scene(1003, 768)
    counts = Counter(item.name for item in large.items)
    assert sum(counts[name] for name in OURS) > 20
    assert not [item for item in large.items if isinstance(item.shape, Line) and item.shape.width <= 0]
