"""LoRA on every tower that can be tuned: nothing at first, gradients everywhere, gone without a trace when merged."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from engine.errors import UsageError
from engine.nn.clip import build_clip
from engine.nn.lora import add_lora, merge_lora
from engine.nn.vision import ConvTransformer
from tests.engine.nn.tiny_clip import TINY, pictures, some_patches

RANK, ALPHA = 4, 6.0


def conv_transformer() -> nn.Module:
    return ConvTransformer(
        image_size=64, width=32, channels=(16, 16), blocks=(1, 1, 1), layers=1, heads=4, mlp_ratio=2.0
    )


def run_text(tower: nn.Module) -> Tensor:
    ids = torch.randint(1, 49000, (2, 9), generator=torch.Generator().manual_seed(8))
    return tower(ids, ids > 0)


TOWERS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], Tensor]]] = {
    "clip vision": (lambda: build_clip(TINY).vision, lambda tower: tower(pictures(2), some_patches(2))),
    "clip text": (lambda: build_clip(TINY).text, run_text),
    "conv": (conv_transformer, lambda tower: tower(pictures(2, 64), torch.arange(32).view(2, 16) % 3 > 0)),
}


@pytest.fixture(params=TOWERS)
def case(request) -> tuple[nn.Module, Callable[[nn.Module], Tensor]]:
    torch.manual_seed(9)
    build, run = TOWERS[request.param]
    return build(), run


def train(tower: nn.Module, run: Callable[[nn.Module], Tensor], steps: int) -> None:
    target = torch.randn(run(tower).shape, generator=torch.Generator().manual_seed(10))
    optimiser = torch.optim.AdamW([p for p in tower.parameters() if p.requires_grad], 1e-2)
    for _ in range(steps):
        optimiser.zero_grad()
        (run(tower) - target).square().mean().backward()
        optimiser.step()


def test_a_fresh_one_changes_nothing(case):
    tower, run = case
    before = run(tower)
    assert add_lora(tower, RANK, ALPHA) is tower
    assert torch.equal(run(tower), before)


def test_only_the_factors_of_every_linear_layer_learn(case):
    tower, _ = case
    linear = {name: part for name, part in tower.named_modules() if isinstance(part, nn.Linear)}
    add_lora(tower, RANK, ALPHA)
    learning = {name: p.shape for name, p in tower.named_parameters() if p.requires_grad}
    expected: dict[str, tuple[int, ...]] = {}
    for name, part in linear.items():
        expected[f"{name}.lora_A.default.weight"] = (RANK, part.in_features)
        expected[f"{name}.lora_B.default.weight"] = (part.out_features, RANK)
    assert learning == expected


def test_every_factor_gets_a_gradient_once_b_has_moved(case):
    tower, run = case
    add_lora(tower, RANK, ALPHA)
    train(tower, run, steps=1)
    factors = {name: p for name, p in tower.named_parameters() if "lora_" in name}
    assert all(p.grad.any() == ("lora_B" in name) for name, p in factors.items())  # B is 0, so A waits one step
    train(tower, run, steps=1)
    for name, factor in factors.items():
        assert torch.isfinite(factor.grad).all(), name
        assert factor.grad.any(), name


def test_training_leaves_the_frozen_weights_to_the_bit(case):
    tower, run = case
    before = {name: value.clone() for name, value in tower.state_dict().items()}
    add_lora(tower, RANK, ALPHA)
    train(tower, run, steps=3)
    after = {name.replace(".base_layer", ""): value for name, value in tower.state_dict().items()}
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_merged_it_is_the_plain_tower_with_what_was_learned(case):
    tower, run = case
    plain, names = run(tower).detach(), list(tower.state_dict())
    add_lora(tower, RANK, ALPHA)
    train(tower, run, steps=5)
    learned = run(tower).detach()
    assert (learned - plain).abs().max() > 0.05
    assert merge_lora(tower) is tower
    assert list(tower.state_dict()) == names
    torch.testing.assert_close(run(tower), learned, atol=1e-5, rtol=0)
    assert not any("lora" in type(part).__module__ for part in tower.modules())
    assert torch.equal(run(add_lora(tower, 1, 1.0)), run(merge_lora(tower)))  # and can be tuned again


def test_its_state_can_be_kept_and_taken_up_again(case):
    tower, run = case
    add_lora(tower, RANK, ALPHA)
    state = {name: value.clone() for name, value in tower.state_dict().items()}
    train(tower, run, steps=2)
    twin_state = {name: value.clone() for name, value in tower.state_dict().items()}
    later = run(tower).detach()
    tower.load_state_dict(state)
    assert not torch.equal(run(tower), later)
    tower.load_state_dict(twin_state)
    assert torch.equal(run(tower), later)


def test_the_formula():
    """W x + b + (alpha / rank) B A x, written out."""
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(5, 3))
    weight, bias = (p.detach().clone() for p in module.parameters())
    add_lora(module, 2, 3.0)
    a, b = torch.randn(2, 5), torch.randn(3, 2)
    with torch.no_grad():
        module.get_parameter("0.lora_A.default.weight").copy_(a)
        module.get_parameter("0.lora_B.default.weight").copy_(b)
    x = torch.randn(4, 5)
    torch.testing.assert_close(module(x), x @ weight.T + bias + 1.5 * x @ a.T @ b.T)


@pytest.mark.parametrize(("rank", "alpha"), [(0, 1.0), (-2, 1.0), (4, 0.0)])
def test_what_makes_no_sense_is_refused(rank, alpha):
    with pytest.raises(UsageError, match="rank"):
        add_lora(conv_transformer(), rank, alpha)


def test_it_is_added_once_and_to_something():
    tower = add_lora(conv_transformer(), RANK, ALPHA)
    with pytest.raises(UsageError, match="LoRA already"):
        add_lora(tower, RANK, ALPHA)
    with pytest.raises(UsageError, match="no linear layers"):
        add_lora(nn.Conv2d(3, 3, 3), RANK, ALPHA)


def test_merging_a_plain_module_leaves_it_as_it_is():
    tower = conv_transformer()
    before = list(tower.state_dict())
    assert list(merge_lora(tower).state_dict()) == before
