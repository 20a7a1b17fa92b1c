from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.grounding.backbone import Backbone
from engine.grounding.config import GroundingConfig
from engine.grounding.neck import Neck
from engine.nn.csp import ConvNormAct, CspStage

CONFIG = GroundingConfig(
    image_size=64,
    conv_widths=(8, 8, 16, 16, 32),
    stage_widths=(16, 16, 24, 32),
    neck_widths=(8, 16, 32),
    experts=4,
    rank=2,
    fusion=False,
)
BASELINE = replace(CONFIG, experts=0)
PAPER_BASELINE = replace(GroundingConfig.paper(), experts=0)


def backbone(config=CONFIG):
    """One whose low-rank parts have left zero, so that experts differ."""
    torch.manual_seed(0)
    module = Backbone(config)
    if config.experts:
        nn.init.normal_(module.deepest.experts.up)
    return module


def pictures(count, height, width):
    picture = torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(2))
    return picture, torch.ones(count, height, width, dtype=torch.bool)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("config", [CONFIG, BASELINE, replace(CONFIG, csp_inside=True)], ids=["", "baseline", "inside"])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (96, 160), (224, 32)])
def test_any_multiples_of_32_come_out_at_three_strides(config, height, width):
    p3, p4, p5, routes, balance = backbone(config).eval()(*pictures(2, height, width))
    assert p3.shape == (2, 16, height // 8, width // 8)
    assert p4.shape == (2, 24, height // 16, width // 16)
    assert p5.shape == (2, 32, height // 32, width // 32)
    assert balance.tolist() == [0.0, 0.0]
    if config.experts:
        assert routes.shape == (2, 4, -(-height // 64), -(-width // 64))  # patches of two cells, rounded up
    else:
        assert routes is None


@pytest.mark.parametrize("config", [CONFIG, BASELINE], ids=["", "baseline"])
def test_every_parameter_gets_a_gradient(config):
    module = backbone(config)
    p3, p4, p5, _, balance = module(*pictures(4, 128, 128))
    (sum((p * torch.randn_like(p)).mean() for p in (p3, p4, p5)) + balance.mean()).backward()
    for name, parameter in module.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_a_batch_of_one_equals_a_row():
    module = backbone().eval()
    picture, valid = pictures(3, 96, 64)
    valid[1, :, 40:] = False
    together = module(picture, valid)
    for row in range(3):
        for alone, all_of_them in zip(module(picture[row : row + 1], valid[row : row + 1]), together, strict=True):
            torch.testing.assert_close(alone, all_of_them[row : row + 1])


def test_what_stands_where_there_is_no_data_changes_nothing():
    module = backbone().eval()
    picture, valid = pictures(2, 96, 128)
    valid[0, 50:] = valid[1, :, :30] = False
    before = module(picture, valid)
    for loud in (1e4, float("nan")):
        after = module(picture.masked_fill(~valid.unsqueeze(1), loud), valid)
        for now, then in zip(after, before, strict=True):
            assert torch.equal(now, then)


def test_a_patch_of_the_map_without_any_data_is_no_experts():
    valid = torch.ones(1, 128, 192, dtype=torch.bool)
    valid[0, :, 64:] = False
    valid[0, 100, 70] = True  # one pixel is enough for its patch
    *_, routes, _ = backbone().eval()(torch.randn(1, 3, 128, 192), valid)
    assert (routes.sum(1) > 0).tolist() == [[[True, False, False], [True, True, False]]]


@pytest.mark.parametrize("config", [CONFIG, BASELINE], ids=["", "baseline"])
def test_a_picture_without_data_is_finite_forward_and_backward(config):
    module = backbone(config)
    picture, valid = pictures(2, 64, 64)
    valid[0] = False
    *maps, _, balance = module(picture, valid)
    assert balance[0] == 0
    assert (balance[1] > 0) == bool(config.experts)
    (sum(p.square().mean() for p in maps) + balance.mean()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in module.parameters())


@torch.inference_mode()
def test_half_precision_is_finite_and_near():
    module, neck = backbone().eval(), Neck(CONFIG).eval()
    picture, valid = pictures(2, 96, 128)
    *maps, routes, _ = module(picture, valid)
    with torch.autocast("cpu", torch.bfloat16):
        *half_maps, half_routes, balance = module(picture, valid)
        outputs = neck(*half_maps)
    assert half_routes.dtype == balance.dtype == torch.float32
    torch.testing.assert_close(half_routes.sum(1), torch.ones_like(routes.sum(1)))
    for half, full in zip((*half_maps, *outputs), (*maps, *neck(*maps)), strict=True):
        assert torch.isfinite(half).all()
        torch.testing.assert_close(half.float(), full, atol=0.05 * float(full.abs().max()), rtol=0.05)


def test_training_in_half_precision_is_finite():
    module = backbone()
    with torch.autocast("cpu", torch.bfloat16):
        *maps, _, balance = module(*pictures(2, 64, 128))
    (sum(p.float().square().mean() for p in maps) + balance.mean()).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in module.parameters())


def test_a_step_begun_again_with_the_same_seed_is_the_same_to_the_last_bit():
    module, (picture, valid) = backbone(), pictures(2, 128, 128)
    torch.manual_seed(7)
    *first, routes, _ = module(picture, valid)
    torch.manual_seed(7)
    *second, again, _ = module(picture, valid)
    assert torch.equal(routes, again)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_baseline_with_a_head_of_80_classes_is_the_published_yolo11_m_to_the_last_parameter():
    """The published count, 20,114,688, has a box branch and a class branch per scale and 16 fixed weights of DFL."""

    def box_branch(width):
        return nn.Sequential(ConvNormAct(width, 64, 3), ConvNormAct(64, 64, 3), nn.Conv2d(64, 64, 1))

    def class_branch(width):
        first = [ConvNormAct(width, width, 3, groups=width), ConvNormAct(width, 256)]
        second = [ConvNormAct(256, 256, 3, groups=256), ConvNormAct(256, 256)]
        return nn.Sequential(*first, *second, nn.Conv2d(256, 80, 1))

    with torch.device("meta"):
        parts = [Backbone(PAPER_BASELINE), Neck(PAPER_BASELINE)]
        parts += [branch(width) for width in PAPER_BASELINE.neck_widths for branch in (box_branch, class_branch)]
    assert sum(count(part) for part in parts) + 16 == 20_114_688


def test_experts_of_rank_16_are_a_little_smaller_than_the_stage_they_stand_for():
    with torch.device("meta"):
        whole, baseline = Backbone(GroundingConfig.paper()), Backbone(PAPER_BASELINE)
        wide = Backbone(replace(GroundingConfig.paper(), rank=256))
    assert isinstance(baseline.deepest, CspStage)
    assert count(whole) - count(baseline) == pytest.approx(-0.05e6, abs=0.04e6)
    assert count(wide) - count(whole) == 8 * 2 * 256 * (256 - 16)  # E experts, A and B, C = 256
