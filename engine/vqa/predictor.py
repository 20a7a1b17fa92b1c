"""The only door between arrays and TGFNet: pixels of an area in, an answer with its reasons out, all in numpy.

A view (both sensors over one area) is encoded once; every question on it then costs the text and fusion parts only.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.catalog import ModelCard, read_card, verify_weights
from engine.errors import InputRefused, ModelDamaged, OutOfDeviceMemory, UsageError
from engine.nn.text import TextEncoder
from engine.nn.weights import load_weights
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.model import Tgfnet
from engine.vqa.network import EXPERTS, ViewFeatures, VqaOutput
from engine.vqa.preprocess import (
    Floats,
    Mask,
    PreprocessSpec,
    Square,
    letterbox,
    patch_mask,
    stretch_optical,
    stretch_sar,
)

TASK = "vqa"
SENSORS = ("optical", "sar")
ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class View:
    """One encoded area. ``image_part`` is ``x0, y0, x1, y1``: where the area lies in the square, as fractions of it.

    ``valid_optical`` and ``valid_sar`` are the shares (0..1) of the area with data, None for a sensor not given.
    """

    features: ViewFeatures
    image_part: tuple[float, float, float, float]
    valid_optical: float | None
    valid_sar: float | None

    @property
    def square_in_area(self) -> tuple[float, float, float, float]:
        """``x0, y0, x1, y1`` of the whole square in fractions of the area; below 0 or above 1 where it is padding.

        An explanation map is spread over this rectangle.
        """
        x0, y0, x1, y1 = self.image_part
        width, height = x1 - x0, y1 - y0
        return -x0 / width, -y0 / height, (1.0 - x0) / width, (1.0 - y0) / height


@dataclass(frozen=True, slots=True)
class ExpertPrediction:
    """One expert's own answer, its probability, and its AF weight (a sigmoid; the weights need not sum to 1)."""

    answer: str
    probability: float
    weight: float


