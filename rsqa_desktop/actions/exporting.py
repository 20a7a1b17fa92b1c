"""Writing the shown answer, map of answers, finding or outline for other programs; the worker does the writing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject

from engine.protocol import Exported, Outcome, to_json
from engine.records import ExportRequest
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.notices import Notice, notice_of_outcome
from rsqa_desktop.services import Worker

TILED_FORMATS = ("geojson", "gpkg", "cog", "csv", "html", "json")
"""Those of ``engine.export.TILED_FORMATS``, which this side of the border does not import."""
FOUND_FORMATS = {
    "geojson": "GeoJSON, in longitude and latitude",
    "gpkg": "GeoPackage, in the image’s own CRS",
    "coco": "COCO, boxes in pixels",
    "csv": "CSV, a row for each box",
    "html": "A page to read or print (HTML)",
    "png": "Pictures with the boxes drawn in (PNG)",
    "cog": "Maps of the reasons (COG)",
    "json": "All of it, for programs (JSON)",
}
"""Those of ``engine.export.FOUND_FORMATS``, in words."""
OUTLINED_FORMATS = {
    "geojson": "GeoJSON, polygons in longitude and latitude",
    "gpkg": "GeoPackage, polygons in the image’s own CRS",
    "cog": "Mask, probability and reasons as rasters (COG)",
    "coco": "COCO, masks and polygons in pixels",
    "html": "A page to read or print (HTML)",
    "png": "Pictures with the outline drawn in (PNG)",
    "json": "All of it, for programs (JSON)",
}
"""Those of ``engine.export.OUTLINED_FORMATS``, in words."""


class Exporting(QObject):
    """Sends the shown answer to be written; ``written_to`` is the folder of the last export."""

    def __init__(self, document: Document, worker: Worker) -> None:
        super().__init__()
        self.written_to: Path | None = None
        self._document = document
        self._worker = worker
        self._asked: dict[str, Path] = {}
        worker.replied.connect(self._take_event)
        worker.finished.connect(self._take_outcome)

    @property
    def can_run(self) -> bool:
        """Whether there is something to write: not while its mask is cut anew, as the one on screen is meant."""
        mask = self._document.mask
        return self._document.shown is not None and not (mask is not None and mask.is_preview)

    def can_write(self, kind: str) -> bool:
        """Whether a finding is shown that one of :data:`FOUND_FORMATS` can hold: without reasons there are no maps."""
        shown = self._document.shown
        return bool(shown and shown.finding and (kind != "cog" or shown.finding.explanations))

    @property
    def can_write_outline(self) -> bool:
        """Whether an outline is shown, which all of :data:`OUTLINED_FORMATS` can hold."""
        return self.can_run and bool(self._document.shown and self._document.shown.outline)

    def run(self, folder: Path, formats: tuple[str, ...] = ()) -> None:
        """Write what is shown into ``folder``, in ``formats`` or in all that there are for it."""
        shown = self._document.shown
        if shown is None or shown.result is None or not self.can_run:
            return
        stored = Path(shown.request.folder) / "answer.json"
        stored.write_bytes(to_json(shown.result))
        request, what = ExportRequest(str(stored), str(folder)), "answer"
        if shown.tiled is not None:
            request, what = replace(request, formats=TILED_FORMATS, tiled=True), "map of answers"
        elif shown.finding is not None:
            every = tuple(kind for kind in FOUND_FORMATS if self.can_write(kind))
            request, what = replace(request, formats=every, finding=True), "boxes"
        elif shown.outline is not None:
            request, what = replace(request, formats=tuple(OUTLINED_FORMATS), outline=True), "outline"
        request = replace(request, formats=formats or request.formats)
        self._asked[self._worker.submit(request)] = folder
        self._document.post(Notice("export", f"Writing the {what} into {folder} …"))

    def _take_event(self, message_id: str, event: object) -> None:
        if message_id in self._asked and isinstance(event, Exported):
            self.written_to = self._asked[message_id]
            kinds = " ".join(sorted({Path(name).suffix for name in event.files}))
            files = f"{len(event.files)} file{'' if len(event.files) == 1 else 's'}"
            text = f"Wrote {files} ({kinds}) into {self.written_to}."
            text = " ".join((text, *event.messages))
            self._document.post(Notice("export", text, "info", "export.reveal"))

    def _take_outcome(self, message_id: str, outcome: Outcome) -> None:
        if self._asked.pop(message_id, None) is not None and outcome.status != "succeeded":
            self._document.post(notice_of_outcome("export", outcome, action="answer.export"))
