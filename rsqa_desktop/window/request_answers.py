"""The window's answers to what commands ask of it: files, the clipboard, the colours, the way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QWidget

from rsqa_desktop.actions.workbench import Workbench
from rsqa_desktop.canvas import PairView
from rsqa_desktop.dialogs.about import AboutDialog
from rsqa_desktop.dialogs.files import choose_folder, choose_picture, choose_rasters
from rsqa_desktop.model.notices import Notice
from rsqa_desktop.theme import Theme


@dataclass(frozen=True)
class Choosers:
    """The file dialogs as functions ``(parent, …) -> answer``, so that a test can answer in their place."""

    rasters: Callable[[QWidget, str, str], list[str]] = choose_rasters
    folder: Callable[[QWidget, str], str] = choose_folder
    picture: Callable[[QWidget, str], str] = choose_picture


class RequestAnswers(QObject):
    """Hears every signal of :class:`~rsqa_desktop.actions.requests.Requests` that concerns more than the panes."""

    def __init__(self, bench: Workbench, window: QWidget, view: PairView, theme: Theme, choosers: Choosers) -> None:
        super().__init__(window)
        self._bench = bench
        self._window = window
        self._view = view
        self._theme = theme
        self._choosers = choosers
        requests = bench.requests
        requests.choose_rasters.connect(self._choose_rasters)
        requests.choose_export_folder.connect(self._choose_export_folder)
        requests.choose_picture_file.connect(self._choose_picture_file)
        requests.copy_text.connect(self._copy)
        requests.set_theme.connect(theme.set_mode)
        requests.show_about.connect(self._show_about)
        requests.close_window.connect(self._close)
        requests.reveal_folder.connect(self._reveal)

    def _choose_rasters(self, which: str) -> None:
        paths = self._choosers.rasters(self._window, which, self._bench.settings.current.last_folder)
        if not paths:
            return
        self._remember(Path(paths[0]).parent)
        if which == "optical":
            self._bench.opening.open_as("optical", paths[0])
        elif which == "sar":
            self._bench.opening.open_as("sar", paths[0])
        else:
            self._bench.opening.open_files(paths)

    def _choose_export_folder(self, formats: tuple[str, ...]) -> None:
        folder = self._choosers.folder(self._window, self._bench.settings.current.last_folder)
        if folder:
            self._remember(Path(folder))
            self._bench.exporting.run(Path(folder), formats)

    def _choose_picture_file(self) -> None:
        name = self._choosers.picture(self._window, self._bench.settings.current.last_folder)
        if not name:
            return
        self._remember(Path(name).parent)
        if self._view.grab_view().save(name, "PNG"):  # type: ignore[call-overload]
            self._bench.document.post(Notice("picture", f"Wrote the view to {name}."))
        else:
            text = f"The picture {name} could not be written. Choose a folder that you may write to."
            self._bench.document.post(Notice("picture", text, "error"))

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _show_about(self) -> None:
        AboutDialog(self._bench.document.engine, self._window).open()

    def _close(self) -> None:
        self._window.close()

    def _reveal(self, folder: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(folder))

    def _remember(self, folder: Path) -> None:
        self._bench.settings.change(replace(self._bench.settings.current, last_folder=str(folder)))
