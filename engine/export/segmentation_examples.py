"""Expressions of an evaluation with their pictures: the pixels that were meant, and those that were drawn."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from contourpy import contour_generator
from numpy.typing import NDArray
from PIL import Image
from shapely import LineString

from engine.export.evaluation_examples import COLOURS, png
from engine.export.evaluation_picks import Kind

MOST_PX = 320
"""Pictures of a page are no larger than this, so that it opens quickly."""

QUALITY = 85
"""Of their JPEGs."""

TINT_OPACITY = 150

AROUND, LEAST_PART, MOST_PART = 2.5, 0.15, 0.6
"""How large the shown part is, in sides of what is in it, and in sides of the picture at least; above the last all of
the picture is shown."""

Reads = Literal["optical", "sar", "both"]


@dataclass(frozen=True, slots=True)
class MaskExample:
    """One expression as it was asked and answered.

    ``reads`` says which sensors the network reads. ``optical`` uint8 [S, S, 3] and ``sar`` uint8 [S, S] are what it
    saw, None for one that it does not read or that has no picture; ``sensor`` is the one that shows the expression.
    ``truth`` and ``drawn`` bool [S, S] are the pixels that are meant and those of the mask. ``share`` is the truth's of
    the picture, ``probability`` the mean of the mask's pixels, None where it is empty. ``place`` names the area, and
    its weather where that is known; ``how`` tells what tells the things apart, "" where nobody knows.
    """

    kind: Kind
    place: str
    expression: str
    how: str
    reads: Reads
    sensor: Reads
    optical: NDArray[np.uint8] | None
    sar: NDArray[np.uint8] | None
    truth: NDArray[np.bool_]
    drawn: NDArray[np.bool_]
    iou: float
    share: float
    probability: float | None


@dataclass(frozen=True, slots=True)
class MaskExampleView:
    """An example as the page draws it: pictures by sensor and ``tint``, the mask, as ``data:`` addresses, the border of
    the ``truth`` as an SVG path in a unit square, and the sensor whose picture is ``below`` them.

    ``number`` tells it from the page's others. ``part`` is left, top and side of the square that the last picture shows
    larger, in the unit square: things may be a few pixels small.
    """

    example: MaskExample
    number: int
    pictures: dict[str, str]
    tint: str
    colour: str
    truth: str
    below: str
    part: tuple[float, float, float]


def mask_example_view(example: MaskExample, number: int) -> MaskExampleView:
    """Encode the pictures and masks of the ``number``-th example of a page."""
    arrays = {"optical": example.optical, "sar": example.sar}
    pictures = {name: _photo(array) for name, array in arrays.items() if array is not None}
    colour = COLOURS["fusion" if example.reads == "both" else example.reads]
    return MaskExampleView(
        example=example,
        number=number,
        pictures=pictures,
        tint=png(_tinted(example.drawn, colour)),
        colour=colour,
        truth=border(example.truth),
        below=example.sensor if example.sensor in pictures else next(iter(pictures)),
        part=part_of(example.truth | example.drawn),
    )


def part_of(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Left, top and side, in the unit square, of a square around ``mask`` [S, S]; all of it where that is large."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return 0.0, 0.0, 1.0
    S = len(mask)
    (top, bottom), (left, right) = ((places[0] / S, (places[-1] + 1) / S) for places in (rows, columns))
    side = max(AROUND * max(bottom - top, right - left), LEAST_PART)
    if side > MOST_PART:
        return 0.0, 0.0, 1.0
    x, y = (min(max((low + high - side) / 2, 0.0), 1 - side) for low, high in ((left, right), (top, bottom)))
    return round(float(x), 4), round(float(y), 4), round(float(side), 4)


def border(mask: NDArray[np.bool_]) -> str:
    """The border of ``mask`` [S, S] as an SVG path in a unit square, within half a pixel; "" for an empty one."""
    S = len(mask)
    places = (np.arange(S + 2) - 0.5) / S  # pixels' centres, with one more around
    found = contour_generator(places, places, np.pad(mask, 1).astype(np.float64)).lines(0.5)
    lines: list[NDArray[np.float64]] = found  # type: ignore[assignment]
    return "".join(_closed(line, S) for line in lines)


def _closed(line: NDArray[np.float64], S: int) -> str:
    corners = LineString(line).simplify(0.5 / S).coords[:-1]
    return "M" + "L".join(f"{x:.4f} {y:.4f}" for x, y in corners) + "Z"


def _photo(array: NDArray[np.uint8]) -> str:
    """A picture [S, S] or [S, S, 3] as a ``data:`` address of a JPEG."""
    image = Image.fromarray(np.ascontiguousarray(array))
    if image.width > MOST_PX:
        image = image.resize((MOST_PX, MOST_PX), Image.Resampling.BOX)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _tinted(mask: NDArray[np.bool_], colour: str) -> NDArray[np.uint8]:
    """RGBA [S, S, 4]: ``colour`` ("#RRGGBB") where the mask is, clear elsewhere."""
    rgba = np.zeros((*mask.shape, 4), np.uint8)
    rgba[mask] = (*bytes.fromhex(colour.removeprefix("#")), TINT_OPACITY)
    return rgba
