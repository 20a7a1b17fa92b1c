"""The tile reader: pictures of windows of rasters, for the window's panes. No torch; starts in a fifth of a second.

The main thread listens, so a newer request is known while an older one is decoded. Two threads decode, as a pair has
two rasters and GDAL releases the interpreter while it works; one raster is never read by both at once, as a GDAL
handle must not be. What waits is served in the order of :func:`urgency`; when nothing waits, the pictures of rasters
without overviews are made better.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine import __version__
from engine.errors import Cancelled, ProtocolMismatch, RsqaError
from engine.jobs.conversation import Call, Conversation, outcome_of
from engine.jobs.shared_block import Slots
from engine.protocol import (
    Cancel,
    Hello,
    Identified,
    IdentifyRequest,
    Opened,
    OpenRaster,
    Outcome,
    Ready,
    Refined,
    Tile,
    TileRequest,
)
from engine.raster import Raster, default_display, identify, open_raster, render
from engine.records import Grid
from engine.records.raster import Sensor

DECODERS = 2
REFINE_SLICE_S = 0.03
"""How long a new request may have to wait for work that nobody had asked for."""
REFINED_EVERY_S = 0.5
HANDLES_KEPT = 8
"""Rasters kept open; beyond, the one used longest ago is closed. A closed one is opened again when asked for."""


def urgency(call: Call) -> int:
    """Lower is sooner: single pixels, then new rasters, then drafts, then full pictures."""
    if isinstance(call.request, TileRequest):
        return 2 if call.request.draft else 3
    return 0 if isinstance(call.request, IdentifyRequest) else 1


class Waiting:
    """The requests that wait, and which rasters are being read. Safe to use from several threads.

    Among equals the newest goes first: it is what the user looks at now.
    """

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._busy: set[str] = set()
        self._changed = threading.Condition()

    def add(self, call: Call) -> list[Call]:
        """Put a request in line; returns waiting tiles for the same slot, whose picture would be overwritten."""
        with self._changed:
            superseded = [
                old
                for old in self._calls
                if isinstance(old.request, TileRequest)
                and isinstance(call.request, TileRequest)
                and old.request.slot == call.request.slot
            ]
            self._calls = [old for old in self._calls if old not in superseded]
            self._calls.append(call)
            self._changed.notify_all()
        return superseded

    def remove(self, call_id: str) -> Call | None:
        """Take a waiting request out of the line; None if it is not (or no longer) waiting."""
        with self._changed:
            found = next((call for call in self._calls if call.id == call_id), None)
            if found is not None:
                self._calls.remove(found)
            return found

    def take(self) -> Call:
        """Wait for the next request whose raster is free, which then is busy until :meth:`done`."""
        with self._changed:
            while (call := self._next()) is None:
                self._changed.wait()
            self._calls.remove(call)
            self._busy.add(call.request.path)
            return call

    def take_idle(self, path: str) -> None:
        """Wait until nothing is asked for and nothing is read; ``path`` then is busy until :meth:`done`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._calls and not self._busy)
            self._busy.add(path)

    def done(self, path: str) -> None:
        with self._changed:
            self._busy.discard(path)
            self._changed.notify_all()

    def is_busy(self, path: str) -> bool:
        with self._changed:
            return path in self._busy

    def _next(self) -> Call | None:
        free = [call for call in self._calls if call.request.path not in self._busy]
        # min keeps the first among equals, so newest first means reading the list backwards.
        return min(reversed(free), key=urgency, default=None)


class Rasters:
    """Rasters held open, and the grids that others are warped onto.

    A raster is fetched only by the thread that has marked its path busy. A file that changed on disk is opened anew.
    """

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._open: OrderedDict[tuple[str, Sensor], tuple[int, Raster]] = OrderedDict()
        self._grids: dict[str, tuple[int, Grid]] = {}
        self._lock = threading.Lock()

    def get(self, path: str, sensor: Sensor) -> Raster:
        """The raster, opened if need be. Raises ``RasterUnreadable``."""
        key, stamp = (path, sensor), _stamp(path)
        with self._lock:
            known = self._open.pop(key, None)
            if known is not None and known[0] == stamp:
                self._open[key] = known
                return known[1]
        if known is not None:
            known[1].close()
        raster = open_raster(path, sensor=sensor)
        with self._lock:
            self._open[key] = (stamp, raster)
            idle = [k for k in self._open if not self._waiting.is_busy(k[0])]
            surplus = [self._open.pop(k)[1] for k in idle[: max(0, len(self._open) - HANDLES_KEPT)]]
        for old in surplus:
            old.close()
        return raster

    def grid(self, path: str) -> Grid:
        """The grid of the raster that another is warped onto. Raises ``RasterUnreadable``."""
        stamp = _stamp(path)
        known = self._grids.get(path)
        if known is None or known[0] != stamp:
            with open_raster(path) as raster:
                known = self._grids[path] = (stamp, raster.info.grid)
        return known[1]


