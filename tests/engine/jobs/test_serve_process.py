"""The interactive worker as its window meets it: a process and two pipes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.protocol import Answer, Cancel, Exported, Outcome, Progress, Ready, Shutdown, from_json, to_line
from engine.records import AskRequest, AskTilesRequest, CheckRequest, ExportRequest, PairCheck, PixelWindow, TiledAnswer
from tests.engine.jobs.child import Child

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def worker(tiny_model):
    """One for all tests here, as torch takes seconds to load."""
    with Child("serve", "--device", "cpu", "--model", tiny_model) as child:
        message_id, ready = child.hear(120)
        assert (message_id, type(ready)) == ("", Ready)
        assert (ready.process, ready.device) == ("worker", "cpu")
        yield child


@pytest.fixture
def asked(pair, tmp_path):
    def ask(question="Is there a river?", **changes) -> AskRequest:
        fields = {"optical": pair.optical, "sar": pair.sar, "folder": str(tmp_path / "job"), "model": pair.model}
        return AskRequest(question, **{**fields, **changes})

    return ask


def test_answers_with_reasons(worker, asked, pair):
    worker.say("q", asked(window=PixelWindow(16, 32, 128, 64)))
    *progress, (_, answer), (_, outcome) = worker.hear_until("q")
    assert outcome == Outcome("succeeded")
    assert [event.stage for _, event in progress] == ["check", "model", "read", "encode", "answer"]
    assert isinstance(answer, Answer)
    assert answer.alternatives[0].answer == answer.answer
    assert answer.alternatives[0].probability == pytest.approx(answer.confidence)
    assert set(answer.experts) == {"optical", "sar", "fusion"}
    assert answer.gate.verdict in ("aligned", "resampled")
    assert answer.area.window == PixelWindow(16, 32, 128, 64)
    assert answer.area.model_gsd_m == pytest.approx(20.0)  # 128 columns of 10 m on 64 px
    assert (answer.area.valid_optical, answer.area.valid_sar) == (1.0, 1.0)
    assert answer.provenance.optical == pair.optical
    assert answer.provenance.sar_unit == "db"
    assert answer.provenance.model == "tiny"
    assert not answer.view_reused


def test_explanations_lie_over_the_letterboxed_square(worker, asked):
    worker.say("q", asked(window=PixelWindow(20, 40, 128, 64)))
    answer = worker.hear_until("q")[-2][1]
    assert set(answer.explanations) == {
        "regions-optical",
        "regions-sar",
        "attention-optical",
        "attention-sar",
        "trust",
    }
    for reason in answer.explanations.values():
        values = np.load(reason.path, allow_pickle=False)
        assert values.dtype == np.float32
        assert values.shape == reason.shape
        box = reason.extent_px  # the 128 x 64 area in the middle of a square of 128
        assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((20, 8, 148, 136))
    attention = np.load(answer.explanations["attention-optical"].path)
    assert attention.shape == (4, 4)
    assert np.isnan(attention[[0, 3]]).all(), "padding above and below has no attention"
    assert np.nansum(attention) == pytest.approx(1.0, abs=1e-3)


def test_a_second_question_reuses_the_view(worker, asked):
    window = PixelWindow(8, 8, 100, 100)
    worker.say("q1", asked("Is there a river?", window=window))
    first = worker.hear_until("q1")[-2][1]
    worker.say("q2", asked("How many ships are there?", window=window))
    *progress, (_, second), _ = worker.hear_until("q2")
    assert (first.view_reused, second.view_reused) == (False, True)
    assert [event.stage for _, event in progress] == ["check", "model", "answer"]
    worker.say("q3", asked("Is there a river?", window=window, mute=("sar",)))
    third = worker.hear_until("q3")[-2][1]
    assert third.view_reused
    assert "sar" not in third.experts
    assert third.area.valid_sar is None
    assert any("by the optical expert alone" in message for message in third.messages)


def test_the_folder_tells_what_was_asked_and_answered(worker, asked, tmp_path):
    request = asked()
    worker.say("q", request)
    answer = worker.hear_until("q")[-2][1]
    folder = tmp_path / "job"
    assert from_json((folder / "request.json").read_bytes(), AskRequest) == request
    assert from_json((folder / "result.json").read_bytes(), Answer) == answer
    assert not list(folder.glob(".*")), "no half-written files are left"
    worker.say("e", ExportRequest(str(folder / "result.json"), str(tmp_path / "out"), ("geojson", "json")))
    *_, (_, exported), (_, outcome) = worker.hear_until("e")
    assert outcome.status == "succeeded"
    assert isinstance(exported, Exported)
    assert all(Path(file).is_file() for file in exported.files)


def test_checks_a_pair(worker, pair):
    worker.say("c", CheckRequest(pair.optical, pair.sar))
    *_, (_, check), (_, outcome) = worker.hear_until("c")
    assert outcome.status == "succeeded"
    assert isinstance(check, PairCheck)
    assert check.overlap == pytest.approx(1.0)


def test_one_sensor_is_enough_and_said(worker, asked):
    worker.say("q", asked(sar=None))
    answer = worker.hear_until("q")[-2][1]
    assert answer.gate.verdict == "single-sensor"
    assert "sar" not in answer.experts
    assert answer.provenance.sar is None
    assert any("by the optical expert alone" in message for message in answer.messages)
    worker.say("s", asked(optical=None))
    answer = worker.hear_until("s")[-2][1]
    assert "optical" not in answer.experts


@pytest.mark.parametrize(
    ("changes", "status", "code", "words"),
    [
        ({"model": "no-such-model"}, "failed", 3, "no-such-model"),
        ({"window": PixelWindow(5000, 5000, 10, 10)}, "failed", 2, "outside the image"),
        ({"optical": "missing.tif"}, "failed", 3, "missing.tif"),
        ({"device": "cuda:77"}, "failed", 2, "cuda:77"),
        ({"device": "abacus"}, "failed", 2, "abacus"),
        ({"mute": ("optical", "sar")}, "failed", 3, "muted"),
    ],
)
def test_a_refusal_is_one_sentence(worker, asked, changes, status, code, words):
    worker.say("q", asked(**changes))
    _, outcome = worker.hear_until("q")[-1]
    assert (outcome.status, outcome.code) == (status, code)
    assert words in outcome.reason
    assert "\n" not in outcome.reason


def test_remarks(worker, asked):
    worker.say("q", asked("Gibt es dort einen Fluß?", window=PixelWindow(0, 0, 256, 192)))
    messages = worker.hear_until("q")[-2][1].messages
    assert any(
        message.startswith("40.0 m per pixel at the model, outside its range (5 to 20 m)") for message in messages
    )
    assert any("English" in message for message in messages)


def test_a_newer_question_takes_the_place_of_older_ones(worker, asked):
    for number in range(6):
        worker.say(f"q{number}", asked(window=PixelWindow(number, 0, 90, 90)))
    ends: dict[str, str] = {}
    while len(ends) < 6:
        message_id, event = worker.hear()
        if isinstance(event, Outcome):
            assert message_id not in ends
            ends[message_id] = event.status
    assert ends["q5"] == "succeeded"
    assert list(ends.values()).count("cancelled") >= 4


def test_cancel_ends_a_question_once_and_later_ones_work(worker, asked):
    worker.say("q", asked(window=PixelWindow(3, 3, 80, 80)))
    worker.say("", Cancel("q"))
    worker.say("", Cancel("never heard of"))
    assert worker.hear_until("q")[-1][1].status == "cancelled"
    worker.say("r", asked())
    assert worker.hear_until("r")[-1][1].status == "succeeded"


def test_a_question_over_tiles_and_its_export(worker, asked, tmp_path):
    """256 x 192 px of 10 m on a model of 64 px: 4 x 3 tiles."""
    worker.say("t", AskTilesRequest(asked(), tile_gsd_m=10.0))
    *progress, (_, tiled), (_, outcome) = worker.hear_until("t")
    assert outcome == Outcome("succeeded")
    assert isinstance(tiled, TiledAnswer)
    assert [event.stage for _, event in progress][:2] == ["check", "model"]
    assert {event.stage for _, event in progress[2:]} == {"tiles"}
    assert (tiled.grid.rows, tiled.grid.columns) == (3, 4)
    assert sum(count.tiles for count in tiled.counts) == 12
    assert np.load(tiled.arrays.answer, allow_pickle=False).shape == (3, 4)
    request = ExportRequest(str(tmp_path / "job" / "result.json"), str(tmp_path / "out"), ("csv", "json"), tiled=True)
    worker.say("e", request)
    *_, (_, exported), (_, outcome) = worker.hear_until("e")
    assert outcome.status == "succeeded"
    assert sorted(Path(file).suffix for file in exported.files) == [".csv", ".json"]


def test_a_newer_question_takes_the_place_of_a_grid_of_tiles(worker, asked):
    worker.say("t", AskTilesRequest(asked(), tile_gsd_m=1.0, max_tiles=10_000))  # 1,200 tiles: half a minute
    while not isinstance(event := worker.hear()[1], Progress) or event.stage != "tiles":
        pass
    worker.say("q", asked())
    ends = {}
    while len(ends) < 2:
        message_id, event = worker.hear()
        if isinstance(event, Outcome):
            ends[message_id] = event.status
    assert ends == {"t": "cancelled", "q": "succeeded"}


def test_nonsense_is_answered_and_survived(worker, asked):
    worker.say_raw(b"\xff\xfe not json\n")
    message_id, outcome = worker.hear()
    assert (message_id, outcome.error) == ("", "ProtocolMismatch")
    worker.say_raw(to_line("z", asked()).replace(b'"question":"Is there a river?"', b'"question":"  "'))
    _, outcome = worker.hear_until("z")[-1]
    assert "no question" in outcome.reason


def test_a_folder_that_cannot_be_written(worker, asked, tmp_path):
    (tmp_path / "file").write_text("in the way")
    worker.say("q", asked(folder=str(tmp_path / "file")))
    _, outcome = worker.hear_until("q")[-1]
    assert (outcome.error, outcome.code) == ("ExportRefused", 3)


@pytest.mark.parametrize("how", ["shutdown", "hung up"])
def test_it_ends_when_told_or_left(tiny_model, how):
    with Child("serve", "--device", "cpu", "--model", tiny_model) as child:
        # Either comes while torch is still loading.
        if how == "shutdown":
            child.say("", Shutdown())
        else:
            child.process.stdin.close()
        assert child.process.wait(20) == 0


def test_a_pair_is_checked_while_torch_still_loads(tiny_model, pair):
    with Child("serve", "--device", "cpu", "--model", tiny_model) as child:
        child.say("c", CheckRequest(pair.optical, pair.sar))
        heard = child.hear_until("c")
        assert not any(isinstance(event, Ready) for _, event in heard)
        assert [event.stage for _, event in heard if isinstance(event, Progress)] == ["check"]
