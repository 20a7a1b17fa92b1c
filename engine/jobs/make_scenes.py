"""Synthetic scenes as files: data sets of any number of optical/SAR pairs, or the one sample pair.

A folder of scenes is one data set in each of the layouts asked for, which ``rsqa dataset check`` and ``stats`` read::

    osvqa/        questions of all types on pairs
    optsar-rsvg/  expressions with boxes, optical and SAR pictures apart
    refsegrs/     expressions with masks on optical pictures
    scenes.json   what was asked for, of which world, and how much it became

The same number is the same scene in all three. The same order gives the same bytes, however many processes work.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from engine.datasets.dataset import Progress
from engine.datasets.writing.whole_folder import whole_folder, write_report
from engine.errors import ExportRefused
from engine.jobs.scene_files import SceneOrder, grid_of, write_pair, write_scene
from engine.jobs.scene_layouts import MadeFiles, write_layout
from engine.records.raster import SarUnit
from engine.scenes import WORLD_VERSION, make_sample
from engine.scenes.stream import in_order
from engine.text import ANSWERS_VERSION

SAMPLE_SEED, SAMPLE_SIZE = 2380, 1024
"""The sample pair: a port along a river with bridges and ships, tank farms, a town, fields, woods; chosen by eye."""

REPORT = "scenes.json"

_OPTICAL_BYTES = 2.6
_SAR_BYTES: dict[SarUnit | None, float] = {"db": 3.7, "amplitude": 3.7, "stretched-8bit": 1.1, None: 3.7}
_SCENE_BYTES = 30_000
"""What files take on disk, a little more than measured: by pixel, and by scene for masks and annotations."""


@dataclass(frozen=True, slots=True)
class MadeScenes:
    """What was written: the folder, the number of pairs, and the rows of truth by layout and split."""

    folder: str
    pairs: int
    rows: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class MadePair:
    """The two files of the sample pair."""

    optical: str
    sar: str


def disk_need(order: SceneOrder) -> int:
    """About how many bytes the scenes of ``order`` take on a disk that can link files."""
    pixels = order.size * order.size * (_OPTICAL_BYTES + _SAR_BYTES[order.delivery])
    return round(order.count * (pixels + _SCENE_BYTES))


def make_scenes(
    out: Path,
    order: SceneOrder,
    *,
    workers: int = 0,
    progress: Progress = lambda stage, fraction: None,
) -> MadeScenes:
    """Make the scenes of ``order`` in ``workers`` processes (0: in this one) and give them the name ``out``.

    However this ends before that, nothing is left. An earlier folder of scenes is replaced.

    Raises :class:`~engine.errors.ExportRefused` where the disk has too little room, ``out`` holds something else or
    cannot be written, :class:`~engine.errors.UsageError` for a number of processes below 0, and
    :class:`~engine.errors.EngineFailed` where a process died.
    """
    _require_room(out, order)
    with whole_folder(out, REPORT) as folder:
        made = MadeFiles(order, folder / "scenes")
        made.folder.mkdir()
        with closing(in_order(partial(write_scene, order, made.folder), range(order.count), workers)) as scenes:
            for number, _ in enumerate(scenes, start=1):
                progress("Making scenes", number / order.count)
        rows: dict[str, dict[str, int]] = {
            layout: write_layout(layout, folder / layout, made, progress) for layout in order.layouts
        }
        shutil.rmtree(made.folder)  # the layouts hold links, or copies, of what they took
        versions = {"world_version": WORLD_VERSION, "answers_version": ANSWERS_VERSION}
        write_report(folder, REPORT, {"order": asdict(order)} | versions | {"rows": rows})
    return MadeScenes(str(out), order.count, rows)


def _require_room(out: Path, order: SceneOrder) -> None:
    disk = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    need, free = disk_need(order), shutil.disk_usage(disk).free
    if need > free:
        raise ExportRefused(
            f"{order.count:,} scenes need about {need / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free at {disk}.",
            remedy="Make fewer or smaller scenes, or choose another disk.",
        )


def make_sample_pair(out: Path, *, progress: Progress = lambda stage, fraction: None) -> MadePair:
    """Write the sample pair, ``optical.tif`` and ``sar.tif`` (1024 x 1024, UTM, SAR in dB), into ``out``.

    Raises :class:`~engine.errors.ExportRefused` where a file cannot be written.
    """
    progress("Making the sample pair", None)
    sample = make_sample(SAMPLE_SEED, size=SAMPLE_SIZE, weather="clear", sar_unit="db", pair="exact")
    pair = MadePair(str(out / "optical.tif"), str(out / "sar.tif"))
    grid = grid_of(SceneOrder(1, SAMPLE_SEED, SAMPLE_SIZE), 0, sample.gsd_m)
    write_pair(sample, Path(pair.optical), Path(pair.sar), grid)
    return pair
