"""Synthetic scenes as files: a folder of optical/SAR GeoTIFF pairs with questions, or the one sample pair.

Layout of a folder of pairs (the one that ``engine.datasets`` reads for optical-SAR questions)::

    optical/000.tif   three bands, uint8
    sar/000.tif       one band: float32 dB or amplitude, or uint8
    questions.jsonl   one object a line: image, question, answer, type

The same arguments give the same pixels and the same questions, so running again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError
from engine.raster import replacing, write_geotiff
from engine.records import Grid
from engine.records.raster import SarUnit
from engine.scenes import Sample, make_sample

SAMPLE_SEED, SAMPLE_SIZE = 1756, 1024
"""The sample pair: fields, woods and towns along a river with bridges, ships and tank farms; chosen by eye."""

_CRS = "EPSG:32631"
_WEST, _NORTH, _EAST = 300_000.0, 5_800_000.0, 700_000.0
_OPTICAL_DATE, _SAR_DATE = "2024-06-14", "2024-06-15"
_DESCRIPTIONS: dict[SarUnit, str] = {"db": "VV dB", "amplitude": "VV amplitude", "stretched-8bit": "VV"}


@dataclass(frozen=True, slots=True)
class MadeScenes:
    """What was written. ``questions`` is the number of lines of ``questions.jsonl``."""

    folder: str
    pairs: int
    questions: int


@dataclass(frozen=True, slots=True)
class MadePair:
    """The two files of the sample pair."""

    optical: str
    sar: str


def make_scenes(
    out: Path,
    count: int,
    seed: int,
    *,
    size: int = 256,
    delivery: SarUnit = "db",
    progress: Callable[[str, float | None], None] = lambda stage, fraction: None,
) -> MadeScenes:
    """Write the pairs of seeds ``seed`` .. ``seed + count - 1`` and their questions into ``out``.

    ``delivery`` is the unit of the SAR files. Raises :class:`UsageError` for a count below 1 or what
    :func:`engine.scenes.make_sample` refuses, :class:`~engine.errors.ExportRefused` where a file cannot be written.
    """
    if count < 1:
        raise UsageError(f"{count} scenes cannot be made.", remedy="Ask for one or more.")
    digits = max(3, len(str(count - 1)))
    lines: list[str] = []
    for index in range(count):
        progress("Making scenes", index / count)
        sample = make_sample(seed + index, size=size, sar_unit=delivery)
        name = f"{index:0{digits}d}.tif"
        _write_pair(sample, out / "optical" / name, out / "sar" / name, index)
        lines += [
            json.dumps({"image": name, "question": q.text, "answer": q.answer, "type": q.type})
            for q in sample.questions
        ]
    with replacing(out / "questions.jsonl") as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    progress("Making scenes", 1.0)
    return MadeScenes(str(out), count, len(lines))


def make_sample_pair(
    out: Path, *, progress: Callable[[str, float | None], None] = lambda stage, fraction: None
) -> MadePair:
    """Write the sample pair, ``optical.tif`` and ``sar.tif`` (1024 x 1024, UTM, SAR in dB), into ``out``.

    Raises :class:`~engine.errors.ExportRefused` where a file cannot be written.
    """
    progress("Making the sample pair", None)
    sample = make_sample(SAMPLE_SEED, size=SAMPLE_SIZE, weather="clear", sar_unit="db", pair="exact")
    pair = MadePair(str(out / "optical.tif"), str(out / "sar.tif"))
    _write_pair(sample, Path(pair.optical), Path(pair.sar), 0)
    return pair


def _write_pair(sample: Sample, optical: Path, sar: Path, index: int) -> None:
    grid = _grid(sample, index)
    source = f"RSQA Desktop, synthetic scene, seed {sample.seed}"
    write_geotiff(
        optical,
        sample.optical,
        grid,
        tags={"ACQUISITION_DATE": _OPTICAL_DATE, "SOURCE": source, "WEATHER": sample.weather},
        descriptions=("Red", "Green", "Blue"),
    )
    write_geotiff(
        sar,
        sample.sar,
        grid,
        tags={"ACQUISITION_DATE": _SAR_DATE, "SOURCE": source, "LOOKS": f"{sample.looks:g}"},
        descriptions=(_DESCRIPTIONS[sample.sar_unit],),
    )


def _grid(sample: Sample, index: int) -> Grid:
    """A place of its own in zone 31 for each scene, side by side and row by row, so that two never overlap."""
    size, gsd = sample.scene.size, sample.gsd_m
    step = size * 10.0  # the coarsest scene's side in metres
    columns = max(1, int((_EAST - _WEST) // step))
    x, y = _WEST + index % columns * step, _NORTH - index // columns * step
    return Grid(size, size, (gsd, 0.0, x, 0.0, -gsd, y), _CRS, gsd)
