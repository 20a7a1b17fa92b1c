"""What the user asked for, immutable, complete enough to be run again in another process on another day."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, Protocol

from engine.errors import UsageError
from engine.records.geometry import PixelWindow

DEFAULT_ERROR_RATE = 0.1
DEFAULT_MAX_TILES = 4096


@dataclass(frozen=True, slots=True)
class GateChoice:
    """The user's standing orders to the alignment gate.

    ``correct_shift`` moves SAR by the estimate where the verdict is ``shifted``; ``assume_registered`` accepts a
    pair of one pixel size without georeference; ``tolerance_px`` (optical pixels) replaces the default of one
    patch of the model at the analysis scale.
    """

    correct_shift: bool = False
    assume_registered: bool = False
    tolerance_px: float | None = None


def _require_raster(optical: str | None, sar: str | None) -> None:
    """Raises UsageError for a pair of which neither raster is named."""
    if optical is None and sar is None:
        raise UsageError("A pair needs at least one raster.", remedy="Name an optical or a SAR file.")


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Judge a pair. A path of None means that the pair has only the other sensor."""

    optical: str | None
    sar: str | None
    gate: GateChoice = field(default_factory=GateChoice)

    def __post_init__(self) -> None:
        _require_raster(self.optical, self.sar)


class AreaRequest(Protocol):
    """What every request about an area of a pair has; the fields mean what they mean in ``AskRequest``."""

    @property
    def optical(self) -> str | None: ...

    @property
    def sar(self) -> str | None: ...

    @property
    def window(self) -> PixelWindow | None: ...

    @property
    def gate(self) -> GateChoice: ...

    @property
    def optical_bands(self) -> tuple[int, ...] | None: ...

    @property
    def sar_bands(self) -> tuple[int, ...] | None: ...


class SearchRequest(AreaRequest, Protocol):
    """What requests have that look for something in an area, in windows where it is large; the fields mean what they
    mean in ``FindRequest``."""

    @property
    def sensors(self) -> tuple[str, ...]: ...

    @property
    def gsd_m(self) -> float | None: ...

    @property
    def max_windows(self) -> int: ...


@dataclass(frozen=True, slots=True)
class AskRequest:
    """A question about an area of a pair.

    ``window`` is in full-resolution pixels of the optical raster (of the SAR raster where there is no optical);
    None is the whole raster. ``model`` is a name of ``engine.catalog`` or a path to weights. ``folder`` is where
    explanation arrays go. ``mute`` hides sensors from the network without closing their files. ``error_rate`` is how
    often the answer set may miss the right answer, one of those that the model's card has. ``strict`` refuses a
    question that is too long for the model, which is cut with a notice otherwise.
    """

    question: str
    optical: str | None
    sar: str | None
    folder: str
    window: PixelWindow | None = None
    model: str = "tgfnet-compact"
    device: str = "auto"
    gate: GateChoice = field(default_factory=GateChoice)
    optical_bands: tuple[int, ...] | None = None
    sar_bands: tuple[int, ...] | None = None
    mute: tuple[str, ...] = ()
    error_rate: float = DEFAULT_ERROR_RATE
    strict: bool = False

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise UsageError("There is no question.", remedy="Type one, such as “Is there a river?”")
        _require_raster(self.optical, self.sar)
        if not 0 < self.error_rate < 1:
            raise UsageError(
                f"An error rate of {self.error_rate:g} is no share.", remedy="Name one between 0 and 1, such as 0.1."
            )


@dataclass(frozen=True, slots=True)
class AskTilesRequest:
    """The question of ``ask``, asked of every tile of a grid over its area, at one scale for all.

    ``tile_gsd_m`` is the metres per pixel at the model; None is the raster's own, or the nearest that the model was
    trained for. More than ``max_tiles`` tiles are refused.
    """

    ask: AskRequest
    tile_gsd_m: float | None = None
    max_tiles: int = DEFAULT_MAX_TILES

    def __post_init__(self) -> None:
        if self.tile_gsd_m is not None and not (math.isfinite(self.tile_gsd_m) and self.tile_gsd_m > 0):
            raise UsageError(f"{self.tile_gsd_m:g} m per pixel is no scale.", remedy="Name a positive number.")
        if self.max_tiles < 1:
            raise UsageError("A grid has at least one tile.", remedy="Allow more tiles.")

    @property
    def folder(self) -> str:
        """Where the arrays go: the folder of ``ask``."""
        return self.ask.folder


def _require_search(sensors: tuple[str, ...], gsd_m: float | None, max_windows: int) -> None:
    """Raises UsageError where nothing can be searched: no sensor, no scale, no window."""
    if not sensors or set(sensors) - {"optical", "sar"}:
        raise UsageError("No sensor is left to search.", remedy="Name optical, sar, or both.")
    if gsd_m is not None and not (math.isfinite(gsd_m) and gsd_m > 0):
        raise UsageError(f"{gsd_m:g} m per pixel is no scale.", remedy="Name a positive number.")
    if max_windows < 1:
        raise UsageError("A search has at least one window.", remedy="Allow more windows.")


