"""CIoU and DFL against torchvision and PyTorch, the parts of the loss written out, and boxes that are none."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import complete_box_iou, complete_box_iou_loss

from engine.grounding.assigner import NO_THING, assign
from engine.grounding.heads import decode_boxes
from engine.grounding.losses import (
    LossWeights,
    box_losses,
    complete_iou,
    distribution_focal_loss,
    grid_labels,
    grounding_loss,
    region_loss,
    target_scores,
    text_loss,
)
from engine.grounding.network import GroundingOutput, Targets
from tests.engine.grounding.outputs import BINS, detached, random_output, random_targets

WEIGHTS = LossWeights()


def random_boxes(count: int, seed: int) -> Tensor:
    drawn = torch.Generator().manual_seed(seed)
    corner = 100 * torch.rand(count, 2, generator=drawn)
    return torch.cat([corner, corner + 60 * torch.rand(count, 2, generator=drawn) + 0.5], -1)


def rows(output: GroundingOutput, index: slice) -> GroundingOutput:
    return output._replace(
        scores=output.scores[index],
        sides=output.sides[index],
        boxes=output.boxes[index],
        regions=tuple(region[index] for region in output.regions),
        cell_mask=output.cell_mask[index],
        balance=output.balance[index],
    )


def test_complete_iou_and_its_gradient_are_torchvisions():
    boxes, others = random_boxes(200, 0), random_boxes(200, 1)
    boxes[:5] = others[:5]  # identical ones, too
    ours, theirs = boxes.clone().requires_grad_(), boxes.clone().requires_grad_()
    loss, expected = 1 - complete_iou(ours, others), complete_box_iou_loss(theirs, others)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)
    loss[5:].sum().backward()  # of identical boxes the gradient is one of several: minimum and maximum are tied
    expected[5:].sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_complete_iou_of_every_pair_is_torchvisions():
    boxes, others = random_boxes(30, 2), random_boxes(20, 3)
    found = complete_iou(boxes.unsqueeze(1), others)  # [30, 20]
    torch.testing.assert_close(found, complete_box_iou(boxes, others), rtol=1e-5, atol=1e-6)


def test_complete_iou_by_hand():
    """Two squares of 2 beside each other, corner to corner: no overlap, one shape, ρ² = 8 and c² = 32."""
    found = complete_iou(torch.tensor([0.0, 0, 2, 2]), torch.tensor([2.0, 2, 4, 4]))
    assert float(found) == pytest.approx(-8 / 32)


def test_dfl_is_the_cross_entropy_with_two_neighbours():
    drawn = torch.Generator().manual_seed(0)
    sides = torch.randn(50, 4, BINS, generator=drawn)
    distances = 15 * torch.rand(50, 4, generator=drawn)
    two_hot = (1 - (torch.arange(BINS) - distances.unsqueeze(-1)).abs()).clamp(min=0)  # [50, 4, bins]
    expected = F.cross_entropy(sides.flatten(0, 1), two_hot.flatten(0, 1), reduction="none").view(50, 4)
    torch.testing.assert_close(distribution_focal_loss(sides, distances), expected)


@pytest.mark.parametrize(("distance", "bin_"), [(0.0, 0), (7.0, 7), (15.0, 15), (-3.0, 0), (99.0, 15)])
def test_dfl_of_whole_numbers_and_of_what_the_bins_cannot_say(distance, bin_):
    sides = torch.randn(BINS, generator=torch.Generator().manual_seed(1))
    found = distribution_focal_loss(sides, torch.tensor(distance))
    torch.testing.assert_close(found, F.cross_entropy(sides, torch.tensor(bin_)))


def test_dfl_is_least_where_the_expectation_is_the_distance():
    sides = torch.zeros(BINS, requires_grad=True)
    optimiser = torch.optim.Adam([sides], 0.3)
    for _ in range(200):
        optimiser.zero_grad()
        distribution_focal_loss(sides, torch.tensor(6.3)).backward()
        optimiser.step()
    assert float(sides.detach().softmax(-1) @ torch.arange(BINS, dtype=torch.float32)) == pytest.approx(6.3, abs=0.02)


def test_target_scores_hold_for_every_text_that_names_the_thing():
    output, targets = random_output(2, 4, seed=2), random_targets(2, 5, 4, seed=2)
    found = assign(output, targets)
    wanted = target_scores(targets, found)
    for b in range(2):
        for a in range(wanted.shape[1]):
            thing = int(found.thing[b, a])
            expected = torch.zeros(4) if thing == NO_THING else targets.names[b, thing] * found.weight[b, a]
            assert torch.equal(wanted[b, a], expected)


def written_out(output: GroundingOutput, targets: Targets) -> dict[str, list[float]]:
    """Every part of every picture's loss, cell by cell."""
    output = detached(output)
    found = assign(output, targets)
    wanted = target_scores(targets, found)
    parts: dict[str, list[float]] = {"box": [], "dfl": [], "cls": []}
    for b in range(len(output.boxes)):
        entropy = wishes = 0.0
        of_things: dict[int, list[tuple[float, float, float]]] = {}  # share, 1 - CIoU and DFL of each of their cells
        for a in range(output.boxes.shape[1]):
            for t in range(wanted.shape[2]):
                if output.cell_mask[b, a] and targets.text_mask[b, t]:
                    p = output.scores[b, a, t].double().sigmoid()
                    y = wanted[b, a, t].double()
                    entropy -= float(y * p.log() + (1 - y) * (1 - p).log())
                    wishes += float(y)
            thing = int(found.thing[b, a])
            if thing != NO_THING:
                truth = targets.boxes[b, thing]
                (x, y), stride = output.centres[a], output.strides[a]
                x0, y0, x1, y1 = truth
                distances = torch.stack([x - x0, y - y0, x1 - x, y1 - y]) / stride
                apart = float(complete_box_iou_loss(output.boxes[b, a], truth))
                sides = float(distribution_focal_loss(output.sides[b, a], distances).mean())
                of_things.setdefault(thing, []).append((float(found.share[b, a]), apart, sides))
        for name, column in (("box", 1), ("dfl", 2)):
            means = [sum(c[0] * c[column] for c in cells) / sum(c[0] for c in cells) for cells in of_things.values()]
            parts[name].append(sum(means) / len(means) if means else 0.0)
        parts["cls"].append(entropy / max(wishes, 1.0))
    return parts


