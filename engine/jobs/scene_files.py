"""One scene as files: what the processes of ``rsqa scenes make`` leave for the writers of the layouts.

A scene is three files in one folder: ``opt_000001.tif``, ``sar_000001.tif`` and ``000001.json``, its truth in words,
boxes and run lengths. Numbers run from 1 and are the seed's distance to the first. Which layouts take what is in
:mod:`.scene_layouts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from pycocotools import mask as coco_mask

from engine.datasets.readers.published_splits import SPLITS, WHOLE
from engine.errors import UsageError
from engine.raster import replacing, write_geotiff
from engine.records import Grid
from engine.records.raster import SarUnit
from engine.scenes import Referral, Sample, make_sample, referral_mask
from engine.scenes.optics.weather import Weather
from engine.text import Wording

Layout = Literal["osvqa", "optsar-rsvg", "refsegrs"]
LAYOUTS: tuple[Layout, ...] = ("osvqa", "optsar-rsvg", "refsegrs")

HIDDEN_SHARE = 0.5
"""Of a thing more of which weather hides, no expression speaks in a data set of optical images."""

_ZONES, _FIRST_ZONE = 60, 31
_WEST, _EAST, _NORTH, _SOUTH = 300_000.0, 700_000.0, 5_800_000.0, 200_000.0
_COARSEST_M = 10.0
_DATES = {"optical": "2024-06-14", "sar": "2024-06-15"}
_BANDS: dict[SarUnit, str] = {"db": "dB", "amplitude": "amplitude", "stretched-8bit": "8 bit"}


@dataclass(frozen=True, slots=True)
class SceneOrder:
    """What is to be made: ``count`` scenes of the seeds from ``seed`` on, ``size`` pixels square, in ``layouts``.

    ``delivery`` is the unit of the SAR images and ``weather`` that of the optical ones, drawn for each scene where they
    are None. ``splits`` are names with shares: the first scenes go into the first, and so on. ``wording`` None takes
    the wordings that training never sees for the split "test" and the others elsewhere. ``questions_per_type`` is the
    most that is asked of one type about a pair.

    Raises :class:`~engine.errors.UsageError` for what cannot be made.
    """

    count: int
    seed: int
    size: int = 256
    layouts: tuple[Layout, ...] = LAYOUTS
    delivery: SarUnit | None = "db"
    weather: Weather | None = None
    splits: tuple[tuple[str, int], ...] = ((WHOLE, 1),)
    wording: Wording | None = None
    questions_per_type: int = 1

    def __post_init__(self) -> None:
        names = [name for name, _ in self.splits]
        if self.count < 1 or self.questions_per_type < 1:
            few = min(self.count, self.questions_per_type)
            raise UsageError(f"{few} scenes or questions cannot be made.", remedy="Ask for one or more.")
        if self.seed < 0 or not 64 <= self.size <= 4096:
            raise UsageError(
                f"No scene has seed {self.seed} and size {self.size}.",
                remedy="A seed is 0 or more, a size 64 to 4096 pixels.",
            )
        if not self.layouts or set(self.layouts) - set(LAYOUTS):
            raise UsageError(f"“{', '.join(self.layouts)}” are no layouts.", remedy=f"There are {', '.join(LAYOUTS)}.")
        if len(set(names)) < len(names) or (names != [WHOLE] and set(names) - set(SPLITS)):
            raise UsageError(f"“{', '.join(names)}” are no splits.", remedy=f"There are {', '.join((*SPLITS, WHOLE))}.")
        if min((share for _, share in self.splits), default=0) < 0 or not sum(share for _, share in self.splits):
            raise UsageError("The splits have no shares.", remedy="Give shares of 0 or more, for example 8:1:1.")

    def split_of(self, index: int) -> str:
        """The split of scene ``index``, counted from 0."""
        whole, upto = sum(share for _, share in self.splits), 0
        for name, share in self.splits:
            upto += share
            if index * whole < upto * self.count:
                return name
        raise IndexError(index)

    def sample(self, index: int) -> Sample:
        """Scene ``index``, counted from 0, made."""
        wording: Wording = "held-out" if self.split_of(index) == "test" else "train"
        return make_sample(
            self.seed + index,
            size=self.size,
            wording=self.wording or wording,
            questions_per_type=self.questions_per_type,
            weather=self.weather,
            sar_unit=self.delivery,
        )


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question about the pair."""

    question: str
    answer: str
    type: str


@dataclass(frozen=True, slots=True)
class NamedBox:
    """An expression that names one box in the picture of ``sensor``: left, top, right, bottom in pixels, half-open."""

    sensor: Literal["optical", "sar"]
    category: str
    expression: str
    box_xyxy_px: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class NamedMask:
    """Expressions that name one mask of the optical picture; ``counts`` are COCO's run lengths of it."""

    expressions: tuple[str, ...]
    counts: str


