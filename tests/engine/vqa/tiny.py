"""Networks small enough for tests, and what feeds them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.catalog import ModelCard, file_sha256
from engine.catalog.card import CARD_VERSION, TrainingData, write_card
from engine.nn.preprocess import PreprocessSpec
from engine.nn.text import TextFeatures
from engine.nn.weights import save_weights
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import ViewFeatures, VqaNetwork, VqaOutput

CONFIG = TgfnetConfig(
    answers=5,
    image_size=64,
    patch=16,
    text_width=24,
    stem_channels=(16, 16),
    stem_blocks=(1, 1, 1),
    vision_layers=1,
    width=32,
    heads=4,
    mlp_ratio=2.0,
    kept_regions=2,
    neighbours=3,
    dropout=0.0,
)
ANSWERS = ("yes", "no", "1", "2", "top left")


def tiny_model(seed: int = 3, **changes: object) -> VqaNetwork:
    torch.manual_seed(seed)
    return build_network(replace(CONFIG, **changes))  # type: ignore[arg-type]


def tiny_batch(count: int) -> dict[str, Tensor]:
    """Random pictures and questions, everything present, the same on every call."""
    generator = torch.Generator().manual_seed(11)
    present = torch.ones(8, CONFIG.patches, dtype=torch.bool)
    batch = {
        "optical": torch.randn(8, 3, 64, 64, generator=generator),
        "optical_mask": present,
        "sar": torch.randn(8, 1, 64, 64, generator=generator).expand(8, 3, 64, 64),
        "sar_mask": present,
        "tokens": torch.randn(8, 6, CONFIG.text_width, generator=generator),
        "token_mask": torch.arange(6).expand(8, 6) < torch.tensor([[6], [4], [5], [3], [6], [6], [2], [1]]),
    }
    return {name: value[:count].clone() for name, value in batch.items()}


def view_of(model: VqaNetwork, batch: dict[str, Tensor]) -> ViewFeatures:
    return model.encode(batch["optical"], batch["optical_mask"], batch["sar"], batch["sar_mask"])


def output_of(model: VqaNetwork, batch: dict[str, Tensor]) -> VqaOutput:
    return model(view_of(model, batch), batch["tokens"], batch["token_mask"])  # type: ignore[no-any-return]


class WordHashes:
    """In place of the text encoder: each word has a fixed random vector."""

    def __init__(self, max_tokens: int = 77) -> None:
        self.max_tokens = max_tokens

    def __call__(self, text: str) -> TextFeatures:
        words = text.lower().split()
        seeds = [int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") for word in words]
        vectors = [torch.randn(CONFIG.text_width, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return TextFeatures(torch.stack(vectors[: self.max_tokens]), max(0, len(words) - self.max_tokens))

    def encode_all(self, texts: Sequence[str], batch: int = 64) -> list[TextFeatures]:
        return [self(text) for text in texts]


def tiny_card(**changes: object) -> ModelCard:
    card = ModelCard(
        card_version=CARD_VERSION,
        name="tiny",
        task="vqa",
        preset="tiny",
        summary="For tests.",
        licence="Apache-2.0",
        config=CONFIG.as_json(),
        preprocess=PreprocessSpec().as_json(),
        answers=ANSWERS,
        answers_version="1",
        temperature=1.0,
        trained_gsd_m=(0.5, 10.0),
        training_data=TrainingData("none", "none", 0),
        pretrained=(),
        recipe={},
        command="none",
        seed=0,
        versions={},
        created_utc="2026-01-01T00:00:00+00:00",
        metrics_split="none",
        metrics={},
        guess={},
        sha256="",
        size_bytes=0,
    )
    return replace(card, **changes)  # type: ignore[arg-type]


def write_tiny_model(folder: Path, **changes: object) -> Path:
    """A whole model folder: weights and a card that fits them, less ``changes``."""
    path = save_weights(tiny_model(), folder)
    facts = {"sha256": file_sha256(path), "size_bytes": path.stat().st_size}
    write_card(tiny_card(**(facts | changes)), folder)
    return folder
