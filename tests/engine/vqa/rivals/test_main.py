from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from engine.vqa.rivals.main import RANK, BilinearPooling, Inception, attended, attention, power_normalised
from tests.engine.vqa.rivals.fed import some_mask


def test_attention_is_a_softmax_of_dot_products_over_what_is_real():
    torch.manual_seed(0)
    guide, memory = torch.randn(2, 8), torch.randn(2, 5, 8)
    mask = torch.tensor([[True] * 5, [True, False, True, False, False]])
    weight = attention(guide, memory, mask)
    torch.testing.assert_close(weight.sum(1), torch.ones(2))
    assert (weight[~mask] == 0).all()
    for b in range(2):
        expected = (memory[b, mask[b]] @ guide[b] / math.sqrt(8)).softmax(0)
        torch.testing.assert_close(weight[b, mask[b]], expected)
        torch.testing.assert_close(attended(weight, memory)[b], expected @ memory[b, mask[b]])


def test_attention_follows_its_guide():
    memory = torch.eye(4).unsqueeze(0).expand(4, 4, 4)
    weight = attention(5 * torch.eye(4), memory, torch.ones(4, 4, dtype=torch.bool))
    assert weight.argmax(1).tolist() == [0, 1, 2, 3]


def test_bilinear_pooling_equals_the_written_out_sum():
    torch.manual_seed(0)
    pool = BilinearPooling(6, 5, 4)
    x, y = torch.randn(3, 6), torch.randn(3, 5)
    u = pool.of_left.weight.view(4, RANK, 6)
    v = pool.of_right.weight.view(4, RANK, 5)
    expected = torch.zeros(3, 4)
    for o in range(4):
        form = sum(torch.outer(u[o, k], v[o, k]) for k in range(RANK))  # [6, 5], the W_o of x^T W_o y
        assert torch.linalg.matrix_rank(form) == min(RANK, 5)
        for b in range(3):
            expected[b, o] = x[b] @ form @ y[b]
    torch.testing.assert_close(pool(x, y), expected)


def test_power_normalisation_keeps_signs_and_makes_rows_of_one_length():
    z = torch.tensor([[4.0, -9.0, 0.0, 1.0], [0.5, 0.5, -0.5, 0.5]])
    out = power_normalised(z)
    torch.testing.assert_close(out.norm(dim=1), torch.full((2,), 2.0))
    torch.testing.assert_close(out[0], torch.tensor([2.0, -3.0, 0.0, 1.0]) * 2 / math.sqrt(14), atol=1e-3, rtol=0)


def test_power_normalisation_has_a_finite_slope_at_zero():
    z = torch.zeros(1, 3, requires_grad=True)
    power_normalised(z).sum().backward()
    assert torch.isfinite(z.grad).all()


def test_inception_looks_at_four_neighbourhoods():
    torch.manual_seed(0)
    block = Inception(8, 4)
    patches = torch.randn(1, 16, 8)
    picture = patches[0].T.reshape(8, 4, 4)
    got = block(patches, torch.ones(1, 16, dtype=torch.bool))
    looks = [F.conv2d(picture, c.weight, c.bias, padding=c.kernel_size[0] // 2) for c in block.branches]
    mean = torch.zeros(8, 4, 4)
    for row in range(4):
        for column in range(4):
            near = picture[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            mean[:, row, column] = near.mean((1, 2))
    joined = torch.cat([*looks, block.of_mean(mean)]).relu()
    torch.testing.assert_close(got[0], block.norm(joined.flatten(1).T), atol=1e-5, rtol=1e-4)


def test_inception_does_not_see_patches_without_data():
    torch.manual_seed(0)
    block = Inception(8, 4)
    mask = some_mask()
    patches = torch.randn(2, 16, 8)
    quiet = block(patches, mask)
    loud = block(patches.masked_fill(~mask.unsqueeze(-1), 1e3), mask)
    torch.testing.assert_close(quiet, loud)
