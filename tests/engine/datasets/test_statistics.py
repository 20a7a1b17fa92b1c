"""Statistics by hand: every figure of three tiny data sets, and that they are drawn."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.datasets.dataset import BoxRow, DataSet, ImageFiles, MaskRow, MaskSource, Origin, QuestionRow
from engine.datasets.plots import as_text, draw, page
from engine.datasets.statistics import Histogram, Statistics, Table, statistics

HERE = Path("data")
ORIGIN = Origin(HERE / "train.jsonl", 1)
IMAGES = tuple(ImageFiles(name, split, width=100, height=100) for name, split in (("a", "train"), ("b", "test")))


def question(image: str, split: str, text: str, answer: str, kind: str) -> QuestionRow:
    return QuestionRow(image, split, text, answer, kind, ORIGIN)


@pytest.fixture
def questions() -> Statistics:
    rows = (
        question("a", "train", "Is there a ship?", "yes", "presence"),
        question("a", "train", "Is there a ship?", "no", "presence"),
        question("b", "test", "How many ships are there?", "2", "number"),
        question("b", "test", "Is there any " + "very " * 20 + "large tank?", "no", "presence"),
    )
    return statistics(DataSet("osvqa", "vqa", HERE, IMAGES, rows))


def table(found: Statistics, title: str) -> Table:
    return next(one for one in found.tables if one.title == title)


def test_questions_by_hand(questions: Statistics) -> None:
    assert table(questions, "Splits").rows == (("test", 1, 2), ("train", 1, 2), ("all", 2, 4))
    assert table(questions, "Question types").rows == (
        ("presence", 3, 0.75, 2, "no", pytest.approx(2 / 3)),
        ("number", 1, 0.25, 1, "2", 1.0),
    )
    measures = dict(table(questions, "Questions").rows)
    assert measures["unique"] == 3
    assert measures["words, least"] == 4
    assert measures["words, most"] == 25
    assert measures["words, mean"] == pytest.approx((4 + 4 + 5 + 25) / 4)
    assert measures["share of more than 20 words"] == 0.25
    # is there a ship how many ships are any very large tank
    assert measures["unique words"] == 12


def test_boxes_by_hand() -> None:
    rows = (
        BoxRow("a", "train", "the ship", (0, 0, 30, 10), "ship", "sar", ORIGIN),
        BoxRow("a", "train", "the large tank at the top", (10, 10, 60, 60), "storage tank", "optical", ORIGIN),
        BoxRow("b", "test", "the tank", (0, 0, 2, 2), "storage tank", "optical", ORIGIN),
    )
    found = statistics(DataSet("optsar-rsvg", "grounding", HERE, IMAGES, rows))
    assert table(found, "Sensors").rows == (("optical", 2, pytest.approx(2 / 3)), ("sar", 1, pytest.approx(1 / 3)))
    sizes = {row[0]: row[2] for row in table(found, "Sizes, by share of the image").rows}
    assert sizes == {"tiny": 1, "small": 0, "medium": 1, "large": 1}
    width = next(plot for plot in found.plots if plot.title == "Boxes: width")
    assert isinstance(width, Histogram)
    assert {name: sum(counts) for name, counts in width.series} == {"optical": 2, "sar": 1}
    assert dict(table(found, "Expressions").rows)["words, mean"] == round((2 + 6 + 2) / 3, 2)


def test_masks_by_hand_and_unreadable_ones_are_said() -> None:
    rows = tuple(
        MaskRow(image, split, text, MaskSource(), "road", "optical", ORIGIN)
        for image, split, text in (("a", "train", "the road"), ("a", "train", "a car"), ("b", "test", "the road"))
    )
    shares = iter([0.02, None, 0.6])
    found = statistics(DataSet("refsegrs", "segmentation", HERE, IMAGES, rows), lambda row: next(shares))
    assert found.unread == 1
    assert table(found, "Scenes with expressions").rows == (("test", 1, 1), ("train", 1, 2))
    sizes = {row[0]: row[2] for row in table(found, "Foreground, by share of the image").rows}
    assert sizes == {"tiny": 0, "small": 0, "medium": 1, "large": 1}
    assert table(found, "Words, the most frequent").rows[:2] == (("the", 2, pytest.approx(1 / 3)), ("road", 2, 1 / 3))
    assert "not in the foreground figures: 1" in page(found, "mine")


def test_reading_masks_can_be_cancelled() -> None:
    rows = tuple(MaskRow("a", "train", "the road", MaskSource(), "", "optical", ORIGIN) for _ in range(9))
    read: list[MaskRow] = []

    def foreground(row: MaskRow) -> float:
        read.append(row)
        return 0.5

    data = DataSet("refsegrs", "segmentation", HERE, IMAGES, rows)
    statistics(data, foreground, cancelled=lambda: len(read) == 3)
    assert len(read) == 3


@pytest.mark.parametrize("task", ["vqa", "grounding", "segmentation"])
def test_an_empty_data_set_has_statistics(task) -> None:
    found = statistics(DataSet("x", task, HERE, (), ()))
    assert table(found, "Splits").rows == (("all", 0, 0),)
    assert "<h1>nothing &amp; more</h1>" in page(found, "nothing & more")


def test_plots_are_pictures_with_something_on_them(questions: Statistics) -> None:
    for plot in questions.plots:
        picture = np.asarray(Image.open(io.BytesIO(draw(plot))).convert("L"))
        assert min(picture.shape) > 150
        assert (picture < 128).mean() > 0.005
        assert (picture == 255).mean() > 0.3


def test_tables_as_text_line_up(questions: Statistics) -> None:
    lines = as_text(table(questions, "Question types")).splitlines()
    assert lines[0] == "Question types"
    assert "75.0%" in lines[2]
    assert len({line.index("75.0%") + 5 if "75.0%" in line else line.index("25.0%") + 5 for line in lines[2:]}) == 1
