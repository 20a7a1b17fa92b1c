"""TGDF-SSA against its formulas written out, its gates' start, and what masks keep out."""

from __future__ import annotations

import math

import pytest
import torch

from engine.grounding.tgdf import (
    FIRST_SHARE,
    ShuffleAttention,
    TextGuidedFusion,
    TextGuidedGate,
    masked_average,
    masked_max,
)

B, C, T, E, HEADS = 2, 16, 5, 12, 4
ROWS, COLUMNS = 6, 7
SIZES = {"text_width": E, "heads": HEADS}


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def everywhere() -> torch.Tensor:
    return torch.ones(B, 1, ROWS, COLUMNS, dtype=torch.bool)


def opened_gate(embed_width: int = C) -> TextGuidedGate:
    """With gates, bias and temperature off their start, in evaluation."""
    torch.manual_seed(1)
    gate = TextGuidedGate(C, embed_width=embed_width, **SIZES).eval()
    with torch.no_grad():
        gate.attention_gate.fill_(0.7)
        gate.feature_gate.fill_(-0.4)
        gate.head_bias.copy_(drawn(HEADS))
    return gate


def tiny_fusion() -> TextGuidedFusion:
    torch.manual_seed(2)
    return TextGuidedFusion(2 * C, embed_width=C, groups=4, repeats=2, **SIZES)


# --- SSA


