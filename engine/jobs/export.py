"""The worker's handler of an export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import ExportRefused
from engine.export import refused_formats, write_answer, write_finding, write_outline, write_tiled_answer
from engine.protocol import Exported, from_json
from engine.records import Answer, ExportRequest, Finding, Outline, TiledAnswer


def export(
    request: ExportRequest, *, progress: Callable[[str, float | None], None], cancelled: Callable[[], bool]
) -> Exported:
    """Write an answer for other programs. Raises :class:`ExportRefused`."""
    progress("export", None)
    try:
        said = Path(request.answer_json).read_bytes()
    except OSError as error:
        raise ExportRefused(
            f"The answer {request.answer_json} cannot be read: {error.strerror}.", remedy="Ask again, then export."
        ) from error
    out = Path(request.out)
    record: Answer | TiledAnswer | Finding | Outline
    if request.finding:
        record = from_json(said, Finding)
        files = write_finding(record, out, request.formats)
    elif request.outline:
        record = from_json(said, Outline)
        files = write_outline(record, out, request.formats)
    elif request.tiled:
        record = from_json(said, TiledAnswer)
        files = write_tiled_answer(record, out, request.formats)
    else:
        record = from_json(said, Answer)
        files = write_answer(record, out, request.formats)
    return Exported(tuple(map(str, files)), tuple(refused_formats(record, request.formats).values()))
