"""The alignment gate's verdict on one optical/SAR pair; also the object that ``rsqa check --json`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.records.raster import RasterInfo

SENSORS = ("optical", "sar")
"""The sensors of a pair, as requests, records and files name them, in the order in which arrays have them."""

SENSOR_SAID = {"optical": "optical", "sar": "SAR"}
"""What sentences call them."""

Verdict = Literal["aligned", "resampled", "shifted", "single-sensor", "no-overlap", "not-georeferenced"]


@dataclass(frozen=True, slots=True)
class ValidShare:
    """Share (0..1) of pixels with data in the overlap, per sensor; None for a sensor that is absent."""

    optical: float | None
    sar: float | None


@dataclass(frozen=True, slots=True)
class PairCheck:
    """What was found out about a pair before any inference.

    ``shift_px`` is where SAR content lies relative to optical, columns then rows, in optical pixels; ``shift_m``
    the same on the ground; both None where no estimate was possible. ``shift_confidence`` is 0..1, and
    ``shift_is_sure`` whether it suffices to act on. ``overlap`` is the share of the smaller footprint.
    ``resolution_ratio`` is SAR metres per pixel over optical metres per pixel.
    ``tolerance_px`` is the residual above which a sure estimate makes the pair ``shifted``. ``shift_spread_px`` is how
    far the shift in parts of the scene typically lies from it (terrain, in SAR that was not corrected for it).
    """

    verdict: Verdict
    shift_px: tuple[float, float] | None
    shift_m: tuple[float, float] | None
    shift_confidence: float
    shift_is_sure: bool
    tolerance_px: float
    overlap: float
    valid: ValidShare
    resolution_ratio: float | None
    dates: dict[str, str | None]
    optical: RasterInfo | None
    sar: RasterInfo | None
    messages: tuple[str, ...] = ()
    shift_spread_px: float | None = None

    @property
    def refused(self) -> bool:
        return self.verdict in ("no-overlap", "not-georeferenced")
