"""Expressions from their parts: :func:`say` is the inverse of :func:`engine.text.expressions.parse`.

Each part (the sentence's pattern, the place, the relation) has wordings for training and wordings that the test split
alone hears. A held-out expression always has a held-out pattern, and held-out words every other time.
"""

from __future__ import annotations

import re

from engine.draws import Draws
from engine.text.direction_words import Way
from engine.text.expression_words import NAMES, ORDINALS, Name
from engine.text.expressions import Parsed, Relation, Superlative
from engine.text.questions import Wording

Groups = tuple[tuple[str, ...], tuple[str, ...]]
"""Wordings for training, wordings held out."""

PATTERNS: dict[str, Groups] = {
    "one": (
        ("the {core}", "{core}", "a {core}", "the {core} in the image", "there is a {core} in the image"),
        ("the only {core} in view", "find the {core}", "the single {core} of the scene", "locate the {core}"),
    ),
    "one place": (
        ("the {core} {at}", "{core} {at}", "a {core} {at}", "the {core} that is {at}", "a {core} is {at}",
         "the {core} which can be seen {at}"),
        ("the {core} located {at}", "the {core} to be found {at}", "there, {at}, the {core}"),
    ),
    "one relation": (
        ("the {core} {by} {other}", "the {core} that is {by} {other}", "{core} {by} {other}",
         "the {core} is {by} {other}", "a {core} which is {by} {other}"),
        ("the {core} which lies {by} {other}", "the {core} situated {by} {other}", "find the {core} {by} {other}"),
    ),
    "one place relation": (
        ("the {core} {at} that is {by} {other}", "the {core} {at}, {by} {other}", "a {core} {at}, {by} {other}",
         "a {core} can be seen {at} and it is {by} {other}"),
        ("the {core} located {at} and situated {by} {other}", "{at}, the {core} which lies {by} {other}"),
    ),
    "many": (
        ("{core}", "the {core}", "all {core}", "all the {core}", "the {core} in the image"),
        ("every one of the {core}", "all of the {core} to be seen", "the {core} of the scene"),
    ),
    "many place": (
        ("the {core} {at}", "{core} {at}", "all {core} {at}", "the {core} that are {at}"),
        ("all of the {core} located {at}", "the {core} to be found {at}"),
    ),
    "many relation": (
        ("the {core} {by} {other}", "{core} {by} {other}", "all {core} {by} {other}",
         "the {core} that are {by} {other}"),
        ("all of the {core} situated {by} {other}", "the {core} which lie {by} {other}"),
    ),
    "many place relation": (
        ("the {core} {at} that are {by} {other}", "all {core} {at}, {by} {other}"),
        ("the {core} located {at} and situated {by} {other}",),
    ),
}  # fmt: skip
"""Whole expressions: ``core`` is the thing with its attributes, ``at`` a place, ``by`` a relation to ``other``."""

PLACES: dict[str, Groups] = {
    "corner": (
        ("in the {v} {h} corner of the image", "in the {v} {h} of the image", "at the {v} {h}",
         "in the {v} {h} corner"),
        ("in the {v}-{h} part of the picture", "in the {compass} of the picture", "in the {v} {h} area of the view"),
    ),
    "edge": (
        ("at the {v} center of the image", "in the {v} center", "in the middle {h} of the image", "at the center {h}"),
        ("in the {v} middle part of the picture", "in the center-{h} part of the view"),
    ),
    "center": (
        ("in the center of the image", "in the middle of the image", "in the middle", "in the center"),
        ("in the central part of the picture", "in the centre of the view"),
    ),
    "side": (
        ("on the {h} side of the image", "on the {h}", "at the {v} of the image", "in the {v} part of the image"),
        ("on the {h}-hand side of the picture", "in the {h} half of the view", "in the {v} half of the view"),
    ),
}  # fmt: skip
"""Places in the picture. Of the wordings with ``h`` (left) or ``v`` (top) alone, those that fit are used."""

