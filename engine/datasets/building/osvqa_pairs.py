"""Pairs of optical and SAR images to build OSVQA on: QXS-SAROPT, OGSOD-1.0, or two folders of same-named images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from engine.datasets.dataset import Faults, ImageFiles
from engine.datasets.readers import ogsod, qxs_saropt
from engine.datasets.readers.files import IMAGE_SUFFIXES, images_in, natural
from engine.errors import DataSetUnreadable
from engine.raster import open_raster
from engine.text import VIEW_PX

_GSD_M = {qxs_saropt.LAYOUT.name: 1.0, ogsod.LAYOUT.name: 10.0}
"""Metres per pixel of what is published as PNG, which does not tell (TGFNet, section IV-B)."""


@dataclass(frozen=True, slots=True)
class View:
    """An image's size in pixels and, where it is known, its ground sampling distance in metres per pixel."""

    width: int
    height: int
    gsd_m: float | None

    @property
    def scale(self) -> float:
        """Brings pixels of the image to pixels of the 256-pixel view."""
        return VIEW_PX / max(self.width, self.height)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both images of a place; ``id`` is their stem, ``split`` the one of the folder they are in, or "all"."""

    id: str
    split: str
    optical: Path
    sar: Path


class Pairs:
    """The complete pairs of a folder, by the names that annotations may call them."""

    def __init__(self, layout: str, pairs: Sequence[Pair]) -> None:
        self._gsd_m = _GSD_M.get(layout)
        self._pairs = {f"{pair.split}/{pair.id}": pair for pair in pairs}
        stems = Counter(pair.id for pair in pairs)
        self._pairs |= {pair.id: pair for pair in pairs if stems[pair.id] == 1}

    def find(self, name: str) -> Pair | None:
        """The pair that ``name`` means: a stem or a file name, with its split before it where two splits have it."""
        path = PurePosixPath(name.replace("\\", "/"))
        return self._pairs.get(str(path.with_suffix("")) if path.suffix.lower() in IMAGE_SUFFIXES else str(path))

    def view(self, pair: Pair) -> View:
        """Size and sampling distance of the optical image. Raises :class:`RasterUnreadable`."""
        with open_raster(pair.optical, sensor="optical") as raster:
            grid = raster.info.grid
        return View(grid.width, grid.height, grid.gsd_m or self._gsd_m)


def find_pairs(folder: Path, faults: Faults) -> Pairs:
    """The pairs of ``folder``; an image without its partner goes to ``faults``.

    Raises :class:`DataSetUnreadable` where there is no pair, with the layouts that were looked for.
    """
    if qxs_saropt.recognise(folder):
        layout, images = qxs_saropt.LAYOUT.name, qxs_saropt.read(folder, faults).images
    elif ogsod.recognise(folder):
        # Its boxes are not used, so that a fault of theirs is none here.
        layout, images = ogsod.LAYOUT.name, ogsod.read(folder, Faults(folder)).images
    else:
        layout, images = "optical and sar", _same_named(folder, faults)
    complete = []
    for image in images:
        if image.optical is not None and image.sar is not None:
            complete.append(Pair(image.id, image.split, image.optical, image.sar))
        else:
            other = "SAR" if image.sar is None else "optical"
            faults.add(image.optical or image.sar or folder, None, f"The image has no {other} partner.")
    if not complete:
        raise DataSetUnreadable(
            f"There is no pair of images in {folder}.",
            remedy="Give a folder of QXS-SAROPT, of OGSOD-1.0, or with same-named images in optical and sar.",
        )
    return Pairs(layout, complete)


def _same_named(folder: Path, faults: Faults) -> tuple[ImageFiles, ...]:
    optical, sar = images_in(folder / "optical", faults), images_in(folder / "sar", faults)
    stems = sorted(optical.keys() | sar.keys(), key=natural)
    return tuple(ImageFiles(stem, "all", optical.get(stem), sar.get(stem)) for stem in stems)
