"""The radar: hand-made scenes of which it is known what a radar would make of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.scenes.paint import paint_items
from engine.scenes.plan import rectangle
from engine.scenes.radar.backscatter import water_db
from engine.scenes.radar.sar import DELIVERIES, deliver, render_sigma0, speckle, to_db
from engine.scenes.radar.scatterers import impulse, point_echoes
from engine.scenes.scene import COVERS, KINDS, OBJECTS, WATERS, WAYS, Disc, Item, Line, Polygon, Scene
from engine.scenes.surface import make_surface

SIZE = 128
LOOKS_FROM = {"above": 0.0, "right": 90.0, "below": 180.0, "left": 270.0}


def box(x: float, y: float, w: float, h: float, angle_deg: float = 0.0) -> Polygon:
    return Polygon(rectangle((x, y), w / 2, h / 2, math.radians(angle_deg)))


def scene_of(*items: Item, ground: str = "grassland", gsd_m: float = 1.0, **changes: object) -> Scene:
    """Items on one ground that fills the view, seen from the right at 35 degrees with little wind."""
    first = Item(ground, box(64, 64, 200, 200))
    made = Scene(1, SIZE, gsd_m, 0.5, (150.0, 45.0), 90.0, 0.2, (first, *items))
    return replace(made, **changes)  # type: ignore[arg-type]


def sigma0(scene: Scene, seed: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return render_sigma0(make_surface(scene, paint_items(scene.items, scene.size), rng), rng)


def everything() -> tuple[Item, ...]:
    """One item of every class and kind, on a grid."""
    named = [(name, kind) for name in (*COVERS[1:], *WATERS, *WAYS, *OBJECTS) for kind in KINDS.get(name, ("",))]
    items = []
    for index, (name, kind) in enumerate(named):
        x, y = 10 + index % 6 * 20, 10 + index // 6 * 20
        shape = Disc((x, y), 6) if name == "storage tank" else box(x, y, 14, 8, 20)
        if name in ("road", "bridge"):
            shape = Line(((x - 7, y), (x + 7, y)), 4)
        items.append(Item(name, shape, 8.0 if name in OBJECTS else 0.0, 20.0, 977 * index, kind))
    return tuple(items)


# ---- speckle


@pytest.mark.parametrize("looks", [1.0, 2.0, 4.4, 8.0])
@pytest.mark.parametrize("blur_px", [0.0, 0.4, 0.8])
def test_speckle_has_the_looks_that_it_says(looks: float, blur_px: float) -> None:
    power = speckle(np.full((768, 768), 0.1, np.float32), looks, np.random.default_rng(3), blur_px=blur_px)
    assert power.mean() == pytest.approx(0.1, rel=0.01)
    assert power.mean() ** 2 / power.var() == pytest.approx(looks, rel=0.03)


def test_speckle_is_gamma_and_correlates_as_the_impulse_response_says() -> None:
    field = speckle(np.ones((768, 768), np.float32), 3.0, np.random.default_rng(4), blur_px=0.8)
    apart = field[::8, ::8].ravel()
    assert stats.kstest(apart, stats.gamma(3.0, scale=1 / 3.0).cdf).pvalue > 1e-3
    centred = field - field.mean()
    lags = [float((centred[:, :-lag] * centred[:, lag:]).mean() / field.var()) for lag in (1, 2, 4)]
    # A blur of s pixels correlates normal noise by exp(-lag**2 / 4 s**2); the gamma's is a little less.
    assert lags == pytest.approx([0.66, 0.2, 0.0], abs=0.05)


@given(st.floats(1, 16), st.integers(0, 2**32))
@settings(max_examples=20)
def test_speckle_multiplies_and_never_makes_power_of_nothing(looks: float, seed: int) -> None:
    power = np.zeros((32, 32), np.float32)
    power[:16] = 0.5
    seen = speckle(power, looks, np.random.default_rng(seed))
    assert seen.dtype == np.float32
    assert np.isfinite(seen).all()
    assert (seen[:16] > 0).all()
    assert not seen[16:].any()


# ---- levels


def level(ground: str, **changes: object) -> float:
    """Mean dB of a view that is all one ground."""
    return float(np.mean([to_db(sigma0(scene_of(ground=ground, **changes), seed)).mean() for seed in range(8)]))


def test_levels_keep_the_order_that_handbooks_give() -> None:
    order = ["forest", "grassland", "bare land", "concrete", "lake"]
    levels = [level(ground, gsd_m=8.0) for ground in order]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(-9.5, abs=2)
    assert levels[-1] < -19


@pytest.mark.parametrize("ground", ["forest", "farmland", "built-up area", "bare land"])
def test_cross_polarisation_lies_some_5_to_9_db_below(ground: str) -> None:
    lower = level(ground, gsd_m=8.0) - level(ground, gsd_m=8.0, polarisation="VH")
    assert 3.5 < lower < 9


@given(st.floats(0.1, 1), st.floats(25, 45), st.floats(0, math.pi))
def test_water_darkens_with_incidence_and_brightens_with_wind(wind: float, incidence: float, way: float) -> None:
    scene = scene_of(wind=wind, incidence_deg=incidence)
    here = water_db(scene, "sea", way)
    assert water_db(replace(scene, incidence_deg=incidence + 1), "sea", way) < here
    assert water_db(replace(scene, wind=wind + 0.05), "sea", way) > here
    assert water_db(scene, "river", way) < here
    assert water_db(replace(scene, polarisation="HH"), "sea", way) < here


@pytest.mark.parametrize(
    ("speed", "incidence", "upwind", "crosswind"),
    [(7, 35, -13.8, -17.0), (5, 30, -13.0, -15.0), (10, 40, -12.9, -18.0), (3, 35, -19.2, -21.5)],
)
def test_water_follows_cmod5n(speed: float, incidence: float, upwind: float, crosswind: float) -> None:
    """The figures are those of the published model function, which the plane stands for."""
    scene = scene_of(wind=((speed - 1.5) / 8.5) ** (2 / 3), incidence_deg=float(incidence))
    assert water_db(scene, "sea", 0.0) == pytest.approx(upwind, abs=1.6)
    assert water_db(scene, "sea", math.pi / 2) == pytest.approx(crosswind, abs=1.6)


def test_cross_polarised_water_is_a_line_in_wind_speed() -> None:
    calm = scene_of(wind=0.0, polarisation="VH")
    assert water_db(calm, "sea", 1.0) == pytest.approx(0.592 * 1.5 - 35.6)


# ---- what stands up


@pytest.mark.parametrize("side", LOOKS_FROM)
def test_a_building_leans_to_the_radar_and_shades_what_is_behind(side: str) -> None:
    """30 m wide and 14 m high, seen at 35 degrees: 20 m of layover before it, 9.8 m of shadow behind."""
    scene = scene_of(Item("building", box(64, 64, 30, 30), 14.0, 0.0, 5, "hall"), look_deg=LOOKS_FROM[side])
    bare = replace(scene, items=scene.items[:1])
    change = to_db(sigma0(scene)) - to_db(sigma0(bare))
    # Turned so that the radar is to the right.
    change = np.rot90(change, {"above": 3, "right": 0, "below": 1, "left": 2}[side])
    along = change[54:74].mean(axis=0)
    bright, dark = np.flatnonzero(along > 6), np.flatnonzero(along < -6)
    assert abs(bright.max() - (79 + 20)) <= 3
    # The roof's far edge is drawn 20 m nearer as well: from there on all is dark.
    assert abs(dark.min() - (49 - 9.8)) <= 3
    assert abs(dark.max() - (49 + 20)) <= 3
    assert along[48 - 14 : 48 - 12].mean() == pytest.approx(0, abs=1.5)


def test_a_wall_square_to_the_look_is_the_brightest() -> None:
    def peak(turn: float) -> float:
        wall = Item("building", box(64, 64, 40, 40, turn), 10.0, turn, 5, "hall")
        return float(np.mean([np.sort(sigma0(scene_of(wall), seed).ravel())[-60:].mean() for seed in range(6)]))

    assert 10 * math.log10(peak(0) / peak(45)) > 4


def test_a_bridge_over_water_is_three_lines() -> None:
    """Deck, double and triple bounce: a height of 14 m sets them 20 pixels apart at 35 degrees."""
    bridge = Item("bridge", Line(((64, -20), (64, 150)), 4), 14.0)
    across = to_db(sigma0(scene_of(bridge, ground="lake")))[30:100].mean(axis=0)
    for place in (66 - 20, 66, 64 + 20):
        assert across[place - 3 : place + 4].max() > np.median(across) + 6
    assert across[66 - 12 : 66 - 6].mean() < np.median(across) + 3


def test_nothing_flat_is_moved() -> None:
    field = Item("bare land", box(64, 64, 40, 40))
    assert np.array_equal(point_echoes(_surface(scene_of(field)), np.random.default_rng(1)), np.zeros((SIZE, SIZE)))


def _surface(scene: Scene):
    return make_surface(scene, paint_items(scene.items, scene.size), np.random.default_rng(1))


def test_a_town_square_to_the_look_is_bright() -> None:
    def town(turn: float) -> float:
        streets = Item("built-up area", box(64, 64, 200, 200), 0.0, turn, 44, "residential")
        return float(np.mean([sigma0(scene_of(streets, gsd_m=8.0), seed).mean() for seed in range(4)]))

    assert 10 * math.log10(town(0) / town(45)) > 1.5


# ---- points


@pytest.mark.parametrize("look_deg", [0.0, 80.0, 255.0])
def test_a_point_is_a_cross_along_range_and_azimuth(look_deg: float) -> None:
    stamp = impulse(scene_of(look_deg=look_deg))
    middle = len(stamp) // 2
    assert stamp.sum() == pytest.approx(1, abs=1e-4)
    assert stamp.argmax() == stamp.size // 2

    def along(turn: float) -> float:
        angle = math.radians(look_deg + turn)
        steps = [(middle - round(math.cos(angle) * r), middle + round(math.sin(angle) * r)) for r in range(4, 10)]
        return float(np.mean([stamp[place] for place in steps]))

    assert min(along(0), along(90), along(180), along(270)) > 20 * max(along(45), along(135), along(225), along(315))


def test_a_ship_returns_the_cross_section_of_its_length() -> None:
    """0.08 L**(7/3) square metres: 3715 for 100 m, whatever the sampling distance; hulls scatter by a few dB."""
    for gsd_m in (1.0, 4.0):
        ship = Item("ship", box(64, 64, 100 / gsd_m, 16 / gsd_m), 0.0, 0.0, 3, "cargo ship")
        surface = _surface(scene_of(ship, ground="sea", gsd_m=gsd_m))
        totals = [10 * np.log10(point_echoes(surface, np.random.default_rng(s)).sum() * gsd_m**2) for s in range(40)]
        assert np.mean(totals) == pytest.approx(10 * math.log10(3715), abs=1.5)


@pytest.mark.parametrize("heading", [0.0, 180.0])
def test_a_ship_is_brightest_aft(heading: float) -> None:
    ship = Item("ship", box(64, 64, 80, 12), 0.0, heading, 3, "cargo ship")
    surface = _surface(scene_of(ship, ground="sea", gsd_m=2.0))
    columns = np.mean([point_echoes(surface, np.random.default_rng(s)) for s in range(40)], axis=(0, 1))
    aft, fore = columns[24:48].max(), columns[80:104].max()
    assert (aft > 2 * fore) if heading == 0 else (fore > 2 * aft)


def test_the_top_of_a_tower_lies_nearer_to_the_radar_than_its_bright_foot() -> None:
    """40 m high at 35 degrees: its points lie up to 57 m to the radar's side of its foot, and none beyond."""
    surface = _surface(scene_of(Item("transmission tower", Disc((40, 64), 2), 40.0)))
    columns = np.mean([point_echoes(surface, np.random.default_rng(s)) for s in range(40)], axis=(0, 1))
    lit = np.flatnonzero(columns > columns.max() * 0.1)
    assert abs(columns.argmax() - 40) <= 2
    assert abs(lit.min() - 38) <= 2
    assert abs(lit.max() - (40 + 57)) <= 3