def test_parts_are_what_the_docstring_says():
    output, targets = random_output(3, 3, seed=4), random_targets(3, 5, 3, seed=4)
    output.cell_mask[0, ::3] = False
    total, parts = grounding_loss(detached(output), targets, WEIGHTS)
    for name, each in written_out(output, targets).items():
        assert float(parts[name]) == pytest.approx(sum(each) / 3, rel=1e-4), name
    weighted = sum(getattr(WEIGHTS, name) * float(part) for name, part in parts.items())
    assert float(total) == pytest.approx(weighted, rel=1e-5)
    assert float(parts["balance"]) == pytest.approx(float(output.balance.mean()))


def test_a_thing_of_a_few_pixels_is_heard_beside_a_large_one():
    """At the start, when boxes are of one size and hardly overlap it: its cells are pulled, too."""
    boxes = torch.tensor([[[8.0, 8.0, 56.0, 56.0], [42.0, 3.0, 47.0, 8.0]]])
    both = torch.ones(1, 2, dtype=torch.bool)
    targets = Targets(boxes, both, torch.eye(2, dtype=torch.bool).unsqueeze(0), both)
    first = random_output(1, 2, seed=0)
    sides = torch.zeros_like(first.sides).requires_grad_()
    output = first._replace(sides=sides, boxes=decode_boxes(sides, first.centres, first.strides))
    found = assign(output, targets)
    assert float(found.weight[found.thing == 1].max()) < 0.01  # an IoU; weighted by it the cells would learn nothing
    for part in box_losses(output, targets, found):
        (pull,) = torch.autograd.grad(part.sum(), sides, retain_graph=True)
        of_large, of_small = (float(pull[found.thing == thing].norm()) for thing in (0, 1))
        assert of_small > 0.05 * of_large


