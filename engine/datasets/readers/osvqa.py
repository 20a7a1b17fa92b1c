"""OSVQA: questions about pairs of optical and SAR images.

Paper: Text-Guided Coarse-to-Fine Fusion Network for Robust Remote Sensing Visual Question Answering (TGFNet),
arXiv:2411.15770, section IV. The images are announced there; the format of its annotations is not public to us. So this
layout is ours, and :data:`FIELDS`, :data:`FOLDERS` and :data:`SPLIT_FILES` are all there is to edit when the real one
is known::

    optical/NAME                         the optical image, PNG, JPEG or TIFF
    sar/NAME                             the SAR image of the same place, under the same name
    train.jsonl  val.jsonl  test.jsonl   one JSON object a line: image (a NAME), question, answer, type; id if wanted
    questions.jsonl                      the same without splits, as ``rsqa scenes make`` writes it; the split "all"
    answers.txt                          the closed list of answers, one a line; may be absent

At least one of the ``.jsonl`` files is there. A line's type is one of
:data:`engine.text.QUESTION_TYPES`. NAME may have
folders in it.

Quirks: one NAME in two splits is a fault, as the paper splits by image. An id must be there once in all files.

Facts of the published set, to check a copy against: 6,008 pairs of 256 x 256 px (3,008 from QXS-SAROPT at 1 m, 3,000
from OGSOD-1.0 at 10 m); 1,036,694 questions, 72,195 of them unique, 16 types, 140 answers; images 3,602 train, 1,204
test, 1,202 validation with 625,086, 208,578 and 203,030 questions. The paper's average of 16.1 words and its 84.6 % of
questions above 20 words contradict each other.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, ImageFiles, Layout, Origin, QuestionRow
from engine.datasets.figures import Published
from engine.formats.records import Record, read_json_lines, read_text
from engine.text import QUESTION_TYPES

LAYOUT = Layout(
    name="osvqa",
    title="OSVQA (questions on optical and SAR pairs)",
    task="vqa",
    source="arXiv:2411.15770, section IV; annotation format ours",
)
FIGURES = (
    Published(
        "the paper",
        {"train": 625_086, "val": 203_030, "test": 208_578},
        {"train": 3_602, "val": 1_202, "test": 1_204},
    ),
)

FIELDS = {"image": "image", "question": "question", "answer": "answer", "type": "type", "id": "id"}
"""What a field is called here, and in the file."""

FOLDERS = {"optical": "optical", "sar": "sar"}
"""Sensor and its folder."""

SPLIT_FILES = {"train": "train.jsonl", "val": "val.jsonl", "test": "test.jsonl", "all": "questions.jsonl"}
"""Split and its file."""

ANSWERS_FILE = "answers.txt"


def recognise(folder: Path) -> bool:
    """Both sensors' folders and a file of questions."""
    return all((folder / name).is_dir() for name in FOLDERS.values()) and any(
        (folder / name).is_file() for name in SPLIT_FILES.values()
    )


def read(folder: Path, faults: Faults) -> DataSet:
    """The questions of all split files that are there, in file order."""
    images: dict[tuple[str, str], ImageFiles] = {}
    rows: list[QuestionRow] = []
    ids: set[str] = set()
    for split, name in SPLIT_FILES.items():
        if not (folder / name).is_file():
            continue
        for record in read_json_lines(folder / name, faults):
            row = _row(record, split, ids)
            if row is None:
                continue
            image = images.get((split, row.image)) or _image(folder, row, faults)
            if image is not None:
                images[split, row.image] = image
                rows.append(row)
    found = tuple(images.values())
    return DataSet(
        LAYOUT.name, LAYOUT.task, folder, found, tuple(rows), answers=_answers(folder, faults), pairs_expected=True
    )


def _row(record: Record, split: str, ids: set[str]) -> QuestionRow | None:
    image, question, answer, kind = (record.text(FIELDS[name]) for name in ("image", "question", "answer", "type"))
    if image is None or question is None or answer is None or kind is None:
        return None
    if kind not in QUESTION_TYPES:
        record.report(f"The type {kind!r} is none of {', '.join(QUESTION_TYPES)}.")
        return None
    if record.has(FIELDS["id"]):
        key = record.key(FIELDS["id"])
        if key is None or key in ids:
            record.report(f"The id {key} occurs twice." if key else "The line is left out.")
            return None
        ids.add(key)
    # A set has a million questions, most of them many times: each text is kept once.
    image, question, answer, kind = (sys.intern(text) for text in (image, question, answer, kind))
    return QuestionRow(image, split, question, answer, kind, Origin(record.file, record.line))


def _image(folder: Path, row: QuestionRow, faults: Faults) -> ImageFiles | None:
    """The files of the pair that ``row`` names; None, and a fault, for a path outside."""
    paths: dict[str, Path] = {}
    for sensor, name in FOLDERS.items():
        path = faults.inside(row.image, folder / name, row.origin.file, row.origin.line)
        if path is None:
            return None
        paths[sensor] = path
    return ImageFiles(row.image, row.split, optical=paths["optical"], sar=paths["sar"])


def _answers(folder: Path, faults: Faults) -> tuple[str, ...] | None:
    if not (folder / ANSWERS_FILE).is_file():
        return None
    text = read_text(folder / ANSWERS_FILE, faults)
    return None if text is None else tuple(line.strip() for line in text.splitlines() if line.strip())
