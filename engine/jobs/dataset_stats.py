"""The statistics of a data set as files: numbers as JSON, each plot as PNG, and one page with all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, MaskRow, Progress
from engine.datasets.masks import read_mask
from engine.datasets.plots import draw, page
from engine.datasets.statistics import Statistics, statistics
from engine.datasets.table import read_dataset
from engine.errors import InputRefused
from engine.raster import open_raster, replacing


@dataclass(frozen=True, slots=True)
class DataSetStatistics:
    """What was found, how many records could not be used (``rsqa dataset check`` names them), and what was written."""

    found: Statistics
    faults: int
    files: tuple[str, ...]


def dataset_statistics(
    folder: Path,
    layout: str | None = None,
    out: Path | None = None,
    *,
    name: str = "",
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> DataSetStatistics:
    """The statistics of ``folder``, written into ``out`` where it is given, under ``name`` or the folder's own.

    Raises :class:`DataSetUnreadable` for a folder of no known layout, :class:`ExportRefused` where ``out`` cannot be
    written.
    """
    faults = Faults(folder)
    progress("Reading the annotations", None)
    data = read_dataset(folder, faults, layout)
    found = statistics(data, _Foreground(data).share, progress=progress, cancelled=cancelled)
    files = () if out is None else _write(found, name or folder.name, out)
    return DataSetStatistics(found, len(faults.found), tuple(map(str, files)))


class _Foreground:
    """The share of its image that a mask covers. An image's size is asked of its file once, where nobody told it."""

    def __init__(self, data: DataSet) -> None:
        self._images = {(image.id, image.split): image for image in data.images}
        self._sizes: dict[Path, tuple[int, int]] = {}

    def share(self, row: MaskRow) -> float | None:
        """0..1; None where the image or the mask cannot be read, which the check of the data set reports."""
        image = self._images[row.image, row.split]
        path = image.optical or image.sar
        try:
            if image.width and image.height:
                size = (image.width, image.height)
            elif path is not None:
                size = self._size(path)
            else:
                return None
            return float(read_mask(row.mask, *size).mean())
        except InputRefused:
            return None

    def _size(self, path: Path) -> tuple[int, int]:
        if path not in self._sizes:
            with open_raster(path) as raster:
                self._sizes[path] = (raster.info.grid.width, raster.info.grid.height)
        return self._sizes[path]


def _write(found: Statistics, name: str, out: Path) -> list[Path]:
    written = [out / "statistics.json", out / "statistics.html"]
    with replacing(written[0]) as part:
        part.write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")
    with replacing(written[1]) as part:
        part.write_text(page(found, name), encoding="utf-8")
    for plot in found.plots:
        path = out / f"{re.sub('[^a-z0-9]+', '_', plot.title.lower())}.png"
        with replacing(path) as part:
            part.write_bytes(draw(plot))
        written.append(path)
    return written
