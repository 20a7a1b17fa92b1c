"""A job's folder: what was asked, what happened, what came out, readable by a person and by the next program.

``request.json`` and ``result.json`` are records as JSON, ``events.jsonl`` has one line of the wire format per
event, ``log.txt`` the tracebacks, and every array is a ``.npy`` file. Files appear whole or not at all.
"""

from __future__ import annotations

import traceback
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.errors import ExportRefused
from engine.protocol import to_json, to_line


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

    def write_array(self, name: str, values: npt.NDArray[np.float32]) -> Path:
        """``values`` as ``name``.npy; returns the file."""
        target = self.path / f"{name}.npy"
        part = target.with_name(f".{target.name}.part")
        try:
            with part.open("wb") as stream:
                np.save(stream, values, allow_pickle=False)
            part.replace(target)
        except OSError as error:
            raise _refusal(target, error) from error
        return target

    def event(self, message_id: str, event: object) -> None:
        """Append one event, as it was sent."""
        self._append("events.jsonl", to_line(message_id, event))

    def log(self, error: BaseException) -> Path:
        """Append a traceback to the log; returns the file."""
        text = "".join(traceback.format_exception(error))
        return self._append("log.txt", text.encode())

    def _write(self, name: str, content: bytes) -> Path:
        target = self.path / name
        part = target.with_name(f".{name}.part")
        try:
            part.write_bytes(content)
            part.replace(target)
        except OSError as error:
            raise _refusal(target, error) from error
        return target

    def _append(self, name: str, content: bytes) -> Path:
        target = self.path / name
        try:
            with target.open("ab") as stream:
                stream.write(content)
        except OSError as error:
            raise _refusal(target, error) from error
        return target


def _refusal(path: Path, error: OSError) -> ExportRefused:
    return ExportRefused(
        f"{path} cannot be written: {error.strerror or error}.",
        remedy="Choose another folder, or make room on the disk.",
    )
