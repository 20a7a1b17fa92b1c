"""The land of a scene: what occurs how often, the rules that roads and water keep, junctions as they are seen."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

from engine.draws import Draws
from engine.scenes.land.ground import Field, signed_area
from engine.scenes.land.junctions import mark_junctions
from engine.scenes.land.parcels import divide, make_bend
from engine.scenes.land.waters import lay_waters
from engine.scenes.layout import make_scene
from engine.scenes.paint import paint_items
from engine.scenes.plan import Plan
from engine.scenes.scene import COVERS, SETTINGS, WATERS, Disc, Item, Line, Mark, Polygon, Scene, moved

SEEDS = range(300)

Map = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Seen:
    """A scene with its item map, and the map of what lies beneath ways and things."""

    scene: Scene
    top: Map

    @cached_property
    def names(self) -> NDArray[np.str_]:
        return np.array([item.name for item in self.scene.items])

    @cached_property
    def pixels(self) -> NDArray[np.intp]:
        """Visible pixels per item."""
        return np.bincount(self.top.ravel(), minlength=len(self.scene.items))

    @cached_property
    def water(self) -> Mask:
        covers = [index for index, item in enumerate(self.scene.items) if item.cover is not None]
        ground = np.array(covers)[paint_items([self.scene.items[i] for i in covers], self.scene.size)]
        return np.asarray(np.isin(self.names, WATERS)[ground])

    @cached_property
    def road(self) -> Mask:
        """Roads and bridges as they would look without traffic."""
        still = [item for item in self.scene.items if item.name != "vehicle"]
        carriageway = np.isin([item.name for item in still], ("road", "bridge"))
        return np.asarray(carriageway[paint_items(still, self.scene.size)])

    def mask(self, *names: str) -> Mask:
        return np.asarray(np.isin(self.names, names)[self.top])

    def items(self, name: str) -> list[tuple[int, Item]]:
        return [(i, item) for i, item in enumerate(self.scene.items) if item.name == name and self.pixels[i]]


def see(scene: Scene) -> Seen:
    return Seen(scene, paint_items(scene.items, scene.size))


@pytest.fixture(scope="module")
def places() -> list[Seen]:
    return [see(make_scene(seed)) for seed in SEEDS]


LEAST_SHARE = {
    "farmland": 0.40, "grassland": 0.60, "forest": 0.55, "built-up area": 0.45, "bare land": 0.45, "concrete": 0.30,
    "wetland": 0.15, "river": 0.25, "lake": 0.10, "sea": 0.18, "road": 0.75, "bridge": 0.20, "transmission tower": 0.15,
}  # fmt: skip
"""Least share of scenes in which a class can be seen."""


@pytest.mark.parametrize("name", LEAST_SHARE)
def test_every_class_is_in_a_useful_share_of_scenes(places: list[Seen], name: str) -> None:
    least_pixels = 4 if name == "transmission tower" else 60
    shown = sum(int(place.pixels[place.names == name].sum()) >= least_pixels for place in places)
    assert shown / len(places) >= LEAST_SHARE[name]


@pytest.mark.parametrize(("name", "least"), [("crossroad", 0.2), ("T junction", 0.35)])
def test_junctions_are_in_a_useful_share_of_scenes_in_different_numbers(
    places: list[Seen], name: str, least: float
) -> None:
    counts = Counter(sum(mark.name == name for mark in place.scene.marks) for place in places)
    assert 1 - counts[0] / len(places) >= least
    assert {0, 1, 2, 3} <= set(counts)


@pytest.mark.parametrize("kind", ["wide", "narrow"])
def test_roads_have_the_widths_of_their_kind(places: list[Seen], kind: str) -> None:
    shown, low, high = 0, *((12, 20) if kind == "wide" else (4, 7))
    for place in places:
        roads = [
            item.shape.width for _, item in place.items("road") if item.kind == kind and isinstance(item.shape, Line)
        ]
        shown += bool(roads)
        pixel = place.scene.gsd_m
        assert all(width >= 2 and width <= max(high / pixel, 2) + 0.5 for width in roads)
        assert all(width == 2 or width >= low / pixel - 0.5 for width in roads)
    assert shown / len(places) > 0.4


def test_all_settings_occur_with_sampling_distances_of_their_own(places: list[Seen]) -> None:
    counts = Counter(place.scene.setting for place in places)
    assert all(counts[setting] >= 0.04 * len(places) for setting in SETTINGS)
    assert all(0.5 <= place.scene.gsd_m <= 10 for place in places)
    assert all(place.scene.gsd_m <= 1.5 for place in places if place.scene.setting == "sports")
    assert max(place.scene.gsd_m for place in places) > 7
    assert min(place.scene.gsd_m for place in places) < 0.7


def test_radar_geometry_is_that_of_satellites(places: list[Seen]) -> None:
    assert {place.scene.polarisation for place in places} == {"VV", "VH", "HH"}
    assert all(25 <= place.scene.incidence_deg <= 45 for place in places)
    assert all(min(abs(place.scene.look_deg - side) for side in (90, 270)) <= 15 for place in places)


def test_roads_are_never_on_water_and_bridges_reach_from_land_to_land(places: list[Seen]) -> None:
    bridges = 0
    for place in places:
        assert not (place.mask("road") & place.water).any(), place.scene.seed
        size = place.scene.size
        for index, bridge in place.items("bridge"):
            assert isinstance(bridge.shape, Line)
            assert bridge.height_m > 0
            ends = [(math.floor(x), math.floor(y)) for x, y in bridge.shape.points]
            inside = [end for end in ends if 0 <= end[0] < size and 0 <= end[1] < size]
            assert not any(place.water[y, x] for x, y in inside), place.scene.seed
            if len(inside) == 2:
                assert (place.water & (place.top == index)).any(), place.scene.seed
            bridges += 1
    assert bridges > 60


def test_bridges_and_towers_keep_apart(places: list[Seen]) -> None:
    for place in places:
        for name in ("bridge", "transmission tower"):
            shown = {index for index, _ in place.items(name)}
            _, count = ndimage.label(ndimage.binary_dilation(place.mask(name)), np.ones((3, 3)))
            assert count == len(shown), (place.scene.seed, name)


def test_towers_stand_in_lines_on_open_land(places: list[Seen]) -> None:
    lines = 0
    for place in places:
        groups: dict[int, list[Item]] = {}
        for _, tower in place.items("transmission tower"):
            assert 25 <= tower.height_m <= 60
            assert tower.group > 0
            groups.setdefault(tower.group, []).append(tower)
        for towers in groups.values():
            lines += 1
            assert len(towers) >= 2
            assert len({tower.height_m for tower in towers}) == 1
            middles = np.array([np.mean(t.shape.points, axis=0) for t in towers if isinstance(t.shape, Polygon)])
            # A line with one bend: of a principal direction, with little across it.
            spread = np.linalg.svd(middles - middles.mean(axis=0), compute_uv=False)
            assert spread[1] < 0.35 * spread[0]
            rows, columns = np.floor(middles.T[::-1]).astype(int)
            assert not place.water[rows, columns].any()
    assert lines > 40


# ---- junctions, counted anew on the painted map


def runs_on_ring(mask: Mask, centre: tuple[float, float], radius: float) -> int:
    """How many separate stretches of a circle are on ``mask``."""
    t = np.arange(0, 2 * np.pi, 0.4 / radius)
    x = np.clip(np.floor(centre[0] + radius * np.cos(t)).astype(int), 0, mask.shape[1] - 1)
    y = np.clip(np.floor(centre[1] + radius * np.sin(t)).astype(int), 0, mask.shape[0] - 1)
    on = mask[y, x]
    return int((on & ~np.roll(on, 1)).sum())


def square(mark: Mark) -> tuple[tuple[float, float], float]:
    """Centre and side."""
    points = np.array(mark.outline.points)
    (x, y), side = points.mean(axis=0), float(np.ptp(points[:, 0]))
    return (float(x), float(y)), side


def test_marks_have_as_many_arms_as_the_painted_roads(places: list[Seen]) -> None:
    right = total = 0
    for place in places:
        road = place.road
        for mark in place.scene.marks:
            if mark.name == "harbor":
                continue
            centre, side = square(mark)
            arms = {runs_on_ring(road, centre, share * side) for share in (0.55, 0.65, 0.75)}
            right += (4 if mark.name == "crossroad" else 3) in arms
            total += 1
    assert total > 300
    assert right / total > 0.97


def test_junctions_on_the_skeleton_of_the_painted_roads_are_marked(places: list[Seen]) -> None:
    """Branch points of the roads' skeleton with at least three arms, away from the border: nearly all have a mark."""
    found = marked = 0
    for place in places:
        road = place.road
        squares = [square(mark) for mark in place.scene.marks if mark.name != "harbor"]
        for centre, side in skeleton_junctions(road):
            arms = sorted(runs_on_ring(road, centre, share * side) for share in (0.55, 0.7, 0.85, 1.0))
            if arms[1] >= 3:
                found += 1
                marked += any(math.dist(centre, middle) < max(0.75 * box, 6) for middle, box in squares)
    assert found > 250
    assert marked / found > 0.96


