"""A pair of small rasters and a tiny untrained model for the processes to work on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tests.engine.jobs.child import write_raster


@dataclass(frozen=True)
class Pair:
    optical: str
    sar: str
    model: str


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> str:
    """A TGFNet with every block at its smallest, fresh weights and a card, as a folder."""
    torch = pytest.importorskip("torch")
    from engine.catalog.card import ModelCard, TrainingData, file_sha256, write_card
    from engine.nn.preprocess import PreprocessSpec
    from engine.nn.weights import save_weights
    from engine.text import ANSWERS, ANSWERS_VERSION
    from engine.vqa.build import build_network
    from engine.vqa.config import TgfnetConfig

    torch.manual_seed(1)
    config = TgfnetConfig(answers=len(ANSWERS), image_size=64, width=32, stem_channels=(16, 32), kept_regions=2)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    weights = save_weights(build_network(config), folder)
    card = ModelCard(
        card_version=1,
        name="tiny",
        task="vqa",
        preset="compact",
        summary="fresh weights, for tests",
        licence="Apache-2.0",
        config=config.as_json(),
        preprocess=PreprocessSpec().as_json(),
        answers=ANSWERS,
        answers_version=str(ANSWERS_VERSION),
        temperature=1.0,
        trained_gsd_m=(5.0, 20.0),
        training_data=TrainingData("none", "none", 0),
        pretrained=(),
        recipe={},
        command="none",
        seed=1,
        versions={},
        created_utc="2026-01-01T00:00:00+00:00",
        metrics_split="none",
        metrics={},
        guess={},
        sha256=file_sha256(weights),
        size_bytes=weights.stat().st_size,
    )
    write_card(card, folder)
    return str(folder)


@pytest.fixture(scope="session")
def pair(tmp_path_factory, tiny_model) -> Pair:
    """Optical and SAR of one structure, aligned, 256 x 192 pixels of 10 m."""
    folder = tmp_path_factory.mktemp("pair")
    return Pair(*write_pair(folder), tiny_model)


def write_pair(folder: Path) -> tuple[str, str]:
    rng = np.random.default_rng(7)
    blobs = gaussian_filter(rng.normal(size=(192, 256)), 4)
    blobs /= blobs.std()
    optical = np.stack([120 + 40 * blobs, 110 + 30 * blobs, 90 + 35 * blobs]) + rng.normal(size=(3, 192, 256))
    sar = (-12 + 4 * blobs + rng.normal(size=blobs.shape)).astype(np.float32)
    return (
        write_raster(folder / "optical.tif", optical.clip(1, 255).astype(np.uint8)),
        write_raster(folder / "sar.tif", sar[np.newaxis]),
    )
