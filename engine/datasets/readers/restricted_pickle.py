"""Pickles that hold only plain data, read without running any of them.

A pickle is a program: ``pickle.load`` of a stranger's file runs whatever that file names. Published annotations come as
pickles all the same (``refs(unc).p`` of RRSIS-D, the ``.pth`` lists of TACMT), so they are read here by an interpreter
of our own that knows only the instructions for None, bool, numbers, str, bytes, list, tuple, dict and set. Python's
``pickletools`` cuts the file into instructions and executes nothing. The first other instruction ends the reading: it
would name a class or a function (GLOBAL, REDUCE, BUILD …), and no such name is ever looked up.

Read are plain pickles of protocols 0 to 5, the ``data.pkl`` inside a zip that ``torch.save`` writes, and torch's
format before that, a row of pickles behind a magic number (https://docs.python.org/3/library/pickletools.html,
https://pytorch.org/docs/stable/notes/serialization.html).
"""

from __future__ import annotations

import pickletools
import zipfile
import zlib
from collections.abc import Callable, Hashable
from io import BytesIO
from pathlib import Path

from engine.errors import DataSetUnreadable

MOST_BYTES = 256 * 1024 * 1024
_DEEPEST = 100
"""Containers in containers. Annotations need five; hashing or printing a hundred thousand would end the process."""
_UNFOLDED = 8
"""Things a pickle may unfold to per byte of file. Each costs a byte or more, unless containers repeat containers."""

_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_TORCH_HEADERS = 3  # magic number, protocol version, machine; then the object
_REMEDY = (
    "Do not load this file with pickle or torch: it can run programs. Ask its author for the annotations as JSON, "
    "or fetch the file again if it is damaged."
)
_FORBIDDEN_WORDS = {
    "REDUCE": "a call of a function",
    "BUILD": "the state of an object",
    "OBJ": "an object",
    "NEWOBJ": "an object",
    "NEWOBJ_EX": "an object",
    "EXT1": "a registered class",
    "EXT2": "a registered class",
    "EXT4": "a registered class",
    "PERSID": "a reference to something outside the file",
    "BINPERSID": "a reference to something outside the file",
}


class _Broken(Exception):
    """Why a pickle is not one of plain data; the words follow "The pickle NAME …"."""


def load_plain(path: Path, *, max_bytes: int = MOST_BYTES) -> object:
    """What the pickle (or ``.pth``) at ``path`` holds, built of nothing but plain Python containers and values.

    Raises :class:`DataSetUnreadable` for anything else in it (the sentence names it), for a damaged or cut file, one
    above ``max_bytes``, one nested deeper than 100, one that contains itself, and one whose repeated parts unfold to
    many times its size.
    """
    try:
        data = _pickle_bytes(path, max_bytes)
        value, end = _interpret(data)
        if value == _TORCH_MAGIC and type(value) is int:
            for _ in range(_TORCH_HEADERS):
                data = data[end:]
                value, end = _interpret(data)
        _check_shape(value, limit=1000 + _UNFOLDED * len(data))
    except _Broken as reason:
        raise DataSetUnreadable(f"The pickle {path.name} {reason}.", remedy=_REMEDY) from reason
    except OSError as error:
        raise DataSetUnreadable(
            f"The file {path.name} cannot be read: {error.strerror or error}.", remedy="Check that it is there."
        ) from error
    return value


