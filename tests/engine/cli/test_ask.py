"""``rsqa ask``: what it asks for, what it prints and which files it leaves, with an engine that answers from memory."""

from __future__ import annotations

import json
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli.ask import answer_text
from engine.cli.main import main
from engine.errors import ModelNotFound, PairRefused
from engine.raster import write_geotiff
from engine.records import Answer, AreaUsed, AskRequest, AskTilesRequest, Grid, PixelWindow, TiledAnswer
from tests.engine.export.handmade import UTM, WINDOW, answer_by_hand
from tests.engine.export.handmade_tiles import tiled_by_hand

Engine = Callable[[AskRequest], Answer]


@pytest.fixture(autouse=True)
def arrays_in_the_test_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--json`` leaves its arrays in the system's temporary folder: not so in tests."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    paths = [str(tmp_path / "opt.tif"), str(tmp_path / "sar.tif")]
    write_geotiff(paths[0], np.full((3, 300, 400), 90, np.uint8), UTM)
    write_geotiff(paths[1], np.full((300, 400), -12, np.float32), UTM)
    return paths


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[AskRequest]:
    """The requests that reach the engine, which answers each with an answer made by hand."""
    requests: list[AskRequest] = []

    def answer(request: AskRequest, **_: object) -> Answer:
        requests.append(request)
        return answer_by_hand(
            Path(request.folder), UTM, request.window or WINDOW, request.optical, request.sar, question=request.question
        )

    install(monkeypatch, answer)
    return requests


def install(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Answer]) -> None:
    module = types.ModuleType("engine.jobs.ask")
    module.answer = answer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "engine.jobs.ask", module)


@pytest.fixture
def asked_tiles(monkeypatch: pytest.MonkeyPatch) -> list[AskTilesRequest]:
    """The same for questions over tiles."""
    requests: list[AskTilesRequest] = []

    def answer(request: AskTilesRequest, **_: object) -> TiledAnswer:
        requests.append(request)
        return tiled_by_hand(Path(request.folder), optical=request.ask.optical, sar=request.ask.sar)

    module = types.ModuleType("engine.jobs.ask_tiles")
    module.answer = answer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "engine.jobs.ask_tiles", module)
    return requests


