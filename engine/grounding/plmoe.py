"""PL-MoE, the patch-level mixture of low-rank experts (section III-B, eqs. 1-3), with DAA before it.

One shared convolution serves optical and SAR pictures alike; each patch of the map also goes to the few experts that
its mean features choose. An expert is a low-rank map, so that eight of them weigh less than one convolution.

Shapes: B pictures, C channels of the half of the map that is worked on, H x W cells, E experts of rank r, patches in
``rows`` x ``columns``. Masks are True where a cell has data. What the paper leaves open is marked *our reading*.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.grounding.config import GroundingConfig
from engine.nn.blocks import masked_mean, masked_softmax
from engine.nn.csp import ConvNormAct, batch_norm

LAYER_SCALE = 1e-2
"""Where the learnable weights of both residual branches start: the stage begins close to its input."""

GATE_TEMPERATURE = 0.5
"""Where the gate's learnable temperature starts: cosines are divided by it."""

LARGEST_GATE_FACTOR = 100.0
"""The most that cosines are multiplied by."""

BALANCE_WEIGHT = 1e-3
"""Of the load-balance loss, within this module; the loss of the whole network has a weight of its own on top."""


class DualAdaptiveAttention(nn.Module):
    """DAA: each value times a gate of its channel and a gate of its cell, DAA(x) = x · c(x) · s(x).

    c is squeeze-excite with a quarter of the channels, over cells with data; s is 1x1-BN-ReLU-1x1-sigmoid, one number
    per cell (*our reading*: a quarter of the channels here too).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(1, width // 4)
        self.channel_gate = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width), nn.Sigmoid())
        self.narrow = nn.Sequential(nn.Conv2d(width, hidden, 1, bias=False), batch_norm(hidden), nn.ReLU())
        self.cell_gate = nn.Sequential(nn.Conv2d(hidden, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor, cell_mask: Tensor) -> Tensor:
        """``x`` [B, C, H, W] with data in ``cell_mask`` bool [B, H, W] -> the shape of ``x``."""
        squeezed = masked_mean(x.flatten(2).transpose(1, 2), cell_mask.flatten(1))  # [B, H W, C] -> [B, C]
        channels = self.channel_gate(squeezed)[:, :, None, None]  # [B, C, 1, 1]
        return x * channels * self.cell_gate(self.narrow(x))  # type: ignore[no-any-return]


class PatchRoutes(NamedTuple):
    """What the gate decides: ``shares`` [B, rows, columns, E], which add to 1 over the chosen experts of a patch with
    data and are exactly 0 elsewhere, and the load-balance loss ``balance`` [B] (zeros in evaluation)."""

    shares: Tensor
    balance: Tensor


class CosineGate(nn.Module):
    """G of eq. 3: the cosine of a patch's projected mean with each expert's vector chooses the top k experts.

    logit_i = cos(W x̄, v_i) · min(e^t, 100), t learnable from log(1 / 0.5); the shares are a softmax over the k chosen.
    *Our reading*: W has no bias, which would turn the directions of all patches with small means the same way.
    In training, normal noise with a standard deviation of 1 / E is added before the choice (*our reading*, after
    Riquelme et al. 2021; the paper names none), so that an expert nobody prefers is tried now and then. It comes from
    torch's global generator, which the loop seeds for each step: a resumed run draws the same.

    The load-balance loss of a picture is 0.001 · E Σ f_i P_i over its patches with data: f_i the part of all choices
    that fell on expert i, P_i its mean probability under a softmax over all experts, without noise. E Σ f_i P_i is 1
    where all experts have the same load. P reaches the vector of every expert, chosen or not. Where k is 1 the gate
    learns from this loss alone, as the only share is then 1 whatever the logits are.
    """

    def __init__(self, width: int, experts: int, top_k: int) -> None:
        super().__init__()
        self.top_k = top_k
        self.noise = 1.0 / experts
        self.project = nn.Linear(width, width, bias=False)
        self.vectors = nn.Parameter(torch.randn(experts, width))
        self.log_factor = nn.Parameter(torch.tensor(math.log(1.0 / GATE_TEMPERATURE)))

    def forward(self, means: Tensor, patch_mask: Tensor) -> PatchRoutes:
        """``means`` [B, rows, columns, C] of patches with data in ``patch_mask`` bool [B, rows, columns]."""
        projected = F.normalize(self.project(means), dim=-1)  # [B, rows, columns, C]
        cosines = projected @ F.normalize(self.vectors, dim=-1).T  # [B, rows, columns, E]
        logits = cosines * self.log_factor.clamp(max=math.log(LARGEST_GATE_FACTOR)).exp()
        heard = logits + torch.randn_like(logits) * self.noise if self.training else logits
        chosen = torch.zeros_like(heard, dtype=torch.bool).scatter(-1, heard.topk(self.top_k, dim=-1).indices, True)
        shares = masked_softmax(heard, chosen) * patch_mask.unsqueeze(-1)
        return PatchRoutes(shares, self._balance(logits, chosen, patch_mask))

    def _balance(self, logits: Tensor, chosen: Tensor, patch_mask: Tensor) -> Tensor:
        """0.001 · E Σ f_i P_i of each picture, [B]; 0 for a picture without data, and in evaluation."""
        if not self.training:
            return logits.new_zeros(len(logits))
        mask = patch_mask.flatten(1)  # [B, P]
        load = masked_mean(chosen.to(logits.dtype).flatten(1, 2), mask) / self.top_k  # f [B, E]
        probability = masked_mean(logits.softmax(-1).flatten(1, 2), mask)  # P [B, E]
        return BALANCE_WEIGHT * logits.shape[-1] * (load * probability).sum(-1)


class LowRankExperts(nn.Module):
    """Eq. 3 with the experts of eq. 1: y = Σ_i G_i E_i(x), E_i(x) = S(x) + α B_i A_i x.

    The shares G of a patch add to 1, so y = S(x) + α Σ_i G_i B_i A_i x, and the shared part S is computed once. All A_i
    are one 1x1 map to E r channels, of which the shares leave those of the chosen experts. The others are multiplied by
    0, which is cheaper than gathering patches: at the paper's widths all of them together cost a ninth of S. *Our
    reading*: S is conv3x3 C -> C / 2, conv3x3 C / 2 -> C over the whole map, and α is one number for all experts.

    As is usual with low-rank parts, B starts at 0 and A at random, so that the experts begin as S. In that first state
    the gradient of A and of α is exactly zero; B's is not, and after one step all three learn. In a step in which no
    patch chooses an expert its A_i and B_i have zero gradient; the gate's noise and the balance loss bring it back.
    """

    def __init__(self, width: int, experts: int, rank: int, scale: float) -> None:
        super().__init__()
        hidden = max(1, width // 2)
        self.shared = nn.Sequential(ConvNormAct(width, hidden, 3), ConvNormAct(hidden, width, 3))
        self.down = nn.Parameter(torch.empty(experts, rank, width).uniform_(-1.0, 1.0) / math.sqrt(width))  # A
        self.up = nn.Parameter(torch.zeros(experts, width, rank))  # B
        self.scale = nn.Parameter(torch.tensor(scale))  # alpha

    def forward(self, x: Tensor, shares: Tensor) -> Tensor:
        """``x`` [B, C, H, W] with the experts' ``shares`` [B, E, H, W] in each cell -> [B, C, H, W]."""
        inner = torch.einsum("erc,bchw->berhw", self.down, x) * shares.unsqueeze(2)  # [B, E, r, H, W]
        return self.shared(x) + self.scale * torch.einsum("ecr,berhw->bchw", self.up, inner)  # type: ignore[no-any-return]


