"""An outline as one self-contained web page: the pictures with the mask drawn in, how much it is, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.export.outlined.files import Bytes
from engine.export.outlined.picture import drawn
from engine.export.pages import page_template
from engine.export.properties import all_messages, place_properties
from engine.export.report import PROVENANCE, Figure, figure
from engine.export.views import View, shade_map, to_image
from engine.export.wording import (
    areas_text,
    outlined_sentence,
    pair_sentence,
    percent,
    scale_sentence,
    valid_sentence,
)
from engine.records import Outline, OutlinePart

MOST_ROWS = 200
"""More polygons than this are counted, not listed: other formats have them all."""


@dataclass(frozen=True)
class PartRow:
    """One line of the table as the page shows it."""

    rank: int
    area: str
    pixels: str
    holes: int
    probability: str
    columns: str
    rows: str


def write_outline_report(path: Path, outline: Outline, mask: Bytes, views: Sequence[View]) -> None:
    """Write the page; ``views`` are the plain pictures of the area. Raises ``OSError`` where it cannot be written."""
    flat = place_properties(outline)
    page = page_template("outline.html").render(
        outline=outline,
        outlined=outlined_sentence(outline),
        parts=part_table(outline.parts[:MOST_ROWS]),
        more=max(0, len(outline.parts) - MOST_ROWS) + outline.parts_cut,
        views=[_view_figure(view, mask, outline) for view in views],
        maps=list(_map_figures(outline, views)),
        messages=all_messages(outline),
        pair=pair_sentence(outline.gate),
        valid=valid_sentence(outline.area),
        scale=scale_sentence(outline.area),
        crs=outline.area.grid.crs or "none: positions are in pixels",
        provenance={name: flat[name] for name in PROVENANCE if flat[name] not in (None, "")},
        percent=percent,
    )
    path.write_bytes(page.encode("utf-8", "replace"))


def part_table(parts: Sequence[OutlinePart]) -> list[PartRow]:
    """The table, the largest polygon first. Areas are empty where metres per pixel are unknown."""
    areas = iter(areas_text([one.area_m2 for one in parts if one.area_m2 is not None]))
    return [
        PartRow(
            rank=rank,
            area="" if one.area_m2 is None else next(areas),
            pixels=f"{one.area_px:,.0f}",
            holes=len(one.holes_map),
            probability=percent(one.mean_probability),
            columns=f"{one.box.x0:.0f} to {one.box.x1:.0f}",
            rows=f"{one.box.y0:.0f} to {one.box.y1:.0f}",
        )
        for rank, one in enumerate(parts, 1)
    ]


def _view_figure(view: View, mask: Bytes, outline: Outline) -> Figure:
    caption = " · ".join(part for part in (view.name, view.caption) if part)
    return figure(to_image(drawn(view, mask, outline)), caption)


def _map_figures(outline: Outline, views: Sequence[View]) -> Iterator[Figure]:
    """What each word lights, the gates and the trust, over the picture of their sensor (the first for both)."""
    for one in outline.explanations.values():
        base = next((view for view in views if one.sensor in (view.sensor, "both")), None)
        if base is not None:
            picture = to_image(base)
            shade_map(picture, one, outline.area.window.box)
            yield figure(picture, one.title)
