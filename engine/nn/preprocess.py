"""From an area's pixels to the network's square: stretch by the card's rules, then letterbox. No torch, no files.

The same functions prepare training samples and the analyst's own rasters, so the network sees in use what it saw
in training.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.catalog import json_fields
from engine.errors import ModelDamaged, UsageError

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Limits = tuple[float, float]
"""The values that become 0 and 1."""

MOST_PIXELS_FOR_PERCENTILES = 1 << 20
_WITHOUT_UNIT = ("stretched-8bit", "digital-number")
CALIBRATED_DB = (-45.0, 12.0)  # a median outside of this is no sigma nought: only relative levels mean something


@dataclass(frozen=True, slots=True)
class PreprocessSpec:
    """The card's ``preprocess``: everything between the pixels as read and the network's input.

    ``optical_percentiles`` of the valid values of all bands together become 0 and 1 (together: colours survive).
    Calibrated SAR is clipped to ``sar_db`` and scaled to 0..1; SAR without a known unit is cut at ``sar_percentiles``.
    Then ``(x - mean) / std``, with one number for all channels or one for each of the three (CLIP's, in the paper
    preset). A patch counts as having data from ``patch_valid_share`` of valid pixels up.
    """

    optical_percentiles: tuple[float, float] = (1.0, 99.0)
    sar_db: tuple[float, float] = (-25.0, 0.0)
    sar_percentiles: tuple[float, float] = (1.0, 99.0)
    mean: float | tuple[float, float, float] = 0.5
    std: float | tuple[float, float, float] = 0.25
    patch_valid_share: float = 0.5

    def as_json(self) -> dict[str, Any]:
        return json_fields(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> PreprocessSpec:
        """Read a card's ``preprocess``. Raises ModelDamaged where a field is missing or unknown."""
        if set(stored) != {f.name for f in fields(cls)}:
            raise ModelDamaged(
                "The model's preprocessing rules do not fit this program.",
                remedy="Use the version of the program that the card names, or other weights.",
            )
        try:
            return msgspec.convert(stored, cls)
        except msgspec.ValidationError as error:
            raise ModelDamaged(f"The model's preprocessing rules cannot be used: {error}.") from error


@dataclass(frozen=True, slots=True)
class Square:
    """A letterboxed picture: ``values`` [C, S, S] in 0..1 (0 where invalid), ``valid_share`` [S, S] in 0..1.

    ``image_part`` is ``x0, y0, x1, y1`` in fractions of the square: where the area lies, the rest is padding.
    """

    values: Floats
    valid_share: Floats
    image_part: tuple[float, float, float, float]


def stretch_optical(values: Floats, valid: Mask, spec: PreprocessSpec, limits: Limits | None = None) -> Floats:
    """Optical ``values`` [C, h, w] of any range -> 0..1 by a percentile cut over the valid pixels; 0 where invalid.

    ``limits`` replace these values' own: windows of one area have the area's in common, or their borders would show.
    """
    return _scale(values, valid, limits or optical_limits(values, valid, spec))


def optical_limits(values: Floats, valid: Mask, spec: PreprocessSpec) -> Limits | None:
    """Which of ``values`` :func:`stretch_optical` makes 0 and 1; None where nothing is valid."""
    return _percentiles(values, valid, spec.optical_percentiles)


def stretch_sar(values: Floats, valid: Mask, unit: str, spec: PreprocessSpec, limits: Limits | None = None) -> Floats:
    """SAR ``values`` [1, h, w] in ``unit`` (a ``records.SarUnit``) -> 0..1; 0 where invalid.

    Power, amplitude and complex (as amplitude) go through decibels. A level that cannot be calibrated backscatter is
    cut by percentiles in decibels, numbers without a unit by percentiles as they are. ``limits`` are those of
    :func:`sar_limits` of a larger area that these values are part of.
    """
    return _scale(_as_stretched(values, unit), valid, limits or sar_limits(values, valid, unit, spec))


def sar_limits(values: Floats, valid: Mask, unit: str, spec: PreprocessSpec) -> Limits | None:
    """What :func:`stretch_sar` makes 0 and 1, in decibels for all but numbers without a unit; None without data."""
    levels = _as_stretched(values, unit)
    if unit in _WITHOUT_UNIT:
        return _percentiles(levels, valid, spec.sar_percentiles)
    sample = _sample(levels, valid)
    if sample.size and not CALIBRATED_DB[0] <= float(np.median(sample)) <= CALIBRATED_DB[1]:
        return _percentiles(levels, valid, spec.sar_percentiles)
    return spec.sar_db


