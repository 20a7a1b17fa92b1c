"""Weights scored on held-out data, with the guess beside them and a report: fresh scenes, an exam, or a folder."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.catalog import TASKS, find_model, read_card
from engine.errors import ModelDamaged, UsageError
from engine.jobs.evaluate_order import EvaluateOrder, Progress

__all__ = ["EvaluateOrder", "evaluate"]


def evaluate(order: EvaluateOrder, *, progress: Progress = lambda stage, fraction: None) -> dict[str, Any]:
    """Score the weights, write the report into ``order.out``; returns its record with ``report``, the page's path.

    What is asked depends on the model's task: questions, or expressions with boxes or masks. Raises ModelNotFound or
    ModelDamaged, UsageError or DataSetUnreadable for a data set that there is not, ExportRefused for ``out``.
    """
    card = read_card(find_model(order.weights))
    if card.task not in TASKS:
        raise ModelDamaged(
            f"{card.name} was made for the task {card.task}, which this program does not know.",
            remedy="Use the version of the program that the card names.",
        )
    if not TASKS[card.task].evaluator:
        raise UsageError(
            f"{card.name} is not evaluated by itself: it is of the task {card.task}.",
            remedy="Its scores are in the report of its run, and in the tables that it stands in.",
        )
    module, name = TASKS[card.task].evaluator.split(":")
    record: dict[str, Any] = getattr(import_module(module), name)(order, progress=progress)
    return record
