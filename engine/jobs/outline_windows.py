"""One expression outlined over an area larger than the model's input: window by window, blended into one map.

Memory holds one batch of windows and a strip of the map, which lies on the disk, whatever the size of the rasters.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputRefused
from engine.grounding.deciding import searches
from engine.grounding.windows import WindowPlan
from engine.jobs.compose_outline import NO_DATA_SAID, PROBABILITY, REFERENCES, OutlinedArea
from engine.jobs.cut_outline import ProbabilityMap
from engine.jobs.find_windows import note_data
from engine.jobs.folder import JobFolder
from engine.jobs.pace import Pace
from engine.jobs.probability_map import BlendedMap
from engine.jobs.reading import AreaPixels, AreaReader
from engine.jobs.telling import Stage
from engine.records import OutlineRequest, PairCheck, PixelWindow, WindowsUsed
from engine.records.pair import SENSORS
from engine.text import Parsed

if TYPE_CHECKING:  # torch takes seconds to import, and a pair can be refused without it
    from engine.nn.preprocess import Limits
    from engine.segmentation.predictor import PairArea, PairLimits, SegmentationPredictor

Floats = NDArray[np.float32]

MOST_WINDOWS_AT_ONCE = 16

LIMIT_WINDOWS = 64
"""So many windows, evenly spread, are looked at for the values that become black and white in all of them."""

LIMIT_SIDE = 64
"""Of each of those, pixels of a grid of so many along a side."""


@dataclass(frozen=True, slots=True)
class WindowOutline:
    """What is outlined, where and with what. ``sensors`` are those to be read."""

    request: OutlineRequest
    parsed: Parsed
    check: PairCheck
    sensors: tuple[str, ...]
    predictor: SegmentationPredictor
    plan: WindowPlan
    folder: JobFolder


def outlined_in_windows(work: WindowOutline, stage: Stage) -> OutlinedArea:
    """What all windows show, as one map. Windows are told to ``stage``, which may stop the work.

    Raises :class:`InputRefused` for what cannot be decided over windows, or where no sensor has data, and what
    ``engine.jobs.reading`` and ``JobFolder`` raise.
    """
    plan, area = work.plan, work.plan.area
    texts = searches(work.request.expression, work.parsed)
    with AreaReader(work.request, work.check, skip=[name for name in SENSORS if name not in work.sensors]) as reader:
        with ExitStack() as filling:

            def to_fill(name: str) -> BlendedMap:
                shape = area.height, area.width
                return BlendedMap(filling.enter_context(work.folder.array_to_fill(name, shape, np.uint8)), plan)

            maps = [(texts.thing, to_fill(PROBABILITY))]
            if texts.reference is not None:
                maps.append((texts.reference, to_fill(REFERENCES)))
            with_data = _gather(work, maps, reader, stage)
        native = reader.grid.gsd_m
        gsd_m = None if native is None else native * plan.side_px / work.predictor.config.image_size
        return OutlinedArea(
            probable=ProbabilityMap(
                expression=work.request.expression,
                levels=work.folder.array_path(PROBABILITY),
                references=None if texts.reference is None else work.folder.array_path(REFERENCES),
                window=area,
                grid=reader.grid,
                windows=WindowsUsed(len(plan), plan.side_px, plan.overlap_px, gsd_m),
            ),
            shares={sensor: part / (area.width * area.height) for sensor, part in with_data.items()},
            sources=reader.sources,
            remarks=texts.remarks,
        )


def _gather(
    work: WindowOutline, maps: Sequence[tuple[str, BlendedMap]], reader: AreaReader, stage: Stage
) -> dict[str, float]:
    """Fill the map of each text with what all windows say, as many at once as their pace allows, in reading order.

    Returns how many of the raster's pixels have data, by sensor. Raises :class:`InputRefused` where none has.
    """
    predictor, windows = work.predictor, list(work.plan)
    limits = _limits(work, windows, reader, stage)
    with_data = dict.fromkeys(work.sensors, 0.0)
    pace, done = Pace(MOST_WINDOWS_AT_ONCE), 0
    while done < len(windows):
        began = time.perf_counter()
        batch = windows[done : done + pace.at_once]
        areas = []
        for place, window in enumerate(batch, done):
            stage("windows", place / len(windows), len(windows))
            pixels = reader.read_within(window, predictor.config.image_size)
            note_data(work.plan, window, pixels, with_data)
            areas.append(pair_area(pixels))
        views = predictor.encode_each(areas, limits)
        seen = [(window, view) for window, view in zip(batch, views, strict=True) if view is not None]
        for text, into in maps:
            said = predictor.outline_each([view for _, view in seen], text)
            for (window, _), outlined in zip(seen, said, strict=True):
                into.add(window, outlined.probability)
        done += len(batch)
        pace.note(len(seen), time.perf_counter() - began)
    for _, into in maps:
        into.finish()
    if not any(with_data.values()):
        raise InputRefused(NO_DATA_SAID, remedy="Choose an area that the images cover.")
    return with_data


def _limits(work: WindowOutline, windows: Sequence[PixelWindow], reader: AreaReader, stage: Stage) -> PairLimits:
    """The values that become 0 and 1 in every window: those of some windows all over the area, looked at together.

    A window that is stretched by its own values is another picture than its neighbour, and their border would show.
    """
    from engine.nn.inputs import SensorArea
    from engine.segmentation.predictor import PairLimits

    side = work.predictor.config.image_size
    samples: dict[str, list[Floats]] = {sensor: [] for sensor in work.sensors}
    some = windows[:: ceil(len(windows) / LIMIT_WINDOWS)]
    for place, window in enumerate(some):
        stage("stretch", place / len(some), len(some))
        for sensor, pixels in pair_area(reader.read_within(window, side))._asdict().items():
            if pixels is not None:
                every = ceil(pixels.valid.shape[0] / LIMIT_SIDE)
                known = pixels.valid[::every, ::every]
                samples[sensor].append(pixels.values[:, ::every, ::every][:, known])  # [bands, n]

    def limits(sensor: str) -> Limits | None:
        found = samples.get(sensor)
        if not found:
            return None
        values = np.concatenate(found, 1)[:, np.newaxis]  # [bands, 1, n]
        return SensorArea(values, None, sensor, reader.sources.sar_unit or "db").limits(work.predictor.spec)

    return PairLimits(*(limits(sensor) for sensor in SENSORS))


def pair_area(pixels: AreaPixels) -> PairArea:
    """Both sensors' pixels as the predictor takes them."""
    from engine.nn.inputs import SensorArea
    from engine.segmentation.predictor import PairArea

    read = ((name, part) for name, part in zip(SENSORS, (pixels.optical, pixels.sar), strict=True))
    unit = pixels.sources.sar_unit or "db"
    return PairArea(*(None if part is None else SensorArea(part.values, part.valid, name, unit) for name, part in read))
