"""Frozen text encoders that give one vector for a text, as grounding compares texts with places in a picture.

Every text is normalised first (:func:`engine.text.normalise`), in training as in use. Embedding is slow and its result
never changes, so :class:`KeptEmbeddings` keeps it on disk.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from engine.catalog.card import PretrainedPart
from engine.errors import UsageError
from engine.nn import text as minilm
from engine.nn.minilm import WIDTH
from engine.text import normalise

EmbedderName = Literal["all-MiniLM-L6-v2", "mobileclip2"]

AT_ONCE = 2048
"""Texts that are embedded before their vectors are written down, which bounds the memory and what a stop costs."""

_KEYS_PER_QUERY = 500
_FLOAT = np.dtype("<f4")


class TextEmbedder(Protocol):
    """A frozen text encoder. ``name`` tells the model and its revision, so that equal names give equal vectors.

    ``width`` is E, the length of a vector; ``pretrained`` is what a model's card says of the encoder.
    """

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def pretrained(self) -> PretrainedPart: ...

    def embed(self, texts: Sequence[str]) -> Tensor:
        """One row for each of ``texts`` -> [n, E] float32 on the CPU, each of length 1."""
        ...

    def tokens_cut(self, text: str) -> int:
        """How many tokens of ``text`` are not read, as it is too long."""
        ...


class MiniLmEmbedder:
    """all-MiniLM-L6-v2: the mean over a text's token features, [CLS] and [SEP] included, scaled to length 1.

    That is what the ``sentence-transformers`` library makes of this model. Of a text of more than 77 tokens the first
    ones count.
    """

    name = f"{minilm.NAME}@{minilm.REVISION}"
    width = WIDTH
    pretrained = PretrainedPart(
        minilm.NAME, "text encoder, frozen", minilm.REVISION, minilm.LICENCE, dict(minilm.FILES_SHA256)
    )

    def __init__(self, folder: Path | None = None) -> None:
        """Load it from ``folder``, or from where it is found. Raises ModelNotFound or ModelDamaged."""
        self._encoder = minilm.TextEncoder(folder)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """See :class:`TextEmbedder`."""
        means = torch.empty(len(texts), self.width)
        for start in range(0, len(texts), AT_ONCE):
            features = self._encoder.encode_all([normalise(text) for text in texts[start : start + AT_ONCE]])
            for row, found in enumerate(features, start):
                means[row] = found.tokens.mean(0)  # [N, E] -> [E]
        return F.normalize(means, dim=-1)

    def tokens_cut(self, text: str) -> int:
        """See :class:`TextEmbedder`."""
        return self._encoder.tokens_cut(normalise(text))


class KeptEmbeddings:
    """The embedder ``embedder`` with its results kept in ``folder``, in one SQLite file for each model.

    A row's key is the SHA-256 of the model's name and the normalised text, and beside the vector stands its check sum.
    Rows are written in transactions, so that a stop leaves all or nothing of a batch. Several processes may share the
    folder: one at a time reads or writes (a lock file). A damaged row is embedded again, a damaged file is thrown away.
    Nothing is held in memory between calls, so threads and forked workers may use one object.
    """

    def __init__(self, embedder: TextEmbedder, folder: Path) -> None:
        """``folder`` is made where it is not there. Raises UsageError where it cannot be written to."""
        self._embedder = embedder
        self._path = folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', embedder.name)}.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._path.with_suffix(".lock"), poll_interval=0.002)
            self._lock.acquire()
            self._lock.release()
        except OSError as error:
            raise _unusable(self._path, error) from error

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def width(self) -> int:
        return self._embedder.width

    @property
    def pretrained(self) -> PretrainedPart:
        return self._embedder.pretrained

    def tokens_cut(self, text: str) -> int:
        return self._embedder.tokens_cut(text)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """See :class:`TextEmbedder`; only texts that nobody embedded before go through the encoder."""
        keys: list[bytes] = []
        said: dict[bytes, str] = {}
        for text in map(normalise, texts):
            keys.append(self._key(text))
            said[keys[-1]] = text
        row_of = {key: row for row, key in enumerate(said)}
        vectors = np.empty((len(said), self.width), _FLOAT)  # [unique texts, E]
        missing = self._read(row_of, vectors)
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            made = self._embedder.embed([said[key] for key in part]).numpy().astype(_FLOAT, copy=False)
            self._write(part, made)
            vectors[[row_of[key] for key in part]] = made
        return torch.from_numpy(vectors[[row_of[key] for key in keys]].astype(np.float32, copy=False))  # [n, E]

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.name}\n{text}".encode()).digest()

    def _read(self, row_of: dict[bytes, int], vectors: NDArray[np.float32]) -> list[bytes]:
        """Fill the rows of ``vectors`` that are kept; the keys of those that are not."""
        keys, found = list(row_of), set()
        try:
            with self._database() as database:
                for start in range(0, len(keys), _KEYS_PER_QUERY):
                    part = keys[start : start + _KEYS_PER_QUERY]
                    asked = f"SELECT key, vector, crc FROM embedding WHERE key IN ({','.join('?' * len(part))})"
                    for key, vector, crc in database.execute(asked, part):
                        if len(vector) == vectors.itemsize * self.width and _check_sum(key, vector) == crc:
                            vectors[row_of[key]] = np.frombuffer(vector, _FLOAT)
                            found.add(key)
        except _DamagedFile:
            return keys
        return [key for key in keys if key not in found]

    def _write(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Add one row for each key, all or none. Where the file is damaged none is, and the next call makes it anew."""
        rows = [(key, one.tobytes(), _check_sum(key, one.tobytes())) for key, one in zip(keys, vectors, strict=True)]
        with suppress(_DamagedFile), self._database() as database, database:  # the last is one transaction
            database.executemany("INSERT OR REPLACE INTO embedding VALUES (?, ?, ?)", rows)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The file, opened for this process alone. One that turns out to be damaged is removed: _DamagedFile."""
        with self._lock:
            try:
                with closing(sqlite3.connect(self._path)) as database:
                    database.execute("PRAGMA page_size = 32768")  # of a new file: a vector takes 2 KB
                    database.execute(
                        "CREATE TABLE IF NOT EXISTS embedding (key BLOB PRIMARY KEY, vector BLOB, crc INTEGER)"
                    )
                    yield database
            except sqlite3.DatabaseError as error:
                # The low byte is the kind of error; "corrupt" comes in several sorts.
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise _unusable(self._path, error) from error
                for suffix in ("", "-journal"):
                    Path(f"{self._path}{suffix}").unlink(missing_ok=True)
                raise _DamagedFile from error


class _DamagedFile(Exception):
    """The file of vectors was damaged and has been removed."""


def _check_sum(key: bytes, vector: bytes) -> int:
    return zlib.crc32(vector, zlib.crc32(key))


def _unusable(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"Texts' embeddings cannot be kept in {path}: {error}.",
        remedy="Make room or give write permission there, or name another folder.",
    )


def build_embedder(
    name: EmbedderName,
    folder: Path | None = None,
    *,
    keep_in: Path | None = None,
    device: str = "cpu",
    before_fetch: Callable[[str], None] | None = None,
) -> TextEmbedder:
    """The text encoder of a grounding network's configuration, from ``folder`` or from where it is found.

    With ``keep_in`` its results are kept in that folder. ``device`` is where MobileCLIP2's tower runs (MiniLM is small
    enough for the CPU), ``before_fetch`` as for :class:`engine.nn.mobileclip.MobileClipEmbedder`. Raises UsageError
    for an unknown name, ModelNotFound or ModelDamaged where the weights are missing or not the right ones.
    """
    embedder: TextEmbedder
    if name == minilm.NAME:
        embedder = MiniLmEmbedder(folder)
    elif name == "mobileclip2":
        from engine.nn.mobileclip import MobileClipEmbedder  # brings open_clip

        embedder = MobileClipEmbedder(folder, device=device, before_fetch=before_fetch)
    else:
        raise UsageError(
            f"There is no text encoder “{name}”.", remedy=f"Choose {minilm.NAME} or mobileclip2 (model.text_encoder)."
        )
    return embedder if keep_in is None else KeptEmbeddings(embedder, keep_in)
