"""The report of an evaluation of boxes: whole, self-contained, each figure beside the guess, the paper's marked."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from engine.export.evaluation_examples import COLOURS
from engine.grounding.build import build_network
from engine.grounding.calibration import fit_calibration
from engine.grounding.evaluation import TOLD_APART, box_metrics, evaluate_scored
from engine.grounding.guess import constant_boxes
from engine.grounding.report import cut_notes, paper_figures, paper_rows, pick_examples, write_report
from engine.grounding.scored import scored_boxes, scored_expressions, true_boxes
from tests.engine.grounding.finder import HashEmbedder
from tests.engine.grounding.known_set import known_set
from tests.engine.grounding.tiny import CONFIG

PICTURES = known_set(24)
TRUTHS = true_boxes(PICTURES, scored_expressions(PICTURES))


def noisy():
    rng = np.random.default_rng(0)
    shift = rng.normal(0, 8, (len(TRUTHS), 2)).astype(np.float32)
    boxes, scores = TRUTHS + np.tile(shift, 2), (1 / (1 + np.abs(shift).sum(1) / 8)).astype(np.float32)
    boxes[3], scores[3] = np.nan, 0
    rows = [index for index, one in enumerate(PICTURES.expressions) if not one.scored for _ in one.things]
    things = [PICTURES.things[t].box_xyxy_px for one in PICTURES.expressions if not one.scored for t in one.things]
    load = np.array([[0.3, 0.25, 0.25, 0.2], [0.05, 0.1, 0.25, 0.6]] * 12, np.float32)
    return replace(
        scored_boxes(PICTURES, boxes, scores),
        shown_for=np.array(rows),
        shown_boxes=np.array(things, np.float32),
        shown_scores=np.linspace(0.9, 0.1, len(rows)).astype(np.float32),
        load=load,
    )


SCORED = noisy()
CALIBRATION = fit_calibration(SCORED, PICTURES, least=30)


def a_guess():
    blind = scored_boxes(PICTURES, constant_boxes(PICTURES, PICTURES))
    metrics, subsets = box_metrics(blind.overlaps, blind.expression, PICTURES)
    return {"kind": "constant", **metrics, "subsets": subsets, "constant": metrics, "text_only": metrics}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    evaluation = evaluate_scored(SCORED, PICTURES, CALIBRATION)
    return write_report(
        tmp_path_factory.mktemp("report"), evaluation, a_guess(), model="a <b> model", split="noise",
        dataset="scenes", facts={"software": "rsqa-desktop 9.9"}, notes=["It is noise."],
        config=CONFIG, examples=pick_examples(SCORED, PICTURES, CALIBRATION),
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(written):
    return next(path for path in written[1] if path.suffix == ".html").read_text(encoding="utf-8")


def test_expressions_that_are_not_read_whole_are_counted():
    assert cut_notes(PICTURES, HashEmbedder()) == ()
    long = replace(PICTURES.expressions[0], text="the very long ship " * 6)
    pictures = replace(PICTURES, expressions=(long, long, *PICTURES.expressions))
    (said,) = cut_notes(pictures, HashEmbedder())
    assert said.startswith(f"2 of {len(pictures.expressions)} expressions are too long")
    assert long.text in said


def test_three_files_of_which_one_is_the_record(written):
    record, files = written
    assert [path.name for path in files] == ["evaluation.csv", "evaluation.html", "evaluation.json"]
    assert json.loads(files[2].read_text(encoding="utf-8")) == record
    assert {"task", "metrics", "guess", "subsets"} <= set(record)
    assert record["task"] == "grounding"


def test_the_table_has_every_part_with_the_guess_beside_it(written):
    record, files = written
    rows = {(row["group"], row["name"]): row for row in csv.DictReader(files[0].read_text().splitlines())}
    assert len(rows) == 1 + sum(len(part) for part in record["subsets"].values())
    sar = rows["sensor", "sar"]
    assert float(sar["meanIoU"]) == pytest.approx(record["subsets"]["sensor"]["sar"]["meanIoU"], abs=1e-6)
    assert float(sar["guess meanIoU"]) == pytest.approx(
        record["guess"]["subsets"]["sensor"]["sar"]["meanIoU"], abs=1e-6
    )
    whole = rows["overall", "all"]
    assert float(whole["meanIoU low_95"]) < float(whole["meanIoU"]) < float(whole["meanIoU high_95"])
    assert rows["told apart", TOLD_APART]["Pr@0.5 low_95"] != ""
    assert sar["meanIoU low_95"] == ""


def test_the_page_stands_alone_and_runs_nothing(page):
    assert "<script" not in page
    assert not re.search(r"""(?:href|src)="(?!data:|#)""", page)
    assert "url(" not in page
    assert "a &lt;b&gt; model" in page


