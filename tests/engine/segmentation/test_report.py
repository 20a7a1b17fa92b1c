"""The report of an evaluation of masks: whole, self-contained, each figure beside the guess, the paper's marked."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from engine.export.evaluation_examples import COLOURS
from engine.export.segmentation_evaluation import COLUMNS
from engine.export.segmentation_examples import border, mask_example_view, part_of
from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.calibration import cut_of, fit_calibration
from engine.segmentation.evaluation import HIDDEN, PARTS, SCATTERED, evaluate_scored
from engine.segmentation.guess import guess_metrics
from engine.segmentation.report import (
    cut_notes,
    mean_probabilities,
    paper_figures,
    paper_rows,
    pick_examples,
    write_report,
)
from engine.segmentation.scored import CENTRES, EDGES, data_in, scored_masks
from tests.engine.segmentation.known_set import SaysMargins, known_set, noisy_margins, scored_from
from tests.engine.segmentation.tiny import CONFIG

AREAS = known_set(24)
MARGINS = noisy_margins(AREAS)
SCORED = scored_from(AREAS, MARGINS)
CALIBRATION = fit_calibration(SCORED)
NETWORK = SaysMargins(AREAS, MARGINS)
SPEC = PreprocessSpec()
OF = {"model": "a <b> model", "split": "noise", "facts": {"software": "rsqa-desktop 9.9"}}


def examples(calibration=CALIBRATION, config=CONFIG, areas=AREAS, scored=SCORED):
    return pick_examples(scored, areas, NETWORK, NETWORK, config, SPEC, calibration)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_report(
        tmp_path_factory.mktemp("report"), evaluate_scored(SCORED, AREAS, CALIBRATION),
        guess_metrics(known_set(60, seed=2), AREAS), dataset="scenes", notes=["It is noise."], examples=examples(),
        **OF,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(written):
    return next(path for path in written[1] if path.suffix == ".html").read_text(encoding="utf-8")


def test_expressions_that_are_not_read_whole_are_counted():
    assert cut_notes(AREAS, NETWORK, 20) == ()
    (said,) = cut_notes(AREAS, NETWORK, 7)  # "the lake on the left of scene 0" has one more
    assert said.startswith("24 of 48 expressions are too long")
    assert AREAS.expressions[0].text in said


def test_three_files_of_which_one_is_the_record(written):
    record, files = written
    assert [path.name for path in files] == ["evaluation.csv", "evaluation.html", "evaluation.json"]
    assert json.loads(files[2].read_text(encoding="utf-8")) == record
    assert record["task"] == "segmentation"


def test_the_table_has_every_part_with_the_guess_beside_it(written):
    record, files = written
    rows = {(row["group"], row["name"]): row for row in csv.DictReader(files[0].read_text().splitlines())}
    assert len(rows) == 1 + sum(len(part) for part in record["subsets"].values())
    sar = rows["sensor", "sar"]
    assert float(sar["mIoU"]) == pytest.approx(record["subsets"]["sensor"]["sar"]["mIoU"], abs=1e-6)
    assert float(sar["guess mIoU"]) == pytest.approx(record["guess"]["subsets"]["sensor"]["sar"]["mIoU"], abs=1e-6)
    for name in (("overall", "all"), ("scatter", SCATTERED), ("hidden", "mostly hidden")):
        assert float(rows[name]["mIoU low_95"]) <= float(rows[name]["mIoU"]) <= float(rows[name]["mIoU high_95"])


def test_every_part_that_an_evaluation_knows_has_its_place_on_the_page(written):
    assert set(written[0]["subsets"]) == set(COLUMNS.groups)
    assert COLUMNS.orders["parts"] == tuple(name for name, _ in PARTS)
    assert COLUMNS.orders["hidden"] == tuple(name for name, _ in HIDDEN)


def test_the_page_stands_alone_and_runs_nothing(page):
    assert "<script" not in page
    assert not re.search(r"""(?:href|src)="(?!data:|#)""", page)
    assert "url(" not in page
    assert "a &lt;b&gt; model" in page


