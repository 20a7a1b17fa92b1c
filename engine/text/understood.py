"""How an expression was read, in words: shown beside what was found, so that a misreading is seen."""

from __future__ import annotations

from engine.text.direction_words import Way
from engine.text.expressions import Parsed, Relation

_ORDINALS = {2: "second ", 3: "third ", 4: "fourth ", 5: "fifth "}
_ACROSS = {-1: "left", 0: "middle", 1: "right", None: ""}
_UPRIGHT = {-1: "top", 0: "middle", 1: "bottom", None: ""}
_SENSORS = {"optical": "optical", "sar": "SAR"}


def understood(parsed: Parsed) -> str:
    """The parts of an expression, the thing first: "storage tank; attribute: white; position: top right".

    The words that were not understood come last, by themselves.
    """
    thing = parsed.category or "no class that is known"
    parts = [f"{thing} (all of them)" if parsed.plural else thing]
    if parsed.attributes:
        parts.append(f"attribute{'s' if len(parsed.attributes) > 1 else ''}: {', '.join(parsed.attributes)}")
    if parsed.superlative is not None:
        parts.append(f"{_ORDINALS.get(parsed.superlative.rank, '')}{parsed.superlative.kind}")
    if parsed.position is not None:
        parts.append(f"position: {way_words(parsed.position)}")
    if parsed.relation is not None:
        parts.append(f"relation: {_relation(parsed.relation)}")
    if parsed.sensor:
        parts.append(f"sensor: {_SENSORS[parsed.sensor]}")
    if parsed.leftover:
        parts.append(f"not understood: {', '.join(parsed.leftover)}")
    return "; ".join(parts)


def way_words(way: Way) -> str:
    """Where a way points: "top right", "left", "middle"; "nowhere" for one without a direction."""
    words = [word for word in (_UPRIGHT[way[1]], _ACROSS[way[0]]) if word]
    return " ".join(dict.fromkeys(words)) or "nowhere"


def _relation(relation: Relation) -> str:
    """ "left of (pier; attribute: white)", "on road"."""
    kind = relation.kind if relation.way is None else f"{way_words(relation.way)} of"
    reference = understood(relation.reference)
    return f"{kind} {f'({reference})' if ';' in reference else reference}"
