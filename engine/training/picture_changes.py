"""What is done to pictures, and to maps on their grid, before a training step: turned, placed, recoloured, speckled.

SAR has no colour; its contrast, brightness and speckle vary instead (an extension of ours).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.text.directions import Move

Window = tuple[int, int, int, int]
"""Left, top, right, bottom of a part of the square, in whole pixels, half-open."""

Value = TypeVar("Value", bound=np.generic)

_TURNS: dict[Move, int] = {"turn-90": -1, "turn-180": 2, "turn-270": 1}
"""Quarter turns as numpy counts them, against the clock."""


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """How much colours and levels vary. Hue, saturation and value as shares of their range."""

    hue: float = 0.015  # optical only, as the next two
    saturation: float = 0.7
    value: float = 0.4
    sar_gain: float = 0.1  # SAR only: contrast, as a relative deviation
    sar_offset: float = 0.05  # brightness, in shares of the stretched range
    sar_looks: float = 16.0  # fewest looks of the added speckle, 0 for none
    sar_range_db: float = 25.0  # decibels from black to white: preprocess.sar_db


# ---- geometry


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture goes: the point (x, y) of it to ``(gain * x + dx, gain * y + dy)``, seen within ``window``."""

    gain: float
    dx: float
    dy: float
    window: Window


def drawn_moves(rng: np.random.Generator, *, flip_horizontal: float, flip_vertical: float, turn: float) -> list[Move]:
    """The flips and turns of one visit, by their probabilities; a turn is by 90, 180 or 270 degrees."""
    turns: tuple[Move, ...] = ("turn-90", "turn-180", "turn-270")
    moves: list[Move] = []
    if rng.random() < flip_horizontal:
        moves.append("flip-horizontal")
    if rng.random() < flip_vertical:
        moves.append("flip-vertical")
    if rng.random() < turn:
        moves.append(turns[int(rng.integers(len(turns)))])
    return moves


def moved_array(array: NDArray[Value], move: Move) -> NDArray[Value]:
    """``array`` [..., S, S] after ``move``."""
    if move in _TURNS:
        return np.ascontiguousarray(np.rot90(array, _TURNS[move], (-2, -1)))
    return np.ascontiguousarray(np.flip(array, -1 if move == "flip-horizontal" else -2))


def placed_levels(bands: NDArray[np.uint8], at: Placement) -> NDArray[np.uint8]:
    """``bands`` [C, S, S] placed in a square of the same size, bilinear; 0 outside of what is seen."""
    size, placed = bands.shape[-1], np.zeros_like(bands)
    x0, y0 = max(at.window[0], int(np.ceil(at.dx))), max(at.window[1], int(np.ceil(at.dy)))
    x1 = min(at.window[2], int(np.floor(at.dx + at.gain * size)))
    y1 = min(at.window[3], int(np.floor(at.dy + at.gain * size)))
    if x1 <= x0 or y1 <= y0:
        return placed
    # Rounding must not lead out of the picture by a millionth of a pixel.
    left, right = (min(max((edge - at.dx) / at.gain, 0.0), float(size)) for edge in (x0, x1))
    top, bottom = (min(max((edge - at.dy) / at.gain, 0.0), float(size)) for edge in (y0, y1))
    for target, band in zip(placed, bands, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(band))
        seen = picture.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, box=(left, top, right, bottom))
        target[y0:y1, x0:x1] = np.asarray(seen)
    return placed


def placed_mask(mask: NDArray[np.bool_], at: Placement, *, least: float) -> NDArray[np.bool_]:
    """``mask`` [C, S, S] placed likewise: True where at least the share ``least`` of what is seen is."""
    levels = placed_levels(mask.astype(np.uint8) * np.uint8(255), at)
    return np.asarray(levels >= round(255 * least))


# ---- levels


def varied_colour(pixels: NDArray[np.uint8], settings: LevelSettings, rng: np.random.Generator) -> NDArray[np.uint8]:
    """An optical picture [3, S, S] with its hue shifted and its saturation and value multiplied, all drawn."""
    deviations = rng.uniform(-1, 1, 3) * (settings.hue, settings.saturation, settings.value)
    if not deviations.any():
        return pixels
    levels = np.arange(256)
    hue = ((levels + round(deviations[0] * 256)) % 256).astype(np.uint8)
    scaled = [np.clip(levels * (1 + by) + 0.5, 0, 255).astype(np.uint8) for by in deviations[1:]]
    picture = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).convert("HSV")  # [S, S, 3]
    changed = picture.point([int(level) for table in (hue, *scaled) for level in table])
    return np.asarray(changed.convert("RGB")).transpose(2, 0, 1)  # [3, S, S]


def varied_radar(pixels: NDArray[np.uint8], settings: LevelSettings, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A SAR picture [..., S, S] with another contrast and brightness, and speckle of drawn looks, which is additive in
    decibels. All channels change alike, as they repeat one picture."""
    gain = 1 + rng.uniform(-settings.sar_gain, settings.sar_gain)
    offset = 255 * rng.uniform(-settings.sar_offset, settings.sar_offset)
    changed = (pixels.astype(np.float32) - 127.5) * np.float32(gain) + np.float32(127.5 + offset)
    if settings.sar_looks:
        changed += _speckle(pixels.shape[-1], settings, rng)
    varied: NDArray[np.uint8] = np.clip(changed + 0.5, 0, 255).astype(np.uint8)
    return varied


def _speckle(size: int, settings: LevelSettings, rng: np.random.Generator) -> NDArray[np.float32]:
    """Fully developed speckle of L looks, a gamma variate of mean 1, as grey levels [S, S]; L is drawn up to 8 times
    the fewest."""
    looks = settings.sar_looks * 8 ** rng.random()
    power = rng.standard_gamma(looks, (size, size)).astype(np.float32) / np.float32(looks)
    decibels: NDArray[np.float32] = 10 * np.log10(np.maximum(power, np.float32(1e-6)))
    return decibels * np.float32(255 / settings.sar_range_db)
