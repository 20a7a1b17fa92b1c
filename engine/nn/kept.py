"""What frozen text encoders make of texts, kept: it takes long to make and never changes.

Vectors of whole texts (``engine.nn.embeddings``) and of their words (``engine.segmentation.words``) are kept so.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import zlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock

from filelock import FileLock

from engine.errors import UsageError

AT_ONCE = 2048
"""Texts that are encoded before what came of them is written down, which bounds the memory and what a stop costs."""

IN_MEMORY = 10_000
"""Texts that :class:`KeptInMemory` remembers, the last ones."""

_KEYS_PER_QUERY = 500

Make = Callable[[Sequence[str]], Iterable[bytes]]
"""Encodes texts: one row of bytes for each, in order."""


class KeptTexts(ABC):
    """Rows of bytes by text, of the encoder ``encoder``, whose name tells model and revision."""

    def __init__(self, encoder: str) -> None:
        self.encoder = encoder

    def rows(self, texts: Sequence[str], make: Make, *, how: str = "") -> list[bytes]:
        """The row of each of ``texts``; ``make`` is asked for those that are not kept, each of them once.

        ``how`` names what else a row follows from, such as the length that texts are cut to.
        """
        keys = [hashlib.sha256(f"{self.encoder}\n{how}\n{text}".encode()).digest() for text in texts]
        said = dict(zip(keys, texts, strict=True))
        rows = self._read(list(said))
        missing = [key for key in said if key not in rows]
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            made = dict(zip(part, make([said[key] for key in part]), strict=True))
            self._write(made)
            rows |= made
        return [rows[key] for key in keys]

    @abstractmethod
    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The rows that are kept of those with ``keys``."""

    @abstractmethod
    def _write(self, rows: Mapping[bytes, bytes]) -> None:
        """Keep ``rows``, all or none of them."""


class KeptInMemory(KeptTexts):
    """Rows of the last :data:`IN_MEMORY` texts, in this process. Threads may share it."""

    def __init__(self, encoder: str) -> None:
        super().__init__(encoder)
        self._rows: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = Lock()

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        with self._lock:
            found = {key: self._rows[key] for key in keys if key in self._rows}
            for key in found:
                self._rows.move_to_end(key)
        return found

    def _write(self, rows: Mapping[bytes, bytes]) -> None:
        with self._lock:
            self._rows.update(rows)
            while len(self._rows) > IN_MEMORY:
                self._rows.popitem(last=False)


class KeptOnDisk(KeptTexts):
    """Rows in ``folder``, in one SQLite file for each encoder.

    A row's key is the SHA-256 of the encoder's name and the text, and beside the row stands its check sum. Rows are
    written in transactions, so that a stop leaves all or nothing of a batch. Several processes may share the folder:
    one at a time reads or writes (a lock file). A damaged row is made again, a damaged file is thrown away. Nothing is
    held in memory between calls, so threads and forked workers may use one object.
    """

    def __init__(self, encoder: str, folder: Path) -> None:
        """``folder`` is made where it is not there. Raises UsageError where it cannot be written to."""
        super().__init__(encoder)
        self._path = folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', encoder)}.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._path.with_suffix(".lock"), poll_interval=0.002)
            self._lock.acquire()
            self._lock.release()
        except OSError as error:
            raise _unusable(self._path, error) from error

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        rows: dict[bytes, bytes] = {}
        try:
            with self._database() as database:
                for start in range(0, len(keys), _KEYS_PER_QUERY):
                    part = keys[start : start + _KEYS_PER_QUERY]
                    asked = f"SELECT key, value, crc FROM kept WHERE key IN ({','.join('?' * len(part))})"
                    found = database.execute(asked, part)
                    rows |= {key: value for key, value, crc in found if _check_sum(key, value) == crc}
        except _DamagedFile:
            return {}
        return rows

    def _write(self, rows: Mapping[bytes, bytes]) -> None:
        """Add ``rows``, all or none. Where the file is damaged none is, and the next call makes it anew."""
        checked = ((key, value, _check_sum(key, value)) for key, value in rows.items())
        with suppress(_DamagedFile), self._database() as database, database:  # the last is one transaction
            database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", checked)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The file, opened for this process alone. One that turns out to be damaged is removed: _DamagedFile."""
        with self._lock:
            try:
                with closing(sqlite3.connect(self._path)) as database:
                    database.execute("PRAGMA page_size = 32768")  # of a new file: a row takes 2 KB or more
                    database.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB, crc INTEGER)")
                    yield database
            except sqlite3.DatabaseError as error:
                # The low byte is the kind of error; "corrupt" comes in several sorts.
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise _unusable(self._path, error) from error
                for suffix in ("", "-journal"):
                    Path(f"{self._path}{suffix}").unlink(missing_ok=True)
                raise _DamagedFile from error


class _DamagedFile(Exception):
    """The file of rows was damaged and has been removed."""


def _check_sum(key: bytes, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(key))


def _unusable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"Texts' features cannot be kept in {path}: {error}.",
        remedy="Make room or give write permission there, or name another folder.",
    )
