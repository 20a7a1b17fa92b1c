"""Which of the boxes or parts of a mask over the images the user means."""

from __future__ import annotations

from psygnal import Signal

from engine.records import FoundBox, OutlinePart

Thing = FoundBox | OutlinePart


class Marks:
    """``selected`` and ``pointed`` are places in ``things``, boxes with the best or parts with the largest first: what
    the user chose, and what is under the pointer, be it in the list or on an image. ``changed`` tells that one of them
    is another."""

    changed = Signal()

    def __init__(self) -> None:
        self.things: tuple[Thing, ...] = ()
        self.selected: int | None = None
        self.pointed: int | None = None

    def renew(self, things: tuple[Thing, ...]) -> None:
        """Other things lie over the images, of which none is meant yet; the same ones keep their marks."""
        if things is not self.things:
            self.things = things
            self._mark(None, None)

    def select(self, place: int | None) -> None:
        """Choose a thing, or none; a place that has nothing is none."""
        self._mark(self._there(place), self.pointed)

    def point_at(self, place: int | None) -> None:
        """The pointer is over a thing, or over none."""
        self._mark(self.selected, self._there(place))

    def _there(self, place: int | None) -> int | None:
        return place if place is not None and 0 <= place < len(self.things) else None

    def _mark(self, selected: int | None, pointed: int | None) -> None:
        if (selected, pointed) != (self.selected, self.pointed):
            self.selected, self.pointed = selected, pointed
            self.changed.emit()
