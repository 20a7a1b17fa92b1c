"""A tile reader that paints in this process: every frame pixel's colour tells its column and row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from engine.protocol import Opened, Outcome, Tile
from engine.records import BandChoice, BandInfo, DisplaySpec, Grid, PixelWindow, RasterInfo


@dataclass(frozen=True)
class Drawing:
    """One request as it arrived."""

    id: str
    path: str
    window: PixelWindow
    width: int
    height: int
    display: DisplaySpec
    on: str | None
    draft: bool


class FakeReader(QObject):
    """Keeps requests until :meth:`answer` or :meth:`fail`. ``sparse`` says that drafts come back as drafts."""

    drawn = Signal(str, object, object)
    finished = Signal(str, object)
    refined = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.sparse = False
        self.waiting: list[Drawing] = []
        self.cancelled: list[str] = []
        self.all: list[Drawing] = []

    def draw(
        self,
        path: str,
        window: PixelWindow,
        width: int,
        height: int,
        display: DisplaySpec,
        on: str | None = None,
        draft: bool = False,
    ) -> str:
        drawing = Drawing(str(len(self.all)), path, window, width, height, display, on, draft)
        self.all.append(drawing)
        self.waiting.append(drawing)
        return drawing.id

    def cancel(self, request_id: str) -> None:
        self.cancelled.append(request_id)
        self.waiting = [drawing for drawing in self.waiting if drawing.id != request_id]
        self.finished.emit(request_id, Outcome("cancelled"))

    def answer(self) -> Drawing:
        """Fulfil the oldest request."""
        drawing = self.waiting.pop(0)
        tile = Tile(0, drawing.width, drawing.height, draft=self.sparse and drawing.draft)
        self.drawn.emit(drawing.id, tile, coloured(drawing))
        self.finished.emit(drawing.id, Outcome("succeeded"))
        return drawing

    def answer_all(self) -> None:
        while self.waiting:
            self.answer()

    def fail(self, status: str = "failed") -> Drawing:
        drawing = self.waiting.pop(0)
        self.finished.emit(drawing.id, Outcome(status, reason="The file is gone.", remedy="Open it again."))
        return drawing


def coloured(drawing: Drawing) -> QImage:
    """Red is column // 4, green is row // 4 (both mod 256), blue 0 for optical and 255 for SAR."""
    window = drawing.window
    columns = window.col_off + (np.arange(drawing.width) + 0.5) * window.width / drawing.width
    rows = window.row_off + (np.arange(drawing.height) + 0.5) * window.height / drawing.height
    rgba = np.zeros((drawing.height, drawing.width, 4), np.uint8)
    rgba[..., 0] = (columns // 4 % 256).astype(np.uint8)
    rgba[..., 1] = (rows // 4 % 256).astype(np.uint8)[:, None]
    rgba[..., 2] = 255 if "sar" in drawing.path else 0
    rgba[..., 3] = 255
    return QImage(
        rgba.tobytes(), drawing.width, drawing.height, drawing.width * 4, QImage.Format.Format_RGBA8888
    ).copy()


def opened(name: str, width: int = 1000, height: int = 800, *, gsd_m: float | None = 10.0) -> Opened:
    sensor = "sar" if "sar" in name else "optical"
    bands = (1,) if sensor == "sar" else (3, 2, 1)
    info = RasterInfo(
        path=name,
        driver="GTiff",
        grid=Grid(width, height, (10.0, 0.0, 5e5, 0.0, -10.0, 4e6), "EPSG:32611", gsd_m),
        bands=tuple(BandInfo(i, "uint8", "VH" if sensor == "sar" else "") for i in sorted(bands)),
        georeference="transform",
        sensor=sensor,
        choice=BandChoice(bands, "sensor"),
        blocks=(256, 256),
        acquired="2020-11-04",
    )
    return Opened(info, DisplaySpec(bands, (0.0,) * len(bands), (255.0,) * len(bands)))
