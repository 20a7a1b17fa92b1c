"""The life of one expression inside the engine: verdict, pixels, a view of each sensor, boxes with their reasons.

The encoded picture of an area is kept for each sensor: a second expression on it costs TGDF and the heads only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from engine.catalog import find_model
from engine.errors import InputRefused
from engine.jobs.ask import MODELS_KEPT, Asker, model_state
from engine.jobs.checks import require_usable
from engine.jobs.compose_find import SearchedArea, compose_finding
from engine.jobs.device import Device
from engine.jobs.find_windows import WindowSearch, plan_windows, searched_in_windows
from engine.jobs.folder import JobFolder
from engine.jobs.kept import FileState, Kept, file_state
from engine.jobs.reading import AreaReader, Sources, area_of, size_as_read
from engine.jobs.telling import ProgressTeller, Stage, stages, tell_nobody
from engine.records import CheckRequest, Finding, FindRequest, GateChoice, Grid, PairCheck, PixelWindow, SearchRequest
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.text import Parsed, parse

if TYPE_CHECKING:  # torch takes seconds to import, and a pair can be refused without it
    from engine.grounding.predictor import GroundingPredictor, View
    from engine.grounding.reconcile import Sighting
    from engine.nn.reason_map import ReasonMap

PICTURES_KEPT = 16


def find(
    request: FindRequest,
    *,
    progress: ProgressTeller = tell_nobody,
    cancelled: Callable[[], bool] = lambda: False,
) -> Finding:
    """Find once in this process. See :meth:`Finder.find`, which is better for more than one expression."""
    return Finder(Asker(request.device, process="rsqa find")).find(request, progress=progress, cancelled=cancelled)


@dataclass(frozen=True, slots=True)
class PictureKey:
    """All that an encoded picture depends on; the expression comes later."""

    optical: FileState | None
    sar: FileState | None
    window: PixelWindow | None
    sensor: str
    bands: tuple[int, ...] | None
    gate: GateChoice
    model: FileState | None
    device: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One sensor's picture of an area: encoded (None where it has no data), the share of the area with data, and what
    was read."""

    view: View | None
    share: float
    sources: Sources


class Finder:
    """Finds one expression at a time, with the devices and verdicts that ``asker`` keeps."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._models: Kept[tuple[FileState | None, str], GroundingPredictor] = Kept(MODELS_KEPT)
        self._pictures: Kept[PictureKey, Picture] = Kept(PICTURES_KEPT)

    def find(
        self,
        request: FindRequest,
        *,
        progress: ProgressTeller = tell_nobody,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Finding:
        """What ``request`` asks for; arrays, the request and the finding itself lie in its folder.

        Stages are told to ``progress`` as they begin. Raises :class:`Cancelled` between stages once ``cancelled``,
        :class:`InputRefused` where no sensor is left to search or none has data, :class:`PairRefused` where the gate
        refuses the pair, ``ModelNotFound`` or ``ModelDamaged``, and what ``engine.jobs.reading`` raises.
        """
        began, stage = time.perf_counter(), stages(progress, cancelled, "The search was stopped.")
        folder = JobFolder(request.folder)
        folder.write_request(request)
        parsed = parse(request.expression)
        sensors = sensors_to_search(request, parsed)
        model = find_model(request.model)
        stage("check")  # before the model, as a pair is refused in a second and torch is loaded in several
        check = self._asker.checks.verdict(CheckRequest(request.optical, request.sar, request.gate))
        require_usable(check)
        window, grid = area_of(request, check)
        stage("model")
        device = self._asker.claim(request.device)
        predictor = self.predictor(model, device)
        plan = plan_windows(request, window, grid, predictor.card, predictor.config.image_size)
        if plan is None:
            keys = {sensor: _picture_key(request, sensor, model, device) for sensor in sensors}
            reused = all(key in self._pictures for key in keys.values())
            pictures = {
                sensor: self._pictures.get(key, partial(_encoded, request, check, sensor, predictor, stage))
                for sensor, key in keys.items()
            }
            area = searched_at_once(request, parsed, pictures, predictor, window, grid, stage)
        else:
            reused, least = False, least_score_of(request, predictor)
            search = WindowSearch(request, parsed, check, sensors, predictor, plan, mode_of(request, parsed), least)
            area = searched_in_windows(search, stage)
        result = compose_finding(request, parsed, check, area, predictor, device, folder)
        result = replace(result, view_reused=reused, seconds=time.perf_counter() - began)
        folder.write_result(result)
        return result

    def predictor(self, folder: Path, device: Device) -> GroundingPredictor:
        """The model in ``folder``, loaded once for as long as its card stays what it is.

        Raises ``ModelNotFound`` or ``ModelDamaged``.
        """
        return self._models.get((model_state(folder), device.name), lambda: _load(folder, device))


def sensors_to_search(request: SearchRequest, parsed: Parsed) -> tuple[str, ...]:
    """Those that the pair has, the request allows and the expression asks for ("the SAR ship").

    Raises :class:`InputRefused` where none is left.
    """
    there = {sensor for sensor, path in zip(SENSORS, (request.optical, request.sar), strict=True) if path is not None}
    allowed = there & set(request.sensors)
    if not allowed:
        said = SENSOR_SAID[request.sensors[0]]
        raise InputRefused(
            f"There is nothing to search: the pair has no {said} image.", remedy="Search the other sensor, or add it."
        )
    if parsed.sensor and parsed.sensor not in allowed:
        why = "was not to be searched" if parsed.sensor in there else "is not there"
        raise InputRefused(
            f"The expression asks for the {SENSOR_SAID[parsed.sensor]} image, which {why}.",
            remedy="Leave the sensor out of the expression, or search that image.",
        )
    return tuple(sensor for sensor in SENSORS if sensor in allowed and parsed.sensor in ("", sensor))


def mode_of(request: FindRequest, parsed: Parsed) -> Literal["best", "all"]:
    """One box, or all: as asked, else all where the expression names its things in the plural."""
    if request.phrases:
        return "all"
    if request.mode != "auto":
        return request.mode
    return "all" if parsed.plural else "best"


def least_score_of(request: FindRequest, predictor: GroundingPredictor) -> float:
    """From which score all are shown: as asked, else as the model's card says."""
    return predictor.least_score if request.least_score is None else request.least_score


