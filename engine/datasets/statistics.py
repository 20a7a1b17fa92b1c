"""What is in a data set, in the figures that the papers report of theirs, so that any two can be compared.

Questions: section IV-C of TGFNet (types, answers, lengths, unique words). Boxes: section IV-B of OptiSAR-Net++ (widths,
heights and areas, sensors, categories, words per expression). Masks: sections III-D and V-A of LGCE (scenes and
expressions per split, words, share of foreground).

Everything here is counts and measures; :mod:`engine.datasets.plots` draws them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.datasets.dataset import BoxRow, DataSet, MaskRow, Progress, QuestionRow
from engine.metrics import SIZES, size_group
from engine.text import normalise

Cell = str | int | float

MOST_ANSWERS = 30
"""The paper's Fig. 10 shows that many of the most frequent answers."""

MOST_WORDS = 20

_TYPE_COLUMNS = ("type", "questions", "share", "answers", "most frequent", "its share")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; shares are 0..1 in columns named *share*."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar per name, longest first as given."""

    title: str
    names: tuple[str, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between ``edges`` (one more than counts), per series."""

    title: str
    quantity: str
    edges: tuple[float, ...]
    series: tuple[tuple[str, tuple[int, ...]], ...]


Plot = Bars | Histogram


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything about one data set. ``unread`` masks could not be decoded; the foreground figures leave them out."""

    layout: str
    task: str
    tables: tuple[Table, ...]
    plots: tuple[Plot, ...]
    unread: int = 0


def statistics(
    data: DataSet,
    foreground: Callable[[MaskRow], float | None] = lambda row: None,
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Statistics:
    """The statistics of ``data``.

    ``foreground`` gives the share (0..1) of the image that a mask covers, or None where it cannot be read.
    ``cancelled`` is asked between masks; the figures then cover what was read so far.
    """
    tables, plots, unread = [_splits(data)], list[Plot](), 0
    if data.task == "vqa":
        made = _questions([row for row in data.rows if isinstance(row, QuestionRow)])
    elif data.task == "grounding":
        made = _boxes(data, [row for row in data.rows if isinstance(row, BoxRow)])
    else:
        rows = [row for row in data.rows if isinstance(row, MaskRow)]
        shares = _foreground_shares(rows, foreground, progress, cancelled)
        unread = len(rows) - len(shares)
        made = _masks(rows, shares)
    tables += made[0]
    plots += made[1]
    return Statistics(data.layout, data.task, tuple(tables), tuple(plots), unread)


def _splits(data: DataSet) -> Table:
    images = Counter(image.split for image in data.images)
    rows = Counter(row.split for row in data.rows)
    lines: list[tuple[Cell, ...]] = [(split, images[split], rows[split]) for split in data.splits]
    return Table("Splits", ("split", "images", "rows"), (*lines, ("all", images.total(), rows.total())))


def _questions(rows: Sequence[QuestionRow]) -> tuple[list[Table], list[Plot]]:
    types = Counter(row.type for row in rows)
    answers = Counter(row.answer for row in rows)
    per_type = [
        (kind, count, count / len(rows), len({r.answer for r in rows if r.type == kind}), *_commonest(rows, kind))
        for kind, count in types.most_common()
    ]
    tables = [
        Table(
            "Question types", ("type", "questions", "share", "answers", "most frequent", "its share"), tuple(per_type)
        ),
        _counted("Answers, the most frequent", "answer", answers, MOST_ANSWERS),
        _sentences("Questions", [row.question for row in rows]),
    ]
    plots: list[Plot] = [
        _bars("Question types", types),
        _bars("Answers, the most frequent", answers, MOST_ANSWERS),
        _word_counts("Words per question", {"questions": [row.question for row in rows]}),
    ]
    return tables, plots


def _commonest(rows: Iterable[QuestionRow], kind: str) -> tuple[str, float]:
    """The answer that a type has most often, and its share of the type."""
    answers = Counter(row.answer for row in rows if row.type == kind)
    answer, count = answers.most_common(1)[0]
    return answer, count / answers.total()


def _boxes(data: DataSet, rows: Sequence[BoxRow]) -> tuple[list[Table], list[Plot]]:
    sensors: Counter[str] = Counter(row.sensor for row in rows)
    categories = Counter(row.category for row in rows)
    of_sensor = {sensor: [row for row in rows if row.sensor == sensor] for sensor in sorted(sensors)}
    tables = [
        _counted("Categories", "category", categories),
        _counted("Sensors", "sensor", sensors),
        _sentences("Expressions", [row.expression for row in rows]),
        _sizes(data, rows),
    ]
    measures: dict[str, Callable[[BoxRow], float]] = {"width": _width, "height": _height, "square root of area": _side}
    plots: list[Plot] = [_bars("Categories", categories)]
    for name, measure in measures.items():
        values = {sensor: [measure(row) for row in some] for sensor, some in of_sensor.items()}
        plots.append(_histogram(f"Boxes: {name}", "pixels", values, np.linspace(0, _roundest(values), 31)))
    expressions = {sensor: [row.expression for row in some] for sensor, some in of_sensor.items()}
    return tables, [*plots, _word_counts("Words per expression", expressions)]


def _width(row: BoxRow) -> float:
    return row.box_xyxy_px[2] - row.box_xyxy_px[0]


def _height(row: BoxRow) -> float:
    return row.box_xyxy_px[3] - row.box_xyxy_px[1]


def _side(row: BoxRow) -> float:
    return float((_width(row) * _height(row)) ** 0.5)


def _roundest(values: dict[str, list[float]]) -> float:
    """The end of an axis that holds all but the largest hundredth."""
    together = [value for some in values.values() for value in some]
    return max(float(np.ceil(np.quantile(together, 0.99))), 1.0) if together else 1.0


def _sizes(data: DataSet, rows: Sequence[BoxRow]) -> Table:
    """How many boxes of each size there are, where the annotation tells the size of the image."""
    areas = {(i.id, i.split): i.width * i.height for i in data.images if i.width and i.height}
    known = [(row, areas[row.image, row.split]) for row in rows if (row.image, row.split) in areas]
    groups = Counter(size_group(_width(row) * _height(row), area) for row, area in known)
    lines = [(name, f"≤ {most:.1%}", groups[name], groups[name] / max(len(known), 1)) for name, most in SIZES]
    return Table("Sizes, by share of the image", ("size", "of the image", "boxes", "share"), tuple(lines))


def _foreground_shares(
    rows: Sequence[MaskRow],
    foreground: Callable[[MaskRow], float | None],
    progress: Progress,
    cancelled: Callable[[], bool],
) -> list[float]:
    shares = []
    for number, row in enumerate(rows):
        if cancelled():
            break
        progress("Reading masks", number / len(rows))
        share = foreground(row)
        if share is not None:
            shares.append(share)
    return shares


def _masks(rows: Sequence[MaskRow], shares: Sequence[float]) -> tuple[list[Table], list[Plot]]:
    words = Counter(word for row in rows for word in normalise(row.expression).split())
    scenes = {split: {r.image for r in rows if r.split == split} for split in sorted({r.split for r in rows})}
    per_split = [(split, len(images), sum(row.split == split for row in rows)) for split, images in scenes.items()]
    groups = Counter(size_group(share, 1.0) for share in shares)
    sizes = [(name, f"≤ {most:.1%}", groups[name], groups[name] / max(len(shares), 1)) for name, most in SIZES]
    tables = [
        Table("Scenes with expressions", ("split", "scenes", "expressions"), tuple(per_split)),
        _sentences("Expressions", [row.expression for row in rows]),
        _counted("Words, the most frequent", "word", words, MOST_WORDS),
        Table("Foreground, by share of the image", ("size", "of the image", "masks", "share"), tuple(sizes)),
    ]
    plots: list[Plot] = [
        _histogram("Foreground", "share of the image", {"masks": list(shares)}, np.linspace(0, 1, 21)),
        _bars("Words, the most frequent", words, MOST_WORDS),
        _word_counts("Words per expression", {"expressions": [row.expression for row in rows]}),
    ]
    return tables, plots


def _counted(title: str, what: str, counts: Counter[str], most: int | None = None) -> Table:
    total = max(counts.total(), 1)
    rows = tuple((name, count, count / total) for name, count in counts.most_common(most))
    return Table(title, (what, "count", "share"), rows)


def _sentences(title: str, sentences: Sequence[str]) -> Table:
    """How many there are, how many different ones, of how many words, by the measures of TGFNet's section IV-C."""
    words = [normalise(sentence).split() for sentence in sentences]
    lengths = np.array([len(some) for some in words] or [0])
    rows: tuple[tuple[Cell, ...], ...] = (
        ("all", len(sentences)),
        ("unique", len(set(sentences))),
        ("unique words", len({word for some in words for word in some})),
        ("words, mean", round(float(lengths.mean()), 2)),
        ("words, least", int(lengths.min())),
        ("words, most", int(lengths.max())),
        ("share of more than 20 words", round(float((lengths > 20).mean()), 4)),
        ("share of more than 40 words", round(float((lengths > 40).mean()), 4)),
    )
    return Table(title, ("measure", "value"), rows)


def _bars(title: str, counts: Counter[str], most: int = MOST_ANSWERS) -> Bars:
    shown = counts.most_common(most)
    return Bars(title, tuple(name for name, _ in shown), tuple(count for _, count in shown))


def _word_counts(title: str, sentences: dict[str, list[str]]) -> Histogram:
    lengths = {name: [float(len(normalise(text).split())) for text in some] for name, some in sentences.items()}
    longest = int(max((value for some in lengths.values() for value in some), default=1))
    return _histogram(title, "words", lengths, np.arange(0.5, longest + 1.5))


def _histogram(title: str, quantity: str, values: dict[str, list[float]], edges: np.typing.ArrayLike) -> Histogram:
    borders = np.asarray(edges, np.float64)
    series = tuple((name, tuple(np.histogram(some, borders)[0].tolist())) for name, some in values.items())
    return Histogram(title, quantity, tuple(borders.tolist()), series)
