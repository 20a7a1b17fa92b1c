"""A model folder of LGCE for tests, and what stands in for its text encoder and for the whole predictor."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from engine.catalog import ModelCard, file_sha256
from engine.catalog.card import PretrainedPart, write_card
from engine.nn.preprocess import PreprocessSpec
from engine.nn.weights import save_weights
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.network import Words
from engine.segmentation.words import stored_parts
from tests.engine.segmentation.tiny import CONFIG, TEXT, tiny_network
from tests.engine.vqa.tiny import tiny_card


class HashWords:
    """In place of a text encoder: each word has a fixed random vector, and so have the marks around a text."""

    name, width = "hashes", TEXT
    pretrained = PretrainedPart("hashes", "none", "1", "none", {})

    def __init__(self, width: int = TEXT) -> None:
        self.width = width

    def words(self, texts: Sequence[str], tokens: int) -> Words:
        vectors, mask = torch.zeros(len(texts), tokens, self.width), torch.zeros(len(texts), tokens, dtype=torch.bool)
        for row, text in enumerate(texts):
            for place, piece in enumerate(self.pieces(text, tokens)):
                seed = int.from_bytes(hashlib.sha256(piece.encode()).digest()[:4], "big")
                vectors[row, place] = torch.randn(self.width, generator=torch.Generator().manual_seed(seed))
                mask[row, place] = True
        return Words(vectors, mask)

    def pieces(self, text: str, tokens: int) -> tuple[str, ...]:
        """A word's ending in “ed” is a piece of its own."""
        pieces = [part for word in text.split() for part in self._parts(word)]
        return ("[CLS]", *pieces[: tokens - 2], "[SEP]")

    def tokens_cut(self, text: str, tokens: int) -> int:
        return max(0, sum(len(self._parts(word)) for word in text.split()) + 2 - tokens)

    @staticmethod
    def _parts(word: str) -> list[str]:
        return [word[:-2], "##ed"] if word.endswith("ed") else [word]


def outliner_card(network: SegmentationConfig = CONFIG, **changes: object) -> ModelCard:
    facts = {"task": "segmentation", "config": network.as_json(), "answers": (), "answers_version": ""}
    return tiny_card(**(facts | changes))


def write_outliner(folder: Path, network: SegmentationConfig = CONFIG, **changes: object) -> Path:
    """A whole model folder: fresh weights, and a card that fits them, less ``changes``."""
    built = tiny_network(**{name: getattr(network, name) for name in network.as_json()})
    path = save_weights(stored_parts(built, HashWords()), folder)
    facts = {"sha256": file_sha256(path), "size_bytes": path.stat().st_size}
    write_card(outliner_card(network, **(facts | changes)), folder)
    return folder


class SeesLevels:
    """In place of a predictor: a pixel is as likely as its first band comes near to the level that a text names.

    Counts its batches, and keeps the texts that it was asked.
    """

    threshold = 0.5
    reads = ("optical", "sar")
    spec = PreprocessSpec()

    def __init__(self, levels: dict[str, float], side: int = 64, gsd_m: tuple[float, float] = (10.0, 10.0)) -> None:
        self.card = outliner_card(trained_gsd_m=gsd_m)
        self.config = SimpleNamespace(image_size=side, sensors="both")
        self.levels = levels
        self.batches: list[int] = []
        self.texts: set[str] = set()
        self.limits: list[object] = []

    def encode_each(self, areas, limits=None):
        self.batches.append(len(areas))
        self.limits.append(limits)
        return [area if area.optical is not None and area.optical.valid.any() else None for area in areas]

    def outline_each(self, views, text):
        self.texts.add(text)
        level = next(level for name, level in self.levels.items() if name in text)
        return [SimpleNamespace(probability=self.likely(view.optical, level)) for view in views]

    @staticmethod
    def likely(seen, level: float) -> np.ndarray:
        near = np.clip(1 - np.abs(seen.values[0] - level) / 60, 0, 1).astype(np.float32)
        return np.where(seen.valid, near, np.float32(np.nan))

    def tokens_cut(self, text: str) -> int:
        return 0
