"""The map of answers as one self-contained web page: the map over the picture, the table, the reasons for care."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.export.pages import page_template
from engine.export.properties import all_messages, place_properties
from engine.export.report import PROVENANCE, Figure, figure
from engine.export.tiled.picture import answers_picture, confidence_picture
from engine.export.tiled.rows import TileRow, colour, letter
from engine.export.views import View, to_image
from engine.export.wording import areas_text, pair_sentence, percent, scale_sentence, valid_sentence
from engine.records import TiledAnswer


@dataclass(frozen=True)
class LegendRow:
    """One line of the table as the page shows it."""

    letter: str
    colour: str
    answer: str
    tiles: str
    share: float
    share_text: str
    confidence: str
    ground: str


def write_tiled_report(path: Path, answer: TiledAnswer, rows: Sequence[TileRow], views: Sequence[View]) -> None:
    """Write the page; the map lies over the first of ``views``. Raises ``OSError`` where it cannot be written."""
    flat = place_properties(answer)
    area = answer.area.window.box
    base = views[0]
    page = page_template("tiles.html").render(
        answer=answer,
        legend=legend_rows(answer),
        answers=figure(answers_picture(base, rows, area), f"Answers over the {base.name} picture"),
        confidence=figure(confidence_picture(base, rows, area), "Confidence: the darker, the surer"),
        views=[_view_figure(view) for view in views],
        grid=grid_sentence(answer),
        states=states_sentence(answer),
        messages=all_messages(answer),
        pair=pair_sentence(answer.gate),
        valid=valid_sentence(answer.area),
        scale=scale_sentence(answer.area),
        crs=answer.area.grid.crs or "none: positions are in pixels",
        provenance={name: flat[name] for name in PROVENANCE if flat[name] not in (None, "")},
    )
    path.write_bytes(page.encode("utf-8", "replace"))


def legend_rows(answer: TiledAnswer) -> list[LegendRow]:
    """The table with each answer's letter and colour."""
    known = [count.area_m2 for count in answer.counts if count.area_m2 is not None]
    grounds = areas_text(known) or [""] * len(answer.counts)  # of all answers or of none: it is a matter of the grid
    return [
        LegendRow(
            letter=letter(place),
            colour=colour(place),
            answer=count.answer,
            tiles=f"{count.tiles:,}",
            share=count.share,
            share_text=percent(count.share),
            confidence=percent(count.mean_confidence),
            ground=ground,
        )
        for place, (count, ground) in enumerate(zip(answer.counts, grounds, strict=True))
    ]


def grid_sentence(answer: TiledAnswer) -> str:
    """``5 x 4 tiles of 224 px (2.24 km)``."""
    grid, gsd = answer.grid, answer.area.grid.gsd_m
    side_m = None if gsd is None else gsd * grid.side_px
    metres = "" if side_m is None else f" ({side_m / 1000:.3g} km)" if side_m >= 1000 else f" ({side_m:.3g} m)"
    tiles = "tile" if grid.tiles == 1 else "tiles"
    return f"{grid.columns} x {grid.rows} {tiles} of {grid.side_px:,} px{metres}"


def states_sentence(answer: TiledAnswer) -> str:
    """``18 answered by both sensors · 4 by one alone · 2 not answerable``."""
    said = {"answered": "answered", "single-sensor": "answered by one sensor alone", "not-answerable": "not answerable"}
    return " · ".join(f"{tiles:,} {said[state]}" for state, tiles in answer.states.items() if tiles)


def _view_figure(view: View) -> Figure:
    return figure(to_image(view), " · ".join(part for part in (view.name, view.caption) if part))