DEFAULT_FIND_SCORE = 0.25
"""The least score of a box among all that are shown; the paper's threshold is lost in its text (*our reading*)."""


@dataclass(frozen=True, slots=True)
class FindRequest:
    """An expression whose things are looked for in an area of a pair. Fields in common with ``AskRequest`` mean the
    same.

    ``phrases`` in place of an ``expression`` annotate: everything that one of them names is shown with the phrase that
    fits it best. ``mode`` is one of ``records.finding.FindMode``; ``sensors`` are those that are searched, of
    ``optical`` and ``sar``. ``least_score`` is the threshold where all are shown, None that of the model's card or
    :data:`DEFAULT_FIND_SCORE`. ``gsd_m`` asks for windows at so many metres per pixel at the model; None lets the
    area's size decide: at once where it is small and seen no more coarsely than the model knows, else in windows. More
    than ``max_windows`` windows are refused.
    """

    expression: str
    optical: str | None
    sar: str | None
    folder: str
    window: PixelWindow | None = None
    model: str = "optisar-compact"
    device: str = "auto"
    gate: GateChoice = field(default_factory=GateChoice)
    optical_bands: tuple[int, ...] | None = None
    sar_bands: tuple[int, ...] | None = None
    sensors: tuple[str, ...] = ("optical", "sar")
    mode: Literal["auto", "best", "all"] = "auto"
    least_score: float | None = None
    gsd_m: float | None = None
    max_windows: int = DEFAULT_MAX_TILES
    phrases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.phrases:
            self._check_phrases()
        elif not self.expression.strip():
            raise UsageError("There is no expression.", remedy="Type one, such as “the largest storage tank”.")
        _require_raster(self.optical, self.sar)
        _require_search(self.sensors, self.gsd_m, self.max_windows)
        if self.least_score is not None and not 0 < self.least_score < 1:
            raise UsageError(f"A score of {self.least_score:g} is no share.", remedy="Name one between 0 and 1.")

    def _check_phrases(self) -> None:
        if self.expression.strip():
            raise UsageError("An expression and a pool of phrases cannot be searched at once.", remedy="Give one.")
        if not all(phrase.strip() for phrase in self.phrases):
            raise UsageError("A phrase of the pool is empty.", remedy="Leave it out.")
        if self.mode == "best":
            raise UsageError("A pool of phrases annotates all things, not the best one.", remedy="Leave the mode out.")


@dataclass(frozen=True, slots=True)
class OutlineRequest:
    """An expression whose pixels are outlined in an area of a pair.

    Fields in common with ``FindRequest`` mean the same; ``sensors`` are those that the network may look at. The mask is
    made as ``Cleaning`` says; a ``threshold`` of None is that of the model's card, or a half.
    """

    expression: str
    optical: str | None
    sar: str | None
    folder: str
    window: PixelWindow | None = None
    model: str = "lgce-compact"
    device: str = "auto"
    gate: GateChoice = field(default_factory=GateChoice)
    optical_bands: tuple[int, ...] | None = None
    sar_bands: tuple[int, ...] | None = None
    sensors: tuple[str, ...] = ("optical", "sar")
    threshold: float | None = None
    least_part_px: int = 0
    least_hole_px: int = 0
    gsd_m: float | None = None
    max_windows: int = DEFAULT_MAX_TILES

    def __post_init__(self) -> None:
        if not self.expression.strip():
            raise UsageError("There is no expression.", remedy="Type one, such as “the lake in the north”.")
        _require_raster(self.optical, self.sar)
        _require_search(self.sensors, self.gsd_m, self.max_windows)
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise UsageError(f"A threshold of {self.threshold:g} is no share.", remedy="Name one between 0 and 1.")
        if self.least_part_px < 0 or self.least_hole_px < 0:
            raise UsageError("A part or a hole has no negative size.", remedy="Name 0 to keep everything.")


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Write an answer for other programs: ``formats`` are some of ``engine.export.FORMATS``.

    ``answer_json`` is an ``Answer`` as ``engine.protocol.to_json`` gives it (a file in the job's folder), or with
    ``tiled`` a ``TiledAnswer``, for which ``formats`` are some of ``engine.export.TILED_FORMATS``, or with ``finding``
    a ``Finding``, for which they are some of ``engine.export.FOUND_FORMATS``, or with ``outline`` an ``Outline``, for
    which they are some of ``engine.export.OUTLINED_FORMATS``.
    """

    answer_json: str
    out: str
    formats: tuple[str, ...] = ("geojson", "gpkg", "cog", "png", "html", "json")
    tiled: bool = False
    finding: bool = False
    outline: bool = False

    def __post_init__(self) -> None:
        if self.tiled + self.finding + self.outline > 1:
            raise UsageError("A file holds a map of answers, a finding or an outline.", remedy="Say which it is.")
