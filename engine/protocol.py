"""The wire format between the window and the engine's processes: one JSON object a line, versioned.

A line is ``{"v": 1, "id": "…", "kind": "…", "body": {…}}``. The two tables below are the whole language: what may
be said to an engine process (:data:`REQUESTS`) and what it may say back (:data:`EVENTS`). Bodies are the records of
``engine.records`` or the small ones here, checked on arrival by msgspec. Arrays never travel in a line: they are
``.npy`` files in the job's folder, or slots of the tile reader's shared memory.

Every request with an id is closed by exactly one :class:`Outcome` with that id; a process that dies says nothing
more, and the reader of its pipe makes the ``crashed`` outcome itself.

:data:`PROTOCOL_VERSION` goes up when something that could be said before is no longer understood, or means something
else. A new kind, or a new field with a default, is an addition and leaves it: whoever does not know a field passes over
it, whoever does not know a kind says so and closes that request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec

from engine.errors import ProtocolMismatch
from engine.records import (
    Answer,
    AskRequest,
    AskTilesRequest,
    CheckRequest,
    DisplaySpec,
    ExportRequest,
    Finding,
    FindRequest,
    Outline,
    OutlineRequest,
    PairCheck,
    PixelWindow,
    RasterInfo,
    RedrawRequest,
    TiledAnswer,
)
from engine.records.raster import Sensor

PROTOCOL_VERSION = 1
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Hello:
    """First line to a process. ``shared_memory`` names the tile reader's block, ``slot_bytes`` cuts it."""

    shared_memory: str = ""
    slot_bytes: int = 0
    slots: int = 0


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the request ``target``; it ends with outcome ``cancelled`` unless it was already done."""

    target: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Finish and exit 0."""


@dataclass(frozen=True, slots=True)
class OpenRaster:
    """Open a raster for display; answered by :class:`Opened`. ``on`` warps it onto that raster's grid."""

    path: str
    sensor: Sensor = "unknown"
    bands: tuple[int, ...] | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True)
class TileRequest:
    """Decode ``window`` of raster ``path`` (on the grid of ``on``) to ``width`` x ``height`` RGBA bytes in ``slot``.

    ``draft`` allows a sparse, faster picture where the raster has no overviews; a better one is then asked for
    again without it. ``sensor`` is that of :class:`OpenRaster`: a request carries all it takes to open the raster,
    so a reader that was restarted, or has closed it meanwhile, needs no other history. Answered by :class:`Tile`.
    """

    path: str
    window: PixelWindow
    width: int
    height: int
    display: DisplaySpec
    slot: int
    on: str | None = None
    draft: bool = False
    sensor: Sensor = "unknown"


@dataclass(frozen=True, slots=True)
class IdentifyRequest:
    """The stored values under one pixel of ``on``, or of the raster itself. Answered by :class:`Identified`."""

    path: str
    col: int
    row: int
    on: str | None = None
    sensor: Sensor = "unknown"


@dataclass(frozen=True, slots=True)
class Ready:
    """A process is up. ``device`` is what it will compute on, ``reason`` why not a GPU where it is not one."""

    process: Literal["worker", "tiles"]
    version: str
    device: str = "cpu"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """``fraction`` is 0..1, or None where the length is unknown; ``steps`` is how many a counted stage has."""

    stage: str
    fraction: float | None = None
    steps: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """``display`` is the default one; its limits come from a decimated read of the whole raster."""

    info: RasterInfo
    display: DisplaySpec