class PatchExperts(nn.Module):
    """PL-MoE as a CSP stage: 1x1 to two halves, one of them through DAA and the mixture, both joined by a 1x1.

    Eq. 2 and 3 on that half, with BatchNorm before and a layer scale s behind each branch: x' = x + s · DAA(BN x), then
    out = x + s · MoE(BN x'), both residuals from the half as it came. Routing is by patches of ``moe_patch``² cells
    ("patch"), by cells ("token") or by whole pictures ("image"). Patches at the lower and right edge are cut where the
    map ends; a patch is described by its cells with data alone. A patch without data gets the shared expert only, has
    shares of 0 and weighs nothing in the balance loss.
    """

    def __init__(self, inputs: int, outputs: int, config: GroundingConfig) -> None:
        super().__init__()
        half = outputs // 2
        self.routing = config.routing
        self.side = config.moe_patch if config.routing == "patch" else 1
        self.split = ConvNormAct(inputs, 2 * half)
        self.norm_attention = batch_norm(half)
        self.attention = DualAdaptiveAttention(half)
        self.scale_attention = nn.Parameter(torch.full((half, 1, 1), LAYER_SCALE))
        self.norm_experts = batch_norm(half)
        self.gate = CosineGate(half, config.experts, config.top_k)
        self.experts = LowRankExperts(half, config.experts, config.rank, config.low_rank_scale)
        self.scale_experts = nn.Parameter(torch.full((half, 1, 1), LAYER_SCALE))
        self.join = ConvNormAct(2 * half, outputs)

    def forward(self, x: Tensor, cell_mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``x`` [B, inputs, H, W] with data in ``cell_mask`` bool [B, H, W].

        Returns the map [B, outputs, H, W], the shares [B, E, rows, columns] and the balance loss [B] of the gate.
        """
        passed, worked = self.split(x).chunk(2, 1)  # 2 x [B, C, H, W]
        attended = worked + self.scale_attention * self.attention(self.norm_attention(worked), cell_mask)
        normed = self.norm_experts(attended)
        side = self.patch_size(x)
        means, patch_mask = patch_means(normed, cell_mask, side)
        with torch.autocast(x.device.type, enabled=False):  # choices by close cosines need the precision of float32
            routes = self.gate(means, patch_mask)
        shares = routes.shares.permute(0, 3, 1, 2)  # [B, E, rows, columns]
        mixed = self.experts(normed, over_cells(shares, side, x.shape[-2:]))
        joined = self.join(torch.cat([passed, worked + self.scale_experts * mixed], 1))  # [B, outputs, H, W]
        return joined, shares, routes.balance

    def patch_size(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of one patch of the map ``x`` [B, C, H, W], in cells."""
        return (x.shape[-2], x.shape[-1]) if self.routing == "image" else (self.side, self.side)


def patch_means(x: Tensor, cell_mask: Tensor, side: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Mean of ``x`` [B, C, H, W] over the cells with data of each patch of ``side`` cells, and which patches have any.

    -> [B, rows, columns, C] in float32 (zeros where a patch has no data) and bool [B, rows, columns]. Cells beyond the
    map are no cells of the patch.
    """
    with torch.autocast(x.device.type, enabled=False):
        weight = cell_mask.float().unsqueeze(1)  # [B, 1, H, W]
        total = F.avg_pool2d(x.float() * weight, side, ceil_mode=True, divisor_override=1)  # [B, C, rows, columns]
        count = F.avg_pool2d(weight, side, ceil_mode=True, divisor_override=1)  # [B, 1, rows, columns]
        return (total / count.clamp_min(1.0)).permute(0, 2, 3, 1), count.squeeze(1) > 0


def over_cells(shares: Tensor, side: tuple[int, int], size: torch.Size) -> Tensor:
    """Each patch's shares [B, E, rows, columns] in each of its cells: [B, E, H, W] of ``size`` (H, W)."""
    repeated = shares.repeat_interleave(side[0], 2).repeat_interleave(side[1], 3)
    return repeated[:, :, : size[0], : size[1]]
