"""Which answer was given where another was true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

OTHER = "(other)"
"""The row and column of the answers that are not among the most frequent."""


def confusion(truth: Sequence[str], given: Sequence[str], *, most: int = 10) -> dict[str, Any]:
    """``{"answers": [k names], "counts": [k][k]}``: a row per true answer, a column per given one, as JSON.

    The ``most`` true answers asked about most are told apart, most frequent first (equal ones by name); all others
    share the last row and column, :data:`OTHER`, which is there only if it is needed.
    """
    frequent = sorted(Counter(truth).items(), key=lambda item: (-item[1], item[0]))
    names = [name for name, _ in frequent[:most]]
    place = {name: row for row, name in enumerate(names)}
    if not {*truth, *given} <= place.keys():
        names.append(OTHER)
    counts = [[0] * len(names) for _ in names]
    for true, said in zip(truth, given, strict=True):
        counts[place.get(true, len(names) - 1)][place.get(said, len(names) - 1)] += 1
    return {"answers": names, "counts": counts}
