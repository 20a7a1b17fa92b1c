"""Annotations of optical-SAR pairs from which OSVQA is built: the attributes of Table I (TGFNet, section IV-B).

The paper's own annotation tool and its format are not public to us; this format is ours. A pair is one JSON object: a
line of a ``.jsonl`` file, or a ``.json`` file of its own in a folder. **What is left out is unknown, and about what is
unknown nothing is asked.** Words are those of :mod:`engine.text.vocabulary` and of :data:`engine.text.NOUNS`.

==================  ================================================================================================
of Table I          field of the object
==================  ================================================================================================
(the pair)          ``image``: its name, with or without suffix; ``train/NAME`` where two splits have one NAME. It may
                    be left out of a file of its own, which is then named after the pair.
                    ``gsd_m``: metres per pixel of the image, where the file does not tell (QXS-SAROPT: 1, OGSOD: 10).
                    ``place``: any text; pairs of one place overlap, and are never put into two splits.
Match               ``match``: whether both pictures show the same place.
Mist-Dark or Not    ``fog_dark``: clear, cloudy, foggy or dark.
Urban or Not        ``urban``: true, or false for rural.
Residential or Not  ``residential``: true or false. ``themes``: the same for any word of ``THEME_ANSWERS``.
                    ``theme``: the one kind of place it is. ``main_cover``, ``main_object``: what there is most of.
Object level        ``objects``: a list, see :mod:`.osvqa_annotated_objects`: land cover, subcategory, number, location,
                    shape, area, length, distribution, quality.
Relative Positions  ``relations``: a list of objects with ``one``, ``other`` (names of one thing each) and
                    ``position``: where ``one`` lies seen from ``other``, one of ``LOCATION_ANSWERS`` but center.
Relative Distances  In the same objects, ``distance_px`` or ``distance_m`` between their middles. With ``one`` and
                    ``other`` the same it is that between the only two of a class.
(reasoning)         ``deduce``: a list of objects with an ``answer`` of :data:`engine.text.ANSWERS`, and either a
                    ``question`` in the annotator's words or a ``topic`` of :data:`engine.text.DEDUCTIONS`.
==================  ================================================================================================

Measures are in pixels of the image as it is (``_px``) or on the ground (``_m``, ``_m2``, ``_ha``), which takes
``gsd_m``; never both. A description has them in pixels of the image brought to 256 pixels: a length of L metres in an
image of W x H pixels of g metres is L / g * 256 / max(W, H) there, and areas go with the square of that.

Where ``match`` is false, the rest is to be told of the optical picture. For example, in one line::

    {"image": "17", "match": true, "fog_dark": "clear", "urban": true, "residential": false, "theme": "harbor",
     "objects": [{"name": "water", "present": true, "area_px": 30000, "location": "left", "quality": "both"},
                 {"name": "ship", "subcategory": "cargo ship", "number": 1, "length_m": 120,
                  "boxes_px": [[40, 60, 52, 180]], "quality": "both"}],
     "relations": [{"one": "cargo ship", "other": "harbor", "position": "left", "distance_m": 90}],
     "deduce": [{"question": "Can goods be unloaded here?", "answer": "yes"}, {"topic": "swim", "answer": "yes"}]}

The reader reports all that is wrong, by file, line and record, and takes the rest: a word that does not exist or a
number out of range leaves that attribute unknown, an object that contradicts itself is left out, and a pair only where
its images are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.datasets.boxes import Xyxy
from engine.datasets.building.osvqa_annotated_objects import read_objects
from engine.datasets.building.osvqa_fields import measure, only_fields, parts, word
from engine.datasets.building.osvqa_pairs import Pair, Pairs, View
from engine.datasets.dataset import Faults
from engine.datasets.readers.files import natural
from engine.errors import DataSetUnreadable, RasterUnreadable
from engine.formats.records import Record, read_json, read_json_lines
from engine.text import (
    ANSWERS,
    COVER_ANSWERS,
    DEDUCTIONS,
    LOCATION_ANSWERS,
    NOUNS,
    OBJECT_ANSWERS,
    THEME_ANSWERS,
    WEATHER_ANSWERS,
    Deduction,
    Description,
    Relation,
)

FIELDS = (
    "image", "gsd_m", "place", "match", "fog_dark", "urban", "residential", "themes", "theme", "main_cover",
    "main_object", "objects", "relations", "deduce",
)  # fmt: skip
"""Every field of a pair's object."""