def test_ssa_is_its_formula_group_by_group():
    torch.manual_seed(0)
    ssa = ShuffleAttention(C, groups=4).eval()
    with torch.no_grad():
        ssa.weight.copy_(drawn(2, 2))
    x = drawn(B, C, ROWS, COLUMNS)
    by_hand = torch.empty_like(x)
    for group in range(4):
        for channel in range(2):  # of each half
            by_most, by_mean = 4 * group + channel, 4 * group + 2 + channel
            for row in range(B):
                most, mean = x[row, by_most].max(), x[row, by_mean].mean()
                by_hand[row, by_most] = x[row, by_most] * torch.sigmoid(ssa.weight[0, channel] * most + 1.0)
                by_hand[row, by_mean] = x[row, by_mean] * torch.sigmoid(ssa.weight[1, channel] * mean + 1.0)
    # A shuffle of two puts the first channel of the second half behind the first of the first half.
    order = [place for pair in zip(range(C // 2), range(C // 2, C), strict=True) for place in pair]
    torch.testing.assert_close(ssa(x, everywhere()), by_hand[:, order])


def test_ssa_starts_as_one_factor_for_all_channels():
    x = drawn(B, C, ROWS, COLUMNS)
    out = ShuffleAttention(C, groups=2).eval()(x, everywhere())
    torch.testing.assert_close(out.sort(1).values, (x * torch.sigmoid(torch.tensor(1.0))).sort(1).values)


def test_ssa_looks_only_where_there_is_data():
    ssa = ShuffleAttention(C, groups=4).eval()
    with torch.no_grad():
        ssa.weight.fill_(0.5)
    mask = everywhere()
    mask[0, :, :, 3:] = False
    x = drawn(B, C, ROWS, COLUMNS)
    loud = x.masked_fill(~mask, 1e3)
    kept = mask.expand_as(x)
    torch.testing.assert_close(ssa(loud, mask)[kept], ssa(x, mask)[kept])


def test_statistics_of_nothing_are_zero():
    x, nothing = drawn(B, C, ROWS, COLUMNS), torch.zeros(B, 1, ROWS, COLUMNS, dtype=torch.bool)
    assert not masked_average(x, nothing).any()
    assert not masked_max(x, nothing).any()


def test_statistics_are_over_the_cells_of_the_mask():
    x, mask = drawn(1, 1, ROWS, COLUMNS), drawn(1, 1, ROWS, COLUMNS, seed=1) > 0
    torch.testing.assert_close(masked_average(x, mask)[0, 0], x[mask].mean())
    torch.testing.assert_close(masked_max(x, mask)[0, 0], x[mask].max())


# --- eqs. 5 to 7


@pytest.mark.parametrize("embed_width", [C, 2 * C], ids=["as wide as V", "wider than V"])
def test_the_gating_is_equations_5_to_7_written_out(embed_width):
    gate = opened_gate(embed_width)
    V, texts = drawn(B, C, ROWS, COLUMNS), drawn(B, T, E, seed=1)
    text_mask = torch.tensor([[True] * T, [True, False, True, False, False]])
    cells, guide, each = gate.embed(V), gate.guide(texts), embed_width // HEADS
    by_hand, response = torch.empty_like(V), torch.empty(B, HEADS, ROWS, COLUMNS)
    for row in range(B):
        for head in range(HEADS):
            part = slice(head * each, (head + 1) * each)
            real = [t for t in range(T) if text_mask[row, t]]
            alike = torch.stack([torch.einsum("dhw,d->hw", cells[row, part], guide[row, t, part]) for t in real])
            logits = alike.amax(0) / math.sqrt(each) + gate.head_bias[head]  # eqs. 5 and 6
            response[row, head] = torch.sigmoid(logits)
    A = response.repeat_interleave(C // HEADS, 1)
    by_hand = V * (1 + 0.7 * (2 * A - 1)) - 0.4 * gate.mix(V * A)  # eq. 7
    fused, opened = gate(V, texts, text_mask)
    torch.testing.assert_close(fused, by_hand)
    torch.testing.assert_close(opened, response.mean(1))


def test_a_gate_that_learnt_to_close_is_shown_closing():
    gate, V, texts, mask = opened_gate(), drawn(B, C, ROWS, COLUMNS), drawn(B, T, E), torch.ones(B, T, dtype=torch.bool)
    shown = {}
    for sign in (-1.0, 0.0, 1.0):
        torch.nn.init.constant_(gate.attention_gate, 0.3 * sign)
        shown[sign] = gate(V, texts, mask)[1]
    torch.testing.assert_close(shown[-1.0], 1 - shown[1.0])
    assert (shown[0.0] == 0.5).all()


def test_the_temperature_starts_at_the_root_of_a_heads_width():
    gate = TextGuidedGate(256, text_width=512, embed_width=256, heads=4)
    assert gate.log_temperature.exp().item() == pytest.approx(8.0)


def test_the_gating_starts_as_identity_whatever_is_said():
    gate = TextGuidedGate(C, embed_width=C, **SIZES)
    V = drawn(B, C, ROWS, COLUMNS)
    fused, opened = gate(V, drawn(B, T, E), torch.ones(B, T, dtype=torch.bool))
    torch.testing.assert_close(fused, V, atol=0, rtol=0)
    assert (opened == 0.5).all()


def test_texts_that_are_not_there_change_nothing():
    gate = opened_gate()
    V, texts = drawn(B, C, ROWS, COLUMNS), drawn(B, T, E, seed=1)
    text_mask = torch.tensor([[True] * 3 + [False] * 2] * B)
    loud = texts.masked_fill(~text_mask.unsqueeze(-1), 1e3)
    fewer = gate(V, texts[:, :3], text_mask[:, :3])
    for one, other in zip(gate(V, loud, text_mask), fewer, strict=True):
        torch.testing.assert_close(one, other)


def test_a_picture_without_texts_answers_with_the_heads_bias_alone():
    gate = opened_gate()
    nobody = torch.zeros(B, T, dtype=torch.bool)
    V = drawn(B, C, ROWS, COLUMNS).requires_grad_()
    fused, opened = gate(V, drawn(B, T, E), nobody)
    expected = torch.sigmoid(gate.head_bias).mean()
    torch.testing.assert_close(opened, expected.expand(B, ROWS, COLUMNS))
    fused.sum().backward()
    assert torch.isfinite(V.grad).all()


def test_the_best_text_opens_the_gate():
    """A second text can only raise the response: eq. 5 is a maximum."""
    gate = opened_gate()
    V, texts, mask = drawn(B, C, ROWS, COLUMNS), drawn(B, 2, E, seed=1), torch.ones(B, 2, dtype=torch.bool)
    both, first = (gate.response(V, texts[:, :n], mask[:, :n]) for n in (2, 1))
    assert (both >= first - 1e-6).all()
    assert (both > first + 0.01).any()


# --- the whole block


def test_the_block_starts_within_a_hundredth_of_identity():
    fusion = tiny_fusion()
    x = drawn(B, 2 * C, ROWS, COLUMNS)
    fused, opened = fusion(x, everywhere(), drawn(B, T, E), torch.ones(B, T, dtype=torch.bool))
    assert (fused - x).std().item() == pytest.approx(
        FIRST_SHARE, rel=0.1
    )  # a norm in training: spread 1, times its scale
    assert opened.shape == (B, ROWS, COLUMNS)


def test_both_gates_have_a_gradient_in_the_first_step():
    fusion = tiny_fusion()
    fused, _ = fusion(drawn(B, 2 * C, ROWS, COLUMNS), everywhere(), drawn(B, T, E), torch.ones(B, T, dtype=torch.bool))
    (fused * drawn(*fused.shape, seed=3)).sum().backward()
    for gate in fusion.gates:
        assert gate.attention_gate.grad.abs() > 0
        assert gate.feature_gate.grad.abs() > 0


@pytest.mark.parametrize("optimiser", [torch.optim.AdamW, torch.optim.SGD], ids=["AdamW", "SGD"])
def test_both_gates_leave_zero_within_ten_steps(optimiser):
    """On a picture half of which is what the first text says."""
    fusion = tiny_fusion()
    steps = optimiser(fusion.parameters(), 2e-3)
    x, texts = drawn(B, 2 * C, ROWS, COLUMNS), drawn(B, T, E)
    wanted = torch.zeros(B, 1, ROWS, COLUMNS)
    wanted[:, :, :3] = 1.0
    for _ in range(10):
        steps.zero_grad()
        fused, _ = fusion(x, everywhere(), texts, torch.ones(B, T, dtype=torch.bool))
        torch.nn.functional.mse_loss(fused, x * wanted).backward()
        steps.step()
    for gate in fusion.gates:
        assert gate.attention_gate != 0
        assert gate.feature_gate != 0


def test_every_parameter_learns_once_the_gates_are_open():
    fusion = tiny_fusion()
    with torch.no_grad():
        for gate in fusion.gates:
            gate.attention_gate.fill_(0.1)
            gate.feature_gate.fill_(0.1)
    fused, _ = fusion(drawn(B, 2 * C, ROWS, COLUMNS), everywhere(), drawn(B, T, E), torch.ones(B, T, dtype=torch.bool))
    (fused * drawn(*fused.shape, seed=3)).sum().backward()
    assert [name for name, p in fusion.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_text_moves_the_gate_towards_where_it_is_meant():
    """Trained on pictures where a cell holds one of two patterns, the gate is open where the named one is."""
    torch.manual_seed(0)
    gate = TextGuidedGate(C, embed_width=C, **SIZES)
    patterns, words = drawn(2, C), drawn(2, 1, E, seed=1)
    steps = torch.optim.AdamW(gate.parameters(), 1e-2)
    for step in range(60):
        which = torch.randint(0, 2, (8, ROWS, COLUMNS), generator=torch.Generator().manual_seed(step))
        named = torch.arange(8) % 2
        V = patterns[which].permute(0, 3, 1, 2) + 0.1 * drawn(8, C, ROWS, COLUMNS, seed=step)
        target = (which == named.view(-1, 1, 1)).float().unsqueeze(1)
        fused, opened = gate(V, words[named], torch.ones(8, 1, dtype=torch.bool))
        loss = (fused - V * (0.5 + target)).square().mean()  # keep what is named, dampen the rest
        steps.zero_grad()
        loss.backward()
        steps.step()
    inside, outside = opened[target[:, 0] > 0], opened[target[:, 0] == 0]
    assert inside.mean() > outside.mean() + 0.3
