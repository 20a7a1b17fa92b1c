"""``rsqa outline OPT SAR "expression"``: the pixels that an expression names, as a mask and polygons, in hectares."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from engine.cli.pair_arguments import add_pair_arguments
from engine.cli.progress import progress_line
from engine.cli.query_arguments import array_folder, arrays_outlive, as_text, columns_of, require_out
from engine.cli.search_arguments import add_where_arguments, where_fields
from engine.export import OUTLINED_FORMATS, outline_object, refused_formats, write_outline
from engine.export.outlined.report import part_table
from engine.export.properties import all_messages
from engine.export.wording import outlined_sentence, pair_sentence, percent, scale_sentence, valid_sentence
from engine.protocol import to_json
from engine.records import Outline, OutlineRequest

HELP = "outline what an expression names"
POLYGONS = ("geojson",)
MOST_ROWS = 20
"""More polygons than this are counted, not listed, on a terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The pair, the expression, the mask, the area, the model, and where the files go."""
    add_pair_arguments(parser)
    parser.add_argument("expression", help="in English, for example “the lake in the north” or “fields”")
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="SHARE",
        help="how likely a pixel has to be, 0 to 1 (default: what the model's card found best, else 0.5)",
    )
    parser.add_argument(
        "--least-part", type=int, default=0, metavar="PX", help="leave out parts of fewer pixels (default: none)"
    )
    parser.add_argument(
        "--least-hole", type=int, default=0, metavar="PX", help="fill holes of fewer pixels (default: none)"
    )
    add_where_arguments(parser, weights="lgce-compact", formats=OUTLINED_FORMATS)


def run(args: argparse.Namespace) -> int:
    """Outline, write what was asked for, print. Returns 0; everything else is raised."""
    require_out(args)
    formats = args.formats or (OUTLINED_FORMATS if args.out else POLYGONS)
    with array_folder("outline", keep=arrays_outlive(args, formats)) as folder, progress_line() as say:
        request = _request(args, folder)
        from engine.jobs.outline import outline  # torch: seconds, so only after the arguments were found good

        result = outline(request, progress=say)
        if args.out is not None or args.json:
            result = _with_files(result, args.out, folder, formats)
        else:
            result = replace(result, files=())  # the arrays go when this block is left
    print(to_json(outline_object(result)).decode() if args.json else outline_text(result))
    return 0


def _with_files(outline: Outline, out: Path | None, folder: Path, formats: tuple[str, ...]) -> Outline:
    """``outline`` with its files, written into ``out``; without one the arrays in ``folder``, and polygons there."""
    refused = refused_formats(outline, formats)
    if out is not None:
        files = tuple(map(str, write_outline(outline, out, formats)))
    else:
        files = (*outline.files, *(map(str, write_outline(outline, folder, formats)) if not refused else ()))
    return replace(outline, files=files, messages=(*outline.messages, *refused.values()))


def outline_text(outline: Outline) -> str:
    """The outline as a person reads it in a terminal."""
    rows = [("Outlined", outlined_sentence(outline))]
    rows += [("", line) for line in _table(outline)]
    rows.append(("Understood", outline.understood))
    rows.append(("Mask", _mask_sentence(outline)))
    rows.append(
        ("Pair", " · ".join(part for part in (pair_sentence(outline.gate), valid_sentence(outline.area)) if part))
    )
    rows.append(("Scale", scale_sentence(outline.area)))
    by = outline.provenance
    rows.append(("Model", f"{by.model} {by.model_sha256[:8]} on {by.device}, {outline.seconds:.2f} s"))
    rows += [("Note", message) for message in all_messages(outline)]
    rows += [("Wrote", path) for path in outline.files]
    return "\n".join(f"{name:<11} {text}".rstrip() for name, text in rows)


def _mask_sentence(outline: Outline) -> str:
    """``from a probability of 50 % up · parts of fewer than 20 px left out · holes of fewer than 9 px filled``."""
    cleaning = outline.cleaning
    said = [f"from a probability of {percent(cleaning.threshold)} up"]
    if cleaning.least_part_px > 1:
        said.append(f"parts of fewer than {cleaning.least_part_px:,} px left out")
    if cleaning.least_hole_px > 1:
        said.append(f"holes of fewer than {cleaning.least_hole_px:,} px filled")
    return " · ".join(said)


def _table(outline: Outline) -> list[str]:
    """Area, pixels, holes, probability and corners of each polygon, in columns under their names."""
    if not outline.parts:
        return []
    table = [("area", "pixels", "holes", "probability", "columns", "rows")]
    shown = part_table(outline.parts[:MOST_ROWS])
    table += [(one.area, one.pixels, f"{one.holes}", one.probability, one.columns, one.rows) for one in shown]
    lines = columns_of(table)
    more = len(outline.parts) + outline.parts_cut - len(shown)
    return [*lines, f"and {more:,} more"] if more else lines


def _request(args: argparse.Namespace, folder: Path) -> OutlineRequest:
    return OutlineRequest(
        expression=as_text(args.expression),
        threshold=args.threshold,
        least_part_px=args.least_part,
        least_hole_px=args.least_hole,
        **where_fields(args, folder),
    )
