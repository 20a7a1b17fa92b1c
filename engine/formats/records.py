"""Annotation files read without trust: text, JSON and JSON lines, and the fields of one record.

Whatever is wrong is reported to a :class:`FaultSink` and read as ``None``, so that a reader goes on with the next
record. ``engine.datasets.dataset.Faults`` is such a sink.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.errors import EngineFailed

MOST_BYTES = 1 << 30
"""Annotation files above this are refused: the largest published one (RSVQAxBEN's questions) is below 1 GiB."""

_MISSING = object()


class FaultSink(Protocol):
    """Hears of one thing wrong in ``file`` (at ``line``, from 1, where it has lines)."""

    def add(self, file: Path | str, line: int | None, what: str) -> None: ...


def read_text(path: Path, faults: FaultSink, *, max_bytes: int = MOST_BYTES) -> str | None:
    """The UTF-8 text of ``path`` (a byte order mark is dropped), or None and a fault."""
    try:
        if path.stat().st_size > max_bytes:
            faults.add(path, None, f"The file is larger than {max_bytes:,} bytes; it is not read.")
            return None
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        faults.add(path, None, "The file is missing.")
    except UnicodeDecodeError as error:
        faults.add(path, error.object.count(b"\n", 0, error.start) + 1, "The file is not UTF-8 text.")
    except OSError as error:
        faults.add(path, None, f"The file cannot be read: {error.strerror or error}.")
    return None


def read_json(path: Path, faults: FaultSink, *, max_bytes: int = MOST_BYTES) -> object:
    """What the JSON file ``path`` holds, or None and a fault (with the line where the JSON breaks)."""
    text = read_text(path, faults, max_bytes=max_bytes)
    return None if text is None else parse_json(text, path, None, faults)


def read_json_lines(path: Path, faults: FaultSink) -> Iterator[Record]:
    """One :class:`Record` per line that holds a JSON object, line by line; empty lines are skipped.

    The file is never held whole. A line that is no JSON object is a fault at its line.
    """
    try:
        with path.open("rb") as lines:
            for line, raw in enumerate(iter(lambda: lines.readline(MOST_BYTES), b""), start=1):
                try:
                    text = raw.decode("utf-8-sig" if line == 1 else "utf-8").strip()
                except UnicodeDecodeError:
                    faults.add(path, line, "The line is not UTF-8 text.")
                    continue
                if not text:
                    continue
                value = parse_json(text, path, line, faults)
                if isinstance(value, dict):
                    yield Record(value, path, line, "", faults)
                elif value is not None:
                    faults.add(path, line, "The line is not a JSON object.")
    except FileNotFoundError:
        faults.add(path, None, "The file is missing.")
    except OSError as error:
        faults.add(path, None, f"The file cannot be read: {error.strerror or error}.")


def records_of(
    value: object,
    key: str,
    path: Path,
    faults: FaultSink,
    *,
    singular: str = "",
    required: bool = True,
    lines: Sequence[int] = (),
) -> list[Record]:
    """The objects in the list ``value[key]``, each named ``singular`` and its place in the list (from 0).

    ``lines`` are those of the list's entries, where they are known.

    A list that is missing (where ``required``) or no list, and an entry that is no object, is a fault; the place of
    the others does not change.
    """
    listed = value.get(key, _MISSING) if isinstance(value, dict) else _MISSING
    if listed is _MISSING and not required:
        return []
    if not isinstance(listed, list):
        if value is not None:  # None: the file could not be read, which has been reported
            faults.add(path, None, f"There is no list {key!r} in it.")
        return []
    name = singular or key.removesuffix("s")
    found = []
    for index, entry in enumerate(listed):
        line = lines[index] if index < len(lines) else None
        if isinstance(entry, dict):
            found.append(Record(entry, path, line, f"{name.capitalize()} {index}", faults, index))
        else:
            faults.add(path, line, f"{name.capitalize()} {index} is not an object.")
    return found


def parse_json(text: str, path: Path, line: int | None, faults: FaultSink) -> object:
    """What ``text`` holds, or None and a fault at ``line``, or else where in the text the JSON breaks."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        faults.add(path, line or error.lineno, f"This is not JSON: {error.msg} at column {error.colno}.")
    except RecursionError:
        faults.add(path, line, "The JSON is nested too deeply.")
    except ValueError as error:  # a number of thousands of digits
        faults.add(path, line, f"This is not JSON that can be read: {error}.")
    return None


@dataclass(frozen=True, slots=True)
class Record:
    """One object of an annotation file. ``place`` names it where the line does not ("Annotation 17").

    Every getter returns None and reports a fault where the field is missing or not of its kind. Strings are refused
    where they hold a NUL or half of a surrogate pair, which no file name and no terminal takes.
    """

    values: Mapping[str, object]
    file: Path
    line: int | None
    place: str
    faults: FaultSink
    index: int = 0

    def report(self, what: str) -> None:
        """A fault of this record; ``what`` is a sentence."""
        self.faults.add(self.file, self.line, f"{self.place}: {what}" if self.place else what)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str | None:
        """A string with more in it than white space, stripped."""
        value = self._get(name)
        if isinstance(value, str):
            if not value.strip():
                self.report(f"The field {name!r} is empty.")
            elif not _is_clean(value):
                self.report(f"The field {name!r} has characters that are no text.")
            else:
                return value.strip()
        elif value is not None:
            self.report(f"The field {name!r} is not a text.")
        return None

    def key(self, name: str) -> str | None:
        """An identifier, whole number or text, as text: files disagree with themselves on 7 and "7"."""
        value = self._get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
            return str(value)
        if isinstance(value, str):
            return self.text(name)
        if value is not None:
            self.report(f"The field {name!r} is neither a whole number nor a text.")
        return None

    def integer(self, name: str) -> int | None:
        """A whole number."""
        value = self._get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
            return value
        if value is not None:
            self.report(f"The field {name!r} is not a whole number.")
        return None

    def number(self, name: str) -> float | None:
        """A finite number."""
        value = self._get(name)
        found = None if value is None else finite_numbers([value])
        if value is not None and found is None:
            self.report(f"The field {name!r} is not a number.")
        return None if found is None else found[0]

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self._get(name)
        if isinstance(value, bool):
            return value
        if value is not None:
            self.report(f"The field {name!r} is neither true nor false.")
        return None

    def numbers(self, name: str, count: int | None = None) -> tuple[float, ...] | None:
        """A list of finite numbers, ``count`` of them where given."""
        value = self._get(name)
        found = finite_numbers(value)
        if value is not None and (found is None or (count is not None and len(found) != count)):
            self.report(f"The field {name!r} is not a list of {'' if count is None else f'{count} '}numbers.")
            return None
        return found

    def _get(self, name: str) -> object:
        value = self.values.get(name)
        if value is None:
            self.report(f"The field {name!r} is missing.")
        return value


class _Unread:
    """The sink of :data:`MADE`: nobody reads a record that was made, so there is nothing to report."""

    def add(self, file: Path | str, line: int | None, what: str) -> None:
        raise EngineFailed(f"A record that was not read has a fault: {what}")


MADE = Record({}, Path(), None, "", _Unread())
"""The record of what was made here, to be written."""


def finite_numbers(value: object) -> tuple[float, ...] | None:
    """A list or tuple of finite numbers as floats, or None where it is something else."""
    if not isinstance(value, list | tuple):
        return None
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in value):
        return None
    if not all(abs(number) < 1e15 for number in value):  # also false for NaN, and safe for huge whole numbers
        return None
    return tuple(float(number) for number in value)


def _is_clean(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text
