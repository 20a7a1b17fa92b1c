"""The pictures of one raster, asked for as the view moves so that a pane is never blank and never waits.

A :class:`PictureStream` has at most one request with the tile reader and works through this list, top first,
each time the view moves or a reply comes:

1. the *sharp* picture: the visible window and a margin, one picture pixel per screen pixel, a draft allowed;
2. where that was a draft (a raster without overviews), something better. A part of the raster is decoded in full,
   strip by strip, so that a new view never waits for more than one strip; each is laid into the sharp picture. Of
   (almost) the whole the reader makes a better preview by itself while nobody asks for anything, so it is asked for
   the same draft again whenever it says ``refined``;
3. the *base*: the whole raster at low resolution, which lies under everything and shows where no sharp picture is.

A reply that can still be used is awaited even if the view has moved on, as otherwise a long drag would cancel every
request before it is answered; one that cannot is cancelled at once. Pictures stay until better ones come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QPainter

from engine.protocol import Outcome, Refined, Tile
from engine.records import Box, DisplaySpec, PixelWindow
from rsqa_desktop.canvas.viewport import Viewport, window_around

MARGIN = 0.125  # of the pane, on each side: a small drag needs no new picture
BASE_PX = 768  # longest side of the base picture
STRIP_FRAME_PX = 8_000_000  # frame pixels of one strip of a refinement: some tenths of a second to decode
FEW_STRIPS = 8  # more than that is left to the reader's own refinement, which serves the next view too
MOST_PX = 8_000_000  # of one picture: the tile reader's slots hold 8,388,608
USEFUL = 2.0  # a picture up to twice too coarse or too fine is better than none


class TileReader(Protocol):
    """What the canvas needs of ``rsqa_desktop.services.TileReader``.

    Signals come after ``draw`` has returned. Should the reader's process die it asks again by itself, under the
    same id, and ends a request as ``crashed`` only when it has given up.
    """

    drawn: Any  # Signal(str id, Tile, QImage)
    finished: Any  # Signal(str id, Outcome)
    refined: Any  # Signal(Refined)

    def draw(
        self,
        path: str,
        window: PixelWindow,
        width: int,
        height: int,
        display: DisplaySpec,
        on: str | None = None,
        draft: bool = False,
    ) -> str: ...

    def cancel(self, request_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Source:
    """One raster to be shown in a frame of ``width`` x ``height`` pixels, which is that of ``on`` where named."""

    path: str
    on: str | None
    width: int
    height: int
    display: DisplaySpec

    @property
    def whole(self) -> PixelWindow:
        return PixelWindow(0, 0, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Picture:
    """``image`` spread over ``window`` (frame pixels), made with ``source``'s display."""

    source: Source
    window: PixelWindow
    image: QImage
    draft: bool

    @property
    def resolution(self) -> float:
        """Picture pixels per frame pixel."""
        return self.image.width() / self.window.width


@dataclass(frozen=True, slots=True)
class Wish:
    """One request as it would be sent."""

    role: Literal["sharp", "refine", "base"]
    source: Source
    window: PixelWindow
    width: int
    height: int

    @property
    def resolution(self) -> float:
        return self.width / self.window.width


