"""What a network says to a set: every expression once, on the right area, with the right pixels counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.network import FirstStage, PairInput, SegmentationOutput, Words
from engine.segmentation.scored import ARGMAX, BINS, EDGES, Scored, asked_of, data_in, scored_masks
from engine.segmentation.scoring import answers, margin_counts, pair_inputs, score_set
from tests.engine.segmentation.known_set import known_set, noisy_margins, scored_from
from tests.engine.segmentation.outliner import HashWords
from tests.engine.segmentation.tiny import CONFIG

AREAS = known_set(10)
SMALL = replace(CONFIG, image_size=64)
SPEC = PreprocessSpec()


class Remembers(torch.nn.Module):
    """In place of the network: margins that depend on both pictures and on all words. Keeps how often it encoded."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def encode(self, pair: PairInput) -> FirstStage:
        self.encoded += len(pair.optical)
        cells = torch.cat([pair.optical, pair.sar[:, :1]], 1)
        return FirstStage(cells, pair.optical_valid | pair.sar_valid, None)

    def forward(self, first: FirstStage, words: Words) -> SegmentationOutput:
        said = (words.vectors * words.mask.unsqueeze(-1)).sum((1, 2)).reshape(-1, 1, 1)
        margin = first.cells.mean(1) + torch.sin(said) * first.cells[:, 3]
        return SegmentationOutput(torch.stack([0.25 * margin, 1.25 * margin], 1), (), (), None)


@pytest.mark.parametrize("sensors", ["optical", "sar", "both"])
def test_every_expression_is_answered_once_by_its_own_area_and_words(sensors):
    """Batches of areas and of expressions change nothing: each is as if it had been asked alone."""
    config = replace(SMALL, sensors=sensors)
    network, words = Remembers(), HashWords()
    asked = asked_of(AREAS, sensors)
    got = {answer.expression: answer.margin for answer in answers(network, AREAS, asked, words, config, SPEC)}
    assert sorted(got) == asked.tolist()
    assert network.encoded == len({AREAS.expressions[index].area for index in asked})  # each area once
    for index in asked:
        one = AREAS.expressions[index]
        first = network.encode(pair_inputs(AREAS, [one.area], SPEC))
        logits = network(first, words.words([one.text], config.tokens)).logits[0]
        torch.testing.assert_close(got[index], logits[1] - logits[0])


def test_a_network_is_asked_what_it_can_see():
    of = {name: {AREAS.expressions[index].sensor for index in asked_of(AREAS, name)} for name in ("optical", "sar")}
    assert of == {"optical": {"optical", "both"}, "sar": {"sar", "both"}}
    assert len(asked_of(AREAS, "both")) == len(AREAS.expressions)
    has = AREAS.has.copy()
    has[:, 1] = False
    optical_alone = replace(AREAS, has=has)
    assert len(asked_of(optical_alone, "both")) == len(AREAS.expressions)  # the other picture is there
    with pytest.raises(UsageError, match="a network that reads sar"):
        asked_of(optical_alone, "sar")


def test_inputs_are_normalised_and_nothing_where_there_is_no_data():
    valid = np.ones((len(AREAS), 64, 64), bool)
    valid[:, :, 48:] = False
    has = AREAS.has.copy()
    has[1, 1] = False
    areas = replace(AREAS, optical_valid=valid, has=has)
    pair = pair_inputs(areas, [0, 1], PreprocessSpec(mean=0.5, std=0.25))
    expected = torch.from_numpy((areas.optical[0] / 255 - 0.5) / 0.25).float()
    torch.testing.assert_close(pair.optical[0][:, :, :48], expected[:, :, :48])
    assert (pair.optical[:, :, :, 48:] == 0).all()
    assert (pair.sar[1] == 0).all()
    assert not pair.sar_valid[1].any()
    assert pair.sar.shape == (2, 3, 64, 64)
    assert (pair.sar[0, 0] == pair.sar[0, 2]).all()
    np.testing.assert_array_equal(data_in(areas, 1, "both"), valid[1])
    np.testing.assert_array_equal(data_in(areas, 0, "both"), True)
    np.testing.assert_array_equal(data_in(areas, 1, "sar"), False)
    np.testing.assert_array_equal(pair.optical_valid[1], data_in(areas, 1, "optical"))


