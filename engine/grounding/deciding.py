"""Position, size, relation and superlative of an expression, decided over everything that was found in an area.

A window knows neither what is leftmost of all nor what lies beside something in the next window. So each window is
searched for a class with its attributes (:func:`searches`), and the rest is geometry of boxes over the whole area
(:func:`decide`). The bounds between yes, no and too close to call are those of the synthetic scenes
(:mod:`engine.scenes.truths.places`), which the networks learn from. What boxes cannot tell is refused, not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from engine.draws import Draws
from engine.errors import InputRefused
from engine.grounding.reconcile import Sighting
from engine.records.geometry import Box
from engine.scenes.truths.places import (
    COMPACT_SHARE,
    EDGES,
    FAR_PX,
    NEAR_PX,
    ON_NO,
    ON_YES,
    Verdict,
    above,
    below,
    gap,
    lies,
    nearest,
    outermost,
    ranked,
    seen_from,
    sized,
)
from engine.scenes.truths.referring import BOX_CATEGORIES
from engine.text.expression_templates import say
from engine.text.expression_words import NAMES
from engine.text.expressions import Parsed, Relation, Superlative
from engine.text.understood import understood, way_words

SIZES = ("large", "small")
"""Attributes that compare the things of an area with each other: no window can tell them."""

SAME_SHARE = 0.7
"""A box found for the thing and one found for what it is related to are one thing if they share this much of both."""

_SEARCH_STREAM = 71
_SMALLER = "search a smaller area, which goes into the model at once"


class Searches(NamedTuple):
    """The texts that every window is searched for, and what the user should know of them.

    ``reference`` is for the thing that a relation leads to. Where ``decides`` is False, the expression asks for nothing
    that windows could not tell, and ``thing`` is the expression itself.
    """

    thing: str
    reference: str | None
    decides: bool
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Which things are meant: indices, the best score first, with what the user should know. ``clear`` says that
    nothing was too close to call; where nothing could be decided at all, none are ``chosen`` and the remarks say why.
    """

    chosen: tuple[int, ...]
    remarks: tuple[str, ...] = ()
    clear: bool = True


# ---- what windows are searched for


def searches(expression: str, parsed: Parsed) -> Searches:
    """What to search every window for, where ``parsed`` is :func:`engine.text.parse` of ``expression``.

    Words that were not understood are searched as they are, as long as nothing has to be decided afterwards: a network
    may know what a parser does not. Raises :class:`InputRefused` where something has to be decided that is not
    understood, or that boxes cannot tell.
    """
    if not _decides(parsed):
        unknown = f" “{', '.join(parsed.leftover)}” is not among the words that are known." if parsed.leftover else ""
        remarks = () if parsed.certain else (f"Every window was searched for the words as they are.{unknown}",)
        return Searches(expression, None, False, remarks)
    _require_understood(expression, parsed)
    reference = None
    if parsed.relation is not None:
        _require_boxes_tell(parsed.relation)
        reference = search_text(parsed.relation.reference)
    return Searches(search_text(parsed), reference, True)


def search_text(parsed: Parsed) -> str:
    """The class of ``parsed`` with its kind and colour, in the plural: "white storage tanks"."""
    likeness = tuple(attribute for attribute in parsed.attributes if attribute not in SIZES)
    return say(Parsed(parsed.category, likeness, plural=True), "train", Draws(0, _SEARCH_STREAM))


def _decides(parsed: Parsed) -> bool:
    """Whether something is asked that takes more than a look at the thing itself."""
    sizes = set(parsed.attributes) & set(SIZES)
    return bool(parsed.position or parsed.superlative or parsed.relation or sizes)


def _require_understood(expression: str, parsed: Parsed) -> None:
    if not parsed.category:
        raise InputRefused(
            f"“{expression}” cannot be decided over windows: it names no class that is known.",
            remedy=f"Search for the class alone, in the plural, or {_SMALLER}.",
        )
    if parsed.leftover:
        raise InputRefused(
            f"“{expression}” cannot be decided over windows: “{', '.join(parsed.leftover)}” is not understood.",
            remedy=f"Leave those words out, or {_SMALLER}.",
        )
    if not parsed.certain:
        raise InputRefused(
            f"“{expression}” cannot be decided over windows: its directions can be read in two ways.",
            remedy=f"Say one direction only, or {_SMALLER}.",
        )


def _require_boxes_tell(relation: Relation) -> None:
    """Raises :class:`InputRefused` for a relation that boxes do not show."""
    reference = relation.reference
    said = f"“{_relation_words(relation)}” cannot be decided over windows"
    remedy = f"Search for the class alone, in the plural, or {_SMALLER}."
    if relation.kind in ("surrounded", "over"):
        raise InputRefused(f"{said}: it is a matter of areas, which boxes do not show.", remedy=remedy)
    if reference.category not in BOX_CATEGORIES:
        raise InputRefused(f"{said}: the model finds no boxes of {many(reference.category)}.", remedy=remedy)
    if reference.relation is not None:
        raise InputRefused(f"{said}: what it relates to has a relation of its own.", remedy=remedy)


