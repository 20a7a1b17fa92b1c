"""The window: assembled here from panels, panes and commands, and holding no logic of its own."""

from rsqa_desktop.window.main_window import MainWindow

__all__ = ["MainWindow"]
