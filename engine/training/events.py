"""A run's log: one JSON object per line in ``events.jsonl``, and the same numbers for TensorBoard.

Each event has its ``time`` (seconds since 1970), its ``kind`` and the ``step`` after which it happened:

- ``started``: ``steps`` to do, whether ``resumed``;
- ``step``: ``steps``, ``loss`` and its parts, learning ``rate``, ``gradient_norm`` before clipping (null where float16
  skipped the step), ``seconds_per_step``, ``seconds_left``;
- ``validated``: ``score``, the ``best`` so far, the task's metrics;
- ``checkpoint``: the run can be resumed from here;
- ``stopped``: somebody asked for it; ``finished``: the ``best`` score, and whether the end was ``early``.

A resumed run first cuts off what was logged after the checkpoint that it goes on from, and half a line that a killed
process left: so the log always has every step once and in order. Readers use :func:`read_events`, which leaves out a
line that is just being written.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS_FILE = "events.jsonl"
TENSORBOARD_FOLDER = "tensorboard"
Report = Callable[[dict[str, Any]], None]


def read_events(path: Path) -> list[dict[str, Any]]:
    """The whole events of a log, in order; a last line without its end is left out."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in lines]


def cut_log(path: Path, step: int, validated: int) -> None:
    """Cut off everything from the first event after step ``step``, or from half a line, whichever comes first.

    ``validated`` is the step of the last validation that counts; a later one is made again.
    """
    if not path.is_file():
        return
    keep = 0
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        event = json.loads(line)
        if event.get("step", 0) > (validated if event["kind"] == "validated" else step):
            break
        keep += len(line)
    with path.open("r+b") as log:
        log.truncate(keep)


class EventLog:
    """Appends events, each flushed at once, and hands them to ``report``. Only the main process has one."""

    def __init__(self, folder: Path, report: Report | None, *, tensorboard: bool, from_step: int) -> None:
        self._report = report
        self._file = (folder / EVENTS_FILE).open("a", encoding="utf-8")
        self._scalars: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._scalars = SummaryWriter(folder / TENSORBOARD_FOLDER, purge_step=from_step + 1)

    def tell(self, kind: str, **body: Any) -> None:
        """Log an event. Numbers that JSON does not have (infinities) are written as null."""
        event = {"time": round(time.time(), 3), "kind": kind, **{name: _plain(value) for name, value in body.items()}}
        self._file.write(json.dumps(event, allow_nan=False) + "\n")
        self._file.flush()
        if self._scalars is not None and kind in ("step", "validated"):
            for name, value in event.items():
                if isinstance(value, float) and name != "time":
                    self._scalars.add_scalar(f"{kind}/{name}", value, body["step"])
        if self._report is not None:
            self._report(event)

    def close(self) -> None:
        """Write out what TensorBoard still holds back."""
        self._file.close()
        if self._scalars is not None:
            self._scalars.close()


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
