from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from engine.vqa.network import plain_output
from engine.vqa.rivals.feth import FIRST_AGE, POINTS, Holistic, Regional, sampling_weights, soft_weights
from tests.engine.vqa.rivals.fed import rival, some_mask


def test_soft_weights_by_hand():
    losses = torch.tensor([0.0, math.log(8), 3 * math.log(8)])
    # At the start the age is two blind guesses: certain 1, guessing 1/2, three times as bad as guessing 0.
    torch.testing.assert_close(soft_weights(losses, 0.0, 8), torch.tensor([1.0, 0.5, 0.0]))
    # Half way it is four of them.
    torch.testing.assert_close(soft_weights(losses, 0.5, 8), torch.tensor([1.0, 0.75, 0.25]))
    assert soft_weights(losses, 1.0, 8).tolist() == [1.0, 1.0, 1.0]
    assert FIRST_AGE == 2.0


def test_a_vocabulary_of_one_answer_leaves_nothing_to_weigh():
    logits = torch.randn(3, 1, requires_grad=True)
    loss, parts = rival("feth").loss(plain_output(logits), torch.zeros(3, dtype=torch.long), progress=0.0)
    assert loss == 0.0
    assert parts["weight"] == 1.0


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0, 1), st.floats(0, 1), st.integers(2, 500))
def test_an_easier_question_and_a_later_time_never_weigh_less(easy, more, early, later, answers):
    early, later = sorted((early, later))
    losses = torch.tensor([easy, easy + more], dtype=torch.float64)
    now, then = soft_weights(losses, early, answers), soft_weights(losses, later, answers)
    assert now[0] >= now[1]
    assert (then >= now).all()
    assert ((now >= 0) & (now <= 1)).all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_at_the_end_the_loss_is_plain_cross_entropy(smoothing):
    logits, answer = 3 * torch.randn(6, 5), torch.arange(6) % 5
    loss, parts = rival("feth").loss(plain_output(logits), answer, label_smoothing=smoothing)
    torch.testing.assert_close(loss, F.cross_entropy(logits, answer, label_smoothing=smoothing))
    assert parts["weight"] == 1.0


def test_the_gradient_is_that_of_each_question_times_its_weight():
    """The weights are numbers, not a way for the loss to shrink by making a question harder."""
    torch.manual_seed(0)
    logits = (3 * torch.randn(6, 5, dtype=torch.float64)).requires_grad_()
    answer = torch.arange(6) % 5
    rival("feth").loss(plain_output(logits), answer, progress=0.3)[0].backward()
    probabilities = logits.detach().softmax(1)
    each = -probabilities[torch.arange(6), answer].log()
    weight = soft_weights(each, 0.3, 5)
    by_hand = weight.unsqueeze(1) * (probabilities - F.one_hot(answer, 5)) / 6
    torch.testing.assert_close(logits.grad, by_hand)
    assert weight.min() < 0.5 < weight.max()


def test_the_loss_of_a_batch_is_the_mean_of_its_equal_parts():
    model, logits, answer = rival("feth"), 3 * torch.randn(8, 5), torch.arange(8) % 5
    whole, parts = model.loss(plain_output(logits), answer, progress=0.2)
    halves = [model.loss(plain_output(logits[h]), answer[h], progress=0.2) for h in (slice(0, 4), slice(4, 8))]
    torch.testing.assert_close(whole, (halves[0][0] + halves[1][0]) / 2)
    torch.testing.assert_close(parts["weight"], (halves[0][1]["weight"] + halves[1][1]["weight"]) / 2)


def test_holistic_features_are_what_is_written():
    torch.manual_seed(0)
    look = Holistic(8).requires_grad_(requires_grad=False)
    patches, question, mask = torch.randn(2, 16, 8), torch.randn(2, 8), some_mask()
    got = look(patches, mask, question)
    for b in range(2):
        real = patches[b, mask[b]]
        p = look.of_patch(real)
        q = look.of_question(question[b])
        guided = (p / p.norm(dim=1, keepdim=True) + q / q.norm()).relu() * math.sqrt(8)
        torch.testing.assert_close(got[b], (guided @ look.score.weight[0]).softmax(0) @ real)


def test_a_region_is_what_a_spatial_transformer_samples():
    """Parity with torch's own sampler, over boxes inside of the outer patches' middles, where no edge fades."""
    torch.manual_seed(0)
    grid = 6
    patches = torch.randn(4, grid * grid, 3)
    size = torch.tensor([[0.5, 0.2], [0.7, 0.7], [0.05, 0.3], [0.4, 0.6]])
    centre = torch.tensor([[0.1, -0.3], [0.0, 0.1], [0.6, -0.5], [-0.2, 0.2]])
    region = Regional(3, grid)
    region.box = lambda holistic, question: (size, centre)
    got = region(patches, torch.ones(4, grid * grid, dtype=torch.bool), torch.zeros(4, 3), torch.zeros(4, 3))
    theta = torch.zeros(4, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = size[:, 0], size[:, 1], centre
    points = F.affine_grid(theta, [4, 3, POINTS, POINTS], align_corners=False)
    picture = patches.transpose(1, 2).reshape(4, 3, grid, grid)
    sampled = F.grid_sample(picture, points, align_corners=False)
    torch.testing.assert_close(got, sampled.mean((2, 3)), atol=1e-5, rtol=1e-4)


def test_a_region_without_data_is_zeros_and_holes_are_left_out():
    region = Regional(3, 4)
    patches, mask = torch.ones(1, 16, 3), torch.zeros(1, 16, dtype=torch.bool)
    nothing = region(patches, mask, torch.zeros(1, 3), torch.zeros(1, 3))
    assert (nothing == 0).all()
    mask[0, [5, 10]] = True
    torch.testing.assert_close(region(patches, mask, torch.zeros(1, 3), torch.zeros(1, 3)), torch.ones(1, 3))


def test_a_box_never_leaves_the_picture():
    torch.manual_seed(0)
    size, centre = Regional(8, 4).box(20 * torch.randn(50, 8), 20 * torch.randn(50, 8))
    assert ((size > 0) & (size <= 1)).all()
    assert ((centre.abs() + size) <= 1 + 1e-6).all()


def test_sampling_weights_of_the_whole_side_are_even_inside():
    weights = sampling_weights(torch.zeros(1), torch.ones(1), POINTS)
    torch.testing.assert_close(weights, torch.ones(1, POINTS))  # a point in the middle of every patch


def test_region_moves_with_a_gradient():
    torch.manual_seed(0)
    region = Regional(3, 4)
    out = region(torch.randn(2, 16, 3), some_mask(), torch.randn(2, 3), torch.randn(2, 3))
    out.sum().backward()
    assert (region.place.weight.grad.abs().sum(1) > 0).all()
