"""A predictor that answers by brightness, and rasters of known halves: a map of answers can be told beforehand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.catalog import read_card
from engine.jobs.ask import Asker
from engine.vqa.config import TgfnetConfig
from engine.vqa.predictor import AreaArrays, BriefPrediction
from tests.engine.jobs.child import write_raster


class ByBrightness:
    """Stands in for ``TgfnetPredictor``: “yes” where the mean is high, “no” where it is low; sure by how far.

    Optical values run from 0 to 255, SAR from -30 to 0 dB.
    """

    def __init__(self, model: str, *, seconds: float = 0.0) -> None:
        self.card = read_card(Path(model))
        self.config = TgfnetConfig.from_json(self.card.config)
        self.seen: list[AreaArrays] = []
        self._seconds = seconds

    def tokens_cut(self, question: str) -> int:
        return 0

    def answer_each(
        self, areas: Sequence[AreaArrays], question: str, *, strict: bool = False
    ) -> list[BriefPrediction | None]:
        self.seen += areas
        time.sleep(self._seconds * len(areas))
        return [self._one(area) for area in areas]

    def _one(self, area: AreaArrays) -> BriefPrediction | None:
        bright, sensors = [], []
        if area.optical is not None and area.optical_valid.any():
            bright.append(float(area.optical[:, area.optical_valid].mean()) / 255)
            sensors.append("optical")
        if area.sar is not None and area.sar_valid.any():
            bright.append(float(area.sar[:, area.sar_valid].mean()) / 30 + 1)
            sensors.append("sar")
        if not sensors:
            return None
        share = float(np.mean(bright))
        answer = self.card.answers.index("yes" if share >= 0.5 else "no")
        return BriefPrediction(answer, max(share, 1 - share), tuple(sensors))


def asker_with(predictor: ByBrightness, monkeypatch) -> Asker:
    """An ``Asker`` whose only model is ``predictor``."""
    asker = Asker("cpu")
    monkeypatch.setattr(asker, "predictor", lambda folder, device: predictor)
    return asker


def write_halves(folder: Path, width: int = 320, height: int = 200, edge: int | None = None) -> tuple[str, str]:
    """An optical and a SAR raster that are bright left of column ``edge`` (the middle) and dark right of it."""
    edge = width // 2 if edge is None else edge
    noise = np.random.default_rng(4).normal(size=(height, width))
    bright = np.where(np.arange(width) < edge, 1.0, 0.0) + 0.02 * noise
    optical = np.stack([bright] * 3) * 150 + 50
    sar = (bright * 20 - 25).astype(np.float32)
    return (
        write_raster(folder / "halves_optical.tif", optical.clip(1, 255).astype(np.uint8), nodata=0),
        write_raster(folder / "halves_sar.tif", sar[np.newaxis]),
    )
