"""``rsqa train RECIPE``: train a model; a stopped run goes on with ``--resume``."""

from __future__ import annotations

import argparse
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.vqa.recipe_files import recipe_path

HELP = "train a model from a recipe"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("recipe", help="a recipe's name (such as tgfnet_compact_scenes) or a TOML file")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.FIELD=VALUE", help="change the recipe")
    folder = parser.add_mutually_exclusive_group()
    folder.add_argument("--out", type=Path, metavar="DIR", help="folder of the run (default: rsqa-out/RECIPE-TIME)")
    folder.add_argument("--resume", type=Path, metavar="DIR", help="go on with the run in DIR")


def run(args: argparse.Namespace) -> int:
    """Train, print where everything is, return 0; a stopped run returns 130."""
    from engine.vqa.recipe import parse_recipe
    from engine.vqa.run import train_recipe

    path = recipe_path(args.recipe)
    recipe = parse_recipe(path.read_text(encoding="utf-8"), args.set)
    out = args.resume or args.out or Path("rsqa-out") / f"{path.stem}-{datetime.now():%Y%m%d-%H%M%S}"
    print(f"Run folder: {out} (log: events.jsonl; to stop: create a file “stop” in it, or press Ctrl-C)")
    changes = "".join(f" --set {shlex.quote(change)}" for change in args.set)
    progress = ProgressLine()
    result = train_recipe(
        recipe, out, command=f"rsqa train {args.recipe}{changes}", resume=args.resume is not None, report=progress
    )
    progress.close()
    if result.card is None:
        print(f"Stopped after {result.training.steps} steps. Go on with: rsqa train {args.recipe} --resume {out}")
        return 130
    print(f"Test accuracy {result.card.metrics['OA']:.3f}, the guess {result.card.guess['OA']:.3f}.")
    print(f"Model: {result.model}")
    return 0


class ProgressLine:
    """One line on standard error: rewritten in place on a terminal, one line per event elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._open = False

    def __call__(self, event: dict[str, Any]) -> None:
        line = describe(event)
        if line is None:
            return
        passing = event["kind"] in ("step", "rendering")
        if self._live and passing:
            print(f"\r{line:<110}", end="", file=sys.stderr, flush=True)
            self._open = True
            return
        self.close()
        print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End a line that is being rewritten."""
        if self._open:
            print(file=sys.stderr)
            self._open = False


def describe(event: dict[str, Any]) -> str | None:
    """An event as a line for a person, None for those that say nothing to one."""
    match event["kind"]:
        case "rendering":
            return f"rendering {event['split']} scenes: {event['step']} of {event['steps']}"
        case "step":
            minutes, seconds = divmod(event["seconds_left"], 60)
            return (
                f"step {event['step']} of {event['steps']}   loss {event['loss']:.3f}   "
                f"accuracy {event['accuracy']:.3f}   {minutes}:{seconds:02d} left"
            )
        case "validated":
            return f"step {event['step']}: validation accuracy {event['score']:.4f}, best {event['best']:.4f}"
        case "scoring":
            return "scoring on held-out scenes"
        case _:
            return None
