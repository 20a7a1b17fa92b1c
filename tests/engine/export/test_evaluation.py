"""The report of an evaluation: whole, self-contained, each figure beside the guess, the paper's marked as its own."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from engine.errors import ExportRefused
from engine.export.evaluation import evaluation_page, write_evaluation
from engine.export.evaluation_examples import (
    COLOURS,
    TRUST_OPACITY,
    Example,
    ExampleExpert,
    outline,
    trust_tint,
)
from engine.export.evaluation_parts import Published, PublishedFigures, percent

PART = {
    "OA": 0.6,
    "AA": 0.55,
    "per_type": {"number": 0.4, "presence": 0.7},
    "comparable": {"OA": 0.62, "AA": 0.58, "excluded": ["fog-dark", "match", "quality"]},
    "per_weather": {"clear": 0.66, "cloud": 0.41},
}
BIN = {"low": 0.8, "high": 0.9, "samples": 30, "confidence": 0.85, "accuracy": 0.7}
EVALUATION = {
    "model": "a model <b>",
    "dataset": "scenes",
    "split": "scenes, held-out wordings",
    "notes": ["These are scenes of another world."],
    "facts": {"software": "rsqa-desktop 9.9"},
    "metrics": PART
    | {
        "OA": 0.7112,
        "asked": {"number": 40, "presence": 60},
        "asked_by_weather": {"clear": 70, "cloud": 30},
        "intervals": {"OA": [0.65, 0.77], "AA": [0.6, 0.7]},
        "questions": 100,
        "scenes": 20,
        "unknown_answers": 3,
        "experts": {"optical": 0.5, "sar": 0.4, "fusion": 0.66},
        "mean_expert_weights": {"optical": 0.5, "sar": 0.3, "fusion": 0.9},
        "expert_weights_by_weather": {"clear": {"optical": 0.6, "sar": 0.3, "fusion": 0.9}},
        "confusion": {"number": {"answers": ["0", "1", "(other)"], "counts": [[9, 1, 0], [4, 5, 1], [0, 0, 2]]}},
        "ECE": 0.0312,
        "calibration": {
            "ECE": 0.0312,
            "ECE_before": 0.1234,
            "sets": {"0.1": {"coverage": 0.914, "mean_size": 2.25, "single": 0.5, "per_type": {}}},
            "types_told": 0.97,
            "types_unsure": 0.01,
        },
        "reliability": {"before": [BIN], "after": [BIN]},
    },
    "guess": PART | {"OA": 0.45, "AA": 0.5, "per_type": {"number": 0.42, "presence": 0.5}},
    "subsets": {"optical-only": PART, "sar-only": PART | {"OA": 0.33}},
}
PUBLISHED = Published(
    "Table III of the paper", "the paper's figure on OSVQA", ("OA", "number"),
    (
        PublishedFigures("TGFNet", "MUL", {"OA": 71.81, "number": 71.11}),
        PublishedFigures("RSVQA", "SAR", {"OA": 64.13}),
    ),
    same_data=False,
)  # fmt: skip


def example(**changes):
    rng = np.random.default_rng(0)
    kept = np.zeros((7, 7), bool)
    kept[2:4, 3] = True
    one = Example(
        kind="wrong",
        place="scene 7 · cloud",
        question="How many <ships> are there?",
        type="number",
        truth="3",
        answer="5",
        confidence=0.83,
        answer_set=("5", "4", "3"),
        experts=(ExampleExpert("optical", "0", 0.4, 0.2), ExampleExpert("sar", "5", 0.9, 0.8)),
        optical=rng.integers(0, 256, (56, 56, 3), np.uint8),
        sar=rng.integers(0, 256, (56, 56), np.uint8),
        kept={"optical": kept, "sar": kept},
        trust=rng.random((14, 14)).astype(np.float32),
    )
    return replace(one, **changes)


def test_three_files_whole(tmp_path):
    files = write_evaluation(EVALUATION, tmp_path / "report", examples=[example()], published=PUBLISHED)
    assert [path.name for path in files] == ["evaluation.csv", "evaluation.html", "evaluation.json"]
    assert sorted(tmp_path.rglob("*")) == sorted([tmp_path / "report", *files])
    assert json.loads(files[2].read_text(encoding="utf-8")) == EVALUATION


def test_a_disk_that_says_no_leaves_the_older_report(tmp_path, monkeypatch):
    (page,) = [f for f in write_evaluation(EVALUATION, tmp_path) if f.suffix == ".html"]
    before = page.read_bytes()
    monkeypatch.setattr("pathlib.Path.write_text", lambda *args, **kw: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(ExportRefused, match="cannot be written"):
        write_evaluation(EVALUATION | {"model": "other"}, tmp_path)
    assert page.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_the_table_has_a_row_per_group_with_the_guess_beside_it(tmp_path):
    lines = write_evaluation(EVALUATION, tmp_path)[0].read_text(encoding="utf-8").splitlines()
    rows = {(row["group"], row["name"]): row for row in csv.DictReader(lines)}
    assert len(rows) == 2 + 2 + 2 + 2
    number = rows["type", "number"]
    assert (number["asked"], number["accuracy"], number["guess"]) == ("40", "0.400000", "0.420000")
    overall = rows["overall", "OA"]
    assert (overall["low_95"], overall["high_95"], overall["sar_only"]) == ("0.650000", "0.770000", "0.330000")
    assert rows["weather", "cloud"]["guess"] == "0.410000"


def page(evaluation=EVALUATION, examples=(), published=PUBLISHED):
    return evaluation_page(evaluation, examples, published)


def test_the_page_stands_alone_and_runs_nothing():
    text = page(examples=[example(), example(kind="right"), example(kind="unsure")])
    assert "<script" not in text
    assert not re.search(r"""(?:href|src)="(?!data:|#)""", text)
    assert "url(" not in text
    assert "a model &lt;b&gt;" in text
    assert "How many &lt;ships&gt; are there?" in text