def skeleton_junctions(road: Mask) -> list[tuple[tuple[float, float], float]]:
    """Middle and size of each cluster of branch points whose square lies in the view."""
    size, skeleton, depth = len(road), skeletonize(road), ndimage.distance_transform_edt(road)
    branch = skeleton & (ndimage.convolve(skeleton.astype(int), np.ones((3, 3)), mode="constant") >= 4)
    labels, count = ndimage.label(ndimage.binary_dilation(branch, iterations=2))
    out = []
    for label in range(1, count + 1):
        rows, columns = np.nonzero(branch & (labels == label))
        centre = (float(columns.mean()) + 0.5, float(rows.mean()) + 0.5)
        side = max(8.0, 5 * float(depth[rows, columns].max()))
        if all(side / 2 + 2 < value < size - side / 2 - 2 for value in centre):
            out.append((centre, side))
    return out


def test_marks_lie_in_the_view_and_apart(places: list[Seen]) -> None:
    for place in places:
        squares = [square(mark) for mark in place.scene.marks if mark.name != "harbor"]
        for (x, y), side in squares:
            assert side >= 8
            assert min(x, y) - side / 2 >= -0.25
            assert max(x, y) + side / 2 <= place.scene.size + 0.25
        for index, (one, side) in enumerate(squares):
            assert all(math.dist(one, other) >= max(side, box) - 0.5 for other, box in squares[index + 1 :])