@dataclass(frozen=True, slots=True)
class Tile:
    """``height`` x ``width`` x 4 bytes (RGBA, alpha 0 where there is no data) now lie in ``slot``.

    ``draft`` says that the picture is sparse and that a full one is worth asking for.
    """

    slot: int
    width: int
    height: int
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Refined:
    """Said without a request: idle time made drafts of ``path`` better, so drawing them again is worth while.

    ``complete`` says that there is no more to come.
    """

    path: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Identified:
    """One number per band as stored (complex as its amplitude), None where there is no data; ``sigma0_db`` for SAR."""

    values: tuple[float | None, ...]
    sigma0_db: float | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """The files of an export, whole and in place; ``messages`` say which formats this answer has none in, and why."""

    files: tuple[str, ...]
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended. ``reason`` is the sentence for the user, ``remedy`` what to do, ``code`` an exit code."""

    status: Literal["succeeded", "cancelled", "failed", "crashed"]
    reason: str = ""
    remedy: str = ""
    error: str = ""
    code: int = 0


REQUESTS: dict[str, type] = {
    "hello": Hello,
    "cancel": Cancel,
    "shutdown": Shutdown,
    "ask": AskRequest,
    "ask-tiles": AskTilesRequest,
    "find": FindRequest,
    "outline": OutlineRequest,
    "redraw": RedrawRequest,
    "check": CheckRequest,
    "export": ExportRequest,
    "open": OpenRaster,
    "tile": TileRequest,
    "identify": IdentifyRequest,
}
EVENTS: dict[str, type] = {
    "ready": Ready,
    "progress": Progress,
    "answer": Answer,
    "tiled-answer": TiledAnswer,
    "finding": Finding,
    "outlined": Outline,
    "checked": PairCheck,
    "exported": Exported,
    "opened": Opened,
    "drawn": Tile,
    "refined": Refined,
    "identified": Identified,
    "outcome": Outcome,
}
_KINDS = {record: kind for kind, record in (*REQUESTS.items(), *EVENTS.items())}


@dataclass(frozen=True, slots=True)
class _Line:
    v: int
    id: str
    kind: str
    body: dict[str, Any] = field(default_factory=dict)


def to_line(message_id: str, body: object) -> bytes:
    """One message as a line that ends in a newline. Raises ``KeyError`` for a record that is no message."""
    line = _Line(PROTOCOL_VERSION, message_id, _KINDS[type(body)], msgspec.to_builtins(body))
    return msgspec.json.encode(line) + b"\n"


def line_id(raw: bytes) -> str:
    """The id of a line that :func:`from_line` refused, so that its request can still be closed; "" if it has none."""
    try:
        line = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return ""
    message_id = line.get("id", "") if isinstance(line, dict) else ""
    return message_id if isinstance(message_id, str) else ""


def from_line(raw: bytes) -> tuple[str, Any]:
    """The id and the record of one line. Raises :class:`ProtocolMismatch` on anything else."""
    try:
        line = msgspec.json.decode(raw, type=_Line)
    except msgspec.MsgspecError as error:
        raise ProtocolMismatch(
            f"An engine process said something that is not a message: {raw[:200]!r} ({error})."
        ) from error
    if line.v != PROTOCOL_VERSION:
        raise ProtocolMismatch(
            f"The engine speaks protocol {line.v}, this program {PROTOCOL_VERSION}.",
            remedy="Install the desktop and the engine from the same release.",
        )
    record = REQUESTS.get(line.kind) or EVENTS.get(line.kind)
    if record is None:
        raise ProtocolMismatch(f"The message kind “{line.kind}” is unknown.")
    return line.id, from_builtins(line.body, record)


def to_builtins(record: object) -> Any:
    """A record as plain dictionaries, lists, numbers and strings."""
    return msgspec.to_builtins(record)


def from_builtins(data: object, kind: type[Record]) -> Record:
    """The inverse of :func:`to_builtins`, validated. Raises :class:`ProtocolMismatch`."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise ProtocolMismatch(f"A {kind.__name__} does not have the shape it should: {error}.") from error


def to_json(record: object, *, indent: int = 2) -> bytes:
    """A record as JSON text, NaN as null."""
    return msgspec.json.format(msgspec.json.encode(record), indent=indent)


def from_json(raw: bytes, kind: type[Record]) -> Record:
    """A record from JSON text. Raises :class:`ProtocolMismatch`."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise ProtocolMismatch(f"This is not the JSON of a {kind.__name__}: {error}.") from error
