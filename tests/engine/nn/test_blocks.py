from __future__ import annotations

import math

import torch

from engine.nn.blocks import Attention, DecoderLayer, masked_mean, masked_softmax


def test_attention_is_the_written_out_formula():
    torch.manual_seed(0)
    B, N, K, D, heads = 2, 3, 5, 12, 4
    attention = Attention(D, heads).double().requires_grad_(requires_grad=False)
    query, memory = torch.randn(B, N, D).double(), torch.randn(B, K, D).double()
    mask = torch.tensor([[True, True, False, True, True], [True] * 5])
    bias = torch.randn(B, K).double()
    expected = torch.zeros(B, N, D).double()
    d = D // heads
    for b in range(B):
        q, k, v = attention.to_query(query[b]), attention.to_key(memory[b]), attention.to_value(memory[b])
        for h in range(heads):
            part = slice(h * d, (h + 1) * d)
            for n in range(N):
                logits = [float(q[n, part] @ k[j, part]) / math.sqrt(d) + float(bias[b, j]) for j in range(K)]
                weights = [math.exp(x) * bool(mask[b, j]) for j, x in enumerate(logits)]
                for j in range(K):
                    expected[b, n, part] += weights[j] / sum(weights) * v[j, part]
    torch.testing.assert_close(attention(query, memory, mask, bias), attention.project(expected))


def test_masked_softmax_is_exactly_zero_where_masked_and_never_nan():
    logits = torch.randn(2, 4)
    mask = torch.tensor([[True, False, True, False], [False] * 4])
    probabilities = masked_softmax(logits, mask)
    assert (probabilities[0, [1, 3]] == 0).all()
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(2))


def test_masked_mean_by_hand():
    x = torch.tensor([[[1.0], [5.0], [100.0]], [[7.0], [8.0], [9.0]]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    assert masked_mean(x, mask).tolist() == [[3.0], [0.0]]


def test_decoder_layer_hears_no_masked_token_or_patch():
    torch.manual_seed(0)
    layer = DecoderLayer(8, 2, 2.0, 0.1).eval()
    x, memory = torch.randn(1, 3, 8), torch.randn(1, 4, 8)
    mask, memory_mask = torch.tensor([[True, True, False]]), torch.tensor([[True, False, True, True]])
    before = layer(x, mask, memory, memory_mask)
    x[0, 2], memory[0, 1] = 1e3, -1e3
    after = layer(x, mask, memory, memory_mask)
    torch.testing.assert_close(after[:, :2], before[:, :2])
