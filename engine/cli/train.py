"""``rsqa train RECIPE``: train a model, or run a study; what was stopped goes on with ``--resume``."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.catalog.recipe_files import recipe_path
from engine.errors import UsageError
from engine.jobs.device import Devices

if TYPE_CHECKING:
    from engine.training.recipe import Recipe
    from engine.training.run import RecipeResult
    from engine.training.study import StudyResult

HELP = "train a model from a recipe, or run a study"
STOPPED = 130
BAR = 24
"""Characters of the progress bar."""

PLAIN_SECONDS = 10.0
"""Where lines are not rewritten, at least this lies between two of one stage."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("recipe", help="the name of a recipe or study (such as tgfnet_compact_scenes), or a TOML file")
    parser.add_argument("--data", metavar="DIR", help="train on the data set in DIR, or on “scenes”")
    parser.add_argument("--base", metavar="RECIPE", help="inherit from this recipe instead of the one it names")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.FIELD=VALUE", help="change the recipe")
    parser.add_argument(
        "--fetch", action="store_true", help="bring pretrained weights from the hub if they are not here"
    )
    folder = parser.add_mutually_exclusive_group()
    folder.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (default: rsqa-out/RECIPE-TIME)")
    folder.add_argument("--resume", type=Path, metavar="DIR", help="go on with the run in DIR")


def run(args: argparse.Namespace) -> int:
    """Train or run the study, print where everything is, return 0; what was stopped returns 130 and says how to go on.

    Of several processes (``accelerate launch``, ``torchrun``) only the main one prints.
    """
    from engine.training import is_main_process
    from engine.training.study import is_study

    path = recipe_path(args.recipe)
    if args.resume is not None and not args.resume.is_dir():
        raise UsageError(f"There is no run in {args.resume} to go on with.", remedy="Give --out DIR to begin one.")
    out = args.resume or args.out or Path("rsqa-out") / f"{path.stem}-{datetime.now():%Y%m%d-%H%M%S}"
    say = print if is_main_process() else _say_nothing
    go = _study if is_study(path) else _recipe
    progress = ProgressLine()
    try:
        return go(args, path, out, progress, say)
    except KeyboardInterrupt:  # before or after the loop, which hears Ctrl-C itself
        if not out.is_dir():
            raise
        progress.close()
        say(f"Stopped. {_how_to_go_on(args, out)}")
        return STOPPED
    finally:
        progress.close()


def _recipe(args: argparse.Namespace, path: Path, out: Path, progress: ProgressLine, say: Any) -> int:
    from engine.training.run import train_recipe
    from engine.training.trainer import load_recipe, paths_of, trainer_of

    recipe = load_recipe(str(path), args.set, args.data, args.base)
    trainer = trainer_of(recipe.recipe.task)
    devices = Devices("rsqa train")
    claim_gpu(devices, recipe)
    if args.fetch:
        trainer.fetch(recipe, say)
    say(f"Run folder: {out} (to stop: press Ctrl-C, or create a file “stop” in it)")
    command = command_of(args, paths_of(recipe.recipe.task))
    result: RecipeResult = train_recipe(recipe, out, command=command, resume=args.resume is not None, report=progress)
    progress.close()
    if result.stopped and result.training is not None:
        say(f"Stopped after {result.training.steps} steps. {_how_to_go_on(args, out)}")
        return STOPPED
    if result.card is not None:
        before = "Finished before. " if result.training is None else ""
        say(f"{before}{trainer.said(result.card)}")
        say(f"Model: {result.model} · report: {result.report} · log: {out / 'events.jsonl'}")
    return 0


def _study(args: argparse.Namespace, path: Path, out: Path, progress: ProgressLine, say: Any) -> int:
    from engine.training.study import load_study, run_study
    from engine.training.trainer import paths_of

    study = load_study(path, args.set, args.data, args.base)
    devices = Devices("rsqa train")
    for recipe in study.recipes.values():
        claim_gpu(devices, recipe)
        if args.fetch:
            study.trainer.fetch(recipe, say)
    say(f"Study folder: {out}, {len(study.recipes)} runs (to stop: press Ctrl-C)")
    command = command_of(args, paths_of(study.first.recipe.task))
    result: StudyResult = run_study(study, out, command=command, report=progress)
    progress.close()
    say(f"Finished: {result.done} of {result.wanted} runs. Report: {out / 'study.html'} (also .csv, .json)")
    if result.stopped:
        say(f"Stopped. {_how_to_go_on(args, out)}")
        return STOPPED
    return 0


