"""An image on its way into a data set that is being written: pixels of ours, or a file to be copied."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from engine.datasets.readers.box_rows import OneSensor
from engine.errors import InputRefused
from engine.raster import replacing, write_geotiff
from engine.records import Grid


@dataclass(frozen=True, slots=True)
class NewImage:
    """One image of one sensor.

    ``name`` is its file name, ``source`` pixels [bands, rows, columns] or [rows, columns], written as GeoTIFF on
    ``grid`` (its own pixels where that is None), or a file that is copied as it is. ``width`` and ``height`` are its
    size in pixels. ``tags`` and ``descriptions`` of the bands go into the GeoTIFF. A file that is ours may be
    ``linked`` in place of a copy.
    """

    name: str
    split: str
    sensor: OneSensor
    width: int
    height: int
    source: NDArray[np.generic] | Path
    grid: Grid | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    descriptions: tuple[str, ...] = ()
    linked: bool = False

    def require_plain_name(self) -> None:
        """Raise :class:`InputRefused` for a name that is no mere file name, or not a GeoTIFF's where one is written."""
        for name in (self.name, self.split):
            if not name or PurePath(name).name != name or set(name) & set('/\\:"*?<>|\n\t'):
                raise InputRefused(f"“{name}” is not a name of a file.", remedy="Use letters, digits, - and _.")
        if not isinstance(self.source, Path) and not self.name.endswith(".tif"):
            raise InputRefused(f"{self.name} is written as a GeoTIFF.", remedy="Let its name end in .tif.")

    def own_grid(self) -> Grid:
        """The grid of the image, without a place on Earth where it has none."""
        return self.grid or Grid(self.width, self.height, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))

    def write(self, path: Path) -> None:
        """Write or copy the image to ``path``. Raises :class:`ExportRefused` where that cannot be done."""
        if isinstance(self.source, Path) and self.linked:
            link_or_copy(self.source, path)
        elif isinstance(self.source, Path):
            with replacing(path) as temporary:
                shutil.copyfile(self.source, temporary)
        else:
            write_geotiff(path, self.source, self.own_grid(), tags=self.tags, descriptions=self.descriptions)


def link_or_copy(source: Path, path: Path) -> None:
    """Make ``path`` the same file as ``source``, or a copy of it where the disk has no links.

    Raises :class:`ExportRefused` where neither can be done.
    """
    with replacing(path) as temporary:
        temporary.unlink()
        try:
            temporary.hardlink_to(source)
        except OSError:  # FAT, some network drives
            shutil.copyfile(source, temporary)
