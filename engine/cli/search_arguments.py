"""What ``find``, ``annotate`` and ``outline`` have in common: where to search, with what, and where files go."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine.cli.area_arguments import add_area_arguments
from engine.cli.pair_arguments import add_gate_arguments, gate_choice, pair_paths
from engine.cli.query_arguments import add_band_arguments, add_device_argument, asked_window, formats_of
from engine.records.pair import SENSORS
from engine.records.query import DEFAULT_MAX_TILES


def add_where_arguments(parser: argparse.ArgumentParser, *, weights: str, formats: tuple[str, ...]) -> None:
    """Area, bands, sensors, windows, model (``weights`` unless told otherwise), files (of ``formats``) and the gate."""
    add_area_arguments(parser)
    add_band_arguments(parser)
    parser.add_argument(
        "--sensor", choices=("optical", "sar", "both"), default="both", help="which image to search (default: both)"
    )
    parser.add_argument(
        "--gsd", type=float, metavar="M", help="metres per pixel at the model (default: as the area's size gives them)"
    )
    parser.add_argument(
        "--max-windows",
        type=int,
        default=DEFAULT_MAX_TILES,
        metavar="N",
        help=f"refuse more windows than this (default: {DEFAULT_MAX_TILES})",
    )
    parser.add_argument("--weights", default=weights, metavar="NAME|PATH", help="model (see: rsqa models list)")
    add_device_argument(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write what was found and why into this folder")
    parser.add_argument(
        "--formats", type=formats_of(*formats), help=f"what to write, of {','.join(formats)} (default: all)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, on stdout")
    add_gate_arguments(parser, may_correct=True)


def where_fields(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The fields of a request that :func:`add_where_arguments` and the pair's paths say; arrays go into ``folder``."""
    optical, sar = pair_paths(args)
    return {
        "optical": optical,
        "sar": sar,
        "folder": str(folder),
        "window": asked_window(args, optical, sar),
        "model": args.weights,
        "device": args.device,
        "gate": gate_choice(args),
        "optical_bands": args.bands,
        "sar_bands": args.sar_band,
        "sensors": SENSORS if args.sensor == "both" else (args.sensor,),
        "gsd_m": args.gsd,
        "max_windows": args.max_windows,
    }
