from __future__ import annotations

import pytest
import torch

from engine.grounding.config import GroundingConfig
from engine.grounding.neck import Neck, doubled

CONFIG = GroundingConfig(stage_widths=(8, 12, 16, 32), neck_widths=(8, 16, 24), fusion=False)


def maps(rows, columns, count=2):
    """P3, P4 and P5 of a picture with ``rows`` x ``columns`` cells of stride 32."""
    drawn = torch.Generator().manual_seed(1)
    sizes = ((12, 4), (16, 2), (32, 1))
    return [torch.randn(count, width, k * rows, k * columns, generator=drawn) for width, k in sizes]


def a_neck():
    torch.manual_seed(0)
    return Neck(CONFIG)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (7, 2)])
def test_each_scale_keeps_its_size_and_gets_its_width(rows, columns):
    outputs = a_neck().eval()(*maps(rows, columns))
    assert [tuple(n.shape[1:]) for n in outputs] == [
        (8, 4 * rows, 4 * columns),
        (16, 2 * rows, 2 * columns),
        (24, rows, columns),
    ]


@pytest.mark.parametrize("scale", [0, 1, 2])
def test_every_scale_hears_every_other(scale):
    inputs = [p.requires_grad_() for p in maps(2, 2)]
    heard = torch.autograd.grad(a_neck()(*inputs)[scale].square().sum(), inputs)
    assert all(gradient.abs().max() > 0 for gradient in heard)


def test_every_parameter_gets_a_gradient():
    neck = a_neck()
    sum((n * torch.randn_like(n)).mean() for n in neck(*maps(4, 4))).backward()
    for name, parameter in neck.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_batch_of_one_equals_a_row():
    neck = a_neck().eval()
    inputs = maps(3, 2, 3)
    together = neck(*inputs)
    for alone, all_of_them in zip(neck(*(p[1:2] for p in inputs)), together, strict=True):
        torch.testing.assert_close(alone, all_of_them[1:2])


def test_doubling_repeats_each_cell():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    assert torch.equal(doubled(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))
