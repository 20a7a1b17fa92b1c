"""A map of answers as GeoJSON, GeoPackage, cloud-optimised GeoTIFFs and CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from engine.export.geopackage import Table, rectangles, write_tables
from engine.export.lonlat import lonlat_area
from engine.export.properties import all_messages
from engine.export.tiled.rows import TileRow, colour, tiled_properties
from engine.export.views import rgb
from engine.protocol import to_builtins
from engine.raster import write_cog
from engine.records import Box, Grid, TiledAnswer
from engine.records.tiles import NO_ANSWER

TILES_LAYER, AREA_LAYER = "tiles", "tiled_answers"
CELLS = 16
"""Cells of a COG along the side of a tile."""

Number = TypeVar("Number", bound=np.generic)


def write_tiled_geojson(path: Path, answer: TiledAnswer, rows: Sequence[TileRow]) -> None:
    """One Feature per tile (RFC 7946: CRS84); the table and everything about the whole are members of the collection.

    Raises :class:`ExportRefused` where a tile has no place on Earth, ``OSError`` where the file cannot be written.
    """
    features = []
    for tile in rows:
        place = lonlat_area(answer.area.grid, tile.window.box)
        features.append(
            {"type": "Feature", "bbox": place.bbox, "geometry": place.geometry, "properties": tile.properties()}
        )
    whole = lonlat_area(answer.area.grid, answer.area.window.box)
    collection = {
        "type": "FeatureCollection",
        "bbox": whole.bbox,
        "question": answer.question,
        "counts": to_builtins(answer.counts),
        "states": answer.states,
        "messages": list(all_messages(answer)),
        "provenance": to_builtins(answer.provenance),
        "features": features,
    }
    path.write_text(json.dumps(collection, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_tiled_geopackage(path: Path, answer: TiledAnswer, rows: Sequence[TileRow]) -> None:
    """Layer ``tiles``, one polygon per tile in the scene's CRS, and layer ``tiled_answers``, the area as a whole.

    Raises :class:`ExportRefused` where GDAL cannot write the file.
    """
    properties = [tile.properties() for tile in rows]
    columns = {name: [values[name] for values in properties] for name in properties[0]}
    columns["question"] = [answer.question] * len(rows)
    whole = {name: [value] for name, value in tiled_properties(answer).items()}
    tables = [
        Table(TILES_LAYER, rectangles([tile.window.box for tile in rows], answer.area.grid), columns),
        Table(AREA_LAYER, rectangles([answer.area.window.box], answer.area.grid), whole),
    ]
    write_tables(path, tables, answer.area.grid)


def write_answers_cog(path: Path, answer: TiledAnswer, rows: Sequence[TileRow]) -> None:
    """Each tile's answer as its place in the table, with a colour table; tags and a side file name the classes.

    The side file (``….tif.aux.xml``) is how GDAL and QGIS know the names of classes. Raises :class:`ExportRefused`.
    """
    classes = [count.answer for count in answer.counts]
    kind = np.uint8 if len(classes) < 255 else np.uint16
    nothing = int(np.iinfo(kind).max)
    values = np.array([nothing if tile.place == NO_ANSWER else tile.place for tile in rows], kind)
    named = {f"CLASS_{place}": name for place, name in enumerate(classes)}
    colours = {place: rgb(colour(place)) for place in range(len(classes))}
    write_cog(
        path,
        *in_cells(answer, values),
        nodata=nothing,
        tags=_tags(answer, "place of the answer in the table of answers") | named,
        descriptions=[answer.question],
        colours=colours,
    )
    _write_class_names(path.with_name(f"{path.name}.aux.xml"), classes)


def write_confidence_cog(path: Path, answer: TiledAnswer, rows: Sequence[TileRow]) -> None:
    """Each tile's confidence as float32, NaN where it is not answerable. Raises :class:`ExportRefused`."""
    values = np.array([np.nan if tile.confidence is None else tile.confidence for tile in rows], np.float32)
    write_cog(
        path,
        *in_cells(answer, values),
        nodata=float(np.nan),
        tags=_tags(answer, "calibrated confidence of the answer, 0 to 1"),
        descriptions=[f"Confidence: {answer.question}"],
    )


def write_tiled_csv(path: Path, answer: TiledAnswer, rows: Sequence[TileRow]) -> None:
    """One line per tile with its centre in map coordinates (pixels where the raster has no CRS)."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*rows[0].properties(), "x_centre", "y_centre"])
        for tile in rows:
            box = tile.window.box
            centre = answer.area.grid.to_map((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
            table.writerow([*tile.properties().values(), *centre])


def in_cells(answer: TiledAnswer, values: NDArray[Number]) -> tuple[NDArray[Number], Grid]:
    """One value per tile in reading order -> a raster and its grid, a tile :data:`CELLS` x :data:`CELLS` cells of it.

    With one cell per tile, the cut tiles would claim ground that nobody asked about; so they reach past the area by
    less than a cell.
    """
    tiles = answer.grid
    side = tiles.side_px / CELLS
    rows, columns = math.ceil(tiles.window.height / side), math.ceil(tiles.window.width / side)
    of_tiles = values.reshape(tiles.rows, tiles.columns)
    cells = of_tiles.repeat(CELLS, axis=0).repeat(CELLS, axis=1)[:rows, :columns]
    left, top = tiles.window.col_off, tiles.window.row_off
    box = Box(left, top, left + columns * side, top + rows * side)
    return cells, answer.area.grid.sub(box, columns, rows)


def _tags(answer: TiledAnswer, meaning: str) -> dict[str, str]:
    by = answer.provenance
    return {
        "QUESTION": answer.question,
        "MEANING": meaning,
        "MODEL": by.model,
        "MODEL_SHA256": by.model_sha256,
        "SOFTWARE": by.software,
        "TIME_UTC": by.time_utc,
    }


def _write_class_names(path: Path, classes: Sequence[str]) -> None:
    """GDAL's side file (PAM) with the category names of band 1."""
    root = ElementTree.Element("PAMDataset")
    names = ElementTree.SubElement(ElementTree.SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
    for name in classes:
        ElementTree.SubElement(names, "Category").text = name
    ElementTree.ElementTree(root).write(path, encoding="utf-8")
