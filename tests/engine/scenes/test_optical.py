"""The optical sensor: what an analyst would name, where shadows fall, and at which scale the ground is rough."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from engine.scenes.optics import decor
from engine.scenes.optics.decor import draw_details
from engine.scenes.optics.materials import albedo, region_of
from engine.scenes.optics.optical import expose, render_clear
from engine.scenes.paint import paint_items
from engine.scenes.plan import rectangle, turned
from engine.scenes.scene import COLOURS, COVERS, OBJECTS, WATERS, WAYS, Disc, Item, Line, Polygon, Scene, Shape
from engine.scenes.surface import make_surface

SIZE = 128
EVERYWHERE = Polygon(((-20.0, -20.0), (SIZE + 20.0, -20.0), (SIZE + 20.0, SIZE + 20.0), (-20.0, SIZE + 20.0)))


def scene_of(*items: Item, ground: str = "concrete", gsd_m: float = 1.0, seed: int = 1, **changes: object) -> Scene:
    base = Item(ground, EVERYWHERE, height_m=14.0 if ground == "forest" else 0.0, angle_deg=20.0, variant=777)
    settings_ = {"season": 0.6, "sun_deg": (135.0, 45.0), "look_deg": 90.0, "wind": 0.4, **changes}
    return Scene(seed, SIZE, gsd_m, items=(base, *items), **settings_)  # type: ignore[arg-type]


def render(scene: Scene) -> NDArray[np.float32]:
    rng = np.random.default_rng(scene.seed)
    return render_clear(make_surface(scene, paint_items(scene.items, scene.size), rng), rng)


def block(half_u: float, half_v: float, angle_deg: float = 25.0) -> Polygon:
    return Polygon(rectangle((64.0, 64.0), half_u, half_v, math.radians(angle_deg)))


HULL = ((-1.0, -1.0), (0.62, -1.0), (1.0, 0.0), (0.62, 1.0), (-1.0, 1.0))
JET = ((1.0, 0.0), (0.93, 0.07), (0.3, 0.11), (-0.2, 1.0), (-0.36, 1.0), (-0.17, 0.1), (-0.9, 0.36), (-1.0, 0.36),
       (-1.0, -0.36), (-0.9, -0.36), (-0.17, -0.1), (-0.36, -1.0), (-0.2, -1.0), (0.3, -0.11),
       (0.93, -0.07))  # fmt: skip
FAN = (*((math.sin(t), 0.8 - math.cos(t)) for t in np.radians(np.arange(45, -46, -9))), (-0.05, 0.75), (0.05, 0.75))
"""A baseball field: a quarter circle whose tip is cut off."""

STADIUM = tuple((s * 0.5 + 0.5 * math.cos(t), math.sin(t)) for s, start in ((1, -90), (-1, 90))
                for t in np.radians(np.arange(start, start + 181, 10)))  # fmt: skip


def outline(shares: tuple[tuple[float, float], ...], half_u: float, half_v: float) -> Polygon:
    """Shares of the half sizes along and across a direction of 25 degrees, about the middle of the view."""
    return Polygon(tuple(turned((64.0, 64.0), u * half_u, v * half_v, math.radians(25)) for u, v in shares))


THINGS: dict[tuple[str, str], tuple[Shape, float]] = {
    ("building", "house"): (block(7, 5), 1.0),
    ("building", "hall"): (block(30, 16), 1.0),
    ("vehicle", "car"): (block(4.6, 2.0), 0.5),
    ("vehicle", "van"): (block(5.6, 2.0), 0.5),
    ("vehicle", "truck"): (block(9, 2.5), 0.5),
    ("vehicle", "trailer"): (block(15, 2.6), 0.5),
    ("vehicle", "bus"): (block(12, 2.6), 0.5),
    ("ship", "cargo ship"): (outline(HULL, 45, 7), 2.0),
    ("ship", "boat"): (outline(HULL, 12, 4), 0.7),
    ("storage tank", ""): (Disc((64.0, 64.0), 15.0), 1.0),
    ("airplane", ""): (outline(JET, 22, 21), 0.9),
    ("tennis court", ""): (block(18, 9), 1.0),
    ("basketball court", ""): (block(15, 8.5), 1.0),
}
"""Things that come in colours: a shape in the middle of the view, and a sampling distance."""


def named(rgb: NDArray[np.float32], dark: float = 0.32) -> str:
    """What an analyst calls a colour; in a hazy picture ``dark`` is brighter."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(float(c) for c in rgb))
    if value < dark:
        return "dark"
    if saturation < 0.2:
        return "white" if value > 0.72 else "grey"
    degrees = hue * 360
    return "red" if degrees < 30 or degrees > 330 else "green" if degrees < 175 else "blue"


