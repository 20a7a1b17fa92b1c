"""One answer into one folder, in the formats asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from engine.errors import ExportRefused, UsageError
from engine.export.geojson import write_geojson
from engine.export.geopackage import write_geopackage
from engine.export.lonlat import lonlat_area
from engine.export.maps import write_map
from engine.export.names import stem
from engine.export.poster import poster
from engine.export.properties import answer_object, map_ending
from engine.export.regions import KeyRegion, key_regions
from engine.export.report import write_report
from engine.export.staging import refused_as_export, staged
from engine.export.views import View, render_views
from engine.protocol import to_json
from engine.raster import write_png
from engine.records import Answer, Finding, Outline, TiledAnswer

FORMATS = ("geojson", "gpkg", "cog", "png", "html", "json")


def refused_formats(
    answer: Answer | TiledAnswer | Finding | Outline, formats: Sequence[str] = FORMATS
) -> dict[str, str]:
    """The formats, of those asked for, that this answer or map cannot be written in, each with why, as a sentence."""
    if "geojson" in formats:
        try:
            lonlat_area(answer.area.grid, answer.area.window.box)
        except ExportRefused as refusal:
            return {"geojson": refusal.sentence}
    return {}


def write_answer(answer: Answer, out: Path, formats: Sequence[str] = FORMATS) -> tuple[Path, ...]:
    """Write ``answer`` into folder ``out`` (made where absent); returns the files, sorted by name.

    A format that this answer cannot be written in (:func:`refused_formats`) is left out and its reason added to the
    messages in the written JSON and report, as long as another format remains. ``json`` lists all the files.

    Raises :class:`UsageError` for a format that does not exist, :class:`ExportRefused` where nothing of what was asked
    can be written, a map is gone, or the disk says no, :class:`RasterUnreadable` where a raster is gone. Then no file
    was made and none was replaced.
    """
    refused = refused_formats(answer, formats)
    wanted = wanted_formats(formats, FORMATS, refused)
    answer, out = replace(answer, messages=(*answer.messages, *refused.values())), out.absolute()
    with staged(out) as (stage, finals), refused_as_export(out / stem(answer)):
        export = _Export(answer, stage, out)
        for name in wanted:
            _WRITERS[name](export)
    return tuple(finals)


def wanted_formats(formats: Sequence[str], known: Sequence[str], refused: Mapping[str, str]) -> list[str]:
    """Those of ``formats`` that can be written, in the order of ``known``.

    Raises :class:`UsageError` for one that does not exist, :class:`ExportRefused` where all are ``refused``.
    """
    unknown = [name for name in formats if name not in known]
    if unknown:
        raise UsageError(f"There is no export format “{unknown[0]}”.", remedy=f"Use some of {', '.join(known)}.")
    wanted = [name for name in known if name in formats and name not in refused]
    if not wanted:
        raise ExportRefused(" ".join(refused.values()) or "No export format was named.", remedy="Name another format.")
    return wanted


@dataclass(frozen=True)
class _Export:
    """One answer on its way to ``out`` through the folder ``stage``; what several formats need is made once."""

    answer: Answer
    stage: Path
    out: Path

    @cached_property
    def views(self) -> tuple[View, ...]:
        return render_views(self.answer)

    @cached_property
    def regions(self) -> tuple[KeyRegion, ...]:
        return key_regions(self.answer)

    def path(self, ending: str) -> Path:
        return self.stage / (stem(self.answer) + ending)

    def geojson(self) -> None:
        write_geojson(self.path(".geojson"), self.answer)

    def gpkg(self) -> None:
        write_geopackage(self.path(".gpkg"), self.answer, self.regions)

    def cog(self) -> None:
        for name, one in self.answer.explanations.items():
            write_map(self.path(map_ending(name)), self.answer, one)

    def png(self) -> None:
        poster(self.answer, self.views, self.regions).save(self.path("_view.png"))
        for view in self.views:
            grid = self.answer.area.grid.sub(self.answer.area.window.box, *view.size)
            write_png(self.path(f"_{view.sensor}.png"), view.rgba, grid)

    def html(self) -> None:
        write_report(self.path(".html"), self.answer, self.views, self.regions)

    def json(self) -> None:
        """Last of all, as it names every file, itself included, where it will be."""
        target = self.path("_answer.json")
        names = sorted({target.name, *(made.name for made in self.stage.iterdir())})
        complete = replace(self.answer, files=tuple(str(self.out / name) for name in names))
        target.write_bytes(to_json(answer_object(complete)) + b"\n")


_WRITERS: dict[str, Callable[[_Export], None]] = {
    "geojson": _Export.geojson,
    "gpkg": _Export.gpkg,
    "cog": _Export.cog,
    "png": _Export.png,
    "html": _Export.html,
    "json": _Export.json,
}
