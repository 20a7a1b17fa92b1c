"""``rsqa dataset check|stats|build|import``: data sets on disk. Never imports torch."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.cli import dataset_build
from engine.cli.progress import progress_line
from engine.errors import InputRefused

HELP = "check, build, import and describe data sets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-commands and their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|stats|build|import")
    check = actions.add_parser("check", help="report everything that is wrong with a data set, all at once")
    stats = actions.add_parser("stats", help="tables and plots of what is in a data set")
    copy = actions.add_parser("import", help="copy what can be used of a data set into a layout of this program")
    for action in (check, stats, copy):
        _add_common(action)
    copy.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make, new or empty")
    stats.add_argument("--out", type=Path, metavar="DIR", help="write page, plots and numbers here")
    dataset_build.add_arguments(actions.add_parser("build", help="make a data set by its paper's recipe"))


def _add_common(action: argparse.ArgumentParser) -> None:
    action.add_argument("folder", type=Path, metavar="DIR", help="the data set's folder")
    action.add_argument("--layout", metavar="NAME", help="its layout, where the folder does not tell it")
    action.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, on stdout")


def run(args: argparse.Namespace) -> int:
    """Run one action; 0 if all is well, 3 for a data set with faults."""
    actions = {"check": _check, "stats": _stats, "import": _import, "build": dataset_build.run}
    return actions[args.action](args)


def _check(args: argparse.Namespace) -> int:
    from engine.datasets.check import check_dataset

    with progress_line() as say:
        report = check_dataset(args.folder.absolute(), args.layout, progress=say)
    if args.json:
        counted = {"ok": report.ok, "samples": report.samples, "images": report.images}
        print(json.dumps(counted | {"faults": [asdict(f) for f in report.faults], "layout": report.layout,
                                    "notes": report.notes}))  # fmt: skip
    else:
        for fault in report.faults:
            print(f"{fault.file}{'' if fault.line is None else f':{fault.line}'}: {fault.what}")
        print("\n".join((_summary(report.layout, report.samples, report.images, len(report.faults)), *report.notes)))
    return 0 if report.ok else InputRefused.exit_code


def _summary(layout: str, samples: int, images: int, faults: int) -> str:
    judged = "nothing is wrong" if not faults else f"{faults:,} fault{'s' if faults > 1 else ''}"
    return f"Layout {layout}: {samples:,} samples, {images:,} images, {judged}."


def _stats(args: argparse.Namespace) -> int:
    from engine.datasets.plots import as_text
    from engine.jobs.dataset_stats import dataset_statistics

    out = None if args.out is None else args.out.absolute()
    with progress_line() as say:
        made = dataset_statistics(args.folder.absolute(), args.layout, out, progress=say)
    if args.json:
        printed: dict[str, Any] = asdict(made.found) | {"faults": made.faults, "files": made.files}
        print(json.dumps(printed))
        return 0
    print("\n\n".join(as_text(table) for table in made.found.tables))
    if made.faults:
        print(f"{made.faults:,} records were left out: see rsqa dataset check.", file=sys.stderr)
    for file in made.files:
        print(f"Wrote {file}")
    return 0


def _import(args: argparse.Namespace) -> int:
    from engine.datasets.building.importing import REPORT, import_dataset

    with progress_line() as say:
        made = import_dataset(args.folder.absolute(), args.out.absolute(), args.layout, progress=say)
    if args.json:
        print(json.dumps(asdict(made) | {"folder": str(made.folder)}))
        return 0
    rows = ", ".join(f"{count:,} {split}" for split, count in made.rows.items())
    print(f"Wrote {made.folder}: layout {made.written}, {made.images:,} images, {rows} samples.")
    print("\n".join((f"{len(made.left_out):,} things were left out; they are listed in {REPORT}.", *made.notes)))
    return 0
