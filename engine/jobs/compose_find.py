"""From what was seen in each sensor's picture to the record of a finding: one list of boxes, on the map, in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from engine.jobs.compose import provenance_of, written_maps
from engine.jobs.device import Device
from engine.jobs.folder import JobFolder
from engine.jobs.reading import Sources
from engine.jobs.remarks import data_remarks, language_remarks, shift_remarks
from engine.jobs.searched import area_searched, length_remarks, search_scale_remarks, sensor_remarks, windows_remark
from engine.raster import ground_size_m
from engine.records import Box, Finding, FindRequest, FoundBox, Grid, PairCheck, PixelWindow, WindowsUsed
from engine.records.finding import FoundIn
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.text import Parsed
from engine.text.understood import understood

if TYPE_CHECKING:  # only for their names: they bring torch
    from engine.grounding.predictor import GroundingPredictor
    from engine.grounding.reconcile import Sighting
    from engine.nn.reason_map import ReasonMap

SensorName = Literal["optical", "sar"]

MOST_TOO_LONG = 3
"""Phrases of a pool that are too long for the model are named up to so many."""


@dataclass(frozen=True, slots=True)
class SearchedArea:
    """What each sensor's picture of ``window`` shows, in full-resolution pixels of ``grid``.

    ``side`` is the model's square in pixels, ``model_px`` how many of the grid's pixels are one of the model's.
    ``shares`` are of the area with data, for every sensor that was to be searched; ``found`` has those with any data.
    ``square`` is where the model's square lies in fractions of the window, which ``maps`` are spread over. An area that
    was searched in ``windows`` has no maps; what is ``seen`` was made one and decided there, with ``remarks`` on how.
    ``texts`` are those that the model was given.
    """

    window: PixelWindow
    grid: Grid
    side: int
    mode: Literal["best", "all"]
    threshold: float
    shares: dict[str, float]
    found: dict[str, list[Sighting]]
    maps: dict[str, ReasonMap]
    square: tuple[float, float, float, float]
    sources: Sources
    texts: tuple[str, ...]
    windows: WindowsUsed | None = None
    seen: list[Sighting] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def model_px(self) -> float:
        return max(self.window.width, self.window.height) / self.side


def compose_finding(
    request: FindRequest,
    parsed: Parsed,
    check: PairCheck,
    searched: SearchedArea,
    predictor: GroundingPredictor,
    device: Device,
    folder: JobFolder,
) -> Finding:
    """The record of a finding; its explanation arrays are written into ``folder``. Raises ``ExportRefused``."""
    seen = _made_one(searched) if searched.seen is None else searched.seen
    area = area_searched(
        searched.window, searched.grid, searched.side, predictor.card, searched.shares, searched.windows
    )
    explanations = written_maps(searched.maps, searched.window, searched.square, folder)
    return Finding(
        expression=request.expression,
        mode=searched.mode,
        boxes=tuple(_found_box(one, searched.grid) for one in (seen[:1] if searched.mode == "best" else seen)),
        understood=_understood(request, parsed),
        threshold=searched.threshold,
        searched=cast("tuple[SensorName, ...]", tuple(name for name in SENSORS if name in searched.found)),
        explanations=explanations,
        area=area,
        gate=check,
        provenance=provenance_of(request, check, searched.sources, predictor.card, device),
        windows=searched.windows,
        messages=(
            *(() if searched.windows is None else (windows_remark(searched.windows), *searched.remarks)),
            *search_scale_remarks(area),
            *data_remarks(area),
            *sensor_remarks(request, parsed, searched.found),
            *_score_remarks(searched, seen, predictor),
            *_length_remarks(searched.texts, predictor),
            *shift_remarks(check, searched.sources.shift_applied_px),
            *language_remarks(" ".join((request.expression, *request.phrases))),
        ),
        files=tuple(reason.path for reason in explanations.values()),
        phrases=request.phrases,
    )


def _length_remarks(texts: tuple[str, ...], predictor: GroundingPredictor) -> list[str]:
    """What the model could not read of the words; of a pool with many such phrases, of the first."""
    said = [remark for text in texts for remark in length_remarks(text, predictor.tokens_cut(text))]
    more = len(said) - MOST_TOO_LONG
    if more <= 0:
        return said
    return [*said[:MOST_TOO_LONG], f"{more} more phrase{'s are' if more > 1 else ' is'} too long."]


def _made_one(searched: SearchedArea) -> list[Sighting]:
    """What both sensors' pictures show, as one list, the best first."""
    from engine.grounding.reconcile import TOLERANCE_PX, reconcile

    optical, sar = (searched.found.get(sensor, []) for sensor in SENSORS)
    return reconcile(optical, sar, tolerance=TOLERANCE_PX * searched.model_px)


def _understood(request: FindRequest, parsed: Parsed) -> str:
    if request.phrases:
        return f"a pool of {len(request.phrases)} phrase{'s' if len(request.phrases) > 1 else ''}"
    return understood(parsed)


def _found_box(one: Sighting, grid: Grid) -> FoundBox:
    """A sighting on the map and in metres."""
    box = Box(*one.box)
    ground = ground_size_m(grid, box)
    across, down, area = ground or (None, None, None)
    return FoundBox(
        box=box,
        polygon_map=tuple(grid.to_map(col, row) for col, row in box.corners),
        score=one.score,
        label=one.label,
        sensor=cast("FoundIn", one.sensor),
        area_m2=area,
        length_m=None if across is None or down is None else max(across, down),
        width_m=None if across is None or down is None else min(across, down),
    )


def _score_remarks(searched: SearchedArea, seen: list[Sighting], predictor: GroundingPredictor) -> list[str]:
    """What scores mean, that a best box may be none, and that the other image shows another one."""
    said = []
    if predictor.card.grounding_calibration is None:
        said.append("The model's card has no calibration: a score here is no probability.")
    elif predictor.calibration is None:
        said.append(
            "By its card, this model's scores do not tell right boxes from wrong ones: they are shown as the model "
            "gives them, and are no probabilities."
        )
    if not seen and searched.remarks:
        return said  # they say why
    if not seen:
        least = f" that scores {searched.threshold:.2f} or more" if searched.mode == "all" else ""
        return [*said, f"No box was found{least}."]
    if searched.mode == "best":
        if seen[0].score < searched.threshold:
            said.append(
                f"The best box scores {seen[0].score:.2f}, less than the {searched.threshold:.2f} from which all boxes "
                "of a class are shown: it may be nothing."
            )
        said += [
            f"The best box in the {SENSOR_SAID[other.sensor]} image lies elsewhere and scores {other.score:.2f}."
            for other in seen[1:]
        ]
    return said
