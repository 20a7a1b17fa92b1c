"""Explanation maps as cloud-optimised GeoTIFFs on their own grid, so that a GIS lays them over the scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.export.regions import read_map
from engine.raster import write_cog
from engine.records import Answer, ExplanationMap

_MEANINGS = {
    "regions": "routing score of a key region (CFAR: coarse-to-fine attention), empty where not routed",
    "attention": "share of attention per patch",
    "trust": "modality trust: 0 is all SAR, 1 is all optical",
}


def write_map(path: Path, answer: Answer, one: ExplanationMap) -> None:
    """One band of float32, NaN where the map says nothing; tags tell the question, the answer and the model.

    Cells are as coarse as the network's patches: nothing is interpolated.
    Raises :class:`ExportRefused` where the map is gone or the file cannot be written.
    """
    values = read_map(one)
    rows, cols = values.shape
    by = answer.provenance
    tags = {
        "QUESTION": answer.question,
        "ANSWER": answer.answer,
        "CONFIDENCE": f"{answer.confidence:.6f}",
        "KIND": one.kind,
        "MEANING": _MEANINGS[one.kind],
        "SENSOR": one.sensor,
        "LEGEND_LOW": f"{one.low:g}",
        "LEGEND_HIGH": f"{one.high:g}",
        "MODEL": by.model,
        "MODEL_SHA256": by.model_sha256,
        "SOFTWARE": by.software,
        "TIME_UTC": by.time_utc,
    }
    grid = answer.area.grid.sub(one.extent_px, cols, rows)
    write_cog(path, values, grid, nodata=float(np.nan), tags=tags, descriptions=[one.title])
