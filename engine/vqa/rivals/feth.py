"""FETH: From Easy to Hard: Learning Language-Guided Curriculum for Visual Question Answering on Remote Sensing Data
(Yuan, Mou, Wang, Zhu; IEEE TGRS 2022).

*What our paper says* (section V-B): multi-level visual features, jointly language-guided holistic and regional ones;
self-paced curriculum learning (SPCL) with soft weighting trains from easy to hard by the question's difficulty.

*What is known of the original*: it grew out of RSVQA (see ``rsvqa``): ResNet-152, skip-thoughts, an element-wise
product with tanh(W_q q), an MLP with 256 hidden units. The question is added to the features of each place, both at
unit length, and what comes out guides an attention over the places; a spatial transformer learns regional features,
as no boxes are given; levels are added before the product. SPCL weighs each question by its own loss and an age
that grows, and by prior knowledge of which questions are easy.

*Our reading*: the attention's mean is the holistic feature. The question and it place one upright box in the picture,
sampled bilinearly on :data:`POINTS` x :data:`POINTS` points (a spatial transformer without rotation), whose mean is
the regional feature. The weights are SPCL's linear ones, w = max(0, 1 - loss / age), with age =
:data:`FIRST_AGE` ln C / (1 - progress): never below 0 and exactly 1 when training ends. Of prior knowledge we know
nothing; there is none here, and difficulty is the loss alone.

*What cannot be the same here*: the features, as in RSVQA. The question's vector is the mean of the shared text
features.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.blocks import masked_mean, masked_softmax
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import ViewFeatures, VqaNetwork, VqaOutput, added, plain_output, seen, text_projection
from engine.vqa.rivals.blocks import unit

POINTS = 7  # sampled along each side of the region; half the side of the 14 x 14 patches
HIDDEN_WIDTH = 256  # of the MLP before the answer, as in the original
FIRST_AGE = 2.0  # the age of SPCL at the start, in losses of a blind guess (ln C): such a guess weighs half


class Holistic(nn.Module):
    """Mean of all patches by softmax(FC(ReLU(patch + question))), where both are mapped and brought to unit length."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_patch = nn.Linear(width, width, bias=False)  # the question's map has the bias
        self.of_question = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)  # a bias would not change a softmax
        self.sharpness = math.sqrt(width)  # entries of a unit vector are of size 1 / √D

    def forward(self, patches: Tensor, mask: Tensor, question: Tensor) -> Tensor:
        """``patches`` [B, M, D] with data where ``mask`` [B, M], ``question`` [B, D] -> [B, D]."""
        of_patch = unit(self.of_patch(patches))  # [B, M, D]
        of_question = unit(self.of_question(question)).unsqueeze(1)  # [B, 1, D]
        scores = self.score(torch.relu(of_patch + of_question) * self.sharpness).squeeze(-1)  # [B, M]
        return torch.einsum("bm,bmd->bd", masked_softmax(scores, mask), patches)


