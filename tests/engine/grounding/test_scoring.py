"""A set put to a network: each expression alone, in the set's order, and kept as arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.network import BackboneFeatures
from engine.grounding.scored import Scored, class_boxes, scored_boxes, scored_expressions, true_boxes
from engine.grounding.scoring import expert_shares, score_set
from engine.nn.preprocess import PreprocessSpec
from tests.engine.grounding.known_set import WordSums, known_set
from tests.engine.grounding.tiny import CONFIG, EMBED, SIZE, moved, tiny_network

SPEC = PreprocessSpec()
PICTURES = known_set(6, SIZE)
WORDS = WordSums(EMBED)


@pytest.fixture(scope="module")
def network():
    return moved(tiny_network()).eval()


@pytest.fixture(scope="module")
def scored(network):
    return score_set(network, PICTURES, WORDS, CONFIG, SPEC)


def only(pictures: ExpressionSet, index: int) -> ExpressionSet:
    return replace(pictures, expressions=(pictures.expressions[index],))


def test_every_scored_expression_has_its_box_in_the_set_s_order(network, scored):
    assert scored.expression.tolist() == [n for n, one in enumerate(PICTURES.expressions) if one.scored]
    np.testing.assert_array_equal(scored.truths[5], PICTURES.things[4].box_xyxy_px)  # the second of the second picture
    for row in (0, 9, 23):
        alone = score_set(network, only(PICTURES, int(scored.expression[row])), WORDS, CONFIG, SPEC)
        np.testing.assert_allclose(alone.boxes[0], scored.boxes[row], atol=1e-3)
        assert alone.scores[0] == pytest.approx(scored.scores[row], abs=1e-6)
    assert (scored.boxes >= 0).all()
    assert (scored.boxes <= SIZE).all()
    assert scored.seconds > 0


def test_a_box_is_that_of_the_best_cell(network, scored):
    """Written out: encode the picture, ask the one text, take the cell that scores most."""
    picture = torch.from_numpy(PICTURES.pixels[2:3]).float() / 255
    valid = torch.ones(1, SIZE, SIZE, dtype=torch.bool)
    with torch.inference_mode():
        view = network.encode((picture - SPEC.mean) / SPEC.std, valid)
        index = PICTURES.by_picture()[2][1]
        text = WORDS.embed([PICTURES.expressions[index].text]).unsqueeze(0)
        output = network(view, text, torch.ones(1, 1, dtype=torch.bool))
    best = int(output.scores[0, :, 0].argmax())
    (row,) = np.flatnonzero(scored.expression == index)
    np.testing.assert_allclose(scored.boxes[row], output.boxes[0, best].clamp(0, SIZE), atol=1e-3)
    assert scored.scores[row] == pytest.approx(float(output.scores[0, best, 0].sigmoid()), abs=1e-6)


def test_class_expressions_are_answered_with_many_boxes_the_best_first(scored):
    plural = {n for n, one in enumerate(PICTURES.expressions) if not one.scored}
    assert set(scored.shown_for.tolist()) <= plural
    assert len(scored.shown_for) == len(scored.shown_boxes) == len(scored.shown_scores) > len(plural)
    for index in plural:
        own = scored.shown_scores[scored.shown_for == index]
        assert (np.diff(own) <= 0).all()


def test_a_picture_without_data_has_no_box(network):
    valid = np.ones((6, SIZE, SIZE), bool)
    valid[1] = False
    scored = score_set(network, replace(PICTURES, valid=valid), WORDS, CONFIG, SPEC)
    of_it = [PICTURES.expressions[index].picture == 1 for index in scored.expression]
    np.testing.assert_array_equal(np.isnan(scored.boxes).all(1), of_it)
    assert (scored.scores[of_it] == 0).all()
    assert (scored.ious[of_it] == 0).all()
    assert scored.overlaps[4].union == pytest.approx(np.prod(scored.truths[4, 2:] - scored.truths[4, :2]), rel=1e-5)
    assert np.isnan(scored.load[1]).all()


def test_a_set_without_scored_expressions_is_refused(network):
    nothing = replace(PICTURES, expressions=tuple(one for one in PICTURES.expressions if not one.scored))
    with pytest.raises(UsageError, match="noise has no expression that names one thing"):
        score_set(network, nothing, WORDS, CONFIG, SPEC)


def test_experts_shares_are_of_all_patches_and_without_experts_there_are_none(network, scored):
    assert scored.load.shape == (6, CONFIG.experts)
    np.testing.assert_allclose(scored.load.sum(1), 1, atol=1e-5)
    plain = replace(CONFIG, experts=0)
    assert score_set(tiny_network(experts=0), PICTURES, WORDS, plain, SPEC).load.shape == (6, 0)


def test_patches_without_data_are_in_no_share():
    """3 x 3 cells in patches of 2: the third column and row are patches of their own; data in the first cell and in the
    last row only."""
    cells = torch.zeros(3, 3, dtype=torch.bool)
    cells[0, 0] = cells[2, 2] = True
    routes = torch.zeros(1, 2, 2, 2)
    routes[0, :, 0, 0] = torch.tensor([0.9, 0.1])
    routes[0, :, 0, 1] = torch.tensor([0.0, 1.0])  # no data
    routes[0, :, 1, 0] = torch.tensor([0.0, 1.0])  # no data
    routes[0, :, 1, 1] = torch.tensor([0.5, 0.5])
    nothing = torch.zeros(1, 1, 3, 3)
    before = torch.ones(1, 20, dtype=torch.bool)  # cells of the finer scales
    mask = torch.cat([before, cells.reshape(1, 9)], 1)
    view = BackboneFeatures(nothing, nothing, nothing, mask, routes, torch.zeros(1))
    torch.testing.assert_close(expert_shares(routes, view), torch.tensor([[0.7, 0.3]]))


def test_what_was_scored_is_kept_and_read_again(scored, tmp_path):
    scored.save(tmp_path / "scored" / "test.npz")
    again = Scored.read(tmp_path / "scored" / "test.npz")
    for name in Scored.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(scored, name))
    assert [path.name for path in (tmp_path / "scored").iterdir()] == ["test.npz"]


def test_boxes_from_anywhere_are_judged_the_same():
    truths = true_boxes(PICTURES, scored_expressions(PICTURES))
    moved_right = truths + np.array([8, 0, 8, 0], np.float32)
    given = scored_boxes(PICTURES, moved_right)
    width = truths[:, 2] - truths[:, 0]
    np.testing.assert_allclose(given.ious, np.clip((width - 8) / (width + 8), 0, None), atol=1e-5)


def test_boxes_of_a_class_are_judged_against_all_of_it():
    expressions = PICTURES.expressions
    tanks, ships = 4, 5  # of the first picture
    things = [PICTURES.things[thing].box_xyxy_px for thing in expressions[tanks].things]
    given = replace(
        scored_boxes(PICTURES, true_boxes(PICTURES, scored_expressions(PICTURES))),
        shown_for=np.array([tanks, tanks, tanks, ships]),
        shown_boxes=np.array([things[0], things[0], things[1], things[1]], np.float32),
        shown_scores=np.array([0.9, 0.8, 0.7, 0.6], np.float32),
    )
    judged = class_boxes(given, PICTURES)
    assert judged.hit.tolist() == [True, False, True, False]
    assert judged.category.tolist() == ["storage tank"] * 3 + ["ship"]
    assert judged.things == {"storage tank": 12, "ship": 6}
