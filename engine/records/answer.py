"""An answer with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.records.geometry import Box, Grid, PixelWindow
from engine.records.pair import PairCheck

MUCH_COARSER = 4.0
"""From this ratio of metres per pixel, at the network over in the raster, things are lost that are worth a word."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the answers the network held possible; ``probability`` is calibrated, 0..1."""

    answer: str
    probability: float


@dataclass(frozen=True, slots=True)
class ExpertOpinion:
    """One TGFNet expert: its own answer and probability, and the AF weight (a sigmoid; the three need not sum to 1)."""

    answer: str
    probability: float
    weight: float


@dataclass(frozen=True, slots=True)
class ExplanationMap:
    """One reason drawn over the image.

    ``path`` names a float32 ``.npy`` of shape [rows, columns] spread over ``extent_px`` (optical pixels; it may
    reach past the raster where the area was letterboxed, and is NaN there). ``low`` and ``high`` are the ends of
    its legend. Kinds: ``regions`` (score of a routed key region, NaN where not routed), ``attention`` (share of
    attention per patch), ``trust`` (0 all SAR .. 1 all optical); of a finding ``routing`` (the first expert of each
    patch, counted from 1), ``routing-share`` (its share of the patch) and ``gate`` (0 shut .. 1 open to the text); of
    an outline ``word`` (share of a cell's attention that one word has), ``gate`` and ``trust``.
    """

    name: str
    title: str
    kind: Literal["regions", "attention", "trust", "routing", "routing-share", "gate", "word"]
    sensor: Literal["optical", "sar", "both"]
    path: str
    shape: tuple[int, int]
    extent_px: Box
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AreaUsed:
    """The analysed area: its window, the grid it lies on, and the metres per pixel that the network saw.

    ``model_gsd_m`` is None without a CRS. ``trained_gsd_m`` is the range of the model's card, (0, 0) where the card
    knows none. ``valid_optical`` and ``valid_sar`` are the shares of the area with data, None for an absent or muted
    sensor.
    """

    window: PixelWindow
    grid: Grid
    model_gsd_m: float | None
    trained_gsd_m: tuple[float, float]
    valid_optical: float | None
    valid_sar: float | None

    @property
    def trained_range_known(self) -> bool:
        """Whether the model's card says which metres per pixel it was trained for."""
        return self.trained_gsd_m[1] > 0

    @property
    def tiles_show_more(self) -> bool:
        """Whether the network saw this so coarsely that a grid of tiles at native scale is worth offering."""
        gsd, native = self.model_gsd_m, self.grid.gsd_m
        if gsd is None or native is None:
            return False
        beyond = self.trained_range_known and gsd > max(native, self.trained_gsd_m[1])
        return beyond or gsd > MUCH_COARSER * native


@dataclass(frozen=True, slots=True)
class Provenance:
    """Enough to repeat the answer: inputs, gate decision, model, software, device, time (UTC, ISO).

    ``shift_applied_px`` is (0, 0) where a shifted pair was left as it is. ``assume_registered``: the user's word stood
    in for a georeference.
    """

    optical: str | None
    sar: str | None
    optical_bands: tuple[int, ...]
    sar_bands: tuple[int, ...]
    sar_unit: str | None
    verdict: str
    shift_applied_px: tuple[float, float]
    model: str
    model_sha256: str
    software: str
    device: str
    time_utc: str
    assume_registered: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What TGFNet said about one area, why, and from what.

    ``alternatives`` are the most probable answers, best first, the answer itself included. ``answer_set`` is the
    conformal set, best first: it misses the right answer in a share ``error_rate`` of cases at most. Where the card
    has no calibration, ``error_rate`` is None and the set is just the answer. ``experts`` has the keys ``optical``,
    ``sar`` and ``fusion``, less those whose sensor is absent; a network without experts has none. ``sensors`` are those
    that the answer rests on, of ``optical`` and ``sar``. ``seconds`` is the time in the engine.
    """

    question: str
    answer: str
    confidence: float
    alternatives: tuple[Alternative, ...]
    answer_set: tuple[str, ...]
    experts: dict[str, ExpertOpinion]
    explanations: dict[str, ExplanationMap]
    area: AreaUsed
    gate: PairCheck
    provenance: Provenance
    messages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    seconds: float = 0.0
    view_reused: bool = False
    error_rate: float | None = None
    sensors: tuple[str, ...] = ()