@pytest.mark.parametrize(("name", "kind"), THINGS)
@pytest.mark.parametrize("colour", COLOURS)
def test_an_item_shows_the_colour_it_is_ordered_in(name: str, kind: str, colour: str) -> None:
    shape, gsd_m = THINGS[name, kind]
    for seed in range(4):
        item = Item(name, shape, 3.0, 25.0, variant=seed * 7919 + 13, kind=kind, colour=colour)
        scene = scene_of(item, gsd_m=gsd_m, seed=seed)
        seen = render(scene)[paint_items(scene.items, SIZE) == 1]
        assert named(np.median(seen, axis=0)) == colour
        assert named(seen.mean(axis=0)) == colour


def test_the_camera_keeps_most_colours() -> None:
    """Haze, gain and white balance may shift a hue, but a red hall is no blue one."""
    kept = 0
    for seed in range(20):
        for colour in ("red", "blue", "green", "dark"):
            scene = scene_of(Item("building", block(30, 16), 8.0, 25.0, seed, "hall", colour), seed=seed)
            picture = expose(render(scene), np.random.default_rng(seed)).astype(np.float32) / 255
            kept += named(picture[:, paint_items(scene.items, SIZE) == 1].mean(axis=1), dark=0.42) == colour
    assert kept >= 76


LARGE: dict[str, Shape] = {
    "road": Line(((-5.0, 30.0), (60.0, 64.0), (133.0, 70.0)), 14.0),
    "bridge": Line(((20.0, 40.0), (100.0, 90.0)), 12.0),
    "runway": Line(((-20.0, 20.0), (110.0, 100.0)), 30.0),
    "pier": block(50, 5),
    "paved": block(40, 25),
    "parking lot": block(40, 25),
    "baseball diamond": outline(FAN, 55, 55),
    "ground track field": outline(STADIUM, 48, 24),
    "swimming pool": block(10, 5),
    "transmission tower": block(6, 6),
}  # fmt: skip
DETAILED = [(name, kind, shape) for (name, kind), (shape, _) in THINGS.items()] + [
    (name, "", shape) for name, shape in LARGE.items()
]


@pytest.mark.parametrize(("name", "kind", "shape"), DETAILED)
@pytest.mark.parametrize("gsd_m", [0.5, 1.0, 2.5, 8.0])
def test_details_stay_on_their_item(name: str, kind: str, shape: Shape, gsd_m: float) -> None:
    changed = 0
    for variant in range(6):
        item = Item(name, shape, 5.0, 25.0, variant * 104729 % 65536, kind or ("wide" if name == "road" else ""))
        scene = scene_of(item, gsd_m=gsd_m)
        region = region_of(scene)
        flat = np.full((SIZE, SIZE, 3), 0.5, np.float32)
        drawn = flat.copy()
        draw_details(drawn, scene, [albedo(i, scene, region) for i in scene.items])
        near = ndimage.binary_dilation(paint_items(scene.items, SIZE) == 1, np.ones((3, 3)))
        touched = np.abs(drawn - flat).max(axis=2) > 0.02
        assert not (touched & ~near).any()
        changed += int(touched.sum())
    if gsd_m == 0.5:
        assert changed > 0  # every one of them has details where they are resolved


def test_what_lies_on_top_wipes_the_markings_below() -> None:
    road = Item("road", LARGE["road"], variant=3, kind="wide")
    cover = Item("grassland", EVERYWHERE)
    flat = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    scene = scene_of(road, cover, gsd_m=0.5)
    drawn = flat.copy()
    draw_details(drawn, scene, [(0.4, 0.4, 0.4)] * 3)
    np.testing.assert_allclose(drawn, flat, atol=1e-6)


