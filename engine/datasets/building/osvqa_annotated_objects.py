"""The object level of an annotation (Table I of TGFNet): each entry of ``objects`` is about all things of one name.

================  ====================================================================================================
of Table I        field of the entry
================  ====================================================================================================
Land Cover        ``name``: a land cover or a class ("water", "ship"), several as one ("group": "storage tanks"), or the
                  one that stands out ("largest lake"): a key of :data:`engine.text.NOUNS`. Each at most once.
Subcategory       ``subcategory``: a kind of that class ("cargo ship" of "ship"); then the entry is about that kind.
(presence)        ``present``: whether there is any. It is told by a number, a place or an area as well.
Number            ``number``: how many things or separate pieces, 0 or more.
Location          ``location``: where it lies, as a whole, one of ``LOCATION_ANSWERS``.
                  ``cells``: a list of all those ninths of the picture that have some of it; the others have none.
                  ``boxes_px``: the boxes of all of them, [left, top, right, bottom] in pixels of the image. They tell
                  what a cloud hides; cells do too where there are no boxes.
Shape             ``shape``: one of ``SHAPE_ANSWERS``; of one thing.
Area              ``area_px``, ``area_m2`` or ``area_ha``: of all of it together.
Length            ``length_px`` or ``length_m``: along its middle; of one long thing.
Distribution      ``distribution``: one of ``DISTRIBUTION_ANSWERS``.
Quality           ``quality``: which picture shows it, one of ``SENSOR_ANSWERS``.
================  ====================================================================================================
"""

from __future__ import annotations

from engine.datasets.boxes import Xyxy, box_fault
from engine.datasets.building.osvqa_fields import measure, only_fields, parts, word
from engine.datasets.building.osvqa_pairs import View
from engine.formats.records import Record, finite_numbers
from engine.text import DISTRIBUTION_ANSWERS, LOCATION_ANSWERS, NOUNS, SENSOR_ANSWERS, SHAPE_ANSWERS, Subject
from engine.text.nouns import KIND_OF

FIELDS = (
    "name", "subcategory", "present", "number", "location", "cells", "boxes_px", "shape", "area_px", "area_m2",
    "area_ha", "length_px", "length_m", "distribution", "quality",
)  # fmt: skip
"""Every field of an entry."""

_MOST = 1_000_000
"""More things than this are a slip of the pen."""

Boxes = dict[str, tuple[Xyxy, ...]]


def read_objects(record: Record, view: View) -> tuple[tuple[Subject, ...], Boxes]:
    """The subjects in the list ``objects`` of a pair's record, and the boxes of those that have any."""
    subjects: dict[str, Subject] = {}
    boxes: Boxes = {}
    for part in parts(record, "objects"):
        only_fields(part, FIELDS)
        name = _name(part)
        if name is None:
            continue
        if name in subjects:
            part.report(f"There is a second entry for {name!r}.")
            continue
        found = _boxes(part, view)
        subject = _subject(part, name, view)
        what = _contradiction(subject, found)
        if what:
            part.report(f"{what} The entry is left out.")
            continue
        subjects[name] = subject
        if found:
            boxes[name] = found
    return tuple(subjects.values()), boxes


def _name(part: Record) -> str | None:
    name = word(part, "name", NOUNS, required=True)
    if name is None or not part.has("subcategory"):
        return name
    kinds = [kind for kind, of in KIND_OF.items() if of == name]
    return word(part, "subcategory", kinds)


def _subject(part: Record, name: str, view: View) -> Subject:
    number, cells = _number(part), _cells(part)
    area, location = measure(part, "area", view), word(part, "location", LOCATION_ANSWERS)
    length, shape = measure(part, "length", view), word(part, "shape", SHAPE_ANSWERS)
    if number not in (None, 1) and (length, shape) != (None, None):
        part.report(f"Length and shape are of one thing, and there are {number}; they are left out.")
        length, shape = None, None
    present = part.flag("present") if part.has("present") else None
    if present is None and not _is_one(name):
        told = number or any(there for _, there in cells) or (area, location, length, shape) != (None,) * 4
        present = True if told else False if number == 0 else None
    return Subject(
        name,
        present=present,
        cells=cells,
        count=number,
        area_px=area,
        length_px=length,
        location=location,
        shape=shape,
        distribution=word(part, "distribution", DISTRIBUTION_ANSWERS),
        quality=word(part, "quality", SENSOR_ANSWERS),
    )


def _is_one(name: str) -> bool:
    """Whether a name means one thing or one group, of which nobody asks whether it is there, or how often."""
    noun = NOUNS[name]
    return noun.the in (noun.any, f"the group of {name}")


def _number(part: Record) -> int | None:
    number = part.integer("number") if part.has("number") else None
    if number is not None and not 0 <= number <= _MOST:
        part.report(f"The number {number} is not between 0 and {_MOST:,}.")
        return None
    return number


def _cells(part: Record) -> tuple[tuple[str, bool], ...]:
    """All nine ninths with whether there is any of it; empty where that is not known."""
    given = part.values.get("cells")
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(cell, str) and cell in LOCATION_ANSWERS for cell in given):
        part.report(f"The field 'cells' is not a list of {', '.join(LOCATION_ANSWERS)}.")
        return ()
    return tuple((cell, cell in given) for cell in LOCATION_ANSWERS)


def _boxes(part: Record, view: View) -> tuple[Xyxy, ...]:
    """All boxes; none at all where one of them is wrong, as they have to be all there are."""
    given = part.values.get("boxes_px")
    if given is None:
        return ()
    found: list[Xyxy] = []
    for entry in given if isinstance(given, list) else [None]:
        numbers = finite_numbers(entry)
        if numbers is None or len(numbers) != 4:
            part.report("The field 'boxes_px' is not a list of boxes of four numbers.")
            return ()
        box = numbers[0], numbers[1], numbers[2], numbers[3]
        what = box_fault(box, view.width, view.height)
        if what:
            part.report(what)
            return ()
        found.append(box)
    return tuple(found)


def _contradiction(subject: Subject, boxes: tuple[Xyxy, ...]) -> str:
    """In what an entry contradicts itself (a sentence), or nothing."""
    name, count = subject.name, subject.count
    somewhere = [cell for cell, there in subject.cells if there]
    told = bool(count or somewhere or boxes) or (subject.area_px, subject.location) != (None, None)
    if _is_one(name) and (subject.present, count, subject.distribution, subject.cells) != (None, None, None, ()):
        return f"“{name}” names one thing: it has no presence, number, cells and distribution."
    if subject.present is False and told:
        return f"There is no {name}, and yet its number, place or size is told."
    if subject.present and count == 0:
        return f"There is some {name}, and its number is 0."
    if subject.present and subject.cells and not somewhere:
        return f"There is some {name}, and it is in no part of the picture."
    if subject.distribution == "single" and count not in (None, 1):
        return f"There is a single {name}, and its number is {count}."
    if boxes and count not in (None, len(boxes)):
        return f"The number of {name} is {count}, and there are {len(boxes)} boxes."
    return ""
