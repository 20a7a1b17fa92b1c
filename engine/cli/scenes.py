"""``rsqa scenes make`` and ``rsqa scenes sample``: synthetic optical/SAR pairs as georeferenced files."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from engine.cli.progress import progress_line
from engine.records.raster import SarUnit

HELP = "make synthetic optical/SAR pairs"

_DELIVERIES: dict[str, SarUnit] = {"db": "db", "amplitude": "amplitude", "8bit": "stretched-8bit"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two sub-commands and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="make|sample")
    make = actions.add_parser("make", help="a folder of pairs with questions and answers")
    make.add_argument("--count", type=int, required=True, metavar="N", help="how many pairs")
    make.add_argument("--seed", type=int, required=True, metavar="S", help="seed of the first; the others follow it")
    make.add_argument("--size", type=int, default=256, metavar="PX", help="rows and columns, 64 to 4096 (default: 256)")
    make.add_argument(
        "--delivery", choices=tuple(_DELIVERIES), default="db", help="unit of the SAR files (default: db)"
    )
    sample = actions.add_parser("sample", help="the one pair that the window opens first")
    for action in (make, sample):
        action.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
        action.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, on stdout")


def run(args: argparse.Namespace) -> int:
    """Write the files and say what was written. Returns 0; everything else is raised."""
    from engine.jobs.make_scenes import make_sample_pair, make_scenes

    out = args.out.absolute()
    with progress_line() as say:
        if args.action == "sample":
            pair = make_sample_pair(out, progress=say)
            made, text = asdict(pair), f"Wrote {pair.optical} and {pair.sar}"
        else:
            delivery = _DELIVERIES[args.delivery]
            done = make_scenes(out, args.count, args.seed, size=args.size, delivery=delivery, progress=say)
            made, text = asdict(done), f"Wrote {done.pairs} pairs and {done.questions} questions into {done.folder}"
    print(json.dumps(made) if args.json else text)
    return 0