def _pickle_bytes(path: Path, max_bytes: int) -> bytes:
    """The bytes of the pickle: the file itself, or ``data.pkl`` of a torch zip."""
    if path.stat().st_size > max_bytes:
        raise _Broken(f"is larger than {max_bytes:,} bytes")
    data = path.read_bytes()
    if not data.startswith(b"PK\x03\x04"):
        return data
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            inside = [entry for entry in archive.infolist() if entry.filename.rpartition("/")[2] == "data.pkl"]
            if len(inside) != 1:
                raise _Broken(f"is a zip with {len(inside)} files data.pkl where torch writes one")
            with archive.open(inside[0]) as member:
                data = member.read(max_bytes + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _Broken(f"is a damaged zip ({error})") from error
    if len(data) > max_bytes:
        raise _Broken(f"unpacks to more than {max_bytes:,} bytes")
    return data


def _interpret(data: bytes) -> tuple[object, int]:
    """The value of the first pickle in ``data`` and where it ends."""
    machine = _Machine()
    position: int | None = 0
    try:
        for opcode, argument, position in pickletools.genops(data):
            if opcode.name == "STOP":
                return machine.pop(), (position or 0) + 1
            machine.step(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise _Broken(f"is damaged or cut short after byte {position or 0:,}") from error
    raise _Broken("has no end")


class _Machine:
    """The stack, the marks and the memo of a pickle, for the instructions that make plain data."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: dict[int, object] = {}

    def step(self, name: str, argument: object) -> None:
        """Do one instruction. Raises :class:`_Broken` for one that is not of plain data, else what a bad stack does."""
        if name in _IGNORED:
            return
        if name in _PUSHED:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _ACTIONS:
            _ACTIONS[name](self)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int):
            self.memo[argument] = self.stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET") and isinstance(argument, int):
            self.stack.append(self.memo[argument])
        else:
            raise _Broken(f"{self._forbidden(name, argument)}, which is not plain data; it was not run")

    def _forbidden(self, name: str, argument: object) -> str:
        """What an instruction that is not of plain data would have done."""
        if name in ("GLOBAL", "INST"):
            return f"asks for {str(argument).replace(' ', '.', 1)}"
        if name == "STACK_GLOBAL":
            return f"asks for {self.stack[-2]}.{self.stack[-1]}"
        return f"holds {_FORBIDDEN_WORDS.get(name, name)}"

    def pop(self) -> object:
        """The top of the stack, which must not lie below the last mark."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise IndexError("nothing above the mark")
        return self.stack.pop()

    def since_mark(self) -> list[object]:
        """Everything above the last mark, taken off with it."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def make_tuple(self, count: int) -> None:
        items = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def extend_list(self, items: list[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError("not a list")
        target.extend(items)

    def update_dict(self, items: list[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise TypeError("not a dict")
        target.update(_paired(items))

    def update_set(self, items: list[object]) -> None:
        target = self.stack[-1]
        if not isinstance(target, set):
            raise TypeError("not a set")
        target.update(_key(item) for item in items)

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.update_dict([key, value])

    def memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]


_IGNORED = {"PROTO", "FRAME"}
_PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_CONSTANTS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
_ACTIONS: dict[str, Callable[[_Machine], object]] = {
    "MARK": lambda machine: machine.marks.append(len(machine.stack)),
    "POP": lambda machine: machine.pop(),
    "POP_MARK": lambda machine: machine.since_mark(),
    "DUP": lambda machine: machine.stack.append(machine.stack[-1]),
    "MEMOIZE": _Machine.memoize,
    "LIST": lambda machine: machine.stack.append(machine.since_mark()),
    "APPEND": lambda machine: machine.extend_list([machine.pop()]),
    "APPENDS": lambda machine: machine.extend_list(machine.since_mark()),
    "TUPLE": lambda machine: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": lambda machine: machine.make_tuple(1),
    "TUPLE2": lambda machine: machine.make_tuple(2),
    "TUPLE3": lambda machine: machine.make_tuple(3),
    "DICT": lambda machine: machine.stack.append(dict(_paired(machine.since_mark()))),
    "SETITEM": _Machine.set_item,
    "SETITEMS": lambda machine: machine.update_dict(machine.since_mark()),
    "ADDITEMS": lambda machine: machine.update_set(machine.since_mark()),
}


def _paired(items: list[object]) -> list[tuple[Hashable, object]]:
    """Keys and values that alternate."""
    return [(_key(key), value) for key, value in zip(items[::2], items[1::2], strict=True)]


def _key(value: object) -> Hashable:
    """``value`` where it may be a key: a scalar, or a tuple of scalars (a deep one would overflow when hashed)."""
    parts = value if isinstance(value, tuple) else (value,)
    if not all(part is None or isinstance(part, bool | int | float | str | bytes) for part in parts):
        raise TypeError("not a plain key")
    return value


def _check_shape(value: object, limit: int) -> None:
    """Refuse what contains itself, is nested too deeply, or unfolds to more than ``limit`` things.

    Depth and unfolded size of every container are found once, children first, without recursion.
    """
    known: dict[int, tuple[int, int]] = {}  # id -> (depth, unfolded size)
    open_now: set[int] = set()
    stack = [value]
    while stack:
        here = stack[-1]
        if not isinstance(here, list | tuple | dict | set) or id(here) in known:
            stack.pop()
            continue
        children = [*here.keys(), *here.values()] if isinstance(here, dict) else list(here)
        inner = [child for child in children if isinstance(child, list | tuple | dict | set)]
        if id(here) not in open_now:
            open_now.add(id(here))
            if any(id(child) in open_now for child in inner):
                raise _Broken("contains itself")
            stack.extend(child for child in inner if id(child) not in known)
            continue
        stack.pop()
        open_now.discard(id(here))
        depth = 1 + max((known[id(child)][0] for child in inner), default=0)
        size = 1 + len(children) - len(inner) + sum(known[id(child)][1] for child in inner)
        if depth > _DEEPEST:
            raise _Broken(f"is nested deeper than {_DEEPEST}")
        if size > limit:
            raise _Broken("unfolds to many times its size")
        known[id(here)] = depth, size
