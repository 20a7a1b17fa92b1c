"""The records of one long JSON list, read one after the other without holding the file.

RSVQAxBEN's questions are fifteen million objects in one list on one line, some gigabytes: ``json.load`` would take ten
times that in memory. Python's own decoder parses each record (``raw_decode``); only the brackets around them are ours.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

from engine.formats.records import FaultSink, Record

_CHUNK = 1 << 20
_LARGEST_RECORD = 1 << 24
"""Characters. What is longer is no record but a file that lost a bracket; it is not read to its end in search of it."""


def stream_records(path: Path, key: str, faults: FaultSink, *, singular: str = "") -> Iterator[Record | None]:
    """The objects of the list ``key`` in the one object that ``path`` holds, in order, each with its line.

    An entry that is no object is a fault and comes as None, so that places in the list can be counted. Where the JSON
    breaks, that is one fault and the end: what stood before has been given.
    """
    name = singular or key.removesuffix("s")
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            yield from _records(_Reader(file, _CHUNK), path, key, name, faults)
    except _Stopped as stopped:
        faults.add(path, stopped.line, stopped.what)
    except UnicodeDecodeError:
        faults.add(path, None, "The file is not UTF-8 text.")
    except FileNotFoundError:
        faults.add(path, None, "The file is missing.")
    except OSError as error:
        faults.add(path, None, f"The file cannot be read: {error.strerror or error}.")


class _Stopped(Exception):
    """Where and why the reading ended, as a sentence."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line, self.what = line, what


def _records(reader: _Reader, path: Path, key: str, name: str, faults: FaultSink) -> Iterator[Record | None]:
    found = False
    reader.take("{")
    while reader.look() != "}":
        here = reader.value()
        reader.take(":")
        if here != key or found or reader.look() != "[":
            reader.value()
        else:
            found = True
            for index, (line, value) in enumerate(_entries(reader)):
                place = f"{name.capitalize()} {index}"
                if isinstance(value, dict):
                    yield Record(value, path, line, place, faults, index)
                else:
                    faults.add(path, line, f"{place} is not an object.")
                    yield None
        if reader.look() == ",":
            reader.take(",")
    if not found:
        faults.add(path, None, f"There is no list {key!r} in it.")


def list_lines(text: str) -> dict[str, list[int]]:
    """The line of every entry of every list in the object that ``text`` is, by the list's name.

    What is all on one line has no lines worth telling: then there is nothing. Of JSON that breaks there is what came
    before.
    """
    lines: dict[str, list[int]] = {}
    if "\n" not in text.strip():
        return lines
    reader = _Reader(StringIO(text), len(text))
    with contextlib.suppress(_Stopped):
        reader.take("{")
        while reader.look() != "}":
            name = str(reader.value())
            reader.take(":")
            if reader.look() == "[":
                lines[name] = [line for line, _ in _entries(reader)]
            else:
                reader.value()
            if reader.look() == ",":
                reader.take(",")
    return lines


def _entries(reader: _Reader) -> Iterator[tuple[int, object]]:
    """Line and value of every entry of the list that begins here."""
    reader.take("[")
    while reader.look() != "]":  # which moves on to the entry, so that the line is the entry's
        yield reader.line, reader.value()
        if reader.look() != "]":
            reader.take(",")
    reader.take("]")


class _Reader:
    """A text file as JSON tokens: ``look`` at the next character, ``take`` it, or decode a whole ``value``."""

    def __init__(self, file: TextIO, chunk: int) -> None:
        self.line = 1
        self._chunk = chunk
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder()

    def look(self) -> str:
        """The next character that is not white space, or an empty text at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self.line += self._text[self._at] == "\n"
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, character: str) -> None:
        """Pass over ``character``, which must come next."""
        found = self.look()
        if found != character:
            what = f"there is {found!r}" if found else "the file ends"
            raise _Stopped(self.line, f"This is not JSON: {what} where {character!r} is needed. The rest is not read.")
        self._at += 1

    def value(self) -> object:
        """The next value, whole."""
        self.look()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # It may only be cut off by the end of what has been read so far.
                if self._more_of_a_record():
                    continue
                line = self.line + self._text.count("\n", self._at, error.pos)
                raise _Stopped(line, f"This is not JSON: {error.msg}. The rest is not read.") from error
            except RecursionError as error:
                raise _Stopped(self.line, "The JSON is nested too deeply. The rest is not read.") from error
            except ValueError as error:  # a number of thousands of digits
                raise _Stopped(self.line, f"This JSON cannot be read: {error}.") from error
            # A number may go on in what has not been read yet: 1, then 1., then 1.5.
            if not self._text[end:].strip("0123456789.eE+-") and self._more_of_a_record():
                continue
            self.line += self._text.count("\n", self._at, end)
            self._at = end
            return value

    def _more_of_a_record(self) -> bool:
        """As :meth:`_more`, but no further than a record can be long."""
        return len(self._text) - self._at < _LARGEST_RECORD and self._more()

    def _more(self) -> bool:
        """Read on; what has been passed over is forgotten. Whether there was anything."""
        chunk = "" if self._ended else self._file.read(self._chunk)
        self._ended = not chunk
        self._text = self._text[self._at :] + chunk
        self._at = 0
        return bool(chunk)
