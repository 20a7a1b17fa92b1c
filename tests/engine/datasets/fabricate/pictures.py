"""Tiny pictures and masks for fabricated data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from engine.raster import write_geotiff
from engine.records import Grid

SIDE = 48


def write_picture(path: Path, seed: int, *, bands: int = 3, side: int = SIDE) -> None:
    """A JPEG or PNG of soft noise, by the suffix of ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (side // 8, side // 8, bands), np.uint8)
    pixels = coarse.repeat(8, axis=0).repeat(8, axis=1)
    Image.fromarray(pixels if bands == 3 else pixels[..., 0]).save(path)


def write_raster(path: Path, array: np.ndarray) -> None:
    """``array`` [rows, columns] or [bands, rows, columns] as a GeoTIFF without a place on Earth."""
    rows, columns = array.shape[-2:]
    write_geotiff(path, array, Grid(columns, rows, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)))


def box_mask(box: tuple[int, int, int, int], side: int = SIDE, value: int = 255) -> np.ndarray:
    """``value`` inside left, top, right, bottom; 0 elsewhere."""
    mask = np.zeros((side, side), np.uint8)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = value
    return mask
