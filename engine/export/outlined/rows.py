"""What an outline says, as the object that is printed and as rows, one per polygon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.export.names import stem_of
from engine.export.properties import Value, map_ending, place_properties
from engine.protocol import to_builtins
from engine.records import Outline

PART_COLUMNS = (
    "rank", "area_m2", "area_ha", "area_px", "mean_probability", "holes", "x0_px", "y0_px", "x1_px", "y1_px",
    "expression", "threshold", "model", "model_sha256", "optical", "sar", "time_utc",
)  # fmt: skip

M2_PER_HA = 10_000


def outline_stem(outline: Outline) -> str:
    """The common beginning of an outline's file names."""
    return stem_of(outline.expression, outline.provenance, (outline.cleaning, outline.parts, outline.area))


def outline_object(outline: Outline) -> dict[str, Any]:
    """The object that ``rsqa outline --json`` prints and that ``…_outline.json`` holds.

    It is the record, with ``threshold`` and ``area_ha`` beside it. ``mask``, ``probability``, ``polygons`` and
    ``explanations`` are paths, of the exported files where ``outline.files`` has them; titles, legends and extents of
    the maps are in ``explanation_maps``.
    """
    data: dict[str, Any] = to_builtins(outline)
    exported = {Path(path).name: path for path in outline.files}
    stem = outline_stem(outline)

    def best(ending: str, otherwise: str) -> str:
        return exported.get(stem + ending, otherwise)

    maps: dict[str, dict[str, Any]] = data.pop("explanations")
    for name, one in maps.items():
        one["path"] = best(map_ending(name), one["path"])
    data["mask"] = best("_mask.tif", outline.mask)
    data["probability"] = best("_probability.tif", outline.probability)
    data["polygons"] = best("_outline.geojson", outline.polygons)
    data["threshold"] = outline.cleaning.threshold
    data["area_ha"] = hectares(outline.area_m2)
    data["explanations"] = {name: one["path"] for name, one in maps.items()}
    data["explanation_maps"] = maps
    return data


def hectares(area_m2: float | None) -> float | None:
    """Hectares of square metres; None of None."""
    return None if area_m2 is None else area_m2 / M2_PER_HA


def part_rows(outline: Outline) -> list[dict[str, Value]]:
    """What is known of each polygon and where it comes from, the largest first, under :data:`PART_COLUMNS`."""
    by = outline.provenance
    source = (
        outline.expression, outline.cleaning.threshold, by.model, by.model_sha256, by.optical, by.sar, by.time_utc,
    )  # fmt: skip
    rows = []
    for rank, part in enumerate(outline.parts, 1):
        area = (part.area_m2, hectares(part.area_m2), part.area_px, part.mean_probability, len(part.holes_map))
        box = (part.box.x0, part.box.y0, part.box.x1, part.box.y1)
        rows.append(dict(zip(PART_COLUMNS, (rank, *area, *box, *source), strict=True)))
    return rows


def whole_row(outline: Outline) -> dict[str, Value]:
    """What was outlined and how much it is, what with, and what a user should know of it: one row for the area."""
    outlined: dict[str, Value] = {
        "expression": outline.expression,
        "understood": outline.understood,
        "threshold": outline.cleaning.threshold,
        "least_part_px": outline.cleaning.least_part_px,
        "least_hole_px": outline.cleaning.least_hole_px,
        "area_m2": outline.area_m2,
        "area_ha": hectares(outline.area_m2),
        "share": outline.share,
        "mean_probability": outline.mean_probability,
        "parts": len(outline.parts),
        "parts_cut": outline.parts_cut,
        "sensors": ",".join(outline.sensors),
        "windows": 1 if outline.windows is None else outline.windows.windows,
    }
    return outlined | place_properties(outline)
