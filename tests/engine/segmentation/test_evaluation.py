"""The record of an evaluation against counts by hand, what a pixel's probability means, and the guess."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.catalog import SegmentationCalibration
from engine.errors import UsageError
from engine.protocol import to_json
from engine.segmentation.calibration import calibrated, cut_of, fit_calibration, probabilities
from engine.segmentation.data.referring_set import Expression
from engine.segmentation.evaluation import SCATTERED, card_metrics, evaluate_scored, foreground_shares, labels
from engine.segmentation.guess import GRID, best_mask, constant_mask, guess_metrics, usual_masks
from engine.segmentation.scored import ARGMAX, BINS, EDGES, Scored, asked_of, scored_masks
from tests.engine.segmentation.known_set import known_set, noisy_margins, scored_from

AREAS = known_set(12)
MARGINS = noisy_margins(AREAS)
TRUTHS = np.stack([AREAS.mask(one.mask) for one in AREAS.expressions])
SCORED = scored_from(AREAS, MARGINS)


def ious(drawn: np.ndarray, truths: np.ndarray = TRUTHS) -> np.ndarray:
    return np.array([(d & t).sum() / max((d | t).sum(), 1) for d, t in zip(drawn, truths, strict=True)])


# ---- scores


def test_scores_are_those_counted_by_hand():
    evaluation = evaluate_scored(SCORED, AREAS)
    metrics, drawn = evaluation["metrics"], MARGINS >= 0
    expected = ious(drawn)
    assert metrics["mIoU"] == pytest.approx(expected.mean())
    assert metrics["oIoU"] == pytest.approx((drawn & TRUTHS).sum() / (drawn | TRUTHS).sum())
    for threshold in (0.5, 0.6, 0.7, 0.8, 0.9):
        assert metrics[f"Pr@{threshold}"] == pytest.approx((expected >= threshold).mean())
    assert (metrics["samples"], metrics["areas"], metrics["empty"], metrics["not_asked"]) == (24, 12, 0, 0)
    assert metrics["argmax"]["mIoU"] == metrics["mIoU"]  # without a calibration both rules are one
    for name in ("mIoU", "oIoU", "Pr@0.5"):
        low, high = metrics["intervals"][name]
        assert low <= metrics[name] <= high
    of_sar = np.array([one.sensor == "sar" for one in AREAS.expressions])
    part = evaluation["subsets"]["sensor"]["sar"]
    assert (part["mIoU"], part["samples"]) == (pytest.approx(expected[of_sar].mean()), of_sar.sum())
    assert evaluation["subsets"]["weather"].keys() == {"clear", "haze", "cloud"}


def test_perfect_masks_are_perfect_in_every_part():
    evaluation = evaluate_scored(scored_masks(AREAS, "both", list(TRUTHS)), AREAS)
    for part in (evaluation["metrics"], *(one for of_it in evaluation["subsets"].values() for one in of_it.values())):
        assert part["Pr@0.9"] == part["mIoU"] == part["oIoU"] == 1


def test_an_empty_mask_is_counted_and_weighs_the_truth():
    drawn = TRUTHS.copy()
    drawn[1:] = False
    metrics = evaluate_scored(scored_masks(AREAS, "both", list(drawn)), AREAS)["metrics"]
    assert metrics["empty"] == len(TRUTHS) - 1
    assert metrics["oIoU"] == pytest.approx(TRUTHS[0].sum() / TRUTHS.sum())


def test_what_is_cut_at_the_card_s_threshold_stands_beside_the_paper_s_rule():
    calibration = SegmentationCalibration(1, 1.0, 0.0, threshold=float(probabilities(1.5, None)))
    metrics = evaluate_scored(SCORED, AREAS, calibration)["metrics"]
    assert metrics["mIoU"] == pytest.approx(ious(MARGINS >= 1.5).mean())
    assert metrics["argmax"]["mIoU"] == pytest.approx(ious(MARGINS >= 0).mean())


@pytest.mark.parametrize(
    ("expression", "share", "expected"),
    [
        (Expression(0, 0, "", "lake", "optical", "position", 5, 1, 0.05),  0.008,
         {"sensor": "optical", "category": "lake", "how": "position", "size": "small", "parts": "1",
          "weather": "clear", "hidden": "in sight", "distractors": "2+"}),
        (Expression(1, 0, "", "lake", "optical", "", -1, 4, 0.6), 0.03,
         {"sensor": "optical", "category": "lake", "size": "medium", "parts": "2 to 5", "scatter": SCATTERED,
          "weather": "cloud", "hidden": "mostly hidden"}),
        (Expression(1, 0, "", "", "sar", "", 0, 9), 0.06,
         {"sensor": "sar", "size": "large", "parts": "more than 5", "distractors": "0"}),
        (Expression(3, 0, "", "lake", "both", "", -1, 0), 0.0,
         {"sensor": "both", "category": "lake", "size": "tiny", "parts": "none"}),
    ],
)  # fmt: skip
def test_labels_leave_out_what_is_unknown(expression, share, expected):
    assert labels(expression, AREAS, share) == expected


def test_the_histogram_of_fig_7_counts_every_expression_in_its_bar():
    bars = foreground_shares(SCORED, SCORED.overlaps())
    shares = TRUTHS.mean((1, 2))
    assert sum(one["samples"] for one in bars) == len(TRUTHS)
    for one in bars:
        own = (shares > one["low"]) & (shares <= one["high"])
        assert one["samples"] == own.sum()
        assert one["mIoU"] == (pytest.approx(ious(MARGINS >= 0)[own].mean()) if own.any() else None)
    assert (bars[0]["high"], bars[-1]["high"]) == (0.05, 1)


def test_the_ends_of_the_histogram_s_bars_belong_to_the_lower_one():
    whole = 10_000
    foreground = np.zeros((4, BINS), np.int64)
    foreground[:, 0] = (0, 500, 501, whole)
    background = np.zeros((4, BINS), np.int64)
    background[:, 0] = whole - foreground[:, 0]
    scored = Scored(np.arange(4), foreground, background)
    bars = [one["samples"] for one in foreground_shares(scored, scored.overlaps())]
    assert (bars[0], bars[1], bars[-1]) == (2, 1, 1)


def test_the_record_is_json_and_a_card_takes_the_small_part():
    evaluation = evaluate_scored(SCORED, AREAS, fit_calibration(SCORED))
    assert json.loads(json.dumps(evaluation)) == evaluation
    kept = card_metrics(evaluation)
    assert not {"reliability", "foreground_shares", "thresholds"} & set(kept)
    assert kept["subsets"] == evaluation["subsets"]
    assert kept["calibration"] == evaluation["metrics"]["calibration"]


# ---- what a pixel's probability means


def test_probabilities_are_honest_after_the_fit_and_on_other_pictures():
    """Margins that say too much by half, with more foreground than there is: a curve that undoes it is known."""
    rng = np.random.default_rng(0)
    areas, others = known_set(20, seed=1), known_set(20, seed=2)
    scored = []
    for one in (areas, others):
        truths = np.stack([one.mask(each.mask) for each in one.expressions])
        prior = np.log(truths.mean() / (1 - truths.mean()))
        evidence = rng.normal(np.where(truths, 2, -2), 2)  # the log-likelihood ratio is the evidence itself
        scored.append(scored_from(one, np.float32(2 * (evidence + prior) + 1)))
    fitted = fit_calibration(scored[0])
    assert (fitted.slope, fitted.offset) == (pytest.approx(0.5, abs=0.02), pytest.approx(-0.5, abs=0.05))
    assert fitted.pixels == scored[0].foreground.sum() + scored[0].background.sum()
    metrics = evaluate_scored(scored[1], others, fitted)["metrics"]
    assert metrics["calibration"]["ECE"] < 0.005 < metrics["calibration"]["ECE_before"]
    assert metrics["calibration"]["drawn_said"] == pytest.approx(metrics["calibration"]["drawn_right"], abs=0.03)


def test_the_threshold_is_the_best_cut_of_the_validation_split():
    fitted = fit_calibration(SCORED)
    best = max(range(BINS + 1), key=lambda cut: ious(EDGES[cut] <= MARGINS).mean())
    assert cut_of(fitted) == best
    assert fitted.threshold == pytest.approx(float(probabilities(EDGES[best], fitted)))
    assert evaluate_scored(SCORED, AREAS, fitted)["metrics"]["mIoU"] == pytest.approx(SCORED.mean_iou_by_cut().max())


def test_no_threshold_is_next_to_nothing_or_all():
    """Nearly everything is meant, and margins say hardly more than that: to draw all would be best."""
    rng = np.random.default_rng(0)
    truths = rng.random((4, 64 * 64)) < 0.9
    place = np.clip(np.floor(10 * rng.normal(truths * 3.0, 1)) + ARGMAX, 0, BINS - 1).astype(int)
    counts = [
        [np.bincount(p[t == meant], minlength=BINS) for p, t in zip(place, truths, strict=True)] for meant in (0, 1)
    ]
    scored = Scored(np.arange(4), np.array(counts[1]), np.array(counts[0]))
    fitted = fit_calibration(scored)
    assert 0.05 <= fitted.threshold <= 0.95
    likely = probabilities(EDGES, fitted)
    allowed = scored.mean_iou_by_cut()[(likely >= 0.05) & (likely <= 0.95)]
    assert scored.mean_iou_by_cut()[cut_of(fitted)] == allowed.max() > 0.9


def test_margins_that_say_nothing_are_not_calibrated():
    worse = scored_from(AREAS, -MARGINS)  # the surer the worse
    assert fit_calibration(worse) is None
    assert cut_of(None) == ARGMAX
    assert evaluate_scored(worse, AREAS)["metrics"]["calibration"]["fitted"] is False


def test_the_card_s_numbers_say_the_same_in_numpy_and_torch():
    torch = pytest.importorskip("torch")
    calibration = SegmentationCalibration(1, 0.7, -0.4)
    margins = np.linspace(-12, 12, 50)
    ours = torch.sigmoid(calibrated(torch.from_numpy(margins), calibration)).numpy()
    np.testing.assert_allclose(ours, probabilities(margins, calibration), rtol=1e-12)
    np.testing.assert_allclose(probabilities(0.0, None), 0.5)
    assert json.loads(to_json(calibration))["threshold"] == 0.5


# ---- the guess


def test_the_best_mask_is_the_best_of_all_levels():
    rng = np.random.default_rng(0)
    shares = (rng.random((30, GRID * GRID)) < np.linspace(0, 0.9, GRID * GRID)).astype(np.float32)
    often = shares.mean(0)
    scores = []
    for level in np.unique(often):
        mask = often >= level
        scores.append(ious(np.tile(mask, (30, 1)), shares > 0).mean())
    mask = best_mask(shares).ravel()
    assert ious(np.tile(mask, (30, 1)), shares > 0).mean() == pytest.approx(max(scores), abs=0.003)


def test_the_guess_knows_the_category_and_the_named_part_and_no_more():
    """Lakes are on the left or on the right, as said; buildings are anywhere."""
    usual = usual_masks(known_set(80, seed=3))
    left, right = (constant_mask(Expression(0, 0, f"the lake on the {side}", "lake"), usual) for side in LEFT_RIGHT)
    assert left[:, GRID // 2 :].sum() == 0
    assert right[:, : GRID // 2].sum() == 0
    anywhere = constant_mask(Expression(0, 0, "the lake", "lake"), usual)
    np.testing.assert_array_equal(anywhere, constant_mask(Expression(0, 0, "the lake in the north", "lake"), usual))
    strange = constant_mask(Expression(0, 0, "the zeppelin", ""), usual)
    np.testing.assert_array_equal(strange, usual[()])


LEFT_RIGHT = ("left", "right")


def test_the_guess_has_scores_for_every_part_that_the_network_has():
    training, test = known_set(60, seed=5), known_set(16, seed=6)
    guess = guess_metrics(training, test)
    own = evaluate_scored(scored_from(test, noisy_margins(test)), test)
    assert guess["subsets"].keys() == own["subsets"].keys()
    assert {name: part["samples"] for name, part in guess["subsets"]["size"].items()} == {
        name: part["samples"] for name, part in own["subsets"]["size"].items()
    }
    assert 0 < guess["mIoU"] < 0.6
    assert guess["subsets"]["category"]["lake"]["mIoU"] > guess["subsets"]["category"]["buildings"]["mIoU"]
    assert guess_metrics(training, test, "sar")["samples"] == len(asked_of(test, "sar"))


def test_a_guess_needs_something_to_learn_from():
    with pytest.raises(UsageError, match="nothing to guess from"):
        guess_metrics(replace(AREAS, expressions=()), AREAS)