def test_region_loss_is_weighted_cross_entropy_of_the_grid():
    output = detached(random_output(1, 1, seed=6))
    ones = torch.ones(1, 1, dtype=torch.bool)
    targets = Targets(torch.tensor([[[0.0, 0.0, 32.0, 32.0]]]), ones, ones.unsqueeze(-1), ones)
    output.cell_mask[0, :8] = False  # the uppermost row of P3 has no data
    expected = []
    start = 0
    for logits, grid in zip(output.regions, (4, 2, 2), strict=True):
        height = logits.shape[-1]
        entropy = weights = 0.0
        for row in range(height):
            for column in range(height):
                place = start + row * height + column
                x, y = output.centres[place].tolist()
                label = int(y / 64 * grid) * grid + int(x / 64 * grid)
                weight = (2.0 if x <= 32 and y <= 32 else 1.0) * float(output.cell_mask[0, place])
                entropy += weight * float(F.cross_entropy(logits[0, :, row, column], torch.tensor(label)))
                weights += weight
        expected.append(entropy / weights)
        start += height**2
    assert float(region_loss(output, targets, 2.0)) == pytest.approx(sum(expected) / 3, rel=1e-5)


def test_grid_labels_go_row_by_row_and_do_with_maps_that_do_not_divide():
    assert grid_labels(torch.Size([1, 4, 2, 4]), torch.device("cpu")).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert grid_labels(torch.Size([1, 4, 3, 1]), torch.device("cpu")).tolist() == [1, 3, 3]  # centres at a half: beyond


def test_without_the_region_head_there_is_no_region_loss():
    output, targets = random_output(2, 2), random_targets(2, 2, 2)
    assert region_loss(output._replace(regions=()), targets, 2.0).tolist() == [0.0, 0.0]


def test_the_loss_of_a_batch_is_the_mean_of_those_of_its_rows():
    output, targets = detached(random_output(4, 3, seed=7)), random_targets(4, 6, 3, seed=7)
    targets.box_mask[2] = False  # a picture without things
    whole, parts = grounding_loss(output, targets, WEIGHTS)
    single = [
        grounding_loss(rows(output, slice(b, b + 1)), Targets(*(part[b : b + 1] for part in targets)), WEIGHTS)
        for b in range(4)
    ]
    torch.testing.assert_close(whole, torch.stack([total for total, _ in single]).mean())
    for name, part in parts.items():
        torch.testing.assert_close(part, torch.stack([each[name] for _, each in single]).mean())


def test_what_is_masked_changes_neither_loss_nor_gradients():
    output, targets = random_output(2, 3, seed=8), random_targets(2, 4, 3, seed=8)
    output.cell_mask[:, ::5] = False
    blind = ~(output.cell_mask.unsqueeze(-1) & targets.text_mask.unsqueeze(1))
    lowest = torch.finfo(torch.float32).min
    quiet = output._replace(scores=output.scores.masked_fill(blind, lowest))
    expected, _ = grounding_loss(quiet, targets, WEIGHTS)
    expected_grads = torch.autograd.grad(expected, [output.scores, output.sides], retain_graph=True)
    loud_boxes = targets.boxes.masked_fill(~targets.box_mask.unsqueeze(-1), torch.nan)
    more = Targets(
        torch.cat([loud_boxes, torch.full((2, 3, 4), torch.inf)], 1),
        torch.cat([targets.box_mask, torch.zeros(2, 3).bool()], 1),
        torch.cat([targets.names | ~targets.text_mask.unsqueeze(1), torch.ones(2, 3, 3).bool()], 1),
        targets.text_mask,
    )
    loud = output._replace(scores=output.scores.masked_fill(blind, 50.0))
    found, _ = grounding_loss(loud, more, WEIGHTS)
    torch.testing.assert_close(found, expected)
    grads = torch.autograd.grad(found, [output.scores, output.sides])
    for grad, expected_grad in zip(grads, expected_grads, strict=True):
        torch.testing.assert_close(grad, expected_grad)


