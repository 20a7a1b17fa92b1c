"""Pictures of the window, made by using it: ``python -m tests.screenshots [OUT] [--pair OPTICAL SAR] [--ask …]``.

Six things are shown: an answer about a drawn area with its reasons; boxes that were found in it, with the experts that
took its patches; what was outlined in it, with its probabilities; an answer about everything, seen too coarsely, with
the offer of tiles; the map of answers that comes of it; an answer from the SAR image alone. Without weights that find
or outline there is no picture of what they do, and it is said. Without ``--pair`` the sample pair is made and opened,
and the pictures go to ``resources/screenshots``; the README shows one of them. Everything in them is real: the engine's
processes run, the shipped weights answer. Pictures are reduced to 256 colours, as this is a window of few colours and
they travel with every clone.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image, ImageColor
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.catalog import find_model
from engine.errors import ModelNotFound
from engine.jobs.make_scenes import make_sample_pair
from engine.records import PixelWindow
from rsqa_desktop.app import Engine, Program, build
from rsqa_desktop.canvas.pane import Pane
from rsqa_desktop.theme import ACCENT, FUSION, OPTICAL, SAR, answer_colour, attention_ramp, trust_ramp

SIZE = (1440, 900)
PANEL_COLOURS = 48
QUESTIONS = ("How many ships are there?", "What is the main land cover?", "Is there a river?")
PATIENCE_S = 120.0
REASONS = (("light", "regions"), ("dark", "regions"), ("dark", "trust"), ("light", "attention"))
EXPRESSION = "all storage tanks"
GROUND = "the water"
COARSE_QUESTION = "What is the main land cover?"


def wait_for(what: str, done: Callable[[], bool]) -> None:
    """Let the program work until ``done``; ends with what it waited for where that takes too long."""
    start = time.monotonic()
    while not done():
        QTest.qWait(20)
        if time.monotonic() - start > PATIENCE_S:
            sys.exit(f"Gave up waiting for {what}.")


def ask(program: Program, question: str) -> None:
    """Type a question or an expression, press Enter, wait for what comes of it."""
    program.window.query.edit.setText(question)
    program.window.commands.by_id["ask.run"].trigger()
    wait_for(f"what comes of “{question}”", lambda: program.bench.document.running is None)


def draw_area(program: Program, side: int, at: tuple[int, int] | None) -> None:
    """Draw a square area round ``at`` (else the middle) and zoom so that the image fills its pane around it."""
    frame = program.bench.document.scene.frame
    if frame is None:
        sys.exit("; ".join(notice.text for notice in program.bench.document.notices) or "The pair did not open.")
    view = program.window.view
    col, row = at or (frame.width // 2, frame.height // 2)
    area = PixelWindow(col - side // 2, row - side // 2, side, side)
    program.bench.document.set_area(area)
    shape = view.width() / 2 / view.height()
    width = round(min(frame.width, frame.height * shape, 1.1 * side))
    height = round(width / shape)
    top = min(max(row - height // 2, 0), max(frame.height - height, 0))
    view.center_on(PixelWindow(col - width // 2, top, width, height), zoom=True)
    wait_for("the panes", lambda: view.settled)


@dataclass(frozen=True)
class Camera:
    """Takes pictures of ``program`` into ``out``, called ``<prefix>_<theme>_<what>.png``."""

    program: Program
    out: Path
    prefix: str
    every_theme: bool

    def shoot(self, what: str, *themes: str) -> None:
        """One picture in each of ``themes``, or in both."""
        window = self.program.window
        for theme in ("light", "dark") if self.every_theme else themes:
            window.commands.by_id[f"theme.{theme}"].trigger()
            wait_for("the panes", lambda: window.view.settled)
            pane = window.view.findChildren(Pane)[0]
            QTest.mouseMove(pane, QPoint(pane.width() * 2 // 5, pane.height() * 3 // 5))
            QTest.qWait(400)  # the values under the cursor arrive a moment later
            path = self.out / f"{self.prefix}_{theme}_{what}.png"
            window.grab().save(str(path))
            images = window.view.geometry().translated(window.view.mapTo(window, QPoint(0, 0)))
            reduce_colours(path, (images.left(), images.top(), images.right(), images.bottom()))
            sys.stdout.write(f"{path} {path.stat().st_size / 1000:.0f} kB\n")


def shoot_reasons(camera: Camera) -> None:
    """The shown answer with one kind of reason after the other; at last as it is at first."""
    document = camera.program.bench.document
    for theme, shown in (*REASONS, ("", "regions")):
        for kind in ("regions", "attention", "trust"):
            document.show_kind(kind, kind == shown)
        if theme:
            camera.shoot(shown, theme)


def shoot_boxes(camera: Camera, finder: str, expression: str) -> None:
    """What is found in the drawn area, the best box chosen; then the experts that took its patches."""
    try:
        find_model(finder)
    except ModelNotFound as error:
        sys.stdout.write(f"No picture of boxes. {error.sentence}\n")
        return
    program = camera.program
    ask(program, expression)
    if program.bench.document.marks.things:
        program.bench.document.marks.select(0)
    camera.shoot("boxes", "light", "dark")
    program.bench.document.show_kind("routing", True)
    camera.shoot("experts", "dark")
    program.bench.document.show_kind("routing", False)


def shoot_outline(camera: Camera, outliner: str, expression: str) -> None:
    """What is outlined in the drawn area, its largest part chosen; then at a higher threshold."""
    try:
        find_model(outliner)
    except ModelNotFound as error:
        sys.stdout.write(f"No picture of an outline. {error.sentence}\n")
        return
    program = camera.program
    document = program.bench.document
    program.bench.asking.mode = "outline"
    ask(program, expression)
    program.bench.asking.mode = "auto"
    document.marks.select(0)
    camera.shoot("outline", "light", "dark")
    if document.mask is not None and document.mask.cleaning is not None:
        document.show_kind("probability", True)
        cleaning = document.mask.cleaning
        document.change_layer("outline", cleaning=replace(cleaning, threshold=(1 + cleaning.threshold) / 2))
        wait_for("the mask", lambda: document.mask is None or not document.mask.is_preview)
        camera.shoot("probability", "dark")
        document.show_kind("probability", False)


def shoot_tiles(camera: Camera) -> None:
    """A question about everything: the offer of tiles, then what comes of it."""
    program = camera.program
    program.bench.document.set_area(None)
    program.window.view.zoom_fit()
    ask(program, COARSE_QUESTION)
    offer = program.window.commands.by_id["answer.tiles"]
    if not offer.isEnabled():
        sys.stdout.write("The model saw all of it finely enough: there are no tiles to show.\n")
        return
    camera.shoot("offer", "light")
    offer.trigger()
    wait_for("the tiles", lambda: program.bench.document.running is None)
    camera.shoot("tiles", "light", "dark")


def shoot_sar_alone(camera: Camera, sar: str, area: int, at: tuple[int, int] | None, question: str) -> None:
    """The same without the optical image."""
    program = camera.program
    program.bench.opening.open_pair(None, sar)
    document = program.bench.document
    wait_for("the SAR image", lambda: document.scene.optical is None and document.scene.check is not None)
    draw_area(program, area, at)
    ask(program, question)
    camera.shoot("sar_alone", "dark")


def reduce_colours(path: Path, images: tuple[int, int, int, int]) -> None:
    """Make a picture small: 256 colours, most for the ``images`` (left, top, right, bottom), the rest for the panels.

    One palette for both would spend everything on the images and turn the panels' few colours into neighbours.
    """
    picture = Image.open(path).convert("RGB")
    panels = picture.copy()
    panels.paste(panels.getpixel((0, 0)), images)  # type: ignore[arg-type]
    frequent = sorted(panels.getcolors(picture.width * picture.height) or [], reverse=True)[:PANEL_COLOURS]
    colours = [colour for _, colour in frequent]
    colours += [ImageColor.getrgb(each) for each in (OPTICAL, SAR, FUSION, ACCENT)]
    colours += [ImageColor.getrgb(answer_colour(place)) for place in range(9)]
    legends = (*trust_ramp()[::12].tolist(), *attention_ramp("both")[::12].tolist())
    colours += [tuple(each) for each in legends]
    of_images = picture.crop(images).quantize(256 - len(colours)).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in colours for channel in colour] + of_images[: 3 * (256 - len(colours))])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def main(argv: list[str] | None = None) -> int:
    """Open, ask, shoot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).parents[1] / "resources" / "screenshots")
    parser.add_argument("--pair", nargs=2, metavar=("OPTICAL", "SAR"), help="instead of the sample pair")
    parser.add_argument("--ask", nargs="+", default=QUESTIONS, metavar="QUESTION", help="the last one is shown")
    parser.add_argument("--find", default=EXPRESSION, metavar="EXPRESSION", help="what is looked for")
    parser.add_argument("--outline", default=GROUND, metavar="EXPRESSION", help="what is outlined")
    parser.add_argument("--area", type=int, default=440, metavar="PX", help="side of the area that is asked about")
    parser.add_argument("--at", type=int, nargs=2, metavar=("COL", "ROW"), help="its middle; else the image's")
    parser.add_argument("--every-theme", action="store_true", help="every picture light and dark")
    parser.add_argument("--model", default=Engine().model)
    parser.add_argument("--finder", default=Engine().finder)
    parser.add_argument("--outliner", default=Engine().outliner)
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    qt = QApplication(sys.argv[:1])
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.pair:
            (optical, sar), prefix = arguments.pair, Path(arguments.pair[0]).stem
        else:
            made = make_sample_pair(Path(scratch) / "sample")
            optical, sar, prefix = str(made.optical), str(made.sar), "sample"
        engine = Engine(arguments.model, finder=arguments.finder, outliner=arguments.outliner)
        program = build(qt, Path(scratch), engine, Path(scratch) / "settings.json")
        program.window.resize(*SIZE)
        program.window.show()
        program.start_services(optical, sar)
        wait_for("the pair and its verdict", lambda: program.bench.document.scene.check is not None)
        at = tuple(arguments.at) if arguments.at else None
        draw_area(program, arguments.area, at)
        for question in arguments.ask:
            ask(program, question)
        camera = Camera(program, arguments.out, prefix, arguments.every_theme)
        shoot_reasons(camera)
        shoot_boxes(camera, arguments.finder, arguments.find)
        shoot_outline(camera, arguments.outliner, arguments.outline)
        shoot_tiles(camera)
        shoot_sar_alone(camera, sar, arguments.area, at, arguments.ask[-1])
        program.stop_services()
    return 0


if __name__ == "__main__":
    sys.exit(main())
