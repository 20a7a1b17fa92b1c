"""What the user asked for that only the window can do: imperative, answered by ``rsqa_desktop.window``.

A command's handler emits one of these where it needs a dialog, the panes, or the clipboard. So no command knows a
widget, and a test may answer in the window's place.
"""

from __future__ import annotations

from psygnal import Signal

from engine.records import Box


class Requests:
    """One signal per request; the arguments are what the window has to know."""

    choose_rasters = Signal(str)  # "pair", "optical" or "sar": ask for files and open them as that
    choose_export_folder = Signal(tuple)  # the formats to write there; none for all
    choose_picture_file = Signal()
    move_view = Signal(str)  # "fit", "in", "out" or "native"
    show_box = Signal(Box)  # bring it into view; pixels of the frame
    copy_text = Signal(str)
    set_theme = Signal(str)  # "system", "light" or "dark"
    focus_question = Signal()
    show_about = Signal()
    close_window = Signal()
    reveal_folder = Signal(str)
