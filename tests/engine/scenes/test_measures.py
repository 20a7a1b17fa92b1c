"""Measures against shapes of which the word, or the length, is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import draw

from engine.draws import Draws
from engine.scenes.truths import measures
from engine.scenes.truths.deductions import deduce
from engine.text import DEDUCTIONS, LOCATION_ANSWERS

SIZE = 256
angles = st.floats(0, 180)


def polygon(points: list[tuple[float, float]]) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    x, y = np.array(points).T
    mask[draw.polygon(y, x, mask.shape)] = True
    return mask


def turned(points: list[tuple[float, float]], angle: float) -> list[tuple[float, float]]:
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return [(128 + c * x - s * y, 128 + s * x + c * y) for x, y in points]


def rectangle(half_w: float, half_h: float, angle: float) -> np.ndarray:
    return polygon(turned([(-half_w, -half_h), (half_w, -half_h), (half_w, half_h), (-half_w, half_h)], angle))


def test_places_by_hand() -> None:
    assert measures.place((10, 10, 40, 30), SIZE) == "top left"
    assert measures.place((120, 118, 136, 140), SIZE) == "center"
    assert measures.place((200, 100, 220, 150), SIZE) == "right"
    assert measures.place((75, 10, 95, 30), SIZE) is None  # its middle is on the border of two cells
    assert measures.place((10, 10, 150, 30), SIZE) is None  # it runs through half the view


@given(st.integers(0, 8))
def test_the_middle_of_each_cell_is_in_it(cell: int) -> None:
    row, column = divmod(cell, 3)
    x, y = round(SIZE * (column + 0.5) / 3), round(SIZE * (row + 0.5) / 3)
    assert measures.place((x - 5, y - 5, x + 5, y + 5), SIZE) == LOCATION_ANSWERS[cell]


@given(st.floats(0, 360))
def test_directions_are_opposite_when_seen_from_the_other(angle: float) -> None:
    assume(abs(abs(angle % 45 - 22.5) - 7.5) > 1e-6)  # on a border of sectors rounding decides
    one, other = (50 * math.cos(math.radians(angle)), 50 * math.sin(math.radians(angle))), (0.0, 0.0)
    there, back = measures.direction(one, other), measures.direction(other, one)
    assert (there is None) == (back is None)
    swap = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
    if there is not None and back is not None:
        assert " ".join(swap[word] for word in there.split()) == back


def test_directions_by_hand() -> None:
    assert measures.direction((10, 0), (0, 0)) == "right"
    assert measures.direction((0, -10), (0, 1)) == "top"
    assert measures.direction((-7, 7), (0, 0)) == "bottom left"
    assert measures.direction((10, 4.1), (0, 0)) is None


@given(st.floats(20, 60), st.floats(0.93, 1.0), angles)
@settings(max_examples=30)
def test_a_disc_is_round(radius: float, squeeze: float, angle: float) -> None:
    circle = [(radius * math.cos(t), radius * squeeze * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 60)]
    assert measures.patch_shape(polygon(turned(circle, angle))) == "round"


@given(st.floats(30, 60), st.floats(0.65, 1.0), angles)
@settings(max_examples=30)
def test_a_rectangle_is_rectangular_however_it_is_turned(half_w: float, ratio: float, angle: float) -> None:
    assert measures.patch_shape(rectangle(half_w, half_w * ratio, angle)) == "rectangular"


@given(st.floats(20, 60), angles)
@settings(max_examples=30)
def test_other_shapes(reach: float, angle: float) -> None:
    star = [((reach if k % 2 else reach * 0.4) * math.cos(k * math.pi / 5),
             (reach if k % 2 else reach * 0.4) * math.sin(k * math.pi / 5)) for k in range(10)]  # fmt: skip
    assert measures.patch_shape(polygon(turned(star, angle))) == "irregular"
    ellipse = [(reach * math.cos(t), 0.35 * reach * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 60)]
    assert measures.patch_shape(polygon(turned(ellipse, angle))) == "elongated"
    assert measures.patch_shape(rectangle(reach, reach / 4, angle)) in (None, "elongated")  # never just rectangular


@given(angles, st.floats(60, 100))
@settings(max_examples=30)
def test_lines_are_straight_or_curved(angle: float, reach: float) -> None:
    straight = np.array(turned([(-reach, 0), (reach, 0)], angle))
    assert measures.line_shape(straight) == "straight"
    arc = [(reach * math.cos(t), reach * math.sin(t)) for t in np.linspace(0, 1.2, 40)]
    assert measures.line_shape(np.array(turned(arc, angle))) == "curved"


def test_a_line_is_measured_in_the_view_only() -> None:
    inside = measures.along_line([(-50.0, 100.0), (100.0, 100.0), (100.0, 300.0)], SIZE)
    assert measures.path_length(inside) == pytest.approx(100 + 156, abs=2)
    assert not len(measures.along_line([(-50.0, -10.0), (-5.0, 100.0)], SIZE))


@given(st.floats(10, 40), angles)
@settings(max_examples=25)
def test_a_straight_river_is_as_long_as_its_middle_line(width: float, angle: float) -> None:
    band = rectangle(400, width / 2, angle)
    land = ndimage.distance_transform_edt(np.pad(band, 4, mode="edge"))[4:-4, 4:-4]
    length = measures.band_length(band, land)
    c, s = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    # Across a corner of the view each bank is shorter than the middle line by as much as the river is wide.
    assert length == pytest.approx(SIZE / max(c, s), rel=0.05, abs=1.3 * width)


@given(st.floats(10, 24), st.floats(70, 100))
@settings(max_examples=15)
def test_a_bend_is_as_long_as_its_arc(width: float, radius: float) -> None:
    rows, columns = np.ogrid[:SIZE, :SIZE]
    band = abs(np.hypot(rows, columns) - radius) <= width / 2
    land = ndimage.distance_transform_edt(np.pad(band, 4, mode="edge"))[4:-4, 4:-4]
    assert measures.band_length(band, land) == pytest.approx(radius * math.pi / 2, rel=0.06)


def test_a_river_with_an_island_has_no_length() -> None:
    band = rectangle(400, 20, 0) & ~rectangle(10, 5, 0)
    assert measures.band_length(band, ndimage.distance_transform_edt(band)) is None


@given(angles, st.floats(30, 60), st.floats(4, 12))
def test_the_longer_side_does_not_depend_on_the_turn(angle: float, long: float, short: float) -> None:
    points = turned([(-long, -short), (long, -short), (long, short), (-long, short)], angle)
    assert measures.longer_side(points, angle) == pytest.approx(2 * long)
    assert measures.longer_side(points, angle + 90) == pytest.approx(2 * long)


# ---- distributions


@given(st.integers(2, 4), st.integers(3, 7), angles, st.floats(8, 14))
@settings(max_examples=30)
def test_a_grid_is_in_rows_however_it_is_turned(rows: int, columns: int, angle: float, pitch: float) -> None:
    grid = [(column * pitch - 40, row * pitch * 1.2) for row in range(rows) for column in range(columns)]
    assert measures.distribution(turned(grid, angle), SIZE) == "in rows"


def spots(seed: int, count: int, reach: float) -> list[tuple[float, float]]:
    draws = Draws(seed, 3)
    return [(draws.uniform(128 - reach, 128 + reach), draws.uniform(128 - reach, 128 + reach)) for _ in range(count)]


def test_random_points_are_hardly_ever_in_rows() -> None:
    words = [measures.distribution(spots(seed, count, 120), SIZE) for seed in range(150) for count in (5, 8, 14)]
    assert words.count("in rows") <= 2
    assert "clustered" not in words


def test_random_points_are_nearly_always_recognised() -> None:
    words = [measures.distribution(spots(seed, 10, 120), SIZE) for seed in range(60)]
    assert words.count("scattered") > 45
    tight = [measures.distribution(spots(seed, 10, 25), SIZE) for seed in range(60)]
    assert tight.count("clustered") > 55


@given(st.integers(0, 10**6), st.integers(3, 12), angles)
@settings(max_examples=40)
def test_a_mirror_changes_no_distribution(seed: int, count: int, angle: float) -> None:
    points = spots(seed, count, 100)
    assume(len(set(points)) == count)
    mirrored = [(SIZE - x, y) for x, y in points]
    assert measures.distribution(mirrored, SIZE) == measures.distribution(points, SIZE)


def test_few_or_grouped_things_are_not_scattered() -> None:
    assert measures.distribution(spots(1, 2, 100), SIZE) is None
    scattered = next(points for seed in range(20) if measures.distribution(points := spots(seed, 10, 120), SIZE))
    assert measures.distribution(scattered, SIZE) == "scattered"
    assert measures.distribution(scattered, SIZE, grouped=True) is None


# ---- deductions


def answer(topic: str, **known: bool | None) -> str | None:
    names = {name.replace("_", " "): there for name, there in known.items()}
    return next((d.answer for d in deduce(names) if d.topic == topic), None)


def test_what_follows_by_hand() -> None:
    assert answer("swim", water=True, swimming_pool=False) == "yes"
    assert answer("swim", water=False, swimming_pool=False) == "no"
    assert answer("swim", water=None, swimming_pool=False) is None
    assert answer("cross the river", river=True, bridge=False) == "no"
    assert answer("cross the river", river=False, bridge=False) is None
    assert answer("shade", forest=False) is None  # there may be trees in a town
    assert answer("berth a ship", pier=True) == "yes"
    assert answer("berth a ship", pier=False, harbor=False, water=False) == "no"
    assert answer("berth a ship", pier=False, harbor=False, water=True) is None
    assert answer("land a plane", runway=None) is None


def test_nothing_follows_from_nothing() -> None:
    assert deduce({}) == ()
    full = dict.fromkeys(("water", "runway", "pier", "road", "forest", "river", "bridge", "farmland", "storage tank",
                          "tennis court", "ground track field", "parking lot", "residential",
                          "transmission tower"), True)  # fmt: skip
    assert {d.topic for d in deduce(full)} == set(DEDUCTIONS)
    assert {d.answer for d in deduce(full)} == {"yes"}
