"""The only door between arrays and the networks: pixels of an area in, an answer with its reasons out, all in numpy.

A view (both sensors over one area) is encoded once; every question on it then costs the text and fusion parts only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.catalog import CalibratedType, ModelCard, check_task, read_card, verify_weights
from engine.errors import InputRefused, ModelDamaged, UsageError
from engine.nn.inputs import finite_mask, room_on_device, square_in_area, square_input
from engine.nn.preprocess import (
    Floats,
    Mask,
    PreprocessSpec,
    Square,
    letterbox,
    patch_mask,
    stretch_optical,
    stretch_sar,
)
from engine.nn.reason_map import ReasonMap
from engine.nn.text import TextEncoder, TextFeatures
from engine.nn.weights import load_weights
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.vqa.build import build_network
from engine.vqa.calibration import Calibration
from engine.vqa.config import CLIP, TgfnetConfig
from engine.vqa.network import EXPERTS, ViewFeatures, VqaNetwork, VqaOutput
from engine.vqa.reasons import reason_maps

if TYPE_CHECKING:  # open_clip is imported only where a model uses it
    from engine.nn.clip import ClipTextEncoder, ClipTowers

TASK = "vqa"
ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class View:
    """One encoded area. ``image_part`` is ``x0, y0, x1, y1``: where the area lies in the square, as fractions of it.

    ``valid_optical`` and ``valid_sar`` are the shares (0..1) of the area with data, None for a sensor not given.
    ``sensors`` are those with data that the network looks at, of ``optical`` and ``sar``.
    """

    features: ViewFeatures
    image_part: tuple[float, float, float, float]
    valid_optical: float | None
    valid_sar: float | None
    sensors: tuple[str, ...]

    @property
    def square_in_area(self) -> tuple[float, float, float, float]:
        """Where the whole square lies, in fractions of the area: see :func:`engine.nn.inputs.square_in_area`."""
        return square_in_area(self.image_part)


@dataclass(frozen=True, slots=True)
class ExpertPrediction:
    """One expert's own answer, its probability, and its AF weight (a sigmoid; the weights need not sum to 1)."""

    answer: str
    probability: float
    weight: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one question. ``probabilities`` [C] follow the card's vocabulary; ``alternatives`` best first.

    ``answer_set`` misses the truth in a share ``error_rate`` of cases at most, best first; where the card has no
    calibration it is the answer alone, and ``error_rate`` None. ``experts`` lacks those whose sensor has no data, and
    is empty for a network without experts. ``sensors`` are those that the answer rests on. ``tokens_cut`` counts
    question tokens that did not fit.
    """

    answer: str
    confidence: float
    probabilities: Floats
    alternatives: tuple[tuple[str, float], ...]
    answer_set: tuple[str, ...]
    error_rate: float | None
    sensors: tuple[str, ...]
    experts: dict[str, ExpertPrediction]
    maps: dict[str, ReasonMap]
    tokens_cut: int


class AreaArrays(NamedTuple):
    """Pixels of an area: ``optical`` [3, h, w] (or one band) and ``sar`` [1, h, w] on one grid, with masks [h, w].

    ``sar_unit`` is a ``records.SarUnit``. Either sensor may be None; a mask of None is that of finite values.
    """

    optical: Floats | None
    optical_valid: Mask | None
    sar: Floats | None
    sar_valid: Mask | None
    sar_unit: str = "db"


class BriefPrediction(NamedTuple):
    """The answer to a question about one of many areas: its place in the vocabulary, and what it rests on."""

    answer_index: int
    confidence: float
    sensors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One area as network input, on the CPU: pictures [3, S, S] and masks [M], then what :class:`View` tells of it."""

    optical: Tensor
    optical_mask: Tensor
    sar: Tensor
    sar_mask: Tensor
    image_part: tuple[float, float, float, float]
    shares: dict[str, float | None]
    sensors: tuple[str, ...]


