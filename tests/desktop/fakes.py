"""Stand-ins for the engine's processes and ready-made records, so that the window is tested without either."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from engine.protocol import IdentifyRequest, Opened, OpenRaster, Outcome
from engine.records import (
    Alternative,
    Answer,
    AreaUsed,
    AskRequest,
    BandChoice,
    BandInfo,
    Box,
    DisplaySpec,
    ExpertOpinion,
    ExplanationMap,
    Finding,
    FindRequest,
    FoundBox,
    Grid,
    PairCheck,
    PixelWindow,
    Provenance,
    RasterInfo,
    TileArrays,
    TileCount,
    TiledAnswer,
    TileGrid,
    ValidShare,
)
from engine.records.finding import FoundIn
from engine.records.pair import Verdict
from engine.records.raster import Sensor

GRID = Grid(1024, 1024, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0), "EPSG:32631", 10.0)
DONE = Outcome("succeeded")


def raster(path: str, sensor: Sensor, *, grid: Grid = GRID, notices: tuple[str, ...] = ()) -> Opened:
    """An opened raster as the tile reader would tell it."""
    if sensor == "sar":
        bands: tuple[int, ...] = (1,)
        infos: tuple[BandInfo, ...] = (BandInfo(1, "float32", "VV"),)
        display = DisplaySpec((1,), (-25.0,), (0.0,), to_db=False)
    else:
        bands = (1, 2, 3)
        infos = tuple(BandInfo(i, "uint8", colour=c) for i, c in zip(bands, ("red", "green", "blue"), strict=True))
        display = DisplaySpec(bands, (0.0,) * 3, (255.0,) * 3)
    info = RasterInfo(
        path,
        "GTiff",
        grid,
        infos,
        "transform",
        sensor,
        BandChoice(bands, "colour-interpretation"),
        (256, 256),
        sar_unit="db" if sensor == "sar" else None,
        acquired="2020-11-04" if sensor != "sar" else "2020-11-07",
        notices=notices,
    )
    return Opened(info, display)


def check(verdict: Verdict = "aligned", *, messages: tuple[str, ...] = (), shift: float = 3.0) -> PairCheck:
    """A verdict on a pair whose SAR lies ``shift`` pixels to the right."""
    return PairCheck(
        verdict,
        (shift, 0.0),
        (10 * shift, 0.0),
        0.9,
        True,
        16.0,
        1.0,
        ValidShare(1.0, 1.0),
        1.0,
        {"optical": "2020-11-04", "sar": "2020-11-07"},
        None,
        None,
        messages,
    )


def explanations(folder: Path, extent: Box, seed: int = 7) -> dict[str, ExplanationMap]:
    """Five maps of a 14 x 14 view, written as the worker writes them."""
    rng = np.random.default_rng(seed)
    maps: dict[str, ExplanationMap] = {}
    for sensor in ("optical", "sar"):
        regions = np.full((7, 7), np.nan, np.float32)
        kept = rng.choice(49, 12, replace=False)
        regions.flat[kept] = rng.random(12, np.float32)
        attention = rng.random((14, 14)).astype(np.float32) ** 3
        for kind, array in (("regions", regions), ("attention", attention)):
            maps[f"{kind}_{sensor}"] = _map(folder, f"{kind}_{sensor}", kind, sensor, array, extent)
    ramp = np.linspace(0, 1, 14, dtype=np.float32)
    maps["trust"] = _map(folder, "trust", "trust", "both", np.tile(ramp, (14, 1)), extent)
    return maps


def _map(folder: Path, name: str, kind: str, sensor: str, array: np.ndarray, extent: Box) -> ExplanationMap:
    path = folder / f"{name}.npy"
    np.save(path, array)
    return ExplanationMap(name, name, kind, sensor, str(path), array.shape, extent, 0.0, 1.0)  # type: ignore[arg-type]


def answer(request: AskRequest, *, text: str = "yes", gate: PairCheck | None = None) -> Answer:
    """An answer to ``request`` with all its reasons, its arrays in the request's folder."""
    window = request.window or PixelWindow(0, 0, GRID.width, GRID.height)
    return Answer(
        question=request.question,
        answer=text,
        confidence=0.93,
        alternatives=(Alternative(text, 0.93), Alternative("no", 0.06), Alternative("two", 0.01)),
        answer_set=(text,),
        experts={
            "optical": ExpertOpinion(text, 0.9, 0.58),
            "sar": ExpertOpinion("no", 0.5, 0.41),
            "fusion": ExpertOpinion(text, 0.97, 0.77),
        },
        explanations=explanations(Path(request.folder), window.box),
        area=AreaUsed(window, GRID, 8.4, (0.5, 10.0), 1.0, 1.0),
        gate=gate or check(),
        provenance=Provenance(
            request.optical,
            request.sar,
            (1, 2, 3),
            (1,),
            "db",
            "aligned",
            (0.0, 0.0),
            "tgfnet-compact",
            "3f9a0000c2",
            "rsqa 0.1.0",
            "cpu",
            "2026-01-01T00:00:00Z",
        ),
        seconds=0.084,
        sensors=("optical", "sar"),
    )


