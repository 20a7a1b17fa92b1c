"""What is known of one raster file before any pixel is read, and how it is to be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError
from engine.records.geometry import Grid

Sensor = Literal["optical", "sar", "unknown"]
SarUnit = Literal["db", "power", "amplitude", "complex", "digital-number", "stretched-8bit"]
BandReason = Literal["asked", "description", "colour-interpretation", "sensor", "only", "default"]
Georeference = Literal["transform", "gcps", "rpc", "none"]


@dataclass(frozen=True, slots=True)
class BandInfo:
    """One band, counted from 1 as GDAL does. ``scale`` and ``offset`` turn stored numbers into ``unit``."""

    index: int
    dtype: str
    description: str = ""
    colour: str = "undefined"
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class BandChoice:
    """Which bands stand for red, green and blue (three) or for one grey channel (one), and why these."""

    bands: tuple[int, ...]
    reason: BandReason

    def __post_init__(self) -> None:
        if len(self.bands) not in (1, 3) or min(self.bands) < 1:
            raise UsageError(
                f"The band choice {list(self.bands)} is neither one band nor three, counted from 1.",
                remedy="Name one band, or red, green and blue.",
            )


@dataclass(frozen=True, slots=True)
class DisplaySpec:
    """How stored numbers become grey levels: bands, decibels, limits, speckle view.

    ``low`` and ``high`` (one number per band, after ``to_db`` and after scale and offset) become 0 and 255.
    ``speckle_filter`` changes what is seen, never what is analysed.
    """

    bands: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    to_db: bool = False
    speckle_filter: bool = False
    method: Literal["percentile", "sigma", "min-max", "fixed"] = "percentile"

    def __post_init__(self) -> None:
        if not len(self.bands) == len(self.low) == len(self.high):
            raise UsageError("A display needs one low and one high limit for each of its bands.")


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """One raster as opened: its grid, bands and everything that was assumed about it.

    ``grid`` is the frame in which the rest of the program sees the raster: the file's own transform, or for
    ground control points and RPC the warped grid. ``notices`` are plain sentences for the user ("No CRS: positions
    are in pixels."). ``blocks`` is (rows, columns) of one stored block; ``overviews`` the decimation factors of
    band 1. ``acquired`` is an ISO date or None.
    """

    path: str
    driver: str
    grid: Grid
    bands: tuple[BandInfo, ...]
    georeference: Georeference
    sensor: Sensor
    choice: BandChoice
    blocks: tuple[int, int]
    overviews: tuple[int, ...] = ()
    sar_unit: SarUnit | None = None
    acquired: str | None = None
    notices: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return self.grid.width

    @property
    def height(self) -> int:
        return self.grid.height
