"""The ground that both sensors see: heights and the shadows they throw, trees, textured towns, pools."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.scenes.built.towns import SINGLE_HOUSES_GSD_M
from engine.scenes.paint import paint_items
from engine.scenes.scene import Disc, Item, Polygon, Scene
from engine.scenes.surface import Surface, bounds, cast_shadow, cloudlike, make_surface, middle

SIZE = 128
EVERYWHERE = Polygon(((-20.0, -20.0), (148.0, -20.0), (148.0, 148.0), (-20.0, 148.0)))


def surface_of(*items: Item, gsd_m: float, seed: int = 1) -> Surface:
    scene = Scene(seed, SIZE, gsd_m, 0.5, (135.0, 45.0), 90.0, 0.3, items)
    return make_surface(scene, paint_items(items, SIZE), np.random.default_rng(seed))


@given(azimuth=st.floats(0, 360), elevation=st.floats(20, 70), height=st.floats(6, 20))
@settings(max_examples=60)
def test_a_shadow_is_as_long_as_a_thing_is_high(azimuth: float, elevation: float, height: float) -> None:
    """It starts at the thing, runs away from the sun, and ends after height / tan(elevation), to a pixel.

    For shadows of two pixels and more: one shorter than the step from pixel to pixel may fall on none.
    """
    heights = np.zeros((161, 161), np.float32)
    heights[80, 80] = height
    shadow = cast_shadow(heights, azimuth, elevation)
    rows, columns = np.nonzero(shadow)
    distance = np.hypot(rows - 80, columns - 80)
    length = height / math.tan(math.radians(elevation))
    # Along a diagonal, pixels are 1.41 apart, and rounding sideways moves one by up to 0.5 sin(45 degrees) = 0.36.
    assert length - 1.78 <= distance.max() <= length + 0.36 + 1e-6
    away = math.radians(azimuth + 180)
    along = (columns - 80) * math.sin(away) - (rows - 80) * math.cos(away)
    across = (columns - 80) * math.cos(away) + (rows - 80) * math.sin(away)
    assert (along > 0).all()
    assert (np.abs(across) <= 0.75).all()
    # No gaps: one pixel per step along the axis that the shadow runs closest to.
    steps = max(abs(math.sin(away)), abs(math.cos(away))) * length
    assert abs(len(rows) - steps) <= 1 + 1e-6


def test_nothing_shades_itself_from_below_and_a_reach_is_kept() -> None:
    heights = np.full((40, 200), 5.0, np.float32)
    assert not cast_shadow(heights, 90.0, 30.0)[:, :100].any()
    heights = np.zeros((40, 200), np.float32)
    heights[20, 190] = 100.0
    assert np.nonzero(cast_shadow(heights, 90.0, 30.0, reach=50)[20])[0].min() == 140


def test_a_forest_has_crowns_of_metres() -> None:
    forest = Item("forest", EVERYWHERE, height_m=14.0)
    fine, coarse = surface_of(forest, gsd_m=0.5), surface_of(forest, gsd_m=5.0)
    for surface in (fine, coarse):
        assert surface.crowns.min() >= 0
        assert surface.crowns.max() <= 1
        assert not surface.trees.any()  # a forest's trees are no single trees
        assert surface.height_px.max() <= 14.0 / surface.scene.gsd_m + 1e-3
        assert surface.height_px.min() >= 0.4 * 14.0 / surface.scene.gsd_m

    def tops(surface: Surface) -> int:
        return int((surface.crowns > 0.999).sum())

    metres = [(SIZE * surface.scene.gsd_m) ** 2 / tops(surface) for surface in (fine, coarse)]
    assert 20 < metres[0] < 110  # ground per tree in square metres
    assert tops(coarse) > 10 * tops(fine)


def test_single_trees_stand_on_their_own_cover_only() -> None:
    surface = surface_of(
        Item("grassland", EVERYWHERE, variant=100),
        Item("concrete", Polygon(((30.0, 30.0), (90.0, 30.0), (90.0, 90.0), (30.0, 90.0)))),
        Item("road", Polygon(((0.0, 100.0), (127.0, 100.0), (127.0, 110.0), (0.0, 110.0)))),
        gsd_m=1.0,
    )
    assert surface.trees.any()
    assert not (surface.trees & ~surface.mask("grassland")).any()
    assert (surface.height_px[surface.trees] > 0).all()


@pytest.mark.parametrize("kind", ["residential", "industrial"])
def test_a_town_is_a_texture_where_houses_are_no_items(kind: str) -> None:
    town = Item("built-up area", EVERYWHERE, angle_deg=30.0, kind=kind)
    coarse = surface_of(town, gsd_m=SINGLE_HOUSES_GSD_M + 1)
    assert 0.02 < (coarse.fabric > 0).mean() < 0.6
    assert 0.03 < coarse.streets.mean() < 0.5
    assert not ((coarse.fabric > 0) & (coarse.streets > 0.6)).any()
    assert coarse.fabric[coarse.fabric > 0].min() >= 0.2
    assert coarse.fabric.max() <= 1
    fine = surface_of(town, gsd_m=SINGLE_HOUSES_GSD_M)
    built = surface_of(town, Item("building", Disc((60.0, 60.0), 8.0), 9.0), gsd_m=SINGLE_HOUSES_GSD_M + 1)
    for surface in (fine, built):
        assert not surface.fabric.any()
        assert not surface.streets.any()


def test_pools_lie_in_wetland_and_do_not_fill_it() -> None:
    half = Polygon(((-20.0, -20.0), (64.0, -20.0), (64.0, 148.0), (-20.0, 148.0)))
    shares = []
    for seed in range(6):
        surface = surface_of(Item("grassland", EVERYWHERE), Item("wetland", half, height_m=1.0), gsd_m=1.5, seed=seed)
        marsh = surface.mask("wetland")
        assert not (surface.pools & ~marsh).any()
        shares.append(surface.pools.sum() / marsh.sum())
    assert 0.1 < np.mean(shares) < 0.6


def test_masks_by_class_and_kind() -> None:
    surface = surface_of(
        Item("grassland", EVERYWHERE),
        Item("building", Disc((30.0, 30.0), 8.0), kind="hall"),
        Item("building", Disc((90.0, 90.0), 8.0), kind="house"),
        gsd_m=1.0,
    )
    halls, houses = surface.mask("building", kind="hall"), surface.mask("building", kind="house")
    assert halls[30, 30]
    assert houses[90, 90]
    np.testing.assert_array_equal(surface.mask("building"), halls | houses)
    assert middle(surface.scene.items[1]) == (30.0, 30.0)
    assert bounds(surface.scene.items[1]) == (22.0, 22.0, 38.0, 38.0)


@given(st.integers(3, 90), st.integers(3, 90), st.floats(2, 60), st.integers(1, 6), st.floats(0.3, 1.0))
@settings(max_examples=30)
def test_noise_of_any_shape_has_about_unit_variance(
    height: int, width: int, cell: float, octaves: int, fade: float
) -> None:
    values = np.stack([
        cloudlike(np.random.default_rng(seed), (height, width), cell, octaves, fade)[height // 2] for seed in range(300)
    ])  # fmt: skip
    assert values.shape == (300, width)
    assert 0.9 < float(values.std()) < 1.4


def test_noise_is_no_stronger_at_the_border_of_a_view() -> None:
    spread = np.std([cloudlike(np.random.default_rng(seed), 64, 40.0, 2) for seed in range(600)], axis=0)
    inner = float(spread[16:48, 16:48].mean())
    for border in (spread[0], spread[-1], spread[:, 0], spread[:, -1]):
        assert abs(float(border.mean()) / inner - 1) < 0.06
