"""Outlines as GeoJSON, GeoPackage, COCO and cloud-optimised GeoTIFF."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from engine.export.geopackage import Table, rectangles, write_tables
from engine.export.lonlat import lonlat_area, lonlat_polygon
from engine.export.outlined.rows import PART_COLUMNS, part_rows, whole_row
from engine.export.properties import all_messages
from engine.export.regions import read_array
from engine.formats.coco import CocoAnnotation, CocoFile, CocoImage, CocoMask, write_coco
from engine.formats.records import MADE
from engine.protocol import to_builtins
from engine.raster import write_cog
from engine.raster.masks import NO_DATA, as_probabilities
from engine.records import Outline, OutlinePart
from engine.text import parse

PARTS_LAYER, AREA_LAYER = "outline", "outlined_area"

MASK_COLOURS = {0: (228, 231, 235), 1: (0, 158, 115)}
"""Grey outside, and inside the bluish green that what both sensors say has everywhere in this program."""

Bytes = NDArray[np.uint8]


def read_bytes(outline: Outline, path: str, what: str) -> Bytes:
    """``path``, the mask or the probabilities. Raises :class:`ExportRefused` where it is gone or of another shape."""
    return read_array(path, what, (outline.grid.height, outline.grid.width))


def write_outline_geojson(path: Path, outline: Outline) -> None:
    """One Feature per polygon (RFC 7946: CRS84), the largest first; what was outlined is said in the collection.

    Raises :class:`ExportRefused` where the area has no place on Earth, ``OSError`` where the file cannot be written.
    """
    features = []
    for row, part in zip(part_rows(outline), outline.parts, strict=True):
        exterior, *holes = ([outline.grid.to_pixel(*corner) for corner in ring] for ring in _rings(part))
        place = lonlat_polygon(outline.grid, exterior, holes)
        features.append({"type": "Feature", "bbox": place.bbox, "geometry": place.geometry, "properties": row})
    whole = whole_row(outline)
    said = ("expression", "understood", "threshold", "area_m2", "area_ha", "share", "mean_probability", "parts_cut")
    collection: dict[str, Any] = {
        "type": "FeatureCollection",
        "bbox": lonlat_area(outline.area.grid, outline.area.window.box).bbox,
        **{name: whole[name] for name in said},
        "messages": list(all_messages(outline)),
        "provenance": to_builtins(outline.provenance),
        "features": features,
    }
    path.write_text(json.dumps(collection, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_outline_geopackage(path: Path, outline: Outline) -> None:
    """Layer ``outline``, one polygon per part and empty where nothing was outlined, and layer ``outlined_area``.

    They are in the scene's CRS, without one in the raster's own frame. Raises :class:`ExportRefused` where GDAL cannot
    write the file.
    """
    rows, grid = part_rows(outline), outline.area.grid
    polygons = [shapely.Polygon(part.exterior_map, part.holes_map) for part in outline.parts]
    columns = {name: [row[name] for row in rows] for name in PART_COLUMNS}
    whole = {name: [value] for name, value in whole_row(outline).items()}
    area = rectangles([outline.area.window.box], grid)
    write_tables(path, [Table(PARTS_LAYER, polygons, columns), Table(AREA_LAYER, area, whole)], grid)


def write_outline_coco(path: Path, outline: Outline) -> None:
    """COCO with one image, the outlined area on the mask's grid, and one annotation: the whole mask as run lengths.

    The expression is its caption, as training reads it. Raises :class:`ExportRefused` where the mask is gone,
    ``OSError`` where the file cannot be written.
    """
    mask = read_bytes(outline, outline.mask, "mask") == 1
    height, width = mask.shape
    packed = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    stored = CocoMask(rle_counts=packed["counts"].decode("ascii"), rle_size=(height, width))
    left, top, across, down = map(float, coco_mask.toBbox(packed))
    label = parse(outline.expression).category or outline.expression
    facts = {"score": outline.mean_probability, "area": int(np.count_nonzero(mask))}
    annotation = CocoAnnotation(
        "1", "1", label, (left, top, across, down), stored, outline.expression, replace(MADE, values=facts)
    )
    raster = outline.provenance.optical or outline.provenance.sar or ""
    image = CocoImage("1", Path(raster).name, width, height)
    write_coco(path, CocoFile((image,), (annotation,) if mask.any() else (), {"1": label}), ("score", "area"))


def write_mask(path: Path, outline: Outline) -> None:
    """One band of bytes with a colour table: 1 inside, 0 outside, 255 without data. Raises :class:`ExportRefused`."""
    mask = read_bytes(outline, outline.mask, "mask")
    tags = _tags(outline) | {"MEANING": "1 is what the expression names, 0 is not, 255 has no data"}
    write_cog(
        path, mask, outline.grid, nodata=NO_DATA, tags=tags, descriptions=[outline.expression], colours=MASK_COLOURS
    )


def write_probability(path: Path, outline: Outline) -> None:
    """One band of float32, 0..1, NaN without data. Raises :class:`ExportRefused`."""
    probability = as_probabilities(read_bytes(outline, outline.probability, "probability map"))
    tags = _tags(outline) | {"MEANING": "probability that a pixel belongs to what the expression names"}
    write_cog(path, probability, outline.grid, nodata=float(np.nan), tags=tags, descriptions=[outline.expression])


def _rings(part: OutlinePart) -> list[tuple[tuple[float, float], ...]]:
    return [part.exterior_map, *part.holes_map]


def _tags(outline: Outline) -> dict[str, str]:
    by = outline.provenance
    return {
        "EXPRESSION": outline.expression,
        "THRESHOLD": f"{outline.cleaning.threshold:g}",
        "MODEL": by.model,
        "MODEL_SHA256": by.model_sha256,
        "SOFTWARE": by.software,
        "TIME_UTC": by.time_utc,
    }
