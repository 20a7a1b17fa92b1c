"""An expression's way to the worker and back, on fakes: what is meant, what is shown, what is exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.protocol import Exported, Outcome, Progress, from_json
from engine.records import AskRequest, Box, ExportRequest, Finding, FindRequest, PixelWindow
from rsqa_desktop.model.mode import deed_of
from rsqa_desktop.model.wording import NBSP, box_sentence, box_size, found_headline, found_summary, working
from tests.desktop.conftest import OPTICAL, SAR, Rig
from tests.desktop.fakes import SHIPS, answer, finding, found


@pytest.mark.parametrize(
    "text",
    [
        "Is there a bridge?",
        "how many ships are there",
        "  What is the main land cover",
        "a bridge, or not?",
        "isn’t there a river",
        "“Are there ships",
        "",
    ],
)
def test_what_asks_is_a_question(text: str) -> None:
    assert deed_of(text) == "ask"


@pytest.mark.parametrize(
    "text",
    [
        "all ships",
        "the largest storage tank on the left",
        "ships",
        "island harbours",
        "wharf",
        "the pier where it ends",
    ],
)
def test_what_names_things_is_looked_for(text: str) -> None:
    assert deed_of(text) == "find"


def test_a_mode_that_was_chosen_decides(rig: Rig) -> None:
    assert deed_of("Is there a bridge?", "find") == "find"
    assert deed_of("all ships", "ask") == "ask"
    rig.open_pair()
    rig.bench.asking.mode = "ask"
    rig.bench.asking.question = "all ships"
    rig.bench.asking.run()
    assert isinstance(rig.worker.newest(AskRequest)[1], AskRequest)


def test_the_request_says_everything(rig: Rig) -> None:
    rig.open_pair()
    rig.document.set_area(PixelWindow(10, 20, 300, 200))
    rig.find("  all ships ")
    _, request = rig.worker.newest(FindRequest)
    assert isinstance(request, FindRequest)
    assert (request.expression, request.optical, request.sar) == ("all ships", OPTICAL, SAR)
    assert (request.window, request.model) == (PixelWindow(10, 20, 300, 200), "optisar-compact")
    assert Path(request.folder).is_dir()


def test_one_history_holds_questions_and_expressions_and_the_newer_replaces_the_older(rig: Rig) -> None:
    rig.open_pair()
    first = rig.ask("Is there a river?")
    rig.find("all ships")
    assert rig.worker.cancelled == [first]
    rig.ask("Is there a bridge?")
    assert rig.document.history.texts == ("Is there a river?", "all ships", "Is there a bridge?")
    assert [entry.deed for entry in rig.document.history.entries] == ["ask", "find", "ask"]


def test_again_finds_what_was_found_and_asks_what_was_asked(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.asking.mode = "find"
    rig.bench.asking.question = "is there a ship?"
    rig.bench.asking.run()
    entry = rig.document.history.entries[-1]
    assert entry.deed == "find"
    rig.bench.asking.mode = "auto"
    rig.bench.asking.again(entry.id)
    assert rig.document.history.entries[-1].deed == "find"
    assert rig.bench.asking.mode == "find", "what was done again is what the box would do"


def test_a_finding_is_shown_with_its_boxes_and_reasons(rig: Rig) -> None:
    rig.open_pair()
    rig.find()
    document = rig.document
    assert document.marks.things == SHIPS
    assert [layer.id for layer in document.layers if layer.visible] == ["boxes"], "reasons only when asked for"
    assert [layer.title for layer in document.layers] == [
        "Boxes · 3",
        "Experts · optical",
        "Experts · SAR",
        "Gate 20 × 20 · optical",
        "Gate 10 × 10 · optical",
        "Gate 20 × 20 · SAR",
        "Gate 10 × 10 · SAR",
    ]
    document.show_kind("gate", True)
    shown = [layer.title for layer in document.layers if layer.kind == "gate" and layer.visible]
    assert shown == ["Gate 20 × 20 · optical", "Gate 20 × 20 · SAR"], "one map does not cover another"


def test_marks_are_places_in_the_shown_list_only(rig: Rig) -> None:
    rig.open_pair()
    rig.find()
    heard: list[tuple[int | None, int | None]] = []
    document = rig.document
    document.marks.changed.connect(lambda: heard.append((document.marks.selected, document.marks.pointed)))
    document.marks.select(2)
    document.marks.point_at(1)
    document.marks.select(2)
    document.marks.select(7)
    assert heard == [(2, None), (2, 1), (None, 1)]
    document.marks.select(0)
    rig.find("all tanks", SHIPS[:1])
    assert (document.marks.selected, document.marks.pointed) == (None, None)


def test_next_and_previous_walk_round_the_boxes(rig: Rig) -> None:
    from tests.desktop.test_commands import BY_ID

    rig.open_pair()
    rig.find()
    brought: list[Box] = []
    rig.bench.requests.show_box.connect(brought.append)
    places = []
    for name in ("box.next", "box.next", "box.previous", "box.previous", "box.next"):
        BY_ID[name].run(rig.bench)
        places.append(rig.document.marks.selected)
    assert places == [0, 1, 0, 2, 0]
    assert brought == [SHIPS[place].box for place in (0, 1, 0, 2, 0)]


def test_a_model_that_is_not_there_is_said_with_its_remedy(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.asking.question = "all ships"
    rig.bench.asking.run()
    message_id, _ = rig.worker.newest(FindRequest)
    missing = Outcome("failed", "No weights of optisar-compact ship with this program yet.", "Train it.", code=3)
    rig.worker.finished.emit(message_id, missing)
    assert rig.document.notices[-1].text == f"{missing.reason} Train it."
    assert rig.document.history.entries[-1].state == "failed"
    rig.ask()
    assert rig.document.notices == ()


def test_windows_count_up(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.asking.question = "all ships"
    rig.bench.asking.run()
    message_id, _ = rig.worker.newest(FindRequest)
    rig.worker.progress.emit(message_id, Progress("windows", 0.275, 40))
    assert working(rig.document.running, rig.document.engine) == "window 12 of 40"
    unknown = replace(rig.document.engine, steps=None)
    assert working(rig.document.running, unknown) == f"searching window by window, 28{NBSP}% done"


def test_a_search_that_saw_too_coarsely_is_offered_in_finer_windows(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.asking.question = "all ships"
    rig.bench.asking.run()
    message_id, request = rig.worker.newest(FindRequest)
    assert isinstance(request, FindRequest)
    fine = finding(request)
    rig.worker.reply(message_id, replace(fine, area=replace(fine.area, model_gsd_m=45.7)))
    assert rig.bench.asking.offer is not None
    rig.bench.asking.take_offer()
    _, finer = rig.worker.newest(FindRequest)
    assert isinstance(finer, FindRequest)
    assert (finer.expression, finer.window, finer.gsd_m) == ("all ships", request.window, 10.0)
    assert finer.folder != request.folder
    rig.bench.asking.again(rig.document.history.entries[-1].id)
    _, again = rig.worker.newest(FindRequest)
    assert isinstance(again, FindRequest)
    assert again.gsd_m == 10.0


def test_export_hands_the_finding_to_the_worker(rig: Rig, tmp_path: Path) -> None:
    rig.open_pair()
    rig.find()
    rig.bench.exporting.run(tmp_path)
    _, request = rig.worker.newest(ExportRequest)
    assert isinstance(request, ExportRequest)
    assert (request.finding, request.tiled) == (True, False)
    assert {"geojson", "gpkg", "coco", "cog"} <= set(request.formats)
    assert rig.document.shown is not None
    assert from_json(Path(request.answer_json).read_bytes(), Finding) == rig.document.shown.finding
    rig.bench.exporting.run(tmp_path, ("gpkg",))
    export_id, request = rig.worker.newest(ExportRequest)
    assert isinstance(request, ExportRequest)
    assert request.formats == ("gpkg",)
    rig.worker.reply(export_id, Exported((str(tmp_path / "a_boxes.gpkg"),)))
    assert "Wrote 1 file (.gpkg)" in rig.document.notices[-1].text


def test_the_formats_offered_are_those_of_the_engine() -> None:
    from engine.export import FOUND_FORMATS as WRITTEN
    from rsqa_desktop.actions.exporting import FOUND_FORMATS

    assert set(FOUND_FORMATS) == set(WRITTEN)


def test_a_finding_without_reasons_offers_no_maps(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.asking.question = "all ships"
    rig.bench.asking.run()
    message_id, request = rig.worker.newest(FindRequest)
    assert isinstance(request, FindRequest)
    rig.worker.reply(message_id, replace(finding(request), explanations={}))
    assert not rig.bench.exporting.can_write("cog")
    assert rig.bench.exporting.can_write("gpkg")


def test_words_of_boxes() -> None:
    plain = [box_sentence(box).replace(NBSP, " ") for box in SHIPS]
    assert plain[0] == "ship 0.91, found in both images, 60 × 20 m, 0.1 ha"
    assert plain[1] == "ship 0.74, found in the optical image, 80 × 40 m, 0.3 ha"
    assert plain[2] == "ship 0.33, found in the SAR image, 900 × 600 m, 0.5 km²"
    unknown = found(Box(0, 0, 5.2, 31), gsd_m=None)
    assert box_size(unknown).replace(NBSP, " ") == "31.0 × 5.2 px"


def test_words_of_findings(tmp_path: Path) -> None:
    request = FindRequest("all ships", OPTICAL, SAR, str(tmp_path))
    assert found_headline(finding(request)) == "3 found"
    assert found_headline(finding(request, ())) == "Nothing found"
    assert found_summary(finding(request)).splitlines()[0] == "all ships: 3 found"
    assert len(found_summary(finding(request)).splitlines()) == 4


def test_an_answer_after_a_finding_takes_its_place(rig: Rig) -> None:
    rig.open_pair()
    rig.find()
    message_id = rig.ask()
    request = rig.document.history.entries[-1].request
    assert isinstance(request, AskRequest)
    rig.worker.reply(message_id, answer(request))
    assert rig.document.marks.things == ()
    rig.document.show(rig.document.history.entries[0].id)
    assert rig.document.marks.things == SHIPS
