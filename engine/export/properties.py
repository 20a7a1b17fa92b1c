"""What an answer says, as flat named values: the columns of the GeoPackage and the properties of the GeoJSON.

Names carry the unit (``model_gsd_m``); a value that does not exist (an absent sensor, no CRS) is None.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.export.names import stem
from engine.protocol import to_builtins
from engine.records import Answer, Finding, Outline, TiledAnswer

Value = str | float | int | bool | None
SENSORS = ("optical", "sar", "fusion")


def answer_object(answer: Answer) -> dict[str, Any]:
    """The object that ``rsqa ask --json`` prints and that ``…_answer.json`` holds.

    It is the record, with ``explanations`` as product.md promises them, name to path: the exported COG where
    ``answer.files`` has one, else the ``.npy`` array. Titles, legends and extents are in ``explanation_maps``.
    """
    data: dict[str, Any] = to_builtins(answer)
    maps: dict[str, dict[str, Any]] = data.pop("explanations")
    for name, one in maps.items():
        exported = stem(answer) + map_ending(name)
        one["path"] = next((path for path in answer.files if Path(path).name == exported), one["path"])
    data["explanations"] = {name: one["path"] for name, one in maps.items()}
    data["explanation_maps"] = maps
    return data


def all_messages(answer: Answer | TiledAnswer | Finding | Outline) -> tuple[str, ...]:
    """What the user should know: the gate's sentences about the pair, then those about the answer, each once."""
    return tuple(dict.fromkeys((*answer.gate.messages, *answer.messages)))


def map_ending(name: str) -> str:
    """How the file of explanation map ``name`` ends."""
    return f"_{name}.tif"


def flat_properties(answer: Answer) -> dict[str, Value]:
    """Everything about the answer except its geometry, in a fixed order, whatever sensors it had."""
    flat: dict[str, Value] = {
        "question": answer.question,
        "answer": answer.answer,
        "confidence": answer.confidence,
        "alternatives": json.dumps(to_builtins(answer.alternatives), ensure_ascii=False),
        "answer_set": json.dumps(answer.answer_set, ensure_ascii=False),
        "error_rate": answer.error_rate,
        "sensors": ",".join(answer.sensors),
    }
    for sensor in SENSORS:
        expert = answer.experts.get(sensor)
        flat[f"{sensor}_answer"] = expert.answer if expert else None
        flat[f"{sensor}_probability"] = expert.probability if expert else None
        flat[f"{sensor}_weight"] = expert.weight if expert else None
    return flat | place_properties(answer)


def place_properties(answer: Answer | TiledAnswer | Finding | Outline) -> dict[str, Value]:
    """Where an answer holds, what it was made from and with, and what a user should know of it."""
    area, gate, provenance = answer.area, answer.gate, answer.provenance
    return {
        "col_off": area.window.col_off,
        "row_off": area.window.row_off,
        "width_px": area.window.width,
        "height_px": area.window.height,
        "model_gsd_m": area.model_gsd_m,
        "valid_optical": area.valid_optical,
        "valid_sar": area.valid_sar,
        "verdict": provenance.verdict,
        "overlap": gate.overlap,
        "shift_x_px": gate.shift_px[0] if gate.shift_px else None,
        "shift_y_px": gate.shift_px[1] if gate.shift_px else None,
        "shift_is_sure": gate.shift_is_sure,
        "shift_applied_x_px": provenance.shift_applied_px[0],
        "shift_applied_y_px": provenance.shift_applied_px[1],
        "assume_registered": provenance.assume_registered,
        "optical": provenance.optical,
        "sar": provenance.sar,
        "optical_bands": ",".join(map(str, provenance.optical_bands)),
        "sar_bands": ",".join(map(str, provenance.sar_bands)),
        "sar_unit": provenance.sar_unit,
        "model": provenance.model,
        "model_sha256": provenance.model_sha256,
        "software": provenance.software,
        "device": provenance.device,
        "time_utc": provenance.time_utc,
        "messages": "\n".join(all_messages(answer)),
    }


# The columns that hold numbers, so that a file has the same types whichever of its values are missing.
FLOATS = frozenset(
    {
        "confidence",
        "mean_confidence",
        "error_rate",
        "score",
        "threshold",
        "x0_px",
        "y0_px",
        "x1_px",
        "y1_px",
        "area_m2",
        "area_ha",
        "area_px",
        "share",
        "mean_probability",
        "length_m",
        "width_m",
        "model_gsd_m",
        "valid_optical",
        "valid_sar",
        "overlap",
        "shift_x_px",
        "shift_y_px",
        "shift_applied_x_px",
        "shift_applied_y_px",
        *(f"{sensor}_{what}" for sensor in SENSORS for what in ("probability", "weight")),
    }
)
INTEGERS = frozenset(
    {
        "col_off",
        "row_off",
        "width_px",
        "height_px",
        "row",
        "column",
        "rows",
        "columns",
        "tile_side_px",
        "tiles",
        "rank",
        "boxes",
        "windows",
        "holes",
        "parts",
        "parts_cut",
        "least_part_px",
        "least_hole_px",
    }
)
BOOLEANS = frozenset({"shift_is_sure", "assume_registered"})
