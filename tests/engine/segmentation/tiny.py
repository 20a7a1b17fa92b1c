"""Networks small enough for tests, and what feeds them."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.segmentation.build import build_network
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.model import LgceNet
from engine.segmentation.network import FirstStage, PairInput, SegmentationOutput, Words

SIZE, TOKENS, TEXT = 64, 6, 24
CONFIG = SegmentationConfig(
    image_size=SIZE,
    text_width=TEXT,
    tokens=TOKENS,
    first_width=8,
    depths=(2, 2, 2, 1),
    window=4,
    drop_path=0.0,
    low_blocks=1,
    decoder_width=16,
)

LAVT: dict[str, object] = {"enhancement": False}
"""Changes to a configuration that make Table III's baseline of it."""


def tiny_network(seed: int = 3, **changes: object) -> LgceNet:
    torch.manual_seed(seed)
    return build_network(replace(CONFIG, **changes))  # type: ignore[arg-type]


def tiny_batch(count: int) -> dict[str, Tensor]:
    """Noise with two squares, each in a colour of its own; the words name one of them. The same every time.

    SAR shows the same squares as bright and dark. The last words of all but the first expression are not there.
    """
    drawn = torch.Generator().manual_seed(11)
    optical = 0.2 * torch.randn(8, 3, SIZE, SIZE, generator=drawn)
    sar = 0.2 * torch.randn(8, 1, SIZE, SIZE, generator=drawn)
    colours = torch.tensor([[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0]])
    corners = torch.tensor([[2, 2], [36, 36]]) + torch.randint(0, 8, (8, 2, 2), generator=drawn)
    said = torch.randn(2, TOKENS, TEXT, generator=drawn)
    mask = torch.zeros(8, SIZE, SIZE, dtype=torch.bool)
    for row in range(8):
        for thing, (x, y) in enumerate(corners[row].tolist()):
            optical[row, :, y : y + 20, x : x + 20] = colours[thing, :, None, None]
            sar[row, :, y : y + 20, x : x + 20] = 2.0 - 4.0 * thing
            if thing == row % 2:
                mask[row, y : y + 20, x : x + 20] = True
    word_mask = torch.ones(8, TOKENS, dtype=torch.bool)
    word_mask[1:, -2:] = False
    everywhere = torch.ones(8, SIZE, SIZE, dtype=torch.bool)
    batch = {
        "optical": optical,
        "sar": sar.expand(-1, 3, -1, -1),
        "optical_valid": everywhere,
        "sar_valid": everywhere,
        "words": said[torch.arange(8) % 2],
        "word_mask": word_mask,
        "mask": mask,
    }
    return {name: value[:count].clone() for name, value in batch.items()}


def pair_of(batch: dict[str, Tensor]) -> PairInput:
    return PairInput(batch["optical"], batch["sar"], batch["optical_valid"], batch["sar_valid"])


def words_of(batch: dict[str, Tensor]) -> Words:
    return Words(batch["words"], batch["word_mask"])


def first_of(network: LgceNet, batch: dict[str, Tensor]) -> FirstStage:
    return network.encode(pair_of(batch))


def output_of(network: LgceNet, batch: dict[str, Tensor]) -> SegmentationOutput:
    return network(first_of(network, batch), words_of(batch))  # type: ignore[no-any-return]


def loss_of(network: LgceNet, batch: dict[str, Tensor]) -> Tensor:
    """Plain cross-entropy over all pixels."""
    return F.cross_entropy(output_of(network, batch).logits, batch["mask"].long())
