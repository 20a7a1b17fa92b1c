"""Scores of a network on a question set as one record: OA, AA, every part of them, calibration, and each sensor alone.

A question whose answer is not in the weights' vocabulary counts as answered wrongly. Types of question are those that
the set names; confidence is what a user would see, who names none (``engine.vqa.calibration``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.metrics import (
    ALL,
    BOTH_SENSOR_TYPES,
    AnswerTally,
    confusion,
    expected_calibration_error,
    reliability,
    score_intervals,
)
from engine.nn.preprocess import PreprocessSpec
from engine.records.pair import SENSOR_SAID
from engine.vqa.calibration import Calibration, rate_key
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.features import FeatureCache
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.data.table import QuestionTable
from engine.vqa.network import EXPERTS, VqaNetwork
from engine.vqa.scored import Scored
from engine.vqa.task import score_set

__all__ = ["Evaluation", "Scored", "card_metrics", "evaluate_set", "score"]

Evaluation = dict[str, Any]
"""What :func:`evaluate_set` gives: ``metrics``, ``subsets`` and ``cut_questions``, as JSON."""

Report = Callable[[str, float], None]
"""Hears what is being done and how much of it is, 0..1."""

SUBSETS = {"optical-only": ("optical", "sar"), "sar-only": ("sar", "optical")}
"""Names of the runs with one sensor alone: the sensor that is left, and the one that is muted."""

UNKNOWN_ANSWER_SAID = "(unknown)"
"""In place of a true answer that the vocabulary lacks."""
BULKY = ("confusion", "reliability")
"""Metrics that only a report shows."""


def score(
    network: VqaNetwork,
    views: QuestionSet,
    table: QuestionTable,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    *,
    device: str | torch.device = "cpu",
    mute: Collection[str] = (),
    features: FeatureCache | None = None,
    report: Callable[[float], None] = lambda share: None,
) -> Scored:
    """Run ``network`` over all questions of ``views``, in evaluation mode; ``mute`` takes sensors away.

    ``table`` has the questions of ``views``; ``features`` are its image tokens, where they are kept. ``report`` hears
    the share of questions that is done. Raises UsageError where no view has data of the one sensor that the network
    looks at: what it says then is no answer.
    """
    _require_its_sensor(views, config)
    began, done = time.perf_counter(), 0
    parts: dict[str, list[torch.Tensor]] = {name: [] for name in ("logits", "expert_logits", "weights", "present")}
    order: list[torch.Tensor] = []
    network.eval()
    for output, questions in score_set(
        network, views, table, config, preprocess, torch.device(device), mute=mute, features=features
    ):
        for name, pieces in parts.items():
            pieces.append(getattr(output, name).cpu())
        order.append(questions.cpu())
        done += len(questions)
        report(done / len(table.answer))
    back = torch.cat(order).argsort()  # batches need not keep the order of questions
    whole = {name: torch.cat(pieces)[back].numpy() for name, pieces in parts.items()}
    return Scored(**whole, answer=table.answer.numpy(), seconds=time.perf_counter() - began)


def _require_its_sensor(views: QuestionSet, config: TgfnetConfig) -> None:
    valid = {"optical": views.optical_valid, "sar": views.sar_valid}.get(config.sensors)
    if valid is not None and not valid.any():
        raise UsageError(
            f"The network looks at {SENSOR_SAID[config.sensors]} images only, and {views.about} has none.",
            remedy="Take a network that looks at both sensors, or other data.",
        )


def evaluate_set(
    network: VqaNetwork,
    views: QuestionSet,
    table: QuestionTable,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    calibration: Calibration,
    answers: Sequence[str],
    *,
    device: str | torch.device = "cpu",
    features: FeatureCache | None = None,
    scored: Scored | None = None,
    report: Report = lambda stage, share: None,
) -> Evaluation:
    """``metrics`` with all sensors and, where there are two, ``subsets`` with each of them alone, as JSON.

    ``cut_questions`` lists every wording that was too long to be read whole (``CutQuestion``).

    ``answers`` is the vocabulary of the weights, which ``table`` was made with. ``scored`` is what :func:`score` gave
    with all sensors, where that was done before. The guess is not in it (``engine.vqa.guess``), as it needs training
    questions.
    """
    whole = scored or score(
        network, views, table, config, preprocess, device=device, features=features,
        report=lambda share: report("Scoring", share),
    )  # fmt: skip
    metrics = set_metrics(whole, views, answers)
    metrics |= calibration_metrics(whole, views, calibration, pooled_text(table, network))
    metrics["ECE"] = metrics["calibration"]["ECE"]
    subsets: dict[str, Any] = {}
    for name, (left, muted) in SUBSETS.items():
        if not _both_seen(views, config):
            break
        alone = score(
            network, views, table, config, preprocess, device=device, mute=(muted,), features=features,
            report=lambda share, left=left: report(f"Scoring with {left} alone", share),  # type: ignore[misc]
        )  # fmt: skip
        subsets[name] = accuracies(alone.right, views)
    return {"metrics": metrics, "subsets": subsets, "cut_questions": [one._asdict() for one in table.cut_questions()]}


def pooled_text(table: QuestionTable, network: VqaNetwork) -> torch.Tensor:
    """The mean text feature of every question, [Q, W], which tells its type."""
    return table.pooled(network.text_tower)[table.text_row]


def _both_seen(views: QuestionSet, config: TgfnetConfig) -> bool:
    masks = (views.optical_valid, views.sar_valid)
    return config.sensors == "both" and all(mask is None or bool(mask.any()) for mask in masks)


def accuracies(right: NDArray[np.bool_], views: QuestionSet) -> dict[str, Any]:
    """OA, AA, per type, the same over the types that one image can answer, and per weather where it is known.

    Weather is over the types that one sensor can answer: what it costs, not what it is.
    """
    types = [question.type for question in views.questions]
    weathers = [views.weather[question.scene] for question in views.questions]
    under = [
        (weather, bool(ok))
        for weather, kind, ok in zip(weathers, types, right, strict=True)
        if weather and kind not in BOTH_SENSOR_TYPES
    ]
    tally = AnswerTally.of(under)
    return AnswerTally.of(zip(types, right.tolist(), strict=True)).scores() | {
        "per_weather": tally.per_group,
        "asked_by_weather": dict(sorted(tally.asked.items())),
    }


def set_metrics(scored: Scored, views: QuestionSet, answers: Sequence[str]) -> dict[str, Any]:
    """Everything that the logits tell without calibration."""
    types = [question.type for question in views.questions]
    scenes = [question.scene for question in views.questions]
    return accuracies(scored.right, views) | {
        "intervals": score_intervals(scenes, types, scored.right),
        "questions": len(types),
        "scenes": len(views),
        "unknown_answers": int((scored.answer < 0).sum()),
        "confusion": confusions(scored, views, answers),
        "seconds": round(scored.seconds, 3),
        **expert_metrics(scored, views),
    }


def confusions(scored: Scored, views: QuestionSet, answers: Sequence[str]) -> dict[str, Any]:
    """Per type, which answers were given where another was true (``engine.metrics.confusion``)."""
    given = [answers[index] for index in scored.logits.argmax(-1)]
    found: dict[str, Any] = {}
    for kind in sorted({question.type for question in views.questions}):
        rows = [number for number, question in enumerate(views.questions) if question.type == kind]
        truth = [views.questions[row].answer if scored.answer[row] >= 0 else UNKNOWN_ANSWER_SAID for row in rows]
        found[kind] = confusion(truth, [given[row] for row in rows])
    return found


def expert_metrics(scored: Scored, views: QuestionSet) -> dict[str, Any]:
    """The experts' own accuracy and their mean AF weights, over all questions and by weather; {} without experts.

    An expert is judged on the questions that it was present at.
    """
    if scored.weights.shape[1] == 0:
        return {}
    own = scored.expert_logits.argmax(-1) == scored.answer[:, None]  # [Q, E]
    asked = scored.present.sum(0)
    accuracy = np.divide((own & scored.present).sum(0), asked, out=np.zeros(len(EXPERTS)), where=asked > 0)
    weather = np.array([views.weather[question.scene] for question in views.questions])
    return {
        "experts": _by_expert(accuracy),
        "mean_expert_weights": _by_expert(scored.weights.mean(0)),
        "expert_weights_by_weather": {
            str(name): _by_expert(scored.weights[weather == name].mean(0)) for name in np.unique(weather) if name
        },
    }


def _by_expert(values: NDArray[Any]) -> dict[str, float]:
    return dict(zip(EXPERTS, values.astype(float).tolist(), strict=True))


def calibration_metrics(
    scored: Scored, views: QuestionSet, calibration: Calibration, text_pooled: torch.Tensor
) -> dict[str, Any]:
    """ECE and reliability before and after calibration, coverage and size of the answer sets, and types rightly told.

    A question whose true answer the vocabulary lacks is covered by no set.
    """
    logits = torch.from_numpy(scored.logits)
    types = [question.type for question in views.questions]
    plain, honest = logits.softmax(-1), calibration.probabilities(logits, text_pooled)
    sure = {"before": plain.amax(-1).numpy(), "after": honest.amax(-1).numpy()}
    found: dict[str, Any] = {
        "ECE": expected_calibration_error(sure["after"], scored.right),
        "ECE_before": expected_calibration_error(sure["before"], scored.right),
        "sets": {
            rate_key(rate): set_figures(calibration.answer_sets(honest, text_pooled, rate), scored, types)
            for rate in calibration.error_rates
        },
    }
    if calibration.probe is not None:
        told = calibration.probe.tell(text_pooled)
        found["types_told"] = sum(a == b for a, b in zip(told, types, strict=True)) / len(types)
        found["types_unsure"] = told.count(ALL) / len(types)
    bins = {name: [asdict(one) for one in reliability(values, scored.right)] for name, values in sure.items()}
    return {"calibration": found, "reliability": bins}


def set_figures(sets: Sequence[tuple[int, ...]], scored: Scored, types: Sequence[str]) -> dict[str, Any]:
    """``coverage`` (how often the truth is in), ``mean_size``, ``single`` (share of one answer), coverage per type."""
    covered = [int(answer) in one for answer, one in zip(scored.answer, sets, strict=True)]
    sizes = [len(one) for one in sets]
    return {
        "coverage": sum(covered) / len(sets),
        "mean_size": sum(sizes) / len(sets),
        "single": sizes.count(1) / len(sets),
        "per_type": AnswerTally.of(zip(types, covered, strict=True)).per_group,
    }


def card_metrics(evaluation: Evaluation) -> dict[str, Any]:
    """The metrics as they stand on a card: with the subsets, without tables that only a report shows."""
    kept = {name: value for name, value in evaluation["metrics"].items() if name not in BULKY}
    return kept | {"subsets": evaluation["subsets"]}
