"""What an expression asks for, taken apart: "the largest white tank left of the pier in the top right of the image".

A large scene is searched window by window, and a window knows neither what is leftmost of all nor what lies beside
something in the next window. So the category, with its attributes, is searched for in each window; position,
superlative and relation are decided afterwards over everything that was found. :func:`parse` makes that cut. It reads
more than the templates say, and tells what it did not understand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from engine.text.direction_words import PARTS, PICTURE, STOPS, Way
from engine.text.directions import Direction, Uncertain, find_directions
from engine.text.expression_words import ATTRIBUTES, GLUE, NAME_OF, ORDINALS, RELATIONS, SENSORS, SUPERLATIVES


@dataclass(frozen=True, slots=True)
class Superlative:
    """``kind`` is largest, smallest, longest, shortest, leftmost, rightmost, topmost or bottommost; ``rank`` 2 is the
    second of that order."""

    kind: str
    rank: int = 1


@dataclass(frozen=True, slots=True)
class Relation:
    """``kind`` is a value of :data:`~engine.text.expression_words.RELATIONS`, or "direction" with its ``way``."""

    kind: str
    reference: Parsed
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """An expression in its parts.

    ``category`` is a class of :mod:`engine.scenes.scene`, empty where none was found. ``attributes`` (kinds, colours,
    sizes) are sorted. ``position`` is where in the picture, as a way. ``plural`` says that more than one thing may be
    meant, ``sensor`` is "optical", "sar" or empty. ``leftover`` are the words that were not understood; ``certain``
    says that there are none, that a category was found, and that no word could be read in two ways.
    """

    category: str
    attributes: tuple[str, ...] = ()
    position: Way | None = None
    superlative: Superlative | None = None
    relation: Relation | None = None
    plural: bool = False
    sensor: str = ""
    leftover: tuple[str, ...] = ()
    certain: bool = True


@lru_cache(maxsize=4096)
def parse(expression: str) -> Parsed:
    """The parts of ``expression``. Never fails: what is not understood is in ``leftover``, and ``certain`` is False."""
    small = _small(expression)
    reading = _Reading()
    parsed = reading.thing(_tokens(small))
    sensors = {SENSORS[word] for word in re.findall(rf"\b(?:{_SENSOR})\b", small)}
    doubts = [one for one in find_directions(small) if isinstance(one, Uncertain) or one.frame == "course"]
    unsure = reading.unsure or len(sensors) > 1 or bool(doubts)
    return replace(
        parsed,
        sensor=sensors.pop() if len(sensors) == 1 else "",
        leftover=tuple(reading.leftover),
        certain=not unsure and not reading.leftover and bool(parsed.category),
    )


def category_span(expression: str) -> tuple[int, int] | None:
    """Where the word for the thing that is asked for stands in ``expression``; None where there is none."""
    head = next((token for token in _tokens(_small(expression)) if token.sort == "category"), None)
    return None if head is None else (head.start, head.start + len(head.text))


# ---- tokens

Sort = Literal["category", "attribute", "superlative", "ordinal", "relation", "sensor", "glue", "position", "word"]


@dataclass(frozen=True, slots=True)
class _Token:
    """A stretch of the expression that was recognised as one sort of thing; a direction's ``way`` goes with it."""

    sort: Sort
    text: str
    start: int
    way: Way | None = None


_SORTS: tuple[tuple[Sort, tuple[str, ...]], ...] = (
    ("category", tuple(NAME_OF)),
    ("relation", tuple(RELATIONS)),
    ("superlative", tuple(SUPERLATIVES)),
    ("attribute", tuple(ATTRIBUTES)),
    ("sensor", tuple(SENSORS)),
    ("ordinal", tuple(ORDINALS)),
    ("glue", tuple(sorted(GLUE))),
)
_SORT_OF: dict[str, Sort] = {word: sort for sort, words in reversed(_SORTS) for word in words}
_SENSOR = "|".join(SENSORS)
# "in the image" tells no more than "there".
_FILLER = rf"(?:in|on|of|from|within) (?:the |this )?(?:(?:{_SENSOR}) )?(?:{'|'.join(PICTURE)})\b"
_LEXICON = re.compile(
    rf"(?P<filler>\b{_FILLER})|\b(?P<known>{'|'.join(sorted(map(re.escape, _SORT_OF), key=len, reverse=True))})\b(?!-)"
    rf"|(?P<word>[^\W_][\w'’-]*)"
)
_BEFORE = re.compile(r"(?:\b(?:in|on|at|to|toward|towards|from) )?(?:\bthe )?(?:\bvery |\bfar )?$")
_AFTER = re.compile(
    rf"(?:[- ](?:hand |most )?(?:{'|'.join(PARTS)})s?)*"
    rf"(?:(?: of| in)? (?:the |this )?(?:(?:{_SENSOR}) )?(?:{'|'.join(PICTURE)})\b)?"
)
_SEEN_FROM = re.compile(rf"(?:[- ](?:hand |most )?(?:{'|'.join(PARTS)})s?)*(?: (?:of|from)\b)?")
_FROM = re.compile(r"\bfrom the $")
_NAMES_NEXT = re.compile(rf" (?!(?:{'|'.join(STOPS)})\b)\w")


