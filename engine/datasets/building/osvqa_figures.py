"""The figures of a built OSVQA beside those of the paper (TGFNet, sections IV-B and IV-C, Table II and Fig. 9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from engine.datasets.building.splitting import OSVQA_SHARES
from engine.datasets.dataset import DataSet, QuestionRow
from engine.datasets.readers.osvqa import FIGURES
from engine.datasets.statistics import Cell, Table, statistics
from engine.text import QUESTION_TYPES

PAPER_SHARES: Mapping[str, float] = {
    "compare": 0.503,
    "presence": 0.142,
    "location": 0.079,
    "number": 0.075,
    "deduce": 0.005,
}
"""Of the types of which the text on Fig. 9 gives the share."""

_PAPER_WORDS: Mapping[str, Cell] = {
    "all": 1_036_694,
    "unique": 72_195,
    "unique words": 1_494,
    "words, mean": 16.1,
    "words, least": 4,
    "words, most": 69,
    "share of more than 20 words": 0.846,
    "share of more than 40 words": 0.12,
}


def tables(data: DataSet) -> tuple[Table, ...]:
    """Splits, all figures and the types beside the paper, and the most frequent answers of what was built."""
    rows = [row for row in data.rows if isinstance(row, QuestionRow)]
    found = {table.title: table for table in statistics(data).tables}
    return _splits(data), _figures(data, rows, found["Questions"]), _types(rows), found["Answers, the most frequent"]


def _splits(data: DataSet) -> Table:
    images = Counter(image.split for image in data.images)
    questions = Counter(row.split for row in data.rows)
    paper = FIGURES[0]
    rows: list[tuple[Cell, ...]] = []
    for split in OSVQA_SHARES:
        share = images[split] / max(images.total(), 1)
        theirs = paper.images[split] / sum(paper.images.values())
        rows.append((split, images[split], share, questions[split], paper.images[split], theirs, paper.rows[split]))
    columns = ("split", "images", "share", "questions", "paper: images", "paper: share", "paper: questions")
    return Table("Splits beside the paper", columns, tuple(rows))


def _figures(data: DataSet, rows: list[QuestionRow], sentences: Table) -> Table:
    measured = {row[0]: row[1] for row in sentences.rows}
    types, answers = {row.type for row in rows}, {row.answer for row in rows}
    images = len(data.images)
    found: list[tuple[Cell, ...]] = [
        ("pairs", images, 6_008),
        ("question types", len(types), 16),
        ("unique answers", len(answers), 140),
        ("questions per pair", round(len(rows) / max(images, 1), 2), 172.55),
    ]
    found += [(f"questions: {name}", measured[name], theirs) for name, theirs in _PAPER_WORDS.items()]
    return Table("Beside the paper", ("figure", "here", "the paper"), tuple(found))


def _types(rows: list[QuestionRow]) -> Table:
    counts = Counter(row.type for row in rows)
    answers = {kind: {row.answer for row in rows if row.type == kind} for kind in QUESTION_TYPES}
    lines: list[tuple[Cell, ...]] = []
    for kind in sorted(QUESTION_TYPES, key=lambda kind: -counts[kind]):
        paper: Cell = PAPER_SHARES.get(kind, "not told")
        lines.append((kind, counts[kind], counts[kind] / max(len(rows), 1), len(answers[kind]), paper))
    return Table("Question types", ("type", "questions", "share", "answers", "paper: share"), tuple(lines))


def proportions(counts: Mapping[tuple[str, str], int]) -> Table:
    """Share of each label among the images of each split; ``counts`` is by split and label."""
    labels = sorted({label for _, label in counts})
    total = Counter[str]()
    for (split, label), count in counts.items():
        total[split] += count if ", " not in label else 0
    rows: list[tuple[Cell, ...]] = []
    for label in labels:
        shares = [counts.get((split, label), 0) / max(total[split], 1) for split in OSVQA_SHARES]
        rows.append((label, *shares))
    return Table(
        "Scenes and challenges by split", ("images", *(f"share of {split}" for split in OSVQA_SHARES)), tuple(rows)
    )