class PictureStream(QObject):
    """Keeps the pictures of one :class:`Source` up with the view.

    ``changed``: there is something new to paint. ``failed`` carries the :class:`Outcome` of a request that the
    reader could not fulfil; the same request is not sent again until the view or the display changes.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, reader: TileReader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader = reader
        self._source: Source | None = None
        self._view: tuple[Viewport, float] | None = None
        self._base: Picture | None = None
        self._sharp: Picture | None = None
        self._strips_done = 0
        self._better: set[str] = set()  # roles whose drafts the reader could draw better by now
        self._reader_done = False  # and whether it will draw none better any more
        self._pending: tuple[str, Wish] | None = None
        self._refused: Wish | None = None
        reader.drawn.connect(self._on_drawn)
        reader.finished.connect(self._on_finished)
        reader.refined.connect(self._on_refined)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What to paint, the lowest first."""
        return tuple(picture for picture in (self._base, self._sharp) if picture is not None)

    @property
    def settled(self) -> bool:
        """Whether the view is shown as well as it will be."""
        if self._source is None or self._pending is not None:
            return False
        wish = self._next_wish()
        return not self.is_draft if wish is None else wish == self._refused

    @property
    def is_draft(self) -> bool:
        """Whether a sparse preview is still seen."""
        return self._sharp is not None and self._sharp.draft

    def show_source(self, source: Source | None) -> None:
        """Show another raster, or none; pictures of the old one go at once."""
        self._abandon()
        self._source = source
        self._base = self._sharp = None
        self._better, self._reader_done = set(), False
        self.changed.emit()
        self._step()

    def set_display(self, display: DisplaySpec) -> None:
        """Show the same raster with other bands or limits; the old pictures stay until the new ones come."""
        if self._source is None or self._source.display == display:
            return
        self._abandon()
        self._source = replace(self._source, display=display)
        self._better, self._reader_done = set(), False  # other bands have another preview
        self._step()

    def look(self, viewport: Viewport, device_ratio: float) -> None:
        """The view has moved. ``device_ratio`` is physical screen pixels per logical one."""
        self._view = (viewport, device_ratio)
        self._step()

    # -- what to ask for next --------------------------------------------------------------------------------------

    def _step(self) -> None:
        if self._pending is not None:
            if self._still_useful(self._pending[1]):
                return
            self._abandon()
        wish = self._next_wish()
        if wish is None or wish == self._refused:
            return
        self._better.discard(wish.role)
        source = wish.source
        request_id = self._reader.draw(
            source.path,
            wish.window,
            wish.width,
            wish.height,
            source.display,
            on=source.on,
            draft=wish.role != "refine",
        )
        self._pending = (request_id, wish)

    def _next_wish(self) -> Wish | None:
        source, view = self._source, self._view
        if source is None or view is None:
            return None
        wanted = sharp_wish(source, *view)
        if wanted is not None and not self._is_shown(wanted, view[0].visible):
            return wanted
        if wanted is not None and self._sharp is not None and self._sharp.draft:
            cut = strips(self._sharp)
            if len(cut) > FEW_STRIPS and "sharp" in self._better:
                return wanted
            if len(cut) <= FEW_STRIPS or self._reader_done:
                _, rows, window = cut[self._strips_done]
                return Wish("refine", source, window, self._sharp.image.width(), rows)
        if self._base is None or self._base.source != source or (self._base.draft and "base" in self._better):
            return base_wish(source)
        return None

    def _is_shown(self, wanted: Wish, visible: Box) -> bool:
        sharp = self._sharp
        if sharp is None or sharp.source != wanted.source:
            return False
        seen = window_around(visible).clipped(wanted.source.width, wanted.source.height)
        return _covers(sharp.window, seen) and abs(sharp.resolution / wanted.resolution - 1) < 0.02

    def _still_useful(self, pending: Wish) -> bool:
        if pending.source != self._source or self._view is None:
            return False
        wanted = sharp_wish(pending.source, *self._view)
        if wanted is None:
            return True
        if pending.role != "sharp":  # the view comes first
            return self._is_shown(wanted, self._view[0].visible)
        ratio = pending.resolution / wanted.resolution
        return 1 / USEFUL <= ratio <= USEFUL and _touch(pending.window, wanted.window)

    def _abandon(self) -> None:
        if self._pending is not None:
            request_id, self._pending = self._pending[0], None
            self._reader.cancel(request_id)
        self._refused = None

    # -- what the reader says --------------------------------------------------------------------------------------

    def _on_drawn(self, request_id: str, tile: Tile, image: QImage) -> None:
        if self._pending is None or request_id != self._pending[0]:
            return
        wish = self._pending[1]
        ready = paintable(image)
        if wish.role == "refine":
            self._lay_strip(ready)
        else:
            picture = Picture(wish.source, wish.window, ready, tile.draft)
            if wish.role == "sharp":
                self._sharp, self._strips_done = picture, 0
            if wish.window == wish.source.whole:
                self._base = picture
        self.changed.emit()

    def _on_refined(self, event: Refined) -> None:
        if self._source is not None and event.path == self._source.path:
            self._reader_done = event.complete
            self._better = {"sharp", "base"} if event.complete else {"sharp"}
            self._step()

    def _lay_strip(self, image: QImage) -> None:
        if self._sharp is None:
            return
        cut = strips(self._sharp)
        painter = QPainter(self._sharp.image)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(0, cut[self._strips_done][0], image)
        painter.end()
        self._strips_done += 1
        if self._strips_done == len(cut):
            self._sharp = replace(self._sharp, draft=False)

    def _on_finished(self, request_id: str, outcome: Outcome) -> None:
        if self._pending is None or request_id != self._pending[0]:
            return
        wish, self._pending = self._pending[1], None
        if outcome.status in ("failed", "crashed"):
            self._refused = wish
            self.failed.emit(outcome)
        self._step()


