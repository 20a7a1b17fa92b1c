"""What a study's folder holds that is finished: scores of every run and seed, and which are still to come."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.catalog import CARD_FILE, MODEL_FOLDER, ModelCard, read_card
from engine.errors import UsageError
from engine.training.run import REPORT_FOLDER

MUTED_ALONE = {"optical": "optical-only", "sar": "sar-only"}
"""The sensor that is left, and the name of the subset of an evaluation with the other one muted."""


@dataclass(frozen=True)
class FinishedRun:
    """One run and seed. ``evaluation`` is its ``report/evaluation.json``, shares 0..1; ``model`` its model's folder."""

    seed: int
    evaluation: dict[str, Any]
    model: Path

    @property
    def card(self) -> ModelCard:
        return read_card(self.model)

    def compared(self, score: str) -> float:
        """``OA`` or ``AA`` in percent, over the types that one sensor can answer, as in the paper's tables."""
        return 100 * float(self.evaluation["metrics"]["comparable"][score])

    def under(self, weather: str, left: str | None = None) -> float | None:
        """Percent right under ``weather``, over those types; with only the sensor ``left`` not muted, where given.

        None where the report does not know: no such weather in the test set, or a network with one sensor only.
        """
        part = self.evaluation["metrics"]
        if left is not None:
            part = self.evaluation["subsets"].get(MUTED_ALONE[left], {})
        share = part.get("per_weather", {}).get(weather)
        return None if share is None else 100 * float(share)


@dataclass(frozen=True)
class StudyRow:
    """One run of a study in all its seeds: ``done`` by seed, ``paper`` OA and AA of the paper's row in percent."""

    name: str
    what: str
    done: dict[int, FinishedRun]
    paper: Mapping[str, float]


@dataclass(frozen=True)
class StudyFolder:
    """``study.json`` with the reports of its finished runs. Empty where nothing is yet.

    ``seeds`` are wanted; ``facts``, ``notes`` and ``ours_on`` (what was tested on) are the report's own; ``guess``
    has OA and AA without a picture.
    """

    label: str
    rows: dict[str, StudyRow]
    seeds: tuple[int, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    ours_on: str = ""
    notes: Sequence[str] = ()
    guess: Mapping[str, float] = field(default_factory=dict)

    def runs(self, name: str) -> dict[int, FinishedRun]:
        """The finished runs of a row by seed, {} where the study has none."""
        return self.rows[name].done if name in self.rows else {}

    def unfinished(self) -> Iterator[str]:
        """A sentence for each row that lacks seeds."""
        for row in self.rows.values():
            lacking = [str(seed) for seed in self.seeds if seed not in row.done]
            if lacking:
                yield f"{self.label}, {row.name}: seed {', '.join(lacking)} not finished."


def read_study(folder: Path, label: str) -> StudyFolder:
    """The study in ``folder`` as far as it is finished, its own rows only, not those of the paper alone.

    ``label`` is what the page calls it. Raises UsageError where ``study.json`` is not a study's report.
    """
    path = folder / "study.json"
    if not path.is_file():
        return StudyFolder(label, {})
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        own = [row for row in record["rows"] if row["folders"] or (row["wanted"] and not row["done"])]
        rows = {row["name"]: _row(folder, row) for row in own}
        seeds = tuple(int(seed) for seed in record["facts"]["seeds"].split(","))
        guess = next((row["ours"] for row in record["rows"] if row["done"] and not row["folders"]), {})
        return StudyFolder(label, rows, seeds, record["facts"], record["ours_on"], record["notes"], guess)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path.name} of {folder.name} is not a study's report.", remedy="Name its folder.") from error


def _row(folder: Path, row: dict[str, Any]) -> StudyRow:
    done = {}
    for name in row["folders"]:
        place = folder / name
        report = place / REPORT_FOLDER / "evaluation.json"
        seed = re.search(r"-seed(\d+)$", name)
        if seed is not None and (place / MODEL_FOLDER / CARD_FILE).is_file():
            evaluation = json.loads(report.read_text(encoding="utf-8"))
            done[int(seed[1])] = FinishedRun(int(seed[1]), evaluation, place / MODEL_FOLDER)
    return StudyRow(row["name"], row["what"], done, row["paper"])
