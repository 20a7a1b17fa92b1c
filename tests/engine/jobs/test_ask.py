"""The life of one question, in this process: what is read, refused, kept and said."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

pytest.importorskip("torch")

from engine.catalog.card import read_card, write_card
from engine.errors import Cancelled, InputRefused, PairRefused
from engine.jobs import checks
from engine.jobs.ask import Asker
from engine.jobs.kept import Kept
from engine.jobs.reading import read_area, size_as_read
from engine.records import AskRequest, CheckRequest, GateChoice, PairCheck, PixelWindow
from engine.registration import check_pair
from tests.engine.jobs.child import write_raster

AREA = PixelWindow(0, 0, 64, 64)


@pytest.fixture(scope="module")
def asker() -> Asker:
    return Asker("cpu")


@pytest.fixture
def request_of(pair, tmp_path):
    def make(**changes) -> AskRequest:
        fields = {
            "question": "Is there a river?",
            "optical": pair.optical,
            "sar": pair.sar,
            "folder": str(tmp_path / "job"),
            "model": pair.model,
            "window": AREA,
        }
        return AskRequest(**{**fields, **changes})

    return make


def own_copy(path: str, tmp_path: Path) -> str:
    return str(shutil.copy(path, tmp_path / Path(path).name))


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (PixelWindow(0, 0, 448, 224), (224, 112)),
        (PixelWindow(0, 0, 100, 300), (75, 224)),
        (PixelWindow(0, 0, 50, 30), (50, 30)),  # the network's own letterbox enlarges
        (PixelWindow(0, 0, 20000, 3), (224, 1)),
    ],
)
def test_size_as_read(window, expected):
    assert size_as_read(window, 224) == expected


def test_areas_without_data_are_said(asker, request_of, pair, tmp_path):
    sar = own_copy(pair.sar, tmp_path)
    with rasterio.open(sar, "r+") as target:
        values = target.read()
        values[:, :, :32] = np.nan
        target.write(values)
    answer = asker.answer(request_of(sar=sar))
    assert answer.area.valid_sar == pytest.approx(0.5)
    assert "50 % of this area has no SAR data." in answer.messages
    answer = asker.answer(request_of(sar=sar, window=PixelWindow(0, 0, 30, 30)))
    assert "All of this area has no SAR data." in answer.messages
    assert "Answered by the optical expert alone: the SAR image has no data there." in answer.messages
    assert set(answer.experts) == {"optical"}
    assert answer.sensors == ("optical",)


def test_one_sensor_answers_alone_and_says_why(asker, request_of):
    """Absent file and muted sensor: the remaining expert's answer is the answer."""
    for changes, why in (
        ({"optical": None}, "Answered by the SAR expert alone: there is no optical image."),
        ({"mute": ("optical",)}, "Answered by the SAR expert alone: the optical image is muted."),
    ):
        answer = asker.answer(request_of(**changes))
        assert why in answer.messages
        assert set(answer.experts) == {"sar"}
        assert answer.answer == answer.experts["sar"].answer
    assert not any("alone" in message for message in asker.answer(request_of()).messages)


def test_an_area_without_any_data_is_refused(asker, request_of, tmp_path):
    empty = write_raster(tmp_path / "empty.tif", np.full((1, 64, 64), np.nan, np.float32))
    with pytest.raises(InputRefused, match=r"data|empty"):
        asker.answer(request_of(optical=None, sar=empty))


def test_neither_sensor_has_data_in_the_area(asker, request_of, pair, tmp_path):
    """Both files have data elsewhere, none of them here."""
    holed = []
    for path in (pair.optical, pair.sar):
        holed.append(own_copy(path, tmp_path))
        with rasterio.open(path) as source:
            values = source.read()
        values[:, :64, :64] = 0 if values.dtype == np.uint8 else np.nan
        with rasterio.open(holed[-1], "r+") as target:
            target.write(values)
            target.nodata = 0 if values.dtype == np.uint8 else np.nan
    with pytest.raises(InputRefused, match="neither sensor has data in this area") as refused:
        asker.answer(request_of(optical=holed[0], sar=holed[1]))
    assert refused.value.exit_code == 3


def test_an_error_rate_that_the_model_cannot_keep_is_said(asker, request_of):
    plain, asked = asker.answer(request_of()), asker.answer(request_of(error_rate=0.05))
    assert (asked.error_rate, asked.answer_set) == (None, (asked.answer,))
    assert [message for message in asked.messages if message not in plain.messages] == [
        "tiny has no calibration, so the error rate 0.05 cannot be kept."
    ]


def test_strict_refuses_a_question_that_is_otherwise_cut(asker, request_of):
    long = "Is there a river? " * 40
    assert any("did not read its last" in message for message in asker.answer(request_of(question=long)).messages)
    with pytest.raises(InputRefused, match="tokens too long"):
        asker.answer(request_of(question=long, strict=True))


def test_a_view_reaching_past_the_image_is_cut_to_it(asker, request_of):
    answer = asker.answer(request_of(window=PixelWindow(-40, 100, 100, 200)))
    assert answer.area.window == PixelWindow(0, 100, 60, 92)