DEGENERATE = {
    "a line": [[10.0, 10, 30, 10]],
    "a point": [[10.0, 10, 10, 10]],
    "a point on a centre": [[12.0, 12, 12, 12]],
    "outside": [[-90.0, -90, -20, -20], [200, 200, 300, 300]],
    "much larger than the picture": [[-5000.0, -5000, 9000, 9000]],
    "three times the same": [[10.0, 10, 30, 30]] * 3,
    "turned inside out": [[30.0, 30, 10, 10]],
    "hundreds": [[8.0 + k % 20, 8.0 + k // 20, 20.0 + k % 20, 30.0 + k // 20] for k in range(400)],
    "none": [],
}


@pytest.mark.parametrize("boxes", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_odd_boxes_have_finite_losses_and_gradients(boxes):
    output = random_output(2, 2, seed=9)
    of_one = torch.tensor(boxes).view(1, -1, 4).expand(2, -1, -1)
    K = of_one.shape[1]
    targets = Targets(of_one, torch.ones(2, K).bool(), torch.ones(2, K, 2).bool(), torch.ones(2, 2).bool())
    total, parts = grounding_loss(output, targets, WEIGHTS)
    total.backward()
    assert all(torch.isfinite(part) for part in (total, *parts.values()))
    for leaf in (output.scores, output.sides, *output.regions):
        assert torch.isfinite(leaf.grad).all()


def test_boxes_of_no_size_that_a_network_might_say_have_finite_gradients():
    said = torch.tensor([[10.0, 10, 10, 10], [10, 10, 30, 10], [10, 10, 10, 30]], requires_grad=True)
    for truth in ([10.0, 10, 10, 10], [0, 0, 20, 20], [10, 10, 30, 10]):
        loss = 1 - complete_iou(said, torch.tensor(truth))
        grad = torch.autograd.grad(loss.sum(), said)[0]
        assert torch.isfinite(loss).all()
        assert torch.isfinite(grad).all()


def test_pictures_without_data_or_text_have_finite_losses():
    output, targets = random_output(2, 2, seed=10), random_targets(2, 3, 2, seed=10)
    output.cell_mask[0] = False
    targets.text_mask[1] = False
    total, parts = grounding_loss(output, targets, WEIGHTS)
    total.backward()
    assert all(torch.isfinite(part) for part in parts.values())
    assert text_loss(output, targets, assign(output, targets)).tolist() == [0.0, 0.0]
    assert all(torch.isfinite(leaf.grad).all() for leaf in (output.scores, output.sides))


def test_under_autocast_it_is_computed_in_float32():
    output, targets = random_output(2, 2, seed=11), random_targets(2, 3, 2, seed=11)
    expected, _ = grounding_loss(output, targets, WEIGHTS)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = grounding_loss(output, targets, WEIGHTS)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_a_few_steps_of_descent_find_the_thing():
    """On free logits: after two hundred steps the best cell boxes the thing, and no other text scores it."""
    output = random_output(1, 2, seed=12)
    ones = torch.ones(1, 1, dtype=torch.bool)
    names = torch.tensor([[[True, False]]])
    targets = Targets(torch.tensor([[[18.0, 9.0, 50.0, 40.0]]]), ones, names, torch.ones(1, 2).bool())
    scores, sides = (torch.zeros_like(leaf).requires_grad_() for leaf in (output.scores, output.sides))
    optimiser = torch.optim.Adam([scores, sides], 0.1)
    for _ in range(200):
        distances = (sides.softmax(-1) @ torch.arange(BINS, dtype=torch.float32)) * output.strides.view(1, -1, 1)
        boxes = torch.cat([output.centres - distances[..., :2], output.centres + distances[..., 2:]], -1)
        now = output._replace(scores=scores, sides=sides, boxes=boxes, regions=())
        optimiser.zero_grad()
        grounding_loss(now, targets, WEIGHTS)[0].backward()
        optimiser.step()
    best = int(scores[0, :, 0].argmax())
    assert float(complete_iou(boxes.detach()[0, best], targets.boxes[0, 0])) > 0.95
    assert float(scores.detach()[0, :, 1].max()) < -2
