"""The record of an evaluation against counts by hand, what scores mean, and the guess."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.catalog import GroundingCalibration, ScoreCurve
from engine.errors import UsageError
from engine.grounding.calibration import LEAST_SLOPE, fit_calibration, fit_curve, probabilities, usable
from engine.grounding.data.expression_set import Expression, ExpressionSet, NamedThing
from engine.grounding.evaluation import (
    TOLD_APART,
    card_metrics,
    class_metrics,
    divergence,
    evaluate_scored,
    expert_metrics,
    labels,
    only_directions,
)
from engine.grounding.guess import constant_boxes, guess_metrics, text_boxes
from engine.grounding.scored import Scored, scored_boxes, scored_expressions, true_boxes
from engine.metrics import overlap_intervals
from engine.protocol import to_json
from tests.engine.grounding.known_set import WordSums, known_set

PICTURES = known_set(12)
ASKED = scored_expressions(PICTURES)
TRUTHS = true_boxes(PICTURES, ASKED)
CURVE = GroundingCalibration(ScoreCurve(1, 1.0, 0.0), {})


def noisy(pictures: ExpressionSet = PICTURES, spread: float = 8, seed: int = 0) -> Scored:
    """A stand-in for a network: truths moved by noise, the surer the nearer; every seventh box is missing."""
    rng = np.random.default_rng(seed)
    truths = true_boxes(pictures, scored_expressions(pictures))
    shift = rng.normal(0, spread, (len(truths), 2)).astype(np.float32)
    boxes = truths + np.tile(shift, 2)
    scores = (1 / (1 + np.abs(shift).sum(1) / 8)).astype(np.float32)
    boxes[::7], scores[::7] = np.nan, 0
    return scored_boxes(pictures, boxes, scores)


@pytest.fixture(scope="module")
def scored():
    return noisy()


def iou(box, truth) -> float:
    if np.isnan(box).any():
        return 0.0
    sides = np.clip(np.minimum(box[2:], truth[2:]) - np.maximum(box[:2], truth[:2]), 0, None)
    shared = sides.prod()
    return float(shared / ((box[2:] - box[:2]).prod() + (truth[2:] - truth[:2]).prod() - shared))


def test_scores_are_those_counted_by_hand(scored):
    evaluation = evaluate_scored(scored, PICTURES)
    metrics = evaluation["metrics"]
    ious = np.array([iou(box, truth) for box, truth in zip(scored.boxes, scored.truths, strict=True)])
    assert metrics["meanIoU"] == pytest.approx(ious.mean(), abs=1e-5)
    for threshold in (0.5, 0.6, 0.7, 0.8, 0.9):
        assert metrics[f"Pr@{threshold}"] == pytest.approx((ious >= threshold).mean())
    assert (metrics["samples"], metrics["pictures"], metrics["missing"]) == (48, 12, 7)
    low, high = metrics["intervals"]["meanIoU"]
    assert low < metrics["meanIoU"] < high
    sar = np.array([PICTURES.expressions[index].picture % 2 == 1 for index in ASKED])
    of_sar = evaluation["subsets"]["sensor"]["sar"]
    assert of_sar["meanIoU"] == pytest.approx(ious[sar].mean(), abs=1e-5)
    assert of_sar["samples"] == sar.sum()
    assert set(evaluation["subsets"]["sensor"]) == {"optical", "sar"}
    assert set(evaluation["subsets"]["weather"]) == {"clear", "cloud"}  # pictures of unknown weather are in neither
    for name in ("experts", "classes", "calibration"):
        assert (name in metrics) == (name == "classes")


def test_two_sensors_pictures_of_a_place_are_drawn_together(scored):
    """Told so by their names: as many intervals as places, and wider than those of pictures taken for unlike."""
    places = [PICTURES.expressions[index].picture // 2 for index in ASKED]
    expected = overlap_intervals(places, scored.overlaps)
    assert evaluate_scored(scored, PICTURES)["metrics"]["intervals"] == expected


def test_perfect_boxes_are_perfect_in_every_part():
    evaluation = evaluate_scored(scored_boxes(PICTURES, TRUTHS), PICTURES)
    for part in (evaluation["metrics"], *(one for of_it in evaluation["subsets"].values() for one in of_it.values())):
        assert part["Pr@0.9"] == part["meanIoU"] == part["cumIoU"] == 1


def test_a_missing_box_weighs_the_truth_s_area():
    boxes = np.full_like(TRUTHS, np.nan)
    boxes[0] = TRUTHS[0]
    metrics = evaluate_scored(scored_boxes(PICTURES, boxes), PICTURES)["metrics"]
    areas = (TRUTHS[:, 2:] - TRUTHS[:, :2]).prod(1)
    assert metrics["cumIoU"] == pytest.approx(areas[0] / areas.sum(), rel=1e-5)
    assert metrics["missing"] == len(TRUTHS) - 1


@pytest.mark.parametrize(
    ("how", "distractors", "alone"),
    [
        ("position", 1, True),
        ("relation", 3, True),
        ("position+relation", 1, True),
        ("position", 0, False),
        ("position", -1, False),
        ("attribute+position", 1, False),
        ("superlative", 1, False),
        ("category", 1, False),
        ("", 1, False),
    ],
)
def test_what_a_direction_or_a_relation_alone_tells_apart(how, distractors, alone):
    assert only_directions(Expression(0, "the ship", (0,), "ship", how, distractors)) is alone


def test_the_subset_of_directions_is_a_part_with_its_own_interval(scored):
    told = evaluate_scored(scored, PICTURES)["subsets"]["told apart"]
    assert set(told) == {TOLD_APART}
    rows = [only_directions(PICTURES.expressions[index]) for index in ASKED]
    assert told[TOLD_APART]["samples"] == sum(rows) > 5
    assert told[TOLD_APART]["meanIoU"] == pytest.approx(scored.ious[rows].mean())
    low, high = told[TOLD_APART]["intervals"]["Pr@0.5"]
    assert low <= told[TOLD_APART]["Pr@0.5"] <= high
    none = replace(PICTURES, expressions=tuple(replace(one, distractors=0) for one in PICTURES.expressions))
    assert "told apart" not in evaluate_scored(scored, none)["subsets"]


def test_labels_leave_out_what_is_unknown():
    thing = NamedThing(0, (0, 0, 12, 12), "ship")  # 0.9 % of the picture
    pictures = replace(PICTURES, things=(thing,))
    known = Expression(0, "the ship", (0,), "ship", "position", 5)
    assert labels(known, pictures) == {
        "sensor": "optical", "category": "ship", "how": "position", "size": "small", "weather": "clear",
        "distractors": "2+", "told apart": TOLD_APART,
    }  # fmt: skip
    unknown = Expression(1, "the ship", (0,), "ship")
    assert set(labels(unknown, pictures)) == {"sensor", "category", "size"}


def test_the_record_is_json_and_a_card_takes_the_small_part(scored):
    calibration = fit_calibration(scored, PICTURES, least=10)
    evaluation = evaluate_scored(scored, PICTURES, calibration)
    assert json.loads(json.dumps(evaluation)) == evaluation
    kept = card_metrics(evaluation)
    assert "reliability" not in kept
    assert kept["subsets"] == evaluation["subsets"]
    assert kept["calibration"]["ECE"] == evaluation["metrics"]["calibration"]["ECE"]


# ---- experts


def with_load(scored: Scored, optical, sar) -> Scored:
    load = np.array([(optical, sar)[picture % 2] for picture in range(len(PICTURES))], np.float32)
    return replace(scored, load=load)


def test_the_load_of_the_experts_is_told_by_sensor(scored):
    load = np.tile(np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]], np.float32), (6, 1))
    load[0] = [1, 0, 0]
    load[2] = np.nan  # a picture that nothing was asked of
    found = expert_metrics(replace(scored, load=load), PICTURES)["experts"]
    assert found["load"]["optical"] == pytest.approx([(1 + 4 * 0.5) / 5, 4 * 0.5 / 5, 0])
    assert found["load"]["sar"] == pytest.approx([0.1, 0.2, 0.7])
    assert 0 < found["divergence"] < 1


def test_divergence_runs_from_alike_to_nothing_in_common(scored):
    from scipy.spatial.distance import jensenshannon

    rng = np.random.default_rng(0)
    one, other = rng.dirichlet(np.ones(8)), rng.dirichlet(np.ones(8))
    assert divergence(one, other) == pytest.approx(jensenshannon(one, other, 2) ** 2)
    assert divergence(one, one) == pytest.approx(0, abs=1e-12)
    assert divergence(np.array([1.0, 0]), np.array([0, 1.0])) == 1
    assert expert_metrics(with_load(scored, [1, 0], [0, 1]), PICTURES)["experts"]["divergence"] == 1
    one_sensor = replace(PICTURES, sensors=("optical",) * len(PICTURES))
    assert expert_metrics(with_load(scored, [1, 0], [0, 1]), one_sensor)["experts"]["divergence"] is None


# ---- classes


def shown(scored: Scored, pictures: ExpressionSet, score_of_ghosts: float = 0.3) -> Scored:
    """Every thing of every class found with a score of .6 to .9, and beside each class a ghost in the corner."""
    rows, boxes, scores = [], [], []
    for index, expression in enumerate(pictures.expressions):
        if not expression.scored:
            for thing in expression.things:
                rows.append(index)
                boxes.append(pictures.things[thing].box_xyxy_px)
                scores.append(0.6 + 0.3 * len(rows) / 100)
            rows.append(index)
            boxes.append((126, 126, 128, 128))
            scores.append(score_of_ghosts)
    return replace(
        scored, shown_for=np.array(rows), shown_boxes=np.array(boxes, np.float32), shown_scores=np.array(scores)
    )


def test_all_boxes_of_a_class_by_hand(scored):
    found = class_metrics(shown(scored, PICTURES), PICTURES)["classes"]
    assert found["AP@0.5"] == 1  # every ghost scores less than every thing
    assert (found["things"], found["expressions"]) == (36, 24)
    assert found["least_score"] == 0.25
    assert (found["precision"], found["recall"]) == (36 / 60, 1)
    calibration = GroundingCalibration(ScoreCurve(1, 1.0, 0.0), {}, least_score=0.5)
    assert class_metrics(shown(scored, PICTURES), PICTURES, calibration)["classes"]["F1"] == 1
    worse = class_metrics(shown(scored, PICTURES, 0.99), PICTURES)["classes"]
    assert worse["per_category"]["ship"] == {"AP@0.5": 0.5, "things": 12}  # a ghost for every ship, before all of them
    assert worse["per_category"]["storage tank"]["AP@0.5"] == pytest.approx(24 / 36)


def test_the_threshold_is_the_best_one_on_the_validation_split(scored):
    found = shown(scored, PICTURES)
    fitted = fit_calibration(found, PICTURES, least=20)
    assert set(fitted.sensors) == {"optical", "sar"}
    sensors = [PICTURES.sensors[PICTURES.expressions[index].picture] for index in found.shown_for]
    likely = probabilities(fitted, found.shown_scores, sensors)
    right = found.shown_scores > 0.5
    best = max(
        (2 * np.count_nonzero(right & (likely >= least)) / (36 + np.count_nonzero(likely >= least)), least)
        for least in likely
    )  # F1 of every threshold there can be
    assert fitted.least_score == pytest.approx(best[1])


def test_the_threshold_cuts_the_same_boxes_in_a_report_as_in_use(scored):
    """Both sensors' scores mean other things: .4 is likely in a SAR picture and unlikely in an optical one."""
    found = replace(shown(scored, PICTURES), shown_scores=np.full(60, 0.4))
    curves = {"optical": ScoreCurve(100, 1.0, -2.0), "sar": ScoreCurve(100, 1.0, 2.0)}
    calibration = GroundingCalibration(ScoreCurve(200, 1.0, 0.0), curves, least_score=0.5)
    metrics = class_metrics(found, PICTURES, calibration)["classes"]
    assert (metrics["precision"], metrics["recall"]) == (18 / 30, 18 / 36)  # those of the SAR pictures, half of all


