"""What the commands that ask something of a pair have in common: bands, device, the asked window, room for arrays."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.cli.area_arguments import area_window
from engine.errors import UsageError
from engine.records import PixelWindow


def add_band_arguments(parser: argparse.ArgumentParser) -> None:
    """``--bands`` and ``--sar-band``."""
    parser.add_argument("--bands", type=_bands, metavar="R,G,B", help="bands of the optical raster, counted from 1")
    parser.add_argument("--sar-band", type=_bands, metavar="N", help="band of the SAR raster, counted from 1")


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    """``--device``."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")


def as_text(typed: str) -> str:
    """What was typed, as text: bytes that are none become “?”."""
    return typed.encode("utf-8", "replace").decode()


def asked_window(args: argparse.Namespace, optical: str | None, sar: str | None) -> PixelWindow | None:
    """The asked area, None for all of it; opens the raster that defines the pixels only if there is one to place."""
    path = optical or sar
    if path is None or (args.area is None and args.area_map is None and args.bbox is None):
        return None
    from engine.raster import open_raster

    with open_raster(path) as raster:
        return area_window(args, raster.info.grid, path=path)


@contextmanager
def array_folder(command: str, *, keep: bool) -> Iterator[Path]:
    """A temporary folder for explanation arrays, left behind only where the printed or written JSON names them."""
    folder = Path(tempfile.mkdtemp(prefix=f"rsqa-{command}-"))
    done = False
    try:
        yield folder
        done = True
    finally:
        if not (keep and done):
            shutil.rmtree(folder, ignore_errors=True)


def arrays_outlive(args: argparse.Namespace, formats: Sequence[str]) -> bool:
    """Whether JSON will name the ``.npy`` arrays, as no COGs are written in their place."""
    if args.out is None:
        return bool(args.json)
    return "cog" not in formats and (args.json or "json" in formats)


def formats_of(*known: str) -> Callable[[str], tuple[str, ...]]:
    """The type of an option that names some of the formats ``known``, with commas between."""

    def formats(text: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)!r} is none of {', '.join(dict.fromkeys(known))}")
        return names

    return formats


def require_out(args: argparse.Namespace) -> None:
    """Raises :class:`UsageError` where formats were named and no folder to write them into."""
    if args.formats and args.out is None:
        raise UsageError("--formats says what to write, but not where.", remedy="Add --out and a folder.")


def columns_of(table: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table whose first row has the columns' names, all columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in table]


def _bands(text: str) -> tuple[int, ...]:
    try:
        bands = tuple(int(part) for part in text.split(","))
    except ValueError:
        bands = ()
    if len(bands) not in (1, 3) or min(bands) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one band or three with commas between, counted from 1")
    return bands
