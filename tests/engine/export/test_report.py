"""The web page and the poster take any text for what it is: text."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.export.poster import poster
from engine.export.regions import key_regions
from engine.export.report import write_report
from engine.export.views import View, picture_size
from engine.export.wording import pair_sentence, percent, scale_sentence
from engine.records import PixelWindow
from tests.engine.export.handmade import AnswerMaker, answer_by_hand

GREY = np.full((50, 100, 4), 128, np.uint8)
VIEWS = (View("optical", "Optical", "2020-11-04 · 10 m", GREY), View("sar", "SAR", "", GREY))


class Page(HTMLParser):
    """Collects what a browser would see: tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())


def test_the_page_is_self_contained_and_says_everything(make_answer: AnswerMaker, tmp_path: Path) -> None:
    answer = make_answer(messages=("47 % of this area has no SAR data.",))
    write_report(tmp_path / "a.html", answer, VIEWS, key_regions(answer))
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    addresses = [attributes.get("src") or attributes.get("href") for _, attributes in page.tags]
    assert all(address.startswith("data:image/jpeg;base64,") for address in addresses if address)
    assert sum(tag == "img" for tag, _ in page.tags) == 3  # two views and the trust map
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")
    assert not any(tag in ("script", "link") for tag, _ in page.tags)
    text = " ".join(page.text)
    for said in ("Is there a river?", "93 % confident", "0.58", "33 %", "47 % of this area", "ab" * 32, "EPSG:32631"):
        assert said in text


def test_markup_in_a_question_stays_text(make_answer: AnswerMaker, tmp_path: Path) -> None:
    question = '<script>alert(1)</script> & "quotes"?'
    answer = make_answer(question=question)
    write_report(tmp_path / "a.html", answer, VIEWS, ())
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert not any(tag == "script" for tag, _ in page.tags)
    assert question in page.text


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=400).filter(str.strip), st.text(min_size=1, max_size=60))
def test_any_text_can_be_drawn_and_printed(question: str, word: str) -> None:
    with TemporaryDirectory() as folder:
        answer = answer_by_hand(Path(folder), question=question, answer=word)
        picture = poster(answer, VIEWS, key_regions(answer))
        write_report(Path(folder) / "a.html", answer, VIEWS, ())
    assert picture.width == 720 + 32


def test_a_question_of_3000_words_is_cut_to_three_lines(make_answer: AnswerMaker) -> None:
    short, long = (poster(make_answer(question="river " * words), VIEWS, ()) for words in (1, 3000))
    assert long.width == short.width
    assert long.height == short.height + 2 * 28


@pytest.mark.parametrize(
    ("window", "size"),
    [
        (PixelWindow(0, 0, 256, 128), (512, 256)),
        (PixelWindow(0, 0, 300, 200), (600, 400)),
        (PixelWindow(0, 0, 600, 600), (600, 600)),
        (PixelWindow(0, 0, 20000, 10000), (1024, 512)),
        (PixelWindow(0, 0, 1, 9000), (1, 1024)),
    ],
)
def test_pictures_have_a_readable_size(window: PixelWindow, size: tuple[int, int]) -> None:
    assert picture_size(window) == size


def test_percentages_never_claim_certainty() -> None:
    assert [percent(share) for share in (0, 0.001, 0.5, 0.934, 0.9999, 1)] == [
        "0 %", "under 1 %", "50 %", "93 %", "over 99 %", "100 %",
    ]  # fmt: skip


def test_the_scale_warns_outside_the_trained_range(make_answer: AnswerMaker) -> None:
    area = make_answer().area
    assert "in its range" in scale_sentence(area)
    assert "OUTSIDE" in scale_sentence(replace(area, model_gsd_m=90.0))
    assert "unknown" in scale_sentence(replace(area, model_gsd_m=None))
    unsaid = scale_sentence(replace(area, trained_gsd_m=(0.0, 0.0)))
    assert "range is unknown" in unsaid
    assert "OUTSIDE" not in unsaid


def test_the_pair_is_told_with_its_residual(make_answer: AnswerMaker) -> None:
    assert pair_sentence(make_answer().gate) == "aligned · residual 1.6 px (15.8 m), sure"
