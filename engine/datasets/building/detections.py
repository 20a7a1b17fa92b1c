"""A detector's boxes held against the annotation, to find pictures whose annotation a person should look at.

OptiSAR-Net++, section IV-A, step 1: a detector is trained on the merged data, and "images with a low
predicted-to-ground-truth IoU are flagged for manual verification and potential removal". How low is not said: here it
is :data:`LOW_IOU`, of boxes that the detector gives :data:`LEAST_SCORE` or more, whatever class it takes them for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.datasets.boxes import Xyxy, xyxy
from engine.datasets.building.pictures import Picture
from engine.datasets.dataset import Faults
from engine.errors import DataSetUnreadable, InputRefused
from engine.formats.coco import read_coco
from engine.formats.records import Record, read_json
from engine.metrics import box_overlap

LOW_IOU = 0.5
"""A picture is flagged where a box of its annotation has no detected box that overlaps it by as much."""

LEAST_SCORE = 0.3
"""Boxes that the detector is less sure of are passed over."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """A picture that a person should look at, and the worst of its boxes: best IoU with any detection, sentence."""

    picture: str
    iou: float
    sentence: str


def read_detections(path: Path) -> dict[str, list[Xyxy]]:
    """Detected boxes by the picture's name, as the file spells it.

    Either COCO results (a list of ``image_id, bbox, score``), where ``image_id`` has to be the name of a picture; or
    a COCO file with ``images`` too, where a picture without boxes is one in which nothing was found. A name is that of
    the file, or with the source and folders before it.

    Raises :class:`DataSetUnreadable` where anything is wrong with the file: nobody would mend it by hand.
    """
    faults = Faults(path.parent)
    value = read_json(path, faults)
    found: dict[str, list[Xyxy]] = {}
    if isinstance(value, list):
        for place, entry in enumerate(value):
            record = Record(entry if isinstance(entry, dict) else {}, path, None, f"Result {place}", faults)
            name, box = record.key("image_id"), record.numbers("bbox", 4)
            if name is not None and box is not None and _is_sure(record):
                found.setdefault(name, []).append(xyxy((box[0], box[1], box[2], box[3])))
    elif not faults.found:
        coco = read_coco(path, faults)
        names = {image.id: image.file_name for image in coco.images}
        found = {name: [] for name in names.values()}
        for one in coco.annotations:
            if one.box_xywh_px is not None and _is_sure(one.record):
                found[names[one.image]].append(xyxy(one.box_xywh_px))
    if faults.found:
        raise DataSetUnreadable(f"{path.name}: {faults.found[0].what}", remedy="Write the detections again, as COCO.")
    return found


def _is_sure(record: Record) -> bool:
    """Whether the detector is sure enough; a box without a score counts."""
    score = record.values.get("score", 1.0)
    if isinstance(score, bool) or not isinstance(score, int | float):
        record.report("The field 'score' is not a number.")
        return False
    return score >= LEAST_SCORE


def flag(pictures: Iterable[Picture], detections: Mapping[str, list[Xyxy]]) -> list[Flagged]:
    """The pictures on which detector and annotation disagree, the worst first; one that was not judged is none.

    Raises :class:`InputRefused` where the detections are of none of these pictures.
    """
    found: list[Flagged] = []
    judged = False
    for picture in pictures:
        boxes = next((detections[name] for name in _names(picture) if name in detections), None)
        if boxes is None:
            continue
        judged = True
        worst = min(picture.rows, key=lambda row: _best(row.box_xyxy_px, boxes))
        iou = _best(worst.box_xyxy_px, boxes)
        if iou < LOW_IOU:
            found.append(Flagged(picture.label, iou, worst.expression))
    if not judged:
        raise InputRefused(
            "The detections are of none of these pictures.",
            remedy="Name each by its file in image_id, or give a COCO file with a list of images.",
        )
    return sorted(found, key=lambda one: (one.iou, one.picture))


def _names(picture: Picture) -> tuple[str, ...]:
    """What a detector's file may call a picture, the most exact first."""
    below = picture.label.partition("/")[2]
    return picture.label, below, picture.path.name, picture.path.stem


def _best(truth: Xyxy, boxes: Iterable[Xyxy]) -> float:
    return max((box_overlap(box, truth).iou for box in boxes), default=0.0)


def as_list(flagged: Iterable[Flagged]) -> str:
    """The list of flagged pictures for a person, as :func:`engine.datasets.building.name_lists.read_names` reads it."""
    head = (
        "# Pictures on which detector and annotation disagree, the worst first. Look at each.\n"
        "# What is right after all goes into a file that --keep names; the others are then left out.\n"
    )
    lines = (f"{one.picture}  # IoU {one.iou:.2f}: {' '.join(one.sentence.split())}\n" for one in flagged)
    return head + "".join(lines)
