"""PWAM and the language gate, against their equations written out, and what masks promise."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.segmentation.network import Words
from engine.segmentation.pwam import LanguageGate, PixelWordAttention, masked_instance_norm

B, C, E, N, ROWS, COLUMNS = 2, 8, 6, 5, 4, 3


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def pwam():
    torch.manual_seed(1)
    return PixelWordAttention(C, E)


@pytest.fixture
def words():
    return Words(drawn(B, N, E, seed=2), torch.tensor([[True] * N, [True, True, True, False, False]]))


def everywhere() -> torch.Tensor:
    return torch.ones(B, ROWS, COLUMNS, dtype=torch.bool)


def test_instance_norm_is_torchs_where_every_cell_is_real():
    x = drawn(B, 12, C)
    expected = torch.nn.InstanceNorm1d(C)(x.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(masked_instance_norm(x, torch.ones(B, 12, dtype=torch.bool)), expected)


def test_instance_norm_takes_its_statistics_from_real_cells_alone():
    x, mask = drawn(1, 12, C), torch.arange(12).unsqueeze(0) < 7
    loud = x.masked_fill(~mask.unsqueeze(-1), 1e3)
    normed = masked_instance_norm(loud, mask)
    torch.testing.assert_close(normed[:, :7], masked_instance_norm(x[:, :7], mask[:, :7]))
    assert not normed[:, 7:].any()


def test_the_attention_is_its_equations_written_out(pwam, words):
    """Cell by cell and word by word, in the first area, where all words are there."""
    V, L = drawn(B, ROWS, COLUMNS, C), words.vectors
    r, shares = pwam(V, everywhere(), words)
    cells = V[0].reshape(-1, C)
    query = F.instance_norm(pwam.to_query(cells).T[None])[0].T
    key, values = pwam.to_key(L[0]), pwam.to_value(L[0])
    gathered, attention = torch.empty_like(cells), torch.empty(N, ROWS * COLUMNS)
    for m in range(len(cells)):
        attention[:, m] = torch.softmax(torch.stack([query[m] @ key[n] for n in range(N)]) / C**0.5, 0)
        gathered[m] = sum(attention[n, m] * values[n] for n in range(N))
    normed = F.instance_norm(pwam.project(gathered).T[None])[0].T
    by_hand = F.gelu(pwam.mix[0](F.gelu(pwam.image[0](cells)) * normed))
    torch.testing.assert_close(r[0].reshape(-1, C), by_hand)
    torch.testing.assert_close(shares[0], attention.view(N, ROWS, COLUMNS))


def test_words_that_are_not_there_change_nothing_and_get_no_attention(pwam, words):
    V = drawn(B, ROWS, COLUMNS, C)
    r, shares = pwam(V, everywhere(), words)
    loud = Words(words.vectors.masked_fill(~words.mask.unsqueeze(-1), 1e3), words.mask)
    torch.testing.assert_close(pwam(V, everywhere(), loud)[0], r, atol=0, rtol=0)
    fewer = pwam(V[1:], everywhere()[1:], Words(words.vectors[1:, :3], words.mask[1:, :3]))
    torch.testing.assert_close(fewer[0], r[1:])
    assert not shares[1, 3:].any()
    torch.testing.assert_close(shares.sum(1), torch.ones(B, ROWS, COLUMNS))


def test_cells_without_data_are_zero_and_change_no_other_cell(pwam, words):
    V, mask = drawn(B, ROWS, COLUMNS, C), everywhere()
    mask[:, 2:] = False
    r, _ = pwam(V, mask, words)
    loud, _ = pwam(V.masked_fill(~mask.unsqueeze(-1), 1e3), mask, words)
    alone, _ = pwam(V[:, :2], mask[:, :2], words)
    assert not r[:, 2:].any()
    torch.testing.assert_close(loud, r, atol=0, rtol=0)
    torch.testing.assert_close(alone, r[:, :2])


def test_an_expression_without_words_and_an_area_without_data_stay_finite(pwam, words):
    V = drawn(B, ROWS, COLUMNS, C).requires_grad_()
    mask = everywhere()
    mask[0] = False
    r, shares = pwam(V, mask, Words(words.vectors, words.mask & torch.tensor([[True], [False]])))
    r.sum().backward()
    assert torch.isfinite(r).all()
    assert torch.isfinite(V.grad).all()
    assert not shares[1].any()


def test_no_two_cells_mix_but_through_the_norms(pwam, words):
    """A permutation of the cells permutes r: nothing in PWAM knows where a cell lies."""
    V = drawn(B, ROWS, COLUMNS, C)
    order = torch.randperm(ROWS * COLUMNS, generator=torch.Generator().manual_seed(4))
    mixed = V.flatten(1, 2)[:, order].view_as(V)
    r, shares = pwam(V, everywhere(), words)
    again, shares_again = pwam(mixed, everywhere(), words)
    torch.testing.assert_close(again, r.flatten(1, 2)[:, order].view_as(r))
    torch.testing.assert_close(shares_again.flatten(2), shares.flatten(2)[:, :, order])


def test_the_language_gate_is_its_equation_and_shut_at_zero():
    torch.manual_seed(1)
    gate, r = LanguageGate(C), drawn(B, ROWS, COLUMNS, C)
    first, _, second, _ = gate
    torch.testing.assert_close(gate(r), torch.tanh(torch.relu(r @ first.weight.T) @ second.weight.T))
    assert [name for name, _ in gate.named_parameters()] == ["0.weight", "2.weight"]  # no bias
    assert not gate(torch.zeros_like(r)).any()


def test_a_word_can_learn_to_light_its_cells():
    """Cells hold one of two patterns; trained to keep what the second word names, its attention finds those cells."""
    torch.manual_seed(0)
    pwam = PixelWordAttention(C, E)
    patterns, L = drawn(2, C), drawn(1, 2, E, seed=1)
    steps = torch.optim.AdamW(pwam.parameters(), 1e-2)
    for step in range(60):
        which = torch.randint(0, 2, (4, ROWS, COLUMNS), generator=torch.Generator().manual_seed(step))
        r, shares = pwam(patterns[which], torch.ones_like(which, dtype=torch.bool), _said(L, 4))
        loss = (r.mean(-1) - which).square().mean() + (shares[:, 1] - which).square().mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
    assert shares[:, 1][which == 1].mean() > shares[:, 1][which == 0].mean() + 0.3


def _said(L: torch.Tensor, count: int) -> Words:
    return Words(L.expand(count, -1, -1), torch.ones(count, L.shape[1], dtype=torch.bool))
