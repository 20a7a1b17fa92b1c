"""What was answered tile by tile: the table of answers, which is the map's legend too, and who could not be asked."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from engine.records import TileCount, TiledAnswer, TileState
from rsqa_desktop.model import wording
from rsqa_desktop.model.tiling import letter
from rsqa_desktop.panels.parts import GRID, AnswerSwatch, ElidedLabel, ShareBar, heading, label
from rsqa_desktop.theme import NO_DATA, answer_colour


class TilesView(QWidget):
    """One row per answer, the most frequent first: its tiles’ colour and letter, share of the ground, their number."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GRID)
        self._column.addWidget(heading("Answers — share of the ground, tiles"))
        self._table = QWidget()
        self._column.addWidget(self._table)

    def show_tiles(self, tiled: TiledAnswer) -> None:
        """Fill the table anew."""
        self._column.removeWidget(self._table)
        self._table.hide()
        self._table.deleteLater()
        self._table = _table(tiled)
        self._column.addWidget(self._table)


def _table(tiled: TiledAnswer) -> QWidget:
    table = QWidget()
    column = QVBoxLayout(table)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(GRID)
    grid = QGridLayout()
    grid.setHorizontalSpacing(GRID)
    grid.setVerticalSpacing(GRID)
    grid.setColumnStretch(1, 4)  # an answer may be as long as “more than 10”
    grid.setColumnStretch(2, 3)
    column.addLayout(grid)
    for place, count in enumerate(tiled.counts):
        for at, widget in enumerate(_row(place, count)):
            grid.addWidget(widget, place, at)
    states: tuple[TileState, ...] = ("single-sensor", "not-answerable")
    for state in states:
        if found := tiled.states.get(state, 0):
            column.addLayout(_state_row(state, found, tiled.grid.tiles))
    return table


def _row(place: int, count: TileCount) -> tuple[QWidget, ...]:
    answer = ElidedLabel(count.answer, "strong")
    bar = ShareBar(f"{count.answer}, share of the ground", answer_colour(place))
    bar.show_share(count.share)
    share, tiles = label(wording.percent(count.share)), label(wording.number(count.tiles), "muted")
    tiles.setAccessibleName(wording.tiles(count.tiles))
    for figure in (share, tiles):
        figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    on = "" if count.area_m2 is None else f", {wording.ground(count.area_m2)}"
    told = f"{count.answer}: {wording.tiles(count.tiles)}{on}, mean confidence {wording.percent(count.mean_confidence)}"
    row: tuple[QWidget, ...] = (AnswerSwatch(answer_colour(place), letter(place)), answer, bar, share, tiles)
    for widget in row:
        widget.setToolTip(told)
    return row


def _state_row(state: TileState, found: int, of: int) -> QHBoxLayout:
    single = state == "single-sensor"
    row = QHBoxLayout()
    row.setSpacing(GRID)
    row.addWidget(AnswerSwatch(NO_DATA, hatched=single, struck=not single))
    row.addWidget(label(wording.STATE_WORDS[state], "muted"), 1)
    row.addWidget(label(f"{wording.number(found)} of {wording.number(of)}", "muted"))
    return row
