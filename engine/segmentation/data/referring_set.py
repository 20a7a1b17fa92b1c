"""One split of a data set as the network gets it: areas seen by both sensors, and the pixels that expressions name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.scenes.asked import HIDDEN_SHARE

SensorName = Literal["optical", "sar", "both"]


@dataclass(frozen=True, slots=True)
class Expression:
    """One text and the mask it names: row ``mask`` of :attr:`ReferringSet.masks`, over area ``area``.

    ``sensor`` says which picture shows it; ``how`` what tells the things apart ("category", "position",
    "attribute+relation"; "" where nobody knows), ``distractors`` how many of the class are not meant (-1: unknown),
    ``parts`` how many things the mask consists of (connected parts where nobody counted things; 0: it is empty), and
    ``hidden_share`` the share of its pixels (0..1) that weather hides in the optical picture, as far as is known.
    """

    area: int
    mask: int
    text: str
    category: str
    sensor: SensorName = "optical"
    how: str = ""
    distractors: int = -1
    parts: int = 1
    hidden_share: float = 0.0

    def shown_by(self, sensor: Literal["optical", "sar"]) -> bool:
        """Whether the picture of ``sensor`` alone shows what is meant; under cloud the optical one does not."""
        if sensor == "optical":
            return self.sensor != "sar" and self.hidden_share <= HIDDEN_SHARE
        return self.sensor != "optical"


@dataclass(frozen=True, slots=True)
class ReferringSet:
    """S areas of ``size`` x ``size`` pixels, with the expressions that are asked of them.

    ``optical`` uint8 [S, 3, size, size] and ``sar`` uint8 [S, size, size] are stretched by ``preprocess``' rules and
    letterboxed, 0..255 for 0..1; they may be memory-mapped. ``optical_valid`` and ``sar_valid`` bool [S, size, size]
    say where there is data, None where every pixel of every area that has the sensor has. ``has`` bool [S, 2] says
    which sensors (optical, SAR) an area has, on one grid; pixels of one that is missing are 0. ``masks`` uint8
    [M, size * size / 8] are bits, row by row (``numpy.packbits``), shared by expressions that name the same pixels.
    ``names``, ``weather`` ("" if unknown) and ``gsd_m`` (metres per pixel at the network's input, None if unknown) have
    one entry per area. ``about``, ``key`` and ``left_out`` as in a question set.
    """

    about: str
    optical: NDArray[np.uint8]
    sar: NDArray[np.uint8]
    has: NDArray[np.bool_]
    masks: NDArray[np.uint8]
    names: tuple[str, ...]
    weather: tuple[str, ...]
    gsd_m: tuple[float | None, ...]
    expressions: tuple[Expression, ...]
    optical_valid: NDArray[np.bool_] | None = None
    sar_valid: NDArray[np.bool_] | None = None
    key: str = ""
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def size(self) -> int:
        """Pixels along a side."""
        return int(self.optical.shape[-1])

    def mask(self, row: int) -> NDArray[np.bool_]:
        """Row ``row`` of the masks as bool [size, size]."""
        bits = np.unpackbits(self.masks[row], count=self.size**2)
        return bits.reshape(self.size, self.size).astype(bool)

    def by_area(self) -> list[list[int]]:
        """Indices into ``expressions`` of each area."""
        lists: list[list[int]] = [[] for _ in self.names]
        for index, expression in enumerate(self.expressions):
            lists[expression.area].append(index)
        return lists
