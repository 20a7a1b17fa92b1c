"""An evaluation as files for people: the record with what it is of, the paper's rows beside it, and examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from engine.export.evaluation import write_evaluation
from engine.export.evaluation_examples import Example, ExampleExpert
from engine.export.evaluation_parts import Published, evaluation_record
from engine.nn.preprocess import PreprocessSpec
from engine.nn.reason_map import ReasonMap
from engine.vqa.calibration import Calibration
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.inputs import pair_inputs, pair_pixels
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.data.table import QuestionTable
from engine.vqa.evaluation import Evaluation, pooled_text
from engine.vqa.materials import cut_note
from engine.vqa.network import EXPERTS, VqaNetwork
from engine.vqa.published import tgfnet_table
from engine.vqa.reasons import reason_maps
from engine.vqa.scored import Scored
from engine.vqa.task import asked

Kind = Literal["right", "wrong", "unsure"]

EACH = 4
"""Examples of each kind."""

SET_RATE = 0.1
"""The error rate of the answer sets that examples show."""

OSVQA = "osvqa"
"""``dataset`` of an evaluation on the paper's data, or what has its layout."""


def write_report(
    out: Path,
    evaluation: Evaluation,
    guess: Mapping[str, Any],
    *,
    model: str,
    split: str,
    dataset: str,
    facts: Mapping[str, str],
    notes: Sequence[str] = (),
    examples: Sequence[Example] = (),
) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Write ``evaluation.csv``, ``.html`` and ``.json`` into ``out``, all or none; returns the record and the files.

    ``evaluation`` is of :func:`engine.vqa.evaluation.evaluate_set`, ``guess`` of
    :func:`engine.vqa.guess.guess_metrics`, {} where nobody could learn it. The rest is as in
    :func:`~engine.export.evaluation_parts.evaluation_record`.
    Raises :class:`~engine.errors.ExportRefused` where the files cannot be written.
    """
    record = evaluation_record(
        evaluation, guess, task="vqa", model=model, split=split, dataset=dataset, facts=facts, notes=notes
    )
    return record, write_evaluation(record, out, examples=examples, published=paper_rows(dataset))


def cut_notes(table: QuestionTable) -> tuple[str, ...]:
    """How many of the asked questions were not read whole, as a sentence above the tables; none where all were."""
    said = cut_note(table)
    return (f"{said}. All of them are listed in evaluation.json.",) if said else ()


def paper_rows(dataset: str) -> Published:
    """Table III of the paper, with whether figures on ``dataset`` are on the same data."""
    return tgfnet_table("III").beside(same_data=dataset == OSVQA)


def pick_examples(
    network: VqaNetwork,
    views: QuestionSet,
    table: QuestionTable,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    calibration: Calibration,
    answers: Sequence[str],
    scored: Scored,
    *,
    device: str | torch.device = "cpu",
    each: int = EACH,
) -> tuple[Example, ...]:
    """``each`` questions answered rightly and surely, wrongly yet surely, and unsurely, with their reasons.

    No view comes twice, and no type twice within a kind as long as there are others. The same set and weights give the
    same examples.
    """
    text = pooled_text(table, network)
    shares = calibration.probabilities(torch.from_numpy(scored.logits), text)
    examples = []
    for kind, index in _picked(shares.amax(-1).numpy(), scored.right, views, each):
        pair = pair_pixels(views, views.questions[index].scene)
        answer_set: tuple[str, ...] = ()
        if SET_RATE in calibration.error_rates:
            (members,) = calibration.answer_sets(shares[index : index + 1], text[index : index + 1], SET_RATE)
            answer_set = tuple(answers[member] for member in members)
        experts, maps = _asked_again(network, views, table, config, preprocess, answers, index, device)
        question = views.questions[index]
        place = " · ".join(part for part in (views.names[question.scene], views.weather[question.scene]) if part)
        optical, sar = _as_bytes(pair.optical.transpose(1, 2, 0)), _as_bytes(pair.sar)
        examples.append(
            Example(
                kind=kind,
                place=place,
                question=question.text,
                type=question.type,
                truth=question.answer,
                answer=answers[int(scored.logits[index].argmax())],
                confidence=float(shares[index].max()),
                answer_set=answer_set,
                experts=experts,
                optical=optical if pair.optical_valid.any() else None,
                sar=sar if pair.sar_valid.any() else None,
                kept={one.sensor: np.isfinite(one.values) for one in maps.values() if one.kind == "regions"},
                trust=maps["trust"].values if "trust" in maps else None,
            )
        )
    return tuple(examples)


def _picked(
    sure: NDArray[np.float32], right: NDArray[np.bool_], views: QuestionSet, each: int
) -> Iterator[tuple[Kind, int]]:
    """Kinds and numbers of questions: the surest right ones, the surest wrong ones, the least sure."""
    surest = np.argsort(-sure, kind="stable").tolist()
    orders: dict[Kind, list[int]] = {
        "right": [number for number in surest if right[number]],
        "wrong": [number for number in surest if not right[number]],
        "unsure": surest[::-1],
    }
    seen: set[int] = set()
    for kind, order in orders.items():
        for number in _of_many_types(order, views, seen, each):
            seen.add(views.questions[number].scene)
            yield kind, number


def _of_many_types(order: Sequence[int], views: QuestionSet, seen: set[int], count: int) -> list[int]:
    """The first ``count`` of ``order`` about views of their own: one of each type, then of types that were had."""
    free: dict[int, int] = {}  # the first question about each view that is not taken
    taken: list[int] = []
    types: set[str] = set()
    for number in order:
        question = views.questions[number]
        if question.scene in seen or question.scene in {views.questions[one].scene for one in taken}:
            continue
        if question.type in types:
            free.setdefault(question.scene, number)
        elif len(taken) < count:
            taken.append(number)
            types.add(question.type)
            free.pop(question.scene, None)
    return [*taken, *list(free.values())[: count - len(taken)]]


def _asked_again(
    network: VqaNetwork,
    views: QuestionSet,
    table: QuestionTable,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    answers: Sequence[str],
    index: int,
    device: str | torch.device,
) -> tuple[tuple[ExampleExpert, ...], dict[str, ReasonMap]]:
    """What the experts say to one question, and where the network looked."""
    inputs = pair_inputs([pair_pixels(views, views.questions[index].scene)], config, preprocess)
    text, text_mask = table.text(torch.tensor([index]))
    with torch.inference_mode():
        view = network.encode(*(part.to(device) for part in inputs))
        output = asked(network, view, text.to(device), text_mask.to(device))
    maps = reason_maps(output, view, config)
    if output.expert_logits.shape[1] == 0:
        return (), maps
    share, best = output.expert_logits[0].softmax(-1).max(-1)  # [E]
    said = zip(EXPERTS, best.tolist(), share.tolist(), output.weights[0].tolist(), strict=True)
    present = output.present[0].tolist()
    experts = [ExampleExpert(name, answers[one], p, weight) for name, one, p, weight in said]
    return tuple(expert for expert, there in zip(experts, present, strict=True) if there), maps


def _as_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return rounded
