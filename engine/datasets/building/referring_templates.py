"""RefSegRS: which classes of a map an expression means, and how expressions are put together.

"RRSIS: Referring Remote Sensing Image Segmentation" (arXiv 2306.08625), section III-B and Table I: 14 categories, 5
attributes and 7 relations in the templates category, attribute + category, category + relation, attribute + category +
relation. Section III-C, steps 1 and 2: a category is *identical* to a class of the map ("road marking" to "lane
marking") or *includes* several ("light-duty vehicle": car and van).

The paper names a few of these correspondences and combinations; the others are our reading, and all are in the tables
below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MAP_CLASSES: tuple[str, ...] = (
    "low vegetation", "paved road", "non-paved road", "paved parking place", "non-paved parking place", "bikeway",
    "sidewalk", "entrance/exit", "danger area", "lane marking", "building", "car", "trailer", "van", "truck",
    "large truck", "bus", "clutter", "impervious surface", "tree",
)  # fmt: skip
"""The 20 classes of SkyScapes (section III-A). A class table names them; a map need not have all of them."""

GENERAL_CLASSES: tuple[str, ...] = ("road", "parking place", "vehicle")
"""Beyond SkyScapes: classes of maps that make fewer distinctions."""

_CARS, _TRUCKS = ("car", "van"), ("truck", "large truck")
VEHICLES: tuple[str, ...] = ("vehicle", *_CARS, *_TRUCKS, "trailer", "bus")

CATEGORIES: dict[str, tuple[str, ...]] = {
    "road": ("road", "paved road", "non-paved road"),
    "vehicle": VEHICLES,
    "car": ("car",),
    "van": ("van",),
    "building": ("building",),
    "truck": _TRUCKS,
    "trailer": ("trailer",),
    "bus": ("bus",),
    "road marking": ("lane marking",),
    "bikeway": ("bikeway",),
    "sidewalk": ("sidewalk",),
    "tree": ("tree",),
    "low vegetation": ("low vegetation",),
    "impervious surface": ("impervious surface",),
}
"""The 14 categories and the classes that each is identical to or includes."""

ATTRIBUTES: dict[str, tuple[str, tuple[str, ...]]] = {
    "paved": ("road", ("paved road",)),
    "unpaved": ("road", ("non-paved road",)),
    "light-duty": ("vehicle", _CARS),
    "heavy-duty": ("vehicle", (*_TRUCKS, "trailer", "bus")),
    "long": ("truck", ("large truck",)),
}
"""The 5 attributes, the category that each goes with, and the classes that are left of it."""

Nearness = Literal["beside", "within"]
"""Adjacency and containment, the paper's two kinds of relations."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of Table I: its words, its kind, the classes of the thing it is seen from, and the categories that it
    is said of."""

    words: str
    kind: Nearness
    reference: tuple[str, ...]
    subjects: tuple[str, ...]


_PARKING = ("parking place", "paved parking place", "non-paved parking place")
_ROAD = ("road", "paved road", "non-paved road", "lane marking")  # what is painted on a road is a part of it
PAINTED_ON: dict[str, str] = dict.fromkeys(_ROAD[:3], "lane marking")
"""What does not cut a thing of a class in two: a road is one on both sides of a line."""

_ON_WHEELS = ("vehicle", "car", "van", "truck", "trailer", "bus")
_BESIDE_A_ROAD = ("building", "bikeway", "sidewalk", "tree", "low vegetation")

RELATIONS: tuple[Relation, ...] = (
    Relation("in the parking area", "within", _PARKING, _ON_WHEELS),
    Relation("with a parking lot", "beside", _PARKING, ("building",)),
    Relation("driving on the road", "within", _ROAD, _ON_WHEELS),
    Relation("along the road", "beside", _ROAD, (*_BESIDE_A_ROAD, *_ON_WHEELS)),
    Relation("along with tree", "beside", ("tree",), ("road", "building", "bikeway", "sidewalk", "low vegetation")),
    Relation("on the road", "within", _ROAD, (*_ON_WHEELS, "road marking")),
    Relation("surrounded by building", "within", ("building",), ("tree", "low vegetation", "impervious surface")),
)
"""The 7 relations. What stands on the ground hides it, so that "on" and "in" ask what lies around a thing."""


@dataclass(frozen=True, slots=True)
class Template:
    """An expression: the classes of the things it means, and the relation that they must stand in, or None."""

    text: str
    classes: tuple[str, ...]
    relation: Relation | None


def templates() -> Iterator[Template]:
    """Every expression there is, in a fixed order; the last words of each are its relation."""
    named = [(name, name, classes) for name, classes in CATEGORIES.items()]
    named += [(f"{word} {name}", name, classes) for word, (name, classes) in ATTRIBUTES.items()]
    for text, category, classes in named:
        yield Template(text, classes, None)
        for relation in RELATIONS:
            if category in relation.subjects:
                yield Template(f"{text} {relation.words}", classes, relation)