def _as_stretched(values: Floats, unit: str) -> Floats:
    """The form in which SAR is stretched: decibels, or the numbers themselves where they have no unit."""
    if unit == "db" or unit in _WITHOUT_UNIT:
        return values
    if unit == "power":
        return (10.0 * np.log10(np.maximum(values, 1e-10))).astype(np.float32)
    if unit in ("amplitude", "complex"):
        return (20.0 * np.log10(np.maximum(values, 1e-5))).astype(np.float32)
    raise UsageError(
        f"“{unit}” is not a unit of SAR values.",
        remedy="Use db, power, amplitude, complex, digital-number or stretched-8bit.",
    )


def _sample(values: Floats, valid: Mask) -> Floats:
    """Valid values of all bands, thinned out where there are more than percentiles need."""
    step = max(1, int(np.sqrt(values.size / MOST_PIXELS_FOR_PERCENTILES)))
    thin = values[:, ::step, ::step]
    return thin[:, valid[::step, ::step]]


def _percentiles(values: Floats, valid: Mask, percentiles: tuple[float, float]) -> Limits | None:
    sample = _sample(values, valid)
    if not sample.size:
        return None
    low, high = np.percentile(sample, percentiles)
    return float(low), float(high)


def _scale(values: Floats, valid: Mask, limits: Limits | None) -> Floats:
    """The valid ``values`` with ``limits`` as 0 and 1; 0 everywhere without limits, as nothing is valid then."""
    if limits is None:
        return np.zeros_like(values, dtype=np.float32)
    low, high = limits
    span = max(high - low, 1e-6)
    scaled = np.clip((np.where(valid, values, low) - low) / span, 0.0, 1.0)
    return scaled.astype(np.float32)


def letterbox(values: Floats, valid: Mask, size: int) -> Square:
    """Fit ``values`` [C, h, w] into a square of ``size`` px, keeping its shape; invalid pixels weigh nothing."""
    _, height, width = values.shape
    left, top, new_w, new_h = _inside_square(width, height, size)
    inside = (slice(top, top + new_h), slice(left, left + new_w))
    square = np.zeros((values.shape[0], size, size), np.float32)
    share = np.zeros((size, size), np.float32)
    weight = _resize(valid.astype(np.float32), new_w, new_h)
    share[inside] = weight
    for band, source in enumerate(values):
        smooth = _resize(np.where(valid, source, 0.0).astype(np.float32), new_w, new_h)
        square[band][inside] = np.where(weight > 0.01, smooth / np.maximum(weight, 0.01), 0.0)
    part = (left / size, top / size, (left + new_w) / size, (top + new_h) / size)
    return Square(np.clip(square, 0.0, 1.0), np.clip(share, 0.0, 1.0), part)


def letterboxed_box(
    box: tuple[float, float, float, float], width: int, height: int, size: int
) -> tuple[float, float, float, float]:
    """Where ``box`` (x0, y0, x1, y1) of a picture of ``width`` x ``height`` lies in its square of ``size`` px."""
    left, top, new_w, new_h = _inside_square(width, height, size)
    across, down = new_w / width, new_h / height
    return left + box[0] * across, top + box[1] * down, left + box[2] * across, top + box[3] * down


def frame_of(valid: Mask) -> tuple[float, float, float, float]:
    """The rectangle around all that has data, ``valid`` [S, S], in pixels: left, top, right, bottom, half-open. The
    whole square where nothing has."""
    rows, columns = np.flatnonzero(valid.any(1)), np.flatnonzero(valid.any(0))
    if not rows.size:
        return 0.0, 0.0, float(valid.shape[1]), float(valid.shape[0])
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _inside_square(width: int, height: int, size: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of a letterboxed picture in its square."""
    scale = size / max(height, width)
    new_w, new_h = max(1, round(width * scale)), max(1, round(height * scale))
    return (size - new_w) // 2, (size - new_h) // 2, new_w, new_h


def _resize(band: Floats, width: int, height: int) -> Floats:
    """Bilinear, over the whole footprint of a target pixel where the picture shrinks."""
    if band.shape == (height, width):
        return band
    return np.asarray(Image.fromarray(band).resize((width, height), Image.Resampling.BILINEAR), np.float32)


def as_bytes(values: Floats) -> NDArray[np.uint8]:
    """0..1 as 0..255, the form in which sets keep pictures."""
    rounded: NDArray[np.uint8] = np.rint(values * 255).astype(np.uint8)
    return rounded


def patch_mask(valid_share: Floats, patch: int, spec: PreprocessSpec) -> Mask:
    """Which patches have data: [S, S] shares (or yes and no) -> [M] bool, in reading order.

    Where none reaches ``patch_valid_share`` (a sliver of an area, a few pixels of data), those that have most do.
    """
    grid = valid_share.shape[0] // patch
    mean = valid_share.reshape(grid, patch, grid, patch).mean((1, 3))
    enough = min(spec.patch_valid_share, float(mean.max()))
    valid: Mask = (mean >= enough) & (mean > 0)
    return valid.reshape(-1)
