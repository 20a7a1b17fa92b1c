"""Task-aligned assignment against the same rules written out in loops, and by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torchvision.ops import box_iou

from engine.grounding.assigner import NO_THING, Assignment, assign, centre_inside, intersection_over_union
from engine.grounding.network import GroundingOutput, Targets
from tests.engine.grounding.outputs import cells, detached, random_output, random_targets


def in_loops(output: GroundingOutput, targets: Targets, top_k: int, alpha: float, beta: float) -> Assignment:
    """The module's docstring, one picture, thing and cell after the other, in Python's own floats."""
    output = detached(output)
    B, A, _ = output.boxes.shape
    thing = torch.full((B, A), NO_THING)
    weight, share = torch.zeros(B, A), torch.zeros(B, A)
    for b in range(B):
        wanted: dict[int, dict[int, tuple[float, float]]] = {}  # cell -> thing -> IoU, alignment
        for k in range(targets.boxes.shape[1]):
            texts = [t for t in range(targets.names.shape[2]) if targets.names[b, k, t] and targets.text_mask[b, t]]
            if not targets.box_mask[b, k] or not texts:
                continue
            x0, y0, x1, y1 = targets.boxes[b, k].tolist()
            found = []
            for a in range(A):
                (x, y), stride = output.centres[a].tolist(), float(output.strides[a])
                across, down = max(x1 - x0, stride) / 2, max(y1 - y0, stride) / 2
                if not output.cell_mask[b, a] or abs(x - (x0 + x1) / 2) > across or abs(y - (y0 + y1) / 2) > down:
                    continue
                iou = float(box_iou(output.boxes[b, a : a + 1].double(), targets.boxes[b, k : k + 1].double()))
                score = max(float(output.scores[b, a, t].double().sigmoid()) for t in texts)
                found.append((score**alpha * iou**beta, iou, a))
            for alignment, iou, a in sorted(found, reverse=True)[:top_k]:
                wanted.setdefault(a, {})[k] = (iou, alignment)
        for a, things in wanted.items():
            thing[b, a] = max(things, key=lambda k: things[k][0])
        for k in {int(k) for k in thing[b] if k != NO_THING}:
            own = {a: wanted[a][k] for a in wanted if thing[b, a] == k}
            best_iou, best = (max(values) for values in zip(*own.values(), strict=True))
            for a, (_, alignment) in own.items():
                share[b, a] = alignment / best if best else 0.0
                weight[b, a] = share[b, a] * best_iou
    return Assignment(thing, weight, share)


@pytest.mark.parametrize("seed", range(8))
def test_assignment_is_that_of_the_loops(seed):
    things = (1, 3, 12, 30)[seed % 4]
    output = random_output(3, 4, seed=seed)
    output.cell_mask[torch.rand(output.cell_mask.shape) < 0.1] = False
    targets = random_targets(3, things, 4, seed=seed)
    found, expected = assign(output, targets), in_loops(output, targets, 5, 0.5, 6.0)
    assert (found.thing != NO_THING).any()
    torch.testing.assert_close(found.thing, expected.thing)
    torch.testing.assert_close(found.weight, expected.weight, rtol=1e-3, atol=1e-6)
    overlapped = expected.weight > 0  # of a thing that no cell overlaps, the loops' t is 0 everywhere
    torch.testing.assert_close(found.share[overlapped], expected.share[overlapped], rtol=1e-3, atol=1e-6)


def test_other_numbers_are_heard():
    output, targets = random_output(2, 3, seed=1), random_targets(2, 6, 3, seed=1)
    found = assign(output, targets, top_k=9, alpha=1.0, beta=2.0)
    expected = in_loops(output, targets, 9, 1.0, 2.0)
    torch.testing.assert_close(found.thing, expected.thing)
    torch.testing.assert_close(found.weight, expected.weight, rtol=1e-3, atol=1e-6)


def one_thing(box: tuple[float, float, float, float]) -> Targets:
    ones = torch.ones(1, 1, dtype=torch.bool)
    return Targets(torch.tensor([[box]]), ones, ones.unsqueeze(-1), ones)


def test_a_cell_that_two_things_want_goes_to_the_one_it_overlaps_more():
    output = random_output(1, 1)
    boxes = torch.tensor([[[0.0, 0, 40, 40], [0, 0, 41, 41]]])
    both = Targets(
        boxes, torch.ones(1, 2, dtype=torch.bool), torch.ones(1, 2, 1, dtype=torch.bool), torch.ones(1, 1).bool()
    )
    output = output._replace(boxes=torch.tensor([0.0, 0, 40, 40]).expand_as(output.boxes))
    found = assign(output, both)
    assert (found.thing != NO_THING).any()
    assert not (found.thing == 1).any()  # both rank the same five cells, whose boxes are the first thing's


def test_the_best_cell_of_a_thing_has_the_best_iou():
    output, targets = random_output(2, 3, seed=5), random_targets(2, 4, 3, seed=5)
    found = assign(output, targets)
    pairs = [(b, k) for b in range(2) for k in range(4) if (found.thing[b] == k).any()]
    assert pairs
    for b, k in pairs:
        own = found.thing[b] == k
        ious = intersection_over_union(output.boxes[b][own], targets.boxes[b, k])
        torch.testing.assert_close(found.weight[b][own].max(), ious.max())


@pytest.mark.parametrize("where", [(32.0, 32.0), (30.0, 33.7), (1.0, 62.0), (36.0, 36.0)])
@pytest.mark.parametrize("side", [0.5, 3.0, 9.0])
def test_a_thing_smaller_than_a_cell_has_a_candidate_at_every_scale(where, side):
    centres, strides = cells(64)
    x, y = where
    box = torch.tensor([[[x - side / 2, y - side / 2, x + side / 2, y + side / 2]]])
    inside = centre_inside(box, centres, strides)[0, 0]
    for stride in (8, 16, 32):
        assert 1 <= inside[strides == stride].sum() <= 4, stride


def test_the_best_text_of_a_thing_speaks_for_it():
    """Under alpha alone the cells are ranked by score: the five best cells of either text's scores are its own."""
    output, targets = random_output(1, 2, seed=3), one_thing((0.0, 0.0, 64.0, 64.0))
    both = targets._replace(names=torch.ones(1, 1, 2, dtype=torch.bool), text_mask=torch.ones(1, 2).bool())
    found = assign(output, both, alpha=1.0, beta=0.0)
    best = set(output.scores[0].amax(-1).topk(5).indices.tolist())
    assert set((found.thing[0] != NO_THING).nonzero().flatten().tolist()) == best


