"""A job's folder: what was asked and what came out, readable by a person and by the next program.

``request.json`` and ``result.json`` are records as JSON, ``log.txt`` has the tracebacks, and every array is a ``.npy``
file. Files appear whole or not at all.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from engine.errors import ExportRefused
from engine.protocol import to_json

Value = TypeVar("Value", bound=np.generic)


class JobFolder:
    """Writes one job's folder, made where it does not exist. Raises :class:`ExportRefused` where that cannot be."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refusal(self.path, error) from error

    def write_request(self, request: object) -> None:
        self._write("request.json", to_json(request))

    def write_result(self, result: object) -> Path:
        """The result's file."""
        return self._write("result.json", to_json(result))

    def array_path(self, name: str) -> Path:
        """Where the array ``name`` lies once it is written."""
        return self.path / f"{name}.npy"

    def write_array(self, name: str, values: npt.NDArray[np.generic]) -> Path:
        """``values`` as ``name``.npy; returns the file."""
        target = self.array_path(name)
        part = target.with_name(f".{target.name}.part")
        try:
            with part.open("wb") as stream:
                np.save(stream, values, allow_pickle=False)
            part.replace(target)
        except OSError as error:
            raise _refusal(target, error) from error
        return target

    @contextmanager
    def array_to_fill(self, name: str, shape: tuple[int, ...], kind: type[Value]) -> Iterator[npt.NDArray[Value]]:
        """``name``.npy of ``shape`` as an array on the disk, zeros at first, for what memory shall not hold.

        It is in place when the block ends well, and vanishes if not.
        """
        target = self.array_path(name)
        part = target.with_name(f".{target.name}.part")
        try:
            array = np.lib.format.open_memmap(part, mode="w+", dtype=kind, shape=shape)
            yield array
            array.flush()
            part.replace(target)
        except OSError as error:
            raise _refusal(target, error) from error
        finally:
            part.unlink(missing_ok=True)

    def log(self, error: BaseException) -> Path:
        """Append a traceback to the log; returns the file."""
        target = self.path / "log.txt"
        try:
            with target.open("a", encoding="utf-8") as stream:
                stream.write("".join(traceback.format_exception(error)))
        except OSError as fault:
            raise _refusal(target, fault) from fault
        return target

    def _write(self, name: str, content: bytes) -> Path:
        target = self.path / name
        part = target.with_name(f".{name}.part")
        try:
            part.write_bytes(content)
            part.replace(target)
        except OSError as error:
            raise _refusal(target, error) from error
        return target


def _refusal(path: Path, error: OSError) -> ExportRefused:
    return ExportRefused(
        f"{path} cannot be written: {error.strerror or error}.",
        remedy="Choose another folder, or make room on the disk.",
    )
