"""Splits in proportion: every label is spread over the splits as the pictures are.

Iterative stratification for multi-label data (Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011): the rarest label is
dealt out first, each time to the split that still wants most of it. Beyond the paper, a split never takes more pictures
than its share, rounded, so that the sizes of the splits are exact where every item is one picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from engine.draws import Draws

OPTSAR_SHARES: Mapping[str, int] = {"train": 8, "val": 1, "test": 1}
"""OptSAR-RSVG (arXiv 2603.24876, section IV-A, step 3)."""

OSVQA_SHARES: Mapping[str, int] = {"train": 3, "val": 1, "test": 1}
"""OSVQA (arXiv 2411.15770, section IV)."""

REFSEGRS_SHARES: Mapping[str, int] = {"train": 151, "val": 31, "test": 103}
"""RefSegRS, in scenes (arXiv 2306.08625, section III-D)."""


def split_in_proportion(
    items: Sequence[Mapping[str, int]],
    shares: Mapping[str, float],
    draws: Draws,
    sizes: Sequence[int] | None = None,
) -> tuple[str, ...]:
    """The split of each item, in their order.

    An item is what must stay together: a picture, or a picture with its augmented copies. It is given as how often each
    label (class, sensor, scene, challenge) occurs in it; ``sizes`` tells how many pictures it holds (1 each).
    ``shares`` need not add up to one.
    """
    pictures = list(sizes) if sizes is not None else [1] * len(items)
    dealer = _Dealer(shares, sum(pictures), _totals(items))
    order = draws.sample(range(len(items)), len(items))
    order.sort(key=lambda index: -pictures[index])  # a large item finds its place while there is room
    left = dict.fromkeys(order)
    chosen = [""] * len(items)
    remaining = _totals(items)
    while left:
        rarest = min((label for label, count in remaining.items() if count > 0), key=remaining.__getitem__, default="")
        for index in [index for index in left if not rarest or items[index].get(rarest)]:
            chosen[index] = dealer.deal(items[index], pictures[index], rarest)
            remaining.subtract(items[index])
            del left[index]
    return tuple(chosen)


def _totals(items: Sequence[Mapping[str, int]]) -> Counter[str]:
    """How often each label occurs, the labels in alphabetical order so that ties are always decided alike."""
    total: Counter[str] = Counter()
    for item in items:
        total.update(item)
    return Counter(dict(sorted(total.items())))


def _rounded(total: int, parts: Mapping[str, float]) -> dict[str, int]:
    """``total`` in whole numbers by ``parts``, the largest remainders rounded up."""
    exact = {name: total * part / sum(parts.values()) for name, part in parts.items()}
    whole = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(parts, key=lambda name: whole[name] - exact[name])
    for name in by_remainder[: total - sum(whole.values())]:
        whole[name] += 1
    return whole


class _Dealer:
    """How many pictures, and how much of each label, every split still wants."""

    def __init__(self, shares: Mapping[str, float], pictures: int, labels: Mapping[str, int]) -> None:
        self._room = _rounded(pictures, shares)
        whole = sum(shares.values())
        self._wanted = {
            split: {label: count * share / whole for label, count in labels.items()} for split, share in shares.items()
        }

    def deal(self, item: Mapping[str, int], pictures: int, label: str) -> str:
        """The split that takes the item: of those with room for it the one that wants most of ``label``."""
        fitting = [split for split, room in self._room.items() if room >= pictures]
        if fitting:
            split = max(fitting, key=lambda name: (self._wanted[name].get(label, 0.0), self._room[name]))
        else:
            split = max(self._room, key=self._room.__getitem__)
        self._room[split] -= pictures
        for name, count in item.items():
            self._wanted[split][name] -= count
        return split
