"""Questions of an evaluation with their pictures: what was seen, where the network looked, which sensor it trusted."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = {"optical": "#E69F00", "sar": "#56B4E9", "fusion": "#009E73"}
"""Okabe and Ito's colour-blind-safe colours, with the meaning that they have everywhere in this program."""

TRUST_OPACITY = 150
NEUTRAL = (217, 220, 225)


@dataclass(frozen=True, slots=True)
class ExampleExpert:
    """One expert's own answer, its probability, and its AF weight (a sigmoid)."""

    name: str
    answer: str
    probability: float
    weight: float


@dataclass(frozen=True, slots=True)
class Example:
    """One question as it was asked and answered, with what it was answered from.

    ``optical`` uint8 [S, S, 3] and ``sar`` uint8 [S, S] are the pictures at the network's input, None for a sensor
    without data. Where the network has such reasons, ``kept`` bool [r, r] are the key regions by sensor, and ``trust``
    float32 [g, g] is RQAF's share of optical weight, NaN where neither sensor has data. ``place`` names the view, and
    its weather where that is known. ``answer_set`` is empty where there is no calibration.
    """

    kind: Literal["right", "wrong", "unsure"]
    place: str
    question: str
    type: str
    truth: str
    answer: str
    confidence: float
    answer_set: tuple[str, ...]
    experts: tuple[ExampleExpert, ...]
    optical: NDArray[np.uint8] | None
    sar: NDArray[np.uint8] | None
    kept: dict[str, NDArray[np.bool_]]
    trust: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class ExampleView:
    """An example as the page draws it: pictures as ``data:`` addresses, outlines as SVG paths in a unit square."""

    example: Example
    number: int
    pictures: dict[str, str]
    outlines: dict[str, str]
    trust: str


def example_view(example: Example, number: int) -> ExampleView:
    """Encode the pictures of the ``number``-th example of a page."""
    arrays = {"optical": example.optical, "sar": example.sar}
    return ExampleView(
        example=example,
        number=number,
        pictures={name: png(array) for name, array in arrays.items() if array is not None},
        outlines={name: outline(kept) for name, kept in example.kept.items()},
        trust="" if example.trust is None else png(trust_tint(example.trust)),
    )


def png(array: NDArray[np.uint8]) -> str:
    """A picture [h, w], [h, w, 3] or [h, w, 4] as a ``data:`` address of a PNG."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def trust_tint(trust: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RGBA [g, g, 4] to lay over a picture: SAR's colour at 0, over neutral, to the optical one at 1; clear at NaN."""
    known = np.isfinite(trust)
    share = np.clip(np.where(known, trust, 0.5), 0, 1)
    stops = np.array([_rgb(COLOURS["sar"]), NEUTRAL, _rgb(COLOURS["optical"])], float)
    rgba: NDArray[Any] = np.zeros((*trust.shape, 4), np.uint8)
    for channel in range(3):
        rgba[..., channel] = np.rint(np.interp(share, [0, 0.5, 1], stops[:, channel]))
    rgba[..., 3] = np.where(known, TRUST_OPACITY, 0)
    return rgba


def outline(kept: NDArray[np.bool_]) -> str:
    """The border of the cells ``kept`` [r, r] of a square of side 1, as an SVG path; cells that touch share none."""
    return "".join(_sides(np.pad(kept, 1), kept.shape[0]))


def _sides(inside: NDArray[np.bool_], side: int) -> Iterator[str]:
    for row, col in np.argwhere(inside):
        x0, y0, x1, y1 = ((value / side) for value in (col - 1, row - 1, col, row))
        for away, (a, b, c, d) in (
            ((-1, 0), (x0, y0, x1, y0)),
            ((1, 0), (x0, y1, x1, y1)),
            ((0, -1), (x0, y0, x0, y1)),
            ((0, 1), (x1, y0, x1, y1)),
        ):
            if not inside[row + away[0], col + away[1]]:
                yield f"M{a:.4f} {b:.4f}L{c:.4f} {d:.4f}"


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
