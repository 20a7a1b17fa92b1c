"""Scores of a TGFNet on held-out scenes: OA, AA, per type, per weather, calibration, and each sensor alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from engine.metrics import BOTH_SENSOR_TYPES, AnswerTally, expected_calibration_error
from engine.vqa.config import TgfnetConfig
from engine.vqa.model import Tgfnet
from engine.vqa.preprocess import PreprocessSpec
from engine.vqa.scene_data import SceneSet
from engine.vqa.task import QuestionTable, score_set


@dataclass(frozen=True, slots=True)
class Scored:
    """Final and expert logits on every question of a set: [Q, C] and [Q, 3, C], AF weights [Q, 3], answers [Q]."""

    logits: NDArray[np.float32]
    expert_logits: NDArray[np.float32]
    weights: NDArray[np.float32]
    answer: NDArray[np.int64]

    def right(self, logits: NDArray[np.float32] | None = None) -> NDArray[np.bool_]:
        """Which questions are answered correctly, by the final logits or by others [Q, C]."""
        chosen = (self.logits if logits is None else logits).argmax(-1)
        return np.asarray(chosen == self.answer)


def score(
    model: Tgfnet,
    scenes: SceneSet,
    table: QuestionTable,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    *,
    device: str = "cpu",
    mute: Sequence[str] = (),
) -> Scored:
    """Run the model (in evaluation mode) over a whole set."""
    logits, experts, weights, order = [], [], [], []
    for output, questions in score_set(model, scenes, table, config, preprocess, torch.device(device), mute=mute):
        logits.append(output.logits.float().cpu())
        experts.append(output.expert_logits.float().cpu())
        weights.append(output.weights.float().cpu())
        order.append(questions)
    index = torch.cat(order)
    back = index.argsort()  # batches keep the order of questions, but nothing here relies on it
    return Scored(
        torch.cat(logits)[back].numpy(),
        torch.cat(experts)[back].numpy(),
        torch.cat(weights)[back].numpy(),
        table.answer.numpy(),
    )


def fit_temperature(scored: Scored) -> float:
    """The temperature that minimises the cross-entropy of ``scored`` (Guo et al. 2017), within 0.25 .. 4."""
    logits = torch.from_numpy(scored.logits)
    answer = torch.from_numpy(scored.answer)

    def cross_entropy(log_temperature: float) -> float:
        return float(torch.nn.functional.cross_entropy(logits / np.exp(log_temperature), answer))

    found = minimize_scalar(cross_entropy, bounds=(np.log(0.25), np.log(4.0)), method="bounded")
    return float(np.exp(found.x))


def confidence(scored: Scored, temperature: float) -> NDArray[np.float32]:
    """Probability of the chosen answer, [Q]."""
    probabilities = torch.from_numpy(scored.logits).div(temperature).softmax(-1)
    return probabilities.amax(-1).numpy()


def answer_metrics(scored: Scored, scenes: SceneSet, temperature: float) -> dict[str, Any]:
    """OA, AA, per type, the same over the types that one image can answer, per weather, ECE, AF weights, as JSON."""
    right = scored.right()
    types = [question.type for question in scenes.questions]
    by_type = AnswerTally.of(zip(types, right.tolist(), strict=True))
    return by_type.scores() | {
        "per_weather": per_weather(right, scenes),
        "ECE": expected_calibration_error(confidence(scored, temperature), right),
        "questions": len(right),
        "scenes": len(scenes.weather),
        "mean_expert_weights": dict(
            zip(("optical", "sar", "fusion"), scored.weights.mean(0).astype(float).tolist(), strict=True)
        ),
    }


def per_weather(right: NDArray[np.bool_], scenes: SceneSet) -> dict[str, float]:
    """OA under each weather, over the types that one sensor can answer: what the weather costs, not what it is."""
    outcomes = [
        (scenes.weather[question.scene], bool(ok))
        for question, ok in zip(scenes.questions, right, strict=True)
        if question.type not in BOTH_SENSOR_TYPES
    ]
    return AnswerTally.of(outcomes).per_group


def evaluate_model(
    model: Tgfnet,
    scenes: SceneSet,
    table: QuestionTable,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    temperature: float,
    *,
    device: str = "cpu",
) -> dict[str, Any]:
    """All scores of one model: with both sensors, and with each muted in turn (``subsets``)."""
    model.eval()
    metrics = answer_metrics(score(model, scenes, table, config, preprocess, device=device), scenes, temperature)
    subsets: dict[str, Any] = {}
    for name, muted in (("optical-only", "sar"), ("sar-only", "optical")):
        alone = score(model, scenes, table, config, preprocess, device=device, mute=(muted,))
        numbers = answer_metrics(alone, scenes, temperature)
        subsets[name] = {key: numbers[key] for key in ("OA", "AA", "per_type", "per_weather")}
    return metrics | {"subsets": subsets}
