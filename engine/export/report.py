"""The answer as one self-contained web page: no scripts, no links, pictures inside, readable offline and printable."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from engine.export.pages import page_template
from engine.export.properties import all_messages, flat_properties
from engine.export.regions import KeyRegion
from engine.export.views import COLOURS, View, draw_regions, shade_map, to_image
from engine.export.wording import (
    answer_set_sentence,
    expert_rows,
    pair_sentence,
    percent,
    runners_up,
    scale_sentence,
    valid_sentence,
)
from engine.records import Answer, ExplanationMap

# What the card of the answer already says is not told again under provenance.
PROVENANCE = (
    "optical",
    "optical_bands",
    "sar",
    "sar_bands",
    "sar_unit",
    "verdict",
    "shift_applied_x_px",
    "shift_applied_y_px",
    "col_off",
    "row_off",
    "width_px",
    "height_px",
    "model",
    "model_sha256",
    "software",
    "device",
    "time_utc",
)


@dataclass(frozen=True)
class Figure:
    """A picture inside the page: a ``data:`` address, its caption and its size in picture pixels."""

    source: str
    caption: str
    width: int
    height: int


def write_report(path: Path, answer: Answer, views: Sequence[View], regions: Sequence[KeyRegion]) -> None:
    """Write the page. Raises ``OSError`` where it cannot be written."""
    flat = flat_properties(answer)
    page = page_template("report.html").render(
        answer=answer,
        confidence=percent(answer.confidence),
        runners_up=runners_up(answer),
        answer_set=answer_set_sentence(answer),
        experts=expert_rows(answer),
        messages=all_messages(answer),
        pair=pair_sentence(answer.gate),
        valid=valid_sentence(answer.area),
        scale=scale_sentence(answer.area),
        views=[_view_figure(view, regions, answer) for view in views],
        maps=list(_map_figures(answer, views)),
        has_regions=bool(regions),
        crs=answer.area.grid.crs or "none: positions are in pixels",
        provenance={name: flat[name] for name in PROVENANCE if flat[name] not in (None, "")},
        colours=COLOURS,
        percent=percent,
    )
    path.write_bytes(page.encode("utf-8", "replace"))


def _view_figure(view: View, regions: Sequence[KeyRegion], answer: Answer) -> Figure:
    picture = to_image(view)
    draw_regions(picture, [one for one in regions if one.sensor in (view.sensor, "both")], answer.area.window.box)
    return figure(picture, " · ".join(part for part in (view.name, view.caption) if part))


def _map_figures(answer: Answer, views: Sequence[View]) -> Iterator[Figure]:
    """Each attention and trust map over the picture of its sensor; regions are on the views already."""
    for one in answer.explanations.values():
        base = _base(one, views)
        if one.kind != "regions" and base is not None:
            picture = to_image(base)
            shade_map(picture, one, answer.area.window.box)
            yield figure(picture, one.title)


def _base(one: ExplanationMap, views: Sequence[View]) -> View | None:
    """The view that a map is drawn over: its own sensor's, or the first for one of both."""
    return next((view for view in views if one.sensor in (view.sensor, "both")), None)


def figure(picture: Image.Image, caption: str) -> Figure:
    """``picture`` for the page."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90)  # as PNG, a page of seven pictures would have 14 MB
    source = "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    return Figure(source, caption, picture.width, picture.height)