class TgfnetPredictor:
    """Loaded weights of TGFNet, an ablation or a rival, ready to answer. Not safe for use from two threads at once."""

    def __init__(
        self,
        model: VqaNetwork,
        card: ModelCard,
        text: TextEncoder | ClipTextEncoder,
        device: str = "cpu",
        calibration: Calibration | None = None,
    ) -> None:
        """``calibration`` is that of the card's temperature alone where it is None."""
        self.card = card
        self.config = TgfnetConfig.from_json(card.config)
        self.spec = PreprocessSpec.from_json(card.preprocess)
        self.device = torch.device(device)
        self._model = model.eval().requires_grad_(requires_grad=False).to(self.device)
        self._text = text
        self._calibration = calibration or Calibration(CalibratedType(0, card.temperature, {}), {}, None)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", text_folder: Path | None = None) -> TgfnetPredictor:
        """Load the model in ``folder``; card, hash, configuration and vocabulary are checked before anything is built.

        A frozen CLIP is not in the folder and is looked for as ``engine.nn.clip_sources`` says. ``text_folder`` has the
        files of MiniLM. Raises ModelNotFound or ModelDamaged.
        """
        card = read_card(folder)
        config = check_card(card)
        weights = verify_weights(folder, card)
        calibration = Calibration.load(folder, card)
        towers = _towers(config, card, folder) if config.uses_clip else None
        model = build_network(config, towers)
        load_weights(model, weights)  # fills the towers too where they are stored with the network
        text = _text_encoder(config, towers, device, text_folder)
        return cls(model, card, text, device, calibration)

    @property
    def network(self) -> VqaNetwork:
        """The network itself, in evaluation mode and frozen, for those who score it on whole sets."""
        return self._model

    @property
    def calibration(self) -> Calibration:
        """How its confidence is made honest."""
        return self._calibration

    @property
    def text_encoder(self) -> TextEncoder | ClipTextEncoder:
        """What reads questions."""
        return self._text

    def encode(
        self,
        optical: Floats | None,
        optical_valid: Mask | None,
        sar: Floats | None,
        sar_valid: Mask | None,
        sar_unit: str = "db",
    ) -> View:
        """Encode an area, told as in :class:`AreaArrays`. Raises InputRefused where no sensor that counts has data."""
        seen = self._look(AreaArrays(optical, optical_valid, sar, sar_valid, sar_unit))
        if not seen.sensors:
            raise InputRefused(self._nothing_to_see(), remedy="Choose an area that the images cover.")
        features = self._encode([seen])
        return View(features, seen.image_part, seen.shares["optical"], seen.shares["sar"], seen.sensors)

    def answer(
        self,
        view: View,
        question: str,
        *,
        mute: Collection[str] = (),
        error_rate: float = 0.1,
        strict: bool = False,
    ) -> Prediction:
        """Answer ``question`` about an encoded view. ``mute`` hides ``optical`` or ``sar`` from the network.

        ``error_rate`` is how often the answer set may miss the truth. Raises InputRefused where no data is left to
        answer from, and with ``strict`` where the question is too long; UsageError for an error rate that a card with
        calibration does not have.
        """
        text = self._read(question, strict=strict)
        sensors = self._unmuted(view.sensors, mute)
        features = _without(view.features, mute)
        output = self._ask(features, text)
        return self._prediction(output, features, sensors, text, error_rate)

    def answer_each(
        self, areas: Sequence[AreaArrays], question: str, *, strict: bool = False
    ) -> list[BriefPrediction | None]:
        """Answer one question about each of several areas, as one batch; None for an area without data.

        The answer about an area is the one that :meth:`encode` and :meth:`answer` give, without its reasons. Raises
        InputRefused with ``strict`` where the question is too long.
        """
        text = self._read(question, strict=strict)
        looks = [self._look(area) for area in areas]
        answerable = [seen for seen in looks if seen.sensors]
        if not answerable:
            return [None] * len(looks)
        output = self._ask(self._encode(answerable), text)
        confidence, index = self._probabilities(output, text).max(-1)  # [B]
        said = iter(zip(index.tolist(), confidence.tolist(), strict=True))
        return [BriefPrediction(*next(said), seen.sensors) if seen.sensors else None for seen in looks]

    def tokens_cut(self, question: str) -> int:
        """How many tokens of ``question`` the model does not read."""
        return self._text(question).cut

    def _look(self, area: AreaArrays) -> _Seen:
        """Stretch and letterbox an area by the card's rules."""
        shapes = {image.shape[1:] for image in (area.optical, area.sar) if image is not None}
        if len(shapes) != 1:
            raise UsageError("An area needs at least one sensor, and both sensors on one grid.")
        squares: dict[str, Square] = {}
        shares: dict[str, float | None] = {"optical": None, "sar": None}
        size = self.config.image_size
        if area.optical is not None:
            valid = finite_mask(area.optical, area.optical_valid)
            squares["optical"] = letterbox(stretch_optical(area.optical, valid, self.spec), valid, size)
            shares["optical"] = float(valid.mean())
        if area.sar is not None:
            valid = finite_mask(area.sar, area.sar_valid)
            squares["sar"] = letterbox(stretch_sar(area.sar, valid, area.sar_unit, self.spec), valid, size)
            shares["sar"] = float(valid.mean())
        optical, optical_mask = self._input(squares.get("optical"))
        sar, sar_mask = self._input(squares.get("sar"))
        has_data = {"optical": bool(optical_mask.any()), "sar": bool(sar_mask.any())}
        sensors = tuple(name for name in SENSORS if has_data[name] and self.config.sensors in ("both", name))
        part = next(iter(squares.values())).image_part
        return _Seen(optical, optical_mask, sar, sar_mask, part, shares, sensors)

    def _input(self, square: Square | None) -> tuple[Tensor, Tensor]:
        """A square as network input [3, S, S] and its patch mask [M]; a missing sensor is all masked."""
        size = self.config.image_size
        if square is None:
            return torch.zeros(3, size, size), torch.zeros(self.config.patches, dtype=torch.bool)
        mask = torch.from_numpy(patch_mask(square.valid_share, self.config.patch, self.spec))
        return square_input(square, self.spec)[0], mask

    def _encode(self, looks: Sequence[_Seen]) -> ViewFeatures:
        """Features of B areas, [B, M, D] and masks [B, M] per sensor."""
        with room_on_device(), torch.inference_mode():
            return self._model.encode(
                torch.stack([seen.optical for seen in looks]).to(self.device),  # [B, 3, S, S]
                torch.stack([seen.optical_mask for seen in looks]).to(self.device),  # [B, M]
                torch.stack([seen.sar for seen in looks]).to(self.device),
                torch.stack([seen.sar_mask for seen in looks]).to(self.device),
            )

    def _read(self, question: str, *, strict: bool) -> TextFeatures:
        text = self._text(question)
        if strict and text.cut:
            raise InputRefused(
                f"The question is {text.cut} tokens too long for this model, which reads {self._text.max_tokens}.",
                remedy="Shorten it, or leave the strict mode to have it cut.",
            )
        return text

    def _ask(self, features: ViewFeatures, text: TextFeatures) -> VqaOutput:
        """One question about each of B areas."""
        B, N = features.optical.shape[0], len(text.tokens)
        question = text.tokens.to(self.device).expand(B, N, -1)  # [B, N, text width]
        with room_on_device(), torch.inference_mode():
            return self._model(  # type: ignore[no-any-return]
                features, question, torch.ones(B, N, dtype=torch.bool, device=self.device)
            )

    def _unmuted(self, sensors: tuple[str, ...], mute: Collection[str]) -> tuple[str, ...]:
        """The sensors that are left to answer from. Raises InputRefused where there is none."""
        unknown = set(mute) - set(SENSORS)
        if unknown:
            raise UsageError(f"There is no sensor “{min(unknown)}” to mute.", remedy="Mute optical or sar.")
        left = tuple(name for name in sensors if name not in mute)
        if not left:
            raise InputRefused(
                "This question cannot be answered: with these sensors muted, no data is left in the area.",
                remedy="Unmute a sensor that has data here.",
            )
        return left

    def _nothing_to_see(self) -> str:
        if self.config.sensors == "both":
            return "This area cannot be asked about: neither sensor has data in it."
        sensor = SENSOR_SAID[self.config.sensors]
        return f"This area cannot be asked about: {self.card.name} looks at {sensor} only, which has no data in it."

    def _probabilities(self, output: VqaOutput, text: TextFeatures) -> Tensor:
        """Calibrated, [B, C]; all B rows are of one question."""
        B = output.logits.shape[0]
        return self._calibration.probabilities(output.logits, _pooled(text).expand(B, -1))

    def _answer_set(
        self, probabilities: Tensor, text: TextFeatures, error_rate: float
    ) -> tuple[tuple[str, ...], float | None]:
        """The conformal set of one question, best first, and its error rate; the answer and None without one."""
        if not self._calibration.error_rates:
            return (self.card.answers[int(probabilities[0].argmax())],), None
        (members,) = self._calibration.answer_sets(probabilities, _pooled(text), error_rate)
        return tuple(self.card.answers[i] for i in members), error_rate

    def _prediction(
        self,
        output: VqaOutput,
        features: ViewFeatures,
        sensors: tuple[str, ...],
        text: TextFeatures,
        error_rate: float,
    ) -> Prediction:
        answers = self.card.answers
        calibrated = self._probabilities(output, text)  # [1, C]
        answer_set, kept_rate = self._answer_set(calibrated, text, error_rate)
        probabilities = _array(calibrated[0])  # [C]
        best = np.argsort(-probabilities, kind="stable")[:ALTERNATIVES]
        return Prediction(
            answer=answers[int(best[0])],
            confidence=float(probabilities[best[0]]),
            probabilities=probabilities,
            alternatives=tuple((answers[int(i)], float(probabilities[i])) for i in best),
            answer_set=answer_set,
            error_rate=kept_rate,
            sensors=sensors,
            experts=self._experts(output),
            maps=reason_maps(output, features, self.config),
            tokens_cut=text.cut,
        )

    def _experts(self, output: VqaOutput) -> dict[str, ExpertPrediction]:
        """Those that are present, of one question; a network without experts has none."""
        if output.expert_logits.shape[1] == 0:
            return {}
        each = _array(output.expert_logits[0].softmax(-1))  # [E, C]
        weights, present = _array(output.weights[0]), output.present[0].tolist()
        return {
            name: ExpertPrediction(self.card.answers[int(each[e].argmax())], float(each[e].max()), float(weights[e]))
            for e, name in enumerate(EXPERTS)
            if present[e]
        }


