"""From a prediction to the answer's record: where it holds, what it came from, and what the user should know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from engine import __version__
from engine.catalog import ModelCard
from engine.jobs.device import Device
from engine.jobs.folder import JobFolder
from engine.jobs.reading import AreaPixels, SensorPixels
from engine.records import (
    Alternative,
    Answer,
    AreaUsed,
    AskRequest,
    Box,
    ExpertOpinion,
    ExplanationMap,
    PairCheck,
    Provenance,
)
from engine.text import AREA_ANSWERS, LENGTH_ANSWERS, VIEW_PX, bin_hectares, bin_metres

if TYPE_CHECKING:  # only for their names: the predictor brings torch
    from engine.vqa.predictor import Prediction, View


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
    card: ModelCard,
    device: Device,
    folder: JobFolder,
) -> Answer:
    """The record of an answer; its explanation arrays are written into ``folder``. Raises ``ExportRefused``."""
    area = _area(request, view, card)
    explanations = _explanations(view, prediction, folder)
    return Answer(
        question=request.question,
        answer=prediction.answer,
        confidence=prediction.confidence,
        alternatives=tuple(Alternative(text, probability) for text, probability in prediction.alternatives),
        answer_set=(prediction.answer,),
        experts={
            name: ExpertOpinion(opinion.answer, opinion.probability, opinion.weight)
            for name, opinion in prediction.experts.items()
        },
        explanations=explanations,
        area=area,
        gate=view.check,
        provenance=_provenance(request, view, card, device),
        messages=tuple(_remarks(request, view, area, prediction.answer, prediction.tokens_cut)),
        files=tuple(reason.path for reason in explanations.values()),
    )


def _area(request: AskRequest, view: EncodedView, card: ModelCard) -> AreaUsed:
    pixels = view.pixels
    longer = max(pixels.window.width, pixels.window.height)
    gsd = pixels.grid.gsd_m
    return AreaUsed(
        window=pixels.window,
        grid=pixels.grid,
        model_gsd_m=None if gsd is None else gsd * longer / view.side,
        trained_gsd_m=card.trained_gsd_m,
        valid_optical=_share(pixels.optical, "optical" in request.mute),
        valid_sar=_share(pixels.sar, "sar" in request.mute),
    )


def _share(sensor: SensorPixels | None, muted: bool) -> float | None:
    return None if sensor is None or muted else sensor.share


def _explanations(view: EncodedView, prediction: Prediction, folder: JobFolder) -> dict[str, ExplanationMap]:
    window = view.pixels.window
    x0, y0, x1, y1 = view.features.square_in_area
    square = Box(
        window.col_off + x0 * window.width,
        window.row_off + y0 * window.height,
        window.col_off + x1 * window.width,
        window.row_off + y1 * window.height,
    )
    explanations = {}
    for name, reason in prediction.maps.items():
        path = folder.write_array(name, reason.values)
        rows, columns = reason.values.shape
        explanations[name] = ExplanationMap(
            name=name,
            title=reason.title,
            kind=reason.kind,  # type: ignore[arg-type]  # the predictor says the record's words
            sensor=reason.sensor,  # type: ignore[arg-type]
            path=str(path),
            shape=(rows, columns),
            extent_px=square,
            low=reason.low,
            high=reason.high,
        )
    return explanations


def _provenance(request: AskRequest, view: EncodedView, card: ModelCard, device: Device) -> Provenance:
    check, optical, sar = view.check, view.pixels.optical, view.pixels.sar
    return Provenance(
        optical=check.optical.path if check.optical else None,
        sar=check.sar.path if check.sar else None,
        optical_bands=optical.bands if optical else (),
        sar_bands=sar.bands if sar else (),
        sar_unit=sar.unit if sar else None,
        verdict=check.verdict,
        shift_applied_px=view.pixels.shift_applied_px,
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


def _remarks(request: AskRequest, view: EncodedView, area: AreaUsed, answer: str, tokens_cut: int) -> list[str]:
    """Plain sentences about this answer; what the gate found about the pair is in its own messages."""
    said = []
    gsd, (finest, coarsest) = area.model_gsd_m, area.trained_gsd_m
    if gsd is None:
        said.append("The scale is unknown, so whether the model was trained for it is too.")
    elif not finest <= gsd <= coarsest:
        advice = "Choose a smaller area." if gsd > coarsest else "Choose a larger area."
        said.append(f"{gsd:.1f} m per pixel at the model, outside its range ({finest:g} to {coarsest:g} m). {advice}")
    for name, share in (("optical", area.valid_optical), ("SAR", area.valid_sar)):
        if share is not None and share < 0.995:
            missing = "All" if share == 0 else f"{max(1, round(100 * (1 - share)))} %"
            said.append(f"{missing} of this area has no {name} data.")
    used = [name for name, share in (("optical", area.valid_optical), ("SAR", area.valid_sar)) if share]
    if len(used) == 1:
        said.append(f"The answer comes from the {used[0]} image alone.")
    said += _on_the_ground(answer, view)
    if view.check.verdict == "shifted" and view.pixels.shift_applied_px == (0.0, 0.0):
        said.append("The SAR image is shifted against the optical one, and was used as it lies.")
    if tokens_cut:
        said.append(f"The question is too long for the model, which did not read its last {tokens_cut} tokens.")
    if any(letter.isalpha() and not letter.isascii() for letter in request.question):
        said.append("The models in the box understand English.")
    return said


def _on_the_ground(answer: str, view: EncodedView) -> list[str]:
    """A length or an area, which the networks know in pixels of the 256-pixel view only, in metres or hectares."""
    gsd, window = view.pixels.grid.gsd_m, view.pixels.window
    if gsd is None or answer not in (*LENGTH_ANSWERS, *AREA_ANSWERS):
        return []
    of_view = gsd * max(window.width, window.height) / VIEW_PX
    if answer in LENGTH_ANSWERS:
        return [f"{_capital(_span(*bin_metres(answer, of_view)))} m on the ground."]
    return [f"{_capital(_span(*bin_hectares(answer, of_view)))} ha on the ground."]


def _span(low: float, high: float | None) -> str:
    """A range to three figures: no bin is known better."""
    written = [f"{float(f'{value:.3g}'):,.10g}" for value in (low, high) if value is not None]
    return " to ".join(written) if high is not None else f"more than {written[0]}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
