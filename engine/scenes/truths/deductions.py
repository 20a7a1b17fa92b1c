"""What follows from what a scene shows: the rules behind OSVQA's ``deduce`` questions.

Each rule says yes on clear evidence, no where the picture holds nothing of the kind, and nothing in between. They
are about what the place offers to see, not about permission or weather: one can swim where there is a lake, a pool,
a river or the sea, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.text import Deduction

Known = Mapping[str, bool | None]
"""Whether each class is there; None, or not in the mapping, where that is not known."""


def _any(known: Known, *names: str) -> bool | None:
    """Yes if one is there, no if none is, None if it hangs on an unknown."""
    found = [known.get(name) for name in names]
    if any(found):
        return True
    return False if all(there is False for there in found) else None


def _shade(known: Known) -> bool | None:
    """A forest gives shade. In towns and wetland there are single trees, about which nothing is said."""
    if known.get("forest"):
        return True
    return False if _any(known, "forest", "built-up area", "wetland") is False else None


def _cross(known: Known) -> bool | None:
    """Where a river is seen: a bridge leads over it. Without a river there is nothing to ask."""
    return known.get("bridge") if known.get("river") else None


def _crops(known: Known) -> bool | None:
    return known.get("farmland")


def _drive(known: Known) -> bool | None:
    """On a road. Without one a parking lot, a yard or a town still leaves doubt."""
    if known.get("road"):
        return True
    return False if _any(known, "road", "parking lot", "built-up area", "concrete", "runway") is False else None


def _park(known: Known) -> bool | None:
    """On a parking lot. A town or a yard without one leaves doubt."""
    if known.get("parking lot"):
        return True
    return False if _any(known, "parking lot", "built-up area", "concrete") is False else None


def _live(known: Known) -> bool | None:
    """People live in residential areas and in houses; nobody where nothing is built."""
    if known.get("residential"):
        return True
    return False if _any(known, "built-up area", "building") is False else None


def _berth(known: Known) -> bool | None:
    """At a pier or a harbor. Without one a shore with a town or a quay leaves doubt; without water there is none."""
    if _any(known, "harbor", "pier"):
        return True
    return False if _any(known, "water", "harbor", "pier") is False or _natural_shore(known) else None


def _natural_shore(known: Known) -> bool:
    """Water with nothing built anywhere."""
    return bool(known.get("water")) and _any(known, "built-up area", "concrete", "harbor", "pier", "ship") is False


_RULES: dict[str, Callable[[Known], bool | None]] = {
    "swim": lambda known: _any(known, "water", "swimming pool"),
    "land a plane": lambda known: known.get("runway"),
    "berth a ship": _berth,
    "drive": _drive,
    "shade": _shade,
    "cross the river": _cross,
    "grow crops": _crops,
    "store liquids": lambda known: known.get("storage tank"),
    "play tennis": lambda known: known.get("tennis court"),
    "run a race": lambda known: known.get("ground track field"),
    "park cars": _park,
    "live": _live,
    "carry electricity": lambda known: known.get("transmission tower"),
}


def deduce(known: Known) -> tuple[Deduction, ...]:
    """All that clearly follows, by topic of :data:`engine.text.DEDUCTIONS`."""
    found = []
    for topic, rule in _RULES.items():
        follows = rule(known)
        if follows is not None:
            found.append(Deduction(topic, "yes" if follows else "no"))
    return tuple(found)