def check_card(card: ModelCard) -> TgfnetConfig:
    """The configuration of a TGFNet's card, its task and vocabulary checked. Raises ModelDamaged."""
    check_task(card, TASK, remedy="Name a model that answers.")
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


def _towers(config: TgfnetConfig, card: ModelCard, folder: Path) -> ClipTowers:
    """CLIP's towers: the architecture where the weights' file fills them, else with the weights that the card names."""
    from engine.nn.clip import build_clip, load_clip

    own = config.clip_model in card.extra_files  # and its hash was checked with the weights
    model = str(folder / config.clip_model) if own else config.clip_model
    if config.clip_stored:
        return build_clip(model)
    name = f"CLIP {config.clip_model}, {config.clip_weights}"
    hashes = [sha256 for part in card.pretrained if part.name == name for sha256 in part.files_sha256.values()]
    return load_clip(model, config.clip_weights, sha256=hashes[0] if hashes else "")


def _text_encoder(
    config: TgfnetConfig, towers: ClipTowers | None, device: str, text_folder: Path | None
) -> TextEncoder | ClipTextEncoder:
    if towers is None or config.text_encoder != CLIP:
        return TextEncoder(text_folder, max_tokens=config.max_tokens)
    from engine.nn.clip import ClipTextEncoder, ClipTokenizer

    return ClipTextEncoder(towers.text.to(device), ClipTokenizer(config.max_tokens))


def _pooled(text: TextFeatures) -> Tensor:
    """The mean text feature [1, W], which tells the type of a question."""
    return text.tokens.mean(0, keepdim=True)


def _without(features: ViewFeatures, mute: Collection[str]) -> ViewFeatures:
    """As if the sensors of ``mute`` had no data."""
    if "optical" in mute:
        features = features._replace(optical_mask=torch.zeros_like(features.optical_mask))
    if "sar" in mute:
        features = features._replace(sar_mask=torch.zeros_like(features.sar_mask))
    return features


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