def test_there_is_no_threshold_where_no_box_is_right(scored):
    assert fit_calibration(scored, PICTURES).least_score is None  # no box was right


# ---- what scores mean


def test_the_curve_is_what_logistic_regression_finds():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    scores = rng.uniform(0.02, 0.9, 4000)
    right = rng.random(4000) < 1 / (1 + np.exp(-(1.7 * np.log(scores / (1 - scores)) + 0.8)))
    curve = fit_curve(scores, right)
    referee = LogisticRegression(C=1e6).fit(np.log(scores / (1 - scores))[:, None], right)
    assert (curve.slope, curve.offset) == pytest.approx((referee.coef_[0, 0], referee.intercept_[0]), abs=0.02)
    assert curve.expressions == 4000


def test_a_curve_never_falls_and_never_ends_in_certainty():
    scores = np.array([0.1, 0.2, 0.8, 0.9])
    assert fit_curve(scores, [True, True, False, False]).slope == 0  # the surer the worse: no order is left
    always = GroundingCalibration(fit_curve(scores, [True] * 4), {})
    found = probabilities(always, [0.0, 0.5, 1.0], ["sar"] * 3)
    assert (np.diff(found) >= 0).all()
    assert ((found > 0.5) & (found < 1)).all()


def test_scores_that_say_nothing_have_no_calibration(scored):
    """No curve at all where the common one is flat; a sensor's flat one gives way to it."""
    misleading = replace(scored, scores=np.where(scored.ious >= 0.5, 0.1, 0.9))
    assert fit_calibration(scored, PICTURES) is not None
    assert fit_calibration(misleading, PICTURES) is None
    rising, flat = ScoreCurve(9, 1.0, 0.0), ScoreCurve(9, LEAST_SLOPE / 2, 1.0)
    assert usable(GroundingCalibration(flat, {"sar": rising})) is None
    kept = usable(GroundingCalibration(rising, {"sar": flat, "optical": rising}, least_score=0.4))
    assert kept == GroundingCalibration(rising, {"optical": rising}, least_score=0.4)


