"""A BERT small enough for tests, and a file of weights as BERT-base was published."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.nn import bert
from engine.nn.minilm import WORDS

TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
"""To stand in ``bert.SIZES``."""


def published(folder: Path, network: bert.Bert) -> Path:
    """A file as Google's has it: named after the whole, LayerNorms in TensorFlow's words, and heads beside it."""
    stored = {"cls.predictions.bias": torch.zeros(WORDS), "bert.pooler.dense.weight": torch.zeros(32, 32)}
    for name, value in network.bert.state_dict().items():
        old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        stored[f"bert.{old}"] = value.clone()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(stored, folder / bert.FILE)
    return folder / bert.FILE
