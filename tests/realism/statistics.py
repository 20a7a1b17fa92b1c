"""Numbers that say how alike two sets of pictures are. Arrays in, numbers out; nothing here knows where they come from.

Pictures are float arrays [rows, columns]; positions play no part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

Floats = NDArray[np.floating[Any]]

BLOCK_PX = 12
"""Side of the blocks over which looks are estimated: room for 30 independent samples of 10 m Sentinel-1 speckle."""

EDGE = 0.2
"""A gradient above this much of the picture's own range per pixel is an edge."""


def wasserstein(a: Floats, b: Floats) -> float:
    """The 1-D Wasserstein-1 distance of two samples: how far values must move, on average, to turn one into the other.

    In the unit of the values.
    """
    return float(stats.wasserstein_distance(a, b))


def robustly_normalised(picture: Floats, within: NDArray[np.bool_] | None = None) -> Floats:
    """``picture`` less its median, in units of its own range between the 5th and the 95th percentile.

    What remains does not depend on how the picture was stretched. Median and range are those of the pixels ``within``
    where given. A flat picture is all zero.
    """
    low, middle, high = np.percentile(picture if within is None else picture[within], (5, 50, 95))
    return (picture - middle) / max(float(high - low), 1e-6)


def equivalent_looks(power: Floats) -> float:
    """Mean squared over variance of linear power: the number of looks, where the ground is uniform."""
    return float(power.mean() ** 2 / power.var())


def homogeneous_looks(power: Floats, share: float = 0.2) -> Floats:
    """Equivalent looks of the most uniform ``share`` of all ``BLOCK_PX`` blocks of linear power, [blocks].

    Texture only ever lowers the figure, so the most uniform blocks are nearest to the speckle alone; the choice lifts
    the figure a little, the same in real and rendered pictures.
    """
    rows, columns = (side // BLOCK_PX for side in power.shape)
    blocks = power[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    mean, variance = blocks.mean(axis=(1, 3)), blocks.var(axis=(1, 3))
    looks = np.sort((mean**2 / np.maximum(variance, 1e-12)).ravel())
    return looks[-max(round(len(looks) * share), 1) :]


def neighbour_correlation(power: Floats, lag: int = 1) -> float:
    """Correlation of a pixel with the ``lag``-th to its right and below, over the most uniform fifth of the blocks."""
    rows, columns = (side // BLOCK_PX for side in power.shape)
    found = []
    for row in range(rows):
        for column in range(columns):
            block = power[row * BLOCK_PX : (row + 1) * BLOCK_PX, column * BLOCK_PX : (column + 1) * BLOCK_PX]
            off = block - block.mean()
            spread = float((off * off).mean())
            shared = ((off[:, :-lag] * off[:, lag:]).mean() + (off[:-lag] * off[lag:]).mean()) / 2
            found.append((float(block.mean()) ** 2 / max(spread, 1e-12), float(shared) / max(spread, 1e-12)))
    found.sort(reverse=True)
    return float(np.mean([correlation for _, correlation in found[: max(len(found) // 5, 1)]]))


def gradient_magnitudes(picture: Floats) -> Floats:
    """Length of the gradient (central differences, per pixel) of the robustly normalised picture, flat."""
    down, right = np.gradient(robustly_normalised(picture))
    return np.hypot(down, right).ravel()


def edge_density(picture: Floats) -> float:
    """The share of pixels whose gradient, after a light blur (1 pixel), is above :data:`EDGE`."""
    calm = ndimage.gaussian_filter(robustly_normalised(picture), 1.0)
    down, right = np.gradient(calm)
    return float((np.hypot(down, right) > EDGE).mean())


def spectrum(picture: Floats) -> tuple[Floats, Floats]:
    """Frequencies (cycles per pixel) and the power there, averaged over directions; Hann-windowed, mean removed."""
    rows, columns = picture.shape
    window = np.hanning(rows)[:, None] * np.hanning(columns)
    power = np.abs(np.fft.fft2((picture - picture.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns))
    edges = np.arange(2.5 / min(rows, columns), 0.5, 1 / min(rows, columns))
    ring = np.digitize(frequency.ravel(), edges)
    total = np.bincount(ring, power.ravel(), len(edges) + 1)[1:-1]
    count = np.bincount(ring, minlength=len(edges) + 1)[1:-1]
    return (edges[:-1] + edges[1:]) / 2, total / np.maximum(count, 1)


def spectrum_slope(picture: Floats, low: float = 0.02, high: float = 0.3) -> float:
    """Slope of log power over log frequency between ``low`` and ``high`` cycles per pixel; -2 for 1/f**2 noise.

    van der Schaaf and van Hateren (1996) find about -2 for photographs of nature.
    """
    frequency, power = spectrum(picture)
    used = (frequency >= low) & (frequency <= high)
    return float(np.polyfit(np.log(frequency[used]), np.log(power[used] + 1e-20), 1)[0])
