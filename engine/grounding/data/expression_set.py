"""One split of a data set as the network gets it: pictures of one sensor at its input size, and what is named there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SensorName = Literal["optical", "sar"]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class NamedThing:
    """One thing of picture ``picture`` (its row in the set): its box in the picture's pixels, and its class."""

    picture: int
    box_xyxy_px: Box
    category: str


@dataclass(frozen=True, slots=True)
class Expression:
    """One text and what it names: ``things`` are indices into :attr:`ExpressionSet.things`, all in one picture.

    An expression that is scored names exactly one thing; ``scored`` is False for those that only teach (a class in the
    plural, whose things are all of them). ``how`` says what tells the thing apart ("category", "position",
    "attribute+relation"; "" where nobody knows), ``distractors`` how many of its class are not meant (-1: unknown).
    """

    picture: int
    text: str
    things: tuple[int, ...]
    category: str
    how: str = ""
    distractors: int = -1
    scored: bool = True


@dataclass(frozen=True, slots=True)
class ExpressionSet:
    """S pictures of ``size`` x ``size`` pixels, each of one sensor, with their things and expressions.

    ``pixels`` uint8 [S, 3, size, size] are stretched by ``preprocess``' rules and letterboxed, 0..255 for 0..1 (a SAR
    picture is repeated to three channels); it may be memory-mapped. ``valid`` bool [S, size, size] says where there is
    data, None where every pixel of every picture has. ``sensors``, ``names``, ``weather`` ("" if unknown) and ``gsd_m``
    (metres per pixel at the network's input, None if unknown) have one entry per picture. ``categories_known`` says
    that every thing of the data set's categories is in ``things``, so that a class not among a picture's is not there,
    but for those in ``uncertain``: per picture the classes of which there is, or may be, more than ``things`` has (too
    small or too hidden for a box, or of no class that has boxes). They may not be denied; (): none anywhere.
    ``closed`` are the categories that boxes are asked for. ``about``, ``key`` and ``left_out`` as in a question set.
    """

    about: str
    pixels: NDArray[np.uint8]
    sensors: tuple[SensorName, ...]
    names: tuple[str, ...]
    weather: tuple[str, ...]
    gsd_m: tuple[float | None, ...]
    things: tuple[NamedThing, ...]
    expressions: tuple[Expression, ...]
    valid: NDArray[np.bool_] | None = None
    categories_known: bool = False
    uncertain: tuple[tuple[str, ...], ...] = ()
    closed: tuple[str, ...] = ()
    key: str = ""
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> int:
        """Pixels along a side."""
        return int(self.pixels.shape[-1])

    def by_picture(self) -> list[list[int]]:
        """Indices into ``expressions`` of each picture."""
        lists: list[list[int]] = [[] for _ in self.names]
        for index, expression in enumerate(self.expressions):
            lists[expression.picture].append(index)
        return lists

    def things_by_picture(self) -> list[list[int]]:
        """Indices into ``things`` of each picture."""
        lists: list[list[int]] = [[] for _ in self.names]
        for index, thing in enumerate(self.things):
            lists[thing.picture].append(index)
        return lists
