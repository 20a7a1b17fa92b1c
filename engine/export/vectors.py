"""The answer as vector features: RFC 7946 GeoJSON, and a GeoPackage in the scene's own CRS."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from engine.errors import ExportRefused
from engine.export.lonlat import lonlat_area
from engine.export.properties import BOOLEANS, FLOATS, INTEGERS, Value, all_messages, flat_properties
from engine.export.regions import KeyRegion
from engine.protocol import to_builtins
from engine.records import Answer, Box, Grid

ANSWERS_LAYER = "answers"
REGIONS_LAYER = "key_regions"


def write_geojson(path: Path, answer: Answer) -> None:
    """One Feature, the analysed area, in a FeatureCollection (RFC 7946: CRS84, no ``crs`` member).

    Raises :class:`ExportRefused` where the area has no place on Earth, ``OSError`` where the file cannot be written.
    """
    place = lonlat_area(answer.area.grid, answer.area.window.box)
    properties: dict[str, Any] = dict(flat_properties(answer))
    properties["alternatives"] = to_builtins(answer.alternatives)
    properties["answer_set"] = list(answer.answer_set)
    properties["messages"] = list(all_messages(answer))
    properties["experts"] = to_builtins(answer.experts)
    feature = {"type": "Feature", "bbox": place.bbox, "geometry": place.geometry, "properties": properties}
    collection = {"type": "FeatureCollection", "bbox": place.bbox, "features": [feature]}
    path.write_text(json.dumps(collection, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_geopackage(path: Path, answer: Answer, regions: Sequence[KeyRegion]) -> None:
    """Layer ``answers`` (the analysed area, flat columns) and, where there are any, layer ``key_regions``.

    A raster without a CRS gives layers of undefined CRS in its own frame: pixels, rows counted downwards, where it has
    no transform either. Raises :class:`ExportRefused` where GDAL cannot write the file.
    """
    grid = answer.area.grid
    flat = flat_properties(answer)
    table = _Table(ANSWERS_LAYER, [answer.area.window.box], {name: [value] for name, value in flat.items()})
    _write_layer(path, table, grid)
    if regions:
        columns: dict[str, list[Value]] = {
            "sensor": [region.sensor for region in regions],
            "map": [region.map_name for region in regions],
            "score": [region.score for region in regions],
            "question": [answer.question] * len(regions),
            "answer": [answer.answer] * len(regions),
        }
        _write_layer(path, _Table(REGIONS_LAYER, [region.box_px for region in regions], columns), grid, append=True)


@dataclass(frozen=True)
class _Table:
    """A layer to be: its rectangles in pixels, and one list of values per column."""

    layer: str
    boxes: list[Box]
    columns: dict[str, list[Value]]


def _write_layer(path: Path, table: _Table, grid: Grid, *, append: bool = False) -> None:
    polygons = [shapely.Polygon([grid.to_map(col, row) for col, row in box.corners]) for box in table.boxes]
    arrays = [_typed(name, values) for name, values in table.columns.items()]
    missing = [np.array([value is None for value in values]) for values in table.columns.values()]
    try:
        with warnings.catch_warnings():
            # A raster without CRS has none to give; that is said in the answer's messages, not on the console.
            warnings.filterwarnings("ignore", message="'crs' was not provided", category=UserWarning)
            pyogrio.raw.write(
                str(path),
                shapely.to_wkb(np.array([shapely.geometry.polygon.orient(polygon) for polygon in polygons])),
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
        raise ExportRefused(
            f"“{path.name}” cannot be written as GeoPackage: {error}.",
            remedy="Make room on that disk, or choose another folder.",
        ) from error


def _typed(name: str, values: list[Value]) -> np.ndarray[Any, Any]:
    """A column as an array of its one type; where a value is missing, a placeholder stands under the mask."""
    if name in FLOATS or name == "score":
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    if name in INTEGERS:
        return np.array([value or 0 for value in values], dtype=np.int64)
    if name in BOOLEANS:
        return np.array([bool(value) for value in values], dtype=bool)
    return np.array(values, dtype=object)