def run_json(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(["ask", *argv, "--json"]) == 0
    out = capsys.readouterr()
    assert out.err == ""
    return json.loads(out.out)  # the whole of standard output is one object


def test_the_request_says_what_was_typed(asked: list[AskRequest], pair: list[str]) -> None:
    argv = ["ask", *pair, "Is there a river?", "--area", "40,30,240,130", "--weights", "mine", "--device", "cpu"]
    argv += ["--bands", "3,2,1", "--sar-band", "1", "--mute", "sar", "--correct-shift", "--tolerance", "4.5"]
    assert main(argv) == 0
    (request,) = asked
    assert (request.optical, request.sar) == tuple(pair)
    assert request.window == PixelWindow(40, 30, 200, 100)
    assert (request.model, request.device) == ("mine", "cpu")
    assert (request.optical_bands, request.sar_bands, request.mute) == ((3, 2, 1), (1,), ("sar",))
    assert request.gate.correct_shift
    assert request.gate.tolerance_px == 4.5
    assert not request.gate.assume_registered


def test_a_bounding_box_in_the_west_needs_no_equals_sign(asked: list[AskRequest], tmp_path: Path) -> None:
    """argparse takes a value that begins with a minus for an option, unless it is one number."""
    grid = Grid(400, 300, (0.01, 0.0, -120.0, 0.0, -0.01, 35.0), "EPSG:4326")
    write_geotiff(tmp_path / "west.tif", np.full((3, 300, 400), 90, np.uint8), grid)
    argv = ["ask", "--bbox", "-119.5,33.5,-118.5,34.5", str(tmp_path / "west.tif"), "-", "Is there a river?"]
    assert main(argv) == 0
    assert asked[0].window == PixelWindow(50, 50, 100, 100)


def test_a_dash_stands_for_a_missing_sensor(asked: list[AskRequest], pair: list[str]) -> None:
    assert main(["ask", "-", pair[1], "Is there a river?", "--area", "0,0,10,10"]) == 0
    assert asked[0].optical is None
    assert asked[0].window == PixelWindow(0, 0, 10, 10)


def test_a_relative_path_becomes_absolute(
    asked: list[AskRequest], pair: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["ask", "opt.tif", "sar.tif", "Is there a river?"]) == 0
    assert (asked[0].optical, asked[0].sar) == tuple(pair)


def test_a_person_reads_everything(
    asked: list[AskRequest], pair: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", *pair, "Is there a river?"]) == 0
    text = capsys.readouterr().out
    for said in ("yes (93 %)", "no (7 %)", "yes (80 %), 0.58, 33 %", "aligned", "8.4 m per pixel", "abababab"):
        assert said in text
    assert not Path(asked[0].folder).exists()  # nothing was asked to be kept


def test_json_keeps_its_promised_keys_and_names_maps_that_exist(
    asked: list[AskRequest], pair: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = run_json(capsys, *pair, "Is there a river?")
    assert said["answer"] == "yes"
    assert said["alternatives"][0] == {"answer": "yes", "probability": 0.93}
    assert set(said["experts"]["sar"]) == {"answer", "probability", "weight"}
    assert {"answer_set", "area", "gate", "provenance", "files"} <= set(said)
    assert said["files"] == []
    assert all(Path(path).suffix == ".npy" and Path(path).is_file() for path in said["explanations"].values())


def test_out_writes_files_and_json_names_them(
    asked: list[AskRequest], pair: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    said = run_json(capsys, *pair, "Is there a river?", "--out", str(out))
    assert sorted(said["files"]) == sorted(map(str, out.iterdir()))
    assert all(Path(path).suffix == ".tif" and Path(path).is_file() for path in said["explanations"].values())
    (written,) = out.glob("*_answer.json")
    assert json.loads(written.read_text(encoding="utf-8")) == said
    assert not Path(asked[0].folder).exists()  # the COGs stand for the arrays


def test_formats_choose_and_keep_the_arrays_that_json_names(
    asked: list[AskRequest], pair: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    argv = [*pair, "Is there a river?", "--out", str(tmp_path / "out"), "--formats", "geojson,json"]
    said = run_json(capsys, *argv)
    assert sorted(Path(path).suffix for path in said["files"]) == [".geojson", ".json"]
    assert all(Path(path).is_file() for path in said["explanations"].values())


def test_what_is_not_text_is_replaced(asked: list[AskRequest], pair: list[str]) -> None:
    """An argument of bytes that are not UTF-8 reaches Python as lone surrogates, which no JSON can hold."""
    assert main(["ask", *pair, "river \udcff?"]) == 0
    assert asked[0].question == "river ??"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-", "-", "Is there a river?"], "at least one raster"),
        (["OPT", "SAR", "  "], "no question"),
        (["OPT", "SAR", "q", "--formats", "json"], "--out"),
        (["OPT", "SAR", "q", "--area", "5000,0,5001,1"], "outside"),
        (["", "SAR", "q"], "OPT raster is empty"),
        (["\udcff.tif", "SAR", "q"], "UTF-8"),
    ],
)
def test_usage_errors_exit_2_with_a_sentence(
    asked: list[AskRequest], pair: list[str], capsys: pytest.CaptureFixture[str], argv: list[str], said: str
) -> None:
    named = dict(zip(("OPT", "SAR"), pair, strict=True))
    assert main(["ask", *(named.get(word, word) for word in argv)]) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert said in out.err
    assert out.err.count("\n") == 1
    assert asked == []


@pytest.mark.parametrize("argv", [["--formats", "shp"], ["--bands", "1,2"], ["--tolerance", "0"], ["--mute", "both"]])
def test_the_parser_refuses_with_2(pair: list[str], argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_code:
        main(["ask", *pair, "q", *argv])
    assert exit_code.value.code == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("error", "code"),
    [(PairRefused("They do not overlap."), 3), (ModelNotFound("There is no model."), 3), (KeyboardInterrupt(), 130)],
)
def test_refusals_and_ctrl_c_have_their_codes_and_leave_nothing(
    monkeypatch: pytest.MonkeyPatch,
    pair: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    error: BaseException,
    code: int,
) -> None:
    folders: list[str] = []

    def answer(request: AskRequest, **_: object) -> Answer:
        folders.append(request.folder)
        raise error

    install(monkeypatch, answer)
    assert main(["ask", *pair, "q", "--json", "--out", str(tmp_path / "out")]) == code
    assert capsys.readouterr().out == ""
    assert not Path(folders[0]).exists()
    assert not (tmp_path / "out").exists()


def test_tiles_are_asked_for_with_their_scale(
    asked_tiles: list[AskTilesRequest], pair: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["ask", *pair, "q", "--tiles", "--tile-gsd", "20", "--max-tiles", "99", "--strict"]
    assert main(argv) == 0
    (request,) = asked_tiles
    assert (request.tile_gsd_m, request.max_tiles) == (20.0, 99)
    assert request.ask.strict
    out = capsys.readouterr().out
    assert "water" in out
    assert "AAa" in out
    assert not Path(request.folder).exists()


def test_tiles_write_files_and_print_one_object(
    asked_tiles: list[AskTilesRequest], pair: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    said = run_json(capsys, *pair, "q", "--tiles", "--out", str(out), "--formats", "csv,json")
    assert sorted(said["files"]) == sorted(map(str, out.iterdir()))
    assert [count["answer"] for count in said["counts"]] == ["water", "forest"]
    assert len(said["tiles"]) == 6
    plain = run_json(capsys, *pair, "q", "--tiles")
    assert (plain["files"], len(plain["tiles"])) == ([], 6)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--tile-gsd", "20"], "Add --tiles"),
        (["--tiles", "--out", "o", "--formats", "png"], "“png” is no format"),
        (["--out", "o", "--formats", "csv"], "“csv” is no format"),
        (["--tiles", "--error-rate", "0.05"], "tiles do not have"),
        (["--tiles", "--tile-gsd", "-3"], "no scale"),
        (["--tiles", "--max-tiles", "0"], "at least one tile"),
        (["--error-rate", "1.5"], "no share"),
    ],
)
def test_options_that_do_not_go_together_exit_2(
    asked: list[AskRequest],
    asked_tiles: list[AskTilesRequest],
    pair: list[str],
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    said: str,
) -> None:
    assert main(["ask", *pair, "q", *argv]) == 2
    assert said in capsys.readouterr().err
    assert asked == asked_tiles == []


def test_answer_sets_are_said_only_of_a_calibrated_model(make_text: Callable[..., str]) -> None:
    assert "certainty" not in make_text()
    assert "With 90 % certainty one of: yes, no." in make_text(error_rate=0.1, answer_set=("yes", "no"))
    assert "With 95 % certainty: yes." in make_text(error_rate=0.05, answer_set=("yes",))


def test_a_network_without_experts_shows_none(make_text: Callable[..., str]) -> None:
    assert "Experts" in make_text()
    assert "Experts" not in make_text(experts={})


def test_the_grid_of_tiles_is_offered_where_the_view_was_too_coarse(make_text: Callable[..., str]) -> None:
    assert "--tiles" not in make_text()
    area = AreaUsed(WINDOW, UTM, 90.0, (0.5, 20.0), 1.0, 1.0)
    assert "--tiles" in make_text(area=area)


@pytest.fixture
def make_text(tmp_path: Path) -> Callable[..., str]:
    return lambda **fields: answer_text(answer_by_hand(tmp_path, **fields))
