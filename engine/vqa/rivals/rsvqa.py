"""RSVQA: Visual Question Answering for Remote Sensing Data (Lobry, Marcos, Murray, Tuia; IEEE TGRS 2020).

*What our paper says* (section V-B): a pioneering method that combines a CNN for the picture with an RNN for the words.

*What is known of the original*: ResNet-152 gives 2048 numbers for the picture, a skip-thoughts network 2400 for the
question. A linear map and tanh take each to 1200; their element-wise product goes through an MLP with 256 hidden
units and tanh. Dropout is 0.5.

*Our reading*: the question's vector is the last state of a GRU over the shared text features; dropout is the config's.

*What cannot be the same here*: features are shared by all networks, so the encoder's patches, averaged, stand for
ResNet-152, and a GRU of the network's width, trained from scratch, for skip-thoughts, which was trained on books.
"""

from __future__ import annotations

from torch import Tensor, nn

from engine.nn.blocks import masked_mean
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import ViewFeatures, VqaNetwork, VqaOutput, added, plain_output, seen, text_projection
from engine.vqa.rivals.blocks import QuestionGru

COMMON_WIDTH = 1200  # of the space where picture and question are multiplied, as in the original
HIDDEN_WIDTH = 256  # of the MLP behind it, as in the original


class Rsvqa(VqaNetwork):
    """Picture and question as one vector each, multiplied: logits = MLP(tanh(W_v v) * tanh(W_q q))."""

    def __init__(self, config: TgfnetConfig, vision: nn.Module, text_tower: nn.Module | None = None) -> None:
        super().__init__(vision, text_tower, config.sensors)
        self.text = text_projection(config)
        self.recur = QuestionGru(config.width)
        self.of_picture = nn.Sequential(nn.Linear(config.width, COMMON_WIDTH), nn.Tanh())
        self.of_question = nn.Sequential(nn.Linear(config.width, COMMON_WIDTH), nn.Tanh())
        self.classify = nn.Sequential(
            nn.Dropout(config.dropout),
            nn.Linear(COMMON_WIDTH, HIDDEN_WIDTH),
            nn.Tanh(),
            nn.Dropout(config.dropout),
            nn.Linear(HIDDEN_WIDTH, config.answers),
        )

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        patches, patch_mask = added(seen(view, self.sensors))  # [B, M, D], [B, M]
        _, sentence = self.recur(self.text(question), question_mask)  # [B, D]
        picture = masked_mean(patches, patch_mask)  # [B, D]
        return plain_output(self.classify(self.of_picture(picture) * self.of_question(sentence)))
