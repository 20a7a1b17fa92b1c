"""What Enter does with the words in the query box: ask, find, outline, or whichever of the three they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

QueryMode = Literal["auto", "ask", "find", "outline"]
Deed = Literal["ask", "find", "outline"]

MODE_WORDS: dict[QueryMode, str] = {"auto": "Auto", "ask": "Ask", "find": "Find", "outline": "Outline"}
MODE_HELP: dict[QueryMode, str] = {
    "auto": "A question asks; things are found as boxes, ground such as water or forest is outlined",
    "ask": "Whatever is typed is a question: the answer comes in words",
    "find": "Whatever is typed names things: they come as boxes on the images",
    "outline": "Whatever is typed names things or ground: they come as a mask, with its area",
}

_QUESTION_WORDS = "what which where when who whose why how"
_AUXILIARIES = "am is are was were do does did has have had can could will would should shall may might must"
_NEGATED = "isn't aren't wasn't weren't don't doesn't didn't hasn't haven't can't couldn't won't"
_ASKS = frozenset(f"{_QUESTION_WORDS} {_AUXILIARIES} {_NEGATED}".split())

_VERBS: dict[str, Deed] = {
    **dict.fromkeys(("outline", "segment", "delineate", "mask"), "outline"),
    **dict.fromkeys(("find", "detect", "locate"), "find"),
}
"""What an order may begin with. The verb is no part of what is named."""

_GROUND_WORDS = (
    "water waters lake lakes pond ponds river rivers stream streams canal canals sea ocean reservoir reservoirs flood "
    "floods wetland wetlands marsh marshes forest forests wood woods woodland trees vegetation farmland cropland field "
    "fields grass grassland meadow meadows lawn lawns land soil ground sand beach beaches desert snow ice glacier "
    "glaciers concrete settlement settlements area areas"
)
_GROUND = frozenset(_GROUND_WORDS.split())
"""What has an extent rather than a number: a box says little of it, its area much."""
_SPORTS = "baseball basketball tennis football soccer athletics track sports"
_NO_GROUND = frozenset(f"{_SPORTS} parking landing".split())
"""Before such a word: a baseball field is a thing."""
_PIECES = frozenset({"body", "bodies", "patch", "patches", "stretch", "stretches", "piece", "pieces"})
_PREPOSITIONS = "of in on at near by beside along between with to from under over around behind next close above below"
_DIRECTIONS = "left right north south east west northwest northeast southwest southeast"
_AFTER = frozenset(f"{_PREPOSITIONS} {_DIRECTIONS} that which where".split())
"""Words that end what is named and begin where it is."""


@dataclass(frozen=True, slots=True)
class AtHand:
    """Whether there is a model that finds, and one that outlines."""

    finder: bool = True
    outliner: bool = False


def deed_of(text: str, mode: QueryMode = "auto", at_hand: AtHand = AtHand()) -> Deed:
    """What ``text`` is taken for.

    In ``auto`` that is a question where it ends with a question mark, or begins with a question word or an auxiliary
    verb ("how many ships", "are there ships"); everything else is an expression ("all ships at the pier"). Without a
    word it is a question, which the box invites to first. An expression that begins with an order ("outline the lake")
    is obeyed; else it finds, but outlines where it names ground ("flooded fields") or where nothing that finds is
    ``at_hand``; without a model that outlines it never does so unordered. The other modes decide for themselves.
    """
    if mode != "auto":
        return mode
    words = _words(text)
    if not words or words[-1].endswith("?") or words[0].strip("\"'“”¿(,") in _ASKS:
        return "ask"
    if len(words) > 1 and words[0] in _VERBS:
        return _VERBS[words[0]]
    outlines = at_hand.outliner and (not at_hand.finder or _names_ground(words))
    return "outline" if outlines else "find"


def expression_of(text: str) -> str:
    """What ``text`` names: without an order at its beginning ("outline the lake" names "the lake")."""
    first, _, rest = text.strip().partition(" ")
    return rest.strip() if first.lower() in _VERBS and rest.strip() else text.strip()


def _words(text: str) -> list[str]:
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower().split()


def _names_ground(words: list[str]) -> bool:
    """Whether the thing that is named, not one that says where it is, has an extent rather than a number."""
    words = [word.strip(",.;") for word in words]
    for place, word in enumerate(words):
        before, after = (words[place - 1] if place else ""), words[place + 1 : place + 2]
        if word in _GROUND and (not after or after[0] in _AFTER):
            return before not in _NO_GROUND
        if place and word in _AFTER - {"left", "right"} and not (word == "of" and before in _PIECES):
            return False
    return False
