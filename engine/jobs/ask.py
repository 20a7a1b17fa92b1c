"""The life of one question inside the engine: verdict, pixels, view, answer with its reasons.

What is costly is kept: the verdict per pair of files, the encoded view per area and choice of bands, loaded models.
A second question on the same view runs only the text and fusion parts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine import __version__
from engine.catalog import CARD_FILE, find_model
from engine.errors import InputRefused
from engine.jobs.checks import PairChecks, require_usable
from engine.jobs.compose import EncodedView, compose
from engine.jobs.device import Device, Devices
from engine.jobs.folder import JobFolder
from engine.jobs.kept import FileState, Kept, file_state
from engine.jobs.reading import read_area
from engine.jobs.telling import ProgressTeller, stages, tell_nobody
from engine.protocol import Ready
from engine.records import Answer, AskRequest, CheckRequest, GateChoice, PairCheck, PixelWindow

if TYPE_CHECKING:  # torch takes seconds to import, and a pair can be checked without it
    from engine.vqa.predictor import TgfnetPredictor

VIEWS_KEPT = 8
MODELS_KEPT = 2


def answer(
    request: AskRequest,
    *,
    progress: ProgressTeller = tell_nobody,
    cancelled: Callable[[], bool] = lambda: False,
) -> Answer:
    """Answer one question in this process. See :meth:`Asker.answer`, which is better for more than one."""
    return Asker(request.device, process="rsqa ask").answer(request, progress=progress, cancelled=cancelled)


@dataclass(frozen=True, slots=True)
class ViewKey:
    """All that an encoded view depends on. The question and muted sensors come later."""

    optical: FileState | None
    sar: FileState | None
    window: PixelWindow | None
    optical_bands: tuple[int, ...] | None
    sar_bands: tuple[int, ...] | None
    gate: GateChoice
    model: FileState | None
    device: str


class Asker:
    """Answers questions one at a time. :meth:`prepare` may run in another thread meanwhile."""

    def __init__(self, device: str = "auto", *, process: str = "the interactive worker") -> None:
        self.checks = PairChecks()
        self._device = device
        self._devices = Devices(process)
        self._models: Kept[tuple[FileState | None, str], TgfnetPredictor] = Kept(MODELS_KEPT)
        self._views: Kept[ViewKey, EncodedView] = Kept(VIEWS_KEPT)
        self._loading = threading.Lock()

    def prepare(self, model: str) -> Ready:
        """Load torch and a model ahead of the first question, and let them run once."""
        device = self.claim("auto")
        with suppress(InputRefused):  # a missing model is no reason to be down: whoever asks it is told so then
            self.predictor(find_model(model), device)
        return Ready("worker", __version__, device.name, device.reason)

    def answer(
        self,
        request: AskRequest,
        *,
        progress: ProgressTeller = tell_nobody,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """The answer to ``request``; arrays, the request and the answer itself lie in its folder.

        Stages are told to ``progress`` as they begin. Raises :class:`Cancelled` between stages once ``cancelled``,
        :class:`PairRefused` where the gate refuses the pair, ``ModelNotFound`` or ``ModelDamaged``, and what
        ``engine.jobs.reading`` raises.
        """
        began, stage = time.perf_counter(), stages(progress, cancelled, "The question was stopped.")
        folder = JobFolder(request.folder)
        folder.write_request(request)
        model = find_model(request.model)
        stage("check")  # before the model, as a pair is refused in a second and torch is loaded in several
        check = self.checks.verdict(CheckRequest(request.optical, request.sar, request.gate))
        require_usable(check)
        stage("model")
        device = self.claim(request.device)
        predictor = self.predictor(model, device)
        key = _view_key(request, model, device)
        reused = key in self._views
        view = self._views.get(key, lambda: _encode(request, check, predictor, stage))
        stage("answer")
        prediction = predictor.answer(
            view.features,
            request.question,
            mute=request.mute,
            error_rate=request.error_rate,
            strict=request.strict,
        )
        result = compose(request, view, prediction, predictor, device, folder)
        result = replace(result, view_reused=reused, seconds=time.perf_counter() - began)
        folder.write_result(result)
        return result

    def claim(self, asked: str) -> Device:
        """The device that a request names, held for this process."""
        with self._loading:
            return self._devices.claim(self._device if asked == "auto" else asked)

    def predictor(self, folder: Path, device: Device) -> TgfnetPredictor:
        """The model in ``folder``, loaded once for as long as its card stays what it is.

        Raises ``ModelNotFound`` or ``ModelDamaged``.
        """
        with self._loading:
            return self._models.get((model_state(folder), device.name), lambda: _load(folder, device))


def _encode(
    request: AskRequest, check: PairCheck, predictor: TgfnetPredictor, stage: Callable[[str], None]
) -> EncodedView:
    """Read the area of a pair that the gate let pass, and encode it."""
    stage("read")
    pixels = read_area(request, check, predictor.config.image_size)
    stage("encode")
    optical, sar = pixels.optical, pixels.sar
    features = predictor.encode(
        None if optical is None else optical.values,
        None if optical is None else optical.valid,
        None if sar is None else sar.values,
        None if sar is None else sar.valid,
        pixels.sources.sar_unit or "db",
    )
    return EncodedView(check, pixels, features, predictor.config.image_size)


def _load(folder: Path, device: Device) -> TgfnetPredictor:
    """A model that has run once, as the first run of a process takes many times as long as the others."""
    from engine.vqa.predictor import TgfnetPredictor

    predictor = TgfnetPredictor.load(folder, device.name)
    blank = np.zeros((1, 32, 32), np.float32)
    predictor.answer(predictor.encode(blank, None, blank, None), "Is this a picture?")
    return predictor


def _view_key(request: AskRequest, model: Path, device: Device) -> ViewKey:
    return ViewKey(
        file_state(request.optical),
        file_state(request.sar),
        request.window,
        request.optical_bands,
        request.sar_bands,
        request.gate,
        model_state(model),
        device.name,
    )


def model_state(folder: Path) -> FileState | None:
    """What changes when other weights come into a model's folder: its card, which is written last."""
    return file_state(str(folder / CARD_FILE))
