"""Our arrangement of PyTorch's Transformer against transformers' BERT, on the published weights."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from engine.nn.minilm import EPSILON, FEED_FORWARD, HEADS, LAYERS, POSITIONS, WIDTH, WORDS, load_minilm
from engine.nn.text import find_text_encoder

transformers = pytest.importorskip("transformers")


def test_the_same_features_as_the_reference_implementation():
    weights = find_text_encoder() / "model.safetensors"
    config = transformers.BertConfig(
        vocab_size=WORDS,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=FEED_FORWARD,
        max_position_embeddings=POSITIONS,
        layer_norm_eps=EPSILON,
    )
    reference = transformers.BertModel(config, add_pooling_layer=False).eval()
    left_out = reference.load_state_dict(load_file(weights), strict=False)
    assert not left_out.missing_keys
    ours = load_minilm(weights)
    generator = torch.Generator().manual_seed(4)
    with torch.inference_mode():
        for length in (3, 7, 77):
            ids = torch.randint(1000, WORDS, (2, length), generator=generator)
            expected = reference(input_ids=ids).last_hidden_state
            torch.testing.assert_close(ours(ids), expected, rtol=1e-4, atol=1e-4)
