"""Which pictures are asked for as the view moves, and what is shown until they come."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from engine.protocol import Outcome, Refined
from engine.records import DisplaySpec
from rsqa_desktop.canvas.pictures import BASE_PX, MOST_PX, PictureStream, Source, paintable, sharp_wish
from rsqa_desktop.canvas.viewport import Viewport
from tests.desktop.canvas.fakes import Drawing, FakeReader, coloured

DISPLAY = DisplaySpec((1,), (0.0,), (1.0,))
LARGE = Source("big.tif", None, 20_000, 20_000, DISPLAY)
WHOLE = Viewport(10_000, 10_000, 0.02, 400, 400)
PART = Viewport(8_000, 8_000, 0.1, 400, 400)
CLOSE = Viewport(5_000, 5_000, 1.0, 400, 400)


@pytest.fixture
def stream(reader: FakeReader, qtbot: QtBot) -> PictureStream:
    made = PictureStream(reader)
    made.show_source(LARGE)
    return made


def test_one_screen_pixel_is_one_picture_pixel(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(CLOSE, 1.0)
    (asked,) = reader.waiting
    assert (asked.width, asked.height) == (asked.window.width, asked.window.height) == (500, 500)
    assert asked.draft


def test_magnified_is_never_finer_than_the_raster(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(replace(CLOSE, scale=8), 2.0)
    (asked,) = reader.waiting
    assert (asked.width, asked.height) == (asked.window.width, asked.window.height)


def test_no_picture_outgrows_a_slot(stream: PictureStream) -> None:
    wish = sharp_wish(LARGE, replace(CLOSE, width=5000, height=4000), 2.0)
    assert wish is not None
    assert wish.width * wish.height <= MOST_PX * 1.001


def test_a_small_pan_needs_no_new_picture(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(CLOSE, 1.0)
    reader.answer_all()
    before = len(reader.all)
    stream.look(CLOSE.panned(40, 0), 1.0)
    assert len(reader.all) == before
    stream.look(CLOSE.panned(80, 0), 1.0)
    assert len(reader.all) == before + 1


def test_the_base_comes_after_the_view_and_covers_everything(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(CLOSE, 1.0)
    reader.answer()
    (asked,) = reader.waiting
    assert asked.window == LARGE.whole
    assert max(asked.width, asked.height) == BASE_PX
    reader.answer()
    assert stream.settled
    assert [picture.window for picture in stream.pictures] == [LARGE.whole, reader.all[0].window]


def test_a_view_of_everything_is_its_own_base(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(WHOLE, 1.0)
    reader.answer()
    assert stream.settled


def test_during_a_drag_the_newest_view_wins_and_none_starves(stream: PictureStream, reader: FakeReader) -> None:
    for step in range(1, 30):
        stream.look(CLOSE.panned(-10 * step, 0), 1.0)
    assert len(reader.all) == 1  # still useful, so awaited
    assert not reader.cancelled
    reader.answer()
    (asked,) = reader.waiting
    assert asked.window.box.x0 == pytest.approx(5_290 - 250)  # where the drag is now, not where it passed


def test_what_can_no_longer_be_used_is_cancelled_at_once(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(CLOSE, 1.0)
    stream.look(replace(CLOSE, col=15_000), 1.0)
    assert reader.cancelled == ["0"]
    assert len(reader.waiting) == 1
    stream.look(replace(CLOSE, col=15_000, scale=0.1), 1.0)
    assert reader.cancelled == ["0", "1"]


def test_a_late_reply_to_a_cancelled_request_is_not_shown(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(CLOSE, 1.0)
    old = reader.waiting[0]
    stream.look(replace(CLOSE, col=15_000), 1.0)
    reader.drawn.emit(old.id, None, coloured(old))
    assert not stream.pictures


def test_old_pictures_stay_until_new_ones_come(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(WHOLE, 1.0)
    reader.answer_all()
    shown = stream.pictures
    stream.look(CLOSE, 1.0)
    assert stream.pictures == shown
    stream.set_display(replace(DISPLAY, high=(2.0,)))
    assert stream.pictures == shown
    reader.answer_all()
    assert all(picture.source.display.high == (2.0,) for picture in stream.pictures)


def test_a_draft_of_a_part_is_refined_from_the_top_in_bounded_strips(stream: PictureStream, reader: FakeReader) -> None:
    reader.sparse = True
    stream.look(PART, 1.0)
    draft = reader.answer()
    assert stream.is_draft
    asked: list[Drawing] = []
    while stream.is_draft:
        asked.append(reader.answer())
    assert not any(drawing.draft for drawing in asked)
    assert len(asked) == 4
    assert sum(drawing.height for drawing in asked) == draft.height
    assert sum(drawing.window.height for drawing in asked) == draft.window.height
    assert all(drawing.window.width * drawing.window.height <= 8_000_000 for drawing in asked)
    # Look for: the strips lie where the draft lay; a row in the last strip still tells its frame row.
    seen = draft.height - 10
    green = stream.pictures[-1].image.pixelColor(200, seen).green()
    row = int(draft.window.row_off + (seen + 0.5) / draft.height * draft.window.height) // 4 % 256
    assert min((green - row) % 256, (row - green) % 256) <= 3


def test_a_draft_of_the_whole_is_drawn_again_when_the_reader_has_a_better_one(
    stream: PictureStream, reader: FakeReader
) -> None:
    reader.sparse = True
    stream.look(WHOLE, 1.0)
    reader.answer()
    assert not reader.waiting  # the reader refines while nobody asks
    assert not stream.settled
    reader.refined.emit(Refined("another.tif", complete=True))
    assert not reader.waiting
    reader.refined.emit(Refined(LARGE.path, complete=False))
    assert reader.answer().draft
    assert stream.is_draft
    assert not reader.waiting
    reader.sparse = False  # a complete preview is no draft
    reader.refined.emit(Refined(LARGE.path, complete=True))
    reader.answer()
    assert stream.settled


def test_a_refinement_told_before_the_draft_arrives_is_not_missed(stream: PictureStream, reader: FakeReader) -> None:
    reader.sparse = True
    stream.look(WHOLE, 1.0)
    reader.refined.emit(Refined(LARGE.path, complete=True))
    reader.answer()
    assert reader.waiting[0].window == LARGE.whole
    assert reader.waiting[0].draft


def test_where_the_best_preview_is_too_coarse_the_whole_is_decoded(stream: PictureStream, reader: FakeReader) -> None:
    reader.sparse = True
    stream.look(WHOLE, 1.0)
    reader.answer()
    reader.refined.emit(Refined(LARGE.path, complete=True))
    reader.answer()
    assert not reader.waiting[0].draft
    reader.answer_all()
    assert stream.settled


def test_a_coarse_base_is_drawn_again_at_the_end(stream: PictureStream, reader: FakeReader) -> None:
    reader.sparse = True
    stream.look(PART, 1.0)
    reader.answer_all()
    before = len(reader.all)
    reader.sparse = False
    reader.refined.emit(Refined(LARGE.path, complete=False))
    assert len(reader.all) == before
    reader.refined.emit(Refined(LARGE.path, complete=True))
    assert [drawing.window for drawing in reader.all[before:]] == [LARGE.whole]
    reader.answer_all()
    assert stream.settled


def test_a_new_view_does_not_wait_for_a_refinement(stream: PictureStream, reader: FakeReader) -> None:
    reader.sparse = True
    stream.look(PART, 1.0)
    reader.answer()
    refining = reader.waiting[0]
    stream.look(CLOSE, 1.0)
    assert refining.id in reader.cancelled
    assert reader.waiting[0].draft


@pytest.mark.parametrize("status", ["failed", "crashed"])
def test_a_failure_is_told_once_and_not_tried_again_in_the_same_view(
    stream: PictureStream, reader: FakeReader, status: str
) -> None:
    told: list[Outcome] = []
    stream.failed.connect(told.append)
    stream.look(CLOSE, 1.0)
    reader.fail(status)
    stream.look(CLOSE, 1.0)
    assert not reader.waiting
    assert [outcome.reason for outcome in told] == ["The file is gone."]
    assert stream.settled
    stream.look(replace(CLOSE, col=15_000), 1.0)
    assert len(reader.waiting) == 1


def test_no_source_no_request(stream: PictureStream, reader: FakeReader) -> None:
    stream.look(CLOSE, 1.0)
    stream.show_source(None)
    assert reader.cancelled == ["0"]
    stream.look(WHOLE, 1.0)
    assert not reader.waiting
    assert not stream.pictures


def test_only_opaque_pictures_lose_their_alpha() -> None:
    drawing = Drawing("0", "optical.tif", LARGE.whole, 6, 4, DISPLAY, None, False)
    image = coloured(drawing)
    assert not paintable(image).hasAlphaChannel()
    image.setPixelColor(5, 3, "transparent")
    assert paintable(image).hasAlphaChannel()
    assert paintable(image).pixelColor(5, 3).alpha() == 0