def claim_gpu(devices: Devices, recipe: Recipe) -> None:
    """Take the GPU that the recipe trains on, for as long as ``devices`` lives. Raises UsageError, naming who has it.

    Several processes take a GPU each, which their launcher chose.
    """
    if recipe.train.device.startswith("cuda") and int(os.environ.get("WORLD_SIZE", "1")) == 1:
        devices.claim(recipe.train.device)


def command_of(args: argparse.Namespace, paths: Sequence[str] | None = None) -> str:
    """The command line, less the folder, to be repeated.

    For a card, which is read elsewhere, ``paths`` names the recipe's fields that may be paths: then all paths become
    bare names.
    """
    from engine.training.recipe import bare_change, bare_name

    named = str if paths is None else bare_name
    words = ["rsqa", "train", named(args.recipe)]
    for option, value in (("--data", args.data), ("--base", args.base)):
        words += [option, named(value)] if value is not None else []
    for change in args.set:
        words += ["--set", bare_change(change, paths or ())]
    return shlex.join(words)


def _how_to_go_on(args: argparse.Namespace, out: Path) -> str:
    return f"Go on with: {command_of(args)} --resume {shlex.quote(str(out))}"


class ProgressLine:
    """One line on standard error with a bar and the time left: rewritten on a terminal, now and then a line elsewhere.

    It hears the events of :func:`engine.training.run.train_recipe` and :func:`engine.training.study.run_study`.
    """

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._open = False
        self._stage = ""
        self._began = self._said = 0.0
        self._done_before = 0

    def __call__(self, event: dict[str, Any]) -> None:
        line = describe(event, self._seconds_left(event))
        if line is None:
            return
        passing = event["kind"] in ("step", "working", "stage")
        if self._live and passing:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{line[:width]}", end="", file=sys.stderr, flush=True)
            self._open = True
            return
        if passing and not self._is_due(event):
            return
        self.close()
        print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End a line that is being rewritten."""
        if self._open:
            print(file=sys.stderr)
            self._open = False

    def _is_due(self, event: dict[str, Any]) -> bool:
        """Whether a plain line is to be printed: the first and last of a stage, and one now and then between."""
        now = time.monotonic()
        whole = event["kind"] == "stage" or event.get("done") == event.get("of", -1)
        due = whole or now - self._said >= PLAIN_SECONDS
        if due:
            self._said = now
        return due

    def _seconds_left(self, event: dict[str, Any]) -> float | None:
        """What the loop says of itself, or as long as the rest takes at the stage's pace so far."""
        if event["kind"] != "working":
            return event.get("seconds_left")
        now, done = time.monotonic(), event["done"]
        if event["stage"] != self._stage or done < self._done_before:
            self._stage, self._began, self._done_before = event["stage"], now, done
            self._said = 0.0
        made = done - self._done_before
        return (event["of"] - done) * (now - self._began) / made if made > 0 else None


def describe(event: dict[str, Any], seconds_left: float | None = None) -> str | None:
    """An event as a line for a person, None for those that say nothing to one."""
    of = f"[run {event['number']} of {event['of_runs']}: {event['run']}] " if "run" in event else ""
    match event["kind"]:
        case "working":
            return of + _with_bar(event["stage"], event["done"], event["of"], seconds_left)
        case "note" | "scored":
            return f"{of}{event['text']}"
        case "stage":
            return f"{of}{event['stage']}"
        case "step":
            figures = f"step {event['step']} of {event['steps']}, loss {event['loss']:.3f}"
            if "accuracy" in event:
                figures += f", accuracy {event['accuracy']:.3f}"
            return of + _with_bar(figures, event["step"], event["steps"], event["seconds_left"])
        case "validated":
            return f"{of}step {event['step']}: validation score {event['score']:.4f}, best {event['best']:.4f}"
        case _:
            return None


def _with_bar(what: str, done: int, of: int, seconds_left: float | None) -> str:
    full = BAR * done // max(1, of)
    left = "" if seconds_left is None else f" · {_said_time(seconds_left)} left"
    return f"{'█' * full}{'░' * (BAR - full)} {100 * done // max(1, of):3d} % {what}{left}"


def _said_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _say_nothing(line: str) -> None:
    """In a process that is not the main one."""
