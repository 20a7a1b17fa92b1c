"""From paths to a scene: roles, the second round on the optical grid, refusals, the gate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.protocol import OpenRaster, Outcome, Ready
from engine.records import CheckRequest
from rsqa_desktop.model.settings import RecentPair
from tests.desktop.conftest import OPTICAL, SAR, Rig
from tests.desktop.fakes import check, raster


def test_a_dropped_pair_finds_its_places_whatever_the_order(rig: Rig) -> None:
    rig.bench.opening.open_files([SAR, OPTICAL])
    rig.tiles.settle()
    scene = rig.document.scene
    assert (scene.optical_path, scene.sar_path) == (OPTICAL, SAR)
    assert rig.tiles.asked[-1] == OpenRaster(SAR, "sar", on=OPTICAL), "its stretch is that of the optical grid"
    assert rig.settings.current.recent == (RecentPair(OPTICAL, SAR),)


def test_files_that_say_nothing_are_taken_in_order_and_opened_again_as_that(rig: Rig) -> None:
    for path in ("/1.tif", "/2.tif"):
        rig.known[path] = raster(path, "unknown")
    rig.bench.opening.open_files(["/1.tif", "/2.tif"])
    rig.tiles.settle()
    assert (rig.document.scene.optical_path, rig.document.scene.sar_path) == ("/1.tif", "/2.tif")
    assert rig.tiles.asked[2:] == [OpenRaster("/1.tif", "optical"), OpenRaster("/2.tif", "sar", on="/1.tif")]


def test_a_sar_image_alone_is_a_scene(rig: Rig) -> None:
    rig.bench.opening.open_files([SAR])
    rig.tiles.settle()
    assert rig.document.scene.optical is None
    assert rig.document.panes == ("sar",)
    _, request = rig.worker.newest(CheckRequest)
    assert request == CheckRequest(None, SAR)


def test_the_second_of_two_joins_the_first(rig: Rig) -> None:
    rig.bench.opening.open_files([OPTICAL])
    rig.tiles.settle()
    rig.bench.opening.open_files([SAR])
    rig.tiles.settle()
    assert rig.document.panes == ("optical", "sar")


def test_a_file_that_cannot_be_opened_is_said_and_the_other_is_shown(rig: Rig) -> None:
    rig.bench.opening.open_files([OPTICAL, "/broken.tif"])
    rig.tiles.settle()
    assert rig.document.scene.optical_path == OPTICAL
    assert [each.text for each in rig.document.notices] == [
        "/broken.tif cannot be opened: it is not a raster. Choose another file."
    ]


def test_a_complaint_about_a_file_goes_when_another_is_opened(rig: Rig) -> None:
    rig.bench.opening.open_files(["/broken.tif"])
    rig.tiles.settle()
    assert len(rig.document.notices) == 1
    rig.open_pair()
    assert rig.document.notices == ()


def test_when_nothing_opens_what_was_open_stays(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.opening.open_files(["/x.tif", "/y.tif"])
    rig.tiles.settle()
    assert rig.document.scene.optical_path == OPTICAL
    assert [each.tone for each in rig.document.notices] == ["error", "error"]


def test_three_files_are_no_pair(rig: Rig) -> None:
    rig.bench.opening.open_files(["/1.tif", "/2.tif", "/3.tif"])
    assert rig.tiles.asked == []
    assert "3 files were given" in rig.document.notices[0].text


def test_opening_again_supersedes_what_is_on_its_way(rig: Rig) -> None:
    rig.bench.opening.open_files(["/slow.tif"])
    rig.open_pair()
    assert rig.document.scene.optical_path == OPTICAL
    assert rig.document.notices == ()


def test_what_was_assumed_about_a_file_is_told(rig: Rig) -> None:
    rig.known[OPTICAL] = raster(OPTICAL, "optical", notices=("No CRS: positions are in pixels.",))
    rig.open_pair()
    assert rig.document.scene.notes == ("opt.tif: No CRS: positions are in pixels.",)


@pytest.mark.parametrize(
    ("verdict", "tone", "action"),
    [
        ("no-overlap", "error", ""),
        ("not-georeferenced", "error", "gate.assume"),
        ("shifted", "warning", "gate.correct"),
    ],
)
def test_what_the_gate_objects_to_is_said_with_its_remedy(rig: Rig, verdict: str, tone: str, action: str) -> None:
    rig.open_pair(judged=False)
    rig.judge(check(verdict, messages=("The rasters show different places.",)))  # type: ignore[arg-type]
    notice = rig.document.notices[-1]
    said = "The SAR image lies" if verdict == "shifted" else "The rasters show different places."
    assert notice.text.startswith(said)
    assert (notice.tone, notice.action) == (tone, action)
    rig.bench.asking.question = "Is there a river?"
    assert rig.bench.asking.can_run is (verdict == "shifted"), "a refused pair is not asked about"


def test_a_verdict_lost_with_the_worker_is_asked_for_again(rig: Rig) -> None:
    rig.open_pair(judged=False)
    first, _ = rig.worker.newest(CheckRequest)
    rig.worker.finished.emit(first, Outcome("crashed", "The interactive worker was ended by SIGKILL."))
    rig.worker.ready.emit(Ready("worker", "1"))
    assert rig.worker.newest(CheckRequest)[0] != first
    rig.judge(check())
    assert rig.document.scene.check is not None


def test_speckle_is_smoothed_for_the_eye_only(rig: Rig) -> None:
    rig.open_pair()
    asked = len(rig.worker.sent)
    rig.bench.opening.toggle_speckle_filter()
    sar = rig.document.scene.sar
    assert sar is not None
    assert sar.display == replace(rig.known[SAR].display, speckle_filter=True)
    assert rig.document.scene.check is not None
    assert len(rig.worker.sent) == asked


def test_a_lost_tile_reader_is_told_and_taken_back(rig: Rig) -> None:
    rig.open_pair()
    rig.tiles.died.emit(Outcome("crashed", "The tile reader was ended by SIGKILL.", "It is being started again."))
    assert rig.document.notices[-1].text == "The tile reader was ended by SIGKILL. It is being started again."
    rig.tiles.ready.emit(Ready("tiles", "1"))
    assert rig.document.notices[-1].text == "The tile reader was ended by SIGKILL. It was restarted; nothing was lost."
    rig.tiles.ready.emit(Ready("tiles", "1"))
    assert len(rig.document.notices) == 1
