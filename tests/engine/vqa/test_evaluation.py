"""The record of an evaluation against counts by hand, for a network with experts and one without; the guess."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.catalog import CalibratedType
from engine.errors import UsageError
from engine.nn.preprocess import PreprocessSpec
from engine.vqa.calibration import Calibration, fit_calibration
from engine.vqa.data.question_set import AskedQuestion
from engine.vqa.data.table import QuestionTable
from engine.vqa.evaluation import (
    UNKNOWN_ANSWER_SAID,
    card_metrics,
    confusions,
    evaluate_set,
    expert_metrics,
    pooled_text,
    score,
    set_figures,
)
from engine.vqa.guess import guess_metrics, majority_answers
from engine.vqa.materials import cut_note
from engine.vqa.report import cut_notes, paper_rows, pick_examples, write_report
from engine.vqa.scored import Scored
from tests.engine.vqa.data.sets import noise_set
from tests.engine.vqa.tiny import ANSWERS, CONFIG, WordHashes, tiny_model

SPEC = PreprocessSpec()
PLAIN = Calibration(CalibratedType(0, 1.0, {}), {}, None)
VIEWS = noise_set(5, 6, types=("presence", "number", "match"), weather=("clear", "cloud", "", "clear", "cloud"))
TABLE = QuestionTable(VIEWS.questions, WordHashes(), ANSWERS)


@pytest.fixture(scope="module")
def network():
    return tiny_model().eval()


@pytest.fixture(scope="module")
def scored(network):
    return score(network, VIEWS, TABLE, CONFIG, SPEC)


@pytest.fixture(scope="module")
def calibration(scored):
    kinds = [question.type for question in VIEWS.questions]
    return fit_calibration(scored, kinds, pooled_text(TABLE, tiny_model()), least=5)


@pytest.fixture(scope="module")
def evaluation(network, calibration):
    return evaluate_set(network, VIEWS, TABLE, CONFIG, SPEC, calibration, ANSWERS)


def test_the_order_is_that_of_the_questions(network, scored):
    """Asked alone, each question gets the logits that stand in its row."""
    for row in (0, 7, 29):
        question = VIEWS.questions[row]
        alone = replace(VIEWS, questions=(question,))
        again = score(network, alone, QuestionTable([question], WordHashes(), ANSWERS), CONFIG, SPEC)
        np.testing.assert_allclose(again.logits[0], scored.logits[row], atol=1e-5)
    assert scored.seconds > 0


def test_a_network_of_one_sensor_is_not_scored_on_pictures_of_the_other(network):
    blind = replace(VIEWS, sar_valid=np.zeros(VIEWS.sar.shape, bool))
    of_sar = replace(CONFIG, network="single", fusion="add", sensors="sar")
    with pytest.raises(UsageError, match="SAR images only, and noise has none"):
        score(network, blind, TABLE, of_sar, SPEC)


def test_questions_that_were_cut_are_counted_and_one_is_named():
    long, short = (
        AskedQuestion(0, "Is there a river here?", "yes", "presence"),
        AskedQuestion(0, "A river?", "no", "presence"),
    )
    asked = [short, long, long]
    assert cut_note(QuestionTable(asked, WordHashes(), ANSWERS)) == ""
    said = cut_note(QuestionTable(asked, WordHashes(max_tokens=4), ANSWERS))
    assert said.startswith("2 of 3 questions")
    assert "Is there a river here?" in said


def test_every_question_that_was_cut_is_listed_and_the_page_says_how_many(network, tmp_path):
    """WordHashes of 3 tokens: “Is presence 0 so?” loses one of its four words."""
    table = QuestionTable(VIEWS.questions, WordHashes(max_tokens=3), ANSWERS)
    evaluation = evaluate_set(network, VIEWS, table, CONFIG, SPEC, PLAIN, ANSWERS)
    texts = [question.text for question in VIEWS.questions]
    assert evaluation["cut_questions"] == [
        {"text": text, "questions": texts.count(text), "tokens_lost": len(text.split()) - 3}
        for text in dict.fromkeys(texts)
    ]
    _, files = write_report(
        tmp_path, evaluation, {}, model="m", split="s", dataset="scenes", facts={}, notes=cut_notes(table)
    )
    page, written = (next(file for file in files if file.suffix == end) for end in (".html", ".json"))
    assert f"{len(texts)} of {len(texts)} questions are too long" in page.read_text(encoding="utf-8")
    assert json.loads(written.read_text(encoding="utf-8"))["cut_questions"] == evaluation["cut_questions"]
    assert cut_notes(TABLE) == ()


def test_scores_are_those_counted_by_hand(evaluation, scored):
    given = [ANSWERS[i] for i in scored.logits.argmax(1)]
    right = [a == q.answer for a, q in zip(given, VIEWS.questions, strict=True)]
    metrics = evaluation["metrics"]
    assert metrics["OA"] == pytest.approx(np.mean(right))
    for kind in ("presence", "number", "match"):
        of_kind = [ok for ok, q in zip(right, VIEWS.questions, strict=True) if q.type == kind]
        assert metrics["per_type"][kind] == pytest.approx(np.mean(of_kind))
        assert sum(map(sum, metrics["confusion"][kind]["counts"])) == len(of_kind) == metrics["asked"][kind]
    compared = [ok for ok, q in zip(right, VIEWS.questions, strict=True) if q.type != "match"]
    assert metrics["comparable"]["OA"] == pytest.approx(np.mean(compared))
    under_cloud = [
        ok
        for ok, q in zip(right, VIEWS.questions, strict=True)
        if q.type != "match" and VIEWS.weather[q.scene] == "cloud"
    ]
    assert metrics["per_weather"]["cloud"] == pytest.approx(np.mean(under_cloud))
    assert set(metrics["per_weather"]) == {"clear", "cloud"}  # the view of unknown weather is in neither
    low, high = metrics["intervals"]["OA"]
    assert low <= metrics["OA"] <= high
    assert (metrics["questions"], metrics["scenes"], metrics["unknown_answers"]) == (30, 5, 0)


def test_the_record_is_json_and_a_card_takes_the_small_part(evaluation):
    assert json.loads(json.dumps(evaluation)) == evaluation
    kept = card_metrics(evaluation)
    assert "confusion" not in kept
    assert "reliability" not in kept
    assert kept["subsets"] == evaluation["subsets"]
    assert kept["OA"] == evaluation["metrics"]["OA"]


def test_each_sensor_alone_is_the_set_without_the_other(network, evaluation):
    blind = np.zeros((5, 64, 64), bool)
    for name, gone in (("optical-only", "sar_valid"), ("sar-only", "optical_valid")):
        views = replace(VIEWS, **{gone: blind})
        alone = evaluate_set(network, views, TABLE, CONFIG, SPEC, PLAIN, ANSWERS)
        assert alone["subsets"] == {}  # there is one sensor, so nothing to take away
        for key in ("OA", "AA", "per_type", "per_weather"):
            assert evaluation["subsets"][name][key] == alone["metrics"][key]


def test_experts_are_judged_where_they_were_present():
    weights = np.array([[0.2, 0.0, 0.9], [0.4, 0.5, 0.7]], np.float32)
    present = np.array([[True, False, True], [True, True, True]])
    logits = np.zeros((2, 3, 5), np.float32)
    logits[0, 0, 1], logits[1, 0, 2], logits[1, 1, 0], logits[:, 2, 1] = 1, 1, 1, 1
    views = replace(VIEWS, questions=(VIEWS.questions[0], VIEWS.questions[6]))
    found = expert_metrics(Scored(np.zeros((2, 5), np.float32), logits, weights, present, np.array([1, 0])), views)
    assert found["experts"] == {"optical": 0.5, "sar": 1.0, "fusion": 0.5}
    assert found["mean_expert_weights"] == pytest.approx({"optical": 0.3, "sar": 0.25, "fusion": 0.8})
    assert found["expert_weights_by_weather"]["cloud"]["sar"] == pytest.approx(0.5)


def test_sets_by_hand():
    none = np.zeros((3, 0), np.float32)
    three = Scored(np.zeros((3, 5), np.float32), none[:, :, None], none, none.astype(bool), np.array([0, 2, -1]))
    found = set_figures([(0,), (1, 2), (3,)], three, ["a", "a", "b"])
    assert found["coverage"] == pytest.approx(2 / 3)
    assert found["mean_size"] == pytest.approx(4 / 3)
    assert found["single"] == pytest.approx(2 / 3)
    assert found["per_type"] == {"a": 1.0, "b": 0.0}


def test_calibration_is_reported_before_and_after(evaluation, calibration):
    found = evaluation["metrics"]["calibration"]
    assert set(found["sets"]) == {"0.05", "0.1", "0.2"}
    sizes = [found["sets"][rate]["mean_size"] for rate in ("0.2", "0.1", "0.05")]
    assert sizes == sorted(sizes)
    assert found["sets"]["0.1"]["coverage"] >= 0.9  # of the questions that it was fitted on
    assert found["types_told"] > 0.9
    assert evaluation["metrics"]["ECE"] == found["ECE"]
    assert sum(one["samples"] for one in evaluation["metrics"]["reliability"]["after"]) == 30


def test_a_network_without_experts_of_one_sensor_is_evaluated_too():
    changes = {"network": "single", "fusion": "add", "cfar": False, "sensors": "optical"}
    network, config = tiny_model(**changes).eval(), replace(CONFIG, **changes)
    found = evaluate_set(network, VIEWS, TABLE, config, SPEC, PLAIN, ANSWERS)
    assert found["subsets"] == {}
    assert "experts" not in found["metrics"]
    whole = score(network, VIEWS, TABLE, config, SPEC)
    (one, *_) = pick_examples(network, VIEWS, TABLE, config, SPEC, PLAIN, ANSWERS, whole)
    assert (one.experts, one.kept, one.trust, one.answer_set) == ((), {}, None, ())


def test_answers_that_the_weights_lack_count_as_wrong(network):
    questions = (replace(VIEWS.questions[0], answer="a ship"), *VIEWS.questions[1:])
    views = replace(VIEWS, questions=questions)
    table = TABLE.with_answers(questions, ANSWERS)
    found = evaluate_set(network, views, table, CONFIG, SPEC, PLAIN, ANSWERS)["metrics"]
    assert found["unknown_answers"] == 1
    assert UNKNOWN_ANSWER_SAID in found["confusion"]["presence"]["answers"]
    whole = score(network, views, table, CONFIG, SPEC)
    assert not whole.right[0]
    assert confusions(whole, views, ANSWERS) == found["confusion"]


def test_examples_are_of_each_kind_and_many_views(network, scored, calibration):
    found = pick_examples(network, VIEWS, TABLE, CONFIG, SPEC, calibration, ANSWERS, scored, each=1)
    assert len({one.place for one in found}) == len(found)
    for one in found:
        assert (one.answer == one.truth) == (one.kind == "right") or one.kind == "unsure"
        assert one.answer_set[0] == one.answer
        assert [expert.name for expert in one.experts] == ["optical", "sar", "fusion"]
        assert one.optical.shape == (64, 64, 3)
        assert one.kept["sar"].sum() == CONFIG.kept_regions
        assert one.trust.shape == (CONFIG.grid, CONFIG.grid)
    view = int(found[0].place.split()[1])
    np.testing.assert_array_equal(found[0].optical, VIEWS.optical[view, 0].transpose(1, 2, 0))


def test_the_report_holds_the_record(evaluation, tmp_path):
    record, files = write_report(
        tmp_path, evaluation, {}, model="tiny", split="noise", dataset="scenes", facts={"software": "none"}
    )
    assert json.loads(files[-1].read_text(encoding="utf-8")) == record
    assert {"metrics", "guess", "subsets"} <= set(record)
    assert "cannot be compared" in files[1].read_text(encoding="utf-8")
    assert paper_rows("osvqa").same_data
    assert paper_rows("osvqa").row("TGFNet", "MUL")["OA"] == 71.81


def question(text, answer, kind, template=""):
    return AskedQuestion(0, text, answer, kind, template)


def table_of(questions):
    return QuestionTable(questions, WordHashes(), ANSWERS)


def test_the_majority_goes_from_narrow_to_wide():
    learned = [
        question("Is there a road?", "yes", "presence"),
        question("Is there a road?", "yes", "presence"),
        question("Is there a lake?", "no", "presence"),
        question("Is there a hill?", "no", "presence"),
        question("Is there a wood?", "no", "presence"),
        question("How many?", "2", "number", "count"),
        question("how many", "unheard of", "number", "count"),
        question("how many", "unheard of", "number", "count"),
    ]
    asked = [
        question("is there a ROAD", "yes", "presence"),  # its own wording
        question("Is there a tower?", "no", "presence"),  # its type
        question("What number?", "2", "number", "count"),  # its template; an answer nobody can give is not learned
        question("Where?", "no", "location"),  # any question
    ]
    given = majority_answers(learned, table_of(learned), asked)
    assert [ANSWERS[i] for i in given] == ["yes", "no", "2", "no"]
    with pytest.raises(UsageError, match="nothing to guess from"):
        majority_answers(learned[-1:], table_of(learned[-1:]), asked)


def test_the_guess_is_the_better_of_both_strategies_per_type():
    learned = [question(f"Is there thing {n}?", ("yes", "no")[n % 2], "presence") for n in range(20)]
    asked = [question(f"Is there thing {n}?", ("yes", "no")[n % 2], "presence") for n in range(6)]
    asked.append(question("Do they match?", "unheard of", "match"))
    found = guess_metrics(learned, table_of(learned), asked, table_of(asked), answers=len(ANSWERS))
    assert found["majority"]["per_type"] == {"match": 0.0, "presence": 1.0}
    assert found["per_type"]["presence"] == 1.0
    assert found["per_type"]["match"] == 0.0  # what is in no vocabulary cannot be guessed
    assert found["OA"] == pytest.approx(6 / 7)
    assert found["comparable"] == {"OA": 1.0, "AA": 1.0}
    torch.testing.assert_close(torch.tensor(found["AA"]), torch.tensor(0.5))
