"""Boxes of echoes: by hand, and against rendered pictures, in which a thing's echo is what its removal takes away."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.scenes.layout import make_scene
from engine.scenes.paint import paint_items
from engine.scenes.radar.radar_view import echo_box, layover_px, radar_view
from engine.scenes.radar.sar import render_sigma0
from engine.scenes.scene import Disc, Item, Polygon, Scene, moved
from engine.scenes.surface import make_surface
from engine.scenes.truths.facts import Facts, measure
from engine.scenes.truths.referring import Referral, refer

LAY_60 = math.degrees(math.atan(0.5))
"""The incidence at which a thing is laid over by twice its height."""


def facts_of(scene: Scene) -> Facts:
    return measure(scene, paint_items(scene.items, scene.size))


def scene_of(*items: Item, look_deg: float = 90.0) -> Facts:
    ground = Item("grassland", Polygon(((-20.0, -20.0), (148.0, -20.0), (148.0, 148.0), (-20.0, 148.0))))
    scene = Scene(1, 128, 1.0, 0.5, (180.0, 45.0), look_deg, 0.2, (ground, *items), incidence_deg=LAY_60)
    return facts_of(scene)


def block(name: str, left: float, top: float, width: float, height: float, height_m: float) -> Item:
    right, bottom = left + width - 1, top + height - 1
    return Item(name, Polygon(((left, top), (right, top), (right, bottom), (left, bottom))), height_m)


@pytest.mark.parametrize(
    ("look_deg", "box", "centre"),
    [
        (90.0, (20, 30, 54, 40), (37.0, 35.0)),  # the radar is to the right: 12 m high, laid over by 24 px
        (270.0, (0, 30, 30, 40), (15.0, 35.0)),  # to the left, and 4 px of the echo are lost
        (0.0, (20, 6, 30, 40), (25.0, 23.0)),
        (180.0, (20, 30, 30, 64), (25.0, 47.0)),
    ],
)
def test_a_building_is_boxed_from_its_foot_to_its_laid_over_roof(
    look_deg: float, box: tuple[int, int, int, int], centre: tuple[float, float]
) -> None:
    facts = scene_of(block("building", 20, 30, 10, 10, 12.0), look_deg=look_deg)
    (before,), (seen,) = facts.named("building"), radar_view(facts).named("building")
    assert before.box == (20, 30, 30, 40)
    assert layover_px(facts.scene, before) == pytest.approx(24)
    assert (seen.box, seen.centre) == (box, centre)
    assert seen.whole == (look_deg != 270.0)
    assert seen.area_px == (box[2] - box[0]) * (box[3] - box[1])
    assert echo_box(facts.scene, before) == ((-4, 30, 30, 40) if look_deg == 270.0 else box)


def test_ships_and_airplanes_shine_up_to_a_share_of_their_height_and_fields_not_at_all() -> None:
    items = (
        block("ship", 10, 10, 20, 6, 10.0),
        block("airplane", 10, 40, 20, 20, 10.0),
        Item("transmission tower", Disc((20.0, 80.0), 2.0), 30.0),
        block("vehicle", 60, 10, 5, 3, 4.0),
        block("forest", 60, 60, 20, 20, 12.0),
        block("pier", 60, 100, 20, 6, 3.0),
    )
    facts = scene_of(*items)
    seen = radar_view(facts)
    lay = {thing.name: layover_px(facts.scene, thing) for thing in facts.things}
    assert lay == pytest.approx(
        {"ship": 16, "airplane": 10, "transmission tower": 60, "vehicle": 0, "forest": 0, "pier": 0, "grassland": 0}
    )
    for before, after in zip(facts.things, seen.things, strict=True):
        wider = after.box[2] - before.box[2]
        assert (after.id, after.name, wider) == (before.id, before.name, round(lay[before.name]))
        assert (after == before) == (not wider)


def test_an_echo_covers_no_other_object() -> None:
    facts = scene_of(block("building", 20, 30, 10, 10, 12.0), block("storage tank", 40, 30, 6, 4, 2.0))
    seen = radar_view(facts)
    tank = facts.named("storage tank")[0].item
    assert (seen.top[facts.top == tank] == tank).all()
    assert seen.named("building")[0].box == (20, 30, 54, 40)


def test_where_nothing_stands_up_the_radar_sees_the_facts_themselves() -> None:
    facts = scene_of(block("lake", 20, 30, 30, 30, 0.0), block("parking lot", 80, 80, 20, 20, 0.0))
    assert radar_view(facts) is facts


def test_no_box_is_asked_of_what_is_laid_over_out_of_the_view() -> None:
    facts = scene_of(
        Item("transmission tower", Disc((118.0, 30.0), 2.0), 30.0),
        Item("transmission tower", Disc((20.0, 90.0), 2.0), 30.0),
    )
    asked = {one.members for seed in range(80) for one in refer(facts, seed, "train") if one.sensor == "sar"}
    assert asked == {(facts.named("transmission tower")[1].id,)}


def test_masks_of_what_is_laid_over_are_asked_of_the_optical_picture() -> None:
    facts = scene_of(block("building", 20, 30, 10, 10, 12.0), block("storage tank", 60, 60, 20, 20, 1.0))
    asked = {
        (one.category, one.sensor) for seed in range(80) for one in refer(facts, seed, "train") if one.task == "mask"
    }
    assert ("building", "optical") in asked
    assert ("building", "sar") not in asked
    assert ("storage tank", "sar") in asked


# ---- rendered

POINTED = ("ship", "airplane", "storage tank", "transmission tower", "building", "vehicle")
"""Classes whose bright points are drawn at random one after the other: of them only the one looked at is kept."""


def sigma0(scene: Scene, kept: int | None) -> NDArray[np.float32]:
    """The picture without speckle, of the things of :data:`POINTED` with only ``kept``; the rest is the same."""
    items = tuple(
        moved(item, 9999.0, 0.0) if item.name in POINTED and index != kept else item
        for index, item in enumerate(scene.items)
    )
    scene = replace(scene, items=items)
    surface = make_surface(scene, paint_items(items, scene.size), np.random.default_rng(1))
    return render_sigma0(surface, np.random.default_rng(2))


def asked_of_radar(count: int) -> list[tuple[Facts, Referral]]:
    """The first ``count`` boxes of each class that are asked of exact pairs' radar pictures."""
    found: dict[str, list[tuple[Facts, Referral]]] = {"ship": [], "storage tank": [], "transmission tower": []}
    for seed in range(400):
        facts = facts_of(make_scene(seed, 256))
        for one in refer(facts, seed, "train"):
            mine = found.get(one.category, [])
            if one.sensor == "sar" and one.task == "box" and len(mine) < count:
                mine.append((facts, one))
        if all(len(mine) == count for mine in found.values()):
            break
    assert all(len(mine) == count for mine in found.values())
    return [pair for mine in found.values() for pair in mine]


def check_boxes(count: int) -> None:
    """At least 95 % of the boxes hold the brightest echo, and they are at most twice as wide and high as it is."""
    hits, ratios = [], []
    for facts, referral in asked_of_radar(count):
        assert referral.box_xyxy_px is not None
        left, top, right, bottom = referral.box_xyxy_px
        bare = sigma0(facts.scene, None)
        echo = sigma0(facts.scene, facts.things[referral.members[0]].item) - bare
        row, column = np.unravel_index(np.argmax(echo), echo.shape)
        hits.append(left <= column < right and top <= row < bottom)
        rows, columns = np.nonzero(echo > bare)  # 3 dB above the ground
        ratios.append(((right - left) / (np.ptp(columns) + 1), (bottom - top) / (np.ptp(rows) + 1)))
    assert np.mean(hits) >= 0.95
    assert np.max(ratios) < 2
    assert 0.7 < np.median(ratios) < 1.3


def test_boxes_hold_the_brightest_echo_and_little_more() -> None:
    check_boxes(5)


@pytest.mark.slow
def test_many_boxes_hold_the_brightest_echo_and_little_more() -> None:
    check_boxes(60)
