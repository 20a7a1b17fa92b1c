"""What is done to rendered samples in training so that they say less about the renderer and more about the ground.

No flips or turns: a location word would have to turn with the picture. Everything is drawn from the given generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """Strengths of the augmentation. Probabilities are per sample."""

    gain: float = 0.15  # contrast, as a relative deviation
    offset: float = 0.08  # brightness, in units of the stretched range
    colour: float = 0.06  # the same per colour band
    noise: float = 0.02  # most pixel noise, standard deviation
    shift_px: int = 3  # most displacement of SAR against optical, in network pixels
    drop_sensor: float = 0.12  # probability that one of the two sensors is absent
    hole: float = 0.10  # probability that one sensor lacks data along an edge
    hole_share: float = 0.4  # most of the picture that is lacking


@dataclass(frozen=True, slots=True)
class AugmentedPair:
    """``optical`` [3, S, S] and ``sar`` [S, S] in 0..1, and where each has data [S, S]."""

    optical: Floats
    sar: Floats
    optical_valid: NDArray[np.bool_]
    sar_valid: NDArray[np.bool_]


def augment_pair(optical: Bytes, sar: Bytes, settings: AugmentSettings, rng: np.random.Generator) -> AugmentedPair:
    """One training view of a rendered pair, ``optical`` [3, S, S] and ``sar`` [S, S]."""
    colours = _levels(optical, settings, rng)
    colours += rng.normal(0, settings.colour, (3, 1, 1)).astype(np.float32)
    moved, sar_valid = _shift(sar, settings.shift_px, rng)
    levels = _levels(moved, settings, rng)
    optical_valid = np.ones(sar.shape, bool)
    masks = (optical_valid, sar_valid)
    if rng.random() < settings.drop_sensor:
        masks[rng.integers(2)][:] = False
    elif rng.random() < settings.hole:
        _cut_edge(masks[rng.integers(2)], settings.hole_share, rng)
    return AugmentedPair(np.clip(colours, 0, 1), np.clip(levels, 0, 1), optical_valid, sar_valid)


def _levels(stored: Bytes, settings: AugmentSettings, rng: np.random.Generator) -> Floats:
    """0..1 with another contrast, brightness and noise."""
    gain = 1 + rng.uniform(-settings.gain, settings.gain)
    offset = rng.uniform(-settings.offset, settings.offset)
    values = stored.astype(np.float32) * np.float32(gain / 255) + np.float32(offset + 0.5 * (1 - gain))
    noise = rng.uniform(0, settings.noise)
    return values + np.float32(noise) * rng.standard_normal(stored.shape, np.float32)


def _shift(image: Bytes, most: int, rng: np.random.Generator) -> tuple[Bytes, NDArray[np.bool_]]:
    """The image moved by up to ``most`` pixels each way, and where something moved in."""
    dy, dx = (int(d) for d in rng.integers(-most, most + 1, 2))
    moved, valid = np.zeros_like(image), np.zeros(image.shape, bool)
    height, width = image.shape
    target = (slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0)))
    source = (slice(max(-dy, 0), height + min(-dy, 0)), slice(max(-dx, 0), width + min(-dx, 0)))
    moved[target], valid[target] = image[source], True
    return moved, valid


def _cut_edge(valid: NDArray[np.bool_], most: float, rng: np.random.Generator) -> None:
    """Take the data away along one of the four edges, in place."""
    depth = int(rng.uniform(0.05, most) * valid.shape[0])
    turned = np.rot90(valid, int(rng.integers(4)))
    turned[:depth] = False