def test_calibration_makes_confidence_honest_on_other_pictures():
    many, others = known_set(400, seed=1), known_set(400, seed=2)
    calibration = fit_calibration(noisy(many), many)
    assert set(calibration.sensors) == {"optical", "sar"}
    metrics = evaluate_scored(noisy(others, seed=5), others, calibration)["metrics"]
    assert metrics["calibration"]["ECE"] < 0.05 < metrics["calibration"]["ECE_before"]
    assert set(metrics["calibration"]["ECE_by_sensor"]) == {"optical", "sar"}
    assert sum(one["samples"] for one in metrics["reliability"]["after"]) == metrics["samples"] - metrics["missing"]


def test_each_sensor_has_its_own_curve_where_there_is_enough(scored):
    calibration = fit_calibration(scored, PICTURES, least=10)
    rows = ~np.isnan(scored.boxes).any(1) & [PICTURES.expressions[index].picture % 2 == 0 for index in ASKED]
    assert calibration.sensors["optical"] == fit_curve(scored.scores[rows], scored.ious[rows] >= 0.5)
    assert fit_calibration(scored, PICTURES).sensors == {}
    assert json.loads(to_json(calibration))["common"]["expressions"] == 41
    by_sensor = probabilities(calibration, [0.4, 0.4], ["optical", "sar"])
    assert by_sensor[0] != by_sensor[1]


