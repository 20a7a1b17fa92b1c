"""Masks, what is cleaned out of them, and the polygons around them."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from engine.raster.ground_area import BLOCK_PX, pixel_areas_m2
from engine.raster.masks import LEVELS, NO_DATA, as_levels, as_probabilities, mask_of
from engine.raster.polygons import WITHIN_PX, mask_area_m2, mask_share, polygons_of
from engine.records import Cleaning, Grid

PIXELS = Grid(64, 64, (1, 0, 0, 0, 1, 0))
UTM = Grid(2000, 2000, (10, 0, 600_000, 0, -10, 5_600_000), "EPSG:32631", 10.0)
MASKS = arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 1))


def levels_like(mask):
    return np.where(mask == 1, 200, 20).astype(np.uint8)


def shaped(part):
    return shapely.Polygon(part.exterior_map, part.holes_map)


def pixels_of(mask, label):
    rows, cols = np.nonzero(mask == label)
    return shapely.unary_union([shapely.box(c, r, c + 1, r + 1) for r, c in zip(rows, cols, strict=True)])


class TestPolygons:
    @given(MASKS)
    def test_every_part_is_a_valid_polygon_within_half_a_pixel_of_its_pixels(self, mask):
        parts, cut = polygons_of(mask, levels_like(mask), PIXELS)
        labels, count = ndimage.label(mask)
        assert (len(parts), cut) == (count, 0)
        for part in parts:
            polygon = shaped(part)
            assert polygon.is_valid
            inside = labels[int(part.box.y0) : int(part.box.y1), int(part.box.x0) : int(part.box.x1)]
            label = next(
                number
                for number in range(1, count + 1)
                if ndimage.find_objects(labels)[number - 1]
                == (slice(int(part.box.y0), int(part.box.y1)), slice(int(part.box.x0), int(part.box.x1)))
                and part.area_px == np.count_nonzero(inside == number)
                and polygon.intersection(pixels_of(labels, number)).area > 0.4 * polygon.area
            )
            pixels = pixels_of(labels, label)
            assert shapely.hausdorff_distance(polygon.boundary, pixels.boundary, densify=0.1) <= WITHIN_PX + 1e-9

    @given(MASKS)
    def test_areas_of_pixels_add_up(self, mask):
        parts, _ = polygons_of(mask, levels_like(mask), PIXELS)
        assert sum(part.area_px for part in parts) == np.count_nonzero(mask)
        assert [part.area_px for part in parts] == sorted((part.area_px for part in parts), reverse=True)

    def test_a_hole_is_kept(self):
        mask = np.zeros((20, 20), np.uint8)
        mask[2:18, 2:18] = 1
        mask[8:12, 8:12] = 0
        ((part,), _) = polygons_of(mask, levels_like(mask), PIXELS)
        assert len(part.holes_map) == 1
        assert shapely.Polygon(part.holes_map[0]).area == pytest.approx(16, abs=1)
        assert shapely.LinearRing(part.exterior_map).is_ccw
        assert not shapely.LinearRing(part.holes_map[0]).is_ccw

    def test_a_slope_of_pixels_is_a_straight_line(self):
        mask = np.tri(30, dtype=np.uint8)
        ((part,), _) = polygons_of(mask, levels_like(mask), PIXELS)
        assert len(part.exterior_map) <= 8  # the stairs alone have sixty corners

    def test_rings_turn_as_the_web_has_them_where_rows_run_down_the_map(self):
        mask = np.ones((40, 40), np.uint8)
        ((part,), _) = polygons_of(mask, levels_like(mask), UTM)
        assert shapely.LinearRing(part.exterior_map).is_ccw
        assert shaped(part).area == pytest.approx(400 * 400, rel=1e-3)

    def test_the_largest_are_kept_and_the_rest_is_counted(self):
        mask = np.zeros((9, 9), np.uint8)
        mask[0, 0] = mask[0, 2] = mask[2:5, 2:5] = 1
        parts, cut = polygons_of(mask, levels_like(mask), PIXELS, most=2)
        assert ([part.area_px for part in parts], cut) == ([9, 1], 1)

    def test_mean_probability_is_over_the_pixels_inside(self):
        mask = np.array([[1, 1, 0]], np.uint8)
        levels = np.array([[LEVELS, LEVELS // 2, 3]], np.uint8)
        ((part,), _) = polygons_of(mask, levels, PIXELS)
        assert part.mean_probability == pytest.approx(0.75)

    def test_ground_without_data_is_no_part(self):
        mask = np.full((3, 3), NO_DATA, np.uint8)
        assert polygons_of(mask, mask, PIXELS) == ((), 0)
        assert mask_share(mask) == 0


class TestGround:
    @pytest.mark.parametrize("row", [0, 1000, 1999])
    @pytest.mark.parametrize("crs", ["EPSG:32631", "EPSG:3857", "EPSG:3035"])
    def test_agrees_with_an_equal_area_projection(self, crs, row):
        grid = Grid(2000, 2000, (10, 0, 600_000, 0, -10, 5_600_000), crs, 10.0)
        if crs == "EPSG:3035":
            grid = Grid(2000, 2000, (10, 0, 3_900_000, 0, -10, 3_100_000), crs, 10.0)
        corners = [grid.to_map(c, r) for c, r in ((900, row), (1000, row), (1000, row + 100), (900, row + 100))]
        degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        equal = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True)
        expected = shapely.Polygon([equal.transform(*degrees.transform(*corner)) for corner in corners]).area
        found = pixel_areas_m2(grid, np.array([950.0]), np.array([row + 50.0]))
        assert found[0] * 100 * 100 == pytest.approx(expected, rel=1e-4)

    def test_pixels_of_a_decimetre_do_not_drown_in_rounding(self):
        grid = Grid(1000, 1000, (0.1, 0, 600_000, 0, -0.1, 5_600_000), "EPSG:32631", 0.1)
        coarse = pixel_areas_m2(UTM, np.array([0.0]), np.array([0.0]))
        fine = pixel_areas_m2(grid, np.array([0.0]), np.array([0.0]))
        assert fine[0] * 1e4 == pytest.approx(coarse[0], rel=1e-5)

    @pytest.mark.parametrize(
        ("grid", "bound"),
        [(UTM, 1e-5), (Grid(2000, 2000, (10, 0, 600_000, 0, -10, 8_399_738), "EPSG:3857", 10.0), 2e-4)],
    )
    def test_pixels_of_a_block_are_nearly_equal(self, grid, bound):
        corner, middle = np.array([0.0, BLOCK_PX]), np.array([BLOCK_PX / 2])
        (centre,) = pixel_areas_m2(grid, middle, middle)
        for cols, rows in ((corner, corner), (corner, corner[::-1])):
            assert np.abs(pixel_areas_m2(grid, cols, rows) / centre - 1).max() < bound

    def test_parts_add_up_to_the_mask(self):
        drawn = np.random.default_rng(3).random((150, 200)) < 0.6
        mask = drawn.astype(np.uint8)
        grid = Grid(200, 150, UTM.transform, UTM.crs, 10.0)
        parts, _ = polygons_of(mask, levels_like(mask), grid, most=10**6)
        assert sum(part.area_m2 for part in parts) == pytest.approx(mask_area_m2(mask, grid), rel=1e-9)

    def test_without_a_place_on_earth_there_are_no_metres(self):
        mask = np.ones((4, 4), np.uint8)
        assert mask_area_m2(mask, PIXELS) is None
        assert polygons_of(mask, mask, PIXELS)[0][0].area_m2 is None
        assert mask_area_m2(np.zeros((4, 4), np.uint8), UTM) == 0.0


class TestMasks:
    @given(arrays(np.float32, (5, 6), elements=st.floats(0, 1, width=32)))
    def test_bytes_hold_a_probability_within_half_a_level(self, probability):
        probability[0, 0] = np.nan
        back = as_probabilities(as_levels(probability))
        assert np.isnan(back[0, 0])
        assert np.nanmax(np.abs(back - probability)) <= 0.5 / LEVELS + 1e-6

    @given(MASKS, st.integers(0, 9), st.integers(0, 9))
    def test_cleaning_leaves_no_smaller_part_and_no_smaller_hole(self, mask, part_px, hole_px):
        once = mask_of(levels_like(mask), Cleaning(0.5, part_px, hole_px))
        labels, count = ndimage.label(once == 1, np.ones((3, 3)))
        assert all(np.count_nonzero(labels == number) >= part_px for number in range(1, count + 1))
        labels, count = ndimage.label(once == 0)
        for number in range(1, count + 1):
            rows, cols = np.nonzero(labels == number)
            at_border = (
                not (rows.min() and cols.min()) or rows.max() == len(mask) - 1 or cols.max() == mask.shape[1] - 1
            )
            assert at_border or len(rows) >= hole_px

    def test_ground_without_data_stays_so_inside_a_hole(self):
        levels = np.full((5, 5), LEVELS, np.uint8)
        levels[2, 2] = NO_DATA
        assert mask_of(levels, Cleaning(0.5, 0, 9))[2, 2] == NO_DATA

    def test_a_probability_at_the_threshold_is_inside(self):
        assert mask_of(np.array([[126, 127, 128]], np.uint8), Cleaning(0.5)).tolist() == [[0, 1, 1]]
