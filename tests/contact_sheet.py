"""Scenes at a glance: ``python -m tests.contact_sheet [OUT] [--seed S] [--count 48]``.

Both pictures of scenes of every setting and weather, with truth drawn on: boxes and a mask with the expressions that
name them, and one question with its answer. Nothing is chosen but setting and weather: the first seeds that have them
are taken. The README shows the picture, ``resources/screenshots/scenes.jpg``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
from matplotlib.font_manager import FontProperties, findfont
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont
from scipy import ndimage

from engine.scenes import Question, Referral, Sample, make_sample, referral_mask
from engine.scenes.layout import make_scene
from engine.scenes.optics.weather import Weather
from engine.scenes.scene import SETTINGS
from engine.text import QUESTION_TYPES
from rsqa_desktop.theme import ACCENT, CASING, FUSION, LIGHT, OPTICAL, SAR

WEATHERS: tuple[Weather, ...] = ("clear", "cloud", "fog", "clear", "dark", "cloud")
COLUMNS, SIDE, GAP, LINE = 3, 256, 4, 15
CELL = (2 * SIDE + GAP, LINE + 3 + SIDE + 6 * LINE + 14)
MARGIN, HEADLINE = 18, 34
HIDDEN_SHARE = 0.5
TINT = 0.3
QUALITY = 84

Picture = NDArray[np.uint8]


def font(size: int, weight: str = "normal") -> ImageFont.FreeTypeFont:
    """Inter where it is installed, else the DejaVu Sans that comes with matplotlib."""
    return ImageFont.truetype(findfont(FontProperties(family=["Inter", "DejaVu Sans"], weight=weight)), size)


TEXT, BOLD, TITLE = font(11), font(11, "bold"), font(18, "bold")


def chosen(number: int, seed: int) -> Iterator[Sample]:
    """``number`` samples, one setting after the other, the weathers in turn; seeds go up from ``seed``."""
    each = -(-number // len(SETTINGS))
    wanted = dict.fromkeys(SETTINGS, each)
    found: dict[str, list[int]] = {name: [] for name in SETTINGS}
    for one in count(seed):
        setting = make_scene(one).setting
        if len(found[setting]) < wanted[setting]:
            found[setting].append(one)
        if all(len(found[name]) == wanted[name] for name in SETTINGS):
            break
    order = [(one, WEATHERS[index % len(WEATHERS)]) for name in SETTINGS for index, one in enumerate(found[name])]
    for one, weather in order[:number]:
        yield make_sample(one, weather=weather, questions_per_type=1)


def shown_referrals(sample: Sample) -> dict[str, Referral]:
    """What is drawn, by the letter beside it: two optical boxes, one of SAR, one mask, none of them under cloud."""
    seen = [
        one
        for one in sample.referrals
        if one.sensor == "sar" or sample.hidden[referral_mask(sample.facts, one)].mean() <= HIDDEN_SHARE
    ]
    things = {one.members: one for one in seen if one.task == "box" and one.sensor == "optical"}
    boxes = list(things.values())[:2]
    echoes = [one for one in seen if one.task == "box" and one.sensor == "sar"][:1]
    masks = [one for one in seen if one.task == "mask" and one.sensor == "optical"][:1]
    return (
        dict(zip("AB", boxes, strict=False))
        | dict(zip("S", echoes, strict=False))
        | dict(zip("M", masks, strict=False))
    )


def sar_picture(sample: Sample) -> Picture:
    """Backscatter as grey [H, W, 3], stretched between its 1st and 99.5th percentile."""
    low, high = np.percentile(sample.sar_db, (1, 99.5))
    grey = np.clip((sample.sar_db - low) / max(high - low, 1.0) * 255, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def tinted(picture: Picture, mask: NDArray[np.bool_], colour: str) -> Picture:
    """``picture`` with ``mask`` in a colour, and a white rim round it."""
    inside = picture * (1 - TINT) + np.array(ImageColor.getrgb(colour)) * TINT
    rim = mask & ~ndimage.binary_erosion(mask, border_value=1)
    filled = np.where(mask[:, :, None], inside, picture)
    return np.where(rim[:, :, None], np.array(ImageColor.getrgb(CASING)), filled).astype(np.uint8)


def draw_box(draw: ImageDraw.ImageDraw, referral: Referral, letter: str, colour: str) -> None:
    """The box of ``referral`` in a white casing, its letter beside it."""
    left, top, right, bottom = referral.box_xyxy_px or (0, 0, 0, 0)
    draw.rectangle((left - 4, top - 4, right + 3, bottom + 3), outline=CASING)
    draw.rectangle((left - 3, top - 3, right + 2, bottom + 2), outline=colour, width=2)
    x = right + 5 if right < SIDE - 16 else max(left - 15, 0)
    y = min(max(top - 2, 0), SIDE - 14)
    draw.rectangle((x, y, x + 10, y + 12), fill=colour, outline=CASING)
    draw.text((x + 5.5, y + 6.5), letter, font=BOLD, fill=LIGHT.text, anchor="mm")


def fitted(text: str, width: int, used: ImageFont.FreeTypeFont) -> list[str]:
    """``text`` in lines of at most ``width`` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if used.getlength(longer) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def asked(sample: Sample, index: int) -> Question | None:
    """A question of the type whose turn it is, or of the next that there is."""
    by_type = {question.type: question for question in sample.questions}
    turns = (QUESTION_TYPES[(index + step) % len(QUESTION_TYPES)] for step in range(len(QUESTION_TYPES)))
    return next((by_type[name] for name in turns if name in by_type), None)


