"""The BERT inside all-MiniLM-L6-v2, run by PyTorch's own Transformer encoder.

BERT (Devlin et al., 2019, section 3) is a post-norm Transformer encoder over the sum of word, position and segment
embeddings, which ``torch.nn.TransformerEncoder`` is too. ``transformers`` gives the same numbers (a test holds that),
but importing it takes three seconds and 350 MB, which every first question would wait for.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WIDTH = 384
LAYERS, HEADS, FEED_FORWARD = 6, 12, 1536
WORDS, POSITIONS = 30522, 512
EPSILON = 1e-12  # of every LayerNorm, as BERT has it

# Names in torch.nn.TransformerEncoderLayer and in the published weights; query, key and value are joined below.
_SAME_PARTS = {
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}


class MiniLm(nn.Module):
    """Token numbers [B, N] of one segment -> last hidden states [B, N, 384].

    ``padding`` bool [B, N] is True where a row is filled up: nothing looks there, and what stands there means nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.segment = nn.Parameter(torch.zeros(WIDTH))
        self.norm = nn.LayerNorm(WIDTH, EPSILON)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, FEED_FORWARD, dropout=0.0, activation="gelu", layer_norm_eps=EPSILON, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, ids: Tensor, padding: Tensor | None = None) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        embedded = self.words(ids) + self.positions(places) + self.segment  # [B, N, 384]
        return self.layers(self.norm(embedded), src_key_padding_mask=padding)  # type: ignore[no-any-return]


def load_minilm(path: Path) -> MiniLm:
    """The frozen network with the published weights, whose hash was checked before (``engine.nn.text``)."""
    stored = load_file(path)
    model = MiniLm()
    model.load_state_dict(_renamed(stored))
    return model.eval().requires_grad_(requires_grad=False)


def _renamed(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published names as this module's. The pooler is left out: only token features are used."""
    renamed = {
        "words.weight": stored["embeddings.word_embeddings.weight"],
        "positions.weight": stored["embeddings.position_embeddings.weight"],
        "segment": stored["embeddings.token_type_embeddings.weight"][0],
    }
    for kind in ("weight", "bias"):
        renamed[f"norm.{kind}"] = stored[f"embeddings.LayerNorm.{kind}"]
        for layer in range(LAYERS):
            theirs, ours = f"encoder.layer.{layer}", f"layers.layers.{layer}"
            joined = [stored[f"{theirs}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            renamed[f"{ours}.self_attn.in_proj_{kind}"] = torch.cat(joined)  # [3 * 384, 384] or [3 * 384]
            for our_part, their_part in _SAME_PARTS.items():
                renamed[f"{ours}.{our_part}.{kind}"] = stored[f"{theirs}.{their_part}.{kind}"]
    return renamed
