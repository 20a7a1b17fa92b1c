"""A model folder of OptiSAR-Net++ for tests, and what stands in for its text encoder and for the network."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.catalog import ModelCard, file_sha256
from engine.catalog.card import write_card
from engine.grounding.config import STRIDES, GroundingConfig
from engine.grounding.network import BackboneFeatures, GroundingOutput
from engine.nn.weights import save_weights
from tests.engine.grounding.tiny import CONFIG, moved, tiny_network
from tests.engine.vqa.tiny import tiny_card

SMALL = replace(CONFIG, image_size=64)


class HashEmbedder:
    """In place of a text encoder: each text has a fixed random vector of length 1."""

    name = "hashes"

    def __init__(self, width: int = SMALL.embed_width) -> None:
        self.width = width

    def tokens_cut(self, text: str) -> int:
        """Twenty words fit."""
        return max(0, len(text.split()) - 20)

    def embed(self, texts: Sequence[str]) -> Tensor:
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") for text in texts]
        rows = [torch.randn(self.width, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return F.normalize(torch.stack(rows), dim=-1)


def finder_card(network: GroundingConfig = SMALL, **changes: object) -> ModelCard:
    facts = {"task": "grounding", "config": network.as_json(), "answers": (), "answers_version": ""}
    return tiny_card(**(facts | changes))


def write_finder(folder: Path, network: GroundingConfig = SMALL, **changes: object) -> Path:
    """A whole model folder: weights after some steps' worth of change, and a card that fits them, less ``changes``."""
    built = moved(tiny_network(**{name: getattr(network, name) for name in network.as_json()}))
    path = save_weights(built, folder)
    facts = {"sha256": file_sha256(path), "size_bytes": path.stat().st_size}
    write_card(finder_card(network, **(facts | changes)), folder)
    return folder


class SaysBoxes(torch.nn.Module):
    """In place of the network: gives ``boxes`` (input pixels), with a row of ``scores`` (0..1) for each text, in the
    order of its first cells. Counts how often it encodes."""

    def __init__(self, boxes: Sequence[Sequence[float]], scores: Sequence[Sequence[float]], size: int = 64) -> None:
        super().__init__()
        self.said, self.scores, self.size = torch.tensor(boxes).float(), torch.tensor(scores).float(), size
        self.encoded = 0

    def encode(self, picture: Tensor, valid: Tensor) -> BackboneFeatures:
        self.encoded += 1
        B, cells = len(picture), sum((self.size // stride) ** 2 for stride in STRIDES)
        maps = [torch.zeros(B, 1, self.size // stride, self.size // stride) for stride in STRIDES]
        return BackboneFeatures(*maps, torch.ones(B, cells, dtype=torch.bool), None, torch.zeros(B))

    def forward(self, view: BackboneFeatures, texts: Tensor, text_mask: Tensor) -> GroundingOutput:
        (B, A), T = view.cell_mask.shape, texts.shape[1]
        boxes, scores = torch.zeros(B, A, 4), torch.full((B, A, T), -1e9)
        boxes[:, : len(self.said)] = self.said
        scores[:, : len(self.said)] = torch.logit(self.scores[:T]).T
        empty = torch.zeros(A)
        return GroundingOutput(
            scores, torch.zeros(B, A, 4, 1), boxes, torch.zeros(A, 2), empty, (), (), view.cell_mask, view.balance
        )