@dataclass(frozen=True, slots=True)
class ReasonMap:
    """One reason as float32 ``values`` [rows, columns] over the model's square; NaN where it says nothing.

    ``kind`` and ``sensor`` are those of ``records.ExplanationMap``; ``low`` and ``high`` the ends of its legend.
    """

    title: str
    kind: str
    sensor: str
    values: Floats
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one question. ``probabilities`` [C] follow the card's vocabulary; ``alternatives`` best first.

    ``experts`` lacks those whose sensor has no data. ``tokens_cut`` counts question tokens that did not fit.
    """

    answer: str
    confidence: float
    probabilities: Floats
    alternatives: tuple[tuple[str, float], ...]
    experts: dict[str, ExpertPrediction]
    maps: dict[str, ReasonMap]
    tokens_cut: int


class TgfnetPredictor:
    """Loaded weights, ready to answer. Not safe for use from two threads at once."""

    def __init__(self, model: Tgfnet, card: ModelCard, text: TextEncoder, device: str = "cpu") -> None:
        self.card = card
        self.config = TgfnetConfig.from_json(card.config)
        self.spec = PreprocessSpec.from_json(card.preprocess)
        self.device = torch.device(device)
        self._model = model.eval().requires_grad_(requires_grad=False).to(self.device)
        self._text = text

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", text_folder: Path | None = None) -> TgfnetPredictor:
        """Load the model in ``folder``; card, hash, configuration and vocabulary are checked before anything is built.

        Raises ModelNotFound or ModelDamaged.
        """
        card = read_card(folder)
        config = check_card(card)
        weights = verify_weights(folder, card)
        model = build_network(config)
        load_weights(model, weights)
        return cls(model, card, TextEncoder(text_folder, max_tokens=config.max_tokens), device)

    def encode(
        self,
        optical: Floats | None,
        optical_valid: Mask | None,
        sar: Floats | None,
        sar_valid: Mask | None,
        sar_unit: str = "db",
    ) -> View:
        """Encode an area: ``optical`` [3, h, w] (or one band) and ``sar`` [1, h, w] on one grid, with masks [h, w].

        ``sar_unit`` is a ``records.SarUnit``. Either sensor may be None. Raises InputRefused where neither has data.
        """
        shapes = {image.shape[1:] for image in (optical, sar) if image is not None}
        if len(shapes) != 1:
            raise UsageError("An area needs at least one sensor, and both sensors on one grid.")
        squares: dict[str, Square] = {}
        shares: dict[str, float | None] = {"optical": None, "sar": None}
        size = self.config.image_size
        if optical is not None:
            valid = _mask(optical, optical_valid)
            squares["optical"] = letterbox(stretch_optical(optical, valid, self.spec), valid, size)
            shares["optical"] = float(valid.mean())
        if sar is not None:
            valid = _mask(sar, sar_valid)
            squares["sar"] = letterbox(stretch_sar(sar, valid, sar_unit, self.spec), valid, size)
            shares["sar"] = float(valid.mean())
        optical_input, optical_mask = self._input(squares.get("optical"))
        sar_input, sar_mask = self._input(squares.get("sar"))
        if not bool(optical_mask.any() | sar_mask.any()):
            raise InputRefused(
                "This area cannot be asked about: neither sensor has data in it.",
                remedy="Choose an area that the images cover.",
            )
        try:
            with torch.inference_mode():
                features = self._model.encode(optical_input, optical_mask, sar_input, sar_mask)
        except torch.cuda.OutOfMemoryError as error:
            raise OutOfDeviceMemory(
                "The GPU has no room for one more view.", remedy="Close other programs that use it, or use the CPU."
            ) from error
        part = next(iter(squares.values())).image_part
        return View(features, part, shares["optical"], shares["sar"])

    def answer(self, view: View, question: str, *, mute: Collection[str] = ()) -> Prediction:
        """Answer ``question`` about an encoded view. ``mute`` hides ``optical`` or ``sar`` from the network.

        Raises InputRefused where no data is left to answer from.
        """
        tokens, cut = self._text(question)
        features = self._muted(view.features, mute)
        question_mask = torch.ones(1, len(tokens), dtype=torch.bool, device=self.device)
        with torch.inference_mode():
            output = self._model(features, tokens.unsqueeze(0).to(self.device), question_mask)
        return self._prediction(output, features, cut)

    def _input(self, square: Square | None) -> tuple[Tensor, Tensor]:
        """A square as network input [1, 3, S, S] and its patch mask [1, M]; a missing sensor is all masked."""
        size = self.config.image_size
        if square is None:
            return (
                torch.zeros(1, 3, size, size, device=self.device),
                torch.zeros(1, self.config.patches, dtype=torch.bool, device=self.device),
            )
        pixels = normalise(torch.from_numpy(square.values), torch.from_numpy(square.valid_share > 0.5), self.spec)
        mask = torch.from_numpy(patch_mask(square.valid_share, self.config.patch, self.spec))
        return pixels.expand(3, size, size).unsqueeze(0).to(self.device), mask.unsqueeze(0).to(self.device)

    def _muted(self, features: ViewFeatures, mute: Collection[str]) -> ViewFeatures:
        unknown = set(mute) - set(SENSORS)
        if unknown:
            raise UsageError(f"There is no sensor “{min(unknown)}” to mute.", remedy="Mute optical or sar.")
        if "optical" in mute:
            features = features._replace(optical_mask=torch.zeros_like(features.optical_mask))
        if "sar" in mute:
            features = features._replace(sar_mask=torch.zeros_like(features.sar_mask))
        if not bool(features.optical_mask.any() | features.sar_mask.any()):
            raise InputRefused(
                "This question cannot be answered: with these sensors muted, no data is left in the area.",
                remedy="Unmute a sensor that has data here.",
            )
        return features

    def _prediction(self, output: VqaOutput, features: ViewFeatures, cut: int) -> Prediction:
        answers = self.card.answers
        probabilities = _array((output.logits[0] / self.card.temperature).softmax(-1))
        best = np.argsort(-probabilities, kind="stable")[:ALTERNATIVES]
        each = _array(output.expert_logits[0].softmax(-1))
        weights, present = _array(output.weights[0]), output.present[0].tolist()
        experts = {
            name: ExpertPrediction(answers[int(each[e].argmax())], float(each[e].max()), float(weights[e]))
            for e, name in enumerate(EXPERTS)
            if present[e]
        }
        return Prediction(
            answer=answers[int(best[0])],
            confidence=float(probabilities[best[0]]),
            probabilities=probabilities,
            alternatives=tuple((answers[int(i)], float(probabilities[i])) for i in best),
            experts=experts,
            maps=self._maps(output, features),
            tokens_cut=cut,
        )

    def _maps(self, output: VqaOutput, features: ViewFeatures) -> dict[str, ReasonMap]:
        """Key regions and attention per sensor with data, and the trust map where both have some."""
        maps: dict[str, ReasonMap] = {}
        grid, region_grid = self.config.grid, self.config.region_grid
        titles = {"optical": "optical", "sar": "SAR"}
        for sensor, refined, mask in (
            ("optical", output.optical, features.optical_mask),
            ("sar", output.sar, features.sar_mask),
        ):
            if not bool(mask.any()):
                continue
            scores = _array(refined.scores[0].masked_fill(~refined.kept[0], torch.nan)).reshape(region_grid, -1)
            shown = _array(refined.attention[0].masked_fill(~mask[0], torch.nan)).reshape(grid, -1)
            maps[f"regions-{sensor}"] = ReasonMap(
                f"Key regions (CFAR: coarse-to-fine attention), {titles[sensor]}", "regions", sensor, scores,
                float(np.nanmin(scores)), float(np.nanmax(scores)),
            )  # fmt: skip
            maps[f"attention-{sensor}"] = ReasonMap(
                f"Attention, {titles[sensor]}", "attention", sensor, shown, 0.0, float(np.nanmax(shown))
            )
        if len(maps) == 4:
            either = features.optical_mask[0] | features.sar_mask[0]
            trust = _array(output.trust[0].masked_fill(~either, torch.nan)).reshape(grid, -1)
            maps["trust"] = ReasonMap("Sensor trust", "trust", "both", trust, 0.0, 1.0)
        return maps


def check_card(card: ModelCard) -> TgfnetConfig:
    """The configuration of a TGFNet's card, its task and vocabulary checked. Raises ModelDamaged."""
    if card.task != TASK:
        raise ModelDamaged(
            f"{card.name} was made for the task {card.task}, not for {TASK}.", remedy="Name a model that answers."
        )
    config = TgfnetConfig.from_json(card.config)
    if len(card.answers) != config.answers or len(set(card.answers)) != config.answers:
        raise ModelDamaged(
            f"The card of {card.name} lists {len(set(card.answers))} answers, its network has {config.answers}.",
            remedy="Weights and card are of two different models: copy the model's folder again.",
        )
    if not card.temperature > 0:
        raise ModelDamaged(
            f"The card of {card.name} has the temperature {card.temperature}, which is not above 0.",
            remedy="Copy the model's folder again.",
        )
    return config


def normalise(values: Tensor, valid: Tensor, spec: PreprocessSpec) -> Tensor:
    """``values`` [..., C, S, S] in 0..1 -> network input; 0, the mean, where ``valid`` [..., S, S] is False."""
    return ((values - spec.mean) / spec.std) * valid.unsqueeze(-3)


def _mask(image: Floats, valid: Mask | None) -> Mask:
    """Valid and finite in every band, [h, w]."""
    finite: Mask = np.asarray(np.isfinite(image).all(axis=0))
    return finite if valid is None else np.asarray(finite & valid)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
