"""From a prediction to the answer's record: where it holds, what it came from, and what the user should know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from engine import __version__
from engine.catalog import ModelCard
from engine.jobs.device import Device
from engine.jobs.folder import JobFolder
from engine.jobs.reading import AreaPixels, SensorPixels, Sources
from engine.jobs.remarks import (
    alone_remark,
    calibration_remarks,
    capital,
    data_remarks,
    on_the_ground,
    question_remarks,
    scale_remarks,
    shift_remarks,
)
from engine.records import (
    Alternative,
    Answer,
    AreaRequest,
    AreaUsed,
    AskRequest,
    Box,
    ExpertOpinion,
    ExplanationMap,
    Grid,
    PairCheck,
    PixelWindow,
    Provenance,
)

if TYPE_CHECKING:  # only for their names: the predictor brings torch
    from engine.nn.reason_map import ReasonMap
    from engine.vqa.predictor import Prediction, TgfnetPredictor, View


@dataclass(frozen=True, slots=True)
class EncodedView:
    """A view and what was found on the way to it. ``side`` is the model's square in pixels."""

    check: PairCheck
    pixels: AreaPixels
    features: View
    side: int


def compose(
    request: AskRequest,
    view: EncodedView,
    prediction: Prediction,
    predictor: TgfnetPredictor,
    device: Device,
    folder: JobFolder,
) -> Answer:
    """The record of an answer; its explanation arrays are written into ``folder``. Raises ``ExportRefused``."""
    pixels = view.pixels
    area = area_used(
        pixels.window,
        pixels.grid,
        view.side,
        predictor.card,
        valid_optical=_share(pixels.optical, "optical" in request.mute),
        valid_sar=_share(pixels.sar, "sar" in request.mute),
    )
    explanations = written_maps(prediction.maps, pixels.window, view.features.square_in_area, folder)
    return Answer(
        question=request.question,
        answer=prediction.answer,
        confidence=prediction.confidence,
        alternatives=tuple(Alternative(text, probability) for text, probability in prediction.alternatives),
        answer_set=prediction.answer_set,
        experts={
            name: ExpertOpinion(opinion.answer, opinion.probability, opinion.weight)
            for name, opinion in prediction.experts.items()
        },
        explanations=explanations,
        area=area,
        gate=view.check,
        provenance=provenance_of(request, view.check, view.pixels.sources, predictor.card, device),
        messages=tuple(_remarks(request, view, area, prediction, predictor)),
        files=tuple(reason.path for reason in explanations.values()),
        error_rate=prediction.error_rate,
        sensors=prediction.sensors,
    )


def area_used(
    window: PixelWindow,
    grid: Grid,
    side: int,
    card: ModelCard,
    *,
    valid_optical: float | None,
    valid_sar: float | None,
) -> AreaUsed:
    """``window`` of ``grid`` as it went into the model's square of ``side`` pixels at once."""
    gsd = grid.gsd_m
    return AreaUsed(
        window=window,
        grid=grid,
        model_gsd_m=None if gsd is None else gsd * max(window.width, window.height) / side,
        trained_gsd_m=card.trained_gsd_m,
        valid_optical=valid_optical,
        valid_sar=valid_sar,
    )


def _share(sensor: SensorPixels | None, muted: bool) -> float | None:
    return None if sensor is None or muted else sensor.share


def written_maps(
    maps: Mapping[str, ReasonMap], window: PixelWindow, square: tuple[float, float, float, float], folder: JobFolder
) -> dict[str, ExplanationMap]:
    """The records of ``maps``, whose arrays are written into ``folder``. Raises ``ExportRefused``.

    ``square`` is where the model's square lies, in fractions of ``window``: ``x0, y0, x1, y1``.
    """
    x0, y0, x1, y1 = square
    explanations = {}
    for name, reason in maps.items():
        path = folder.write_array(name, reason.values)
        rows, columns = reason.values.shape
        across, down = reason.span
        explanations[name] = ExplanationMap(
            name=name,
            title=reason.title,
            kind=reason.kind,  # type: ignore[arg-type]  # the predictor says the record's words
            sensor=reason.sensor,  # type: ignore[arg-type]
            path=str(path),
            shape=(rows, columns),
            extent_px=Box(
                window.col_off + x0 * window.width,
                window.row_off + y0 * window.height,
                window.col_off + (x0 + across * (x1 - x0)) * window.width,
                window.row_off + (y0 + down * (y1 - y0)) * window.height,
            ),
            low=reason.low,
            high=reason.high,
        )
    return explanations


def provenance_of(
    request: AreaRequest, check: PairCheck, sources: Sources, card: ModelCard, device: Device
) -> Provenance:
    """What an answer was made from, and with what, now."""
    return Provenance(
        optical=check.optical.path if check.optical else None,
        sar=check.sar.path if check.sar else None,
        optical_bands=sources.optical_bands,
        sar_bands=sources.sar_bands,
        sar_unit=sources.sar_unit,
        verdict=check.verdict,
        shift_applied_px=sources.shift_applied_px,
        model=card.name,
        model_sha256=card.sha256,
        software=f"rsqa {__version__}, torch {_torch_version()}",
        device=device.name,
        time_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        assume_registered=request.gate.assume_registered,
    )


@cache
def _torch_version() -> str:
    return version("torch")


def _remarks(
    request: AskRequest, view: EncodedView, area: AreaUsed, prediction: Prediction, predictor: TgfnetPredictor
) -> list[str]:
    alone = alone_remark(
        request, prediction.sensors, looks_at=predictor.config.sensors, has_experts=bool(prediction.experts)
    )
    window = view.pixels.window
    ground = on_the_ground(prediction.answer, max(window.width, window.height), view.pixels.grid.gsd_m)
    return [
        *scale_remarks(area),
        *data_remarks(area),
        *([alone] if alone else []),
        *([capital(ground)] if ground else []),
        *shift_remarks(view.check, view.pixels.sources.shift_applied_px),
        *question_remarks(request, prediction.tokens_cut),
        *calibration_remarks(request, predictor.card),
    ]
