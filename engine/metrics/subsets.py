"""One score over all samples and over parts of them: by sensor, by weather, by size of the object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar


class Tally(Protocol):
    """Whatever counts outcomes."""

    @property
    def add(self) -> Callable[..., None]: ...


T = TypeVar("T", bound=Tally)

SIZES: tuple[tuple[str, float], ...] = (("tiny", 0.001), ("small", 0.01), ("medium", 0.05), ("large", 1.0))
"""Names of sizes, each with the largest share of the image that it goes up to (included).

Shares, not pixels, as the networks see one square whatever the image; 5 % is where LGCE's Fig. 7 draws the line that
most of its test samples lie under.
"""


def size_group(area_px: float, image_area_px: float) -> str:
    """The name in :data:`SIZES` of an object of ``area_px`` square pixels in an image of ``image_area_px``."""
    share = area_px / image_area_px
    return next((name for name, largest in SIZES if share <= largest), SIZES[-1][0])


class Subsets(Generic[T]):
    """A tally of all samples, and one per value of each label that samples carry.

    ``make`` builds an empty tally, say :class:`~engine.metrics.OverlapTally`. After
    ``subsets.add(overlap, sensor="sar", weather="cloud")`` the sample counts in ``all``, in ``by["sensor"]["sar"]``
    and in ``by["weather"]["cloud"]``.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self.all = make()
        self.by: dict[str, dict[str, T]] = {}

    def add(self, *outcome: Any, **labels: str) -> None:
        """Count one outcome, as the tally's own ``add`` takes it, under its labels."""
        self.all.add(*outcome)
        for label, value in labels.items():
            self.by.setdefault(label, {}).setdefault(value, self._make()).add(*outcome)

    def scores(self, read: Callable[[T], Any]) -> dict[str, Any]:
        """``read`` of every tally: ``{"all": …, "sensor": {"optical": …, "sar": …}, …}``, values sorted by name."""
        parts = {label: {v: read(t) for v, t in sorted(tallies.items())} for label, tallies in self.by.items()}
        return {"all": read(self.all), **parts}
