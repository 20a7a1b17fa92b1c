"""The table of commands as Qt actions, and the menu bar made from them."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from rsqa_desktop.actions.commands import COMMANDS, Command
from rsqa_desktop.actions.workbench import Workbench
from rsqa_desktop.panels.parts import GRID, label

MENUS = ("File", "Edit", "View", "Layer", "Help")


class CommandActions(QObject):
    """One QAction per row of :data:`COMMANDS`; enabled and checked follow the document and the settings."""

    def __init__(self, bench: Workbench, parent: QObject) -> None:
        super().__init__(parent)
        self._bench = bench
        self.by_id: Mapping[str, QAction] = {command.id: self._action(command) for command in COMMANDS}
        document = bench.document
        for event in (
            document.scene_changed,
            document.area_changed,
            document.layers_changed,
            document.history_changed,
            document.shown_changed,
            bench.settings.changed,
        ):
            event.connect(self.refresh)
        bench.asking.question_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Ask every row whether it may run and whether it is on."""
        for command in COMMANDS:
            action = self.by_id[command.id]
            action.setEnabled(command.enabled(self._bench))
            if command.checked is not None:
                action.setChecked(bool(command.checked(self._bench)))

    def _action(self, command: Command) -> QAction:
        action = QAction(command.text, self)
        action.setObjectName(command.id)
        action.setCheckable(command.checked is not None)
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        if command.shortcut:
            action.setShortcut(QKeySequence(command.shortcut))
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        told = command.tip or command.text.rstrip("…")
        action.setToolTip(f"{told} ({keys})" if keys else told)
        action.triggered.connect(lambda: self._run(command))
        return action

    def _run(self, command: Command) -> None:
        if command.enabled(self._bench):
            command.run(self._bench)
        self.refresh()


def build_menu_bar(actions: Mapping[str, QAction], bar: QMenuBar) -> QMenu:
    """Fill the menu bar from the table; returns the menu for recent files, which the window fills."""
    recent = QMenu("Open recent", bar)
    menus = {name: bar.addMenu(name) for name in MENUS}
    group = dict.fromkeys(MENUS, 0)
    for command in COMMANDS:
        if not command.menu:
            continue
        menu = menus[command.menu]
        if command.group != group[command.menu]:
            menu.addSeparator()
            group[command.menu] = command.group
        menu.addAction(actions[command.id])
        if command.id == "file.open_sar":
            menu.addMenu(recent)
    brand = label("RSQA", "brand")
    brand.setParent(bar)
    brand.setContentsMargins(2 * GRID, 0, GRID, 0)
    brand.setFixedWidth(brand.sizeHint().width() + GRID)
    brand.setFixedHeight(bar.sizeHint().height() - 4)  # its line on the line of the menus
    bar.setCornerWidget(brand, Qt.Corner.TopLeftCorner)
    return recent