def cell(sample: Sample, index: int) -> Image.Image:
    """One scene: headings, both pictures, and below what is true of it."""
    sheet = Image.new("RGB", CELL, LIGHT.surface)
    draw = ImageDraw.Draw(sheet)
    referrals = shown_referrals(sample)
    optical: Picture = np.ascontiguousarray(sample.optical.transpose(1, 2, 0))
    if "M" in referrals:
        optical = tinted(optical, referral_mask(sample.facts, referrals["M"]), ACCENT)
    pictures = {"optical": Image.fromarray(optical), "sar": Image.fromarray(sar_picture(sample))}
    for letter, referral in referrals.items():
        if referral.task == "box":
            colour = OPTICAL if referral.sensor == "optical" else SAR
            draw_box(ImageDraw.Draw(pictures[referral.sensor]), referral, letter, colour)
    draw.text((0, 0), optical_heading(sample), font=BOLD, fill=LIGHT.text)
    draw.text((SIDE + GAP, 0), sar_heading(sample), font=BOLD, fill=LIGHT.text)
    draw.text((CELL[0], 0), str(sample.seed), font=TEXT, fill=LIGHT.muted, anchor="ra")
    sheet.paste(pictures["optical"], (0, LINE + 3))
    sheet.paste(pictures["sar"], (SIDE + GAP, LINE + 3))
    write_truth(draw, sample, referrals, asked(sample, index))
    return sheet


def optical_heading(sample: Sample) -> str:
    """Weather with its strength, and the sampling distance."""
    weather = sample.weather if sample.weather == "clear" else f"{sample.weather} {sample.strength:.1f}"
    return f"{weather} · {sample.gsd_m:.1f} m"


def sar_heading(sample: Sample) -> str:
    """Polarisation, looks, and how the picture lies to the optical one."""
    looks = f"{sample.looks:g} look{'' if sample.looks == 1 else 's'}"
    dx, dy = (f"{step:+d}".replace("-", "−") for step in sample.shift_px)
    pair = {"exact": "", "other": " · of another place", "shifted": f" · shifted {dx} {dy} px"}[sample.pair]
    return f"{sample.scene.polarisation} · {looks}{pair}"


def write_truth(
    draw: ImageDraw.ImageDraw, sample: Sample, referrals: dict[str, Referral], question: Question | None
) -> None:
    """The expressions under the letters of what they name, then question and answer."""
    y = LINE + 3 + SIDE + 5
    for letter, referral in referrals.items():
        colour = ACCENT if letter == "M" else OPTICAL if referral.sensor == "optical" else SAR
        draw.rectangle((0, y, 10, y + 12), fill=colour)
        ink = CASING if letter == "M" else LIGHT.text
        draw.text((5.5, y + 6.5), letter, font=BOLD, fill=ink, anchor="mm")
        draw.text((16, y), fitted(referral.text, CELL[0] - 16, TEXT)[0], font=TEXT, fill=LIGHT.text)
        y += LINE
    if question is None:
        return
    lines = fitted(question.text, CELL[0] - 16, TEXT)
    draw.text((5.5, y + 6.5), "?", font=BOLD, fill=FUSION, anchor="mm")
    for line in lines:
        draw.text((16, y), line, font=TEXT, fill=LIGHT.text)
        y += LINE
    end = 16 + TEXT.getlength(lines[-1])
    answer = f"{question.answer}"
    if end + 8 + BOLD.getlength(answer) > CELL[0]:
        end = 8
    else:
        y -= LINE
    draw.text((end + 8, y), answer, font=BOLD, fill=LIGHT.good_text)


def contact_sheet(number: int, seed: int) -> Image.Image:
    """All cells, a heading above each setting's."""
    blocks: dict[str, list[Image.Image]] = {}
    for index, sample in enumerate(chosen(number, seed)):
        blocks.setdefault(sample.scene.setting, []).append(cell(sample, index))
    rows = sum(-(-len(cells) // COLUMNS) for cells in blocks.values())
    width = 2 * MARGIN + COLUMNS * CELL[0] + (COLUMNS - 1) * MARGIN
    sheet = Image.new("RGB", (width, MARGIN + len(blocks) * HEADLINE + rows * CELL[1]), LIGHT.surface)
    y = MARGIN
    for setting, cells in blocks.items():
        ImageDraw.Draw(sheet).text((MARGIN, y), setting.capitalize(), font=TITLE, fill=LIGHT.text)
        y += HEADLINE
        for start in range(0, len(cells), COLUMNS):
            for column, image in enumerate(cells[start : start + COLUMNS]):
                sheet.paste(image, (MARGIN + column * (CELL[0] + MARGIN), y))
            y += CELL[1]
    return sheet


def main(argv: list[str] | None = None) -> int:
    """Draw and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parents[1] / "resources" / "screenshots" / "scenes.jpg"
    parser.add_argument("out", nargs="?", type=Path, default=default)
    parser.add_argument("--seed", type=int, default=6_000_000, help="the first that may be taken")
    parser.add_argument("--count", type=int, default=48)
    arguments = parser.parse_args(argv)
    sheet = contact_sheet(arguments.count, arguments.seed)
    sheet.save(arguments.out, quality=QUALITY, subsampling=0, optimize=True)
    sys.stdout.write(f"{arguments.out} {sheet.width} x {sheet.height} {arguments.out.stat().st_size / 1e6:.1f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
