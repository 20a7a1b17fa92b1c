"""One finding into one folder, in the formats asked for, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from engine.export.found.files import (
    write_found_coco,
    write_found_csv,
    write_found_geojson,
    write_found_geopackage,
)
from engine.export.found.picture import drawn
from engine.export.found.report import write_found_report
from engine.export.found.rows import finding_object, finding_stem
from engine.export.maps import write_map
from engine.export.properties import map_ending
from engine.export.staging import refused_as_export, staged
from engine.export.views import View, render_views
from engine.export.writing import refused_formats, wanted_formats
from engine.protocol import to_json
from engine.raster import write_png
from engine.records import Finding

FOUND_FORMATS = ("geojson", "gpkg", "coco", "csv", "cog", "png", "html", "json")


def write_finding(finding: Finding, out: Path, formats: Sequence[str] = FOUND_FORMATS) -> tuple[Path, ...]:
    """Write ``finding`` into folder ``out`` (made where absent); returns the files, sorted by name.

    As :func:`engine.export.write_answer`: a format that cannot be had is left out and said in the messages, and on any
    error no file was made and none was replaced. Raises what that raises.
    """
    refused = refused_formats(finding, formats)
    wanted = wanted_formats(formats, FOUND_FORMATS, refused)
    finding, out = replace(finding, messages=(*finding.messages, *refused.values())), out.absolute()
    with staged(out) as (stage, finals), refused_as_export(out / finding_stem(finding)):
        export = _Export(finding, stage, out)
        for name in wanted:
            _WRITERS[name](export)
    return tuple(finals)


@dataclass(frozen=True)
class _Export:
    """One finding on its way to ``out`` through the folder ``stage``."""

    finding: Finding
    stage: Path
    out: Path

    @cached_property
    def views(self) -> tuple[View, ...]:
        return render_views(self.finding)

    def path(self, ending: str) -> Path:
        return self.stage / (finding_stem(self.finding) + ending)

    def geojson(self) -> None:
        write_found_geojson(self.path("_boxes.geojson"), self.finding)

    def gpkg(self) -> None:
        write_found_geopackage(self.path("_boxes.gpkg"), self.finding)

    def coco(self) -> None:
        write_found_coco(self.path("_boxes.coco.json"), self.finding)

    def csv(self) -> None:
        write_found_csv(self.path("_boxes.csv"), self.finding)

    def cog(self) -> None:
        for name, one in self.finding.explanations.items():
            write_map(self.path(map_ending(name)), self.finding, one)

    def png(self) -> None:
        area = self.finding.area
        for view in self.views:
            picture = drawn(view, self.finding)
            write_png(self.path(f"_{view.sensor}.png"), picture.rgba, area.grid.sub(area.window.box, *picture.size))

    def html(self) -> None:
        write_found_report(self.path("_finding.html"), self.finding, self.views)

    def json(self) -> None:
        """Last of all, as it names every file, itself included, where it will be."""
        target = self.path("_finding.json")
        names = sorted({target.name, *(made.name for made in self.stage.iterdir())})
        complete = replace(self.finding, files=tuple(str(self.out / name) for name in names))
        target.write_bytes(to_json(finding_object(complete)) + b"\n")


_WRITERS: dict[str, Callable[[_Export], None]] = {
    "geojson": _Export.geojson,
    "gpkg": _Export.gpkg,
    "coco": _Export.coco,
    "csv": _Export.csv,
    "cog": _Export.cog,
    "png": _Export.png,
    "html": _Export.html,
    "json": _Export.json,
}
