"""Outlining in the interactive worker: a process and two pipes, with the real text encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from engine.protocol import Cancel, Outcome, Ready, from_json
from engine.records import Cleaning, ExportRequest, Outline, OutlineRequest, PixelWindow, RedrawRequest
from tests.engine.jobs.child import Child
from tests.engine.segmentation.outliner import write_outliner
from tests.engine.segmentation.tiny import CONFIG


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """Reads the words of all-MiniLM-L6-v2."""
    network = replace(CONFIG, text_width=384, tokens=20)
    return str(write_outliner(tmp_path_factory.mktemp("outliner"), network, trained_gsd_m=(5.0, 50.0)))


@pytest.fixture(scope="module")
def worker(tiny_model):
    with Child("serve", "--device", "cpu", "--model", tiny_model) as child:
        assert isinstance(child.hear(120)[1], Ready)
        yield child


@pytest.fixture
def wanted(pair, model, tmp_path):
    def make(expression: str = "the flooded fields", **changes) -> OutlineRequest:
        fields = {"optical": pair.optical, "sar": pair.sar, "folder": str(tmp_path / "job"), "model": model}
        return OutlineRequest(expression, **{**fields, **changes})

    return make


def test_outlines_redraws_and_exports(worker, wanted, tmp_path):
    worker.say("o", wanted(threshold=0.4, window=PixelWindow(20, 30, 120, 90)))  # small enough to go in at once
    *progress, (_, outlined), (_, outcome) = worker.hear_until("o")
    assert outcome == Outcome("succeeded")
    assert [event.stage for _, event in progress][:6] == ["check", "model", "read", "encode", "outline", "cut"]
    assert isinstance(outlined, Outline)
    assert outlined.words == ("the", "flooded", "fields")
    assert from_json((tmp_path / "job" / "result.json").read_bytes(), Outline) == outlined
    assert all(Path(one.path).is_file() for one in outlined.explanations.values())
    worker.say("r", RedrawRequest(str(tmp_path / "job" / "result.json"), str(tmp_path / "new"), Cleaning(0.6)))
    *_, (_, redrawn), (_, outcome) = worker.hear_until("r")
    assert outcome.status == "succeeded"
    levels, mask = (np.load(path, allow_pickle=False) for path in (outlined.probability, redrawn.mask))
    np.testing.assert_array_equal(mask == 1, levels >= np.ceil(0.6 * 254))
    worker.say("e", ExportRequest(str(tmp_path / "new" / "result.json"), str(tmp_path), ("coco",), outline=True))
    *_, (_, exported), (_, outcome) = worker.hear_until("e")
    assert outcome.status == "succeeded"
    assert [Path(file).suffix for file in exported.files] == [".json"]


def test_cancel_ends_an_outline_once_and_a_newer_one_takes_its_place(worker, wanted):
    worker.say("a", wanted(window=PixelWindow(3, 3, 80, 80)))
    worker.say("", Cancel("a"))
    assert worker.hear_until("a")[-1][1].status == "cancelled"
    for number in range(3):
        worker.say(f"b{number}", wanted(window=PixelWindow(number, 0, 90, 90)))
    heard = worker.hear_until("b2")
    ended = {name: event.status for name, event in heard if isinstance(event, Outcome)}
    assert ended["b2"] == "succeeded"
    assert list(ended.values()).count("cancelled") >= 1