def test_images_of_different_places_are_refused(asker, request_of, tmp_path):
    elsewhere = write_raster(tmp_path / "far.tif", np.ones((1, 64, 64), np.float32), origin=(700000.0, 5400000.0))
    with pytest.raises(PairRefused) as refused:
        asker.answer(request_of(sar=elsewhere))
    assert refused.value.remedy == "Open two images of the same place."


def test_without_georeference_only_on_the_users_word(asker, request_of, pair, tmp_path):
    plain = []
    for path in (pair.optical, pair.sar):
        plain.append(own_copy(path, tmp_path))
        with rasterio.open(path) as source:
            profile = {**source.profile, "crs": None, "transform": Affine.identity()}
            values = source.read()
        with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(plain[-1], "w", **profile) as target:
            target.write(values)
    bare = request_of(optical=plain[0], sar=plain[1])
    with pytest.raises(PairRefused):
        asker.answer(bare)
    answer = asker.answer(request_of(optical=plain[0], sar=plain[1], gate=GateChoice(assume_registered=True)))
    assert answer.area.model_gsd_m is None
    assert answer.area.valid_sar == 1.0
    assert any("scale is unknown" in message for message in answer.messages)


@pytest.mark.parametrize("correct", [True, False])
def test_a_shift_is_corrected_only_on_the_users_word(request_of, pair, tmp_path, monkeypatch, correct):
    """SAR is written 20 columns and 8 rows off; the gate is made to say so."""
    with rasterio.open(pair.sar) as source:
        straight = source.read()
    moved = write_raster(tmp_path / "moved.tif", np.roll(straight, (8, 20), axis=(1, 2)))

    def shifted(request: CheckRequest, *, tolerance_px: float | None = None) -> PairCheck:
        found = check_pair(request, tolerance_px=tolerance_px)
        return replace(found, verdict="shifted", shift_px=(20.0, 8.0), shift_is_sure=True)

    monkeypatch.setattr(checks, "check_pair", shifted)
    asker = Asker("cpu")
    request = request_of(sar=moved, gate=GateChoice(correct_shift=correct), window=PixelWindow(40, 40, 64, 64))
    answer = asker.answer(request)
    assert answer.provenance.shift_applied_px == ((20.0, 8.0) if correct else (0.0, 0.0))
    assert any("used as it lies" in message for message in answer.messages) is not correct
    read = read_area(request, asker.checks.verdict(CheckRequest(request.optical, moved, request.gate)), 64)
    expected = straight[:, 40:104, 40:104]
    assert np.array_equal(read.sar.values, expected) is correct


def test_a_pair_is_judged_once_until_a_file_changes(request_of, pair, tmp_path, monkeypatch):
    judged = []
    monkeypatch.setattr(checks, "check_pair", lambda request, **kw: judged.append(request) or check_pair(request, **kw))
    asker = Asker("cpu")
    sar = own_copy(pair.sar, tmp_path)
    first = asker.answer(request_of(sar=sar))
    again = asker.answer(request_of(sar=sar))
    elsewhere = asker.answer(request_of(sar=sar, window=PixelWindow(32, 32, 64, 64)))
    assert [first.view_reused, again.view_reused, elsewhere.view_reused] == [False, True, False]
    assert len(judged) == 1
    with rasterio.open(sar, "r+") as target:
        target.write(target.read() - 3)
    assert not asker.answer(request_of(sar=sar)).view_reused
    assert len(judged) == 2


def test_a_model_that_was_trained_anew_answers_from_then_on(request_of, pair, tmp_path):
    """The worker outlives trainings: neither the old weights nor a view that they made may answer."""
    model = Path(shutil.copytree(pair.model, tmp_path / "model"))
    asker = Asker("cpu")
    assert asker.answer(request_of(model=str(model))).provenance.model == "tiny"
    assert asker.answer(request_of(model=str(model))).view_reused
    write_card(replace(read_card(model), name="tiny, trained anew"), model)
    answer = asker.answer(request_of(model=str(model)))
    assert answer.provenance.model == "tiny, trained anew"
    assert not answer.view_reused


@pytest.mark.parametrize("checks_passed", range(5))
def test_it_stops_between_any_two_stages(request_of, checks_passed):
    asker = Asker("cpu")
    looks = iter([False] * checks_passed + [True])
    stages: list[str] = []
    with pytest.raises(Cancelled):
        asker.answer(request_of(), progress=lambda stage, *_: stages.append(stage), cancelled=lambda: next(looks))
    assert stages == ["check", "model", "read", "encode", "answer"][:checks_passed]
    assert asker.answer(request_of()).answer, "a stopped question leaves nothing half-made behind"


def test_kept_forgets_what_was_asked_for_longest_ago():
    made = []
    kept: Kept[str, str] = Kept(2)

    def value(key: str) -> str:
        return kept.get(key, lambda: made.append(key) or key.upper())

    assert [value(key) for key in "ababcab"] == list("ABABCAB")
    assert made == ["a", "b", "c", "a", "b"]
    with pytest.raises(ZeroDivisionError):
        kept.get("z", lambda: str(1 / 0))
    assert "z" not in kept
