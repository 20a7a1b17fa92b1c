"""The file dialogs. Each returns an empty answer where the user changed their mind."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

RASTERS = "Rasters (*.tif *.tiff *.vrt *.img *.jp2 *.dat *.nc *.png *.jpg);;All files (*)"
_TITLES = {
    "pair": "Open an optical and a SAR raster (choose both)",
    "optical": "Open an optical raster",
    "sar": "Open a SAR raster",
}


def choose_rasters(parent: QWidget, which: str, folder: str) -> list[str]:
    """Paths of one raster, or for ``which`` = ``pair`` of one or two."""
    if which == "pair":
        names, _ = QFileDialog.getOpenFileNames(parent, _TITLES[which], folder, RASTERS)
        return names
    name, _ = QFileDialog.getOpenFileName(parent, _TITLES[which], folder, RASTERS)
    return [name] if name else []


def choose_folder(parent: QWidget, folder: str) -> str:
    """A folder to export into."""
    return QFileDialog.getExistingDirectory(parent, "Export the answer into a folder", folder)


def choose_picture(parent: QWidget, folder: str) -> str:
    """A path for a PNG, its suffix added where it is missing."""
    start = str(Path(folder) / "view.png") if folder else "view.png"
    name, _ = QFileDialog.getSaveFileName(parent, "Save the view", start, "PNG (*.png)")
    return name if not name or name.lower().endswith(".png") else f"{name}.png"
