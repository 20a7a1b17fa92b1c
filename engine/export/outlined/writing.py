"""One outline into one folder, in the formats asked for, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from engine.export.maps import write_map
from engine.export.outlined.files import (
    Bytes,
    read_bytes,
    write_mask,
    write_outline_coco,
    write_outline_geojson,
    write_outline_geopackage,
    write_probability,
)
from engine.export.outlined.picture import drawn
from engine.export.outlined.report import write_outline_report
from engine.export.outlined.rows import outline_object, outline_stem
from engine.export.properties import map_ending
from engine.export.staging import refused_as_export, staged
from engine.export.views import View, render_views
from engine.export.writing import refused_formats, wanted_formats
from engine.protocol import to_json
from engine.raster import write_png
from engine.records import Outline

OUTLINED_FORMATS = ("geojson", "gpkg", "coco", "cog", "png", "html", "json")


def write_outline(outline: Outline, out: Path, formats: Sequence[str] = OUTLINED_FORMATS) -> tuple[Path, ...]:
    """Write ``outline`` into folder ``out`` (made where absent); returns the files, sorted by name.

    As :func:`engine.export.write_answer`: a format that cannot be had is left out and said in the messages, and on any
    error no file was made and none was replaced. Raises what that raises.
    """
    refused = refused_formats(outline, formats)
    wanted = wanted_formats(formats, OUTLINED_FORMATS, refused)
    outline, out = replace(outline, messages=(*outline.messages, *refused.values())), out.absolute()
    with staged(out) as (stage, finals), refused_as_export(out / outline_stem(outline)):
        export = _Export(outline, stage, out)
        for name in wanted:
            _WRITERS[name](export)
    return tuple(finals)


@dataclass(frozen=True)
class _Export:
    """One outline on its way to ``out`` through the folder ``stage``."""

    outline: Outline
    stage: Path
    out: Path

    @cached_property
    def views(self) -> tuple[View, ...]:
        return render_views(self.outline)

    @cached_property
    def mask(self) -> Bytes:
        return read_bytes(self.outline, self.outline.mask, "mask")

    def path(self, ending: str) -> Path:
        return self.stage / (outline_stem(self.outline) + ending)

    def geojson(self) -> None:
        write_outline_geojson(self.path("_outline.geojson"), self.outline)

    def gpkg(self) -> None:
        write_outline_geopackage(self.path("_outline.gpkg"), self.outline)

    def coco(self) -> None:
        write_outline_coco(self.path("_outline.coco.json"), self.outline)

    def cog(self) -> None:
        write_mask(self.path("_mask.tif"), self.outline)
        write_probability(self.path("_probability.tif"), self.outline)
        for name, one in self.outline.explanations.items():
            write_map(self.path(map_ending(name)), self.outline, one)

    def png(self) -> None:
        area = self.outline.area
        for view in self.views:
            picture = drawn(view, self.mask, self.outline)
            write_png(self.path(f"_{view.sensor}.png"), picture.rgba, area.grid.sub(area.window.box, *picture.size))

    def html(self) -> None:
        write_outline_report(self.path("_outline.html"), self.outline, self.mask, self.views)

    def json(self) -> None:
        """Last of all, as it names every file, itself included, where it will be."""
        target = self.path("_outline.json")
        names = sorted({target.name, *(made.name for made in self.stage.iterdir())})
        complete = replace(self.outline, files=tuple(str(self.out / name) for name in names))
        target.write_bytes(to_json(outline_object(complete)) + b"\n")


_WRITERS: dict[str, Callable[[_Export], None]] = {
    "geojson": _Export.geojson,
    "gpkg": _Export.gpkg,
    "coco": _Export.coco,
    "cog": _Export.cog,
    "png": _Export.png,
    "html": _Export.html,
    "json": _Export.json,
}
