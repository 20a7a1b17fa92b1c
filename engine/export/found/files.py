"""Boxes as GeoJSON, GeoPackage, COCO and CSV."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

from engine.export.found.rows import BOX_COLUMNS, box_rows, search_row
from engine.export.geopackage import Table, rectangles, write_tables
from engine.export.lonlat import lonlat_area
from engine.export.properties import all_messages
from engine.formats.coco import CocoAnnotation, CocoFile, CocoImage, write_coco
from engine.formats.records import MADE
from engine.protocol import to_builtins
from engine.records import Finding

BOXES_LAYER, AREA_LAYER = "boxes", "searched_area"


def write_found_geojson(path: Path, finding: Finding) -> None:
    """One Feature per box (RFC 7946: CRS84), the best first; what was searched for and where is in the collection.

    Raises :class:`ExportRefused` where a box has no place on Earth, ``OSError`` where the file cannot be written.
    """
    grid = finding.area.grid
    features = []
    for row, found in zip(box_rows(finding), finding.boxes, strict=True):
        place = lonlat_area(grid, found.box)
        features.append({"type": "Feature", "bbox": place.bbox, "geometry": place.geometry, "properties": row})
    collection = {
        "type": "FeatureCollection",
        "bbox": lonlat_area(grid, finding.area.window.box).bbox,
        "expression": finding.expression,
        "phrases": list(finding.phrases),
        "understood": finding.understood,
        "mode": finding.mode,
        "threshold": finding.threshold,
        "messages": list(all_messages(finding)),
        "provenance": to_builtins(finding.provenance),
        "features": features,
    }
    path.write_text(json.dumps(collection, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_found_geopackage(path: Path, finding: Finding) -> None:
    """Layer ``boxes``, one polygon per box and empty where nothing was found, and layer ``searched_area``.

    They are in the scene's CRS, without one in the raster's own frame. Raises :class:`ExportRefused` where GDAL cannot
    write the file.
    """
    rows, grid = box_rows(finding), finding.area.grid
    columns = {name: [row[name] for row in rows] for name in BOX_COLUMNS}
    whole = {name: [value] for name, value in search_row(finding).items()}
    tables = [
        Table(BOXES_LAYER, rectangles([found.box for found in finding.boxes], grid), columns),
        Table(AREA_LAYER, rectangles([finding.area.window.box], grid), whole),
    ]
    write_tables(path, tables, grid)


def write_found_coco(path: Path, finding: Finding) -> None:
    """COCO with one image, the raster whose pixels the boxes are in; labels are categories, and ``score``, ``sensor``
    and the expression (as ``caption``) stand on each annotation. Raises ``OSError``."""
    raster = finding.provenance.optical or finding.provenance.sar or ""
    grid = finding.area.grid
    labels = sorted({found.label for found in finding.boxes})
    annotations = [
        CocoAnnotation(
            str(number),
            "1",
            found.label,
            (found.box.x0, found.box.y0, found.box.width, found.box.height),
            None,
            finding.expression,
            replace(MADE, values={"score": found.score, "sensor": found.sensor}),
        )
        for number, found in enumerate(finding.boxes, 1)
    ]
    image = CocoImage("1", Path(raster).name, grid.width, grid.height)
    categories = {str(number): label for number, label in enumerate(labels, 1)}
    write_coco(path, CocoFile((image,), tuple(annotations), categories), ("score", "sensor"))


def write_found_csv(path: Path, finding: Finding) -> None:
    """One line per box, the best first, under the names of the columns. Raises ``OSError``."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, BOX_COLUMNS)
        writer.writeheader()
        writer.writerows(box_rows(finding))
