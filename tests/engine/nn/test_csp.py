from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.nn.csp import (
    Bottleneck,
    ConvNormAct,
    CspBlock,
    CspStage,
    PositionAttention,
    PositionAttentionStage,
    Sppf,
    cells_with_data,
)

BLOCKS = {
    "bottleneck": lambda: Bottleneck(8),
    "CSP block": lambda: CspBlock(8),
    "CSP stage": lambda: CspStage(8, 12, 2),
    "CSP stage of CSP blocks": lambda: CspStage(8, 12, 2, inside=True),
    "pooled pyramid": lambda: Sppf(8, 12),
    "position attention": lambda: PositionAttentionStage(8, 2),
}


def settled(module):
    """``module`` as it is used, with BatchNorm statistics that are not the trivial ones."""
    generator = torch.Generator().manual_seed(1)
    for name, buffer in module.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5 * name.endswith("running_var"))
    return module.eval().requires_grad_(requires_grad=False)


@pytest.fixture(autouse=True)
def same_weights():
    torch.manual_seed(0)


@pytest.mark.parametrize("build", BLOCKS.values(), ids=BLOCKS)
def test_each_block_keeps_height_and_width_and_teaches_every_parameter(build):
    block = build()
    y = block(torch.randn(2, 8, 3, 5))
    assert y.shape[-2:] == (3, 5)
    (y * torch.randn_like(y)).sum().backward()
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("build", BLOCKS.values(), ids=BLOCKS)
def test_in_evaluation_a_row_does_not_hear_the_others(build):
    block = settled(build())
    x = torch.randn(3, 8, 3, 5)
    torch.testing.assert_close(block(x[1:2]), block(x)[1:2])


@pytest.mark.parametrize(("stride", "size"), [(1, (5, 8)), (2, (3, 4))])
def test_convolution_norm_and_activation_are_the_written_out_formula(stride, size):
    block = settled(ConvNormAct(3, 4, 3, stride))
    x = torch.randn(1, 3, 5, 8)
    y = F.conv2d(x, block.conv.weight, stride=stride, padding=1)
    mean, variance = block.norm.running_mean[:, None, None], block.norm.running_var[:, None, None]
    y = (y - mean) / torch.sqrt(variance + 1e-3)
    expected = y / (1 + torch.exp(-y))
    assert expected.shape[-2:] == size
    torch.testing.assert_close(block(x), expected)


def test_batch_norm_forgets_by_three_hundredths():
    block = ConvNormAct(1, 1).train()
    with torch.no_grad():
        block.conv.weight.fill_(1.0)
    block(torch.full((2, 1, 2, 2), 10.0))
    assert block.norm.running_mean.item() == pytest.approx(0.3)


def test_a_stage_feeds_each_block_from_the_one_before_and_keeps_them_all():
    stage = CspStage(4, 6, 3)
    seen = []
    for block in stage.blocks:
        block.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    joined = []
    stage.join.register_forward_hook(lambda _, inputs, output: joined.append(inputs[0]))
    x = torch.randn(1, 4, 5, 5)
    stage(x)
    assert [inputs is output for (_, output), (inputs, _) in itertools.pairwise(seen)] == [True, True]
    assert torch.equal(joined[0][:, 6:], torch.cat([output for _, output in seen], 1))
    assert torch.equal(joined[0][:, 3:6], seen[0][0])


def test_three_small_pools_are_the_maxima_over_5_9_and_13_cells():
    pyramid = settled(Sppf(4, 4))
    joined = []
    pyramid.join.register_forward_hook(lambda _, inputs, output: joined.append(inputs[0]))
    x = torch.randn(1, 4, 17, 15)
    pyramid(x)
    reduced = pyramid.reduce(x)
    expected = [F.max_pool2d(reduced, side, 1, side // 2) for side in (1, 5, 9, 13)]
    torch.testing.assert_close(joined[0], torch.cat(expected, 1))


def test_position_attention_is_the_written_out_formula():
    width, H, W = 128, 2, 3  # two heads: keys of 32, values of 64
    attention = settled(PositionAttention(width)).double()
    x = torch.randn(1, width, H, W).double()
    mask = torch.tensor([[[True, True, False], [True, False, True]]])
    mapped = attention.to_query_key_value(x)[0].flatten(1).T  # [N, 256]
    values = mapped[:, 128:]
    expected = torch.zeros(H * W, width).double()
    for head in range(2):
        q, k = mapped[:, 32 * head : 32 * head + 32], mapped[:, 64 + 32 * head : 96 + 32 * head]
        v = values[:, 64 * head : 64 * head + 64]
        for n in range(H * W):
            weights = [math.exp(float(q[n] @ k[m]) / math.sqrt(32)) * bool(mask.flatten()[m]) for m in range(H * W)]
            expected[n, 64 * head : 64 * head + 64] = sum(w / sum(weights) * v[m] for m, w in enumerate(weights))
    positions = attention.position(values.T.reshape(1, width, H, W))
    expected = attention.project(expected.T.reshape(1, width, H, W) + positions)
    torch.testing.assert_close(attention(x, mask), expected)


def test_position_attention_agrees_with_torchs():
    attention = settled(PositionAttention(128))
    x = torch.randn(2, 128, 4, 5)
    q, k, v = attention.to_query_key_value(x).flatten(2).transpose(1, 2).split([64, 64, 128], -1)
    q, k, v = (part.unflatten(-1, (2, -1)).transpose(1, 2) for part in (q, k, v))
    seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2).transpose(1, 2).reshape(2, 128, 4, 5)
    values = v.transpose(1, 2).flatten(2).transpose(1, 2).reshape(2, 128, 4, 5)
    torch.testing.assert_close(attention(x), attention.project(seen + attention.position(values)))


def test_a_cell_without_data_is_heard_by_its_neighbours_alone():
    stage = settled(PositionAttentionStage(16))
    mask = torch.ones(1, 5, 6, dtype=torch.bool)
    mask[0, 0, 0] = False
    x = torch.randn(1, 16, 5, 6)
    before = stage(x, mask)
    x[0, :, 0, 0] = 1e3
    changed = (stage(x, mask) - before).abs().amax(1)[0] > 1e-4
    assert changed[:2, :2].any()
    assert not changed[2:].any()
    assert not changed[:, 2:].any()


def test_position_attention_without_any_data_is_finite():
    stage = PositionAttentionStage(16)
    y = stage(torch.randn(2, 16, 3, 3), torch.zeros(2, 3, 3, dtype=torch.bool))
    y.square().mean().backward()
    assert torch.isfinite(y).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in stage.parameters())


@pytest.mark.parametrize(("width", "heads"), [(8, 1), (64, 1), (128, 2), (256, 4)])
def test_there_is_a_head_for_every_64_channels(width, heads):
    attention = PositionAttention(width)
    assert (attention.heads, attention.key_width) == (heads, width // heads // 2)


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 3), columns=st.integers(1, 3), stride=st.sampled_from([2, 4]), seed=st.integers(0, 99))
def test_a_cell_has_data_where_any_of_its_pixels_has(rows, columns, stride, seed):
    valid = torch.rand(2, rows * stride, columns * stride, generator=torch.Generator().manual_seed(seed)) > 0.8
    cells = cells_with_data(valid, stride)
    assert cells.shape == (2, rows, columns)
    for row in range(rows):
        for column in range(columns):
            window = valid[:, row * stride : (row + 1) * stride, column * stride : (column + 1) * stride]
            assert torch.equal(cells[:, row, column], window.flatten(1).any(1))
