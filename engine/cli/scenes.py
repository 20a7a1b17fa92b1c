"""``rsqa scenes make|sample|exam``: synthetic optical/SAR pairs as georeferenced files, and the frozen exams."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.progress import progress_line
from engine.errors import InputRefused
from engine.records.raster import SarUnit

if TYPE_CHECKING:
    from engine.jobs.scene_files import SceneOrder

HELP = "make synthetic optical/SAR pairs"

_DELIVERIES: dict[str, SarUnit | None] = {"db": "db", "amplitude": "amplitude", "8bit": "stretched-8bit", "mixed": None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-commands and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="make|sample|exam")
    make = actions.add_parser("make", help="data sets of pairs with questions, boxes and masks")
    _add_make_arguments(make)
    sample = actions.add_parser("sample", help="the one pair that the window opens first")
    exam = actions.add_parser("exam", help="make a frozen exam anew: is it the same, and how hard is it?")
    exam.add_argument("name", nargs="?", default="exam-v1", help="default: exam-v1")
    exam.add_argument("--no-guess", action="store_true", help="leave out what a model scores that sees no picture")
    exam.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="W", help="processes (default: cores)"
    )
    for action in (make, sample):
        action.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
    for action in (make, sample, exam):
        action.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, on stdout")


def _add_make_arguments(make: argparse.ArgumentParser) -> None:
    make.add_argument("--count", type=int, required=True, metavar="N", help="how many pairs")
    make.add_argument("--seed", type=int, required=True, metavar="S", help="seed of the first; the others follow it")
    make.add_argument(
        "--layouts", metavar="NAMES", help="some of osvqa,optsar-rsvg,refsegrs, a folder each (default: all three)"
    )
    make.add_argument("--size", type=int, default=256, metavar="PX", help="rows and columns, 64 to 4096 (default: 256)")
    make.add_argument(
        "--delivery", choices=tuple(_DELIVERIES), default="db", help="unit of the SAR files (default: db)"
    )
    make.add_argument(
        "--weather", choices=("clear", "cloud", "fog", "dark"), help="of all optical pictures (default: drawn for each)"
    )
    make.add_argument(
        "--splits",
        default="all",
        metavar="A:B:C",
        help="shares of train, val and test, for example 8:1:1, or the name of the one split (default: all)",
    )
    make.add_argument(
        "--wording",
        choices=("train", "held-out"),
        help="which wordings are used (default: held-out in the split test, train in others)",
    )
    make.add_argument("--questions", type=int, default=1, metavar="N", help="at most, per type and pair (default: 1)")
    make.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="W", help="processes (default: cores)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files and say what was written. Returns 0, or 3 for an exam that is not the frozen one."""
    made, text = {"sample": _sample, "make": _make, "exam": _exam}[args.action](args)
    print(json.dumps(made) if args.json else text)
    return 0 if made.get("frozen", True) else InputRefused.exit_code


def _exam(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from engine.cli.exam_table import exam_table
    from engine.jobs.exam import exam_report

    with progress_line() as say:
        report = exam_report(args.name, guess=not args.no_guess, workers=args.workers, progress=say)
    return asdict(report), exam_table(report)


def _sample(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from engine.jobs.make_scenes import make_sample_pair

    with progress_line() as say:
        pair = make_sample_pair(args.out.absolute(), progress=say)
    return asdict(pair), f"Wrote {pair.optical} and {pair.sar}"


def _make(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from engine.jobs.make_scenes import disk_need, make_scenes

    order = _order(args)
    if not args.json:
        print(f"{order.count:,} pairs will take about {_bytes(disk_need(order))}.", file=sys.stderr)
    with progress_line() as say:
        done = make_scenes(args.out.absolute(), order, workers=args.workers, progress=say)
    rows = (
        f"{layout}: {', '.join(f'{count:,} {split}' for split, count in counts.items())}"
        for layout, counts in done.rows.items()
    )
    return asdict(done), "\n".join((f"Wrote {done.pairs:,} pairs into {done.folder}", *rows))


def _order(args: argparse.Namespace) -> SceneOrder:
    from engine.jobs.scene_files import LAYOUTS, SceneOrder

    return SceneOrder(
        args.count,
        args.seed,
        args.size,
        LAYOUTS if args.layouts is None else tuple(dict.fromkeys(args.layouts.split(","))),
        _DELIVERIES[args.delivery],
        args.weather,
        _splits(args.splits),
        args.wording,
        args.questions,
    )


def _splits(text: str) -> tuple[tuple[str, int], ...]:
    """Names and shares. What makes no sense is left for the order to refuse."""
    from engine.datasets.readers.published_splits import SPLITS

    shares = text.split(":")
    if len(shares) == len(SPLITS) and all(share.isdecimal() for share in shares):
        return tuple(zip(SPLITS, map(int, shares), strict=True))
    return ((text, 1),)


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 1):.0f} MB"