def _small(expression: str) -> str:
    """In small letters, one for one, so that places in it are places in ``expression``."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in expression)


def _tokens(text: str) -> list[_Token]:
    """The directions of ``text`` and the words between them, in order."""
    tokens, rest = [], text
    for one in find_directions(text):
        if isinstance(one, Direction) and one.frame != "course":
            start, end = _extent(text, one)
            tokens.append(_direction_token(text[start:end], one))
            rest = rest[:start] + "\0" * (end - start) + rest[end:]
    tokens += [_token(match) for match in _LEXICON.finditer(rest)]
    return sorted(tokens, key=lambda token: token.start)


def _extent(text: str, one: Direction) -> tuple[int, int]:
    """The direction with what belongs to it: "**in the top left corner of the image**", "**to the upper left of** it".

    In "on the northern pier" the direction is the pier's, and "on" is not part of it.
    """
    compared = one.most and one.frame == "absolute"
    after = (_SEEN_FROM if compared or one.frame == "relative" else _AFTER).match(text, one.end)
    end = after.end() if after else one.end
    before = (_FROM if compared else _BEFORE).search(text, 0, one.start)
    if before is None or (not compared and end == one.end and _NAMES_NEXT.match(text, end)):
        return one.start, end
    return before.start(), end


def _direction_token(text: str, one: Direction) -> _Token:
    if one.most:
        return _Token("superlative", text, one.start, one.way)
    return _Token("relation" if one.frame == "relative" else "position", text, one.start, one.way)


def _token(match: re.Match[str]) -> _Token:
    text, start = match.group(), match.start()
    if match["filler"]:
        return _Token("glue", text, start)
    return _Token(_SORT_OF[text] if match["known"] else "word", text, start)


# ---- reading

_MOST: dict[Way, str] = {(-1, None): "leftmost", (1, None): "rightmost", (None, -1): "topmost", (None, 1): "bottommost"}


@dataclass(slots=True)
class _Reading:
    """What is noticed on the way through the tokens and belongs to the whole expression."""

    leftover: list[str] = field(default_factory=list)
    unsure: bool = False

    def thing(self, tokens: list[_Token], depth: int = 0) -> Parsed:
        """The thing that ``tokens`` begin with, its relation and the thing it is related to."""
        parsed = Parsed("")
        attributes: set[str] = set()
        rank = 1
        for index, token in enumerate(tokens):
            if token.sort == "category" and not parsed.category:
                category, kind, plural = NAME_OF[token.text]
                attributes |= {kind} - {""}
                parsed = replace(parsed, category=category, plural=plural)
            elif token.sort == "relation" and parsed.category:
                reference = self.thing(tokens[index + 1 :], depth + 1)
                parsed = replace(parsed, relation=self._relation(token, reference))
                break
            elif token.sort == "attribute":
                attributes.add(ATTRIBUTES[token.text])
            elif token.sort == "ordinal":
                rank = ORDINALS[token.text]
            elif token.sort == "superlative":
                parsed = replace(parsed, superlative=self._superlative(token, parsed, rank))
            elif token.sort == "position":
                # "the ship by the pier on the left": which of the two is on the left?
                self.unsure |= (depth > 0 and bool(parsed.category)) or parsed.position is not None
                parsed = replace(parsed, position=token.way)
            elif token.sort not in ("glue", "sensor"):
                self.leftover.append(token.text)
        self.unsure |= rank > 1 and parsed.superlative is None
        return replace(parsed, attributes=tuple(sorted(attributes)))

    def _relation(self, token: _Token, reference: Parsed) -> Relation | None:
        if not reference.category:
            self.leftover.append(token.text.strip())
            return None
        kind = "direction" if token.way is not None else RELATIONS[token.text]
        return Relation(kind, reference, token.way)

    def _superlative(self, token: _Token, parsed: Parsed, rank: int) -> Superlative | None:
        kind = _MOST.get(token.way) if token.way is not None else SUPERLATIVES[token.text]
        if kind is None or parsed.superlative is not None:
            self.leftover.append(token.text.strip())
            return parsed.superlative
        return Superlative(kind, rank)
