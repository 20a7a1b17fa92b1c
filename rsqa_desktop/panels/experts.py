"""The three TGFNet experts side by side: each one's own answer, its AF weight as a bar, and its share."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from engine.records import ExpertOpinion
from rsqa_desktop.model import wording
from rsqa_desktop.panels.parts import GRID, ElidedLabel, ShareBar, Swatch, heading, label
from rsqa_desktop.theme import sensor_colour

EXPERT_WORDS = {"optical": "Optical", "sar": "SAR", "fusion": "Fusion"}


class ExpertsView(QWidget):
    """AF weights are sigmoids and need not sum to 1: the bar shows the raw value, the share stands beside it."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        title = heading("Experts — answer and AF weight")
        title.setToolTip("Three experts answer for themselves; adaptive fusion (AF) weighs them into the answer above")
        column.addWidget(title)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(GRID)
        self._grid.setColumnStretch(2, 4)  # an answer may be as long as “more than 10”
        self._grid.setColumnStretch(3, 3)
        column.addLayout(self._grid)
        column.addWidget(label("raw sigmoid · share of all experts", "muted"))
        self._rows = {name: self._add_row(row, name) for row, name in enumerate(EXPERT_WORDS)}

    def show_experts(self, experts: Mapping[str, ExpertOpinion]) -> None:
        """One row for each expert that spoke; an absent sensor has none."""
        total = sum(opinion.weight for opinion in experts.values())
        for name, (widgets, answer, bar, weight, share) in self._rows.items():
            opinion = experts.get(name)
            for widget in widgets:
                widget.setVisible(opinion is not None)
            if opinion is None:
                continue
            answer.show_text(opinion.answer)
            answer.setToolTip(f"{opinion.answer} ({wording.percent(opinion.probability)} by this expert alone)")
            bar.show_share(opinion.weight)
            weight.setText(f"{opinion.weight:.2f}")
            share.setText(wording.percent(opinion.weight / total) if total > 0 else "")

    def _add_row(self, row: int, name: str) -> tuple[list[QWidget], ElidedLabel, ShareBar, QLabel, QLabel]:
        colour = sensor_colour(name)
        answer = ElidedLabel("")
        answer.setProperty("role", "strong")
        bar = ShareBar(f"AF weight of the {EXPERT_WORDS[name]} expert", colour)
        weight, share = label(""), label("", "muted")
        for figure in (weight, share):
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        widgets: list[QWidget] = [Swatch(colour, round_=True), label(EXPERT_WORDS[name]), answer, bar, weight, share]
        for at, widget in enumerate(widgets):
            self._grid.addWidget(widget, row, at)
        return widgets, answer, bar, weight, share
