"""The worker's handler of an export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import ExportRefused
from engine.export import refused_formats, write_answer
from engine.protocol import Exported, from_json
from engine.records import Answer, ExportRequest


def export(
    request: ExportRequest, *, progress: Callable[[str, float | None], None], cancelled: Callable[[], bool]
) -> Exported:
    """Write an answer for other programs. Raises :class:`ExportRefused`."""
    progress("export", None)
    try:
        answer = from_json(Path(request.answer_json).read_bytes(), Answer)
    except OSError as error:
        raise ExportRefused(
            f"The answer {request.answer_json} cannot be read: {error.strerror}.", remedy="Ask again, then export."
        ) from error
    files = write_answer(answer, Path(request.out), request.formats)
    return Exported(tuple(map(str, files)), tuple(refused_formats(answer, request.formats).values()))
