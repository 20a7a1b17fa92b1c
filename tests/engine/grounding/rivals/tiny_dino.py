"""Grounding DINO at a size that runs in a test, and a tokenizer that needs no download."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from engine.grounding.rivals.grounding_dino import build_random, read_tokenizer
from engine.nn.text import find_text_encoder

SIZES: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "num_queries": 12, "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "dropout": 0.0,
    "fusion_droppath": 0.0,
    "backbone_config": {
        "model_type": "swin", "embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2], "window_size": 4,
        "out_indices": [2, 3, 4], "drop_path_rate": 0.0,
    },
    "text_config": {
        "model_type": "bert", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    },
}  # fmt: skip


def tiny_dino(**more: Any) -> nn.Module:
    torch.manual_seed(0)
    return build_random(**SIZES | more)


def bert_tokenizer() -> Tokenizer:
    """The vocabulary of BERT, uncased, which all-MiniLM-L6-v2 has, too: the numbers are those of the real thing."""
    return read_tokenizer(find_text_encoder() / "tokenizer.json")
