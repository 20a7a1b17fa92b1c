"""An expression's way to a mask and back, on fakes: what is meant, what is shown, redrawn, exported, done again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine.protocol import Outcome, Progress, from_json
from engine.records import Cleaning, ExportRequest, FindRequest, Outline, OutlineRequest, PixelWindow, RedrawRequest
from rsqa_desktop.app import parse
from rsqa_desktop.model.levels import BARS, level_counts
from rsqa_desktop.model.mode import AtHand, deed_of, expression_of
from rsqa_desktop.model.weights import Engine
from rsqa_desktop.model.wording import (
    NBSP,
    hectares,
    outlined_extent,
    outlined_headline,
    outlined_summary,
    outlined_units,
    part_sentence,
    pixels_on_ground,
    working,
)
from tests.desktop.conftest import OPTICAL, SAR, Rig
from tests.desktop.outlines import LAKE, WORDS, outlined

BOTH, ONLY_FINDS, ONLY_OUTLINES = AtHand(True, True), AtHand(True, False), AtHand(False, True)


@pytest.mark.parametrize(
    "text",
    [
        "water",
        "the lake in the north",
        "flooded fields",
        "bodies of water",
        "patches of low vegetation",
        "forest left of the river",
        "the northern lake",
        "built-up area",
    ],
)
def test_ground_is_outlined_where_a_model_for_it_is_at_hand(text: str) -> None:
    assert deed_of(text, at_hand=BOTH) == "outline"
    assert deed_of(text, at_hand=ONLY_FINDS) == "find"


@pytest.mark.parametrize(
    "text",
    [
        "all ships",
        "ships on the lake",
        "the water tower",
        "storage tanks left of the river",
        "the largest baseball field",
        "parking areas",
        "bridge",
    ],
)
def test_things_are_found_even_beside_ground(text: str) -> None:
    assert deed_of(text, at_hand=BOTH) == "find"
    assert deed_of(text, at_hand=ONLY_OUTLINES) == "outline", "what cannot be found can be outlined"


def test_an_order_is_obeyed_and_is_no_part_of_what_is_named() -> None:
    assert deed_of("outline the ships", at_hand=BOTH) == "outline"
    assert deed_of("find the lake", at_hand=BOTH) == "find"
    assert deed_of("Segment ships") == "outline", "ordered, it is tried even without a model, and said why not"
    assert deed_of("is there water?", at_hand=BOTH) == "ask"
    assert deed_of("outline", at_hand=ONLY_FINDS) == "find", "a verb alone names itself"
    assert [expression_of(text) for text in ("Outline  the lake ", "the outline", "outline")] == [
        "the lake",
        "the outline",
        "outline",
    ]


def test_the_command_line_names_what_outlines(tmp_path: Path) -> None:
    assert parse([]).outliner == "lgce-compact"
    assert parse(["--outliner", "here"]).outliner == "here"
    (tmp_path / "card.json").write_text("{}")
    assert Engine(finder="none", outliner=str(tmp_path)).at_hand() == AtHand(False, True)


def test_the_request_says_everything(rig: Rig) -> None:
    rig.open_pair()
    rig.document.set_area(PixelWindow(10, 20, 300, 200))
    rig.outline("  outline the water ")
    _, request = rig.worker.newest(OutlineRequest)
    assert isinstance(request, OutlineRequest)
    assert (request.expression, request.optical, request.sar) == ("the water", OPTICAL, SAR)
    assert (request.window, request.model, request.threshold) == (PixelWindow(10, 20, 300, 200), "lgce-compact", None)
    assert Path(request.folder).is_dir()


def test_weights_that_are_not_there_are_said_with_the_windows_own_option(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.asking.mode = "outline"
    rig.bench.asking.question = "the water"
    rig.bench.asking.run()
    message_id, _ = rig.worker.newest(OutlineRequest)
    missing = Outcome("failed", "No weights ship yet.", "Train it, then name RUN with --weights.", code=3)
    rig.worker.finished.emit(message_id, missing)
    said = "No weights ship yet. Train it, then name RUN with rsqa-desktop --outliner."
    assert rig.document.notices[-1].text == said


def test_an_outline_is_shown_with_its_mask_and_its_reasons_to_toggle(rig: Rig) -> None:
    rig.open_pair()
    rig.outline()
    document = rig.document
    assert [layer.title for layer in document.layers] == [
        "Outline",
        "Probability",
        "“the”",
        "“water”",
        "Sensor trust",
        "Gate 24 × 24",
        "Gate 12 × 12",
    ]
    assert [layer.id for layer in document.layers if layer.visible] == ["outline"]
    assert len(document.marks.things) == 2, "lake and pond"
    document.show_kind("word", True, only="word-02")
    assert [layer.title for layer in document.layers if layer.visible] == ["Outline", "“water”"]


def test_what_was_set_for_a_word_stays_with_that_word(rig: Rig) -> None:
    rig.open_pair()
    rig.outline()
    rig.document.show_kind("word", True, only="word-02")
    message_id, request = rig.worker.newest(OutlineRequest)
    rig.outline()
    assert rig.document.shows_kind("word")
    assert isinstance(request, OutlineRequest)
    rig.document.answered(message_id, replace(outlined(request), words=("flooded", "fields")))
    rig.document.show(message_id)
    assert not rig.document.shows_kind("word")


def test_a_threshold_is_seen_at_once_and_cut_by_the_engine_when_it_rests(rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    entry_id = rig.outline()
    document = rig.document
    assert document.shown is not None
    before = document.shown.outline
    assert before is not None
    for share in (0.6, 0.7, 0.8):
        document.change_layer("outline", cleaning=replace(before.cleaning, threshold=share))
        assert document.mask is not None
        assert document.mask.is_preview
    assert not any(isinstance(each, RedrawRequest) for each in rig.worker.sent.values()), "it does not rest yet"
    assert not rig.bench.exporting.can_run, "what is seen is not cut yet"
    qtbot.waitUntil(lambda: any(isinstance(each, RedrawRequest) for each in rig.worker.sent.values()))
    _, request = rig.worker.newest(RedrawRequest)
    assert isinstance(request, RedrawRequest)
    assert request.cleaning.threshold == 0.8
    assert from_json(Path(request.outline_json).read_bytes(), Outline) == before
    rig.redraw()
    after = document.shown.outline
    assert document.shown.id == entry_id
    assert after is not None
    assert after.area_m2 is not None
    assert before.area_m2 is not None
    assert after.area_m2 < before.area_m2
    assert len(document.history) == 1, "a redraw is no question"
    assert document.mask is not None
    assert not document.mask.is_preview
    assert rig.bench.exporting.can_run


def test_only_the_newest_mask_is_kept_on_the_disk(rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.outline()
    shown = rig.document.shown
    assert shown is not None
    for number, share in enumerate((0.6, 0.7, 0.8), 1):
        rig.document.change_layer("outline", cleaning=Cleaning(share))
        qtbot.waitUntil(lambda n=number: sum(isinstance(e, RedrawRequest) for e in rig.worker.sent.values()) == n)  # type: ignore[misc]
        rig.redraw()
    masks = sorted(Path(shown.request.folder).rglob("mask.npy"))
    assert [path.parent.name for path in masks] == [Path(shown.request.folder).name, "redraw-0003"]


def test_what_was_changed_while_the_engine_cut_stays_a_preview(rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.outline()
    rig.document.change_layer("outline", cleaning=Cleaning(0.6))
    qtbot.waitUntil(lambda: any(isinstance(each, RedrawRequest) for each in rig.worker.sent.values()))
    rig.document.change_layer("outline", cleaning=Cleaning(0.9))
    rig.redraw()
    assert rig.document.mask is not None
    assert rig.document.mask.cleaning == Cleaning(0.9)
    assert rig.document.mask.is_preview
    qtbot.waitUntil(lambda: rig.worker.newest(RedrawRequest)[1].cleaning == Cleaning(0.9))  # type: ignore[attr-defined]


def test_a_redraw_that_fails_is_said_and_the_known_mask_comes_back(rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.outline()
    rig.document.change_layer("outline", cleaning=Cleaning(0.6))
    qtbot.waitUntil(lambda: any(isinstance(each, RedrawRequest) for each in rig.worker.sent.values()))
    message_id, _ = rig.worker.newest(RedrawRequest)
    rig.worker.finished.emit(message_id, Outcome("failed", "The probability map is gone.", "Outline again.", code=3))
    assert rig.document.notices[-1].text == "The probability map is gone. Outline again."
    assert rig.document.mask is not None
    assert not rig.document.mask.is_preview


def test_a_redraw_waits_for_the_question_that_runs(rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.outline()
    rig.document.change_layer("outline", cleaning=Cleaning(0.6))
    asked = rig.ask()
    qtbot.wait(300)
    assert not any(isinstance(each, RedrawRequest) for each in rig.worker.sent.values()), "it would take its place"
    rig.worker.finished.emit(asked, Outcome("cancelled"))
    qtbot.waitUntil(lambda: any(isinstance(each, RedrawRequest) for each in rig.worker.sent.values()))


def test_again_outlines_what_is_on_screen_now_with_the_mask_as_it_was_set(rig: Rig, qtbot: QtBot) -> None:
    rig.open_pair()
    rig.outline()
    rig.document.change_layer("outline", cleaning=Cleaning(0.7, 12, 5))
    qtbot.waitUntil(lambda: any(isinstance(each, RedrawRequest) for each in rig.worker.sent.values()))
    rig.redraw()
    rig.document.set_area(PixelWindow(10, 20, 300, 200))
    rig.bench.asking.again(rig.document.history.entries[-1].id)
    _, request = rig.worker.newest(OutlineRequest)
    assert isinstance(request, OutlineRequest)
    assert (request.expression, request.window) == ("the water", PixelWindow(10, 20, 300, 200))
    assert (request.threshold, request.least_part_px, request.least_hole_px) == (0.7, 12, 5)
    assert rig.bench.asking.mode == "outline"


def test_what_was_found_can_be_outlined_and_the_other_way_round(rig: Rig) -> None:
    rig.open_pair()
    assert rig.bench.asking.other_deed is None
    rig.document.set_area(PixelWindow(10, 20, 300, 200))
    rig.find("all ships")
    rig.document.set_area(None)
    assert rig.bench.asking.other_deed == "outline"
    rig.bench.asking.run_other_deed()
    message_id, request = rig.worker.newest(OutlineRequest)
    assert isinstance(request, OutlineRequest)
    assert (request.expression, request.window) == ("all ships", PixelWindow(10, 20, 300, 200))
    assert rig.bench.asking.mode == "auto", "for once"
    rig.worker.reply(message_id, outlined(request))
    rig.bench.asking.run_other_deed()
    assert isinstance(rig.worker.newest(FindRequest)[1], FindRequest)
    assert [entry.deed for entry in rig.document.history.entries] == ["find", "outline", "find"]


def test_finer_windows_are_offered_where_it_saw_too_coarsely(rig: Rig) -> None:
    rig.open_pair()
    message_id = rig.outline()
    shown = rig.document.shown
    assert shown is not None
    assert shown.outline is not None
    coarse = replace(shown.outline, area=replace(shown.outline.area, model_gsd_m=45.7))
    rig.document.answered(message_id, coarse)
    assert rig.bench.asking.offer is not None
    rig.bench.asking.take_offer()
    _, request = rig.worker.newest(OutlineRequest)
    assert isinstance(request, OutlineRequest)
    assert (request.gsd_m, request.threshold) == (10.0, 0.5)


def test_the_worker_gets_the_outline_and_all_formats_to_export(rig: Rig, tmp_path: Path) -> None:
    from engine.export import OUTLINED_FORMATS as WRITTEN
    from rsqa_desktop.actions.exporting import OUTLINED_FORMATS

    assert set(OUTLINED_FORMATS) == set(WRITTEN)
    rig.open_pair()
    rig.outline()
    rig.bench.exporting.run(tmp_path)
    _, request = rig.worker.newest(ExportRequest)
    assert isinstance(request, ExportRequest)
    assert (request.outline, request.finding, set(request.formats)) == (True, False, set(WRITTEN))
    assert rig.document.shown is not None
    assert from_json(Path(request.answer_json).read_bytes(), Outline) == rig.document.shown.outline


def test_windows_count_up_and_other_stages_have_words(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.asking.mode = "outline"
    rig.bench.asking.question = "the water"
    rig.bench.asking.run()
    message_id, _ = rig.worker.newest(OutlineRequest)
    for stage, said in (("outline", "outlining it"), ("cut", "drawing the mask")):
        rig.worker.progress.emit(message_id, Progress(stage))
        assert working(rig.document.running, rig.document.engine) == said
    rig.worker.progress.emit(message_id, Progress("windows", 0.5, 40))
    assert working(rig.document.running, rig.document.engine) == "window 21 of 40"


def test_areas_are_said_in_the_units_that_people_use() -> None:
    for square_m, said in ((320, "320 m²"), (5_240, "0.52 ha"), (124_000, "12.4 ha"), (4_123_400, "412 ha")):
        assert hectares(square_m).replace(NBSP, " ") == said
    assert pixels_on_ground(20, 10.0).replace(NBSP, " ") == "≈ 0.20 ha"
    assert (pixels_on_ground(0, 10.0), pixels_on_ground(20, None)) == ("", "")


def test_words_of_an_outline(tmp_path: Path) -> None:
    request = OutlineRequest("the water", OPTICAL, SAR, str(tmp_path))
    lake = replace(outlined(request), area_m2=4_123_400.0, share=0.04, mean_probability=0.83)
    assert outlined_headline(lake).replace(NBSP, " ") == "412 ha"
    assert outlined_units(lake).replace(NBSP, " ") == "4.12 km² · 4,123,400 m²"
    assert outlined_extent(lake).replace(NBSP, " ") == "4 % of the area · 2 parts · mean probability 83 %"
    whole = part_sentence(0, replace(lake.parts[0], area_m2=5e4, mean_probability=0.9)).replace(NBSP, " ")
    assert whole == "part 1 · 5.00 ha, mean probability 90 %, 1 hole"
    assert outlined_summary(lake).splitlines()[0].replace(NBSP, " ") == "the water: 412 ha · 4.12 km² · 4,123,400 m²"
    half_seen = replace(lake, area=replace(lake.area, valid_sar=0.0))
    assert outlined_extent(half_seen).replace(NBSP, " ").startswith("4 % of the area with data · ")
    nothing = replace(lake, parts=(), area_m2=0.0)
    assert (outlined_headline(nothing), outlined_units(nothing), outlined_extent(nothing)) == (
        "Nothing outlined",
        "",
        "",
    )
    flat = replace(lake, area_m2=None)
    assert outlined_headline(flat).endswith(f"{NBSP}px")


def test_the_chart_counts_every_pixel_with_data_once(tmp_path: Path) -> None:
    outline = outlined(OutlineRequest("the water", OPTICAL, SAR, str(tmp_path), PixelWindow(0, 0, 500, 400)))
    counts = level_counts(outline.probability)
    assert (len(counts), counts.sum()) == (BARS, 500 * 400 - 40 * 40)
    assert counts[-1] == 0
    assert not level_counts(str(tmp_path / "gone.npy")).any()


def test_the_handmade_lake_has_an_island(tmp_path: Path) -> None:
    outline = outlined(OutlineRequest("the water", OPTICAL, SAR, str(tmp_path)))
    assert (len(outline.parts[0].holes_map), outline.words) == (1, WORDS)
    assert outline.parts[0].box.x0 < LAKE[0] < outline.parts[0].box.x1
