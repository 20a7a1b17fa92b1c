"""One picture that says it all: question, answer, both sensors side by side with their key regions, who said what."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from engine.export.regions import KeyRegion
from engine.export.views import COLOURS, View, draw_regions, to_image
from engine.export.wording import expert_rows, pair_sentence, percent, runners_up, scale_sentence
from engine.records import Answer

_MARGIN = 16  # an 8-px grid
_GAP = 8
_LEAST_WIDTH = 720  # so that header and footer have room beside one narrow picture
_TEXT, _MUTED = "#1B1E22", "#60666F"
_QUESTION_LINES = 3
_BAR = (120, 8)


def poster(answer: Answer, views: Sequence[View], regions: Sequence[KeyRegion]) -> Image.Image:
    """An RGB picture. Regions are drawn on their own sensor's view; text that does not fit is cut with an ellipsis."""
    pictures = [_panel(view, regions, answer) for view in views]
    row_width = sum(picture.width for picture in pictures) + _GAP * (len(pictures) - 1)
    row_height = max((picture.height for picture in pictures), default=0)
    width = max(row_width, _LEAST_WIDTH) + 2 * _MARGIN
    header, footer = _header(answer, width), _footer(answer, width, has_regions=bool(regions))
    page = Image.new("RGB", (width, header.height + row_height + footer.height), "#FFFFFF")
    page.paste(header, (0, 0))
    x = (width - row_width) // 2
    for picture in pictures:
        page.paste(picture, (x, header.height))
        x += picture.width + _GAP
    page.paste(footer, (0, header.height + row_height))
    return page


def _panel(view: View, regions: Sequence[KeyRegion], answer: Answer) -> Image.Image:
    """A sensor's picture with its regions, a label of sensor, date and metres per pixel, and a scale bar."""
    picture = to_image(view)
    draw_regions(picture, [one for one in regions if one.sensor in (view.sensor, "both")], answer.area.window.box)
    draw = ImageDraw.Draw(picture)
    font = _font(17)
    label = " · ".join(part for part in (view.name, view.caption) if part)
    label = _cut(label, font, picture.width - 48)
    right = 36 + font.getlength(label)
    draw.rounded_rectangle((8, 8, right + 8, 36), radius=6, fill="#1E2126")
    draw.ellipse((16, 17, 26, 27), fill=COLOURS[view.sensor])
    draw.text((34, 22), label, font=font, fill="#FFFFFF", anchor="lm")
    if answer.area.grid.gsd_m is not None:
        _scale_bar(draw, picture, answer.area.grid.gsd_m * answer.area.window.width / picture.width)
    return picture


def _scale_bar(draw: ImageDraw.ImageDraw, picture: Image.Image, metres_per_pixel: float) -> None:
    """A white bar of a round length, at most a quarter of the picture wide, at the bottom right."""
    longest_m = metres_per_pixel * picture.width / 4
    power = 10 ** math.floor(math.log10(longest_m))
    metres = next(step * power for step in (5, 2, 1) if step * power <= longest_m)
    label = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    right, y = picture.width - 16, picture.height - 16
    left = right - round(metres / metres_per_pixel)
    for colour, width in (("#1E2126", 6), ("#FFFFFF", 2)):
        draw.line((left, y - 6, left, y, right, y, right, y - 6), fill=colour, width=width)
    middle = (left + right) / 2
    draw.text(
        (middle, y - 8), label, font=_font(16), fill="#FFFFFF", anchor="mb", stroke_width=2, stroke_fill="#1E2126"
    )


def _header(answer: Answer, width: int) -> Image.Image:
    room = width - 2 * _MARGIN
    lines = _wrapped(answer.question, _font(20), room, _QUESTION_LINES)
    block = Image.new("RGB", (width, _MARGIN + 28 * len(lines) + 64), "#FFFFFF")
    draw = ImageDraw.Draw(block)
    y = _MARGIN
    for line in lines:
        draw.text((_MARGIN, y), line, font=_font(20), fill=_MUTED)
        y += 28
    big = _font(40)
    confidence = f"{percent(answer.confidence)} confident"
    shown = _cut(_plain(answer.answer), big, room - 240)
    draw.text((_MARGIN, y + 28), shown, font=big, fill=_TEXT, anchor="lm")
    draw.text((_MARGIN + big.getlength(shown) + 16, y + 32), confidence, font=_font(20), fill=_MUTED, anchor="lm")
    return block


def _footer(answer: Answer, width: int, *, has_regions: bool) -> Image.Image:
    rows, room = expert_rows(answer), width - 2 * _MARGIN
    facts = [f"Pair: {pair_sentence(answer.gate)}", f"Scale: {scale_sentence(answer.area)}"]
    others = runners_up(answer)
    facts = [f"Next: {others}", *facts] if others else facts
    if has_regions:
        facts.append("Frames: key regions (CFAR: coarse-to-fine attention)")
    by = answer.provenance
    facts.append(f"{by.model} {by.model_sha256[:8]} · {by.software} · {by.time_utc}")
    block = Image.new("RGB", (width, _MARGIN + 24 * len(rows) + 24 * len(facts) + _MARGIN), "#FFFFFF")
    draw = ImageDraw.Draw(block)
    font, y = _font(17), _MARGIN
    for row in rows:
        middle, bar = y + 10, _MARGIN + 260
        draw.ellipse((_MARGIN, middle - 5, _MARGIN + 10, middle + 5), fill=COLOURS[row.sensor])
        draw.text((_MARGIN + 18, middle), row.name, font=font, fill=_TEXT, anchor="lm")
        said = _cut(f"{_plain(row.answer)} ({percent(row.probability)})", font, 160)
        draw.text((_MARGIN + 90, middle), said, font=font, fill=_TEXT, anchor="lm")
        draw.rectangle((bar, middle - 4, bar + _BAR[0], middle + 4), fill="#D9DCE1")
        draw.rectangle((bar, middle - 4, bar + round(_BAR[0] * row.weight), middle + 4), fill=COLOURS[row.sensor])
        weight = f"AF weight {row.weight:.2f}, {percent(row.share)} of the sum"
        draw.text((bar + _BAR[0] + 12, middle), weight, font=font, fill=_MUTED, anchor="lm")
        y += 24
    for fact in facts:
        draw.text((_MARGIN, y + 4), _cut(_plain(fact), font, room), font=font, fill=_MUTED)
        y += 24
    return block


@lru_cache(maxsize=8)
def _font(size: int) -> Any:
    """Pillow's own scalable font, so that the picture is the same on every machine; it covers Latin letters."""
    return ImageFont.load_default(size)


def _plain(text: str) -> str:
    """``text`` without what cannot be drawn: control characters, lone surrogates, line breaks."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in whole)
    return " ".join(visible.split())


def _cut(text: str, font: Any, room: float) -> str:
    """As much of ``text`` as fits into ``room`` picture pixels, with an ellipsis where something was left out."""
    if font.getlength(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle] + "…") <= room else (low, middle - 1)
    return text[:low] + "…"


def _wrapped(text: str, font: Any, room: float, lines: int) -> list[str]:
    """``text`` broken between words into at most ``lines`` lines; a word longer than a line is cut."""
    done: list[str] = []
    words = _plain(text).split()
    while words and len(done) < lines - 1:
        count = 1
        while count < len(words) and font.getlength(" ".join(words[: count + 1])) <= room:
            count += 1
        done.append(_cut(" ".join(words[:count]), font, room))
        words = words[count:]
    return [*done, _cut(" ".join(words), font, room)] if words else done