def test_it_says_what_it_should(page, written):
    metrics = written[0]["metrics"]
    for said in (
        f"{100 * metrics['mIoU']:.1f} %", "It is noise.", "rsqa-desktop 9.9", SCATTERED, "mostly hidden", "Fig. 7",
        "the paper's rule", f"drawn from {100 * metrics['calibration']['threshold']:.1f} % up", COLOURS["optical"],
        f"{100 * metrics['calibration']['drawn_right']:.1f} %", COLOURS["fusion"], "prefers-color-scheme",
    ):  # fmt: skip
        assert said in page, said


def test_the_paper_s_rows_are_the_paper_s_and_ours_are_by_its_rule(page):
    rows = re.findall(r'<tr class="paper">.*?</tr>', page, re.DOTALL)
    assert len(rows) == 9
    assert sum("published by others" in row for row in rows) == 3
    assert "none of them is ours" in page
    assert "cannot be compared" in page
    assert paper_rows("refsegrs").same_data
    own = paper_figures(evaluate_scored(SCORED, AREAS, CALIBRATION)["metrics"])
    assert set(own) == set(paper_rows("scenes").columns)
    assert own["mIoU"] == pytest.approx(100 * np.mean([one.iou for one in SCORED.overlaps()]))
    (row,) = re.findall(r'<tr class="sum"><td>a &lt;b&gt; model.*?</tr>', page, re.DOTALL)
    assert f"{own['mIoU']:.2f}" in row


def test_every_chart_is_sound_xml_and_every_number_finite(page):
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    for chart in charts:
        ET.fromstring(chart)
        assert "nan" not in re.sub(r'href="[^"]*"', "", chart)
    assert sum("stroke-dasharray" in chart and "<use" in chart for chart in charts) == 18


def test_the_bars_of_fig_7_are_as_high_as_their_counts(page, written):
    (chart,) = re.findall(r'<svg[^>]*aria-label="Share of the picture that expressions name".*?</svg>', page, re.DOTALL)
    heights = [float(bar.get("height")) for bar in ET.fromstring(chart).iter("rect")][::2]
    counts = [one["samples"] for one in written[0]["metrics"]["foreground_shares"] if one["samples"]]
    np.testing.assert_allclose(heights, 130 * np.array(counts) / max(counts), atol=0.06)


# ---- examples


def test_the_best_the_worst_and_the_random_are_of_different_areas():
    found = examples()
    assert len(found) == len({one.place for one in found}) == 18
    best, worst = ([one for one in found if one.kind == kind] for kind in ("best", "worst"))
    ious = [one.iou for one in SCORED.overlaps(cut_of(CALIBRATION))]
    assert (best[0].iou, worst[0].iou) == (max(ious), min(ious))
    assert [one.iou for one in best] == sorted((one.iou for one in best), reverse=True)
    assert [(one.kind, one.place, one.expression) for one in examples()] == [
        (one.kind, one.place, one.expression) for one in found
    ]


def test_examples_show_the_masks_that_were_scored():
    for one in examples():
        index = next(n for n, asked in enumerate(AREAS.expressions) if asked.text == one.expression)
        np.testing.assert_array_equal(one.truth, AREAS.mask(AREAS.expressions[index].mask))
        np.testing.assert_array_equal(one.drawn, MARGINS[index] >= EDGES[cut_of(CALIBRATION)])
        assert one.iou == pytest.approx((one.truth & one.drawn).sum() / (one.truth | one.drawn).sum())
        assert one.share == pytest.approx(one.truth.mean())
        assert one.place.startswith(AREAS.names[AREAS.expressions[index].area])


