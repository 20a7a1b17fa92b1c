"""What a SAR band's numbers are, and how they become decibels.

Backscatter in decibels is ``10 log10`` of power and ``20 log10`` of amplitude. Which of the two a file holds is
seldom written in it, so :func:`recognise_unit` reads type, units, descriptions and a sample of the values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.records.raster import SarUnit

# Nothing real is darker than this: the noise floor of the sensors in use lies between -20 and -45 dB.
FLOOR_DB = -60.0
_FLOOR_POWER = 10 ** (FLOOR_DB / 10)
_FLOOR_AMPLITUDE = 10 ** (FLOOR_DB / 20)

CALIBRATED: frozenset[SarUnit] = frozenset({"db", "power", "amplitude"})

_DECIBEL = re.compile(r"(?<![a-z])(db|decibels?)(?![a-z])")
_POWER = re.compile(r"sigma|gamma|beta|intensity|power|linear|rtc")
_AMPLITUDE = re.compile(r"ampl|magnitude")


def sar_to_db(values: NDArray[np.generic], unit: SarUnit) -> NDArray[np.float32]:
    """Backscatter in decibels, same shape; NaN stays NaN and nothing falls under :data:`FLOOR_DB`.

    ``power`` is ``10 log10 v``, ``amplitude`` and ``complex`` (its amplitude, or the complex numbers themselves)
    ``20 log10 v``, ``db`` is returned as it is. ``digital-number`` (uncalibrated amplitude, as in Sentinel-1 GRD)
    and ``stretched-8bit`` become *relative* decibels, ``20 log10 max(v, 1)``: only differences mean anything.
    """
    real = np.abs(values) if np.iscomplexobj(values) else values
    out = np.asarray(real, np.float32)
    if unit == "db":
        return out
    if unit == "power":
        return 10 * np.log10(np.maximum(out, _FLOOR_POWER), dtype=np.float32)
    least = _FLOOR_AMPLITUDE if unit in ("amplitude", "complex") else 1.0
    return 20 * np.log10(np.maximum(out, np.float32(least)), dtype=np.float32)


def recognise_unit(dtype: str, words: Sequence[str], sample: NDArray[np.floating]) -> SarUnit:
    """The unit of a SAR band from its stored ``dtype``, its ``words`` and a ``sample`` of valid, scaled values.

    ``words`` are descriptions, unit names, tags and file name. The sample may be empty; scale and offset must
    already be applied, so that decibels stored as integers are seen as decibels.
    """
    if dtype.startswith("complex"):
        return "complex"
    text = " ".join(words).lower()
    negative = sample.size > 0 and float(np.median(sample)) < 0
    small = sample.size == 0 or float(np.abs(sample).max()) < 100
    if negative or (_DECIBEL.search(text) and small and dtype != "uint8"):
        return "db"
    if dtype == "uint8":
        return "stretched-8bit"
    if _AMPLITUDE.search(text):
        return "amplitude"
    if dtype.startswith("float") and _POWER.search(text):
        return "power"
    # Calibrated backscatter is about 0.001 to 1, sensor counts are hundreds: two orders of magnitude lie between.
    if not dtype.startswith("float") or (sample.size > 0 and float(np.median(sample)) > 10):
        return "digital-number"
    return "power"