WAYS_FROM: dict[Way, Groups] = {
    (-1, None): (("to the left of", "left of", "on the left of"), ("on the left side of", "to the west of")),
    (1, None): (("to the right of", "right of", "on the right of"), ("on the right side of", "to the east of")),
    (None, -1): (("above",), ("to the north of", "on the upper side of")),
    (None, 1): (("below",), ("to the south of", "on the lower side of")),
    (-1, -1): (("to the upper left of", "to the top left of"), ("to the north-west of", "to the left upper side of")),
    (1, -1): (("to the upper right of", "to the top right of"), ("to the north-east of", "to the right upper side of")),
    (-1, 1): (("to the lower left of", "to the bottom left of"), ("to the southwest of", "to the left lower side of")),
    (1, 1): (
        ("to the lower right of", "to the bottom right of"),
        ("to the southeast of", "to the right lower side of"),
    ),
}  # fmt: skip
"""How a way from another thing is said."""

LINKS: dict[str, Groups] = {
    "nearest": (("nearest to", "closest to"), ("nearest",)),
    "beside": (("next to", "beside", "near"), ("close to", "adjacent to")),
    "along": (("along",), ("alongside",)),
    "on": (("on",), ("standing on",)),
    "in": (("in", "inside"), ("within",)),
    "surrounded": (("surrounded by",), ("enclosed by",)),
    "over": (("across", "crossing"), ("spanning",)),
    "with": (("with",), ("having",)),
}
"""How the other relations are said."""

MOST: dict[str, Groups] = {
    "largest": (("largest",), ("biggest",)),
    "smallest": (("smallest",), ("tiniest",)),
    "longest": (("longest",), ("longest",)),
    "shortest": (("shortest",), ("shortest",)),
    "leftmost": (("leftmost",), ("left-most", "westernmost")),
    "rightmost": (("rightmost",), ("right-most", "easternmost")),
    "topmost": (("topmost", "uppermost"), ("top-most", "northernmost")),
    "bottommost": (("bottommost", "lowermost"), ("bottom-most", "southernmost")),
}

LIKE: dict[str, Groups] = {
    "large": (("large",), ("big",)),
    "small": (("small",), ("little",)),
    "grey": (("grey", "gray"), ("grey", "gray")),
    "dark": (("dark",), ("black", "dark-coloured")),
    "wide": (("wide",), ("broad",)),
    "light-duty": (("light-duty",), ("light-weight",)),
    "heavy-duty": (("heavy-duty",), ("heavy",)),
}
"""Attributes that have more than their own name."""

_ORDER = ("large", "small", "wide", "narrow", "light-duty", "heavy-duty")
"""Attributes that come before a colour."""


def say(parsed: Parsed, wording: Wording, draws: Draws, *, article: str = "the") -> str:
    """An expression that means ``parsed``, in one of its wordings.

    ``article`` stands before a single thing that a relation leads to ("the" or "a"); of that thing its class, its
    attributes and its superlative are said.
    """
    number = "many" if parsed.plural else "one"
    parts = [number, *(["place"] if parsed.position else []), *(["relation"] if parsed.relation else [])]
    pattern = _draw(PATTERNS[" ".join(parts)], wording, draws)
    if parsed.superlative or _is_mass(parsed):  # nobody says "a largest ship", "the only largest", or "a grass"
        pattern = (
            pattern.replace("there is a", "the")
            .replace("a {core}", "the {core}")
            .replace("only ", "")
            .replace("single ", "")
        )
    if parsed.relation and parsed.relation.kind == "with":  # nor "the lot that is with cars"
        pattern = re.sub(r"(?:(?:that|and it) )?(?:is|are|which lies?|(?:and )?situated) \{by\}", "{by}", pattern)
    prefix = bool(parsed.sensor) and draws.chance(0.5)
    slots = {"core": _core(parsed, wording, draws, sensor=parsed.sensor if prefix else "")}
    if parsed.position:
        slots["at"] = _place(parsed.position, wording, draws)
    if parsed.relation:
        slots["by"] = _link(parsed.relation, wording, draws)
        slots["other"] = _other(parsed.relation.reference, wording, draws, article)
    text = pattern.format(**slots)
    if parsed.sensor and not prefix:
        text = _named(text, _sensor_word(parsed.sensor, wording, draws))
    return re.sub(r"\ba(?= [aeio])", "an", text)


