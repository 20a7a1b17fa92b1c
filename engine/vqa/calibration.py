"""Honest confidence: a temperature per type of question, and sets of answers that hold the truth as often as promised.

Both are fitted on the validation split. Temperature scaling is Guo et al. 2017; the sets are split conformal
(``engine.metrics.conformal``), which promises its coverage for questions like those of the validation split only.
Whoever asks freely names no type: a linear probe on the mean text feature tells it. Figures are therefore those of the
validation questions that were *told* to be of a type, its mistakes included: fitted as they are used. Where the probe
is unsure, or tells a type too rarely, what was fitted on all questions holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.catalog import CalibratedType, CardCalibration, ModelCard, file_sha256, verify_extra_file
from engine.errors import ModelDamaged, UsageError
from engine.metrics import ALL, conformal_threshold, prediction_set, true_scores
from engine.vqa.scored import Scored

CALIBRATION_FILE = "calibration.safetensors"
ERROR_RATES = (0.05, 0.1, 0.2)
LEAST_QUESTIONS = 30
"""A type that fewer validation questions were told to be of has no figures of its own."""

SURE_FROM = 0.6
TEMPERATURES = (0.1, 10.0)

PROBE_QUESTIONS, PROBE_STEPS, PROBE_DECAY = 20_000, 60, 1e-4
"""At most so many questions are enough for a probe; steps of L-BFGS; L2 penalty on its weights."""


@dataclass(frozen=True, slots=True)
class TypeProbe:
    """Multinomial logistic regression: the type of a question from its mean text feature.

    ``weight`` [K, W] and ``bias`` [K] for the K ``types``; a type is believed from the probability ``sure_from`` up.
    """

    types: tuple[str, ...]
    weight: Tensor
    bias: Tensor
    sure_from: float = SURE_FROM

    def tell(self, text_pooled: Tensor) -> list[str]:
        """The type of each question from ``text_pooled`` [Q, W]; ``ALL`` where the probe is unsure."""
        features = text_pooled.float().cpu()
        share, best = (features @ self.weight.T + self.bias).softmax(-1).max(-1)  # [Q]
        told = zip(share.tolist(), best.tolist(), strict=True)
        return [self.types[k] if sure >= self.sure_from else ALL for sure, k in told]

    def accuracy(self, text_pooled: Tensor, types: Sequence[str]) -> float:
        """Share of questions whose type is told, and rightly; 0 of none."""
        told = self.tell(text_pooled)
        return sum(a == b for a, b in zip(told, types, strict=True)) / max(len(told), 1)


def fit_probe(text_pooled: Tensor, types: Sequence[str], *, sure_from: float = SURE_FROM) -> TypeProbe:
    """A probe from questions with known ``types``: ``text_pooled`` [Q, W] is their mean text feature.

    Features are standardised while it is fitted; the weights undo that. Raises UsageError where there is no question.
    """
    if not types:
        raise UsageError("A probe of question types cannot be fitted without questions.")
    names = tuple(sorted(set(types)))
    kept = torch.linspace(0, len(types) - 1, min(len(types), PROBE_QUESTIONS)).round().long()
    target = torch.tensor([names.index(kind) for kind in types])[kept]
    features = text_pooled.float().cpu()[kept]
    mean, spread = features.mean(0), features.std(0, unbiased=False).clamp(min=1e-6)
    scaled = (features - mean) / spread
    weight = torch.zeros(len(names), features.shape[1], requires_grad=True)
    bias = torch.zeros(len(names), requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=PROBE_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(scaled @ weight.T + bias, target) + PROBE_DECAY * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    plain = weight.detach() / spread
    return TypeProbe(names, plain, bias.detach() - plain @ mean, sure_from)


@dataclass(frozen=True, slots=True)
class Calibration:
    """``common`` figures for any question, those of ``types`` for questions that ``probe`` tells to be of one.

    Without a probe (older cards) the common figures hold for all.
    """

    common: CalibratedType
    types: dict[str, CalibratedType]
    probe: TypeProbe | None

    @property
    def error_rates(self) -> tuple[float, ...]:
        """The error rates that answer sets can be had for; none on older cards."""
        return tuple(sorted(float(rate) for rate in self.common.thresholds))

    def figures(self, text_pooled: Tensor) -> list[CalibratedType]:
        """What holds for each question of ``text_pooled`` [Q, W]."""
        if self.probe is None:
            return [self.common] * len(text_pooled)
        return [self.types.get(kind, self.common) for kind in self.probe.tell(text_pooled)]

    def probabilities(self, logits: Tensor, text_pooled: Tensor) -> Tensor:
        """Calibrated probabilities [Q, C] from ``logits`` [Q, C] and the questions' mean text feature [Q, W]."""
        temperature = torch.tensor([figure.temperature for figure in self.figures(text_pooled)], device=logits.device)
        return (logits.float() / temperature.unsqueeze(1)).softmax(-1)

    def answer_sets(self, probabilities: Tensor, text_pooled: Tensor, error_rate: float) -> list[tuple[int, ...]]:
        """Per question the answers that may be true at ``error_rate``, best first, the best always in.

        ``probabilities`` [Q, C] are those of :meth:`probabilities`. Raises UsageError for an error rate that nothing
        was fitted for.
        """
        key = rate_key(error_rate)
        if key not in self.common.thresholds:
            known = ", ".join(f"{rate:g}" for rate in self.error_rates) or "none: fit the model's calibration anew"
            raise UsageError(
                f"There are no answer sets for the error rate {error_rate:g}.", remedy=f"Choose one of {known}."
            )
        rows = probabilities.float().cpu().numpy()
        return [
            prediction_set(row, figure.thresholds[key])
            for row, figure in zip(rows, self.figures(text_pooled), strict=True)
        ]

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the probe into ``folder``, whole or not at all; returns the fields of the card that tell the rest.

        To be used as ``replace(card, **calibration.save(folder))``: ``temperature``, ``calibration``, ``extra_files``.
        """
        if self.probe is None:
            return {"temperature": self.common.temperature, "calibration": None, "extra_files": {}}
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / CALIBRATION_FILE
        temporary = path.with_suffix(".part")
        save_file({"weight": self.probe.weight.contiguous(), "bias": self.probe.bias.contiguous()}, temporary)
        temporary.chmod(0o644)  # safetensors writes for the owner alone; weights are for every user of a machine
        temporary.replace(path)
        return {
            "temperature": self.common.temperature,
            "calibration": CardCalibration(self.common, self.types, self.probe.types, self.probe.sure_from),
            "extra_files": {CALIBRATION_FILE: file_sha256(path)},
        }

    @classmethod
    def load(cls, folder: Path, card: ModelCard) -> Calibration:
        """The calibration of the model in ``folder``; of a card without one, its temperature for every question.

        Raises ModelDamaged where the probe's file is missing, not the card's, or does not fit it.
        """
        stored = card.calibration
        if stored is None:
            return cls(CalibratedType(0, card.temperature, {}), {}, None)
        path = verify_extra_file(folder, card, CALIBRATION_FILE)
        try:
            tensors = load_file(path)
            weight, bias = tensors["weight"], tensors["bias"]
        except (SafetensorError, OSError, KeyError) as error:
            raise ModelDamaged(f"{path} cannot be read: {error}.", remedy="Copy the model's folder again.") from error
        if weight.ndim != 2 or (len(weight), len(bias)) != (len(stored.told), len(stored.told)):
            raise ModelDamaged(
                f"{path} does not fit the card of {card.name}, which names {len(stored.told)} types of question.",
                remedy="File and card are of two different models: copy the model's folder again.",
            )
        return cls(stored.common, stored.types, TypeProbe(stored.told, weight, bias, stored.sure_from))


def fit_calibration(
    scored: Scored,
    types: Sequence[str],
    text_pooled: Tensor,
    error_rates: Sequence[float] = ERROR_RATES,
    *,
    probe: TypeProbe | None = None,
    least: int = LEAST_QUESTIONS,
) -> Calibration:
    """Fit temperatures and thresholds on a validation split: ``types`` and ``text_pooled`` [Q, W] of its questions.

    Questions are grouped by the type that ``probe`` tells of them, as they will be when somebody asks: of questions
    like these, the sets of each group hold the truth as often as promised, however often the probe errs. A group of
    fewer than ``least`` has no figures, and for it, as for questions of which no type is told, the common ones hold,
    which are fitted on all questions: what they promise is a mean over all.

    Without ``probe`` one is fitted on these same questions and their ``types``; it knows them better than it will know
    others, so that the promise is weaker than with one from other questions. Questions whose answer is not in the
    vocabulary are left out. Raises UsageError where none is left.
    """
    known = scored.answer >= 0
    if not known.any():
        raise UsageError("Calibration needs questions whose answers the model knows, and there are none.")
    logits, answer = scored.logits[known], scored.answer[known]
    probe = probe or fit_probe(text_pooled, types)
    told = np.asarray(probe.tell(text_pooled))[known]
    each = {
        str(kind): fit_figures(logits[told == kind], answer[told == kind], error_rates)
        for kind in np.unique(told)
        if kind != ALL and np.count_nonzero(told == kind) >= least
    }
    return Calibration(fit_figures(logits, answer, error_rates), each, probe)


def fit_figures(logits: NDArray[np.float32], answer: NDArray[np.int64], error_rates: Sequence[float]) -> CalibratedType:
    """The figures of one group of questions: ``logits`` [Q, C], ``answer`` [Q] in the vocabulary."""
    temperature = fit_temperature(logits, answer)
    scores = true_scores((torch.from_numpy(logits) / temperature).softmax(-1).numpy(), answer)
    thresholds = {rate_key(rate): conformal_threshold(scores, rate) for rate in error_rates}
    return CalibratedType(len(answer), temperature, thresholds)


def fit_temperature(logits: NDArray[np.float32], answer: NDArray[np.int64]) -> float:
    """The temperature within ``TEMPERATURES`` that minimises the cross-entropy of ``logits`` [Q, C] / temperature.

    In β = 1/temperature the cross-entropy is convex, and its slope is the mean of E_softmax(βz)[z] − z_answer: the root
    of that is found by halving.
    """
    values = torch.from_numpy(logits).double()
    target = values.gather(1, torch.from_numpy(answer).unsqueeze(1)).mean()
    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    for _ in range(40):
        middle = (low * high) ** 0.5
        expected = ((middle * values).softmax(-1) * values).sum(-1).mean()
        low, high = (middle, high) if expected < target else (low, middle)
    return float(1 / (low * high) ** 0.5)


def rate_key(error_rate: float) -> str:
    """An error rate as it stands on the card: ``0.1``."""
    return f"{error_rate:g}"
