"""The right-hand panel: what came of the question or expression, how sure, who said it, why, how well the pair lies."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QMenu, QPushButton, QScrollArea, QVBoxLayout, QWidget

from engine.records import Finding, Outline
from rsqa_desktop.actions.asking import Asking
from rsqa_desktop.actions.exporting import FOUND_FORMATS, OUTLINED_FORMATS
from rsqa_desktop.model import wording
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.history import Result
from rsqa_desktop.model.layers import TILE_KINDS, OverlayKind
from rsqa_desktop.model.mode import MODE_WORDS, deed_of
from rsqa_desktop.model.overlays import KIND_HELP, KIND_TITLES, WHY_KINDS
from rsqa_desktop.panels.parts import (
    GRID,
    CommandButton,
    ExpertLegend,
    RampLegend,
    heading,
    label,
    say_heading,
    set_role,
)
from rsqa_desktop.panels.result import ResultSection
from rsqa_desktop.panels.words import WordsView
from rsqa_desktop.theme import attention_ramp, brightness_ramp, trust_ramp, value_ramp

EXAMPLES = (
    "Is there a river?",
    "How many ships are there?",
    "What is the main land cover?",
    "all ships",
    "the largest storage tank",
    "outline the water",  # the last one, which is left out where no model that outlines is at hand
)
_QUIET_LEGENDS: tuple[OverlayKind, ...] = ("probability", "word", "routing", "routing-share", "gate")
"""Seen only while their map is."""
_GOOD_VERDICTS = ("aligned", "resampled")


class AnswerCard(QScrollArea):
    """Shows ``document.shown``, or what could be asked while there is nothing to show.

    ``question_asked_for`` carries an example that was pressed: put it into the query box. ``thing_asked_for`` carries
    the place of a box or part chosen in the list: bring it into view.
    """

    question_asked_for = Signal(str)
    thing_asked_for = Signal(int)

    def __init__(self, document: Document, asking: Asking, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._document = document
        self._asking = asking
        self._content = QWidget()
        self._content.setProperty("role", "panel")
        self._invitation = _Invitation(self, asking)
        self._result = ResultSection(document, actions)
        self._why = WhySection(document, actions)
        self._pair = PairSection(document, actions)
        self._footer = _Footer(actions)
        self._lay_out()
        self._result.boxes.thing_asked_for.connect(self.thing_asked_for)
        self._result.parts.thing_asked_for.connect(self.thing_asked_for)
        document.shown_changed.connect(self._follow)
        document.history_changed.connect(self._follow)
        document.scene_changed.connect(self._follow)
        document.engine_changed.connect(self._follow_engine)
        self._follow()

    def minimumSizeHint(self) -> QSize:
        """As wide as the content needs: a panel that scrolls sideways hides figures."""
        width = self._content.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(width, super().minimumSizeHint().height())

    def _lay_out(self) -> None:
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Result")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self._content)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        for section in (self._invitation, self._result, self._why, self._pair):
            column.addWidget(section)
        column.addStretch(1)
        column.addWidget(self._footer)
        self.setWidget(self._content)

    def _follow_engine(self) -> None:
        engine, running = self._document.engine, self._document.running
        if engine.state == "ready":
            what = wording.working(running, engine) or "asking the engine"
        else:
            what = f"the engine is {engine.state}; the question waits for it"
        in_steps = running is not None and (running.over_tiles or engine.stage in wording.STEP_WORDS)
        self._result.show_waiting(what, engine.fraction, in_steps=in_steps)

    def _follow(self) -> None:
        shown = self._document.shown
        running = self._document.running
        result = shown.result if shown and running is None else None
        self._result.show_entry(running or shown, result)
        offer, deed = (self._asking.offer if result else None), (shown.deed if shown else "ask")
        self._result.show_offer(offer, result.area if result else None, deed)
        self._result.show_other_deed(self._asking.other_deed if result else None)
        self._result.setVisible(running is not None or shown is not None)
        scene = self._document.scene
        askable = not scene.is_empty and not (scene.check and scene.check.refused)
        self._invitation.setVisible(running is None and shown is None and askable)
        why = any(layer.kind in WHY_KINDS for layer in self._document.layers)
        self._why.setVisible(result is not None and why)
        self._footer.show_result(result)
        self._follow_engine()
        self._pair.show_pair(result)


class _Invitation(QWidget):
    """Before the first answer: what one could ask, ready to press."""

    def __init__(self, card: AnswerCard, asking: Asking) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(heading("Ask, find or outline"))
        told = "Type a question above, or name what to find or outline; or start from one of these:"
        column.addWidget(label(told, "muted", wrap=True))
        for question in EXAMPLES if asking.at_hand.outliner else EXAMPLES[:-1]:
            chip = QPushButton(question)
            chip.setProperty("role", "chip")
            chip.setAccessibleName(f"{MODE_WORDS[deed_of(question)]}: {question}")
            chip.clicked.connect(lambda _=False, text=question: card.question_asked_for.emit(text))
            row = QHBoxLayout()
            row.addWidget(chip)
            row.addStretch(1)
            column.addLayout(row)


class WhySection(QWidget):
    """The reasons, or the maps of a grid of tiles, each a layer to toggle."""

    def __init__(self, document: Document, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._document = document
        self._heading = heading("Why")
        self._boxes: dict[OverlayKind, QCheckBox] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self._heading)
        self._experts = ExpertLegend()
        self._legends: dict[OverlayKind, QWidget] = {
            "probability": RampLegend(value_ramp(), "0 %", "100 %"),
            "word": RampLegend(value_ramp(), "little", "much"),
            "routing": self._experts,
            "routing-share": RampLegend(brightness_ramp(), "0 %", "100 %"),
            "gate": RampLegend(brightness_ramp(), "shut", "open"),
            "trust": RampLegend(trust_ramp()[::-1], "optical", "SAR"),  # optical on the left, as the panes are
            "confidence": RampLegend(attention_ramp("both"), "0 %", "100 %"),
        }
        for kind in WHY_KINDS:
            each = WordsView(document) if kind == "word" else self._toggle(kind, actions[f"layer.{kind}"])
            column.addWidget(each)
            if kind in self._legends:
                column.addWidget(self._legends[kind])
        document.layers_changed.connect(self._follow)
        self._follow()

    def _toggle(self, kind: OverlayKind, action: QAction) -> QWidget:
        title = KIND_TITLES[kind]
        box = QCheckBox(title)
        box.setAccessibleName(title)
        box.setAccessibleDescription(KIND_HELP[kind])
        box.setToolTip(f"{KIND_HELP[kind]} ({action.shortcut().toString()})")
        box.clicked.connect(action.trigger)
        self._boxes[kind] = box
        return box

    def _follow(self) -> None:
        for kind, box in self._boxes.items():
            shown = self._document.shows_kind(kind)
            box.setVisible(shown is not None)
            box.setChecked(bool(shown))
        for kind, legend in self._legends.items():
            shown = self._document.shows_kind(kind)
            legend.setVisible(shown is not None and (bool(shown) or kind not in _QUIET_LEGENDS))
        routing = next((layer for layer in self._document.layers if layer.kind == "routing"), None)
        self._experts.show_experts(round(routing.high) if routing else 0)
        tiled = any(self._document.shows_kind(kind) is not None for kind in TILE_KINDS)
        say_heading(self._heading, "On the images" if tiled else "Why")


class PairSection(QWidget):
    """The alignment gate in two lines, and what can be done where it found a shift."""

    def __init__(self, document: Document, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._document = document
        self.verdict = label("", wrap=True)
        self._detail = label("", wrap=True)
        self._scale = label("", "muted", wrap=True)
        self._notes = label("", "muted", wrap=True)
        self._correct = CommandButton(actions["gate.correct"])
        self._leave = CommandButton(actions["gate.leave"])
        self._assume = CommandButton(actions["gate.assume"])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(heading("Pair"))
        for widget in (self.verdict, self._detail, self._scale, self._notes, self._correct, self._leave, self._assume):
            column.addWidget(widget)

    def show_pair(self, answer: Result | None) -> None:
        """What the gate says of the answered area, else of the scene."""
        scene = self._document.scene
        self.setVisible(not scene.is_empty)
        check = answer.gate if answer else scene.check
        if check is None:
            self.verdict.setText("Being judged …")
            set_role(self.verdict, "muted")
        else:
            self.verdict.setText(wording.VERDICT_WORDS[check.verdict])
            good = check.verdict in _GOOD_VERDICTS
            set_role(self.verdict, "good" if good else "muted" if check.verdict == "single-sensor" else "warning")
        area = answer.area if answer else None
        detail = wording.pair_sentence(check, area) if check else ""
        if answer and any(answer.provenance.shift_applied_px):
            self.verdict.setText("Shifted, corrected")
            set_role(self.verdict, "good")
            detail += " · taken back before asking"
        self._detail.setText(detail)
        self._detail.setVisible(bool(detail))
        outside = area is not None and wording.in_trained_range(area) is False
        self._scale.setText(wording.scale_sentence(area) if area else "")
        self._scale.setVisible(area is not None and not (outside and answer is not None and answer.messages))
        set_role(self._scale, "warning" if outside else "muted")
        self._notes.setText("\n".join(scene.notes))
        self._notes.setVisible(bool(scene.notes))
        self.verdict.setToolTip("\n".join(check.messages) if check else "")
        for button in (self._correct, self._leave, self._assume):
            button.setVisible(button.isEnabled())


class _Footer(QWidget):
    """What to do with the answer, and which model gave it."""

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._model = label("", "muted", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        self._export = CommandButton(actions["answer.export"], text="Export…")
        self._export_boxes = _export_menu("boxes", actions, [f"export.{kind}" for kind in FOUND_FORMATS])
        self._export_outline = _export_menu("outline", actions, [f"export.outline.{kind}" for kind in OUTLINED_FORMATS])
        row.addWidget(self._export)
        row.addWidget(self._export_boxes)
        row.addWidget(self._export_outline)
        row.addWidget(CommandButton(actions["answer.copy"], text="Copy"))
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(row)
        column.addWidget(self._model)

    def show_result(self, result: Result | None) -> None:
        self.setVisible(result is not None)
        self._export.setVisible(not isinstance(result, Finding | Outline))
        self._export_boxes.setVisible(isinstance(result, Finding))
        self._export_outline.setVisible(isinstance(result, Outline))
        if result is not None:
            self._model.setText(wording.model_sentence(result))
            sha = result.provenance.model_sha256
            self._model.setToolTip(f"{result.provenance.model}, SHA-256 {sha}, on {result.provenance.device}")


def _export_menu(what: str, actions: Mapping[str, QAction], formats: list[str]) -> QPushButton:
    """A button that offers all formats at once, or each alone; ``formats`` are the ids of their commands."""
    button = QPushButton("Export")
    button.setAccessibleName(f"Export the {what}")
    button.setToolTip(actions["answer.export"].toolTip())
    menu = QMenu(button)
    menu.addAction(actions["answer.export"])
    menu.addSeparator()
    for command in formats:
        menu.addAction(actions[command])
    button.setMenu(menu)
    return button
