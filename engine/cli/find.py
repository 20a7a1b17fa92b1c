"""``rsqa find OPT SAR "expression"``: boxes of what an expression names, in both images, on the map and in metres."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.cli.pair_arguments import add_pair_arguments
from engine.cli.progress import progress_line
from engine.cli.query_arguments import array_folder, arrays_outlive, as_text, columns_of, require_out
from engine.cli.search_arguments import add_where_arguments, where_fields
from engine.export import FOUND_FORMATS, finding_object, refused_formats, write_finding
from engine.export.properties import all_messages
from engine.export.wording import (
    areas_text,
    found_sentence,
    metres_text,
    pair_sentence,
    scale_sentence,
    valid_sentence,
)
from engine.protocol import to_json
from engine.records import Finding, FindRequest
from engine.records.pair import SENSOR_SAID

HELP = "find the things that an expression names"
MOST_ROWS = 50
"""More boxes than this are counted, not listed, on a terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The pair, the expression, the area, the model, and where the files go."""
    add_pair_arguments(parser)
    parser.add_argument("expression", help="in English, for example “the largest white storage tank” or “ships”")
    parser.add_argument(
        "--mode",
        choices=("auto", "best", "all"),
        default="auto",
        help="the best box, or all (default: all where the expression is in the plural)",
    )
    add_search_arguments(parser)


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``find`` has in common with ``annotate``."""
    add_where_arguments(parser, weights="optisar-compact", formats=FOUND_FORMATS)
    parser.add_argument(
        "--least-score",
        type=float,
        metavar="SCORE",
        help="show all boxes from this score up, 0 to 1 (default: what the model's card found best, else 0.25)",
    )


def run(args: argparse.Namespace) -> int:
    """Find, write what was asked for, print. Returns 0; everything else is raised."""
    return search(args, expression=as_text(args.expression), mode=args.mode)


def search(args: argparse.Namespace, **asked: Any) -> int:
    """Run the request that ``args`` and the fields ``asked`` make, and print what was found. Returns 0."""
    require_out(args)
    formats = args.formats or FOUND_FORMATS
    with array_folder(args.command, keep=arrays_outlive(args, formats)) as folder, progress_line() as say:
        request = _request(args, folder, asked)
        from engine.jobs.find import find  # torch: seconds, so only after the arguments were found good

        finding = find(request, progress=say)
        if args.out is not None:
            refused = tuple(refused_formats(finding, formats).values())
            files = write_finding(finding, args.out, formats)
            finding = replace(finding, files=tuple(map(str, files)), messages=(*finding.messages, *refused))
        elif not args.json:
            finding = replace(finding, files=())  # the arrays go when this block is left
    print(to_json(finding_object(finding)).decode() if args.json else finding_text(finding))
    return 0


def finding_text(finding: Finding) -> str:
    """The finding as a person reads it in a terminal."""
    rows = [("Found", found_sentence(finding))]
    rows += [("", line) for line in _table(finding)]
    rows.append(("Understood", finding.understood))
    rows.append(
        ("Pair", " · ".join(part for part in (pair_sentence(finding.gate), valid_sentence(finding.area)) if part))
    )
    rows.append(("Scale", scale_sentence(finding.area)))
    by = finding.provenance
    rows.append(("Model", f"{by.model} {by.model_sha256[:8]} on {by.device}, {finding.seconds:.2f} s"))
    rows += [("Note", message) for message in all_messages(finding)]
    rows += [("Wrote", path) for path in finding.files]
    return "\n".join(f"{name:<11} {text}".rstrip() for name, text in rows)


def _table(finding: Finding) -> list[str]:
    """Score, sensor, corners in pixels, size and area on the ground, and label, in columns under their names."""
    if not finding.boxes:
        return []
    shown = finding.boxes[:MOST_ROWS]
    areas = iter(areas_text([one.area_m2 for one in shown if one.area_m2 is not None]))
    table = [("score", "image", "columns", "rows", "metres", "area", "label")]
    table += [
        (
            f"{one.score:.2f}",
            SENSOR_SAID.get(one.sensor, one.sensor),
            f"{one.box.x0:.1f} to {one.box.x1:.1f}",
            f"{one.box.y0:.1f} to {one.box.y1:.1f}",
            metres_text(one),
            "" if one.area_m2 is None else next(areas),
            one.label,
        )
        for one in shown
    ]
    lines = columns_of(table)
    more = len(finding.boxes) - len(shown)
    return [*lines, f"and {more:,} more"] if more else lines


def _request(args: argparse.Namespace, folder: Path, asked: dict[str, Any]) -> FindRequest:
    return FindRequest(**{"expression": "", "least_score": args.least_score, **where_fields(args, folder), **asked})
