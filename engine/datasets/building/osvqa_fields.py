"""Fields of an annotation: words of closed lists, lists of objects, and measures in pixels or on the ground."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from engine.datasets.building.osvqa_pairs import View
from engine.formats.records import Record, records_of
from engine.text import VIEW_PX


@dataclass(frozen=True, slots=True)
class _Quantity:
    """``power`` of a length in it, how many metres to that power each unit has, and the most there can be."""

    power: int
    units: Mapping[str, float]
    most_px: float


_QUANTITIES = {
    "area": _Quantity(2, {"m2": 1.0, "ha": 10_000.0}, VIEW_PX**2),
    "length": _Quantity(1, {"m": 1.0}, 16 * VIEW_PX),  # a river may wind
    "distance": _Quantity(1, {"m": 1.0}, VIEW_PX * 2**0.5),
}


def only_fields(record: Record, known: Collection[str]) -> None:
    """Report every field that does not exist, with the one that may be meant."""
    for name in record.values:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            record.report(f"There is no field {name!r}{f'; {close[0]!r} may be meant' if close else ''}.")


def word(record: Record, name: str, words: Collection[str], *, required: bool = False) -> str | None:
    """A word of a closed list; None where it is left out, and with a fault where it is not in the list."""
    if not required and not record.has(name):
        return None
    found = record.text(name)
    if found is None or found in words:
        return found
    close = difflib.get_close_matches(found, words, 3)
    told = f"{', '.join(close)} may be meant" if close else f"words are {', '.join(list(words)[:12])} …"
    record.report(f"The field {name!r} has the word {found!r}, which there is not; {told}.")
    return None


def parts(record: Record, name: str) -> Iterator[Record]:
    """The objects of a list of ``record``, which may be left out."""
    given = record.values.get(name)
    if isinstance(given, list):
        lines = [] if record.line is None else [record.line] * len(given)
        yield from records_of({name: given}, name, record.file, record.faults, lines=lines)
    elif given is not None:
        record.report(f"The field {name!r} is not a list.")


def measure(record: Record, name: str, view: View) -> float | None:
    """An area, length or distance in pixels of the 256-pixel view, from the one field of it that is given.

    None, with a fault, where two units are given, where it is not above 0 or larger than the view, and where it is on
    the ground and nobody tells the sampling distance.
    """
    quantity = _QUANTITIES[name]
    given = [unit for unit in ("px", *quantity.units) if record.has(f"{name}_{unit}")]
    if len(given) > 1:
        record.report(f"The {name} is given in {' and in '.join(given)}.")
    if len(given) != 1:
        return None
    value = record.number(f"{name}_{given[0]}")
    if value is None:
        return None
    if given[0] == "px":
        pixels = value * view.scale**quantity.power
    elif view.gsd_m is None:
        record.report(f"The {name} is on the ground, and neither the image nor 'gsd_m' tells the size of a pixel.")
        return None
    else:
        pixels = value * quantity.units[given[0]] * (view.scale / view.gsd_m) ** quantity.power
    if not 0 < pixels <= quantity.most_px:
        record.report(f"The {name} of {value:g} {given[0]} is not in the range of the image.")
        return None
    return pixels
