"""Opening files: the tile reader says what they are, roles are given, the alignment gate is asked.

Two rounds. The first opens every file as what the user called it, or as unknown, and learns its sensor. Then each
has a role, and the second opens the SAR file on the optical grid, so that its default stretch belongs to what the
pane will show. Opening again before the first is done supersedes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject

from engine.protocol import Opened, OpenRaster, Outcome
from engine.records import CheckRequest, PairCheck
from engine.records.raster import Sensor
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.notices import Notice, notice_of_outcome
from rsqa_desktop.model.roles import assign_roles, contradicted
from rsqa_desktop.model.scene import PaneSensor, Scene
from rsqa_desktop.model.settings import RecentPair, SettingsStore
from rsqa_desktop.model.wording import shift_sentence, without_options
from rsqa_desktop.services import TileReader, Worker


@dataclass
class _Loading:
    """Files on their way in: what was asked of the tile reader and what came back."""

    paths: tuple[str, ...]
    sensors: list[Sensor]
    replaces_scene: bool
    asked: dict[str, int] = field(default_factory=dict)
    opened: dict[int, Opened] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    roles: tuple[PaneSensor, ...] = ()


class Opening(QObject):
    """Turns paths into a scene, and a scene into a verdict."""

    def __init__(self, document: Document, settings: SettingsStore, tiles: TileReader, worker: Worker) -> None:
        super().__init__()
        self._document = document
        self._settings = settings
        self._tiles = tiles
        self._worker = worker
        self._loading: _Loading | None = None
        self._check_id = ""
        self._check_lost = False
        self._tiles_death: Outcome | None = None
        tiles.opened.connect(self._take_opened)
        tiles.finished.connect(self._take_tiles_outcome)
        tiles.died.connect(self._take_tiles_death)
        tiles.ready.connect(self._take_tiles_ready)
        worker.replied.connect(self._take_event)
        worker.finished.connect(self._take_worker_outcome)
        worker.ready.connect(self._take_worker_ready)

    def open_pair(self, optical: str | None, sar: str | None) -> None:
        """Open files whose roles are known (command line, recent files) as a new scene."""
        given: list[tuple[str, Sensor]] = []
        if optical:
            given.append((optical, "optical"))
        if sar:
            given.append((sar, "sar"))
        self._start([path for path, _ in given], [sensor for _, sensor in given], replaces_scene=True)

    def open_files(self, paths: Sequence[str | Path]) -> None:
        """Open one or two dropped or chosen files; what they are decides their role, else their order."""
        if len(paths) > 2:
            self._document.post(
                Notice("open", f"{len(paths)} files were given; a scene is one optical and one SAR file.", "warning")
            )
            return
        self._start([str(path) for path in paths], ["unknown"] * len(paths), replaces_scene=len(paths) == 2)

    def open_as(self, sensor: PaneSensor, path: str | Path) -> None:
        """Put one file into the open scene as ``sensor``, beside or in place of what is there."""
        self._start([str(path)], [sensor], replaces_scene=False)

    def check(self) -> None:
        """Ask the gate about the scene as it is, under the user's standing orders."""
        scene = self._document.scene
        if not scene.is_empty:
            request = CheckRequest(scene.optical_path, scene.sar_path, self._document.gate)
            self._check_id = self._worker.submit(request)

    def toggle_speckle_filter(self) -> None:
        """Smooth or unsmooth the SAR pane; what the engine analyses does not change."""
        sar = self._document.scene.sar
        if sar is not None:
            display = replace(sar.display, speckle_filter=not sar.display.speckle_filter)
            self._document.set_raster("sar", replace(sar, display=display))

    def _start(self, paths: Sequence[str], sensors: Sequence[Sensor], *, replaces_scene: bool) -> None:
        if not paths:
            return
        if self._loading:
            for stale in self._loading.waiting:
                self._tiles.cancel(stale)
        self._document.dismiss("open")
        full = tuple(str(Path(path).expanduser().absolute()) for path in paths)
        self._loading = _Loading(full, list(sensors), replaces_scene)
        for index, (path, sensor) in enumerate(zip(full, sensors, strict=True)):
            self._ask(index, OpenRaster(path, sensor))

    def _ask(self, index: int, request: OpenRaster) -> None:
        loading = self._loading
        if loading is not None:
            asked = self._tiles.open(request)
            loading.asked[asked] = index
            loading.waiting.add(asked)

    def _take_opened(self, message_id: str, opened: Opened) -> None:
        if self._loading and message_id in self._loading.asked:
            self._loading.opened[self._loading.asked[message_id]] = opened

    def _take_tiles_outcome(self, message_id: str, outcome: Outcome) -> None:
        loading = self._loading
        if loading is None or message_id not in loading.waiting:
            return
        loading.waiting.discard(message_id)
        if outcome.status in ("failed", "crashed"):
            self._document.post(notice_of_outcome(f"open {loading.asked[message_id]}", outcome))
        if loading.waiting:
            return
        if not loading.opened:
            self._loading = None
        elif loading.roles:
            self._finish(loading)
        else:
            self._give_roles(loading)

    def _take_tiles_death(self, outcome: Outcome) -> None:
        self._tiles_death = outcome
        self._document.post(Notice("tiles", f"{outcome.reason} {outcome.remedy}".strip(), "error"))

    def _take_tiles_ready(self, _: object) -> None:
        if self._tiles_death is not None:
            text = f"{self._tiles_death.reason} It was restarted; nothing was lost."
            self._document.post(Notice("tiles", text, "warning"))
            self._tiles_death = None

    def _give_roles(self, loading: _Loading) -> None:
        """The first round is over: decide what each file is, and open again what was opened as something else."""
        order = sorted(loading.opened)
        sensors: list[Sensor] = [
            loading.sensors[i] if loading.sensors[i] != "unknown" else loading.opened[i].info.sensor for i in order
        ]
        scene = Scene() if loading.replaces_scene else self._document.scene
        held: frozenset[PaneSensor] = frozenset(s for s in ("optical", "sar") if scene.path_of(s) is not None)
        loading.roles = assign_roles(sensors, held)
        if contradicted(sensors, loading.roles):
            text = "Both files look alike in kind; they were taken as optical and SAR in the order given."
            self._document.post(Notice("open", text, "warning"))
        loading.opened = {place: loading.opened[i] for place, i in enumerate(order)}
        loading.paths = tuple(loading.paths[i] for i in order)
        optical = next((p for p, r in zip(loading.paths, loading.roles, strict=True) if r == "optical"), None)
        grid_of = optical or scene.optical_path
        for place, role in enumerate(loading.roles):
            on = grid_of if role == "sar" else None
            if on is not None or loading.opened[place].info.sensor != role:
                self._ask(place, OpenRaster(loading.paths[place], role, on=on))
        if not loading.waiting:
            self._finish(loading)

    def _finish(self, loading: _Loading) -> None:
        """Both rounds are over: the scene is there; remember it, ask the gate."""
        self._loading = None
        scene = Scene() if loading.replaces_scene else replace(self._document.scene, check=None)
        for place, role in enumerate(loading.roles):
            scene = scene.with_raster(role, loading.opened[place])
        self._document.set_scene(scene)
        self._settings.change(self._settings.current.with_recent(RecentPair(scene.optical_path, scene.sar_path)))
        self._document.dismiss("gate")
        self.check()

    def _take_event(self, message_id: str, event: object) -> None:
        if message_id == self._check_id and isinstance(event, PairCheck):
            self._document.set_check(event)
            corrected = event.verdict == "shifted" and self._document.gate.correct_shift
            notice = None if corrected else gate_notice(event)
            if notice:
                self._document.post(notice)
            else:
                self._document.dismiss("gate")

    def _take_worker_outcome(self, message_id: str, outcome: Outcome) -> None:
        if message_id != self._check_id:
            return
        if outcome.status == "failed":
            self._document.post(notice_of_outcome("gate", outcome))
        self._check_lost = outcome.status == "crashed"

    def _take_worker_ready(self, _: object) -> None:
        """A verdict that was lost with the worker is asked for again, as nobody but this room asked for it."""
        if self._check_lost:
            self._check_lost = False
            self.check()


def gate_notice(check: PairCheck) -> Notice | None:
    """What the gate's verdict makes necessary to say, None where the pair is simply fine."""
    said = without_options(" ".join(check.messages))
    if check.verdict == "shifted":
        return Notice("gate", shift_sentence(check), "warning", "gate.correct")
    if check.verdict == "not-georeferenced":
        text = said or "The pair has no georeference to overlap by."
        return Notice("gate", text, "error", "gate.assume")
    if check.verdict == "no-overlap":
        return Notice("gate", said or "The two rasters show different places.", "error")
    return None