class Regional(nn.Module):
    """One region of the picture, placed by question and picture, as the mean of what lies in it."""

    def __init__(self, width: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.place = nn.Linear(2 * width, 4)

    def forward(self, patches: Tensor, mask: Tensor, holistic: Tensor, question: Tensor) -> Tensor:
        """``patches`` [B, M, D] with data where ``mask`` [B, M], ``holistic`` and ``question`` [B, D] -> [B, D]."""
        size, centre = self.box(holistic, question)  # [B, 2] each, x before y
        across = sampling_weights(centre[:, 0], size[:, 0], self.grid)  # [B, side]
        down = sampling_weights(centre[:, 1], size[:, 1], self.grid)  # [B, side]
        weight = torch.einsum("bi,bj->bij", down, across).flatten(1) * mask  # [B, M]
        total = torch.einsum("bm,bmd->bd", weight, patches)
        return total / weight.sum(1, keepdim=True).clamp_min(1e-3)  # a region without data is zeros

    def box(self, holistic: Tensor, question: Tensor) -> tuple[Tensor, Tensor]:
        """Half sizes in (0, 1) and centres in (-1, 1) [B, 2] where the picture is [-1, 1]²; it never leaves that."""
        half, shift = self.place(torch.cat([holistic, question], 1)).chunk(2, 1)
        size = half.sigmoid()
        return size, shift.tanh() * (1 - size)


class Feth(VqaNetwork):
    """logits = MLP((tanh(W_h holistic) + tanh(W_r regional)) * tanh(W_q question)), trained from easy to hard."""

    def __init__(self, config: TgfnetConfig, vision: nn.Module, text_tower: nn.Module | None = None) -> None:
        super().__init__(vision, text_tower, config.sensors)
        width = config.width
        self.text = text_projection(config)
        self.holistic = Holistic(width)
        self.regional = Regional(width, config.grid)
        self.of_holistic = nn.Sequential(nn.Linear(width, width), nn.Tanh())
        self.of_regional = nn.Sequential(nn.Linear(width, width), nn.Tanh())
        self.of_question = nn.Sequential(nn.Linear(width, width), nn.Tanh())
        self.classify = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(width, HIDDEN_WIDTH),
            nn.Tanh(),
            nn.Dropout(config.dropout),
            nn.Linear(HIDDEN_WIDTH, config.answers),
        )

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        patches, patch_mask = added(seen(view, self.sensors))  # [B, M, D], [B, M]
        sentence = masked_mean(self.text(question), question_mask)  # [B, D]
        holistic = self.holistic(patches, patch_mask, sentence)  # [B, D]
        regional = self.regional(patches, patch_mask, holistic, sentence)  # [B, D]
        picture = self.of_holistic(holistic) + self.of_regional(regional)  # [B, D]
        return plain_output(self.classify(picture * self.of_question(sentence)))

    def loss(
        self, output: VqaOutput, answer: Tensor, *, label_smoothing: float = 0.0, progress: float = 1.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy with each question weighed by :func:`soft_weights`; ``answer`` [B], ``progress`` 0..1.

        Divided by B and not by the sum of weights, for the reason that :meth:`VqaNetwork.loss` gives. The part
        ``weight`` is the mean weight.
        """
        logits = output.logits  # [B, C]
        each = F.cross_entropy(logits, answer, reduction="none", label_smoothing=label_smoothing)  # [B]
        weight = soft_weights(each.detach(), progress, logits.shape[1])
        final = (weight * each).mean()
        return final, {"final": final, "weight": weight.mean()}


def soft_weights(losses: Tensor, progress: float, answers: int) -> Tensor:
    """SPCL's linear soft weights [B], each in 0..1, of questions with ``losses`` [B]; ``answers`` is C.

    Where there is only one answer nothing is hard: no loss, and weights of 1.
    """
    if answers < 2:
        return torch.ones_like(losses)
    youth = (1.0 - progress) / (FIRST_AGE * math.log(answers))  # 1 / age, 0 at the end
    return (1.0 - youth * losses).clamp_min(0.0)


def sampling_weights(centre: Tensor, size: Tensor, grid: int) -> Tensor:
    """How much each row (or column) of patches counts in bilinear sampling along one axis: [B, side].

    ``centre`` and half ``size`` [B] are in -1..1 from edge to edge of the picture. The :data:`POINTS` points are the
    middles of as many equal parts. Beyond the outer patches' middles a picture fades to zero.
    """
    part = (torch.arange(POINTS, device=centre.device) + 0.5) / POINTS * 2 - 1  # [P]
    where = centre.unsqueeze(1) + size.unsqueeze(1) * part  # [B, P]
    index = ((where + 1) * grid - 1) / 2  # [B, P], in patches: 0 is the middle of the first
    apart = index.unsqueeze(2) - torch.arange(grid, device=centre.device)  # [B, P, side]
    return (1 - apart.abs()).clamp_min(0.0).sum(1)