def test_pixels_are_counted_by_margin_and_only_where_there_is_data():
    margin = torch.tensor([[-1e9, -0.05, 0.0], [0.05, 9.99, 1e9]])
    truth = np.array([[False, True, True], [False, True, True]])
    counts = margin_counts(margin, truth, np.ones_like(truth))
    background, foreground = (np.flatnonzero(row).tolist() for row in counts)
    assert background == [0, ARGMAX]
    assert foreground == [ARGMAX - 1, ARGMAX, BINS - 1]
    assert foreground[-1] == BINS - 1
    assert counts.sum() == 6
    seen = np.zeros_like(truth)
    seen[0, 2] = True
    assert margin_counts(margin, truth, seen).sum() == 1


def test_the_smallest_margin_decides_at_the_argmax_cut():
    """A margin is compared with 0 as it is, not after it was added to something large."""
    truth = np.ones((1, 2), bool)
    counts = margin_counts(torch.tensor([[-1e-12, 1e-12]]), truth, truth)
    assert counts[1, ARGMAX - 1 : ARGMAX + 1].tolist() == [1, 1]


@pytest.mark.parametrize("cut", [0, 57, ARGMAX, 131, BINS])
def test_overlaps_at_any_cut_are_those_of_the_masks(cut):
    margins = noisy_margins(AREAS)
    valid = np.random.default_rng(4).random(margins.shape) < 0.8
    scored = scored_from(AREAS, margins, valid)
    for row, index in enumerate(scored.expression):
        truth = AREAS.mask(AREAS.expressions[index].mask) & valid[index]
        drawn = (margins[index] >= (EDGES[cut] if 0 < cut < BINS else -np.inf if cut == 0 else np.inf)) & valid[index]
        overlap = scored.overlaps(cut)[row]
        assert (overlap.intersection, overlap.union) == ((truth & drawn).sum(), (truth | drawn).sum())
        assert scored.truth_px[row] == truth.sum()
        assert scored.shares[row] == pytest.approx(truth.sum() / valid[index].sum())
    ious = [one.iou for one in scored.overlaps(cut)]
    assert scored.mean_iou_by_cut()[cut] == pytest.approx(np.mean(ious))


def test_a_whole_set_is_scored_as_its_margins_say(tmp_path):
    heard: list[float] = []
    scored = score_set(Remembers(), AREAS, HashWords(), SMALL, SPEC, report=heard.append)
    got = answers(Remembers(), AREAS, asked_of(AREAS, "both"), HashWords(), SMALL, SPEC)
    margins = np.stack([one.margin.numpy() for one in sorted(got, key=lambda one: one.expression)])
    expected = scored_from(AREAS, margins)
    np.testing.assert_array_equal(scored.foreground, expected.foreground)
    np.testing.assert_array_equal(scored.background, expected.background)
    assert heard[-1] == 1
    assert scored.seconds > 0
    scored.save(tmp_path / "a" / "scored.npz")
    kept = Scored.read(tmp_path / "a" / "scored.npz")
    np.testing.assert_array_equal(kept.foreground, scored.foreground)
    assert kept.seconds == scored.seconds
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["scored.npz"]


def test_masks_from_anywhere_are_judged_the_same():
    margins = noisy_margins(AREAS)
    given = scored_masks(AREAS, "both", [margin >= 0 for margin in margins])
    assert given.overlaps() == scored_from(AREAS, margins).overlaps()


def test_the_truth_as_a_mask_is_perfect_and_no_mask_is_worth_nothing():
    truths = [AREAS.mask(AREAS.expressions[index].mask) for index in asked_of(AREAS, "sar")]
    assert {one.iou for one in scored_masks(AREAS, "sar", truths).overlaps()} == {1.0}
    nothing = scored_masks(AREAS, "sar", [np.zeros_like(truth) for truth in truths]).overlaps()
    assert [(one.iou, one.union) for one in nothing] == [(0.0, truth.sum()) for truth in truths]


def test_the_network_is_asked_in_evaluation_mode():
    network: Remembers = Remembers().train()
    next(answers(network, AREAS, [0], HashWords(), SMALL, SPEC))
    assert not network.training