def test_without_any_box_there_is_nothing_to_fit():
    """Nor is there an end of the evaluation: every box is missing."""
    silent = scored_boxes(PICTURES, np.full_like(TRUTHS, np.nan), np.zeros(len(TRUTHS), np.float32))
    assert fit_calibration(silent, PICTURES) is None
    metrics = evaluate_scored(silent, PICTURES, CURVE)["metrics"]
    assert (metrics["missing"], metrics["meanIoU"], metrics["calibration"]["ECE"]) == (len(TRUTHS), 0, 0)


# ---- the guess


def blind_world(pictures: int, seed: int) -> ExpressionSet:
    """Ships are always in one place, tanks where the sentence says."""
    known = known_set(pictures, seed=seed)
    things = list(known.things)
    for expression in known.expressions:
        if expression.scored:
            corner = 20 if "top left" in expression.text else 84
            box = (
                (40.0, 40.0, 80.0, 80.0)
                if expression.category == "ship"
                else (corner, corner, corner + 24, corner + 24)
            )
            things[expression.things[0]] = NamedThing(expression.picture, box, expression.category)
    return replace(known, things=tuple(things))


def test_the_constant_is_the_category_s_median_in_the_named_part():
    training, test = blind_world(12, 0), blind_world(6, 1)
    boxes = constant_boxes(training, test)
    asked = [test.expressions[index] for index in scored_expressions(test)]
    for box, expression in zip(boxes, asked, strict=True):
        side = 40 if expression.category == "ship" else 24
        centre = 128 * (0.25 if "top left" in expression.text else 0.75)
        np.testing.assert_allclose(box, [centre - side / 2] * 2 + [centre + side / 2] * 2, atol=1e-4)


def test_a_category_and_a_place_that_nobody_knows_have_the_median_of_all():
    training = blind_world(12, 0)
    (index, *_) = scored_expressions(training)
    unknown = replace(training.expressions[index], text="the whale", category="whale")
    box = constant_boxes(training, replace(training, expressions=(unknown,)))[0]
    truths = true_boxes(training, scored_expressions(training))
    centres = (truths[:, :2] + truths[:, 2:]) / 2
    np.testing.assert_allclose((box[:2] + box[2:]) / 2, np.median(centres, 0), atol=1e-4)


def test_the_guess_is_the_better_of_the_two_in_every_part_of_the_set():
    training, test = blind_world(40, 0), blind_world(10, 1)
    guess = guess_metrics(training, test, WordSums(32))
    assert guess["kind"] == "text_only"
    assert guess["meanIoU"] == guess["text_only"]["meanIoU"] > max(0.7, guess["constant"]["meanIoU"])
    again = scored_boxes(test, text_boxes(training, test, WordSums(32))).ious.mean()
    assert guess["meanIoU"] == pytest.approx(again)
    assert set(guess["subsets"]) == set(evaluate_scored(noisy(test), test)["subsets"])
    assert json.loads(json.dumps(guess)) == guess
    nothing = replace(training, expressions=tuple(one for one in training.expressions if not one.scored))
    with pytest.raises(UsageError, match="nothing to guess from"):
        guess_metrics(nothing, test, WordSums(32))