def coarse(answered: Answer, gsd_m: float = 45.7) -> Answer:
    """The same, seen so coarsely that tiles show more."""
    said = (
        f"{gsd_m} m per pixel at the model, outside its range (0.5 to 10 m). Choose a smaller area, or ask over tiles."
    )
    area = replace(answered.area, model_gsd_m=gsd_m, window=PixelWindow(0, 0, GRID.width, GRID.height))
    return replace(answered, area=area, messages=(said,))


def tiled_answer(request: AskRequest, *, side_px: int = 224, window: PixelWindow | None = None) -> TiledAnswer:
    """5 x 5 tiles of the whole, the last ones cut: no but for a yes in every row, one tile by SAR alone, one empty."""
    grid = TileGrid.over(window or PixelWindow(0, 0, GRID.width, GRID.height), side_px)
    shape = grid.rows, grid.columns
    answers = np.zeros(shape, np.int32)
    answers[:, 1] = 1
    answers[0, 0] = -1
    states = np.zeros(shape, np.uint8)
    states[0, 0], states[-1, -1] = 2, 1
    confidence = np.where(answers < 0, np.nan, 0.93).astype(np.float32)
    valid = np.where(answers < 0, 0, 1).astype(np.float32)
    optical = valid.copy()
    optical[-1, -1] = 0.0
    arrays = {
        "answer": answers,
        "confidence": confidence,
        "state": states,
        "valid_optical": optical,
        "valid_sar": valid,
    }
    folder = Path(request.folder)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    no, yes = int((answers == 0).sum()), int((answers == 1).sum())
    whole = answer(request)
    return TiledAnswer(
        question=request.question,
        grid=grid,
        counts=(TileCount("no", no, 0.8, 0.93, 8.0e7), TileCount("yes", yes, 0.2, 0.93, 2.0e7)),
        states={"answered": answers.size - 2, "single-sensor": 1, "not-answerable": 1},
        arrays=TileArrays(**{name: str(folder / f"{name}.npy") for name in arrays}),
        area=replace(whole.area, window=grid.window, model_gsd_m=10.0, valid_optical=0.95, valid_sar=0.98),
        gate=whole.gate,
        provenance=whole.provenance,
        messages=("5 % of this area has no optical data.",),
        seconds=4.2,
    )


def found(
    box: Box, label: str = "ship", score: float = 0.9, sensor: FoundIn = "both", *, gsd_m: float | None = 10.0
) -> FoundBox:
    """A box, with the metres that it has on the ground."""
    sides = None if gsd_m is None else (gsd_m * box.width, gsd_m * box.height)
    return FoundBox(
        box=box,
        polygon_map=tuple(GRID.to_map(col, row) for col, row in box.corners),
        score=score,
        label=label,
        sensor=sensor,
        area_m2=sides and sides[0] * sides[1],
        length_m=sides and max(sides),
        width_m=sides and min(sides),
    )


SHIPS = (
    found(Box(200, 200, 206, 202), score=0.91),
    found(Box(400, 300, 408, 304), score=0.74, sensor="optical"),
    found(Box(700, 600, 760, 690), score=0.33, sensor="sar"),
)