def searched_at_once(
    request: FindRequest,
    parsed: Parsed,
    pictures: Mapping[str, Picture],
    predictor: GroundingPredictor,
    window: PixelWindow,
    grid: Grid,
    stage: Stage,
) -> SearchedArea:
    """What each picture of an area that went into the model's square whole shows.

    Raises :class:`InputRefused` where no picture has data.
    """
    views = {sensor: picture.view for sensor, picture in pictures.items() if picture.view is not None}
    if not views:
        which = " nor ".join(SENSOR_SAID[sensor] for sensor in pictures)
        neither = f"neither {which}" if len(pictures) > 1 else f"the {which} image"
        verb = "has data" if len(pictures) > 1 else "has no data"
        raise InputRefused(
            f"There is nothing to search: {neither} {verb} in this area.",
            remedy="Choose an area that the images cover.",
        )
    mode = mode_of(request, parsed)
    threshold = least_score_of(request, predictor)
    found: dict[str, list[Sighting]] = {}
    maps: dict[str, ReasonMap] = {}
    for number, (sensor, view) in enumerate(views.items()):

        def step(share: float, done: int = number) -> None:
            stage("find", (done + share) / len(views))

        step(0.0)
        found[sensor], reasons = _sightings(request, parsed, view, predictor, window, mode, threshold, step)
        maps |= reasons
    return SearchedArea(
        window=window,
        grid=grid,
        side=predictor.config.image_size,
        mode=mode,
        threshold=threshold,
        shares={sensor: picture.share for sensor, picture in pictures.items()},
        found=found,
        maps=maps,
        square=next(iter(views.values())).square_in_area,
        sources=next(iter(pictures.values())).sources,
        texts=request.phrases or (request.expression,),
    )


def _sightings(
    request: FindRequest,
    parsed: Parsed,
    view: View,
    predictor: GroundingPredictor,
    window: PixelWindow,
    mode: Literal["best", "all"],
    threshold: float,
    step: Callable[[float], None],
) -> tuple[list[Sighting], dict[str, ReasonMap]]:
    """What was seen in one sensor's picture, in full-resolution pixels, and the reasons."""
    from engine.grounding.reconcile import Sighting

    if request.phrases:
        detections = predictor.annotate(view, request.phrases, least_score=threshold, step=step)
        maps = predictor.maps(view)
    else:
        look = predictor.look(view, request.expression)
        best = mode == "best"
        detections = predictor.detections(look, most=1 if best else None, least_score=0.0 if best else threshold)
        maps = predictor.maps(view, look)
    across, down = window.width / view.size[0], window.height / view.size[1]
    sightings = []
    for one in detections:
        x0, y0, x1, y1 = one.box_xyxy_px
        box = (
            window.col_off + x0 * across,
            window.row_off + y0 * down,
            window.col_off + x1 * across,
            window.row_off + y1 * down,
        )
        label = one.text if request.phrases else parsed.category or request.expression
        sightings.append(Sighting(box, one.score, label, view.sensor))
    return sightings, maps


def _encoded(
    request: FindRequest, check: PairCheck, sensor: str, predictor: GroundingPredictor, stage: Stage
) -> Picture:
    """Read one sensor's picture of an area that the gate let pass, and encode it."""
    from engine.nn.inputs import SensorArea

    stage("read")
    with AreaReader(request, check, skip=[name for name in SENSORS if name != sensor]) as reader:
        size = size_as_read(reader.window, predictor.config.image_size)
        pixels = reader.read(reader.window, *size)
    read = pixels.optical if sensor == "optical" else pixels.sar
    if read is None or not read.valid.any():
        return Picture(None, 0.0, reader.sources)
    stage("encode")
    (view,) = predictor.encode_each([SensorArea(read.values, read.valid, sensor, reader.sources.sar_unit or "db")])
    return Picture(view, read.share, reader.sources)


def _load(folder: Path, device: Device) -> GroundingPredictor:
    """A model that has run once, as the first run of a process takes many times as long as the others."""
    from engine.grounding.predictor import GroundingPredictor
    from engine.nn.inputs import SensorArea

    predictor = GroundingPredictor.load(folder, device.name)
    predictor.find(predictor.encode(SensorArea(np.zeros((1, 32, 32), np.float32), None, "optical")), "a picture")
    return predictor


def _picture_key(request: FindRequest, sensor: str, model: Path, device: Device) -> PictureKey:
    return PictureKey(
        file_state(request.optical),
        file_state(request.sar),
        request.window,
        sensor,
        request.optical_bands if sensor == "optical" else request.sar_bands,
        request.gate,
        model_state(model),
        device.name,
    )
