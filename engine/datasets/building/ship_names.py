"""All kinds of ships made one class: OptSAR-RSVG has "ship" where RSVGD names 76 fine ones, in sentences too.

(arXiv 2603.24876, section IV-A, step 1.) Which 76 is not public to us. So the names are those that the data set's own
annotations bear, and beside them the common nouns of :data:`KINDS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

KINDS: tuple[str, ...] = (
    "aircraft carrier", "amphibious assault ship", "amphibious transport dock", "auxiliary ship", "barge",
    "bulk carrier", "cargo ship", "container ship", "cruise ship", "cruiser", "destroyer", "dredger",
    "engineering ship", "ferry", "fishing boat", "fishing vessel", "frigate", "hovercraft", "landing craft",
    "landing ship", "medical ship", "merchant ship", "motorboat", "oil tanker", "passenger ship",
    "patrol boat", "patrol ship", "research ship", "sailboat", "sailing boat", "sand carrier", "speedboat",
    "submarine", "supply ship", "tanker", "test ship", "training ship", "transport ship", "tugboat", "warship",
    "yacht",
)  # fmt: skip
"""Nouns that name nothing but a kind of ship."""

_AFTER = ("ship", "vessel", "boat", "craft", "carrier", *KINDS)
# Names that some sets have for a kind of ship, and that are words for something else where no ship follows.
_DOUBTFUL = frozenset({"dock", "cargo", "patrol", "landing", "commander", "merchant", "enterprise", "auxiliary"})


def unify_ships(sentence: str, names: Iterable[str]) -> str:
    """``sentence`` with every kind of ship in it called "ship", whether it is one of ``names`` or of :data:`KINDS`.

    "Two Arleigh Burke-class destroyers" becomes "Two ships", "an aircraft carrier" "a ship". One or many, and a first
    capital, stay as they are.
    """
    plain = {" ".join(name.lower().split()) for name in names} - {"ship", ""}
    return _pattern(tuple(sorted(name for name in plain if not name.startswith("other ")))).sub(_replaced, sentence)


@lru_cache(maxsize=16)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    after = rf"(?:[ -](?:{_any_of(_AFTER)})s?\b)"
    certain = rf"(?:{_any_of((*KINDS, *(name for name in names if name not in _DOUBTFUL)))})s?(?:[ -]class)?{after}*"
    doubtful = rf"(?:{_any_of(sorted(_DOUBTFUL & set(names)))})(?:[ -]class)?{after}+"
    kind = certain if _DOUBTFUL.isdisjoint(names) else f"(?:{certain}|{doubtful})"
    return re.compile(rf"(?P<article>\ban (?={kind}\b))?\b{kind}\b", re.IGNORECASE)


def _any_of(names: Iterable[str]) -> str:
    """A pattern for any of the names, the longest first."""
    return "|".join(_spelt(name) for name in sorted(names, key=lambda name: (-len(name), name)))


def _spelt(name: str) -> str:
    """A name as a pattern: its words with blanks or hyphens between them."""
    return "[ _-]+".join(re.escape(word) for word in re.split(r"[\s_-]+", name))


def _replaced(match: re.Match[str]) -> str:
    article = match["article"] or ""
    words = match.group()[len(article) :]
    ships = "ships" if words.endswith("s") and not words.endswith("ss") else "ship"
    if words[0].isupper() and match.start() == 0 and not article:
        ships = ships.capitalize()
    return (article[0] + " " if article else "") + ships
