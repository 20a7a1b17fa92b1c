"""Networks small enough for tests, and what feeds them."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.grounding.build import build_network
from engine.grounding.config import GroundingConfig
from engine.grounding.losses import LossWeights, grounding_loss
from engine.grounding.model import OptiSarNet
from engine.grounding.network import BackboneFeatures, GroundingOutput, Targets

SIZE, TEXTS, THINGS, EMBED = 96, 5, 3, 24
CONFIG = GroundingConfig(
    image_size=SIZE,
    embed_width=EMBED,
    texts=TEXTS,
    conv_widths=(8, 8, 16, 16, 32),
    stage_widths=(16, 16, 32, 32),
    neck_widths=(16, 32, 32),
    experts=4,
    rank=2,
    fusion_width=16,
    fusion_heads=2,
    shuffle_groups=2,
    box_bins=4,
)
BASELINE = {"experts": 0, "fusion": False, "region": False}
"""Changes to a configuration that make Table V's first row of it."""

NAMES_OF_INPUTS = ("picture", "valid", "texts", "text_mask")


def tiny_network(seed: int = 3, **changes: object) -> OptiSarNet:
    torch.manual_seed(seed)
    return build_network(replace(CONFIG, **changes))  # type: ignore[arg-type]


def moved(network: OptiSarNet, seed: int = 5) -> OptiSarNet:
    """``network`` as it is after its first steps: what starts at exactly 0 (gates, the adapter's and the experts' last
    maps) has left it. Before that, what lies behind those zeros has no gradient and no effect."""
    drawn = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not parameter.any() and not name.endswith(("norm.bias", "conv.bias")):
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=drawn))
    return network


def tiny_batch(count: int) -> dict[str, Tensor]:
    """Noise with a large, a middling and a small rectangle, each in a colour that a text names; the same every time.

    They suit the boxes that P5, P4 and P3 begin with. The last text slot is empty but in the first picture, and the
    last of eight pictures has one thing less.
    """
    drawn = torch.Generator().manual_seed(11)
    picture = 0.2 * torch.randn(8, 3, SIZE, SIZE, generator=drawn)
    colours = torch.tensor([[2.0, -1.0, -1.0], [-1.0, 2.0, -1.0], [-1.0, -1.0, 2.0]])
    corners = torch.tensor([[2, 2], [8, 8], [60, 60]]) + torch.randint(0, 8, (8, THINGS, 2), generator=drawn)
    sides = torch.tensor([[80, 80], [40, 40], [20, 20]]) + torch.randint(0, 8, (8, THINGS, 2), generator=drawn)
    boxes = torch.cat([corners, corners + sides], -1)  # [8, K, 4]
    for row, things in enumerate(boxes.tolist()):
        for thing, (x0, y0, x1, y1) in enumerate(things):
            picture[row, :, y0:y1, x0:x1] = colours[thing, :, None, None]
    names = torch.eye(THINGS, TEXTS, dtype=torch.bool).expand(8, -1, -1).clone()
    box_mask = torch.ones(8, THINGS, dtype=torch.bool)
    box_mask[-1, -1] = False
    text_mask = torch.ones(8, TEXTS, dtype=torch.bool)
    text_mask[1:, -1] = False
    texts = F.normalize(torch.randn(TEXTS, EMBED, generator=drawn), dim=-1).expand(8, -1, -1).clone()
    batch = {
        "picture": picture,
        "valid": torch.ones(8, SIZE, SIZE, dtype=torch.bool),
        "texts": texts,
        "text_mask": text_mask,
        "boxes": boxes.float(),
        "box_mask": box_mask,
        "names": names,
    }
    return {name: value[:count].clone() for name, value in batch.items()}


def view_of(network: OptiSarNet, batch: dict[str, Tensor]) -> BackboneFeatures:
    return network.encode(batch["picture"], batch["valid"])


def output_of(network: nn.Module, batch: dict[str, Tensor]) -> GroundingOutput:
    assert isinstance(network, OptiSarNet)
    return network(view_of(network, batch), batch["texts"], batch["text_mask"])  # type: ignore[no-any-return]


def targets_of(batch: dict[str, Tensor]) -> Targets:
    return Targets(batch["boxes"], batch["box_mask"], batch["names"], batch["text_mask"])


def loss_of(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return grounding_loss(output_of(network, batch), targets_of(batch), LossWeights())[0]


def best_boxes(output: GroundingOutput) -> Tensor:
    """The box of the best cell for each text, [B, T, 4]."""
    best = output.scores.argmax(1)  # [B, T]
    return output.boxes.gather(1, best.unsqueeze(-1).expand(-1, -1, 4))