def plan_with_roads(*lines: tuple[tuple[float, float], ...], width: float = 4.0) -> Plan:
    plan = Plan(Draws(0, 1), 256, 1.0, "rural")
    plan.add("grassland", Polygon(((-40, -40), (296, -40), (296, 296), (-40, 296))))
    for line in lines:
        plan.add("road", Line(line, width), kind="narrow")
    return plan


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([((0, 100), (255, 100)), ((100, 0), (100, 255))], ["crossroad"]),
        ([((0, 100), (255, 100)), ((100, 100), (100, 255))], ["T junction"]),
        # The side road ends at the kerb of the other, not on its centre line.
        ([((0, 100), (255, 100)), ((100, 102), (100, 255))], ["T junction"]),
        # Two side roads, one on each side.
        ([((0, 100), (255, 100)), ((100, 0), (100, 100)), ((100, 100), (100, 255))], ["crossroad"]),
        # A bend, and one road that goes on as another.
        ([((0, 100), (100, 100)), ((100, 100), (100, 255))], []),
        ([((0, 100), (100, 100)), ((100, 100), (255, 100))], []),
        # At the border the square would be cut off.
        ([((0, 3), (255, 3)), ((100, 0), (100, 255))], []),
        ([((0, 100), (255, 100)), ((50, 0), (50, 255)), ((200, 100), (200, 0))], ["crossroad", "T junction"]),
    ],
)
def test_junctions_of_a_few_roads(lines: list[tuple[tuple[float, float], ...]], names: list[str]) -> None:
    plan = plan_with_roads(*lines)
    mark_junctions(plan)
    assert [mark.name for mark in plan.marks] == names
    if names:
        centre, side = square(plan.marks[0])
        assert side == 10
        assert centre[1] == pytest.approx(100, abs=2.5)


def test_a_covered_junction_is_not_marked() -> None:
    plan = plan_with_roads(((0, 100), (255, 100)), ((100, 0), (100, 255)))
    plan.add("building", Disc((100, 100), 12), height_m=8, kind="hall")
    mark_junctions(plan)
    assert plan.marks == []


# ---- the pieces