def _draw(groups: Groups, wording: Wording, draws: Draws) -> str:
    return draws.choice(groups[0] if wording == "train" else groups[1])


def _word(groups: Groups, wording: Wording, draws: Draws) -> str:
    """A word of its own need not be held out: every other time it is."""
    return draws.choice(groups[1] if wording == "held-out" and draws.chance(0.5) else groups[0])


def _core(parsed: Parsed, wording: Wording, draws: Draws, sensor: str = "") -> str:
    """The thing without article, place and relation: "largest white storage tank"."""
    kinds = {name.kind for name in NAMES if name.category == parsed.category and name.kind}
    kind = next((attribute for attribute in parsed.attributes if attribute in kinds), "")
    name = next(name for name in NAMES if name.category == parsed.category and name.kind == kind)
    said = sorted((a for a in parsed.attributes if a != kind), key=lambda a: (a not in _ORDER, a))
    words = _most(parsed.superlative, wording, draws) if parsed.superlative else []
    words += [_word(LIKE.get(attribute, ((attribute,), (attribute,))), wording, draws) for attribute in said]
    words += [_sensor_word(sensor, wording, draws)] if sensor else []
    return " ".join([*words, _noun(name, parsed.plural, wording, draws)])


def _most(superlative: Superlative, wording: Wording, draws: Draws) -> list[str]:
    """ "second leftmost"."""
    ordinal = next(word for word, rank in ORDINALS.items() if rank == superlative.rank)
    return [*([ordinal] if superlative.rank > 1 else []), _word(MOST[superlative.kind], wording, draws)]


def _noun(name: Name, plural: bool, wording: Wording, draws: Draws) -> str:
    one, many = draws.choice(name.held_out if wording == "held-out" and draws.chance(0.5) else name.train)
    if plural and one == many:
        one, many = name.train[0]
    return many if plural else one


def _place(way: Way, wording: Wording, draws: Draws) -> str:
    """ "in the top left of the image"."""
    x, y = way
    sort = "center" if way == (0, 0) else "side" if None in way else "edge" if 0 in way else "corner"
    v = {-1: draws.choice(("top", "upper")), 1: draws.choice(("bottom", "lower"))}.get(y or 0, "")
    h = {-1: "left", 1: "right"}.get(x or 0, "")
    compass = f"{'north' if y == -1 else 'south'}-{'west' if x == -1 else 'east'}"
    fits = [
        place
        for place in PLACES[sort][0 if wording == "train" else 1]
        if (h or "{h}" not in place) and (v or "{v}" not in place)
    ]
    if v in ("upper", "lower"):  # "at the upper of the image" is not said
        fits = [place.replace("at the {v} of", "at the {v} side of") for place in fits]
    return draws.choice(fits).format(v=v, h=h, compass=compass)


def _link(relation: Relation, wording: Wording, draws: Draws) -> str:
    if relation.kind == "direction" and relation.way is not None:
        return _draw(WAYS_FROM[relation.way], wording, draws)
    return _draw(LINKS[relation.kind], wording, draws)


def _other(parsed: Parsed, wording: Wording, draws: Draws, article: str) -> str:
    core = _core(parsed, wording, draws)
    if parsed.plural or (_is_mass(parsed) and article == "a"):
        return core
    return f"{'the' if parsed.superlative else article} {core}"


def _is_mass(parsed: Parsed) -> bool:
    return any(name.mass for name in NAMES if name.category == parsed.category)


def _sensor_word(sensor: str, wording: Wording, draws: Draws) -> str:
    words: Groups = (("SAR",), ("radar", "SAR")) if sensor == "sar" else (("optical",), ("optical",))
    return _draw(words, wording, draws)


def _named(text: str, sensor: str) -> str:
    """``text`` with the sensor that its picture is from."""
    for noun in ("image", "picture", "view", "scene"):
        if text.endswith(noun) or f"{noun} " in text or f"{noun}," in text:
            return text.replace(noun, f"{sensor} {noun}", 1)
    return f"{text} in the {sensor} image"
