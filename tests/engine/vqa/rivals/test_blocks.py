from __future__ import annotations

import torch

from engine.vqa.rivals.blocks import AttentivePool, QuestionGru


def test_the_gru_ignores_padding():
    """Each question alone, without padding, is what a row of the padded batch gives."""
    torch.manual_seed(0)
    recur = QuestionGru(8)
    words = torch.randn(3, 7, 8)
    lengths = torch.tensor([7, 3, 1])
    mask = torch.arange(7) < lengths.unsqueeze(1)
    states, last = recur(words.masked_fill(~mask.unsqueeze(-1), 1e3), mask)
    for b, length in enumerate(lengths):
        alone, hidden = recur.gru(words[b : b + 1, :length])
        torch.testing.assert_close(states[b, :length], alone[0])
        torch.testing.assert_close(last[b], hidden[0, 0])


def test_the_gru_hears_the_order_of_words():
    torch.manual_seed(0)
    recur = QuestionGru(8)
    words, mask = torch.randn(1, 5, 8), torch.ones(1, 5, dtype=torch.bool)
    _, forwards = recur(words, mask)
    _, backwards = recur(words.flip(1), mask)
    assert not torch.allclose(forwards, backwards)


def test_the_attentive_pool_is_a_weighted_mean_of_what_is_real():
    torch.manual_seed(0)
    pool = AttentivePool(8)
    x = torch.randn(2, 5, 8)
    mask = torch.tensor([[True] * 5, [True, False, True, False, False]])
    pooled = pool(x, mask)
    for b in range(2):
        real = x[b, mask[b]]
        hidden = torch.relu(real @ pool.score[0].weight.T + pool.score[0].bias)
        weight = (hidden @ pool.score[2].weight[0]).softmax(0)
        torch.testing.assert_close(pooled[b], weight @ real)
