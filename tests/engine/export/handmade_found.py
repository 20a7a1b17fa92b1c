"""A finding made by hand, so that exporting and telling it is tested without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.records import Box, Finding, FoundBox, Grid
from tests.engine.export.handmade import UTM, WINDOW, answer_by_hand, write_map

BOXES = (
    (Box(60.5, 40.0, 90.0, 60.25), 0.91, "storage tank", "both"),
    (Box(100.0, 50.0, 130.0, 70.0), 0.5, "ship", "optical"),
    (Box(200.0, 110.0, 230.0, 130.0), 0.3, "ship", "sar"),
)


def finding_by_hand(folder: Path, grid: Grid = UTM, **changes: object) -> Finding:
    """Of ``optical.tif`` and ``sar.tif`` in ``folder``, which need not exist; its one map does."""
    by_hand = answer_by_hand(folder, grid, optical=str(folder / "optical.tif"), sar=str(folder / "sar.tif"))
    boxes = tuple(
        FoundBox(box, tuple(grid.to_map(*corner) for corner in box.corners), score, label, sensor, 100.0, 20.0, 5.0)
        for box, score, label, sensor in BOXES
    )
    finding = Finding(
        expression="white tanks and ships",
        mode="all",
        boxes=boxes,
        understood="storage tank (all of them)",
        threshold=0.25,
        searched=("optical", "sar"),
        explanations={"gate": write_map(folder, "gate", np.full((4, 4), 0.5), WINDOW.box, kind="gate")},
        area=by_hand.area,
        gate=by_hand.gate,
        provenance=by_hand.provenance,
    )
    return replace(finding, **changes)  # type: ignore[arg-type]
