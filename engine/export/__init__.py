"""Answers for other programs: GeoJSON, GeoPackage, COG, PNG, JSON and a page for people.

:func:`write_answer` is the one door. Files are written whole or not at all (``engine.export.staging``) and are called
``<question>_<time>_<digest>…`` (``engine.export.names``)::

    is-there-a-river_20261121T104455Z_3f9a1c.geojson           the analysed area with everything said about it
    is-there-a-river_20261121T104455Z_3f9a1c.gpkg              the same in the scene's CRS, and the key regions
    is-there-a-river_20261121T104455Z_3f9a1c_trust.tif         one COG per explanation map
    is-there-a-river_20261121T104455Z_3f9a1c_view.png          both sensors side by side, regions and answer drawn in
    is-there-a-river_20261121T104455Z_3f9a1c_optical.png       one sensor alone, with a world file (.pgw); _sar likewise
    is-there-a-river_20261121T104455Z_3f9a1c.html              the report
    is-there-a-river_20261121T104455Z_3f9a1c_answer.json       what ``rsqa ask --json`` prints

:func:`write_tiled_answer` does the same for a map of answers (``_tiles.geojson``, ``_tiles.gpkg``, ``_tiles.csv``,
``_tiles.html``, ``_tiles.json``, and two COGs, ``_answers.tif`` and ``_confidence.tif``), and :func:`write_finding` for
boxes (``_boxes.geojson``, ``_boxes.gpkg``, ``_boxes.coco.json``, ``_boxes.csv``, ``_optical.png`` and ``_sar.png`` with
the boxes drawn in, one COG per map, ``_finding.html``, ``_finding.json``), and :func:`write_outline` for masks
(``_mask.tif``, ``_probability.tif``, ``_outline.geojson``, ``_outline.gpkg``, ``_outline.coco.json``, ``_outline.html``
and ``_outline.json``, and the same pictures and maps).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.export.found.rows import finding_object
    from engine.export.found.writing import FOUND_FORMATS, write_finding
    from engine.export.outlined.rows import outline_object
    from engine.export.outlined.writing import OUTLINED_FORMATS, write_outline
    from engine.export.properties import answer_object
    from engine.export.tiled.rows import tiled_object
    from engine.export.tiled.writing import TILED_FORMATS, write_tiled_answer
    from engine.export.writing import FORMATS, refused_formats, write_answer

__all__ = [
    "FORMATS",
    "FOUND_FORMATS",
    "OUTLINED_FORMATS",
    "TILED_FORMATS",
    "answer_object",
    "finding_object",
    "outline_object",
    "refused_formats",
    "tiled_object",
    "write_answer",
    "write_finding",
    "write_outline",
    "write_tiled_answer",
]

_HOMES = {
    "FORMATS": "writing",
    "FOUND_FORMATS": "found.writing",
    "OUTLINED_FORMATS": "outlined.writing",
    "TILED_FORMATS": "tiled.writing",
    "answer_object": "properties",
    "finding_object": "found.rows",
    "outline_object": "outlined.rows",
    "refused_formats": "writing",
    "tiled_object": "tiled.rows",
    "write_answer": "writing",
    "write_finding": "found.writing",
    "write_outline": "outlined.writing",
    "write_tiled_answer": "tiled.writing",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for on its first use: training writes its reports here and must load no GDAL for them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
