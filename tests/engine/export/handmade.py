"""Answers and maps made by hand, so that exporting is tested without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.records import (
    Alternative,
    Answer,
    AreaUsed,
    Box,
    ExpertOpinion,
    ExplanationMap,
    Grid,
    PairCheck,
    PixelWindow,
    Provenance,
    ValidShare,
)

UTM = Grid(400, 300, (10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0), "EPSG:32631", 10.0)
WINDOW = PixelWindow(40, 30, 200, 100)
AnswerMaker = Callable[..., Answer]


def write_map(folder: Path, name: str, values: np.ndarray, extent: Box, **about: object) -> ExplanationMap:
    path = folder / f"{name}.npy"
    np.save(path, values.astype(np.float32))
    rows, cols = values.shape
    fields = {"title": name, "kind": "attention", "sensor": "optical", "low": 0.0, "high": 1.0} | about
    return ExplanationMap(name=name, path=str(path), shape=(rows, cols), extent_px=extent, **fields)  # type: ignore[arg-type]


def maps_of(folder: Path, window: PixelWindow) -> dict[str, ExplanationMap]:
    """A regions map and a trust map on the letterboxed square of ``window``, padding NaN."""
    box = window.box
    pad = (box.width - box.height) / 2
    square = Box(box.x0, box.y0 - pad, box.x1, box.y1 + pad)
    regions = np.full((7, 7), np.nan)
    regions[3, 2], regions[2, 6], regions[0, 0] = 0.9, 0.4, 0.7  # the last one lies in the padding
    trust = np.full((14, 14), np.nan)
    trust[4:10] = np.linspace(0, 1, 14)
    return {
        "regions-sar": write_map(folder, "regions-sar", regions, square, kind="regions", sensor="sar"),
        "trust": write_map(folder, "trust", trust, square, kind="trust", sensor="both"),
    }


def answer_by_hand(
    arrays: Path,
    grid: Grid = UTM,
    window: PixelWindow = WINDOW,
    optical: str | None = None,
    sar: str | None = None,
    shift_applied: tuple[float, float] = (0.0, 0.0),
    **fields: object,
) -> Answer:
    gate = PairCheck(
        "aligned", (1.5, -0.5), (15.0, -5.0), 0.8, True, 16.0, 1.0, ValidShare(1.0, 0.9), 1.0, {}, None, None
    )
    provenance = Provenance(
        optical, sar, (1, 2, 3), (1,), "db", "aligned", shift_applied, "tgfnet-compact", "ab" * 32,
        "rsqa-desktop 0.1.0", "cpu", "2026-11-21T10:44:55+00:00",
    )  # fmt: skip
    values: dict[str, object] = {
        "question": "Is there a river?",
        "answer": "yes",
        "confidence": 0.93,
        "alternatives": (Alternative("yes", 0.93), Alternative("no", 0.07)),
        "answer_set": ("yes",),
        "experts": {
            "optical": ExpertOpinion("yes", 0.8, 0.58),
            "sar": ExpertOpinion("no", 0.6, 0.41),
            "fusion": ExpertOpinion("yes", 0.9, 0.77),
        },
        "explanations": maps_of(arrays, window),
        "area": AreaUsed(window, grid, 8.4, (0.5, 10.0), 1.0, 0.9),
        "gate": gate,
        "provenance": provenance,
    }
    return Answer(**(values | fields))  # type: ignore[arg-type]
