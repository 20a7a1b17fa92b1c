from __future__ import annotations

import json
import threading

import pytest

from engine.training import read_events
from engine.training.events import EVENTS_FILE, TENSORBOARD_FOLDER, EventLog, cut_log


def log_of(path, *events, half=b""):
    path.write_bytes(b"".join(json.dumps(event).encode() + b"\n" for event in events) + half)
    return path


STEPS = [{"kind": "step", "step": step} for step in (1, 2, 3)]


def test_readers_leave_out_a_line_that_is_being_written(tmp_path):
    path = log_of(tmp_path / EVENTS_FILE, *STEPS, half=b'{"kind": "st')
    assert read_events(path) == STEPS
    assert read_events(tmp_path / "none") == []


@pytest.mark.parametrize("half", [b"", b'{"kind": "st', b'{"kind": "step", "step": 4}'])
def test_a_resumed_run_starts_on_a_fresh_line_after_its_checkpoint(tmp_path, half):
    path = log_of(tmp_path / EVENTS_FILE, *STEPS, half=half)
    cut_log(path, step=2, validated=0)
    log = EventLog(tmp_path, None, tensorboard=False, from_step=2)
    log.tell("step", step=3)
    log.close()
    assert [event["step"] for event in read_events(path)] == [1, 2, 3]
    assert path.read_bytes().endswith(b"\n")


def test_a_validation_that_is_made_again_is_cut(tmp_path):
    checked = {"kind": "validated", "step": 2}
    path = log_of(tmp_path / EVENTS_FILE, STEPS[0], STEPS[1], {"kind": "stopped", "step": 2}, checked)
    cut_log(path, step=2, validated=2)
    assert len(read_events(path)) == 4
    cut_log(path, step=2, validated=0)
    assert [event["kind"] for event in read_events(path)] == ["step", "step", "stopped"]
    cut_log(tmp_path / "none", step=0, validated=0)


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    heard = []
    log = EventLog(tmp_path, heard.append, tensorboard=False, from_step=0)
    log.tell("step", step=1, loss=0.5, gradient_norm=float("inf"))
    assert [(event["loss"], event["gradient_norm"]) for event in heard] == [(0.5, None)]
    assert read_events(tmp_path / EVENTS_FILE) == heard  # on disk before the log is closed
    log.close()


def test_tensorboard_has_the_same_numbers_once(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    threads = threading.active_count()
    for from_step, loss in ((0, 1.0), (2, 5.0)):  # the second resumes after step 2
        log = EventLog(tmp_path, None, tensorboard=True, from_step=from_step)
        for step in range(from_step + 1, 5):
            log.tell("step", step=step, loss=loss * step)
        log.tell("validated", step=4, score=loss)
        log.tell("finished", step=4, best=loss)
        log.close()
    assert threading.active_count() == threads
    read = EventAccumulator(str(tmp_path / TENSORBOARD_FOLDER))
    read.Reload()
    assert sorted(read.Tags()["scalars"]) == ["step/loss", "validated/score"]
    assert [(point.step, point.value) for point in read.Scalars("step/loss")] == [(1, 1), (2, 2), (3, 15), (4, 20)]
