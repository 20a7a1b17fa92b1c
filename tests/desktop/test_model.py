"""The document's truth, without Qt: roles, history, layers, areas."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol import Outcome
from engine.records import AskRequest, PixelWindow
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.history import HistoryEntry, TextWalk
from rsqa_desktop.model.notices import Notice
from rsqa_desktop.model.roles import assign_roles, contradicted
from rsqa_desktop.model.scene import Scene
from tests.desktop.fakes import answer, check, raster

PAIR = Scene(raster("/a.tif", "optical"), raster("/b.tif", "sar"))


def request(folder: Path, question: str = "Is there a river?") -> AskRequest:
    return AskRequest(question, "/a.tif", "/b.tif", str(folder))


@pytest.mark.parametrize(
    ("sensors", "roles"),
    [
        (("optical", "sar"), ("optical", "sar")),
        (("sar", "optical"), ("sar", "optical")),
        (("unknown", "unknown"), ("optical", "sar")),
        (("unknown", "optical"), ("sar", "optical")),
        (("unknown", "sar"), ("optical", "sar")),
        (("sar", "unknown"), ("sar", "optical")),
        (("optical", "optical"), ("optical", "sar")),
        (("sar", "sar"), ("sar", "optical")),
    ],
)
def test_two_files_get_two_roles_by_what_they_are_else_by_order(sensors: tuple, roles: tuple) -> None:
    assert assign_roles(sensors) == roles


def test_a_single_unknown_file_fills_the_empty_pane() -> None:
    assert assign_roles(["unknown"]) == ("optical",)
    assert assign_roles(["unknown"], frozenset({"optical"})) == ("sar",)
    assert assign_roles(["unknown"], frozenset({"sar"})) == ("optical",)
    assert assign_roles(["sar"], frozenset({"sar"})) == ("sar",)


def test_only_a_known_sensor_can_be_contradicted() -> None:
    assert contradicted(["optical", "optical"], ["optical", "sar"])
    assert not contradicted(["unknown", "sar"], ["optical", "sar"])


def test_the_walk_keeps_what_was_being_typed() -> None:
    walk = TextWalk()
    walk.restart(("first", "second"))
    assert [walk.older("half a quest"), walk.older("second"), walk.older("first")] == ["second", "first", "first"]
    assert [walk.newer("first"), walk.newer("second"), walk.newer("half a quest")] == [
        "second",
        "half a quest",
        "half a quest",
    ]


@given(st.lists(st.sampled_from(["up", "down"]), max_size=30))
def test_no_walk_leaves_the_list(steps: list[str]) -> None:
    walk = TextWalk()
    walk.restart(("a", "b", "c"))
    text = "typed"
    for step in steps:
        text = walk.older(text) if step == "up" else walk.newer(text)
        assert text in ("a", "b", "c", "typed")


def test_a_question_is_about_the_area_else_the_view_else_everything() -> None:
    document = Document()
    assert document.target is None
    document.set_scene(PAIR)
    assert document.target == PixelWindow(0, 0, 1024, 1024)
    document.view = PixelWindow(-100, 900, 300, 300)
    assert document.target == PixelWindow(0, 900, 200, 124)
    document.set_area(PixelWindow(1000, 1000, 100, 100))
    assert document.target == PixelWindow(1000, 1000, 24, 24)
    document.view = PixelWindow(5000, 5000, 10, 10)
    document.set_area(None)
    assert document.target == PixelWindow(0, 0, 1024, 1024)


def test_an_area_beside_the_raster_clears() -> None:
    document = Document()
    document.set_scene(PAIR)
    document.set_area(PixelWindow(2000, 0, 10, 10))
    assert document.area is None


def test_asking_again_does_not_undo_what_was_set_on_the_layers(tmp_path: Path) -> None:
    document = Document()
    document.set_scene(PAIR)
    document.begin(HistoryEntry("w1", request(tmp_path)))
    document.answered("w1", answer(request(tmp_path)))
    document.show_kind("trust", True)
    document.change_layer("regions_sar", visible=False, opacity=0.25)
    document.begin(HistoryEntry("w2", request(tmp_path)))
    document.answered("w2", answer(request(tmp_path)))
    layers = {layer.id: layer for layer in document.layers}
    assert layers["trust"].visible
    assert (layers["regions_sar"].visible, layers["regions_sar"].opacity) == (False, 0.25)
    assert layers["trust"].panes == ("optical", "sar")
    assert layers["regions_optical"].panes == ("optical",)


def test_an_answer_about_other_files_has_a_card_but_no_overlays(tmp_path: Path) -> None:
    document = Document()
    document.set_scene(PAIR)
    document.begin(HistoryEntry("w1", request(tmp_path)))
    document.answered("w1", answer(request(tmp_path)))
    document.set_scene(Scene(raster("/other.tif", "optical")))
    document.show("w1")
    assert document.shown is not None
    assert document.layers == ()


def test_a_late_answer_does_not_push_a_newer_question_off_the_card(tmp_path: Path) -> None:
    document = Document()
    document.set_scene(PAIR)
    document.begin(HistoryEntry("w1", request(tmp_path)))
    document.begin(HistoryEntry("w2", request(tmp_path, "How many ships?")))
    document.answered("w1", answer(request(tmp_path)))
    assert document.shown is None
    assert document.running is not None
    assert document.running.id == "w2"
    document.ended("w2", Outcome("cancelled"))
    assert document.running is None


def test_a_new_scene_forgets_area_verdict_and_orders_but_not_history(tmp_path: Path) -> None:
    document = Document()
    document.set_scene(PAIR)
    document.set_check(check())
    document.set_area(PixelWindow(0, 0, 10, 10))
    document.begin(HistoryEntry("w1", request(tmp_path)))
    document.answered("w1", answer(request(tmp_path)))
    document.set_scene(PAIR.with_raster("sar", raster("/c.tif", "sar")))
    assert (document.area, document.scene.check, document.shown, document.layers) == (None, None, None, ())
    assert len(document.history) == 1


def test_a_notice_replaces_the_one_about_the_same_thing() -> None:
    document = Document()
    document.post(Notice("gate", "old"))
    document.post(Notice("open", "other"))
    document.post(Notice("gate", "new"))
    assert [notice.text for notice in document.notices] == ["other", "new"]
    document.dismiss("gate")
    document.dismiss("gate")
    assert [notice.text for notice in document.notices] == ["other"]
