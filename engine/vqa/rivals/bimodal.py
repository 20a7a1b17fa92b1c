"""Bi-Modal: Bi-Modal Transformer-Based Approach for Visual Question Answering in Remote Sensing Imagery (Bazi,
Al Rahhal, Mekhalfi, Al Zuair, Melgani; IEEE TGRS 2022).

*What our paper says* (section V-B): CLIP embeds image patches and question words; two decoders capture, by attention,
what depends on what within each and between both.

*What is known of the original*: the same, and that the answer is the average of the predictions of two classifiers,
one on top of each decoder.

*Our reading*: each decoder is a stack like that of TGFNet's experts (self-attention, attention to the other side, MLP,
pre-norm, with the config's number of layers) followed by a mean over its real tokens; logits are what is averaged,
and the loss is that of the average alone.

*What cannot be the same here*: in the compact preset the shared features are not CLIP's. In the paper preset they are.
"""

from __future__ import annotations

from torch import Tensor, nn

from engine.nn.blocks import DecoderLayer, masked_mean
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import ViewFeatures, VqaNetwork, VqaOutput, added, plain_output, seen, text_projection
from engine.vqa.rivals.blocks import answer_head


class CrossDecoder(nn.Module):
    """One side as queries, the other as memory, and a classifier on the mean of the queries."""

    def __init__(self, config: TgfnetConfig) -> None:
        super().__init__()
        width = config.width
        self.layers = nn.ModuleList(
            [DecoderLayer(width, config.heads, config.mlp_ratio, config.dropout) for _ in range(config.decoder_layers)]
        )
        self.norm = nn.LayerNorm(width)
        self.classify = answer_head(width, config)

    def forward(self, x: Tensor, mask: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """``x`` [B, N, D] reads ``memory`` [B, K, D] -> logits [B, C]."""
        for layer in self.layers:
            x = layer(x, mask, memory, memory_mask)
        return self.classify(masked_mean(self.norm(x), mask))  # type: ignore[no-any-return]


class BiModal(VqaNetwork):
    """Words query the picture, patches query the question; the two answers are averaged."""

    def __init__(self, config: TgfnetConfig, vision: nn.Module, text_tower: nn.Module | None = None) -> None:
        super().__init__(vision, text_tower, config.sensors)
        self.text = text_projection(config)
        self.by_words = CrossDecoder(config)
        self.by_patches = CrossDecoder(config)

    def forward(self, view: ViewFeatures, question: Tensor, question_mask: Tensor) -> VqaOutput:
        """One question for each row of ``view``: ``question`` [B, N, text width], ``question_mask`` [B, N]."""
        patches, patch_mask = added(seen(view, self.sensors))  # [B, M, D], [B, M]
        words = self.text(question)  # [B, N, D]
        said_by_words = self.by_words(words, question_mask, patches, patch_mask)  # [B, C]
        said_by_patches = self.by_patches(patches, patch_mask, words, question_mask)  # [B, C]
        return plain_output((said_by_words + said_by_patches) / 2)
