"""The right-hand panel: the answer, how sure, who said it, why, and how well the pair lies."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from engine.records import Answer
from rsqa_desktop.model import wording
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.history import HistoryEntry
from rsqa_desktop.model.layers import OverlayKind
from rsqa_desktop.model.overlays import KIND_HELP, KIND_TITLES
from rsqa_desktop.panels.experts import ExpertsView
from rsqa_desktop.panels.parts import GRID, CommandButton, ShareBar, TrustLegend, heading, label, set_role
from rsqa_desktop.theme import FUSION

EXAMPLES = (
    "Is there a river?",
    "How many ships are there?",
    "What is the main land cover?",
    "Is there a bridge?",
)
_GOOD_VERDICTS = ("aligned", "resampled")


class AnswerCard(QScrollArea):
    """Shows ``document.shown``, or what could be asked while there is nothing to show.

    ``question_asked_for`` carries an example that was pressed: put it into the query box.
    """

    question_asked_for = Signal(str)

    def __init__(self, document: Document, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._document = document
        self._content = QWidget()
        self._content.setProperty("role", "panel")
        self._invitation = _Invitation(self)
        self._result = ResultSection()
        self._why = WhySection(document, actions)
        self._pair = PairSection(document, actions)
        self._footer = _Footer(actions)
        self._lay_out()
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
        self.setAccessibleName("Answer")
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
        engine = self._document.engine
        if engine.state == "ready":
            self._result.show_waiting(wording.stage(engine.stage) or "asking the engine")
        else:
            self._result.show_waiting(f"the engine is {engine.state}; the question waits for it")

    def _follow(self) -> None:
        shown = self._document.shown
        running = self._document.running
        answer = shown.answer if shown else None
        self._result.show_entry(running or shown, answer if running is None else None)
        self._result.setVisible(running is not None or shown is not None)
        scene = self._document.scene
        askable = not scene.is_empty and not (scene.check and scene.check.refused)
        self._invitation.setVisible(running is None and shown is None and askable)
        self._why.setVisible(answer is not None and running is None and bool(self._document.layers))
        self._footer.show_answer(answer if running is None else None)
        self._follow_engine()
        self._pair.show_pair(answer if running is None else None)


class _Invitation(QWidget):
    """Before the first answer: what one could ask, ready to press."""

    def __init__(self, card: AnswerCard) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(heading("Ask"))
        column.addWidget(label("Type a question above, or start from one of these:", "muted", wrap=True))
        for question in EXAMPLES:
            chip = QPushButton(question)
            chip.setProperty("role", "chip")
            chip.setAccessibleName(f"Ask: {question}")
            chip.clicked.connect(lambda _=False, text=question: card.question_asked_for.emit(text))
            row = QHBoxLayout()
            row.addWidget(chip)
            row.addStretch(1)
            column.addLayout(row)


class ResultSection(QWidget):
    """Question, answer, calibrated confidence, runners-up, the three experts."""

    def __init__(self) -> None:
        super().__init__()
        self._question = label("", "muted", wrap=True)
        self.answer = label("", "answer", wrap=True)
        self._bar = ShareBar("Confidence", FUSION)
        self._percent = label("")
        self._runners_up = label("", "muted", wrap=True)
        self._waiting = label("", "muted", wrap=True)
        self._messages = label("", "warning", wrap=True)
        self._experts = ExpertsView()
        self._confidence = QWidget()
        row = QHBoxLayout(self._confidence)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(label("Confidence"))
        row.addWidget(self._bar, 1)
        row.addWidget(self._percent)
        self._confidence.setToolTip(
            "Calibrated on the model’s own held-out scenes: of its answers at 80 %, about 80 % were right there. "
            "Other imagery may differ."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        for widget in (self._question, self.answer, self._confidence, self._waiting, self._runners_up, self._messages):
            column.addWidget(widget)
        column.addSpacing(GRID)
        column.addWidget(self._experts)

    def show_waiting(self, what: str) -> None:
        """What a question without an answer waits for."""
        self._waiting.setText(what)

    def show_entry(self, entry: HistoryEntry | None, answer: Answer | None) -> None:
        """Show an answer, or while there is none that the question is on its way."""
        if entry is None:
            return
        self._question.setText(entry.request.question)
        self.answer.setText(_sentence_case(answer.answer) if answer else "…")
        for widget in (self._confidence, self._experts):
            widget.setVisible(answer is not None)
        self._waiting.setVisible(answer is None)
        self._runners_up.setText(wording.runners_up(answer) if answer else "")
        self._runners_up.setVisible(bool(self._runners_up.text()))
        self._messages.setText(" ".join(answer.messages) if answer else "")
        self._messages.setVisible(bool(self._messages.text()))
        if answer:
            self._bar.show_share(answer.confidence)
            self._percent.setText(wording.percent(answer.confidence))
            self._experts.show_experts(answer.experts)
        self.answer.setAccessibleName(f"Answer: {answer.answer}" if answer else "The answer is on its way")


class WhySection(QWidget):
    """The reasons, each a layer to toggle."""

    def __init__(self, document: Document, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._document = document
        self._legend = QWidget()
        self._boxes: dict[OverlayKind, QCheckBox] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(heading("Why"))
        for kind, title in KIND_TITLES.items():
            column.addWidget(self._toggle(kind, title, actions[f"layer.{kind}"]))
        column.addWidget(self._legend)
        legend = QVBoxLayout(self._legend)
        legend.setContentsMargins(0, 0, 0, 0)
        legend.setSpacing(2)
        legend.addWidget(TrustLegend())
        ends = QHBoxLayout()
        ends.addWidget(label("optical", "muted"))
        ends.addStretch(1)
        ends.addWidget(label("SAR", "muted"))
        legend.addLayout(ends)
        document.layers_changed.connect(self._follow)
        self._follow()

    def _toggle(self, kind: OverlayKind, title: str, action: QAction) -> QWidget:
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
        self._legend.setVisible(self._document.shows_kind("trust") is not None)


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

    def show_pair(self, answer: Answer | None) -> None:
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
        row.addWidget(CommandButton(actions["answer.export"]))
        row.addWidget(CommandButton(actions["answer.copy"], text="Copy"))
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(row)
        column.addWidget(self._model)

    def show_answer(self, answer: Answer | None) -> None:
        self.setVisible(answer is not None)
        if answer is not None:
            self._model.setText(wording.model_sentence(answer))
            sha = answer.provenance.model_sha256
            self._model.setToolTip(f"{answer.provenance.model}, SHA-256 {sha}, on {answer.provenance.device}")


def _sentence_case(text: str) -> str:
    """``yes`` as ``Yes``; an answer that brings its own capitals keeps them."""
    return text[:1].upper() + text[1:]
