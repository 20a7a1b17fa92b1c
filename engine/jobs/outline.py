"""The life of one expression that is outlined: verdict, pixels, a view of both sensors, a mask with its reasons.

The encoded area is kept: a second expression on it costs the words and what comes after them only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.catalog import find_model
from engine.errors import InputRefused
from engine.jobs.ask import MODELS_KEPT, VIEWS_KEPT, Asker, model_state
from engine.jobs.checks import require_usable
from engine.jobs.compose_outline import PROBABILITY, OutlinedArea, compose_outline
from engine.jobs.cut_outline import ProbabilityMap
from engine.jobs.device import Device
from engine.jobs.find import sensors_to_search
from engine.jobs.find_windows import plan_windows
from engine.jobs.folder import JobFolder
from engine.jobs.kept import FileState, Kept, file_state
from engine.jobs.outline_windows import WindowOutline, outlined_in_windows, pair_area
from engine.jobs.probability_map import fill
from engine.jobs.reading import AreaReader, Sources, area_of, size_as_read
from engine.jobs.telling import ProgressTeller, Stage, stages, tell_nobody
from engine.records import CheckRequest, GateChoice, Grid, Outline, OutlineRequest, PairCheck, PixelWindow
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.text import parse

if TYPE_CHECKING:  # torch takes seconds to import, and a pair can be refused without it
    from engine.segmentation.predictor import SegmentationPredictor, View

MOST_PIXELS = 1 << 28
"""The most pixels of the raster in an area: a mask has as many, and so have the polygons to be made of it."""


def outline(
    request: OutlineRequest,
    *,
    progress: ProgressTeller = tell_nobody,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outline:
    """Outline once in this process. See :meth:`Outliner.outline`, which is better for more than one expression."""
    outliner = Outliner(Asker(request.device, process="rsqa outline"))
    return outliner.outline(request, progress=progress, cancelled=cancelled)


@dataclass(frozen=True, slots=True)
class AreaKey:
    """All that an encoded area depends on; the expression comes later."""

    optical: FileState | None
    sar: FileState | None
    window: PixelWindow | None
    sensors: tuple[str, ...]
    optical_bands: tuple[int, ...] | None
    sar_bands: tuple[int, ...] | None
    gate: GateChoice
    model: FileState | None
    device: str


@dataclass(frozen=True, slots=True)
class SeenArea:
    """An encoded area, the share of it with data for each sensor that was read, and what was read."""

    view: View
    shares: dict[str, float]
    sources: Sources


class Outliner:
    """Outlines one expression at a time, with the devices and verdicts that ``asker`` keeps."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._models: Kept[tuple[FileState | None, str], SegmentationPredictor] = Kept(MODELS_KEPT)
        self._areas: Kept[AreaKey, SeenArea] = Kept(VIEWS_KEPT)

    def outline(
        self,
        request: OutlineRequest,
        *,
        progress: ProgressTeller = tell_nobody,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Outline:
        """What ``request`` asks for; arrays, the request and the outline itself lie in its folder.

        Stages are told to ``progress`` as they begin. Raises :class:`Cancelled` between stages once ``cancelled``,
        :class:`InputRefused` where no sensor is left to look at, none has data or the area is too large,
        :class:`PairRefused` where the gate refuses the pair, ``ModelNotFound`` or ``ModelDamaged``, and what
        ``engine.jobs.reading`` raises.
        """
        began, stage = time.perf_counter(), stages(progress, cancelled, "The outlining was stopped.")
        folder = JobFolder(request.folder)
        folder.write_request(request)
        parsed = parse(request.expression)
        sensors = sensors_to_search(request, parsed)
        model = find_model(request.model)
        stage("check")  # before the model, as a pair is refused in a second and torch is loaded in several
        check = self._asker.checks.verdict(CheckRequest(request.optical, request.sar, request.gate))
        require_usable(check)
        window, grid = area_of(request, check)
        require_room(window)
        stage("model")
        device = self._asker.claim(request.device)
        predictor = self.predictor(model, device)
        sensors = sensors_read(sensors, predictor)
        plan = plan_windows(request, window, grid, predictor.card, predictor.config.image_size)
        reused = False
        if plan is None:
            key = _area_key(request, sensors, model, device)
            reused = key in self._areas
            seen = self._areas.get(key, lambda: _encoded(request, check, sensors, predictor, stage))
            stage("outline")
            area = outlined_at_once(request, seen, predictor, window, grid, folder)
        else:
            work = WindowOutline(request, parsed, check, sensors, predictor, plan, folder)
            area = outlined_in_windows(work, stage)
        result = compose_outline(request, parsed, check, area, predictor, device, folder, lambda: stage("cut"))
        result = replace(result, view_reused=reused, seconds=time.perf_counter() - began)
        folder.write_result(result)
        return result

    def predictor(self, folder: Path, device: Device) -> SegmentationPredictor:
        """The model in ``folder``, loaded once for as long as its card stays what it is.

        Raises ``ModelNotFound`` or ``ModelDamaged``.
        """
        return self._models.get((model_state(folder), device.name), lambda: _load(folder, device))


def require_room(window: PixelWindow) -> None:
    """Raises :class:`InputRefused` for an area whose mask would be too large."""
    if window.width * window.height > MOST_PIXELS:
        raise InputRefused(
            f"This area has {window.width:,} x {window.height:,} pixels, and a mask can have {MOST_PIXELS:,} in all.",
            remedy="Choose a smaller area, and outline the others after it.",
        )


def sensors_read(sensors: tuple[str, ...], predictor: SegmentationPredictor) -> tuple[str, ...]:
    """Those of ``sensors`` that the model looks at. Raises :class:`InputRefused` where there are none."""
    read = tuple(sensor for sensor in sensors if sensor in predictor.reads)
    if not read:
        only, left = SENSOR_SAID[predictor.reads[0]], SENSOR_SAID[sensors[0]]
        raise InputRefused(
            f"There is nothing to outline: {predictor.card.name} looks at the {only} image alone, and the {left} image "
            "was to be used.",
            remedy=f"Use the {only} image, or a model that looks at {left}.",
        )
    return read


def outlined_at_once(
    request: OutlineRequest,
    seen: SeenArea,
    predictor: SegmentationPredictor,
    window: PixelWindow,
    grid: Grid,
    folder: JobFolder,
) -> OutlinedArea:
    """What an area shows that went into the model's square whole. Raises ``ExportRefused``."""
    from engine.segmentation.reasons import words_of

    outlined = predictor.outline(seen.view, request.expression)
    with folder.array_to_fill(PROBABILITY, (window.height, window.width), np.uint8) as levels:
        fill(levels, outlined.probability)
    return OutlinedArea(
        probable=ProbabilityMap(request.expression, folder.array_path(PROBABILITY), None, window, grid, None),
        shares=seen.shares,
        sources=seen.sources,
        maps=predictor.maps(seen.view, outlined),
        square=seen.view.square_in_area,
        words=tuple(word for word, _ in words_of(outlined.pieces)),
    )


def _encoded(
    request: OutlineRequest,
    check: PairCheck,
    sensors: tuple[str, ...],
    predictor: SegmentationPredictor,
    stage: Stage,
) -> SeenArea:
    """Read an area that the gate let pass, and encode it. Raises :class:`InputRefused` where there is no data."""
    stage("read")
    with AreaReader(request, check, skip=[name for name in SENSORS if name not in sensors]) as reader:
        pixels = reader.read(reader.window, *size_as_read(reader.window, predictor.config.image_size))
    stage("encode")
    view = predictor.encode(*pair_area(pixels))
    read = {"optical": pixels.optical, "sar": pixels.sar}
    return SeenArea(view, {name: part.share for name, part in read.items() if part is not None}, reader.sources)


def _load(folder: Path, device: Device) -> SegmentationPredictor:
    """A model that has run once, as the first run of a process takes many times as long as the others."""
    from engine.nn.inputs import SensorArea
    from engine.segmentation.predictor import SegmentationPredictor

    predictor = SegmentationPredictor.load(folder, device.name)
    blank = np.zeros((1, 32, 32), np.float32)
    view = predictor.encode(SensorArea(blank, None, "optical"), SensorArea(blank, None, "sar"))
    predictor.outline(view, "a picture")
    return predictor


def _area_key(request: OutlineRequest, sensors: tuple[str, ...], model: Path, device: Device) -> AreaKey:
    return AreaKey(
        file_state(request.optical),
        file_state(request.sar),
        request.window,
        sensors,
        request.optical_bands,
        request.sar_bands,
        request.gate,
        model_state(model),
        device.name,
    )
