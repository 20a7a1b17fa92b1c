"""What the commands that take a pair have in common: its two rasters and the orders to the alignment gate."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from engine.errors import UsageError
from engine.records import GateChoice

NO_SENSOR = "-"


def add_pair_arguments(parser: argparse.ArgumentParser) -> None:
    """The positional ``OPT`` and ``SAR``."""
    parser.add_argument("optical", metavar="OPT", help="optical raster, or - where there is none")
    parser.add_argument("sar", metavar="SAR", help="SAR raster, or - where there is none")


def add_gate_arguments(parser: argparse.ArgumentParser, *, may_correct: bool = False) -> None:
    """The options of the gate; ``may_correct`` adds the one that only a command that reads pixels can follow."""
    gate = parser.add_argument_group("alignment gate")
    gate.add_argument(
        "--assume-registered",
        action="store_true",
        help="accept a pair of one pixel size without georeference as lying pixel on pixel",
    )
    gate.add_argument(
        "--tolerance",
        type=_positive,
        metavar="PX",
        help="residual shift, in optical pixels, above which a sure estimate makes the pair “shifted” "
        "(default: one patch of the model at the analysis scale)",
    )
    if may_correct:
        gate.add_argument("--correct-shift", action="store_true", help="move SAR by the estimate if it is shifted")


def pair_paths(args: argparse.Namespace) -> tuple[str | None, str | None]:
    """The optical and the SAR path, None for a ``-``.

    A file named relative to the working directory becomes absolute, so that provenance still finds it from another
    directory; anything else (GDAL's ``/vsizip/…``, a name that does not exist) stays as typed.
    Raises :class:`UsageError` for a name that is empty or not UTF-8.
    """
    return _path(args.optical, "OPT"), _path(args.sar, "SAR")


def gate_choice(args: argparse.Namespace) -> GateChoice:
    """The gate's orders as a record."""
    return GateChoice(
        correct_shift=getattr(args, "correct_shift", False),
        assume_registered=args.assume_registered,
        tolerance_px=args.tolerance,
    )


def _path(text: str, name: str) -> str | None:
    if text == NO_SENSOR:
        return None
    if not text.strip():
        raise UsageError(f"The name of the {name} raster is empty.", remedy="Name a file, or - where there is none.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"The name of the {name} raster is not text in UTF-8, so no answer could name it.",
            remedy="Rename the file.",
        ) from None
    path = Path(text)
    return str(path.absolute()) if path.exists() else text


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pixels above 0")
    return number
