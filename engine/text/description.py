"""What is known of an optical-SAR pair: the attributes of OSVQA's Table I (TGFNet, section IV-B) as plain records.

A description is filled from a synthetic scene (:func:`engine.scenes.truths.truth.describe`) or from an annotation file.
It holds words and numbers only. **None, or an entry left out, means unknown, and about what is unknown nothing is
asked.** So a value that is too near a threshold to be answered safely is left out by whoever fills the record, and
:mod:`engine.text.asker` may ask about all that is in it.

Lengths are pixels, areas square pixels, of the picture brought to 256 x 256 (its longer side 256).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of one class, one kind of a class, or the one thing that a superlative names.

    ``name`` is a key of :data:`engine.text.NOUNS`: "ship", "wide road", "largest lake".

    ``present``       whether any of it is in the picture; False is as good to know as True.
    ``cells``         pairs of a word of ``LOCATION_ANSWERS`` and whether any of it lies in that ninth of the picture.
    ``count``         how many things, or separate pieces of a cover, there are; 0 is known too.
    ``area_px``       the area it covers, all of it together.
    ``length_px``     length along its middle line, as far as it is in the picture; of one long thing only.
    ``location``      where it lies, a word of ``LOCATION_ANSWERS``; of what lies together in one place only.
    ``shape``         a word of ``SHAPE_ANSWERS``; of one thing only.
    ``distribution``  how its things are spread, a word of ``DISTRIBUTION_ANSWERS``.
    ``quality``       which picture shows it, a word of ``SENSOR_ANSWERS``.
    """

    name: str
    present: bool | None = None
    cells: tuple[tuple[str, bool], ...] = ()
    count: int | None = None
    area_px: float | None = None
    length_px: float | None = None
    location: str | None = None
    shape: str | None = None
    distribution: str | None = None
    quality: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """How one named thing lies to another. ``one`` and ``other`` are keys of ``NOUNS`` that name one thing each.

    ``direction`` is where ``one`` lies seen from ``other``: a word of ``LOCATION_ANSWERS`` except "center", where
    "top" is straight up. ``distance_px`` is between their middles. With ``one`` equal to ``other`` it is the distance
    between the only two of a class.
    """

    one: str
    other: str
    direction: str | None = None
    distance_px: float | None = None


@dataclass(frozen=True, slots=True)
class Deduction:
    """Something that follows from the picture. ``topic`` is a key of :data:`engine.text.DEDUCTIONS` ("swim"), or
    empty where an annotator wrote the question out in ``text``. ``answer`` is a word of ``ANSWERS``."""

    topic: str
    answer: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """One pair of pictures.

    ``match``       whether both pictures show the same place.
    ``weather``     what the optical picture suffered, a word of ``WEATHER_ANSWERS`` ("mist-dark" of Table I: foggy,
                    cloudy and dark are told apart).
    ``urban``       whether the place is urban (True) or rural (False).
    ``theme``       the one kind of place it is, a word of ``THEME_ANSWERS``.
    ``themes``      pairs of such a word and whether it applies ("residential or not" is one of them).
    ``main_cover``  the land cover with the largest area, a word of ``COVER_ANSWERS``.
    ``main_object`` the class with the most things, a word of ``OBJECT_ANSWERS``.
    ``subjects``    object level: each ``name`` at most once.
    ``relations``   relative positions and distances.
    ``deduce``      what follows.
    """

    match: bool | None = None
    weather: str | None = None
    urban: bool | None = None
    theme: str | None = None
    themes: tuple[tuple[str, bool], ...] = ()
    main_cover: str | None = None
    main_object: str | None = None
    subjects: tuple[Subject, ...] = ()
    relations: tuple[Relation, ...] = ()
    deduce: tuple[Deduction, ...] = ()

    def subject(self, name: str) -> Subject | None:
        """What is known of ``name``, or None."""
        return next((subject for subject in self.subjects if subject.name == name), None)