class Refiner:
    """Makes drafts better while nothing is asked for, a moment at a time, each raster in turn."""

    def __init__(self, waiting: Waiting, rasters: Rasters, tell: Callable[[Refined], None]) -> None:
        self._waiting = waiting
        self._rasters = rasters
        self._tell = tell
        self._drafts: queue.Queue[tuple[str, Sensor]] = queue.Queue()
        self._told: dict[tuple[str, Sensor], float] = {}

    def note(self, path: str, sensor: Sensor) -> None:
        """A draft of this raster was drawn."""
        if (path, sensor) not in self._told:
            self._told[path, sensor] = time.monotonic()
            self._drafts.put((path, sensor))

    def run(self) -> None:
        """For a thread of its own; does not return."""
        while True:
            self._refine(*self._drafts.get())

    def _refine(self, path: str, sensor: Sensor) -> None:
        self._waiting.take_idle(path)
        try:
            more = self._rasters.get(path, sensor).refine(REFINE_SLICE_S)
        except Exception as error:  # nobody asked for this; whoever asks for the picture is told what is wrong with it
            print(f"{path} cannot be refined: {error}", file=sys.stderr)  # noqa: T201 - this process's log
            del self._told[path, sensor]
            return
        finally:
            self._waiting.done(path)
        if more:
            self._drafts.put((path, sensor))
            if time.monotonic() - self._told[path, sensor] > REFINED_EVERY_S:
                self._told[path, sensor] = time.monotonic()
                self._tell(Refined(path, complete=False))
        else:
            del self._told[path, sensor]
            self._tell(Refined(path, complete=True))


class TileReader:
    """The process: one :class:`Conversation`, two decoding threads, one block of shared memory."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._waiting = Waiting()
        self._rasters = Rasters(self._waiting)
        self._slots: Slots | None = None
        self._refiner = Refiner(self._waiting, self._rasters, partial(conversation.say, ""))

    def run(self) -> int:
        """Serve until the window hangs up; returns the exit code."""
        for number in range(DECODERS):
            threading.Thread(target=self._decode, name=f"decoder-{number}", daemon=True).start()
        threading.Thread(target=self._refiner.run, name="refiner", daemon=True).start()
        for call in self._conversation.calls():
            self._receive(call)
        return 0

    def _receive(self, call: Call) -> None:
        if isinstance(call.request, Hello):
            try:
                self._slots = Slots(call.request)
            except ProtocolMismatch as reason:
                self._conversation.say("", outcome_of(reason))  # why this process ends
                raise
            self._conversation.say("", Ready("tiles", __version__))
        elif isinstance(call.request, Cancel):
            waiting = self._waiting.remove(call.request.target)
            if waiting is not None:
                self._conversation.close(waiting, outcome_of(Cancelled("The picture is no longer wanted.")))
        elif isinstance(call.request, TileRequest | OpenRaster | IdentifyRequest):
            for old in self._waiting.add(call):
                self._conversation.close(old, outcome_of(Cancelled("A newer picture takes the place of this one.")))
        else:
            error = ProtocolMismatch(f"The tile reader does not take a {type(call.request).__name__}.")
            self._conversation.close(call, outcome_of(error))

    def _decode(self) -> None:
        while True:
            self._serve(self._waiting.take())

    def _serve(self, call: Call) -> None:
        try:
            event = self._answer(call)
            if call.stop.is_set():
                raise Cancelled("The picture is no longer wanted.")
            outcome = Outcome("succeeded")
            self._conversation.say(call.id, event)
        except Exception as error:  # whatever a driver of GDAL raises ends this request, not the reader
            outcome = outcome_of(error)
            if outcome.code == RsqaError.exit_code:
                traceback.print_exc(file=sys.stderr)
        finally:
            self._waiting.done(call.request.path)
        self._conversation.close(call, outcome)

    def _answer(self, call: Call) -> Opened | Tile | Identified:
        asked = call.request
        raster = self._rasters.get(asked.path, asked.sensor)
        on = None if asked.on is None else self._rasters.grid(asked.on)
        if isinstance(asked, OpenRaster):
            return Opened(raster.info, default_display(raster, on=on))
        if isinstance(asked, IdentifyRequest):
            return identify(raster, asked.col, asked.row, on=on)
        return self._draw(raster, asked, on)

    def _draw(self, raster: Raster, asked: TileRequest, on: Grid | None) -> Tile:
        if self._slots is None:
            raise ProtocolMismatch("A picture was asked for before the greeting that says where to put it.")
        target = self._slots.picture(asked.slot, asked.width, asked.height)
        rgba, draft = render(raster, asked.window, asked.width, asked.height, asked.display, on=on, draft=asked.draft)
        target[:] = rgba
        if draft:
            self._refiner.note(asked.path, asked.sensor)
        return Tile(asked.slot, asked.width, asked.height, draft)


def _stamp(path: str) -> int:
    """What changes when a file does; 0 for what is no file of its own (a part of an archive, say)."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
