"""``rsqa dataset build osvqa`` and ``adverse``: questions from annotated pairs, and weather on optical images."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.progress import progress_line
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.jobs.build_dataset import Built


def add_osvqa(builder: argparse.ArgumentParser) -> None:
    """The options of ``build osvqa``."""
    builder.add_argument(
        "--images", type=Path, required=True, metavar="DIR", help="QXS-SAROPT, OGSOD-1.0, or folders optical and sar"
    )
    builder.add_argument(
        "--annotations", type=Path, required=True, metavar="PATH", help="a .jsonl file, or a folder of .json files"
    )
    builder.add_argument(
        "--adverse", type=float, default=0.0, metavar="SHARE", help="clear images to put under weather (default: 0)"
    )
    builder.add_argument("--weathers", default="cloud,fog,dark", metavar="LIST", help="which (default: cloud,fog,dark)")
    builder.add_argument("--strength", default="0.5..1", metavar="A..B", help="how strong, 0 to 1 (default: 0.5..1)")
    builder.add_argument("--per-type", type=int, metavar="N", help="questions of a type on a pair (default: all)")
    builder.add_argument(
        "--held-out", action="store_true", help="ask the test split in wordings that the others never use"
    )


def add_adverse(builder: argparse.ArgumentParser) -> None:
    """The options of ``build adverse``."""
    builder.add_argument("--images", type=Path, required=True, metavar="DIR", help="optical images")
    builder.add_argument("--weather", required=True, choices=("cloud", "fog", "dark"), help="which")
    builder.add_argument("--strength", type=float, required=True, metavar="S", help="how strong, above 0 up to 1")


def build(args: argparse.Namespace) -> Built:
    """Build OSVQA."""
    from engine.datasets.building.build_osvqa import MOST_PER_TYPE, Choices, build_osvqa
    from engine.jobs.build_dataset import build_dataset

    choices = Choices(
        seed=args.seed,
        per_type=MOST_PER_TYPE if args.per_type is None else args.per_type,
        adverse=args.adverse,
        weathers=tuple(name.strip() for name in args.weathers.split(",")),  # Choices judges the words
        strengths=_span(args.strength),
        held_out=args.held_out,
    )
    images, annotations = args.images.absolute(), args.annotations.absolute()
    with progress_line() as say:
        return build_dataset(
            args.out.absolute(),
            (images, annotations),
            lambda folder: build_osvqa(images, annotations, folder, choices, progress=say),
            progress=say,
        )


def run_adverse(args: argparse.Namespace) -> int:
    """Put a folder of images under weather, and say what was done. Returns 0; everything else is raised."""
    from engine.datasets.building.adverse import LINES, build_adverse

    with progress_line() as say:
        made = build_adverse(
            args.images.absolute(), args.out.absolute(), args.weather, args.strength, args.seed, progress=say
        )
    if args.json:
        print(json.dumps(asdict(made) | {"folder": str(made.folder)}))
        return 0
    for one in made.left_out:
        print(f"{one['source']}: {one['why']}")
    hidden = sum(line["hidden_share"] for line in made.done) / len(made.done)
    print("\n".join((*made.notes, f"Wrote {made.folder}: {len(made.done):,} images, listed in {LINES}; {hidden:.0%} of "
                     f"them hidden on average, {len(made.left_out):,} left out.")))  # fmt: skip
    return 0


def _span(text: str) -> tuple[float, float]:
    """``A..B``, or one number for both. Raises :class:`UsageError` for anything else."""
    low, _, high = text.partition("..")
    try:
        return float(low), float(high or low)
    except ValueError as error:
        raise UsageError(f"“{text}” is no span of strengths.", remedy="Give it as A..B, such as 0.5..1.") from error