# ---- the whole


@pytest.mark.parametrize("polarisation", ["VV", "VH", "HH"])
@pytest.mark.parametrize("gsd_m", [0.6, 10.0])
def test_every_class_and_kind_can_be_seen(polarisation: str, gsd_m: float) -> None:
    picture = sigma0(scene_of(*everything(), polarisation=polarisation, gsd_m=gsd_m))
    assert picture.shape == (SIZE, SIZE)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()
    assert (picture > 10**-2.7).all()


def test_one_seed_one_picture() -> None:
    scene = scene_of(*everything())
    assert np.array_equal(sigma0(scene), sigma0(scene))
    assert not np.array_equal(sigma0(scene, 7), sigma0(scene, 8))


@given(st.floats(0, 360), st.floats(25, 45), st.sampled_from([0.5, 2.0, 8.0]))
@settings(max_examples=15)
def test_any_geometry_renders(look_deg: float, incidence_deg: float, gsd_m: float) -> None:
    picture = sigma0(scene_of(*everything(), look_deg=look_deg, incidence_deg=incidence_deg, gsd_m=gsd_m))
    assert np.isfinite(picture).all()
    assert (picture > 0).all()


def test_deliveries_are_one_picture() -> None:
    db = to_db(sigma0(scene_of(*everything())))
    made = {unit: deliver(db, unit) for unit in DELIVERIES}
    assert made["db"] is db
    assert 20 * np.log10(made["amplitude"]) == pytest.approx(db, abs=1e-3)
    order = np.argsort(db.ravel())
    assert (np.diff(made["stretched-8bit"].ravel()[order].astype(int)) >= 0).all()
    assert made["stretched-8bit"].dtype == np.uint8
    assert np.ptp(made["stretched-8bit"]) > 150
