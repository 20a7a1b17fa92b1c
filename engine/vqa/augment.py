"""What is done to pictures in training so that they say less about where they come from and more about the ground.

No flips or turns: a location word would have to turn with the picture. Everything is drawn from the given generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Pixel = TypeVar("Pixel", np.float32, np.bool_)


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """Strengths of the augmentation. Probabilities are per view."""

    gain: float = 0.15  # contrast, as a relative deviation
    offset: float = 0.08  # brightness, in units of the stretched range
    colour: float = 0.06  # the same per colour band
    noise: float = 0.02  # most pixel noise, standard deviation
    shift_px: int = 3  # most displacement of SAR against optical, in network pixels
    drop_sensor: float = 0.12  # probability that one of the two sensors is absent, for networks of both
    hole: float = 0.10  # probability that one sensor lacks data along an edge
    hole_share: float = 0.4  # most of the picture that is lacking


@dataclass(frozen=True, slots=True)
class PairPixels:
    """``optical`` [3, S, S] and ``sar`` [S, S] in 0..1, and where each has data [S, S]."""

    optical: Floats
    sar: Floats
    optical_valid: Mask
    sar_valid: Mask


def augment_pair(pair: PairPixels, settings: AugmentSettings, rng: np.random.Generator) -> PairPixels:
    """One training view of ``pair``, which is left as it is. Which sensor is absent is decided before, with the
    questions (``data.drawing``); an absent one stays absent."""
    colours = _levels(pair.optical, settings, rng)
    colours += rng.normal(0, settings.colour, (3, 1, 1)).astype(np.float32)
    dy, dx = (int(d) for d in rng.integers(-settings.shift_px, settings.shift_px + 1, 2))
    levels = _levels(_shifted(pair.sar, dy, dx), settings, rng)
    masks = [pair.optical_valid.copy(), _shifted(pair.sar_valid, dy, dx)]
    if rng.random() < settings.hole:
        sensor, hole = int(rng.integers(2)), _edge(pair.sar.shape, settings.hole_share, rng)
        if (masks[sensor] & ~hole).any() or masks[1 - sensor].any():  # something is left to see
            masks[sensor] &= ~hole
    return PairPixels(np.clip(colours, 0, 1), np.clip(levels, 0, 1), masks[0], masks[1])


def _levels(values: Floats, settings: AugmentSettings, rng: np.random.Generator) -> Floats:
    """``values`` with another contrast, brightness and noise."""
    gain = 1 + rng.uniform(-settings.gain, settings.gain)
    offset = rng.uniform(-settings.offset, settings.offset)
    changed = values * np.float32(gain) + np.float32(offset + 0.5 * (1 - gain))
    noise = rng.uniform(0, settings.noise)
    return changed + np.float32(noise) * rng.standard_normal(values.shape, np.float32)


def _shifted(image: NDArray[Pixel], dy: int, dx: int) -> NDArray[Pixel]:
    """``image`` [S, S] moved by rows and columns; 0 (no data) where nothing moved in."""
    moved = np.zeros_like(image)
    height, width = image.shape
    target = (slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0)))
    source = (slice(max(-dy, 0), height + min(-dy, 0)), slice(max(-dx, 0), width + min(-dx, 0)))
    moved[target] = image[source]
    return moved


def _edge(shape: tuple[int, ...], most: float, rng: np.random.Generator) -> Mask:
    """A strip along one of the four edges, bool [S, S]."""
    strip = np.zeros(shape, bool)
    depth = int(rng.uniform(0.05, most) * shape[0])
    np.rot90(strip, int(rng.integers(4)))[:depth] = True  # a view: the strip itself is written to
    return strip
