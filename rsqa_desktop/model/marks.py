"""Which of the boxes over the images the user means."""

from __future__ import annotations

from psygnal import Signal

from engine.records import FoundBox


class Marks:
    """``selected`` and ``pointed`` are places in ``boxes``, the best first: the box that the user chose, and the one
    under the pointer, be it in the list or on an image. ``changed`` tells that one of them is another."""

    changed = Signal()

    def __init__(self) -> None:
        self.boxes: tuple[FoundBox, ...] = ()
        self.selected: int | None = None
        self.pointed: int | None = None

    def renew(self, boxes: tuple[FoundBox, ...]) -> None:
        """Other boxes lie over the images, of which none is meant yet; the same ones keep their marks."""
        if boxes is not self.boxes:
            self.boxes = boxes
            self._mark(None, None)

    def select(self, place: int | None) -> None:
        """Choose a box, or none; a place that has no box is none."""
        self._mark(self._there(place), self.pointed)

    def point_at(self, place: int | None) -> None:
        """The pointer is over a box, or over none."""
        self._mark(self.selected, self._there(place))

    def _there(self, place: int | None) -> int | None:
        return place if place is not None and 0 <= place < len(self.boxes) else None

    def _mark(self, selected: int | None, pointed: int | None) -> None:
        if (selected, pointed) != (self.selected, self.pointed):
            self.selected, self.pointed = selected, pointed
            self.changed.emit()
