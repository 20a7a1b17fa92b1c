"""The answer as GeoJSON: RFC 7946, longitude and latitude, for every map on the web."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.export.lonlat import lonlat_area
from engine.export.properties import all_messages, flat_properties
from engine.protocol import to_builtins
from engine.records import Answer


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
