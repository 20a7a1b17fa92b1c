"""Expressions of an evaluation with their pictures: the box that was meant, and the box that was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.export.evaluation_examples import png

Box = tuple[float, float, float, float]

MOST_PX = 400
"""Pictures of a page are no larger than this, so that it opens quickly."""


@dataclass(frozen=True, slots=True)
class BoxExample:
    """One expression as it was asked and answered.

    ``picture`` uint8 [S, S, 3] is what the network saw, ``truth`` and ``found`` are boxes in its pixels (x0, y0, x1,
    y1), ``found`` None where there was none. ``score`` is the network's own, ``probability`` that of being right, None
    without calibration. ``place`` names the picture, and its weather where that is known; ``how`` tells what tells the
    thing apart, "" where nobody knows.
    """

    kind: Literal["best", "worst", "random"]
    place: str
    expression: str
    category: str
    how: str
    sensor: Literal["optical", "sar"]
    picture: NDArray[np.uint8]
    truth: Box
    found: Box | None
    iou: float
    score: float
    probability: float | None


@dataclass(frozen=True, slots=True)
class BoxExampleView:
    """An example as the page draws it: the picture as a ``data:`` address, boxes x, y, width, height in a unit
    square."""

    example: BoxExample
    picture: str
    truth: Box
    found: Box | None


def box_example_view(example: BoxExample) -> BoxExampleView:
    """Encode the picture and the boxes of an example."""
    side = example.picture.shape[0]
    return BoxExampleView(
        example,
        png(_reduced(example.picture)),
        _in_unit_square(example.truth, side),
        None if example.found is None else _in_unit_square(example.found, side),
    )


def _reduced(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if picture.shape[0] <= MOST_PX:
        return picture
    return np.asarray(Image.fromarray(picture).resize((MOST_PX, MOST_PX), Image.Resampling.BOX))


def _in_unit_square(box: Box, side: int) -> Box:
    x0, y0, x1, y1 = (round(edge / side, 4) for edge in box)
    return x0, y0, round(x1 - x0, 4), round(y1 - y0, 4)