def test_a_large_view_has_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Details are drawn window by window; how large the windows are must not show."""
    items = [Item(name, shape, 5.0, 25.0, 11, kind) for name, kind, shape in DETAILED]
    scene = scene_of(*items, gsd_m=0.6)
    albedos = [albedo(item, scene, region_of(scene)) for item in scene.items]
    pictures = []
    for window in (512, 48):
        monkeypatch.setattr(decor, "_WINDOW", window)
        picture = np.full((SIZE, SIZE, 3), 0.5, np.float32)
        draw_details(picture, scene, albedos)
        pictures.append(picture)
    # Pillow rounds slanted edges of a shape that is cut off a little differently.
    assert np.mean(np.abs(pictures[0] - pictures[1]).max(axis=2) > 0.02) < 0.005


ALL = (*COVERS, *WATERS, *WAYS, *OBJECTS)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("gsd_m", [0.5, 3.0, 10.0])
def test_every_class_is_rendered_within_bounds(name: str, gsd_m: float) -> None:
    for variant in (5, 40_000):
        item = Item(name, LARGE.get(name, block(30, 20)), 6.0, 25.0, variant)
        picture = render(scene_of(item, ground="grassland", gsd_m=gsd_m, seed=variant, setting="wild"))
        assert picture.shape == (SIZE, SIZE, 3)
        assert np.isfinite(picture).all()
        assert picture.min() >= 0
        assert picture.max() <= 1


@given(azimuth=st.floats(0, 360), elevation=st.floats(25, 60))
@settings(max_examples=20)
def test_the_ground_behind_a_building_is_in_its_shade(azimuth: float, elevation: float) -> None:
    item = Item("building", Disc((64.0, 64.0), 9.0), 14.0, kind="hall", colour="white")
    picture = render(scene_of(item, sun_deg=(azimuth, elevation))).mean(axis=2)
    sun_x, sun_y = math.sin(math.radians(azimuth)), -math.cos(math.radians(azimuth))
    length = 14.0 / math.tan(math.radians(elevation))

    def ground(distance: float) -> float:
        x, y = round(64 - sun_x * distance), round(64 - sun_y * distance)
        return float(picture[y - 1 : y + 2, x - 1 : x + 2].mean())

    shade, behind, sunny = ground(9 + length / 2), ground(9 + length + 5), ground(-9 - length / 2)
    assert shade < 0.65 * sunny
    assert behind > 1.25 * shade


def correlation_px(picture: NDArray[np.float32]) -> float:
    """How far the texture resembles itself: where the autocorrelation along the rows falls under a half, in pixels."""
    grey = picture.mean(axis=2)
    grey = grey - grey.mean()
    for lag in range(1, SIZE // 2):
        if float((grey[:, lag:] * grey[:, :-lag]).mean()) < 0.5 * float((grey**2).mean()):
            return float(lag)
    return SIZE / 2


@pytest.mark.parametrize("ground", ["grassland", "forest", "bare land", "wetland"])
def test_texture_has_its_size_in_metres(ground: str) -> None:
    near, far = (
        np.mean([correlation_px(render(scene_of(ground=ground, gsd_m=gsd, seed=seed))) for seed in range(6)])
        for gsd in (0.5, 8.0)
    )
    assert near > 1.3 * far


def test_rows_of_a_field_run_as_the_field_does() -> None:
    """The picture of a field changes more across its direction than along it."""
    for angle, along_axis in ((0.0, 1), (90.0, 0)):
        field = Item("farmland", EVERYWHERE, angle_deg=angle, variant=7)
        grey = render(scene_of(field, gsd_m=2.0)).mean(axis=2)
        assert grey.mean(axis=along_axis).std() > 1.5 * grey.mean(axis=1 - along_axis).std()


def test_seasons_differ_and_regions_differ() -> None:
    def greenness(**changes: object) -> float:
        picture = render(scene_of(ground="grassland", **changes))  # type: ignore[arg-type]
        return float((picture[..., 1] - picture[..., 0]).mean())

    assert greenness(season=0.95) > greenness(season=0.05) + 0.03
    soils = [render(scene_of(ground="bare land", seed=seed)).mean(axis=(0, 1)) for seed in range(12)]
    assert np.std(soils, axis=0).min() > 0.03


def test_the_same_scene_gives_the_same_bytes() -> None:
    item = Item("building", block(30, 16), 9.0, 25.0, 99, "hall")
    first, second = (
        expose(render(scene_of(item, ground="forest", seed=5)), np.random.default_rng(5)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint8
    assert first.shape == (3, SIZE, SIZE)