def finding(request: FindRequest, boxes: tuple[FoundBox, ...] = SHIPS, *, gate: PairCheck | None = None) -> Finding:
    """What was found for ``request``, with routing by patch and the text gate at two scales as reasons."""
    window = request.window or PixelWindow(0, 0, GRID.width, GRID.height)
    whole = answer(AskRequest("?", request.optical, request.sar, request.folder, window), gate=gate)
    rng = np.random.default_rng(3)
    folder, maps = Path(request.folder), {}
    for sensor in ("optical", "sar"):
        experts = rng.integers(1, 5, (5, 5)).astype(np.float32)
        experts[0, 0] = np.nan
        name = f"routing-{sensor}"
        maps[name] = replace(_map(folder, name, "routing", sensor, experts, window.box), low=1.0, high=4.0)
        for side in (20, 10):
            name = f"gate-{sensor}-{side}"
            maps[name] = _map(folder, name, "gate", sensor, rng.random((side, side), np.float32), window.box)
    return Finding(
        expression=request.expression,
        mode="all",
        boxes=boxes,
        understood="ship; all of them",
        threshold=0.25,
        searched=("optical", "sar"),
        explanations=maps,
        area=whole.area,
        gate=whole.gate,
        provenance=replace(whole.provenance, model="optisar-compact"),
        messages=() if boxes else ("No box was found that scores 0.25 or more.",),
        seconds=0.31,
    )


class FakeWorker(QObject):
    """Takes requests and says nothing until the test does."""

    ready = Signal(object)
    progress = Signal(str, object)
    replied = Signal(str, object)
    finished = Signal(str, object)
    died = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._ids = count(1)
        self.sent: dict[str, object] = {}
        self.cancelled: list[str] = []
        self.started = False
        self.will_restart = True

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.started = False

    def submit(self, request: object) -> str:
        message_id = f"w{next(self._ids)}"
        self.sent[message_id] = request
        return message_id

    def cancel(self, message_id: str) -> None:
        self.cancelled.append(message_id)

    def newest(self, kind: type) -> tuple[str, object]:
        """The id and the record of the last request of one kind."""
        return next((i, each) for i, each in reversed(self.sent.items()) if isinstance(each, kind))

    def reply(self, message_id: str, event: object, outcome: Outcome = DONE) -> None:
        """What the worker does when all goes well."""
        self.replied.emit(message_id, event)
        self.finished.emit(message_id, outcome)


class FakeTiles(QObject):
    """Opens every path it was told of, at once; draws nothing."""

    ready = Signal(object)
    opened = Signal(str, object)
    drawn = Signal(str, object, object)
    identified = Signal(str, object)
    refined = Signal(object)
    finished = Signal(str, object)
    died = Signal(object)

    def __init__(self, known: dict[str, Opened]) -> None:
        super().__init__()
        self._ids = count(1)
        self.known = known
        self.asked: list[OpenRaster] = []
        self.pointed: dict[str, IdentifyRequest] = {}
        self._pending: list[tuple[str, OpenRaster]] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def open(self, request: OpenRaster) -> str:
        message_id = f"t{next(self._ids)}"
        self.asked.append(request)
        self._pending.append((message_id, request))
        return message_id

    def settle(self) -> None:
        """Answer every open request, those that answers lead to included."""
        while self._pending:
            message_id, request = self._pending.pop(0)
            if request.path in self.known:
                self.opened.emit(message_id, self.known[request.path])
                self.finished.emit(message_id, DONE)
            else:
                reason = f"{request.path} cannot be opened: it is not a raster."
                self.finished.emit(message_id, Outcome("failed", reason, "Choose another file.", code=3))

    def draw(self, *_: object, **__: object) -> str:
        return f"t{next(self._ids)}"

    def identify(self, request: IdentifyRequest) -> str:
        message_id = f"t{next(self._ids)}"
        self.pointed[message_id] = request
        return message_id

    def cancel(self, message_id: str) -> None:
        self._pending = [each for each in self._pending if each[0] != message_id]