def test_it_says_what_it_should():
    text = page(examples=[example()])
    for said in ("71.1 %", "45.0 %", "65.0 to 77.0", "3.1 %", "12.3 % before calibration", "91.4 %", "2.25",
                 "These are scenes of another world.", "3 questions have answers", "rsqa-desktop 9.9",
                 "scene 7 · cloud", "5 · 4 · 3", "83 %", *COLOURS.values()):  # fmt: skip
        assert said in text, said
    (number,) = re.findall(r"<td>number.*?</tr>", text, re.DOTALL)
    assert 'class="number warn">40.0' in number  # no better than the guess of 42
    (presence,) = re.findall(r"<td>presence.*?</tr>", text, re.DOTALL)
    assert "warn" not in presence


def test_the_paper_s_rows_are_the_paper_s():
    text = page()
    rows = re.findall(r'<tr class="paper">.*?</tr>', text, re.DOTALL)
    assert len(rows) == 2
    assert "71.81" in rows[0]
    assert "none of them is ours" in text
    assert "cannot be compared" in text
    assert "cannot be compared" not in page(published=replace(PUBLISHED, same_data=True))
    assert "of the paper" not in page(published=None)


def test_every_chart_is_sound_xml():
    text = page(examples=[example(), example(kind="right", sar=None)])
    charts = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(charts) >= 8
    for chart in charts:
        ET.fromstring(chart)
    assert "no data" in text


def test_without_guess_sensors_experts_sets_and_weather():
    metrics = {k: v for k, v in EVALUATION["metrics"].items() if "expert" not in k}
    metrics |= {"per_weather": {}, "asked_by_weather": {}, "calibration": {"ECE": 0.1, "ECE_before": 0.1, "sets": {}}}
    text = page(
        EVALUATION | {"metrics": metrics, "guess": {}, "subsets": {}, "notes": []}, [example(trust=None, kept={})]
    )
    assert "AF weight" not in text
    assert "alone, OA" not in text
    assert "no sets of answers" in text


def test_an_outline_has_no_inner_lines():
    kept = np.zeros((4, 4), bool)
    kept[1, 1:3] = True  # two cells that touch: six sides, not eight
    assert outline(kept).count("M") == 6
    assert outline(np.ones((4, 4), bool)).count("M") == 16
    assert outline(np.zeros((4, 4), bool)) == ""
    assert "M0.2500 0.2500L0.5000 0.2500" in outline(kept)


def test_trust_is_tinted_from_sar_to_optical():
    tint = trust_tint(np.array([[0.0, 1.0], [0.5, np.nan]], np.float32))
    as_hex = [f"#{tint[0, column, :3].tobytes().hex().upper()}" for column in (0, 1)]
    assert as_hex == [COLOURS["sar"], COLOURS["optical"]]
    assert tint[..., 3].tolist() == [[TRUST_OPACITY, TRUST_OPACITY], [TRUST_OPACITY, 0]]


def test_shares_are_never_rounded_to_certainty():
    assert [percent(s) for s in (0.9999, 1.0, 0.0001, 0.0, 0.7181, None)] == [
        "99.9",
        "100.0",
        "0.1",
        "0.0",
        "71.8",
        "–",
    ]
    assert percent(0.999, 0) == "99"