def paintable(image: QImage) -> QImage:
    """``image`` (RGBA bytes) in a format that Qt paints without converting each time; fastest where all is opaque."""
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    opaque = bool((pixels[:, 3 : image.width() * 4 : 4] == 255).all())
    return image.convertToFormat(QImage.Format.Format_RGB32 if opaque else QImage.Format.Format_ARGB32_Premultiplied)


def sharp_wish(source: Source, viewport: Viewport, device_ratio: float) -> Wish | None:
    """The picture of the visible window and its margin at screen resolution, None where the frame is out of sight.

    Never finer than the raster itself: what is magnified is magnified while painting.
    """
    seen = viewport.visible
    if window_around(seen).clipped(source.width, source.height) is None:
        return None
    across, down = seen.width * MARGIN, seen.height * MARGIN
    window = window_around(Box(seen.x0 - across, seen.y0 - down, seen.x1 + across, seen.y1 + down))
    clipped = window.clipped(source.width, source.height) or window
    resolution = min(viewport.scale * device_ratio, 1.0)
    return Wish("sharp", source, clipped, *_size(clipped, resolution))


def base_wish(source: Source) -> Wish:
    """The whole raster, its longest side at most ``BASE_PX``."""
    resolution = min(BASE_PX / max(source.width, source.height), 1.0)
    return Wish("base", source, source.whole, *_size(source.whole, resolution))


def strips(picture: Picture) -> list[tuple[int, int, PixelWindow]]:
    """A picture cut across, from the top: each strip's first row and rows in the image, and its window."""
    window, height = picture.window, picture.image.height()
    count = min(math.ceil(window.width * window.height / STRIP_FRAME_PX), height)
    cut = []
    for i in range(count):
        top, end = height * i // count, height * (i + 1) // count
        first, last = (round(window.height * row / height) for row in (top, end))
        cut.append((top, end - top, PixelWindow(window.col_off, window.row_off + first, window.width, last - first)))
    return cut


def _size(window: PixelWindow, resolution: float) -> tuple[int, int]:
    most = math.sqrt(MOST_PX / (window.width * window.height))
    resolution = min(resolution, most)
    return max(round(window.width * resolution), 1), max(round(window.height * resolution), 1)


def _covers(outer: PixelWindow, inner: PixelWindow | None) -> bool:
    if inner is None:
        return True
    a, b = outer.box, inner.box
    return a.x0 <= b.x0 and a.y0 <= b.y0 and a.x1 >= b.x1 and a.y1 >= b.y1


def _touch(one: PixelWindow, other: PixelWindow) -> bool:
    a, b = one.box, other.box
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1
