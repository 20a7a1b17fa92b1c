"""Start-up, told in order.

1. ``main`` reads the command line: ``rsqa-desktop [OPTICAL] [SAR]``. Nothing of Qt is imported before it is valid.
2. The application, its colours and font, and the settings of last time.
3. The window is built and shown, empty of rasters, with the services made but not yet started. This is the moment
   a user waits for: no torch, no rasterio and no pyproj has been imported, and the tests see to it.
4. Once the event loop runs: the tile reader is started (a fifth of a second), and the files of the command line are
   asked for, so that the panes fill first.
5. Then the interactive worker, in the background; importing torch takes it seconds, and a question typed meanwhile
   waits in its pipe. A thread imports pyproj, so that the first move of the cursor need not.
6. When the event loop ends, both processes are ended and the scratch folder with the explanation arrays is removed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from engine import __version__
from rsqa_desktop.model.weights import Engine

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from rsqa_desktop.actions.workbench import Workbench
    from rsqa_desktop.services import TileReader, Worker
    from rsqa_desktop.window import MainWindow


def main(argv: Sequence[str] | None = None) -> int:
    """Run the window until it is closed; returns the exit code."""
    arguments = parse(argv)
    from PySide6.QtWidgets import QApplication

    qt = QApplication(sys.argv[:1])
    engine = Engine(arguments.model, arguments.device, arguments.finder, arguments.outliner)
    with tempfile.TemporaryDirectory(prefix="rsqa-") as scratch:
        program = build(qt, Path(scratch), engine, arguments.settings)
        sys.excepthook = program.report_fault
        program.window.show()
        program.start_services(arguments.optical, arguments.sar)
        code = qt.exec()
        program.stop_services()
    return code


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """``OPTICAL`` and ``SAR`` may each be ``-`` where there is only the other; exits with 2 on nonsense."""
    usual = Engine()
    parser = argparse.ArgumentParser(prog="rsqa-desktop", description="Ask an optical/SAR pair, and see why.")
    parser.add_argument("optical", nargs="?", default="-", help="the optical raster, or - for none")
    parser.add_argument("sar", nargs="?", default="-", help="the SAR raster, or - for none")
    for option, default, does in (
        ("--model", usual.model, "answers"),
        ("--finder", usual.finder, "finds"),
        ("--outliner", usual.outliner, "outlines"),
    ):
        parser.add_argument(option, default=default, help=f"{does}: an installed model's name, or a folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--settings", type=Path, help="another settings file than this user's own")
    parser.add_argument("--version", action="version", version=f"rsqa-desktop {__version__}")
    return parser.parse_args(argv)


@dataclass
class Program:
    """The window with what works behind it; ``start_services`` once, ``stop_services`` at the end."""

    window: MainWindow
    bench: Workbench
    tiles: TileReader
    worker: Worker

    def start_services(self, optical: str = "-", sar: str = "-") -> None:
        """Steps 4 and 5, as soon as the event loop gets to them."""
        from PySide6.QtCore import QTimer

        QTimer.singleShot(0, self.window, lambda: self._start(_named(optical), _named(sar)))

    def stop_services(self) -> None:
        """End both processes; what they were doing is given up."""
        self.worker.stop()
        self.tiles.stop()

    def report_fault(self, kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
        """A fault of the window's own: told in a line, its traceback on standard error; the work on screen stays."""
        from rsqa_desktop.model.notices import Notice

        sys.__excepthook__(kind, fault, trace)
        text = (
            f"The window met a fault of its own ({kind.__name__}: {fault}). What is open stays open; please report it."
        )
        self.bench.document.post(Notice("fault", text, "error"))

    def _start(self, optical: str | None, sar: str | None) -> None:
        self.tiles.start()
        if optical or sar:
            self.bench.opening.open_pair(optical, sar)
        self.bench.asking.start_engine()
        threading.Thread(target=importlib.import_module, args=("pyproj",), daemon=True).start()


def build(qt: QApplication, scratch: Path, engine: Engine, settings_file: Path | None = None) -> Program:
    """Steps 2 and 3: everything but the processes. Imports Qt's widgets, hence not at the top of this file."""
    from rsqa_desktop.actions.workbench import Workbench
    from rsqa_desktop.model.notices import Notice
    from rsqa_desktop.model.settings import SettingsStore, default_settings_path
    from rsqa_desktop.services import TileReader, Worker
    from rsqa_desktop.theme import Theme
    from rsqa_desktop.window import MainWindow

    qt.setApplicationName("rsqa-desktop")
    qt.setApplicationDisplayName("RSQA")
    settings = SettingsStore(settings_file or default_settings_path())
    theme = Theme(qt, settings.current.theme)
    tiles = TileReader()
    worker = Worker(arguments=("--model", engine.model, "--device", engine.device))
    bench = Workbench.assemble(settings, tiles, worker, scratch, engine, engine.at_hand())
    window = MainWindow(bench, theme)
    if settings.complaint:
        bench.document.post(Notice("settings", settings.complaint, "warning"))
    return Program(window, bench, tiles, worker)


def _named(path: str) -> str | None:
    return None if path == "-" else path


if __name__ == "__main__":
    sys.exit(main())
