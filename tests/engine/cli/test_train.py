"""``rsqa train``: lines for a person, the command to go on with, exit codes."""

from __future__ import annotations

import argparse
import io
import json
import sys

import pytest

from engine.cli import train
from engine.cli.main import main
from engine.cli.train import ProgressLine, command_of, describe
from engine.errors import UsageError
from engine.training.run import RecipeResult
from engine.training.trainer import paths_of
from tests.engine.vqa.recipes import TINY_CHANGES


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_of_events():
    step = {"kind": "step", "step": 3, "steps": 9, "loss": 1.5, "accuracy": 0.25, "seconds_left": 125}
    assert describe(step) == f"{'█' * 8}{'░' * 16}  33 % step 3 of 9, loss 1.500, accuracy 0.250 · 2:05 left"
    of_study = step | {"run": "Add, seed 1", "number": 2, "of_runs": 6}
    assert describe(of_study).startswith("[run 2 of 6: Add, seed 1] █")
    working = {"kind": "working", "stage": "rendering the train set", "done": 50, "of": 100}
    assert describe(working) == f"{'█' * 12}{'░' * 12}  50 % rendering the train set"
    assert describe(working, 3723).endswith("rendering the train set · 1:02:03 left")
    assert describe(json.loads('{"kind": "checkpoint", "step": 3}')) is None


def test_time_left_is_what_the_rest_takes_at_the_pace_so_far(monkeypatch):
    clock = iter([100.0, 104.0])
    monkeypatch.setattr(train.time, "monotonic", lambda: next(clock))
    line = ProgressLine()
    event = {"kind": "working", "stage": "reading", "done": 10, "of": 50}
    assert line._seconds_left(event) is None
    assert line._seconds_left(event | {"done": 20}) == 12.0  # ten in four seconds, thirty are left


def test_a_terminal_gets_one_line_rewritten(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    line = ProgressLine()
    for done in (1, 2):
        line({"kind": "working", "stage": "reading", "done": done, "of": 2})
    line({"kind": "validated", "step": 2, "score": 0.5, "best": 0.5})
    line.close()
    assert terminal.getvalue().count("\n") == 2  # after the bar, and after the validation
    assert terminal.getvalue().count("\r") == 2


def test_a_log_gets_few_lines(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    line = ProgressLine()
    for done in range(1, 101):
        line({"kind": "working", "stage": "reading", "done": done, "of": 100})
    line({"kind": "stage", "stage": "calibrating"})
    lines = log.getvalue().splitlines()
    assert [text[-7:] for text in (lines[0], lines[-2])] == ["reading", "reading"] or "left" in lines[-2]
    assert lines[-1] == "calibrating"
    assert len(lines) == 3


def test_the_command_can_be_pasted():
    args = argparse.Namespace(recipe="table_v", data="my data", base=None, set=["train.steps=3", 'a.b=["c"]'])
    assert command_of(args) == "rsqa train table_v --data 'my data' --set train.steps=3 --set 'a.b=[\"c\"]'"


def test_the_cards_command_has_no_path_of_this_machine():
    changes = ["train.steps=3", 'recipe.start="/some/where/model"', "model.clip_weights=/some/where/own.bin"]
    args = argparse.Namespace(recipe="/some/where/mine.toml", data="/some/where/osvqa", base=None, set=changes)
    assert command_of(args, paths_of("vqa")) == (
        "rsqa train mine.toml --data osvqa --set train.steps=3 --set 'recipe.start=\"model\"' "
        "--set model.clip_weights=own.bin"
    )
    assert "/some/where/osvqa" in command_of(args)


@pytest.mark.parametrize(("processes", "claimed"), [("1", ["cuda:1"]), ("2", [])])
def test_one_process_claims_its_gpu_and_says_who_has_it(processes, claimed, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", processes)
    asked = []

    def taken(devices, device):
        asked.append(device)
        raise UsageError("Some GPU is in use by the worker (7).")

    monkeypatch.setattr(train.Devices, "claim", taken)
    monkeypatch.setattr("engine.training.run.train_recipe", lambda *_, **__: RecipeResult(None))
    words = ["train", "tgfnet_compact_scenes", "--set", "train.device=cuda:1", "--out", str(tmp_path / "run")]
    assert main(words) == (2 if claimed else 0)
    assert asked == claimed
    assert ("in use by the worker (7)" in capsys.readouterr().err) == bool(claimed)
    assert main([*words, "--set", "train.device=cpu"]) == 0
    assert asked == claimed


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["tgfnet_compact_scenes", "--set", "train.stepz=3"],
        ["tgfnet_paper_osvqa"],
        ["table_v", "--base", "nonsense", "--data", "scenes"],
    ],
)
def test_what_makes_no_sense_is_usage(words, capsys, tmp_path):
    assert main(["train", *words, "--out", str(tmp_path / "out")]) == 2
    assert "rsqa train: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_there_has_to_be_a_run_to_go_on_with(tmp_path, capsys):
    """A mistyped folder must not begin a run of its own."""
    assert main(["train", "tgfnet_compact_scenes", "--resume", str(tmp_path / "mistyped")]) == 2
    assert "no run in" in capsys.readouterr().err
    assert not (tmp_path / "mistyped").exists()


def test_ctrl_c_while_the_sets_are_made_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(recipe, out, **options):
        out.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.training.run.train_recipe", interrupted)
    assert main(["train", "tgfnet_compact_scenes", "--out", str(tmp_path / "run")]) == 130
    assert f"--resume {tmp_path / 'run'}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_is_stopped_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    words = ["train", "tgfnet_compact_scenes", *(word for change in TINY_CHANGES for word in ("--set", change))]
    hear = ProgressLine.__call__

    def stop_at_the_start(self, event):
        hear(self, event)
        if event["kind"] == "started" and not event["resumed"]:
            (out / "stop").touch()

    monkeypatch.setattr(ProgressLine, "__call__", stop_at_the_start)
    assert main([*words, "--out", str(out)]) == 130
    said = capsys.readouterr().out
    assert "Stopped after 1 steps." in said
    assert f"--resume {out}" in said
    assert main([*words, "--resume", str(out)]) == 0
    assert f"Model: {out / 'model'}" in capsys.readouterr().out
    assert main([*words, "--resume", str(out)]) == 0
    assert "Finished before." in capsys.readouterr().out
    assert main([*words, "--out", str(out)]) == 2
