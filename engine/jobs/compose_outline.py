"""From how likely pixels are to the record of an outline: mask, polygons, reasons, and what a user should know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from engine.jobs.compose import provenance_of, written_maps
from engine.jobs.cut_outline import ProbabilityMap
from engine.jobs.cut_watched import cut_watched
from engine.jobs.device import Device
from engine.jobs.folder import JobFolder
from engine.jobs.reading import Sources
from engine.jobs.remarks import data_remarks, language_remarks, shift_remarks
from engine.jobs.searched import area_searched, length_remarks, search_scale_remarks, sensor_remarks, windows_remark
from engine.records import AreaUsed, Cleaning, Outline, OutlineRequest, PairCheck
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.text import Parsed
from engine.text.understood import understood

if TYPE_CHECKING:  # only for their names: they bring torch
    from engine.nn.reason_map import ReasonMap
    from engine.segmentation.predictor import SegmentationPredictor

SensorName = Literal["optical", "sar"]

PROBABILITY, REFERENCES = "probability", "references"
"""Names of the maps' arrays in a job's folder."""

NO_DATA_SAID = "There is nothing to outline: no image has data in this area."


@dataclass(frozen=True, slots=True)
class OutlinedArea:
    """What the network said of an area.

    ``shares`` are of the area with data, for every sensor that the network was to read. ``square`` is where the model's
    square lies in fractions of the window, which ``maps`` are spread over; ``words`` are those of the word maps. An
    area that was outlined in windows has no maps, and ``remarks`` on how.
    """

    probable: ProbabilityMap
    shares: dict[str, float]
    sources: Sources
    maps: dict[str, ReasonMap] = field(default_factory=dict)
    square: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    words: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def sensors(self) -> tuple[str, ...]:
        """Those with data."""
        return tuple(name for name in SENSORS if self.shares.get(name))


def compose_outline(
    request: OutlineRequest,
    parsed: Parsed,
    check: PairCheck,
    outlined: OutlinedArea,
    predictor: SegmentationPredictor,
    device: Device,
    folder: JobFolder,
    step: Callable[[], None],
) -> Outline:
    """The record of an outline; its arrays are written into ``folder``. ``step`` is called between steps, and may
    raise. Raises ``ExportRefused``."""
    threshold = predictor.threshold if request.threshold is None else request.threshold
    cleaning = Cleaning(threshold, request.least_part_px, request.least_hole_px)
    probable = outlined.probable
    result = cut_watched(probable, cleaning, folder, step)
    side, card = predictor.config.image_size, predictor.card
    area = area_searched(probable.window, probable.grid, side, card, outlined.shares, probable.windows)
    explanations = written_maps(outlined.maps, probable.window, outlined.square, folder)
    arrays = [str(path) for path in (result.mask, probable.levels, probable.references) if path is not None]
    return Outline(
        expression=request.expression,
        understood=understood(parsed),
        cleaning=cleaning,
        parts=result.parts,
        area_m2=result.area_m2,
        share=result.share,
        mean_probability=result.mean_probability,
        probability=str(probable.levels),
        mask=str(result.mask),
        grid=probable.own_grid,
        sensors=cast("tuple[SensorName, ...]", outlined.sensors),
        explanations=explanations,
        area=area,
        gate=check,
        provenance=provenance_of(request, check, outlined.sources, card, device),
        words=outlined.words,
        windows=probable.windows,
        references="" if probable.references is None else str(probable.references),
        messages=(*result.remarks, *_remarks(request, parsed, check, outlined, area, predictor)),
        on_mask=result.remarks,
        files=(*arrays, *(reason.path for reason in explanations.values())),
        parts_cut=result.parts_cut,
    )


def _remarks(
    request: OutlineRequest,
    parsed: Parsed,
    check: PairCheck,
    outlined: OutlinedArea,
    area: AreaUsed,
    predictor: SegmentationPredictor,
) -> list[str]:
    """What a user should know whatever the mask."""
    windows = outlined.probable.windows
    uncalibrated = predictor.card.segmentation_calibration is None
    return [
        *(() if windows is None else (windows_remark(windows, "Outlined"), *outlined.remarks)),
        *search_scale_remarks(area),
        *data_remarks(area),
        *_sensor_remarks(request, parsed, outlined, predictor),
        *(["The model's card has no calibration: a probability here is the network's own."] if uncalibrated else []),
        *length_remarks(request.expression, predictor.tokens_cut(request.expression)),
        *shift_remarks(check, outlined.sources.shift_applied_px),
        *language_remarks(request.expression),
    ]


def _sensor_remarks(
    request: OutlineRequest, parsed: Parsed, outlined: OutlinedArea, predictor: SegmentationPredictor
) -> list[str]:
    """That one image alone was looked at, and why."""
    if len(predictor.reads) > 1:
        return sensor_remarks(request, parsed, outlined.sensors)
    (only,) = predictor.reads
    return [f"Only the {SENSOR_SAID[only]} image was searched: this model looks at no other."]
