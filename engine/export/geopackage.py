"""The answer as a GeoPackage in the scene's own CRS, one layer of answers and one of key regions."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from engine.errors import ExportRefused
from engine.export.properties import BOOLEANS, FLOATS, INTEGERS, Value, flat_properties
from engine.export.regions import KeyRegion
from engine.records import Answer, Box, Grid

ANSWERS_LAYER = "answers"
REGIONS_LAYER = "key_regions"


def write_geopackage(path: Path, answer: Answer, regions: Sequence[KeyRegion]) -> None:
    """Layer ``answers`` (the analysed area, flat columns) and, where there are any, layer ``key_regions``.

    A raster without a CRS gives layers of undefined CRS in its own frame: pixels, rows counted downwards, where it has
    no transform either. Raises :class:`ExportRefused` where GDAL cannot write the file.
    """
    grid = answer.area.grid
    flat = flat_properties(answer)
    whole = rectangles([answer.area.window.box], grid)
    tables = [Table(ANSWERS_LAYER, whole, {name: [value] for name, value in flat.items()})]
    if regions:
        columns: dict[str, list[Value]] = {
            "sensor": [region.sensor for region in regions],
            "map": [region.map_name for region in regions],
            "score": [region.score for region in regions],
            "question": [answer.question] * len(regions),
            "answer": [answer.answer] * len(regions),
        }
        tables.append(Table(REGIONS_LAYER, rectangles([region.box_px for region in regions], grid), columns))
    write_tables(path, tables, grid)


@dataclass(frozen=True)
class Table:
    """A layer to be: its polygons in the map's frame, and one list of values per column."""

    layer: str
    polygons: list[shapely.Polygon]
    columns: dict[str, list[Value]]


def rectangles(boxes: Sequence[Box], grid: Grid) -> list[shapely.Polygon]:
    """Boxes in pixels of ``grid`` as polygons in the map's frame."""
    return [shapely.Polygon([grid.to_map(col, row) for col, row in box.corners]) for box in boxes]


def write_tables(path: Path, tables: Sequence[Table], grid: Grid) -> None:
    """One layer per table, in the CRS of ``grid``. Raises :class:`ExportRefused` where not all can be written."""
    for table in tables:
        _write_layer(path, table, grid, append=table is not tables[0])
    for table in tables:
        _require_whole(path, table)


def _write_layer(path: Path, table: Table, grid: Grid, *, append: bool = False) -> None:
    arrays = [_typed(name, values) for name, values in table.columns.items()]
    missing = [np.array([value is None for value in values]) for values in table.columns.values()]
    try:
        with warnings.catch_warnings():
            # A raster without CRS has none to give; that is said in the answer's messages, not on the console.
            warnings.filterwarnings("ignore", message="'crs' was not provided", category=UserWarning)
            pyogrio.raw.write(
                str(path),
                shapely.to_wkb(np.array([shapely.geometry.polygon.orient(polygon) for polygon in table.polygons])),
                arrays,
                np.array(list(table.columns)),
                field_mask=missing,
                layer=table.layer,
                driver="GPKG",
                geometry_type="Polygon",
                crs=grid.crs,
                append=append,
            )
    except (DataSourceError, DataLayerError) as error:
        raise _refused(path, str(error)) from error


def _require_whole(path: Path, table: Table) -> None:
    """Asks the file itself whether a layer is all there, as GDAL may close a GeoPackage on a full disk in silence.

    Rows, spatial index and extent are what is written last. Raises :class:`ExportRefused`.
    """
    questions = (
        (f"SELECT count(*) FROM {table.layer}", len(table.polygons)),
        (f"SELECT count(*) FROM rtree_{table.layer}_geom", len(table.polygons)),
        (f"SELECT count(min_x) FROM gpkg_contents WHERE table_name = '{table.layer}'", min(1, len(table.polygons))),
    )
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            whole = all(database.execute(question).fetchone() == (count,) for question, count in questions)
    except sqlite3.Error as error:
        raise _refused(path, str(error)) from error
    if not whole:
        raise _refused(path, f"only a part of layer {table.layer} could be written")


def _refused(path: Path, reason: str) -> ExportRefused:
    return ExportRefused(
        f"“{path.name}” cannot be written as GeoPackage: {reason.rstrip('.')}.",
        remedy="Make room on that disk, or choose another folder.",
    )


def _typed(name: str, values: list[Value]) -> np.ndarray[Any, Any]:
    """A column as an array of its one type; where a value is missing, a placeholder stands under the mask."""
    if name in FLOATS:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if name in INTEGERS:
        return np.array([value or 0 for value in values], dtype=np.int64)
    if name in BOOLEANS:
        return np.array([bool(value) for value in values], dtype=bool)
    return np.array(values, dtype=object)