_RELATION_FIELDS = ("one", "other", "position", "distance_px", "distance_m")
_DEDUCTION_FIELDS = ("question", "topic", "answer")
_DIRECTIONS = tuple(word for word in LOCATION_ANSWERS if word != "center")
_GSD_RANGE_M = (0.01, 1000.0)


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotated pair.

    ``boxes_px`` has, by the name of a subject of ``description``, the boxes of all its things: left, top, right, bottom
    in pixels of the image. ``place`` is empty where none was given.
    """

    pair: Pair
    view: View
    description: Description
    boxes_px: Mapping[str, tuple[Xyxy, ...]]
    place: str


def read_annotations(path: Path, pairs: Pairs, faults: Faults) -> tuple[Annotation, ...]:
    """The annotations in the file of JSON lines, or the folder of JSON files, ``path``, of the pairs they name.

    Everything that is wrong goes to ``faults``. Raises :class:`DataSetUnreadable` where there is no such file or
    folder, or nothing in it can be used.
    """
    if not path.exists():
        raise DataSetUnreadable(f"There is no {path}.", remedy="Give a .jsonl file, or a folder of .json files.")
    found: dict[Pair, Annotation] = {}
    for record in _records(path, faults):
        pair = _pair(record, pairs)
        if pair is None:
            continue
        if pair in found:
            record.report(f"The image {pair.id!r} is annotated twice; the first annotation is used.")
            continue
        annotation = _annotation(record, pair, pairs)
        if annotation is not None:
            found[pair] = annotation
    if not found:
        why = f" {faults.found[0].file}: {faults.found[0].what}" if faults.found else ""
        raise DataSetUnreadable(
            f"There is no annotation of a pair in {path.name}.{why}",
            remedy="See engine.datasets.building.osvqa_annotations for the format.",
        )
    return tuple(sorted(found.values(), key=lambda one: (natural(one.pair.id), one.pair.split)))


def _records(path: Path, faults: Faults) -> Iterator[Record]:
    """One record per pair; a file of its own lends its name where the record has none."""
    if path.is_file():
        yield from read_json_lines(path, faults)
        return
    for file in sorted(path.glob("*.json"), key=lambda one: natural(one.name)):
        value = read_json(file, faults)
        if isinstance(value, dict):
            yield Record({"image": file.stem} | value, file, None, "", faults)
        elif value is not None:
            faults.add(file, None, "The file is not a JSON object.")


def _pair(record: Record, pairs: Pairs) -> Pair | None:
    name = record.key("image")
    pair = None if name is None else pairs.find(name)
    if name is not None and pair is None:
        record.report(f"There is no pair of images {name!r}, or more than one.")
    return pair


def _annotation(record: Record, pair: Pair, pairs: Pairs) -> Annotation | None:
    only_fields(record, FIELDS)
    try:
        view = pairs.view(pair)
    except RasterUnreadable as error:
        record.report(f"The optical image cannot be read: {error}")
        return None
    view = _with_gsd(record, view)
    subjects, boxes = read_objects(record, view)
    description = Description(
        match=_flag(record, "match"),
        weather=word(record, "fog_dark", WEATHER_ANSWERS),
        urban=_flag(record, "urban"),
        theme=_theme(record),
        themes=tuple(_themes(record).items()),
        main_cover=word(record, "main_cover", COVER_ANSWERS),
        main_object=word(record, "main_object", OBJECT_ANSWERS),
        subjects=subjects,
        relations=tuple(_relations(record, view, {subject.name: subject.count for subject in subjects})),
        deduce=tuple(_deductions(record)),
    )
    place = record.key("place") if record.has("place") else None
    return Annotation(pair, view, description, boxes, place or "")


def _flag(record: Record, name: str) -> bool | None:
    return record.flag(name) if record.has(name) else None


def _with_gsd(record: Record, view: View) -> View:
    if not record.has("gsd_m"):
        return view
    gsd_m = record.number("gsd_m")
    if gsd_m is not None and not _GSD_RANGE_M[0] <= gsd_m <= _GSD_RANGE_M[1]:
        record.report(f"The field 'gsd_m' is not between {_GSD_RANGE_M[0]:g} and {_GSD_RANGE_M[1]:g} metres.")
        gsd_m = None
    return view if gsd_m is None else View(view.width, view.height, gsd_m)


def _themes(record: Record) -> dict[str, bool]:
    """Which kinds of place apply, with "residential or not" among them; a contradiction leaves that kind out."""
    given = record.values.get("themes")
    if given is not None and not isinstance(given, dict):
        record.report("The field 'themes' is not an object of words and true or false.")
    listed = given if isinstance(given, dict) else {}
    found: dict[str, bool] = {}
    for name, applies in listed.items():
        if name not in THEME_ANSWERS or not isinstance(applies, bool):
            record.report(f"In 'themes', {name!r} is no kind of place, or neither true nor false.")
        else:
            found[name] = applies
    residential = _flag(record, "residential")
    if residential is not None and found.setdefault("residential area", residential) != residential:
        record.report("The fields 'residential' and 'themes' contradict each other.")
        del found["residential area"]
    return {name: found[name] for name in THEME_ANSWERS if name in found}


def _theme(record: Record) -> str | None:
    theme = word(record, "theme", THEME_ANSWERS)
    listed = record.values.get("themes")
    denied = isinstance(listed, dict) and listed.get(theme) is False
    if theme is not None and (denied or (theme == "residential area" and record.values.get("residential") is False)):
        record.report(f"The field 'theme' is {theme!r}, which is denied elsewhere.")
        return None
    return theme


def _relations(record: Record, view: View, counts: Mapping[str, int | None]) -> Iterator[Relation]:
    """The relations of names that mean one thing each, as far as ``counts`` of them are known."""
    seen: set[tuple[str, str]] = set()
    for part in parts(record, "relations"):
        only_fields(part, _RELATION_FIELDS)
        one, other = word(part, "one", NOUNS, required=True), word(part, "other", NOUNS, required=True)
        if one is None or other is None:
            continue
        if (one, other) in seen:
            part.report(f"There is a second relation of {one!r} to {other!r}.")
            continue
        seen.add((one, other))
        fitting = (None, 2) if one == other else (None, 1)
        if counts.get(one) not in fitting or counts.get(other) not in fitting:
            part.report(
                f"The number of {one} or of {other} is not {fitting[1]}, so it is not clear which one is meant."
            )
            continue
        position = word(part, "position", _DIRECTIONS)
        if position is not None and one == other:
            part.report("The two have one name, so a position says nothing.")
            position = None
        distance = measure(part, "distance", view)
        if position is not None or distance is not None:
            yield Relation(one, other, position, distance)


def _deductions(record: Record) -> Iterator[Deduction]:
    for part in parts(record, "deduce"):
        only_fields(part, _DEDUCTION_FIELDS)
        answer = word(part, "answer", ANSWERS, required=True)
        if part.has("question") == part.has("topic"):
            part.report("There has to be either a 'question' or a 'topic'.")
            continue
        text = part.text("question") if part.has("question") else ""
        topic = word(part, "topic", DEDUCTIONS) if part.has("topic") else ""
        if answer is None or text is None or topic is None:
            continue
        if topic and answer not in ("yes", "no"):
            part.report("A 'topic' is answered with yes or no.")
            continue
        yield Deduction(topic, answer, text)
