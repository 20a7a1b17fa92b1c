"""One map of answers into one folder, in the formats asked for, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from engine.export.staging import refused_as_export, staged
from engine.export.tiled.files import (
    write_answers_cog,
    write_confidence_cog,
    write_tiled_csv,
    write_tiled_geojson,
    write_tiled_geopackage,
)
from engine.export.tiled.report import write_tiled_report
from engine.export.tiled.rows import TileRow, tile_rows, tiled_object, tiled_stem
from engine.export.views import render_views
from engine.export.writing import refused_formats, wanted_formats
from engine.protocol import to_json
from engine.records import TiledAnswer

TILED_FORMATS = ("geojson", "gpkg", "cog", "csv", "html", "json")


def write_tiled_answer(answer: TiledAnswer, out: Path, formats: Sequence[str] = TILED_FORMATS) -> tuple[Path, ...]:
    """Write ``answer`` into folder ``out`` (made where absent); returns the files, sorted by name.

    As :func:`engine.export.write_answer`: a format that cannot be had is left out and said in the messages, and on any
    error no file was made and none was replaced. Raises what that raises.
    """
    refused = refused_formats(answer, formats)
    wanted = wanted_formats(formats, TILED_FORMATS, refused)
    answer, out = replace(answer, messages=(*answer.messages, *refused.values())), out.absolute()
    with staged(out) as (stage, finals), refused_as_export(out / tiled_stem(answer)):
        export = _Export(answer, stage, out)
        for name in wanted:
            _WRITERS[name](export)
    return tuple(finals)


@dataclass(frozen=True)
class _Export:
    """One map on its way to ``out`` through the folder ``stage``; its arrays are read once."""

    answer: TiledAnswer
    stage: Path
    out: Path

    @cached_property
    def rows(self) -> tuple[TileRow, ...]:
        return tile_rows(self.answer)

    def path(self, ending: str) -> Path:
        return self.stage / (tiled_stem(self.answer) + ending)

    def geojson(self) -> None:
        write_tiled_geojson(self.path("_tiles.geojson"), self.answer, self.rows)

    def gpkg(self) -> None:
        write_tiled_geopackage(self.path("_tiles.gpkg"), self.answer, self.rows)

    def cog(self) -> None:
        write_answers_cog(self.path("_answers.tif"), self.answer, self.rows)
        write_confidence_cog(self.path("_confidence.tif"), self.answer, self.rows)

    def csv(self) -> None:
        write_tiled_csv(self.path("_tiles.csv"), self.answer, self.rows)

    def html(self) -> None:
        write_tiled_report(self.path("_tiles.html"), self.answer, self.rows, render_views(self.answer))

    def json(self) -> None:
        """Last of all, as it names every file, itself included, where it will be."""
        target = self.path("_tiles.json")
        names = sorted({target.name, *(made.name for made in self.stage.iterdir())})
        complete = replace(self.answer, files=tuple(str(self.out / name) for name in names))
        target.write_bytes(to_json(tiled_object(complete)) + b"\n")


_WRITERS: dict[str, Callable[[_Export], None]] = {
    "geojson": _Export.geojson,
    "gpkg": _Export.gpkg,
    "cog": _Export.cog,
    "csv": _Export.csv,
    "html": _Export.html,
    "json": _Export.json,
}
