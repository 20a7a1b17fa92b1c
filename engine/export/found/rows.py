"""What a finding says, as the object that is printed and as rows, one per box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.export.names import stem_of
from engine.export.properties import Value, map_ending, place_properties
from engine.protocol import to_builtins
from engine.records import Box, Finding

BOX_COLUMNS = (
    "rank", "label", "score", "sensor", "x0_px", "y0_px", "x1_px", "y1_px", "area_m2", "length_m", "width_m",
    "expression", "model", "model_sha256", "optical", "sar", "time_utc",
)  # fmt: skip


def finding_stem(finding: Finding) -> str:
    """The common beginning of a finding's file names."""
    asked = finding.expression or "annotated"
    return stem_of(asked, finding.provenance, (finding.boxes, finding.phrases, finding.mode, finding.area))


def finding_object(finding: Finding) -> dict[str, Any]:
    """The object that ``rsqa find --json`` prints and that ``…_finding.json`` holds.

    It is the record, with each box as four numbers, ``box_xyxy_px``, and with ``explanations`` as in an answer: name to
    path, the exported COG where ``finding.files`` has one; titles, legends and extents are in ``explanation_maps``.
    """
    data: dict[str, Any] = to_builtins(finding)
    for row, found in zip(data["boxes"], finding.boxes, strict=True):
        row.pop("box")
        row["box_xyxy_px"] = list(corners(found.box))
    maps: dict[str, dict[str, Any]] = data.pop("explanations")
    for name, one in maps.items():
        exported = finding_stem(finding) + map_ending(name)
        one["path"] = next((path for path in finding.files if Path(path).name == exported), one["path"])
    data["explanations"] = {name: one["path"] for name, one in maps.items()}
    data["explanation_maps"] = maps
    return data


def corners(box: Box) -> tuple[float, float, float, float]:
    """``x0, y0, x1, y1``."""
    return box.x0, box.y0, box.x1, box.y1


def box_rows(finding: Finding) -> list[dict[str, Value]]:
    """What is known of each box and where it comes from, the best first, under :data:`BOX_COLUMNS`."""
    by = finding.provenance
    source = (finding.expression, by.model, by.model_sha256, by.optical, by.sar, by.time_utc)
    rows = []
    for rank, found in enumerate(finding.boxes, 1):
        measures = (found.area_m2, found.length_m, found.width_m)
        values = (rank, found.label, found.score, found.sensor, *corners(found.box), *measures, *source)
        rows.append(dict(zip(BOX_COLUMNS, values, strict=True)))
    return rows


def search_row(finding: Finding) -> dict[str, Value]:
    """What was searched for and where, what with, and what a user should know of it: one row for the searched area."""
    searched: dict[str, Value] = {
        "expression": finding.expression,
        "understood": finding.understood,
        "mode": finding.mode,
        "threshold": finding.threshold,
        "boxes": len(finding.boxes),
        "searched": ",".join(finding.searched),
        "phrases": "\n".join(finding.phrases),
        "windows": 1 if finding.windows is None else finding.windows.windows,
    }
    return searched | place_properties(finding)
