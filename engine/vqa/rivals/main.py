"""MAIN: Mutual Attention Inception Network for Remote Sensing Visual Question Answering (Zheng, Wang, Du, Lu;
IEEE TGRS 2021).

*What our paper says* (section V-B, II-B): convolutional features carry where things are, word vectors what is meant;
a mutual attention component aligns image regions with words, and a bilinear model fuses the two.

*What is known of the original*: VGG-16 gives 14 x 14 places, which an Inception block (kernels of several sizes side
by side, as in Inception v3) takes on to 512 channels, and one vector for the whole picture; a GRU gives the words and
one vector for the sentence. The sentence attends to the places and the picture's vector to the words, each by a dot
product and a softmax. What was attended is joined to the vector of its own side; the outer product of the two sides
is normalised by a signed square root and its length, and a linear layer classifies it.

*Our reading*: the Inception block is four branches of D / 4 channels (1 x 1, 3 x 3, 5 x 5, a 3 x 3 mean). Dot products
are divided by √D. The outer product of two vectors of 2D would need (2D)² C weights; as in factorised bilinear pooling
(Yu et al., ICCV 2017) each of D outputs is x^T W y with a W of low rank, normalised alike. LayerNorm takes the place of
Inception's batch statistics.

*What cannot be the same here*: the shared encoder's patches stand for VGG's places, their mean for VGG's class
scores, the shared text features for the word vectors.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.blocks import masked_mean, masked_softmax
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import ViewFeatures, VqaNetwork, VqaOutput, added, plain_output, seen, text_projection
from engine.vqa.rivals.blocks import QuestionGru, unit

RANK = 5  # of each output's bilinear form; the factor of Yu et al.
KERNELS = (1, 3, 5)  # of the Inception branches, beside the mean over 3 x 3 patches
SOFT_ZERO = 1e-3  # keeps the slope of the square root finite at 0


class Inception(nn.Module):
    """Four looks at the patch grid, each over another neighbourhood, side by side; patches without data are unseen."""

    def __init__(self, width: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        part = width // 4
        self.branches = nn.ModuleList([nn.Conv2d(width, part, size, padding=size // 2) for size in KERNELS])
        self.of_mean = nn.Conv2d(width, width - len(KERNELS) * part, 1)
        self.norm = nn.LayerNorm(width)

    def forward(self, patches: Tensor, mask: Tensor) -> Tensor:
        """``patches`` [B, M, D] with data where ``mask`` [B, M] -> [B, M, D]."""
        B, _, D = patches.shape
        there = mask.reshape(B, 1, self.grid, self.grid)  # [B, 1, side, side]
        picture = patches.transpose(1, 2).reshape(B, D, self.grid, self.grid)  # [B, D, side, side]
        picture = picture.masked_fill(~there, 0.0)
        around = F.avg_pool2d(there.to(picture.dtype), 3, stride=1, padding=1).clamp_min(1e-6)  # [B, 1, side, side]
        mean = F.avg_pool2d(picture, 3, stride=1, padding=1) / around  # over the neighbours that have data
        looks = [branch(picture) for branch in self.branches]  # [B, D / 4, side, side] each
        joined = torch.cat([*looks, self.of_mean(mean)], 1).flatten(2).transpose(1, 2)  # [B, M, D]
        return self.norm(torch.relu(joined))  # type: ignore[no-any-return]


class BilinearPooling(nn.Module):
    """z_o = x^T W_o y with W_o = Σ_k u_ok v_ok^T of rank :data:`RANK`: x [B, X] and y [B, Y] -> z [B, out]."""

    def __init__(self, left: int, right: int, out: int) -> None:
        super().__init__()
        self.of_left = nn.Linear(left, out * RANK, bias=False)
        self.of_right = nn.Linear(right, out * RANK, bias=False)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        product: Tensor = self.of_left(left) * self.of_right(right)  # [B, out x RANK]
        return product.view(len(product), -1, RANK).sum(-1)  # [B, out]


class Main(VqaNetwork):
    """Each side attends to the other, both sides meet in a bilinear form."""

    def __init__(self, config: TgfnetConfig, vision: nn.Module, text_tower: nn.Module | None = None) -> None:
        super().__init__(vision, text_tower, config.sensors)
        width = config.width
        self.text = text_projection(config)
        self.recur = QuestionGru(width)
        self.places = Inception(width, config.grid)
        self.whole = nn.Linear(width, width)
        self.fuse = BilinearPooling(2 * width, 2 * width, width)
        self.classify = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(width, config.answers))

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        patches, patch_mask = added(seen(view, self.sensors))  # [B, M, D], [B, M]
        words, sentence = self.recur(self.text(question), question_mask)  # [B, N, D], [B, D]
        places = self.places(patches, patch_mask)  # [B, M, D]
        picture = self.whole(masked_mean(patches, patch_mask))  # [B, D]
        of_places = attended(attention(sentence, places, patch_mask), places)  # [B, D]
        of_words = attended(attention(picture, words, question_mask), words)  # [B, D]
        of_picture = torch.cat([picture, of_places], 1)  # [B, 2D]
        of_question = torch.cat([sentence, of_words], 1)  # [B, 2D]
        return plain_output(self.classify(power_normalised(self.fuse(of_picture, of_question))))


def attention(guide: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    """How much ``guide`` [B, D] attends to each of ``memory`` [B, K, D]: [B, K], rows sum to 1 over ``mask`` [B, K]."""
    return masked_softmax(torch.einsum("bd,bkd->bk", guide, memory) / math.sqrt(guide.shape[1]), mask)


def attended(weight: Tensor, memory: Tensor) -> Tensor:
    """``memory`` [B, K, D] averaged by ``weight`` [B, K] -> [B, D]."""
    return torch.einsum("bk,bkd->bd", weight, memory)


def power_normalised(z: Tensor) -> Tensor:
    """sign(z) √|z|, then every row [D] of ``z`` [B, D] to the length √D.

    The original has length 1; the linear map behind absorbs the constant, and entries of size 1 train from the start.
    """
    rooted = z * (z.abs() + SOFT_ZERO).rsqrt()
    return unit(rooted) * math.sqrt(z.shape[-1])
