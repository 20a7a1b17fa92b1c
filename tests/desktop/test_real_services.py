"""The whole path with nothing faked: real processes, the sample pair, the shipped weights. Journeys in users' words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.catalog import find_model
from engine.errors import ModelNotFound
from engine.records import Cleaning, PixelWindow
from rsqa_desktop.app import Engine, Program, build
from rsqa_desktop.model.levels import LEVELS
from rsqa_desktop.model.wording import working

MODEL = "tgfnet-compact"
FIRST_MS = 90_000  # the worker imports torch, on a machine that runs other tests beside
NEXT_MS = 30_000


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The sample pair, made by the command that the README names."""
    folder = tmp_path_factory.mktemp("sample")
    command = [sys.executable, "-m", "engine.cli.main", "scenes", "sample", "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return str(folder / "optical.tif"), str(folder / "sar.tif")


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """OptiSAR-Net++ at its smallest, with random weights, as a folder: it finds something, if nothing sensible."""
    pytest.importorskip("torch")
    from tests.engine.grounding.finder import SMALL, write_finder

    folder = tmp_path_factory.mktemp("finder")
    return str(write_finder(folder, replace(SMALL, embed_width=384), trained_gsd_m=(4.0, 20.0)))


@pytest.fixture(scope="module")
def outliner(tmp_path_factory: pytest.TempPathFactory) -> str:
    """LGCE at its smallest, with random weights, as a folder: it outlines something, if nothing sensible."""
    pytest.importorskip("torch")
    from tests.engine.segmentation.outliner import write_outliner
    from tests.engine.segmentation.tiny import CONFIG

    config = replace(CONFIG, text_width=384, tokens=12)
    return str(write_outliner(tmp_path_factory.mktemp("outliner"), config, trained_gsd_m=(4.0, 20.0)))


@pytest.fixture
def program(qapp: QApplication, qtbot: QtBot, tmp_path: Path, finder: str, outliner: str) -> Iterator[Program]:
    try:
        find_model(MODEL)
    except ModelNotFound as error:
        pytest.skip(f"the whole path needs weights: {error}")
    made = build(qapp, tmp_path / "scratch", Engine(MODEL, "cpu", finder, outliner), tmp_path / "settings.json")
    qtbot.addWidget(made.window)
    made.window.resize(1200, 800)
    made.window.show()
    yield made
    made.window.close()
    made.stop_services()


def opened_and_judged(program: Program) -> bool:
    scene = program.bench.document.scene
    return not scene.is_empty and scene.check is not None and program.window.view.settled


def ask(program: Program, question: str) -> None:
    program.window.query.edit.setText(question)
    program.window.commands.by_id["ask.run"].trigger()


def notices(program: Program) -> str:
    return "\n".join(notice.text for notice in program.bench.document.notices)


def test_open_ask_see_why_export(program: Program, sample: tuple[str, str], qtbot: QtBot, tmp_path: Path) -> None:
    optical, sar = sample
    document = program.bench.document
    program.start_services()
    program.bench.opening.open_files([sar, optical])
    qtbot.waitUntil(lambda: opened_and_judged(program), timeout=FIRST_MS)
    assert (document.scene.optical_path, document.scene.sar_path) == (optical, sar), "found out, not taken in order"
    assert document.scene.check is not None
    assert document.scene.check.verdict == "aligned"
    ask(program, "Is there a river?")
    qtbot.waitUntil(lambda: document.running is None, timeout=FIRST_MS)
    assert document.shown is not None
    answer = document.shown.answer
    assert answer is not None
    assert answer.answer in ("yes", "no")
    assert set(answer.experts) == {"optical", "sar", "fusion"}
    assert {layer.kind for layer in document.layers} == {"regions", "attention", "trust"}
    ask(program, "Is there a bridge?")
    qtbot.waitUntil(lambda: document.running is None, timeout=NEXT_MS)
    assert document.shown.answer is not None
    assert document.shown.answer.view_reused, "a second question on the same view runs only the text and fusion parts"
    program.bench.exporting.run(tmp_path / "out")
    qtbot.waitUntil(lambda: "Wrote" in notices(program), timeout=NEXT_MS)
    suffixes = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert {".geojson", ".gpkg", ".tif", ".png"} <= suffixes


def test_find_see_the_box_see_why_export_and_stop_a_long_search(
    program: Program, sample: tuple[str, str], qtbot: QtBot, tmp_path: Path
) -> None:
    document, commands = program.bench.document, program.window.commands.by_id
    program.start_services(*sample)
    qtbot.waitUntil(lambda: opened_and_judged(program), timeout=FIRST_MS)
    document.set_area(PixelWindow(300, 300, 128, 128))
    ask(program, "the white ship on the left")
    qtbot.waitUntil(lambda: document.running is None, timeout=FIRST_MS)
    assert notices(program) == ""
    assert document.shown is not None
    finding = document.shown.finding
    assert finding is not None
    assert (finding.understood, len(finding.boxes)) == ("ship; attribute: white; position: left", 1)
    assert {"boxes", "routing", "routing-share", "gate"} <= {layer.kind for layer in document.layers}
    commands["layer.routing"].trigger()
    commands["box.next"].trigger()
    assert document.marks.selected == 0
    program.bench.exporting.run(tmp_path / "out")
    qtbot.waitUntil(lambda: "Wrote" in notices(program), timeout=NEXT_MS)
    suffixes = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert {".geojson", ".gpkg", ".json", ".csv", ".png", ".tif"} <= suffixes
    commands["area.draw"].trigger()
    commands["view.fit"].trigger()
    seen: list[str] = []
    document.engine_changed.connect(lambda: seen.append(working(document.running, document.engine)))
    ask(program, "ships")
    qtbot.waitUntil(lambda: any(each.startswith("window 1 of ") for each in seen), timeout=FIRST_MS)
    commands["ask.cancel"].trigger()
    qtbot.waitUntil(lambda: document.running is None, timeout=NEXT_MS)
    assert document.history.entries[-1].state == "cancelled"


def test_outline_change_the_threshold_export_and_stop_a_long_one(
    program: Program, sample: tuple[str, str], qtbot: QtBot, tmp_path: Path
) -> None:
    document, commands = program.bench.document, program.window.commands.by_id
    program.start_services(*sample)
    qtbot.waitUntil(lambda: opened_and_judged(program), timeout=FIRST_MS)
    document.set_area(PixelWindow(300, 300, 100, 100))
    ask(program, "outline the flooded fields")
    qtbot.waitUntil(lambda: document.running is None, timeout=FIRST_MS)
    assert notices(program) == ""
    assert document.shown is not None
    first = document.shown.outline
    assert first is not None
    assert first.expression == "the flooded fields"
    assert {"outline", "probability", "word", "gate", "trust"} == {layer.kind for layer in document.layers}
    assert [layer.title for layer in document.layers if layer.kind == "word"] == ["“the”", "“flooded”", "“fields”"]
    likely = np.load(first.probability)
    threshold = float(np.percentile(likely[likely <= LEVELS], 90)) / LEVELS  # so that a tenth of it is outlined
    document.change_layer("outline", cleaning=Cleaning(threshold, least_part_px=4))
    qtbot.waitUntil(lambda: document.mask is not None and not document.mask.is_preview, timeout=NEXT_MS)
    second = document.shown.outline
    assert second is not None
    assert second.cleaning == Cleaning(threshold, least_part_px=4)
    assert 0 < second.share < 0.5
    assert second.grid.gsd_m is not None
    pixels = sum(part.area_px for part in second.parts)
    assert second.area_m2 == pytest.approx(second.grid.gsd_m**2 * pixels, rel=0.02)
    program.bench.exporting.run(tmp_path / "out")
    qtbot.waitUntil(lambda: "Wrote" in notices(program), timeout=NEXT_MS)
    suffixes = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert {".geojson", ".gpkg", ".json", ".png", ".tif", ".html"} <= suffixes
    commands["area.draw"].trigger()
    commands["view.fit"].trigger()
    seen: list[str] = []
    document.engine_changed.connect(lambda: seen.append(working(document.running, document.engine)))
    ask(program, "outline the water")
    qtbot.waitUntil(lambda: any(each.startswith("window 1 of ") for each in seen), timeout=FIRST_MS)
    commands["ask.cancel"].trigger()
    qtbot.waitUntil(lambda: document.running is None, timeout=NEXT_MS)
    assert document.history.entries[-1].state == "cancelled"


def test_a_finder_that_is_not_there_is_a_sentence(
    qapp: QApplication, sample: tuple[str, str], qtbot: QtBot, tmp_path: Path
) -> None:
    program = build(qapp, tmp_path / "scratch", Engine("none", "cpu", "none"), tmp_path / "settings.json")
    qtbot.addWidget(program.window)
    program.window.show()
    program.start_services(*sample)
    qtbot.waitUntil(lambda: opened_and_judged(program), timeout=FIRST_MS)
    ask(program, "all ships")
    qtbot.waitUntil(lambda: program.bench.document.running is None, timeout=FIRST_MS)
    assert "There is no model “none”." in notices(program)
    assert program.bench.document.engine.state in ("starting", "ready"), "nothing died of it"
    program.window.close()
    program.stop_services()


@pytest.mark.slow
def test_too_coarse_an_answer_leads_to_a_map_of_answers(
    program: Program, sample: tuple[str, str], qtbot: QtBot, tmp_path: Path
) -> None:
    document = program.bench.document
    commands = program.window.commands.by_id
    program.start_services(*sample)
    qtbot.waitUntil(lambda: opened_and_judged(program), timeout=FIRST_MS)
    ask(program, "What is the main land cover?")
    qtbot.waitUntil(lambda: document.running is None, timeout=FIRST_MS)
    offer = program.bench.asking.offer
    assert offer is not None, "the whole sample is far coarser at the model than its pixels"
    stages: list[str] = []
    document.engine_changed.connect(lambda: stages.append(document.engine.stage))
    commands["answer.tiles"].trigger()
    qtbot.waitUntil(lambda: "tiles" in stages, timeout=FIRST_MS)
    commands["ask.cancel"].trigger()
    qtbot.waitUntil(lambda: document.running is None, timeout=NEXT_MS)
    assert document.history.entries[-1].state == "cancelled"
    commands["answer.tiles"].trigger()
    qtbot.waitUntil(lambda: document.running is None, timeout=FIRST_MS)
    assert document.shown is not None
    tiled = document.shown.tiled
    assert tiled is not None
    assert (tiled.grid.tiles, tiled.grid.side_px) == (offer.tiles, offer.side_px)
    assert sum(count.tiles for count in tiled.counts) == offer.tiles
    assert [layer.id for layer in document.layers] == ["answers", "confidence"]
    assert notices(program) == "", "the panes could read what the worker wrote"
    program.bench.exporting.run(tmp_path / "out")
    qtbot.waitUntil(lambda: "Wrote" in notices(program), timeout=NEXT_MS)
    assert {".geojson", ".gpkg", ".tif", ".csv"} <= {path.suffix for path in (tmp_path / "out").iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends a process only where there are signals")
def test_killed_processes_are_told_and_cost_one_question_at_most(
    program: Program, sample: tuple[str, str], qtbot: QtBot
) -> None:
    document = program.bench.document
    program.start_services(*sample)
    qtbot.waitUntil(lambda: opened_and_judged(program), timeout=FIRST_MS)
    ask(program, "Is there a river?")
    os.kill(program.worker.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "SIGKILL" in notices(program), timeout=NEXT_MS)
    assert document.history.entries[-1].state == "crashed"
    qtbot.waitUntil(lambda: "It was restarted. Ask again." in notices(program), timeout=FIRST_MS)
    os.kill(program.tiles.pid, signal.SIGKILL)
    program.window.view.zoom_in()
    qtbot.waitUntil(lambda: "nothing was lost" in notices(program), timeout=NEXT_MS)
    qtbot.waitUntil(lambda: program.window.view.settled, timeout=NEXT_MS)
    program.window.commands.by_id["ask.run"].trigger()
    qtbot.waitUntil(lambda: document.running is None, timeout=FIRST_MS)
    assert [entry.state for entry in document.history.entries] == ["crashed", "succeeded"]


@pytest.mark.real
def test_files_of_two_places_are_refused(program: Program, shared_data: Path, qtbot: QtBot) -> None:
    pairs = shared_data / "pairs"
    program.start_services(
        str(pairs / "sentinel_1024" / "014_opt.tif"),
        str(pairs / "cloudy_256" / "ROIs1868_summer_s1_19_p30.tif"),
    )
    qtbot.waitUntil(lambda: program.bench.document.scene.check is not None, timeout=FIRST_MS)
    check = program.bench.document.scene.check
    assert check is not None
    assert check.verdict == "no-overlap"
    assert any(notice.tone == "error" for notice in program.bench.document.notices)
    program.bench.asking.question = "Is there a river?"
    assert not program.bench.asking.can_run