# ---- what is meant of what was found


@dataclass(frozen=True, slots=True)
class _Found:
    """A found thing as :class:`engine.scenes.truths.places.Placed`, in pixels of the network's input."""

    id: int
    box: tuple[float, float, float, float]
    whole: bool

    @property
    def centre(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def sides(self) -> tuple[float, float]:
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    @property
    def area_px(self) -> float:
        return math.prod(self.sides)

    @property
    def diagonal(self) -> float:
        """How long the thing is: what is long lies along its box's diagonal, however it is turned."""
        return math.hypot(*self.sides)


class _Undecided(Exception):
    """Nothing can be decided; the message is the sentence that says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things are judged: the analysed ``area`` and the pixels of it that are one of the network's input, in the
    boxes' units, and the network's ``side_px``."""

    area: Box
    model_px: float
    side_px: int

    @property
    def size(self) -> tuple[float, float]:
        """The area in pixels of the network's input."""
        return self.area.width / self.model_px, self.area.height / self.model_px

    def place(self, index: int, box: Sequence[float]) -> _Found:
        x0, y0 = self.area.x0, self.area.y0
        left, top, right, bottom = ((at - low) / self.model_px for at, low in zip(box, (x0, y0, x0, y0), strict=True))
        whole = left > 1 and top > 1 and right < self.size[0] - 1 and bottom < self.size[1] - 1
        return _Found(index, (left, top, right, bottom), whole)


def decide(parsed: Parsed, things: Sequence[Sighting], references: Sequence[Sighting], frame: Frame) -> Decision:
    """Which of ``things``, all of the class and likeness of ``parsed``, it means; positions are those in the area.

    ``references`` are what was found for its relation. Order of reading: size, place, relation, superlative.
    """
    if not things:
        return Decision((), (f"No {parsed.category} was found that scores enough.",))
    everything = [frame.place(index, one.box) for index, one in enumerate(things)]
    try:
        sure, unsure = _fitting(parsed, everything, references, frame)
        superlative = parsed.superlative
        if superlative is not None:
            return _most(superlative, parsed.category, sure, unsure, frame)
    except _Undecided as undecided:
        return Decision((), (f"{undecided} {_counted(len(things), parsed.category)} found in all.",), clear=False)
    by_score = sorted((*sure, *unsure) if parsed.plural else sure or unsure, key=lambda one: -things[one.id].score)
    return Decision(tuple(one.id for one in by_score), *_said(parsed, len(things), len(sure), len(unsure)))


def _fitting(
    parsed: Parsed, things: list[_Found], references: Sequence[Sighting], frame: Frame
) -> tuple[list[_Found], list[_Found]]:
    """The things of the size, at the place and in the relation that ``parsed`` says: surely, and too close to call."""
    for size in set(parsed.attributes) & set(SIZES):
        of_size = sized(things, size)
        if of_size is None:
            raise _Undecided(f"Which {many(parsed.category)} are {size} is not clear: there is no one step in size.")
        things = of_size
    verdicts: dict[int, list[Verdict]] = {thing.id: [] for thing in things}
    if parsed.position is not None:
        for thing in things:
            verdicts[thing.id].append(lies(thing, parsed.position, frame.size))
        things = [thing for thing in things if False not in verdicts[thing.id]]
    if parsed.relation is not None:
        test = _relation_test(parsed.relation, things, references, frame)
        for thing in things:
            verdicts[thing.id].append(test(thing))
    sure = [thing for thing in things if all(verdicts[thing.id])]
    unsure = [thing for thing in things if None in verdicts[thing.id] and False not in verdicts[thing.id]]
    return sure, unsure


def _relation_test(
    relation: Relation, things: list[_Found], references: Sequence[Sighting], frame: Frame
) -> Callable[[_Found], Verdict]:
    """Whether a thing is in ``relation`` to what is meant among ``references``."""
    reference = relation.reference
    meant = decide(replace(reference, plural=True), references, (), frame)
    others = [frame.place(index, references[index].box) for index in meant.chosen]
    said = f"“{_relation_words(relation)}” is not clear:"
    if not others:
        raise _Undecided(f"{said} no {reference.category} was found that it could mean.")
    if not meant.clear:
        raise _Undecided(f"{said} which {reference.category} it means is too close to call.")
    kind = relation.kind
    if kind not in ("direction", "nearest"):
        return lambda thing: _near_or_in(kind, thing, others)
    if len(others) > 1:
        raise _Undecided(f"{said} it could mean each of {len(others)} {many(reference.category)}.")
    (other,) = others
    if max(other.sides) > COMPACT_SHARE * frame.side_px:
        raise _Undecided(f"{said} the {reference.category} is too large to have a side.")
    things = [thing for thing in things if not _same(thing, other)]
    if kind == "direction":
        way = relation.way or (None, None)
        return lambda thing: thing in things and seen_from(thing, other, way)
    first = nearest(things, other) if len(things) > 1 else things
    closest = min(things, key=lambda thing: math.dist(thing.centre, other.centre), default=None)
    return lambda thing: (True if first is not None else None) if thing is closest else False


def _same(thing: _Found, other: _Found) -> bool:
    """Whether both are boxes of one thing, found for the thing and for what it is related to."""
    return min(_share_in(thing, other), _share_in(other, thing)) > SAME_SHARE


def _near_or_in(kind: str, thing: _Found, others: Sequence[_Found]) -> Verdict:
    """Relations to any of ``others``. A box holds more than its thing, so that a gap between boxes is the least one."""
    if kind in ("beside", "along"):
        return below(min(gap(thing, other) for other in others), NEAR_PX, FAR_PX)
    if kind == "with":
        return above(max(_share_in(other, thing) for other in others), ON_YES, ON_NO)
    return above(max(_share_in(thing, other) for other in others), ON_YES, ON_NO)


def _share_in(inner: _Found, outer: _Found) -> float:
    """The share of the box of ``inner`` that lies in that of ``outer``."""
    across = min(inner.box[2], outer.box[2]) - max(inner.box[0], outer.box[0])
    down = min(inner.box[3], outer.box[3]) - max(inner.box[1], outer.box[1])
    return max(0.0, across) * max(0.0, down) / max(inner.area_px, 1e-9)


def _most(superlative: Superlative, category: str, sure: list[_Found], unsure: list[_Found], frame: Frame) -> Decision:
    """The one that ``superlative`` names, with whether that is clear."""
    every, rank, kind = [*sure, *unsure], superlative.rank, superlative.kind
    if len(every) < rank:
        raise _Undecided(f"There is no {_ordinal(rank)}{kind} {category}: {_counted(len(every), category)} left.")
    one, clear = _ranked(kind, every, rank, frame)
    among_sure = _ranked(kind, sure, rank, frame) if len(sure) >= rank else (None, False)
    clear = clear and among_sure == (one, True)
    how = f"The {_ordinal(rank)}{kind} was decided among {_counted(len(every), category, verb='that fit')}"
    return Decision((one.id,), (f"{how}." if clear else f"{how}, and is too close to call.",), clear)


def _ranked(kind: str, things: list[_Found], rank: int, frame: Frame) -> tuple[_Found, bool]:
    """The ``rank``-th of ``things`` by a superlative, and whether it is clear."""
    if kind in EDGES:
        axis, sign = EDGES[kind]
        clear = outermost(things, kind, rank, frame.side_px)
        return sorted(things, key=lambda one: (sign * one.centre[axis], one.id))[rank - 1], clear is not None
    least = kind in ("smallest", "shortest")
    measure = _length if kind in ("longest", "shortest") else _area
    clear = ranked(things, measure, least=least, rank=rank)
    whole = not least or all(one.whole for one in things)
    order, by_length = (
        sorted(things, key=lambda one: (of(one) if least else -of(one), one.id)) for of in (measure, _length)
    )
    # A slanted ship fills less of its box than one that lies along it: both measures of size have to agree.
    agreed = order[rank - 1] is by_length[rank - 1]
    return order[rank - 1], clear is not None and whole and agreed


def _area(thing: _Found) -> float:
    return thing.area_px


def _length(thing: _Found) -> float:
    return thing.diagonal


# ---- words


def many(category: str) -> str:
    """The plural of a class: "storage tanks"."""
    return next((name.train[0][1] for name in NAMES if name.category == category and not name.kind), f"{category}s")


def _said(parsed: Parsed, count: int, sure: int, unsure: int) -> tuple[tuple[str, ...], bool]:
    """The remarks on things that were decided without a superlative, and whether all is clear."""
    asked = understood(replace(parsed, plural=False, sensor=""))
    said = [f"Decided by the boxes of {count} {many(parsed.category) if count != 1 else parsed.category} ({asked})."]
    if parsed.plural:
        if unsure:
            said.append(f"{_counted(unsure, parsed.category)} too close to call, and shown.")
        return tuple(said), not unsure
    if not sure and unsure:
        said.append(f"None surely fits; {_counted(unsure, parsed.category)} too close to call.")
    elif sure > 1:
        said.append(f"{sure} {many(parsed.category)} fit, and the best score is shown: ask in the plural for all.")
    elif not sure:
        said.append("None of them fits.")
    elif unsure:
        said.append(f"{_counted(unsure, parsed.category)} too close to call.")
    return tuple(said), sure == 1 and not unsure


def _counted(count: int, category: str, verb: str = "") -> str:
    """ "1 tank was", "no tanks were", "3 tanks that fit"."""
    noun = category if count == 1 else many(category)
    return f"{count or 'No'} {noun} {verb or ('was' if count == 1 else 'were')}"


def _relation_words(relation: Relation) -> str:
    kind = relation.kind if relation.way is None else f"{way_words(relation.way)} of"
    words = {"nearest": "nearest to", "surrounded": "surrounded by"}.get(kind, kind)
    return f"{words} {relation.reference.category}"


def _ordinal(rank: int) -> str:
    return {1: "", 2: "second ", 3: "third "}.get(rank, f"{rank}th ")