@dataclass(frozen=True, slots=True)
class SceneTruth:
    """The truth of one scene that data sets have a place for."""

    gsd_m: float
    questions: tuple[AskedQuestion, ...]
    boxes: tuple[NamedBox, ...]
    masks: tuple[NamedMask, ...]


def stem(index: int) -> str:
    """The name of scene ``index`` (from 0) in all layouts: its number from 1."""
    return f"{index + 1:06}"


def write_scene(order: SceneOrder, folder: Path, index: int) -> None:
    """Make scene ``index`` and write its three files into ``folder``.

    Raises :class:`~engine.errors.ExportRefused` where that cannot be done.
    """
    sample = order.sample(index)
    write_pair(
        sample,
        folder / f"opt_{stem(index)}.tif",
        folder / f"sar_{stem(index)}.tif",
        grid_of(order, index, sample.gsd_m),
    )
    with replacing(folder / f"{stem(index)}.json") as temporary:
        temporary.write_bytes(msgspec.json.encode(truth_of(sample)))


def read_truth(folder: Path, index: int) -> SceneTruth:
    """The truth of scene ``index`` that :func:`write_scene` left in ``folder``."""
    return msgspec.json.decode((folder / f"{stem(index)}.json").read_bytes(), type=SceneTruth)


def write_pair(sample: Sample, optical: Path, sar: Path, grid: Grid) -> None:
    """Write both pictures as GeoTIFF on ``grid``: three bands uint8, and one band in the sample's SAR unit."""
    source = f"RSQA Desktop, synthetic scene, seed {sample.seed}"
    write_geotiff(
        optical,
        sample.optical,
        grid,
        tags={"ACQUISITION_DATE": _DATES["optical"], "SOURCE": source, "WEATHER": sample.weather},
        descriptions=("Red", "Green", "Blue"),
    )
    write_geotiff(
        sar,
        sample.sar,
        grid,
        tags={"ACQUISITION_DATE": _DATES["sar"], "SOURCE": source, "LOOKS": f"{sample.looks:g}"},
        descriptions=(_sar_band(sample),),
    )


def _sar_band(sample: Sample) -> str:
    """For example "VV dB"; 8 bits are known by their type and bear the polarisation alone."""
    name = sample.scene.polarisation
    return name if sample.sar_unit == "stretched-8bit" else f"{name} {_BANDS[sample.sar_unit]}"


def grid_of(order: SceneOrder, index: int, gsd_m: float) -> Grid:
    """A place of its own on Earth for scene ``index``: side by side, row by row, then in the next UTM zone.

    Two scenes of an order never overlap before all zones are full, at 20 million scenes of 256 pixels.
    """
    step = order.size * _COARSEST_M
    columns, rows = max(1, int((_EAST - _WEST) // step)), max(1, int((_NORTH - _SOUTH) // step))
    row, column = divmod(index, columns)
    sheet, row = divmod(row, rows)
    zone = 1 + (_FIRST_ZONE - 1 + sheet) % _ZONES
    transform = (gsd_m, 0.0, _WEST + column * step, 0.0, -gsd_m, _NORTH - row * step)
    return Grid(order.size, order.size, transform, f"EPSG:{32600 + zone}", gsd_m)


def truth_of(sample: Sample) -> SceneTruth:
    """What data sets take of the truth of ``sample``; things that weather hides are not spoken of."""
    seen = [one for one in sample.referrals if one.sensor == "sar" or not _is_hidden(sample, one)]
    boxes = (
        NamedBox(one.sensor, one.category, one.text, one.box_xyxy_px) for one in seen if one.box_xyxy_px is not None
    )
    masks: dict[tuple[str, tuple[int, ...]], list[Referral]] = {}
    for one in seen:
        if one.task == "mask" and one.sensor == "optical":
            masks.setdefault((one.category, one.members), []).append(one)
    return SceneTruth(
        sample.gsd_m,
        tuple(AskedQuestion(one.text, one.answer, one.type) for one in sample.questions),
        tuple(boxes),
        tuple(
            NamedMask(tuple(dict.fromkeys(one.text for one in some)), _run_lengths(sample, some[0]))
            for some in masks.values()
        ),
    )


def _is_hidden(sample: Sample, referral: Referral) -> bool:
    return float(sample.hidden[referral_mask(sample.facts, referral)].mean()) > HIDDEN_SHARE


def _run_lengths(sample: Sample, referral: Referral) -> str:
    mask = referral_mask(sample.facts, referral)
    counts: bytes = coco_mask.encode(np.asfortranarray(mask, np.uint8))["counts"]
    return counts.decode("ascii")
