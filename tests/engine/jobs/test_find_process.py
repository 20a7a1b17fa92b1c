"""Finding in the interactive worker, beside asking: a process and two pipes, with the real text encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from engine.protocol import Cancel, Finding, Outcome, Progress, Ready, from_json
from engine.records import AskRequest, ExportRequest, FindRequest, PixelWindow
from tests.engine.grounding.finder import SMALL, write_finder
from tests.engine.jobs.child import Child


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """Reads the texts of all-MiniLM-L6-v2. The whole pair goes into it at once, at 40 m per pixel."""
    network = replace(SMALL, embed_width=384)
    return str(write_finder(tmp_path_factory.mktemp("finder"), network, trained_gsd_m=(5.0, 50.0)))


@pytest.fixture(scope="module")
def worker(tiny_model):
    with Child("serve", "--device", "cpu", "--model", tiny_model) as child:
        assert isinstance(child.hear(120)[1], Ready)
        yield child


@pytest.fixture
def wanted(pair, model, tmp_path):
    def make(expression: str = "the white ship on the left", **changes) -> FindRequest:
        fields = {"optical": pair.optical, "sar": pair.sar, "folder": str(tmp_path / "job"), "model": model}
        return FindRequest(expression, **{**fields, **changes})

    return make


@pytest.fixture
def asked(pair, tmp_path):
    return AskRequest("Is there a river?", pair.optical, pair.sar, str(tmp_path / "ask"), model=pair.model)


def ends(worker: Child, count: int) -> dict[str, str]:
    """How the next ``count`` requests end; none twice."""
    found: dict[str, str] = {}
    while len(found) < count:
        message_id, event = worker.hear()
        if isinstance(event, Outcome):
            assert message_id not in found
            found[message_id] = event.status
    return found


def test_finds_with_reasons_and_keeps_the_view(worker, wanted, tmp_path):
    window = PixelWindow(4, 2, 120, 90)  # no other test asks for it: the worker is theirs, too, and keeps what it saw
    worker.say("f", wanted(window=window))
    *progress, (_, finding), (_, outcome) = worker.hear_until("f")
    assert outcome == Outcome("succeeded")
    stages = [event.stage for _, event in progress]  # each sensor's picture is read, encoded and searched
    assert stages == ["check", "model", "read", "encode", "read", "encode", "find", "find"]
    assert isinstance(finding, Finding)
    assert finding.understood == "ship; attribute: white; position: left"
    assert len(finding.boxes) == 1
    assert all(Path(one.path).is_file() for one in finding.explanations.values())
    assert from_json((tmp_path / "job" / "result.json").read_bytes(), Finding) == finding
    worker.say("e", ExportRequest(str(tmp_path / "job" / "result.json"), str(tmp_path), ("coco", "csv"), finding=True))
    *_, (_, exported), (_, outcome) = worker.hear_until("e")
    assert outcome.status == "succeeded"
    assert sorted(Path(file).suffix for file in exported.files) == [".csv", ".json"]
    worker.say("g", wanted("storage tanks", least_score=0.01, window=window))
    *progress, (_, finding), _ = worker.hear_until("g")
    assert finding.view_reused
    assert [event.stage for _, event in progress] == ["check", "model", "find", "find"]
    assert finding.mode == "all"


def test_the_newest_question_or_expression_takes_the_place_of_the_others(worker, wanted, asked):
    for number in range(3):
        worker.say(f"a{number}", replace(asked, window=PixelWindow(number, 0, 90, 90)))
        worker.say(f"f{number}", wanted(window=PixelWindow(number, 0, 90, 90)))
    ended = ends(worker, 6)
    assert ended["f2"] == "succeeded"
    assert list(ended.values()).count("cancelled") >= 4
    worker.say("f", wanted(window=PixelWindow(7, 0, 90, 90)))
    worker.say("a", asked)
    ended = ends(worker, 2)
    assert ended["a"] == "succeeded"


def test_cancel_ends_a_search_once_and_later_ones_work(worker, wanted):
    worker.say("f", wanted(window=PixelWindow(3, 3, 80, 80)))
    worker.say("", Cancel("f"))
    assert worker.hear_until("f")[-1][1].status == "cancelled"
    worker.say("g", wanted())
    assert worker.hear_until("g")[-1][1].status == "succeeded"


def test_a_refusal_is_one_sentence(worker, wanted):
    worker.say("f", wanted("SAR ships", sar=None))
    heard = worker.hear_until("f")
    outcome = heard[-1][1]
    assert (outcome.status, outcome.code) == ("failed", 3)
    assert outcome.reason == "The expression asks for the SAR image, which is not there."
    assert not any(isinstance(event, Progress) for _, event in heard), "known before anything is read"
