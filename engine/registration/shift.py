"""The residual shift between an optical and a SAR image of one place: CFOG descriptors, FFT matching, a vote of tiles.

Ye et al. 2019 (see ``engine.registration.cfog``) find the offset at which the descriptors' sum of squared differences
is least. Expanded, ``Σ|O - S|² = Σ|O|² + Σ|S|² - 2 Σ O·S``; as every descriptor has unit length, the first two sums
are the number of pixels compared, and the best offset is where ``Σ O·S`` per compared pixel is largest. Both sums are
correlations and come from the FFT for all offsets at once, as in the paper; that the number of pixels is the
correlation of the two masks is Padfield's, "Masked Object Registration in the Fourier Domain", IEEE TIP 21(5), 2012.

One image gives many tiles. Their correlation surfaces are added, so tiles rich in structure weigh more, and the peak
of the sum is the estimate: terrain and geocoding shift the parts of a SAR scene by different amounts, and the sum's
peak is the mode of these, which a mean would miss. Tiles of water or cloud add only noise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from engine.errors import UsageError
from engine.registration.cfog import OPTICAL_SIGMA_PX, SAR_SIGMA_PX, cfog

MAX_SHIFT_PX = 48
TILE_PX = 256
# An offset counts only where this part of the most pixels that any offset compares is still compared; and a tile only
# where it has this part of the pixels of the fullest one.
_LEAST_OVERLAP = 0.25
# Two peaks nearer than this are one peak: the blur of descriptors, speckle filter and terrain makes it that wide.
_PEAK_RADIUS_PX = 8
# A tile agrees with the estimate when its own best offset is this near.
_AGREE_PX = 6
# One that is farther than this did not find the place at all.
_NEAR_PX = 16
# Fewer tiles than this have no vote.
_LEAST_TILES = 4
# Logistic regression on 31 Sentinel pairs cut to 128..1024 px (true, n = 403) against the same optical images with
# SAR of other places (false, n = 1209), both kinds weighted alike: constant, log z, log ratio, agreement. At the limit
# of "sure" it passed 83 % of the true 256-px cuts, 95..100 % of larger ones, and 1 false cut in 1209.
_LOGISTIC = (-16.0, 8.6, 3.7, 4.7)
SURE_CONFIDENCE = 0.95
_AMBIGUOUS_RATIO = 1.2

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ShiftEstimate:
    """Where SAR content lies relative to optical: columns then rows, in pixels of the arrays that were compared.

    A road at column 100 of the optical array and at column 104 of the SAR array has ``shift_px[0] == 4``.
    ``confidence`` is the calibrated probability (0..1) that the estimate is within 6 px of the truth; ``sure`` says
    that it suffices to act on. ``shift_px`` is None where there was nothing to compare. ``spread_px`` is the median
    distance from it of the tiles' own shifts, None of fewer than four tiles that could tell; 1 px is their own noise.
    """

    shift_px: tuple[float, float] | None
    confidence: float
    sure: bool
    spread_px: float | None = None


@dataclass(frozen=True)
class _Surface:
    """Correlation of two tiles at every offset: ``[2R+1, 2R+1]``, rows then columns, offset zero in the middle.

    ``score`` is the sum over compared pixels of the descriptors' products, ``pixels`` how many were compared.
    """

    score: NDArray[np.float64]
    pixels: NDArray[np.float64]


def estimate_shift(
    optical: Float, sar: Float, optical_valid: Mask, sar_valid: Mask, *, max_shift_px: int = MAX_SHIFT_PX
) -> ShiftEstimate:
    """The shift of ``sar`` [H, W] against ``optical`` [H, W], searched up to ``max_shift_px`` in each direction.

    Both are on one grid; SAR is in decibels or any other compressed scale. Pixels that are not valid may hold
    anything. Raises :class:`UsageError` for arrays of different shapes.
    """
    return estimate_shift_over([(optical, sar, optical_valid, sar_valid)], max_shift_px=max_shift_px)


def estimate_shift_over(
    windows: Iterable[tuple[Float, Float, Mask, Mask]], *, max_shift_px: int = MAX_SHIFT_PX
) -> ShiftEstimate:
    """As :func:`estimate_shift`, from several windows of one pair (optical, SAR and their masks, each [H, W]).

    The search reaches half the shortest side of a window at most.
    """
    windows = list(windows)
    radius = min([max_shift_px, *(min(optical.shape) // 2 for optical, *_ in windows)])
    surfaces = [surface for window in windows for surface in _surfaces(*window, radius)]
    return _vote(surfaces) if surfaces else ShiftEstimate(None, 0.0, False)


def _surfaces(optical: Float, sar: Float, optical_valid: Mask, sar_valid: Mask, radius: int) -> Iterator[_Surface]:
    """One surface per tile of the window; none where one of the two images has no structure at all.

    The optical tile is compared with the SAR tile and ``radius`` pixels around it, so the tiles' surfaces add up to
    that of the window.
    """
    if not optical.shape == sar.shape == optical_valid.shape == sar_valid.shape or optical.ndim != 2:
        raise UsageError(
            f"A shift is estimated between images of one size, not {optical.shape} and {sar.shape}.",
            remedy="Read both on the optical grid.",
        )
    optical_channels, optical_trusted = _centred(*cfog(optical, optical_valid, OPTICAL_SIGMA_PX))
    sar_channels, sar_trusted = _centred(*cfog(sar, sar_valid, SAR_SIGMA_PX))
    if not (optical_channels.any() and sar_channels.any()):
        return
    rows, cols = (np.linspace(0, side, math.ceil(side / TILE_PX) + 1).astype(int) for side in optical.shape)
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(cols):
            above, before = min(radius, top), min(radius, left)  # rows and columns of SAR ahead of the tile
            tile = np.s_[..., top:bottom, left:right]
            around = np.s_[..., top - above : bottom + radius, left - before : right + radius]
            shape = tuple(fft.next_fast_len(int(n) + 2 * radius, real=True) for n in (bottom - top, right - left))
            score = _correlation(optical_channels[tile], sar_channels[around], shape)
            pixels = _correlation(optical_trusted[None][tile], sar_trusted[None][around], shape)
            middle = (radius - above, radius - before)
            yield _Surface(*(np.roll(c, middle, (0, 1))[: 2 * radius + 1, : 2 * radius + 1] for c in (score, pixels)))


def _centred(channels: Float, trusted: Mask) -> tuple[Float, Float]:
    """Descriptors less their mean, as all point into the positive corner: chance agreement is then zero.

    The mask comes back as numbers, for counting.
    """
    channels -= (channels.sum((1, 2)) / max(int(trusted.sum()), 1))[:, None, None]
    if not trusted.all():
        channels *= trusted
    return channels, trusted.astype(np.float32)


def _correlation(a: Float, b: Float, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """``Σ_channels Σ_pixels a(row, col) b(row + dy, col + dx)`` at [dy, dx], negative offsets at the far end."""
    spectrum = np.einsum("chw,chw->hw", np.conj(fft.rfft2(a, shape)), fft.rfft2(b, shape))
    return np.asarray(fft.irfft2(spectrum, shape), np.float64)


def _vote(surfaces: list[_Surface]) -> ShiftEstimate:
    """The consensus of all tiles: the peak of their summed surface, and how far it can be trusted."""
    nothing = np.zeros_like(surfaces[0].score)
    total = _Surface(sum((s.score for s in surfaces), nothing), sum((s.pixels for s in surfaces), nothing))
    height = _per_pixel(total)
    if not np.isfinite(height).any():
        return ShiftEstimate(None, 0.0, False)
    radius = height.shape[0] // 2
    row, col = _peak(height)
    distances = _distances((row, col), surfaces)
    confidence = _confidence(*_prominence(height, (row, col)), _agreement(distances))
    at_rim = max(abs(row - radius), abs(col - radius)) == radius  # the true peak may lie beyond the search
    shift = (col - radius + _vertex(height[row, :], col), row - radius + _vertex(height[:, col], row))
    near = distances[distances <= _NEAR_PX]
    spread = float(np.median(near)) if near.size >= _LEAST_TILES else None
    return ShiftEstimate(shift, confidence, confidence >= SURE_CONFIDENCE and not at_rim, spread)


def _per_pixel(surface: _Surface) -> NDArray[np.float64]:
    """Mean agreement per compared pixel, -inf at offsets that compare too few."""
    enough = surface.pixels >= max(_LEAST_OVERLAP * surface.pixels.max(), 1)  # counts come out of an FFT: 0 is 1e-5
    return np.where(enough, surface.score / np.maximum(surface.pixels, 1), -np.inf)


def _peak(height: NDArray[np.float64]) -> tuple[int, int]:
    row, col = np.unravel_index(int(height.argmax()), height.shape)
    return int(row), int(col)


def _vertex(line: NDArray[np.float64], at: int) -> float:
    """Sub-pixel part of a peak: the vertex of the parabola through it and its two neighbours, within half a pixel."""
    if not 0 < at < line.size - 1 or not np.isfinite(line[at - 1 : at + 2]).all():
        return 0.0
    before, here, after = line[at - 1 : at + 2]
    curvature = before - 2 * here + after
    return 0.0 if curvature >= 0 else float(np.clip((before - after) / (2 * curvature), -0.5, 0.5))


def _prominence(height: NDArray[np.float64], peak: tuple[int, int]) -> tuple[float, float]:
    """A peak's height over the surface in standard deviations, and that relative to the second peak's."""
    row, col = peak
    near = tuple(slice(max(at - _PEAK_RADIUS_PX, 0), at + _PEAK_RADIUS_PX + 1) for at in (row, col))
    others = np.isfinite(height)
    others[near] = False
    background = height[others]
    if background.size < 2 or background.std() == 0:
        return 0.0, 1.0
    mean, spread = background.mean(), background.std()
    return float((height[peak] - mean) / spread), float((height[peak] - mean) / (background.max() - mean))


def _distances(peak: tuple[int, int], surfaces: list[_Surface]) -> NDArray[np.float64]:
    """How many pixels (along the farther axis) each tile's own best offset is from ``peak``, of those with data."""
    most = max(surface.pixels.max() for surface in surfaces)
    voters = [surface for surface in surfaces if surface.pixels.max() >= _LEAST_OVERLAP * most]
    own = np.array([_peak(_per_pixel(surface)) for surface in voters])
    return np.asarray(np.abs(own - peak).max(axis=1), np.float64)


def _agreement(distances: NDArray[np.float64]) -> float:
    """Share of the tiles that agree; 0.5, neither for nor against, of too few."""
    return float((distances <= _AGREE_PX).mean()) if distances.size >= _LEAST_TILES else 0.5


def _confidence(z_peak: float, ratio: float, agreement: float) -> float:
    """Probability (0..1) that a peak is within 6 px of the truth: a logistic of the evidence.

    A second peak nearly as high (a street grid, parallel terraces) makes it a guess, however high both are.
    """
    if z_peak <= 0:
        return 0.0
    evidence = (1.0, math.log(z_peak), math.log(ratio), agreement)
    probability = 1 / (1 + math.exp(-sum(b * x for b, x in zip(_LOGISTIC, evidence, strict=True))))
    return min(probability, 0.5) if ratio < _AMBIGUOUS_RATIO else probability
