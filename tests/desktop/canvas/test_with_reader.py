"""The panes over the real tile reader process: what lies at one place on the ground lies at one place on screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.protocol import Opened, OpenRaster
from engine.raster import write_geotiff
from engine.records import DisplaySpec, Grid, PixelWindow
from rsqa_desktop.canvas import PairView
from rsqa_desktop.canvas.pane import Pane
from rsqa_desktop.services import TileReader
from tests.desktop.canvas.conftest import pane_of

OPTICAL = Grid(200, 160, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), "EPSG:32611")
# Coarser, from 600 m west and 200 m north of the optical corner, and not as far to the east.
SAR = Grid(120, 120, (20.0, 0.0, 499_400.0, 0.0, -20.0, 4_000_200.0), "EPSG:32611")
TARGET = PixelWindow(60, 40, 20, 20)  # in optical pixels


@pytest.fixture
def reader(qapp: QApplication) -> Iterator[TileReader]:
    made = TileReader()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def pair(tmp_path: Path, reader: TileReader, qtbot: QtBot) -> tuple[Opened, Opened]:
    """Dark images with one bright square of ground in both; no SAR data in its last 10 columns."""
    optical = np.full((3, 160, 200), 20, np.uint8)
    optical[:, 40:60, 60:80] = 240
    sar = np.full((120, 120), 20, np.uint8)
    sar[30:40, 60:70] = 240
    sar[:, 110:] = 0
    write_geotiff(tmp_path / "optical.tif", optical, OPTICAL)
    write_geotiff(tmp_path / "sar.tif", sar, SAR, nodata=0)
    found: dict[str, Opened] = {}
    reader.opened.connect(lambda _id, record: found.update({Path(record.info.path).stem: record}))
    for sensor in ("optical", "sar"):
        reader.open(OpenRaster(str(tmp_path / f"{sensor}.tif"), sensor))
    qtbot.waitUntil(lambda: len(found) == 2, timeout=20_000)
    return found["optical"], found["sar"]


def grey(picture: QImage, pane: Pane, col: float, row: float) -> int:
    x, y = pane.viewport.to_screen(col, row)
    return picture.pixelColor(int(x), int(y)).green()


@pytest.mark.parametrize(
    "zoom", [None, PixelWindow(30, 10, 100, 80), PixelWindow(50, 30, 40, 40)], ids=["whole", "part", "magnified"]
)
def test_the_same_ground_is_at_the_same_place_in_both_panes(
    pair: tuple[Opened, Opened], reader: TileReader, qtbot: QtBot, zoom: PixelWindow | None
) -> None:
    # Look for: one bright square, in both panes at the same place and of the same size, to a SAR pixel.
    optical, sar = pair
    view = PairView(reader)
    qtbot.addWidget(view)
    view.resize(1001, 500)
    view.show()
    view.set_scene(optical, sar)
    view.set_display("optical", DisplaySpec((1, 2, 3), (0.0,) * 3, (255.0,) * 3))
    view.set_display("sar", DisplaySpec((1,), (0.0,), (255.0,)))
    if zoom is not None:
        view.center_on(zoom, zoom=True)
    qtbot.waitUntil(lambda: view.settled, timeout=20_000)
    for name, tolerance in (("Optical", 0.6), ("SAR", 2.2)):
        pane = pane_of(view, name)
        assert isinstance(pane, Pane)
        picture = pane.grab().toImage()
        box = TARGET.box
        for col in (box.x0 + tolerance, box.x1 - tolerance):
            for row in (box.y0 + tolerance, box.y1 - tolerance):
                assert grey(picture, pane, col, row) > 200, (name, col, row)
        for col, row in ((box.x0 - tolerance, 50), (box.x1 + tolerance, 50), (70, box.y0 - tolerance)):
            assert grey(picture, pane, col, row) < 60, (name, col, row)


def test_where_there_is_no_data_the_ground_is_seen(
    pair: tuple[Opened, Opened], reader: TileReader, qtbot: QtBot
) -> None:
    # Look for: the checker of "no data" in the SAR pane right of where SAR ends, not black.
    view = PairView(reader)
    qtbot.addWidget(view)
    view.resize(1001, 500)
    view.show()
    view.set_scene(*pair)
    qtbot.waitUntil(lambda: view.settled, timeout=20_000)
    pane = pane_of(view, "SAR")
    assert isinstance(pane, Pane)
    picture = pane.grab().toImage()
    seen = {grey(picture, pane, col, 100) for col in range(170, 190)}
    assert min(seen) > 200
    assert len(seen) == 2