def test_examples_show_what_the_network_saw():
    has = AREAS.has.copy()
    has[:12, 1] = False
    areas = replace(AREAS, has=has)
    for one in examples(areas=areas):
        area = int(one.place.split()[1])
        np.testing.assert_array_equal(one.optical, AREAS.optical[area].transpose(1, 2, 0))
        assert (one.sar is None) == (area < 12)
        assert mask_example_view(one, 0).below == ("sar" if one.sensor == "sar" and area >= 12 else "optical")
    alone = replace(CONFIG, sensors="optical")
    assert {one.sar is None for one in examples(config=alone)} == {True}
    assert {mask_example_view(one, 0).colour for one in examples(config=alone)} == {COLOURS["optical"]}
    assert data_in(areas, 0, "sar").sum() == 0


def test_a_mask_is_as_sure_as_its_pixels():
    sure = mean_probabilities(SCORED, None)
    likely = 1 / (1 + np.exp(-MARGINS.astype(float)))
    expected = [likely[row][MARGINS[row] >= 0].mean() for row in range(len(MARGINS))]
    np.testing.assert_allclose(sure, expected, atol=0.005)
    nothing = scored_masks(AREAS, "both", [np.zeros((64, 64), bool)] * len(AREAS.expressions))
    assert np.isnan(mean_probabilities(nothing, None)).all()
    assert (CENTRES[1:] > CENTRES[:-1]).all()


@pytest.mark.parametrize("seed", range(4))
def test_the_border_drawn_again_is_the_mask(seed):
    """Polygons filled in finely: a pixel that is wrong is at the border, and few are."""
    drawn = np.random.default_rng(seed)
    size, fine = 64, 16
    rows, columns = np.mgrid[:size, :size]
    mask = np.zeros((size, size), bool)
    for _ in range(4):
        x, y, r = drawn.integers(0, size, 3)
        mask ^= (columns - x) ** 2 + (rows - y) ** 2 < (4 + r / 4) ** 2
    again = np.zeros((size * fine, size * fine), bool)
    for ring in border(mask).removesuffix("Z").split("Z"):
        corners = [tuple(float(v) * size * fine for v in corner.split()) for corner in ring[1:].split("L")]
        image = Image.new("1", again.shape)
        ImageDraw.Draw(image).polygon(corners, fill=1)
        again ^= np.asarray(image, bool)
    share = again.reshape(size, fine, size, fine).mean((1, 3))
    inside, outside = ndimage.minimum_filter(mask, 3), ~ndimage.maximum_filter(mask, 3)
    assert (share[inside] >= 0.5).all()
    assert (share[outside] < 0.5).all()
    assert np.mean((share >= 0.5) == mask) > 0.99
    assert border(np.zeros((8, 8), bool)) == ""


def test_small_things_are_shown_larger_and_whole():
    mask = np.zeros((200, 200), bool)
    assert part_of(mask) == (0, 0, 1)
    mask[190:200, 100:110] = True
    left, top, side = part_of(mask)
    assert side == 0.15
    assert (left, top) == (pytest.approx(0.525 - 0.075), pytest.approx(0.85))  # not beyond the picture's edge
    mask[50:60, 100:110] = True
    assert part_of(mask) == (0, 0, 1)
    mask[50:60, 100:110] = False
    mask[160:170, 100:110] = True
    left, top, side = part_of(mask)
    assert side == pytest.approx(2.5 * 40 / 200)
    assert left <= 0.5
    assert top + side == pytest.approx(1)


def test_without_guess_calibration_and_with_an_empty_mask(tmp_path):
    nothing = scored_masks(AREAS, "both", [np.zeros((64, 64), bool)] * len(AREAS.expressions))
    silent = SaysMargins(AREAS, np.full_like(MARGINS, -5))
    shown = pick_examples(nothing, AREAS, silent, silent, CONFIG, SPEC, None)
    evaluation = evaluate_scored(nothing, AREAS)
    page = write_report(tmp_path, evaluation, {}, dataset="refsegrs", examples=shown, **OF)[1][1].read_text("utf-8")
    for gone in ("The guess", "Guess,", "the paper's rule", "cannot be compared", "% sure"):
        assert gone not in page, gone
    for said in ("not calibrated", "nothing drawn", "Nothing was drawn for 48 expressions"):
        assert said in page, said
