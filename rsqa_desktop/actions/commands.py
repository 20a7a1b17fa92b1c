"""Every command of the program as a row of one table: id, text, shortcut, when enabled, what it does.

Menus, buttons and shortcuts are made from :data:`COMMANDS` and nothing else, so that whatever can be done has a
name, a keyboard way and one place where it is decided when it may be done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rsqa_desktop.actions.exporting import FOUND_FORMATS, OUTLINED_FORMATS
from rsqa_desktop.actions.workbench import Workbench
from rsqa_desktop.model.layers import OverlayKind
from rsqa_desktop.model.mode import MODE_HELP, MODE_WORDS
from rsqa_desktop.model.overlays import KIND_TITLES
from rsqa_desktop.model.wording import summary

Menu = Literal["File", "Edit", "View", "Layer", "Help", ""]


def _always(_: Workbench) -> bool:
    return True


def _has_scene(bench: Workbench) -> bool:
    return not bench.document.scene.is_empty


def _has_result(bench: Workbench) -> bool:
    return bench.exporting.can_run


@dataclass(frozen=True)
class Command:
    """One row. ``menu`` is empty for a command that only a button or a notice offers.

    ``checked`` makes it a toggle: it says whether it is on, None that it cannot be. ``group`` starts a new group in
    the menu where it changes. ``tip`` says more than ``text`` where more is to be said.
    """

    id: str
    text: str
    menu: Menu
    group: int
    run: Callable[[Workbench], None]
    shortcut: str = ""
    enabled: Callable[[Workbench], bool] = _always
    checked: Callable[[Workbench], bool | None] | None = None
    tip: str = ""


def _toggle(kind: OverlayKind, text: str, key: str) -> Command:
    return Command(
        f"layer.{kind}",
        text,
        "Layer",
        0,
        lambda bench: bench.document.show_kind(kind, not bench.document.shows_kind(kind)),
        key,
        lambda bench: bench.document.shows_kind(kind) is not None,
        lambda bench: bench.document.shows_kind(kind),
    )


def _toggle_area(bench: Workbench) -> None:
    if bench.document.area is None:
        bench.document.set_drawing(not bench.document.drawing)
    else:
        bench.document.set_area(None)


def _cancel(bench: Workbench) -> None:
    if bench.document.running is not None:
        bench.asking.cancel()
    else:
        bench.document.set_drawing(False)


def _copy_answer(bench: Workbench) -> None:
    shown = bench.document.shown
    if shown is not None and shown.result is not None:
        bench.requests.copy_text.emit(summary(shown.result))


def _step_thing(bench: Workbench, step: int) -> None:
    """The box or part after or before the chosen one; from none on the first or the last, and round the end."""
    marks = bench.document.marks
    place = (marks.selected + step if marks.selected is not None else min(step, 0)) % len(marks.things)
    marks.select(place)
    bench.requests.show_box.emit(marks.things[place].box)


def _step_word(bench: Workbench) -> None:
    """The attention of the first word, of the next one, after the last of none."""
    words = [layer for layer in bench.document.layers if layer.kind == "word"]
    at = next((place for place, layer in enumerate(words) if layer.visible), -1) + 1
    bench.document.show_kind("word", at < len(words), only=words[at].id if at < len(words) else "")


def _reset_mask(bench: Workbench) -> None:
    shown = bench.document.shown
    if shown is not None:
        bench.document.change_layer("outline", cleaning=shown.cleaning_first)


def _mask_is_changed(bench: Workbench) -> bool:
    mask, shown = bench.document.mask, bench.document.shown
    return mask is not None and shown is not None and mask.cleaning != shown.cleaning_first


def _reveal_export(bench: Workbench) -> None:
    if bench.exporting.written_to is not None:
        bench.requests.reveal_folder.emit(str(bench.exporting.written_to))


FILE_COMMANDS = (
    Command(
        "file.open_pair",
        "Open pair…",
        "File",
        0,
        lambda bench: bench.requests.choose_rasters.emit("pair"),
        "Ctrl+O",
        tip="Open an optical and a SAR raster of the same place; choose both files at once",
    ),
    Command(
        "file.open_optical",
        "Open optical…",
        "File",
        0,
        lambda bench: bench.requests.choose_rasters.emit("optical"),
        "Ctrl+Shift+O",
    ),
    Command(
        "file.open_sar",
        "Open SAR…",
        "File",
        0,
        lambda bench: bench.requests.choose_rasters.emit("sar"),
        "Ctrl+Alt+O",
    ),
    Command(
        "answer.export",
        "Export result…",
        "File",
        1,
        lambda bench: bench.requests.choose_export_folder.emit(()),
        "Ctrl+E",
        _has_result,
        tip="Write the answer, the map of answers, the boxes or the outline as GeoJSON, GeoPackage and more",
    ),
    Command(
        "view.save_picture",
        "Save view as PNG…",
        "File",
        1,
        lambda bench: bench.requests.choose_picture_file.emit(),
        "Ctrl+Shift+S",
        _has_scene,
    ),
    Command("file.quit", "Quit", "File", 2, lambda bench: bench.requests.close_window.emit(), "Ctrl+Q"),
)

EDIT_COMMANDS = (
    Command(
        "ask.focus",
        "Type a question or an expression",
        "Edit",
        0,
        lambda bench: bench.requests.focus_question.emit(),
        "Ctrl+L",
    ),
    Command(
        "ask.run",
        "Ask, find or outline",
        "Edit",
        0,
        lambda bench: bench.asking.run(),
        "Ctrl+Return",
        lambda bench: bench.asking.can_run,
        tip="Ask about the drawn area, or find or outline in it what is named; without one in the view (Enter)",
    ),
    Command(
        "ask.tiles",
        "Ask over tiles",
        "Edit",
        0,
        lambda bench: bench.asking.run_over_tiles(),
        "Ctrl+Shift+Return",
        lambda bench: bench.asking.can_run_over_tiles,
        tip="Ask of every tile of a grid over the drawn area, else the view, at the image’s own scale",
    ),
    Command(
        "answer.tiles",
        "The same, seen more finely",
        "Edit",
        0,
        lambda bench: bench.asking.take_offer(),
        "Ctrl+T",
        lambda bench: bench.asking.offer is not None and bench.document.running is None,
        tip="Ask the shown question of every tile of a grid, or look in finer windows, where it was seen coarsely",
    ),
    Command(
        "answer.otherwise",
        "The same as outline or boxes",
        "Edit",
        0,
        lambda bench: bench.asking.run_other_deed(),
        "Ctrl+Shift+L",
        lambda bench: bench.asking.other_deed is not None and bench.document.running is None,
        tip="Outline what was found, or find what was outlined, over the same area",
    ),
    Command(
        "ask.cancel",
        "Cancel",
        "Edit",
        0,
        _cancel,
        "Esc",
        lambda bench: bench.document.running is not None or bench.document.drawing,
        tip="Stop what runs, or stop drawing",
    ),
    *(
        Command(
            f"mode.{mode}",
            word,
            "Edit",
            1,
            lambda bench, mode=mode: setattr(bench.asking, "mode", mode),  # type: ignore[misc]
            f"Ctrl+Alt+{key}",
            checked=lambda bench, mode=mode: bench.asking.mode == mode,  # type: ignore[misc]
            tip=MODE_HELP[mode],
        )
        for key, (mode, word) in enumerate(MODE_WORDS.items(), 1)
    ),
    Command("answer.copy", "Copy result", "Edit", 2, _copy_answer, "Ctrl+Shift+C", _has_result),
)

VIEW_COMMANDS = (
    Command(
        "area.draw",
        "Area",
        "View",
        0,
        _toggle_area,
        "Ctrl+D",
        _has_scene,
        lambda bench: bench.document.area is not None or bench.document.drawing,
        tip="Draw the area that questions are about; press again to ask about the view",
    ),
    Command("view.fit", "Fit", "View", 1, lambda b: b.requests.move_view.emit("fit"), "Ctrl+0", _has_scene),
    Command("view.zoom_in", "Zoom in", "View", 1, lambda b: b.requests.move_view.emit("in"), "Ctrl+=", _has_scene),
    Command("view.zoom_out", "Zoom out", "View", 1, lambda b: b.requests.move_view.emit("out"), "Ctrl+-", _has_scene),
    Command(
        "view.native",
        "Native scale",
        "View",
        1,
        lambda b: b.requests.move_view.emit("native"),
        "Ctrl+1",
        _has_scene,
        tip="One optical pixel on one screen pixel",
    ),
    *(
        Command(
            f"theme.{choice}",
            text,
            "View",
            2,
            lambda bench, choice=choice: bench.use_theme(choice),  # type: ignore[misc]
            checked=lambda bench, choice=choice: bench.settings.current.theme == choice,  # type: ignore[misc]
        )
        for choice, text in (("system", "Colours as the system"), ("light", "Light"), ("dark", "Dark"))
    ),
    Command(
        "panel.left",
        "Layers and history",
        "View",
        3,
        lambda bench: bench.fold_left_panel(),
        "F8",
        checked=lambda bench: bench.settings.current.left_panel,
    ),
    Command(
        "panel.right",
        "Answer",
        "View",
        3,
        lambda bench: bench.fold_right_panel(),
        "F9",
        checked=lambda bench: bench.settings.current.right_panel,
    ),
)

THING_COMMANDS = tuple(
    Command(
        f"box.{name}",
        f"{name.capitalize()} box or part",
        "View",
        4,
        lambda bench, step=step: _step_thing(bench, step),  # type: ignore[misc]
        key,
        lambda bench: bool(bench.document.marks.things),
        tip=f"Choose the {name} box that was found, or part that was outlined, and bring it into view",
    )
    for name, step, key in (("next", 1, "Ctrl+J"), ("previous", -1, "Ctrl+K"))
)

LAYER_COMMANDS = (
    _toggle("boxes", "Boxes", "Ctrl+Shift+B"),
    _toggle("outline", "Outline", "Ctrl+Shift+M"),
    _toggle("probability", "Probability", "Ctrl+Shift+P"),
    Command(
        "layer.word",
        "Attention of the next word",
        "Layer",
        0,
        _step_word,
        "Ctrl+Shift+W",
        lambda bench: bench.document.shows_kind("word") is not None,
        tip="What each word of the expression looked at, one after the other",
    ),
    _toggle("regions", "Key regions (CFAR: coarse-to-fine attention)", "Ctrl+Shift+1"),
    _toggle("attention", "Attention", "Ctrl+Shift+2"),
    _toggle("trust", "Sensor trust", "Ctrl+Shift+3"),
    _toggle("routing", KIND_TITLES["routing"], "Ctrl+Shift+7"),
    _toggle("routing-share", KIND_TITLES["routing-share"], "Ctrl+Shift+8"),
    _toggle("gate", KIND_TITLES["gate"], "Ctrl+Shift+9"),
    _toggle("answers", "Map of answers", "Ctrl+Shift+5"),
    _toggle("confidence", "Confidence by tile", "Ctrl+Shift+6"),
    Command(
        "layer.speckle",
        "Smooth speckle, for the eye only",
        "Layer",
        1,
        lambda bench: bench.opening.toggle_speckle_filter(),
        "Ctrl+Shift+4",
        lambda bench: bench.document.scene.sar is not None,
        lambda bench: bool((sar := bench.document.scene.sar) and sar.display.speckle_filter),
        tip="A speckle filter on what is seen; what is analysed does not change",
    ),
)

OTHER_COMMANDS = (
    Command(
        "help.about", "About this program and this machine", "Help", 0, lambda b: b.requests.show_about.emit(), "F1"
    ),
    Command(
        "gate.correct",
        "Correct the shift and ask again",
        "",
        0,
        lambda bench: bench.correct_shift(True),
        enabled=lambda bench: bench.document.verdict == "shifted" and not bench.document.gate.correct_shift,
    ),
    Command(
        "gate.leave",
        "Leave the shift and ask again",
        "",
        0,
        lambda bench: bench.correct_shift(False),
        enabled=lambda bench: bench.document.verdict == "shifted" and bench.document.gate.correct_shift,
    ),
    Command(
        "gate.assume",
        "Take them as registered",
        "",
        0,
        lambda bench: bench.assume_registered(),
        enabled=lambda bench: bench.document.verdict == "not-georeferenced",
    ),
    Command(
        "mask.reset",
        "Back to the first mask",
        "",
        0,
        _reset_mask,
        enabled=_mask_is_changed,
        tip="The threshold and sizes that the mask was cut with at first",
    ),
    Command("export.reveal", "Show folder", "", 0, _reveal_export),
    *(
        Command(
            f"export.{kind}",
            f"{words}…",
            "",
            0,
            lambda bench, kind=kind: bench.requests.choose_export_folder.emit((kind,)),  # type: ignore[misc]
            enabled=lambda bench, kind=kind: bench.exporting.can_write(kind),  # type: ignore[misc]
        )
        for kind, words in FOUND_FORMATS.items()
    ),
    *(
        Command(
            f"export.outline.{kind}",
            f"{words}…",
            "",
            0,
            lambda bench, kind=kind: bench.requests.choose_export_folder.emit((kind,)),  # type: ignore[misc]
            enabled=lambda bench: bench.exporting.can_write_outline,
        )
        for kind, words in OUTLINED_FORMATS.items()
    ),
)

COMMANDS: tuple[Command, ...] = (
    *FILE_COMMANDS,
    *EDIT_COMMANDS,
    *VIEW_COMMANDS,
    *THING_COMMANDS,
    *LAYER_COMMANDS,
    *OTHER_COMMANDS,
)
