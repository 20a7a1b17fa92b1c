"""A finding as one self-contained web page: the pictures with the boxes drawn in, and a table of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.export.found.picture import COLOUR_OF, drawn
from engine.export.pages import page_template
from engine.export.properties import all_messages, place_properties
from engine.export.report import PROVENANCE, Figure, figure
from engine.export.views import COLOURS, View, shade_map, to_image
from engine.export.wording import (
    SENSOR_NAMES,
    areas_text,
    found_sentence,
    metres_text,
    pair_sentence,
    scale_sentence,
    valid_sentence,
)
from engine.records import Finding, FoundBox

MOST_ROWS = 500
"""More boxes than this are counted, not listed: other formats have them all."""


@dataclass(frozen=True)
class BoxRow:
    """One line of the table as the page shows it."""

    rank: int
    label: str
    score: float
    image: str
    colour: str
    metres: str
    area: str
    columns: str
    rows: str


def write_found_report(path: Path, finding: Finding, views: Sequence[View]) -> None:
    """Write the page; ``views`` are the plain pictures of the area. Raises ``OSError`` where it cannot be written."""
    flat = place_properties(finding)
    page = page_template("finding.html").render(
        finding=finding,
        title=finding.expression or "A pool of phrases",
        found=found_sentence(finding),
        boxes=box_table(finding.boxes[:MOST_ROWS]),
        more=max(0, len(finding.boxes) - MOST_ROWS),
        views=[_view_figure(view, finding) for view in views],
        maps=list(_gates(finding, views)),
        legend=[(COLOURS[colour], name) for (_, colour), name in zip(COLOUR_OF.items(), _FOUND_IN, strict=True)],
        messages=all_messages(finding),
        pair=pair_sentence(finding.gate),
        valid=valid_sentence(finding.area),
        scale=scale_sentence(finding.area),
        crs=finding.area.grid.crs or "none: positions are in pixels",
        provenance={name: flat[name] for name in PROVENANCE if flat[name] not in (None, "")},
    )
    path.write_bytes(page.encode("utf-8", "replace"))


def box_table(boxes: Sequence[FoundBox]) -> list[BoxRow]:
    """The table, the best box first. Sizes are empty where metres per pixel are unknown."""
    areas = iter(areas_text([one.area_m2 for one in boxes if one.area_m2 is not None]))
    return [
        BoxRow(
            rank=rank,
            label=one.label,
            score=one.score,
            image=_IMAGES[one.sensor],
            colour=COLOURS[COLOUR_OF[one.sensor]],
            metres=metres_text(one),
            area="" if one.area_m2 is None else next(areas),
            columns=f"{one.box.x0:.1f} to {one.box.x1:.1f}",
            rows=f"{one.box.y0:.1f} to {one.box.y1:.1f}",
        )
        for rank, one in enumerate(boxes, 1)
    ]


_IMAGES = {"optical": SENSOR_NAMES["optical"], "sar": SENSOR_NAMES["sar"], "both": "both"}
_FOUND_IN = ("found in the optical image", "found in the SAR image", "found in both")


def _view_figure(view: View, finding: Finding) -> Figure:
    return figure(to_image(drawn(view, finding)), " · ".join(part for part in (view.name, view.caption) if part))


def _gates(finding: Finding, views: Sequence[View]) -> Iterator[Figure]:
    """How far each scale heeded the text, over the picture of its sensor; other maps are codes, not shades."""
    for one in finding.explanations.values():
        base = next((view for view in views if one.sensor in (view.sensor, "both")), None)
        if one.kind == "gate" and base is not None:
            picture = to_image(base)
            shade_map(picture, one, finding.area.window.box)
            yield figure(picture, one.title)
