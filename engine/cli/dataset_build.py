"""``rsqa dataset build NAME``: data sets made by the papers' own recipes from data that the user has."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import osvqa_build
from engine.cli.progress import progress_line
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.jobs.build_dataset import Built


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The builders and their options."""
    builders = parser.add_subparsers(dest="builder", required=True, metavar="osvqa|optsar-rsvg|refsegrs|adverse")
    optsar = builders.add_parser("optsar-rsvg", help="boxes in optical and SAR images, from up to four sources")
    optsar.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="a source's folder; NAME is rsvgd, opt-rsvg, sarvg or tacmt; repeat for each",
    )
    optsar.add_argument("--detections", type=Path, metavar="FILE", help="a detector's boxes, to flag what disagrees")
    optsar.add_argument("--keep", type=Path, metavar="FILE", help="flagged pictures to keep; the others are left out")
    optsar.add_argument("--flagged", type=Path, metavar="FILE", help="write the list of flagged pictures here, too")
    optsar.add_argument("--no-copies", action="store_true", help="make no turned copies for rare classes")
    refsegrs = builders.add_parser("refsegrs", help="masks with expressions, from images and maps of classes")
    refsegrs.add_argument("--tiles", type=Path, required=True, metavar="DIR", help="RGB images")
    refsegrs.add_argument("--maps", type=Path, required=True, metavar="DIR", help="maps of classes, of the same names")
    refsegrs.add_argument(
        "--classes", type=Path, required=True, metavar="FILE", help="TOML: number and name of classes"
    )
    refsegrs.add_argument("--keep", type=Path, metavar="FILE", help="crops to keep, and expressions of them")
    osvqa = builders.add_parser("osvqa", help="questions on optical and SAR pairs, from annotations")
    osvqa_build.add_osvqa(osvqa)
    adverse = builders.add_parser("adverse", help="cloud, fog or low light on optical images")
    osvqa_build.add_adverse(adverse)
    for builder in (optsar, refsegrs, osvqa, adverse):
        _add_common(builder)


def _add_common(builder: argparse.ArgumentParser) -> None:
    builder.add_argument("--seed", type=int, default=0, metavar="N", help="of the split and all choices (default: 0)")
    builder.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make, new or empty")
    builder.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, on stdout")


def run(args: argparse.Namespace) -> int:
    """Build, and say what was done. Returns 0; everything else is raised."""
    if args.builder == "adverse":
        return osvqa_build.run_adverse(args)
    makers: dict[str, Callable[[argparse.Namespace], Built]] = {
        "osvqa": osvqa_build.build,
        "optsar-rsvg": _optsar_rsvg,
        "refsegrs": _refsegrs,
    }
    built = makers[args.builder](args)
    if args.json:
        content = built.report.as_json() | {"folder": str(built.folder), "statistics": asdict(built.found)}
        print(json.dumps(content))
    else:
        print(f"{built.report.as_text()}\n\nWrote {built.folder}\nWhat is in it: {built.page}")
    return 0


def _optsar_rsvg(args: argparse.Namespace) -> Built:
    from engine.datasets.building.build_optsar_rsvg import Choices, build_optsar_rsvg
    from engine.jobs.build_dataset import build_dataset

    sources = _sources(args.source)
    choices = Choices(args.seed, args.detections, args.keep, args.flagged, not args.no_copies)
    with progress_line() as say:
        return build_dataset(
            args.out.absolute(),
            sources.values(),
            lambda folder: build_optsar_rsvg(sources, folder, choices, progress=say),
            progress=say,
        )


def _refsegrs(args: argparse.Namespace) -> Built:
    from engine.datasets.building.build_refsegrs import Inputs, build_refsegrs
    from engine.jobs.build_dataset import build_dataset

    inputs = Inputs(args.tiles.absolute(), args.maps.absolute(), args.classes, args.keep)
    with progress_line() as say:
        return build_dataset(
            args.out.absolute(),
            (inputs.tiles, inputs.maps),
            lambda folder: build_refsegrs(inputs, folder, args.seed, progress=say),
            progress=say,
        )


def _sources(given: list[str]) -> dict[str, Path]:
    """``NAME=DIR`` as a table. Raises :class:`UsageError` for one without a sign, or with a name given before."""
    sources: dict[str, Path] = {}
    for text in given:
        name, sign, folder = text.partition("=")
        if not sign or not folder or name in sources:
            raise UsageError(f"“{text}” is not a new NAME=DIR.", remedy="Give each source once: --source rsvgd=DIR.")
        sources[name] = Path(folder).absolute()
    return sources
