"""The heads by hand: decoding, the contrastive score, the text adapter, what they start as."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from engine.grounding.heads import (
    ContrastiveHead,
    RegionHead,
    ScaleHead,
    TextAdapter,
    cell_centres,
    decode_boxes,
)

LIKE = torch.zeros(1)


def peaked(distances: torch.Tensor, bins: int) -> torch.Tensor:
    """Logits [..., bins] whose distribution has ``distances`` as its mean: shared by the two nearest whole numbers."""
    low = distances.floor().long().clamp(max=bins - 2)
    share = distances - low
    weight = torch.full((*distances.shape, bins), 1e-12)
    weight.scatter_(-1, low.unsqueeze(-1), (1 - share).clamp(min=1e-12).unsqueeze(-1))
    weight.scatter_(-1, (low + 1).unsqueeze(-1), share.clamp(min=1e-12).unsqueeze(-1))
    return weight.log()


# --- cells and boxes


def test_centres_are_in_the_middle_of_cells():
    centres, strides = cell_centres([(2, 3), (1, 1)], [8, 16], LIKE)
    assert centres.tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12], [8, 8]]
    assert strides.tolist() == [8.0] * 6 + [16.0]


def test_a_box_by_hand():
    """The cell at (12, 4) of stride 8, its sides 0.5, 0.25, 2 and 3.5 strides away."""
    centres, strides = cell_centres([(1, 2)], [8], LIKE)
    sides = peaked(torch.tensor([[[1.0, 1.0, 1.0, 1.0], [0.5, 0.25, 2.0, 3.5]]]), bins=5)
    boxes = decode_boxes(sides, centres, strides)
    torch.testing.assert_close(boxes[0], torch.tensor([[-4.0, -4.0, 12.0, 12.0], [8.0, 2.0, 28.0, 32.0]]))


def test_any_box_that_the_bins_reach_is_decoded_exactly():
    drawn = torch.Generator().manual_seed(0)
    centres, strides = cell_centres([(8, 8), (4, 4), (2, 2)], [8, 16, 32], LIKE)
    distances = 15 * torch.rand(3, len(centres), 4, generator=drawn)
    boxes = decode_boxes(peaked(distances, bins=16), centres, strides)
    pixels = distances * strides[:, None]
    expected = torch.cat([centres - pixels[..., :2], centres + pixels[..., 2:]], -1)
    torch.testing.assert_close(boxes, expected, atol=1e-3, rtol=0)


def test_equal_logits_are_the_middle_of_the_bins():
    centres, strides = cell_centres([(1, 1)], [32], LIKE)
    assert decode_boxes(torch.zeros(1, 1, 4, 16), centres, strides).tolist() == [[[16 - 240, 16 - 240, 256, 256]]]


def test_boxes_are_never_inside_out():
    centres, strides = cell_centres([(4, 4)], [8], LIKE)
    boxes = decode_boxes(50 * torch.randn(2, 16, 4, 16, generator=torch.Generator().manual_seed(0)), centres, strides)
    assert (boxes[..., 2:] >= boxes[..., :2]).all()


# --- the contrastive head


def test_the_score_is_normed_features_times_text_scaled_and_shifted():
    torch.manual_seed(0)
    head = ContrastiveHead(6, texts=4, cells=16.0).eval()
    head.norm.running_mean.normal_()
    head.norm.running_var.uniform_(0.5, 2.0)
    with torch.no_grad():
        head.norm.weight.normal_()
        head.norm.bias.normal_()
        head.logit_scale.fill_(0.3)
    visual, texts = torch.randn(2, 6, 3, 5), F.normalize(torch.randn(2, 4, 6), dim=-1)
    scores = head(visual, texts)
    assert scores.shape == (2, 15, 4)
    norm = head.norm
    cell = (visual[1, :, 2, 3] - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias
    torch.testing.assert_close(scores[1, 2 * 5 + 3, 2], math.exp(0.3) * cell @ texts[1, 2] + head.bias)


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_the_bias_starts_as_the_design_page_has_it(stride):
    head = ContrastiveHead(8, texts=20, cells=(640 / stride) ** 2)
    assert head.bias.item() == pytest.approx(math.log(5 / 20 / (640 / stride) ** 2))
    assert head.logit_scale.item() == -1.0


def test_a_fresh_head_expects_about_five_right_cells_in_all_slots_of_a_scale():
    head = ContrastiveHead(8, texts=20, cells=1600.0).eval()
    scores = head(torch.zeros(1, 8, 40, 40), F.normalize(torch.ones(1, 20, 8), dim=-1))
    assert scores.sigmoid().sum().item() == pytest.approx(5.0, rel=0.01)


# --- texts


def test_the_adapter_starts_as_the_text_itself():
    texts = F.normalize(torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    torch.testing.assert_close(TextAdapter(8)(texts), texts)


def test_the_adapter_is_a_residual_swiglu_of_length_one():
    torch.manual_seed(0)
    adapter = TextAdapter(8)
    torch.nn.init.normal_(adapter.project.weight)
    texts = F.normalize(torch.randn(2, 3, 8), dim=-1)
    inside = texts @ adapter.gate_and_value.weight.T + adapter.gate_and_value.bias
    swiglu = inside[..., :16] * torch.sigmoid(inside[..., :16]) * inside[..., 16:]
    raw = texts + swiglu @ adapter.project.weight.T + adapter.project.bias
    torch.testing.assert_close(adapter(texts), raw / raw.norm(dim=-1, keepdim=True))


def test_an_empty_slot_stays_finite_in_the_adapter():
    texts = torch.zeros(1, 1, 8, requires_grad=True)
    adapted = TextAdapter(8)(texts)
    adapted.sum().backward()
    assert torch.isfinite(adapted).all()
    assert torch.isfinite(texts.grad).all()


# --- one scale


def scale_head(grid: int | None) -> ScaleHead:
    return ScaleHead(16, box_width=8, bins=4, class_width=8, embed_width=6, texts=3, cells=20.0, grid=grid)


@pytest.mark.parametrize("grid", [None, 2])
def test_regions_are_told_in_training_alone(grid):
    head = scale_head(grid)
    x, texts = torch.randn(2, 16, 4, 5), F.normalize(torch.randn(2, 3, 6), dim=-1)
    answer = head(x, texts)
    assert (answer.regions is None) == (grid is None)
    if answer.regions is not None:
        assert answer.regions.shape == (2, 4, 4, 5)
    assert answer.scores.shape == (2, 20, 3)
    assert answer.sides.shape == (2, 20, 4, 4)
    assert head.eval()(x, texts).regions is None


def test_sides_and_scores_are_of_the_same_cell():
    """The logits of a cell are where its row and column say, side after side."""
    head = scale_head(None).eval()
    x, texts = torch.randn(1, 16, 4, 5), F.normalize(torch.randn(1, 3, 6), dim=-1)
    answer = head(x, texts)
    maps = head.box(x)  # [1, 16, 4, 5]
    for row, column in ((0, 0), (1, 3), (3, 4)):
        torch.testing.assert_close(answer.sides[0, row * 5 + column], maps[0, :, row, column].view(4, 4))


def test_the_region_head_is_two_convolutions_of_one_cell():
    head = RegionHead(8, grid=4)
    x = torch.randn(1, 8, 3, 3)
    alone = head(x[:, :, 1:2, 2:3])
    torch.testing.assert_close(head(x)[:, :, 1, 2], alone[:, :, 0, 0])