def test_parcels_cover_the_view_without_gaps() -> None:
    for seed in range(20):
        plan = Plan(Draws(seed, 1), 256, 1.0, "rural")
        division = divide(plan, lambda point: 40.0 if point[0] < 128 else 90.0, 0.4, make_bend(plan.draws, 0.0))
        area = shapely.union_all([shapely.Polygon(parcel.outline) for parcel in division.parcels])
        assert area.buffer(0.5).contains(shapely.box(-16, -16, 272, 272))
        assert [cut.rank for cut in division.cuts] == sorted(cut.rank for cut in division.cuts)
        strips = division.parcels[0].strips(4)
        whole = abs(signed_area(division.parcels[0].outline))
        assert sum(abs(signed_area(strip)) for strip in strips) == pytest.approx(whole, rel=0.02)


def test_outlines_enclose_the_highest_share_of_a_field() -> None:
    shares = []
    for seed in range(12):
        field, inside = Field(Draws(seed, 1)), np.zeros((256, 256), bool)
        for outline, rising in field.highest(256, 0.3):
            inside[paint_items([Item("base", Disc((0, 0), 0)), Item("x", Polygon(outline))], 256) == 1] = rising
        values = field.grid(256)[1]
        rows, columns = np.nonzero(inside[::8, ::8])
        inner = values[rows + 5, columns + 5]  # the grid's first five nodes lie in the margin
        assert np.mean(inner > np.quantile(values, 0.7) - 0.05) > 0.95
        shares.append(inside.mean())
    assert 0.2 < np.mean(shares) < 0.4


def test_rivers_do_not_cross_themselves() -> None:
    rivers = 0
    for seed in range(150):
        plan = Plan(Draws(seed, 1), 256, 2.0, "wild")
        plan.add("grassland", Polygon(((-40, -40), (296, -40), (296, 296), (-40, 296))))
        for river in lay_waters(plan):
            rivers += 1
            assert shapely.LineString(river.course).is_simple
    assert rivers > 60


def test_moving_an_item_moves_its_picture() -> None:
    for shape in (Polygon(((20, 20), (60, 25), (40, 70))), Line(((10, 10), (80, 90)), 6.0), Disc((50, 50), 9.0)):
        item = Item("grassland", shape)
        here, there = (paint_items([Item("base", Disc((0, 0), 0)), one], 128) for one in (item, moved(item, 5, 9)))
        assert (there[9:, 5:] == here[:-9, :-5]).all()


def test_land_goes_on_beyond_the_border(places: list[Seen]) -> None:
    """A view moved by a few pixels, as in a pair with a known shift, has land everywhere."""
    for place in places[:60]:
        assert isinstance(place.scene.items[0].shape, Polygon)
        assert shapely.Polygon(place.scene.items[0].shape.points).contains(shapely.box(-16, -16, 272, 272))


# ---- the whole


def test_coordinates_are_quarters(places: list[Seen]) -> None:
    for place in places:
        for shape in [item.shape for item in place.scene.items] + [mark.outline for mark in place.scene.marks]:
            points = (shape.centre,) if isinstance(shape, Disc) else shape.points
            assert all(value * 4 == round(value * 4) for point in points for value in point), place.scene.seed


@pytest.mark.parametrize("size", [64, 1024])
def test_other_sizes_are_larger_places_not_finer_pictures(size: int) -> None:
    for seed in range(3):
        place = see(make_scene(seed, size))
        assert place.top.shape == (size, size)
        assert place.scene.gsd_m == make_scene(seed).gsd_m
        assert not (place.mask("road") & place.water).any()
        assert all(max(point) <= size for mark in place.scene.marks for point in mark.outline.points)


DIGEST = """
import hashlib
from engine.scenes.layout import make_scene
print(hashlib.sha256("".join(repr(make_scene(seed)) for seed in range(12)).encode()).hexdigest())
"""


def test_a_seed_is_a_scene_in_any_process() -> None:
    here = hashlib.sha256("".join(repr(make_scene(seed)) for seed in range(12)).encode()).hexdigest()
    command = [sys.executable, "-W", "error", "-c", DIGEST]
    there = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()
    assert here == there


def test_covers_have_the_names_of_the_list() -> None:
    assert set(LEAST_SHARE) >= (set(COVERS) - {"water"}) | set(WATERS)
