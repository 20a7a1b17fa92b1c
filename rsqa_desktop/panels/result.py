"""The upper part of the card: what was typed, what came of it, how sure that is, and what would show more."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from engine.records import Answer, AreaUsed, Finding, Outline, TiledAnswer
from rsqa_desktop.model import wording
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.history import HistoryEntry, Result
from rsqa_desktop.model.mode import Deed
from rsqa_desktop.model.tiling import TileOffer
from rsqa_desktop.panels.boxes import BoxesView
from rsqa_desktop.panels.experts import ExpertsView
from rsqa_desktop.panels.outlined import MaskControls, PartsView
from rsqa_desktop.panels.parts import GRID, CommandButton, ShareBar, Swatch, label, set_role
from rsqa_desktop.panels.tiles import TilesView
from rsqa_desktop.theme import FUSION, sensor_colour


class ResultSection(QWidget):
    """An answer with its confidence, the set it is sure of, runners-up, sensors and experts; or a table of tiles; or a
    list of boxes; or an area with its mask's threshold and parts."""

    def __init__(self, document: Document, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._document = document
        self._question = label("", "muted", wrap=True)
        self.answer = label("", "answer", wrap=True)
        self._waiting = Waiting()
        self._confidence = _Confidence()
        self._set = label("", wrap=True)
        self._runners_up = label("", "muted", wrap=True)
        self._extent = label("", "muted", wrap=True)
        self._sensors = _Sensors()
        self._messages = label("", "warning", wrap=True)
        self._remarks = _Remarks()
        self._offer = TileOfferView(actions)
        self._otherwise = CommandButton(actions["answer.otherwise"])
        self._experts = ExpertsView()
        self._tiles = TilesView()
        self.boxes = BoxesView(document)
        self.mask_controls = MaskControls(document, actions)
        self.parts = PartsView(document)
        document.layers_changed.connect(self._follow_mask)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        texts = (self._set, self._runners_up, self._extent)
        parts: tuple[QWidget, ...] = (self._question, self.answer, self._waiting, self._confidence, *texts)
        for widget in (*parts, self._sensors, self._messages, self._remarks, self._offer):
            column.addWidget(widget)
        column.addWidget(self._otherwise, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(GRID)
        details: tuple[QWidget, ...] = (self._experts, self._tiles, self.boxes, self.mask_controls, self.parts)
        for widget in details:
            column.addWidget(widget)

    def show_waiting(self, what: str, fraction: float | None, *, in_steps: bool) -> None:
        """What a request without a result waits for; in tiles or windows there is a bar, as it may take minutes."""
        self._waiting.show_stage(what, fraction, in_steps=in_steps)

    def show_entry(self, entry: HistoryEntry | None, result: Result | None) -> None:
        """Show a result, or while there is none that the question is on its way."""
        if entry is None:
            return
        answer = entry.answer if result else None
        tiled = entry.tiled if result else None
        finding = entry.finding if result else None
        outline = entry.outline if result else None
        self._question.setText(entry.text)
        self._waiting.setVisible(result is None)
        self._confidence.setVisible(answer is not None)
        self._tiles.setVisible(tiled is not None)
        self._experts.setVisible(bool(answer and answer.experts))
        self._sensors.show_sensors(_sensors_of(result), entry.deed)
        _say(self._set, wording.answer_set(answer) if answer else wording.outlined_units(outline) if outline else "")
        _say(self._runners_up, _second_line(result))
        _say(self._extent, _how(result))
        plain = finding or outline  # most of what is said of these tells how they were made
        _say(self._messages, " ".join(result.messages) if result and not plain else "")
        self._remarks.show_remarks(plain.messages if plain else ())
        self.boxes.show_boxes(finding)
        self.parts.show_parts(outline)
        self.mask_controls.setVisible(outline is not None and self._document.mask is not None)
        if answer:
            self._confidence.show_share(answer.confidence)
            self._set.setToolTip(wording.whole_answer_set(answer))
            self._experts.show_experts(answer.experts)
            self._say_answer(wording.sentence_case(answer.answer), f"Answer: {answer.answer}")
        elif tiled:
            self._tiles.show_tiles(tiled)
            self._say_answer(wording.tiled_headline(tiled), f"Answers: {wording.tiled_headline(tiled)}")
        elif finding:
            self._say_answer(wording.found_headline(finding), wording.found_headline(finding))
        elif outline:
            self._say_answer(wording.outlined_headline(outline), f"Outlined: {wording.outlined_headline(outline)}")
        else:
            self._say_answer("…", f"The {wording.RESULT_WORDS[entry.deed]} is on its way")

    def show_offer(self, offer: TileOffer | None, area: AreaUsed | None, deed: Deed) -> None:
        """Offer a grid of tiles, or finer windows, where the model saw the area too coarsely; None takes it away."""
        self._offer.show_offer(offer, area, deed)

    def show_other_deed(self, deed: Deed | None) -> None:
        """Offer to outline what was found, or to find what was outlined; None takes it away."""
        self._otherwise.setVisible(deed is not None)
        if deed is not None:
            self._otherwise.say(wording.OTHER_DEED_WORDS[deed])

    def _follow_mask(self) -> None:
        """While the mask on screen is a preview, its area is not known."""
        mask = self._document.mask
        if mask is not None and mask.outline is not None and self._document.running is None:
            stale = mask.is_preview
            _say(self._set, "drawing the mask …" if stale else wording.outlined_units(mask.outline))
            set_role(self.answer, "answer-stale" if stale else "answer")

    def _say_answer(self, text: str, name: str) -> None:
        set_role(self.answer, "answer")
        self.answer.setText(text)
        self.answer.setAccessibleName(name)


class Waiting(QWidget):
    """The stage a request is at; of one in tiles or windows also how far it is, and the key that stops it."""

    def __init__(self) -> None:
        super().__init__()
        self._stage = label("", "muted", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self._stage)
        column.addWidget(self._bar)

    def show_stage(self, what: str, fraction: float | None, *, in_steps: bool) -> None:
        """``fraction`` is 0..1, or None where the length is unknown."""
        self._stage.setText(f"{what} · Esc stops" if in_steps else what)
        self._bar.setVisible(in_steps)
        self._bar.setRange(0, 0 if fraction is None else 100)
        self._bar.setValue(0 if fraction is None else round(fraction * 100))


class TileOfferView(QWidget):
    """The same over a grid of tiles, or in finer windows: how many, at what scale, and the button that does it."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._button = CommandButton(actions["answer.tiles"])
        self._what = label("", "muted", wrap=True)
        row = QHBoxLayout()
        row.addWidget(self._button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(row)
        column.addWidget(self._what)
        self.hide()

    def show_offer(self, offer: TileOffer | None, area: AreaUsed | None, deed: Deed) -> None:
        """None, or an area of unknown scale, hides the offer."""
        self.setVisible(offer is not None and area is not None)
        if offer is not None and area is not None:
            self._button.say(wording.offer_action(offer, deed))
            self._what.setText(wording.offer_sentence(offer, area))


class _Remarks(QWidget):
    """What the engine says of a finding, a paragraph each: how it was searched, and what to think of it."""

    def __init__(self) -> None:
        super().__init__()
        self._said: tuple[str, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GRID)
        self.hide()

    def show_remarks(self, remarks: tuple[str, ...]) -> None:
        """None of them takes no room."""
        self.setVisible(bool(remarks))
        if remarks == self._said:
            return
        self._said = remarks
        while (item := self._column.takeAt(0)) is not None:
            if (row := item.widget()) is not None:
                row.hide()
                row.deleteLater()
        for remark in remarks:
            self._column.addWidget(label(wording.without_options(remark), wrap=True))


class _Confidence(QWidget):
    """The calibrated confidence as a bar and a figure."""

    def __init__(self) -> None:
        super().__init__()
        self._bar = ShareBar("Confidence", FUSION)
        self._percent = label("")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(label("Confidence"))
        row.addWidget(self._bar, 1)
        row.addWidget(self._percent)
        self.setToolTip(
            "Calibrated on the model’s own held-out scenes: of its answers at 80 %, about 80 % were right there. "
            "Other imagery may differ."
        )

    def show_share(self, share: float) -> None:
        self._bar.show_share(share)
        self._percent.setText(wording.percent(share))


class _Sensors(QWidget):
    """Whose data a result rests on: ``answered from ● Optical ● SAR``."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID - 2)
        self._verb = label("", "muted")
        row.addWidget(self._verb)
        self._each: dict[str, tuple[QWidget, ...]] = {}
        for sensor, word in wording.SENSOR_WORDS.items():
            self._each[sensor] = (Swatch(sensor_colour(sensor), round_=True), label(word))
            for widget in self._each[sensor]:
                row.addWidget(widget)
        row.addStretch(1)

    def show_sensors(self, sensors: tuple[str, ...], deed: Deed) -> None:
        """None of them hides the line: the engine did not say."""
        self.setVisible(bool(sensors))
        self._verb.setText({"ask": "answered from", "find": "searched", "outline": "outlined from"}[deed])
        for sensor, widgets in self._each.items():
            for widget in widgets:
                widget.setVisible(sensor in sensors)


def _sensors_of(result: Result | None) -> tuple[str, ...]:
    """Whose data a result rests on, as far as it says so."""
    if isinstance(result, Finding):
        return result.searched
    return result.sensors if isinstance(result, Answer | Outline) else ()


def _second_line(result: Result | None) -> str:
    """What else could have been answered, or how much of the area was outlined, in how many parts."""
    if isinstance(result, Answer):
        return wording.runners_up(result)
    return wording.outlined_extent(result) if isinstance(result, Outline) else ""


def _how(result: Result | None) -> str:
    """How many tiles there were, or how an expression was read."""
    if isinstance(result, TiledAnswer):
        return wording.tiled_extent(result)
    if isinstance(result, Finding):
        return wording.found_how(result)
    return wording.outlined_how(result) if isinstance(result, Outline) else ""


def _say(where: QLabel, text: str) -> None:
    """Show a text; an empty one takes no room."""
    where.setText(text)
    where.setVisible(bool(text))
