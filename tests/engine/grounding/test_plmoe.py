"""PL-MoE: its formulas written out, what is routed where, and what masks, noise and zero scales do."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from engine.grounding.config import GroundingConfig
from engine.grounding.plmoe import (
    CosineGate,
    DualAdaptiveAttention,
    LowRankExperts,
    PatchExperts,
    over_cells,
    patch_means,
)

CONFIG = replace(GroundingConfig(), experts=4, top_k=2, rank=3)
WIDTH = 32  # of the stage; its half, that is worked on, has 16 channels


def stage(**changes):
    """A stage whose low-rank parts have left zero, so that experts differ."""
    torch.manual_seed(0)
    module = PatchExperts(WIDTH, WIDTH, replace(CONFIG, **changes))
    torch.nn.init.normal_(module.experts.up)
    return module


def used(module):
    """``module`` as it is used, with BatchNorm statistics that are not the trivial ones."""
    generator = torch.Generator().manual_seed(1)
    for name, buffer in module.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5 * name.endswith("running_var"))
    return module.eval().requires_grad_(requires_grad=False)


def a_map(rows, columns, pictures=1, width=WIDTH):
    return torch.randn(pictures, width, rows, columns, generator=torch.Generator().manual_seed(2))


def everywhere(x):
    return torch.ones(len(x), *x.shape[-2:], dtype=torch.bool)


# --- eqs. 1-3


def test_the_stage_is_equations_1_to_3_written_out():
    module = used(stage(moe_patch=2))
    x, mask = a_map(3, 5), torch.ones(1, 3, 5, dtype=torch.bool)
    mask[0, 0, 1] = mask[0, 2, 4] = False  # one cell of a patch, and the only cell of the last one
    half = module.split(x)[0]  # [32, 3, 5]
    passed, worked = half[:16], half[16:]
    attended = worked + module.scale_attention * attention_by_hand(module, worked, mask[0])
    normed = module.norm_experts(attended[None])[0]
    shared = module.experts.shared(normed[None])[0]
    mixed = torch.zeros(16, 3, 5)
    for top in (0, 2):
        for left in (0, 2, 4):
            cells = [(r, c) for r in range(top, min(top + 2, 3)) for c in range(left, min(left + 2, 5))]
            known = [normed[:, r, c] for r, c in cells if mask[0, r, c]]
            shares = shares_by_hand(module.gate, known) if known else {}
            for r, c in cells:
                mixed[:, r, c] = sum(shares.values()) * shared[:, r, c] if known else shared[:, r, c]
                for i, share in shares.items():
                    low_rank = module.experts.up[i] @ (module.experts.down[i] @ normed[:, r, c])  # B_i A_i x
                    mixed[:, r, c] += share * module.experts.scale * low_rank
    expected = module.join(torch.cat([passed, worked + module.scale_experts * mixed])[None])
    torch.testing.assert_close(module(x, mask)[0], expected)


def attention_by_hand(module, worked, mask):
    """DAA(BN x) of one picture [C, H, W]: squeeze over cells with data, excite, and a gate for each cell."""
    normed = module.norm_attention(worked[None])[0]
    squeezed = torch.stack([normed[:, r, c] for r, c in mask.nonzero().tolist()]).mean(0)
    first, _, second, _ = module.attention.channel_gate
    channels = torch.sigmoid(second.weight @ torch.relu(first.weight @ squeezed + first.bias) + second.bias)
    gated = torch.zeros_like(normed)
    convolution, norm, _ = module.attention.narrow
    last = module.attention.cell_gate[0]
    for r in range(mask.shape[0]):
        for c in range(mask.shape[1]):
            inner = convolution.weight[:, :, 0, 0] @ normed[:, r, c]
            inner = (inner - norm.running_mean) / torch.sqrt(norm.running_var + norm.eps) * norm.weight + norm.bias
            cell = torch.sigmoid(last.weight[0, :, 0, 0] @ torch.relu(inner) + last.bias)
            gated[:, r, c] = normed[:, r, c] * channels * cell
    return gated


def shares_by_hand(gate, cells):
    """The chosen experts with their shares, for a patch whose cells with data are ``cells``."""
    projected = gate.project.weight @ (sum(cells) / len(cells))
    factor = min(math.exp(float(gate.log_factor)), 100.0)
    logits = [float(factor * projected @ v / projected.norm() / v.norm()) for v in gate.vectors]
    best = sorted(range(len(logits)), key=lambda i: -logits[i])[: gate.top_k]
    total = sum(math.exp(logits[i]) for i in best)
    return {i: math.exp(logits[i]) / total for i in best}


@pytest.mark.parametrize("zero", ["scale", "up"])
def test_with_its_scale_at_zero_the_mixture_is_the_shared_expert(zero):
    experts = LowRankExperts(6, 4, 3, 0.1).eval()
    torch.nn.init.normal_(experts.up)
    x, shares = a_map(4, 4, 2, 6), torch.rand(2, 4, 4, 4)
    assert not torch.allclose(experts(x, shares), experts.shared(x), atol=1e-3)
    torch.nn.init.zeros_(getattr(experts, zero))
    assert torch.equal(experts(x, shares), experts.shared(x))


def test_fresh_experts_are_all_the_shared_one():
    experts = LowRankExperts(6, 4, 3, 0.1).eval()
    x = a_map(4, 4, 2, 6)
    assert torch.equal(experts(x, torch.rand(2, 4, 4, 4)), experts.shared(x))
    assert experts.scale.item() == pytest.approx(0.1)
    assert experts.down.abs().min() > 0


def test_the_stage_begins_close_to_its_input():
    module = used(stage())
    x = a_map(4, 4)
    passed, worked = module.split(x).chunk(2, 1)
    torch.testing.assert_close(
        module(x, everywhere(x))[0], module.join(torch.cat([passed, worked], 1)), atol=0.05, rtol=0
    )


def test_the_channel_gate_squeezes_over_cells_with_data_alone():
    attention = used(DualAdaptiveAttention(8))
    x, mask = a_map(3, 4, 1, 8), torch.ones(1, 3, 4, dtype=torch.bool)
    mask[0, 1, 2] = False
    before = attention(x, mask)
    x[0, :, 1, 2] = 1e3
    after = attention(x, mask)
    torch.testing.assert_close(after[:, :, mask[0]], before[:, :, mask[0]])


# --- routing


@pytest.mark.parametrize(
    ("routing", "size", "patches"),
    [
        ("patch", (4, 6), (2, 3)),
        ("patch", (5, 7), (3, 4)),
        ("patch", (1, 1), (1, 1)),
        ("token", (5, 7), (5, 7)),
        ("image", (5, 7), (1, 1)),
    ],
)
def test_each_patch_goes_to_the_chosen_experts_whatever_the_granularity(routing, size, patches):
    x = a_map(*size, 3)
    y, routes, _ = used(stage(routing=routing))(x, everywhere(x))
    assert y.shape == x.shape
    assert routes.shape == (3, CONFIG.experts, *patches)
    assert ((routes > 0).sum(1) == CONFIG.top_k).all()
    torch.testing.assert_close(routes.sum(1), torch.ones(3, *patches))


@pytest.mark.parametrize("top_k", [1, 2, 3, 4])
def test_top_k_experts_share_each_patch(top_k):
    x = a_map(4, 4)
    _, routes, _ = used(stage(top_k=top_k))(x, everywhere(x))
    assert ((routes > 0).sum(1) == top_k).all()


def test_a_patch_reaches_its_cells_and_no_others():
    shares = torch.arange(6.0).view(1, 1, 2, 3)
    spread = over_cells(shares, (2, 2), torch.Size([3, 5]))
    assert spread[0, 0].tolist() == [[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [3, 3, 4, 4, 5]]


def test_patch_means_are_over_cells_with_data_alone():
    x = torch.arange(15.0).view(1, 1, 3, 5)
    mask = torch.ones(1, 3, 5, dtype=torch.bool)
    mask[0, 0, 0] = mask[0, 2, 4] = False
    x = x.masked_fill(~mask.unsqueeze(1), 1e6)
    means, has_data = patch_means(x, mask, (2, 2))
    assert means[0, :, :, 0].tolist() == [[(1 + 5 + 6) / 3, 5.0, 6.5], [10.5, 12.5, 0.0]]
    assert has_data[0].tolist() == [[True, True, True], [True, True, False]]


def test_the_temperature_starts_at_a_half_and_its_inverse_stays_below_a_hundred():
    gate = CosineGate(6, 4, 4).eval()
    assert math.exp(gate.log_factor.item()) == pytest.approx(2.0)
    means, mask = torch.randn(1, 2, 2, 6), torch.ones(1, 2, 2, dtype=torch.bool)
    with torch.no_grad():
        gate.log_factor.fill_(math.log(100.0))
        sharpest = gate(means, mask).shares
        gate.log_factor.fill_(50.0)
        assert torch.equal(gate(means, mask).shares, sharpest)


# --- noise, masks, balance


def test_noise_moves_choices_in_training_only_and_comes_from_the_seeded_generator():
    gate = CosineGate(6, 4, 2)
    means, mask = torch.randn(2, 8, 8, 6), torch.ones(2, 8, 8, dtype=torch.bool)
    torch.manual_seed(5)
    first, other = gate(means, mask).shares, gate(means, mask).shares
    torch.manual_seed(5)
    assert torch.equal(gate(means, mask).shares, first)
    assert ((first > 0) != (other > 0)).any()
    gate.eval()
    assert torch.equal(gate(means, mask).shares, gate(means, mask).shares)


def test_balance_is_the_written_out_formula_over_patches_with_data():
    gate = CosineGate(6, 4, 2)
    gate.noise = 0.0
    means = torch.randn(2, 3, 3, 6)
    mask = torch.rand(2, 3, 3) > 0.4
    routes = gate(means, mask)
    for b in range(2):
        f, P, count = [0.0] * 4, [0.0] * 4, int(mask[b].sum())
        for r, c in mask[b].nonzero().tolist():
            projected = gate.project(means[b, r, c])
            logits = torch.stack([2.0 * torch.cosine_similarity(projected, v, dim=0) for v in gate.vectors])
            for i in logits.topk(2).indices.tolist():
                f[i] += 1 / (2 * count)
            for i, probability in enumerate(logits.softmax(0).tolist()):
                P[i] += probability / count
        expected = 0.001 * 4 * sum(a * b for a, b in zip(f, P, strict=True))
        assert routes.balance[b].item() == pytest.approx(expected, rel=1e-5)


def test_balance_is_least_where_all_experts_have_the_same_load():
    gate = CosineGate(4, 4, 1)
    gate.noise = 0.0
    with torch.no_grad():
        gate.project.weight.copy_(torch.eye(4))
        gate.vectors.copy_(torch.eye(4))
    mask = torch.ones(1, 2, 2, dtype=torch.bool)
    even = gate(torch.eye(4).view(1, 2, 2, 4), mask).balance
    one_for_all = gate(torch.eye(4)[0].expand(1, 2, 2, 4), mask).balance
    assert even.item() == pytest.approx(0.001)
    assert one_for_all.item() > 0.0015


@pytest.mark.parametrize("routing", ["patch", "token", "image"])
def test_cells_without_data_weigh_nothing_in_routes_and_balance(routing):
    module = stage(routing=routing).requires_grad_(requires_grad=False)
    module.gate.noise = 0.0
    for norm in (m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        norm.eval()  # batch statistics would hear every cell
    mask = torch.zeros(1, 6, 8, dtype=torch.bool)
    mask[0, :4, :6] = True
    x = a_map(6, 8)
    _, routes, balance = module(x, mask)
    x = x.masked_fill(~mask.unsqueeze(1), 7.0)
    _, again, balance_again = module(x, mask)
    torch.testing.assert_close(again, routes)
    torch.testing.assert_close(balance_again, balance)
    side = {"patch": (2, 2), "token": (1, 1), "image": (6, 8)}[routing]
    _, with_data = patch_means(x, mask, side)
    assert torch.equal(routes.sum(1) > 0, with_data)


def test_a_map_that_does_not_divide_counts_the_same_as_one_padded_by_cells_without_data():
    module = used(stage())
    module.gate.train().noise = 0.0
    x = a_map(5, 7)
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1), value=9.0)
    mask = torch.nn.functional.pad(everywhere(x), (0, 1, 0, 1), value=False)
    _, routes, balance = module(x, everywhere(x))
    _, routes_padded, balance_padded = module(padded, mask)
    torch.testing.assert_close(routes_padded, routes)
    torch.testing.assert_close(balance_padded, balance)


def test_there_is_no_balance_loss_in_evaluation():
    x = a_map(4, 4, 3)
    assert stage().eval()(x, everywhere(x))[2].tolist() == [0.0, 0.0, 0.0]


# --- gradient


@pytest.mark.parametrize("routing", ["patch", "token", "image"])
def test_every_expert_gate_and_scale_gets_a_gradient(routing):
    module = stage(routing=routing)
    x = a_map(8, 8, 16)
    y, routes, balance = module(x, everywhere(x))
    assert (routes.sum((0, 2, 3)) > 0).all()  # every expert was chosen by some patch
    ((y * torch.randn_like(y)).mean() + balance.mean()).backward()
    for name, parameter in module.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name
    for each in (module.experts.down.grad, module.experts.up.grad, module.gate.vectors.grad):
        assert (each.flatten(1).abs().amax(1) > 0).all()


def test_a_fresh_stage_learns_up_matrices_first_and_all_of_itself_one_step_later():
    torch.manual_seed(0)
    module = PatchExperts(WIDTH, WIDTH, CONFIG)
    optimiser = torch.optim.AdamW(module.parameters(), 1e-3)
    x = a_map(8, 8, 6)
    without = []
    for _ in range(2):
        y, _, balance = module(x, everywhere(x))
        optimiser.zero_grad()
        ((y * torch.randn_like(y)).mean() + balance.mean()).backward()
        without.append({name for name, p in module.named_parameters() if not p.grad.abs().max() > 0})
        optimiser.step()
    assert without == [{"experts.down", "experts.scale"}, set()]


def test_an_expert_that_nobody_chose_is_still_taught_by_the_balance_loss():
    gate = CosineGate(6, 4, 1)
    gate.noise = 0.0
    routes = gate(torch.ones(1, 2, 2, 6), torch.ones(1, 2, 2, dtype=torch.bool))
    routes.balance.sum().backward()
    assert (routes.shares.sum((0, 1, 2)) > 0).sum() == 1
    assert (gate.vectors.grad.abs().amax(1) > 0).all()


@pytest.mark.parametrize("routing", ["patch", "token", "image"])
def test_a_picture_without_data_is_finite_and_has_no_balance(routing):
    module = stage(routing=routing)
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0] = True
    y, routes, balance = module(a_map(4, 4, 2), mask)
    assert torch.isfinite(y).all()
    assert balance[0] > 0
    assert balance[1] == 0
    assert not routes[1].any()
    (y.square().mean() + balance.mean()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in module.parameters())
