"""RSVQA's three files, which its low resolution, high resolution and BigEarthNet sets share.

Source: Lobry et al., RSVQA: Visual Question Answering for Remote Sensing Data, IEEE TGRS 2020, arXiv:2003.07333;
``AutomaticDB/DataSpecification.md`` of https://github.com/syvlo/RSVQA describes the fields. For each split::

    …_SPLIT_images.json      {"images": [{"id", "active", "original_name", "questions_ids", …}, …]}
    …_SPLIT_questions.json   {"questions": [{"id", "active", "img_id", "type", "question", "answers_ids", …}, …]}
    …_SPLIT_answers.json     {"answers": [{"id", "active", "question_id", "answer", …}, …]}
    FOLDER/ID.tif            the images, by their id

Quirks, all of them the authors' database showing through:

- Each file lists the whole database; what belongs to the split has ``active`` true, and the others may have nothing but
  an id. Only active ones are read.
- Things are found by their place in the list, so an ``id`` that is not its place is a fault.
- A question has several ``answers_ids`` by design and one in fact; the first counts, as in the authors' code.
- Counts and areas are published as numbers and learnt as ranges (:attr:`Variant.learnt`).
- Beside the splits lie ``all_*.json`` without a split; they are not read.

The files are read as a stream: the questions of RSVQAxBEN do not fit into memory as JSON.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.datasets.dataset import DataSet, Faults, ImageFiles, Layout, Origin, QuestionRow
from engine.formats.json_stream import stream_records
from engine.formats.records import Record

_SPLITS = ("train", "val", "test", "test_phili")  # the last one is RSVQA-HR's second test set, Philadelphia
_KINDS = ("images", "questions", "answers")
_NAMES = re.compile(rf"(?:.*_)?({'|'.join(_SPLITS)})_({'|'.join(_KINDS)})\.json")


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the three sets: where its images are, how wide and high (pixels), and how its answers are learnt.

    ``learnt`` makes the class of a published answer, or None of one that the set cannot have; ``answers`` is the
    closed list of classes, where there is one.
    """

    layout: Layout
    images: str
    side_px: int
    learnt: Callable[[str], str | None]
    answers: tuple[str, ...] | None = None


def split_files(folder: Path) -> dict[str, dict[str, Path]]:
    """The files found, by split and kind; the first by name where a split has two."""
    found: dict[str, dict[str, Path]] = {split: {} for split in _SPLITS}
    for path in sorted(folder.glob("*.json")):
        match = _NAMES.fullmatch(path.name)
        if match:
            found[match[1]].setdefault(match[2], path)
    return {split: files for split, files in found.items() if files}


def recognise_variant(folder: Path, images: str) -> bool:
    """The folder of images with its own name, and some split's file."""
    return (folder / images).is_dir() and bool(split_files(folder))


def read_variant(folder: Path, faults: Faults, variant: Variant) -> DataSet:
    """All splits that are there. A split without one of its three files is a fault and is left out."""
    images: list[ImageFiles] = []
    rows: list[QuestionRow] = []
    for split, files in split_files(folder).items():
        missing = [kind for kind in _KINDS if kind not in files]
        if missing:
            faults.add(folder, None, f"The split {split} has no file …_{split}_{missing[0]}.json.")
            continue
        active = _active_images(files["images"], faults)
        answers = _active_answers(files["answers"], faults, variant)
        rows += _rows(files["questions"], split, active, answers, faults)
        images += [
            ImageFiles(
                str(number),
                split,
                optical=folder / variant.images / f"{number}.tif",
                width=variant.side_px,
                height=variant.side_px,
            )
            for number in sorted(active)
        ]
    layout = variant.layout
    return DataSet(layout.name, layout.task, folder, tuple(images), tuple(rows), answers=variant.answers)


def _active_images(path: Path, faults: Faults) -> set[int]:
    """The ids of the split's images."""
    records = stream_records(path, "images", faults)
    return {record.index for record in records if record is not None and _is_active(record)}


def _active_answers(path: Path, faults: Faults, variant: Variant) -> list[str | None]:
    """The class of every answer, by its id; None where it is not of the split, or not usable (a fault)."""
    answers: list[str | None] = []
    for record in stream_records(path, "answers", faults):
        if record is None or not _is_active(record):
            answers.append(None)
            continue
        published = record.text("answer")
        learnt = None if published is None else variant.learnt(published)
        if published is not None and learnt is None:
            record.report(f"The answer {published!r} is none that {variant.layout.title} has.")
        answers.append(None if learnt is None else sys.intern(learnt))
    return answers


def _rows(path: Path, split: str, images: set[int], answers: list[str | None], faults: Faults) -> list[QuestionRow]:
    rows = []
    for record in stream_records(path, "questions", faults):
        if record is None or not _is_active(record):
            continue
        image, question, kind = record.integer("img_id"), record.text("question"), record.text("type")
        answer = _answer_of(record, answers)
        if image is None or question is None or kind is None or answer is None:
            continue
        if image not in images:
            record.report(f"Its image {image} is not an active one of this split.")
            continue
        origin = Origin(path, record.line)
        rows.append(QuestionRow(str(image), split, sys.intern(question), answer, sys.intern(kind), origin))
    return rows


def _answer_of(record: Record, answers: list[str | None]) -> str | None:
    ids = record.numbers("answers_ids")
    if ids is None:
        return None
    place = int(ids[0]) if ids else -1
    if not 0 <= place < len(answers):
        record.report(f"It has no answer: there is no answer {place}." if ids else "It has no answer.")
        return None
    if answers[place] is None:
        record.report(f"Its answer {place} is not an active, usable one of this split.")
    return answers[place]


def _is_active(record: Record) -> bool:
    """Whether the record counts. One that does and whose id is not its place is a fault, and does not."""
    if not record.values.get("active", True):
        return False
    if record.integer("id") not in (record.index, None):
        record.report(f"Its id is {record.values['id']}, but its place in the list is {record.index}.")
    return record.values.get("id") == record.index