def test_it_says_what_it_should(page, written):
    metrics = written[0]["metrics"]
    for said in (
        f"{100 * metrics['meanIoU']:.1f} %", "It is noise.", "rsqa-desktop 9.9", "No box was found for 1 of them",
        "Jensen-Shannon", f"{metrics['experts']['divergence']:.3f}", "AP@.5", "storage tank", TOLD_APART,
        "the median box of a category", COLOURS["optical"], COLOURS["sar"], "prefers-color-scheme",
    ):  # fmt: skip
        assert said in page, said


def test_the_paper_s_rows_are_the_paper_s(page):
    rows = re.findall(r'<tr class="paper">.*?</tr>', page, re.DOTALL)
    assert len(rows) == 7
    assert "OptiSAR-Net++" in rows[-1]
    assert "90.37" in rows[-1]
    assert "none of them is ours" in page
    assert "cannot be compared" in page
    assert paper_rows("optsar-rsvg").same_data
    dior = paper_rows("dior-rsvg")
    assert (dior.same_data, dior.title, dior.mark) == (True, "Table IV of the paper", "the paper's figure on DIOR-RSVG")
    assert [row.name for row in dior.rows if row.by_others] == ["MB-ORES"]
    assert set(paper_rows("scenes").columns) - {"Params (M)"} <= set(figures())


def figures():
    evaluation = evaluate_scored(SCORED, PICTURES)
    return paper_figures(evaluation["metrics"], evaluation["subsets"])


def test_our_figures_stand_under_the_paper_s_columns_in_percent(page):
    evaluation = evaluate_scored(SCORED, PICTURES)
    own = figures()
    assert own["SAR Pr@0.7"] == 100 * evaluation["subsets"]["sensor"]["sar"]["Pr@0.7"]
    assert own["all meanIoU"] == own["meanIoU"] == 100 * evaluation["metrics"]["meanIoU"]
    (row,) = re.findall(r'<tr class="sum"><td>a &lt;b&gt; model.*?</tr>', page, re.DOTALL)
    assert f"{own['optical meanIoU']:.2f}" in row
    parameters = sum(one.numel() for one in build_network(CONFIG).parameters()) / 1e6 + 22.7  # and MiniLM's
    assert f'<td class="number">{parameters:.2f}</td>' in row


def test_every_chart_is_sound_xml(page):
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    for chart in charts:
        ET.fromstring(chart)
    boxed = [chart for chart in charts if "<image" in chart]
    assert len(boxed) == 24
    assert all("stroke-dasharray" in chart and "#FFFFFF" in chart for chart in boxed)


def test_the_best_the_worst_and_the_random_are_of_different_pictures():
    examples = pick_examples(SCORED, PICTURES, CALIBRATION)
    assert len(examples) == len({one.picture.tobytes() for one in examples}) == 24
    best, worst = ([one for one in examples if one.kind == kind] for kind in ("best", "worst"))
    assert best[0].iou == SCORED.ious.max()
    assert worst[0].iou == SCORED.ious.min()
    assert [one.iou for one in best] == sorted((one.iou for one in best), reverse=True)
    assert all(one.found is None for one in examples if one.score == 0)
    again = pick_examples(SCORED, PICTURES, CALIBRATION)
    assert [(one.kind, one.place, one.expression) for one in again] == [
        (one.kind, one.place, one.expression) for one in examples
    ]
    assert {one.probability for one in pick_examples(SCORED, PICTURES)} == {None}


def test_without_guess_experts_classes_and_calibration(tmp_path):
    plain = replace(PICTURES, expressions=tuple(one for one in PICTURES.expressions if one.scored))
    scored = scored_boxes(plain, TRUTHS)
    evaluation, of = evaluate_scored(scored, plain), {"model": "m", "split": "s", "dataset": "optsar-rsvg", "facts": {}}
    page = write_report(tmp_path, evaluation, {}, **of)[1][1].read_text(encoding="utf-8")
    for gone in ("The guess", "Guess,", "expert takes", "honest", "All things of a class", "Examples", "No box was"):
        assert gone not in page, gone
    assert "cannot be compared" not in page
    nothing = replace(pick_examples(scored, plain)[0], found=None, iou=0.0)
    page = write_report(tmp_path, evaluation, {}, **of, examples=[nothing])[1][1].read_text(encoding="utf-8")
    assert "no box" in page
    assert "% sure" not in page
