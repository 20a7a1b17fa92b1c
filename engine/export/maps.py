"""Explanation maps as cloud-optimised GeoTIFFs on their own grid, so that a GIS lays them over the scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.export.regions import read_map
from engine.raster import write_cog
from engine.records import Answer, ExplanationMap, Finding, Outline

_MEANINGS = {
    "regions": "routing score of a key region (CFAR: coarse-to-fine attention), empty where not routed",
    "attention": "share of attention per patch",
    "trust": "modality trust: 0 is all SAR, 1 is all optical",
    "routing": "expert with the largest share of each patch (PL-MoE), counted from 1, empty where there is no data",
    "routing-share": "share of each patch that its first expert has",
    "gate": "how far the text was let into the features (TGDF, language gate): 0 not at all, 1 fully",
    "word": "share of a cell's attention that one word has (PWAM)",
}


def write_map(path: Path, answer: Answer | Finding | Outline, one: ExplanationMap) -> None:
    """One band of float32, NaN where the map says nothing; tags tell what was asked, what was said and by which model.

    Cells are as coarse as the network's patches: nothing is interpolated.
    Raises :class:`ExportRefused` where the map is gone or the file cannot be written.
    """
    values = read_map(one)
    rows, cols = values.shape
    by = answer.provenance
    tags = _asked_and_said(answer) | {
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


def _asked_and_said(answer: Answer | Finding | Outline) -> dict[str, str]:
    if isinstance(answer, Answer):
        return {"QUESTION": answer.question, "ANSWER": answer.answer, "CONFIDENCE": f"{answer.confidence:.6f}"}
    if isinstance(answer, Outline):
        return {"EXPRESSION": answer.expression, "POLYGONS": str(len(answer.parts) + answer.parts_cut)}
    return {"EXPRESSION": answer.expression or "; ".join(answer.phrases), "BOXES": str(len(answer.boxes))}