def test_a_first_guess_a_thousand_times_too_large_does_not_underflow():
    output = random_output(1, 1, size=320)
    targets = one_thing((100.0, 100.0, 103.0, 103.0))
    huge = torch.cat([output.centres - 800, output.centres + 800], -1).unsqueeze(0)
    dim = output._replace(boxes=huge, scores=torch.full_like(output.scores, -60.0))
    best = assign(dim, targets).weight.max()
    assert math.isclose(float(best), 9 / 1600**2, rel_tol=1e-3)


def test_nothing_is_assigned_to_what_is_masked_unnamed_or_empty():
    output, targets = random_output(1, 1), one_thing((8.0, 8.0, 40.0, 40.0))
    off = torch.zeros(1, 1, dtype=torch.bool)
    for nothing in (
        targets._replace(box_mask=off),
        targets._replace(text_mask=off),
        targets._replace(names=off.unsqueeze(-1)),
        targets._replace(boxes=targets.boxes + 1000),
        Targets(torch.zeros(1, 0, 4), torch.zeros(1, 0).bool(), torch.zeros(1, 0, 1).bool(), torch.ones(1, 1).bool()),
    ):
        found = assign(output, nothing)
        assert (found.thing == NO_THING).all()
        assert (found.weight == 0).all()
    assert (assign(output, one_thing((20.0, 20.0, 20.0, 40.0))).weight == 0).all()  # a box of no area
    blind = output._replace(cell_mask=torch.zeros_like(output.cell_mask))
    assert (assign(blind, targets).thing == NO_THING).all()


def test_iou_is_torchvisions():
    drawn = torch.Generator().manual_seed(0)
    corners = torch.rand(2, 40, 2, generator=drawn) * 50
    boxes, others = torch.cat([corners, corners + 40 * torch.rand(2, 40, 2, generator=drawn) + 1], -1)
    found = intersection_over_union(boxes.unsqueeze(1), others.unsqueeze(0))
    torch.testing.assert_close(found, box_iou(boxes, others))
