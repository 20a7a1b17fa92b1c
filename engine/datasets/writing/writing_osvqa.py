"""OSVQA as this program writes it: for the builder, and for imported sets of questions on pairs.

The layout is the one that :mod:`.osvqa` reads: two folders of images with the same names, and one file of JSON lines a
split.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from engine.datasets.dataset import QuestionRow
from engine.datasets.readers.osvqa import ANSWERS_FILE, FIELDS, FOLDERS, SPLIT_FILES
from engine.datasets.writing.new_image import NewImage
from engine.datasets.writing.unique_names import stem_of
from engine.errors import InputRefused
from engine.raster import replacing
from engine.text import QUESTION_TYPES


def write_osvqa(
    folder: Path,
    entries: Iterable[tuple[NewImage, NewImage, Sequence[QuestionRow]]],
    answers: Sequence[str] | None = None,
) -> dict[str, int]:
    """Write pairs, the optical image first, with their questions as they come; returns the number of rows by split.

    ``entries`` may be a generator: neither images nor questions gather in memory. The files of questions appear last: a
    folder that has none was not finished. ``answers`` is the closed list, one a line, where there is one.

    Raises :class:`InputRefused` for a pair of two names, splits or sizes, a name that occurs twice, a row of another
    pair, of a type or with an answer that the layout does not have, and a split that it does not know;
    :class:`ExportRefused` where something cannot be written.
    """
    known = None if answers is None else frozenset(answers)
    counts: dict[str, int] = {}
    files: dict[str, TextIO] = {}
    names: set[str] = set()
    for name in FOLDERS.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for optical, sar, rows in entries:
            _require_pair(optical, sar, names)
            optical.write(folder / FOLDERS["optical"] / optical.name)
            sar.write(folder / FOLDERS["sar"] / sar.name)
            if optical.split not in files:
                part = stack.enter_context(replacing(folder / SPLIT_FILES[optical.split]))
                files[optical.split] = stack.enter_context(part.open("w", encoding="utf-8"))
            for row in rows:
                _require_right(row, optical, known)
                files[optical.split].write(_line(row))
            counts[optical.split] = counts.get(optical.split, 0) + len(rows)
        if answers is not None:
            with replacing(folder / ANSWERS_FILE) as temporary:
                temporary.write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")
    return counts


def _line(row: QuestionRow) -> str:
    values = {"image": row.image, "question": row.question, "answer": row.answer, "type": row.type}
    return json.dumps({FIELDS[name]: value for name, value in values.items()}, ensure_ascii=False) + "\n"


def _require_pair(optical: NewImage, sar: NewImage, names: set[str]) -> None:
    for image in (optical, sar):
        image.require_plain_name()
    same = (optical.name, optical.split) == (sar.name, sar.split)
    if not same or (optical.width, optical.height) != (sar.width, sar.height):
        raise _refused(optical, "and its SAR image differ in name, split or size")
    if optical.split not in SPLIT_FILES:
        raise _refused(optical, f"is in a split that is none of {', '.join(SPLIT_FILES)}")
    if stem_of(optical.name) in names:
        raise _refused(optical, "is there twice")
    names.add(stem_of(optical.name))


def _require_right(row: QuestionRow, image: NewImage, known: frozenset[str] | None) -> None:
    if (row.image, row.split) != (image.name, image.split):
        raise _refused(image, f"has a row of {row.image} in {row.split}")
    if row.type not in QUESTION_TYPES:
        raise _refused(image, f"has a question of the type “{row.type}”")
    if known is not None and row.answer not in known:
        raise _refused(image, f"has the answer “{row.answer}”, which is not in the list")
    if not row.question.strip() or not row.answer.strip():
        raise _refused(image, "has a question or an answer without words")


def _refused(image: NewImage, what: str) -> InputRefused:
    return InputRefused(f"{image.name} ({image.split}) {what}.", remedy="Leave it out.")
