"""Opening files: the tile reader says what they are, roles are given, the scene is put together.

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
from engine.records.raster import Sensor
from rsqa_desktop.actions.judging import Judging
from rsqa_desktop.model.document import Document
from rsqa_desktop.model.notices import Notice, notice_of_outcome
from rsqa_desktop.model.roles import assign_roles, contradicted
from rsqa_desktop.model.scene import PaneSensor, Scene
from rsqa_desktop.model.settings import RecentPair, SettingsStore
from rsqa_desktop.services import TileReader


@dataclass
class _File:
    """One file on its way in: what the user called it, what the reader said, what it will be."""

    path: str
    sensor: Sensor
    opened: Opened | None = None
    role: PaneSensor | None = None


@dataclass
class _Loading:
    """The files of one opening, and the requests about them that are not closed yet, by id."""

    files: list[_File]
    replaces_scene: bool
    waiting: dict[str, _File] = field(default_factory=dict)


class Opening(QObject):
    """Turns paths into a scene and has it judged; tells of the tile reader's deaths."""

    def __init__(self, document: Document, settings: SettingsStore, tiles: TileReader, judging: Judging) -> None:
        super().__init__()
        self._document = document
        self._settings = settings
        self._tiles = tiles
        self._judging = judging
        self._loading: _Loading | None = None
        self._death: Outcome | None = None
        tiles.opened.connect(self._take_opened)
        tiles.finished.connect(self._take_outcome)
        tiles.died.connect(self._take_death)
        tiles.ready.connect(self._take_ready)

    def open_pair(self, optical: str | None, sar: str | None) -> None:
        """Open files whose roles are known (command line, recent files) as a new scene."""
        files = [_File(optical, "optical")] if optical else []
        files += [_File(sar, "sar")] if sar else []
        self._start(files, replaces_scene=True)

    def open_files(self, paths: Sequence[str | Path]) -> None:
        """Open one or two dropped or chosen files; what they are decides their role, else their order."""
        if len(paths) > 2:
            text = f"{len(paths)} files were given; a scene is one optical and one SAR file."
            self._document.post(Notice("open", text, "warning"))
        else:
            self._start([_File(str(path), "unknown") for path in paths], replaces_scene=len(paths) == 2)

    def open_as(self, sensor: PaneSensor, path: str | Path) -> None:
        """Put one file into the open scene as ``sensor``, beside or in place of what is there."""
        self._start([_File(str(path), sensor)], replaces_scene=False)

    def toggle_speckle_filter(self) -> None:
        """Smooth or unsmooth the SAR pane; what the engine analyses does not change."""
        sar = self._document.scene.sar
        if sar is not None:
            display = replace(sar.display, speckle_filter=not sar.display.speckle_filter)
            self._document.set_raster("sar", replace(sar, display=display))

    def _start(self, files: list[_File], *, replaces_scene: bool) -> None:
        if not files:
            return
        for stale in list(self._loading.waiting) if self._loading else ():
            self._tiles.cancel(stale)
        for notice in self._document.notices:
            if notice.key.startswith("open"):  # what is said of other files than these
                self._document.dismiss(notice.key)
        self._loading = loading = _Loading(files, replaces_scene)
        for file in files:
            file.path = str(Path(file.path).expanduser().absolute())
            loading.waiting[self._tiles.open(OpenRaster(file.path, file.sensor))] = file

    def _take_opened(self, message_id: str, opened: Opened) -> None:
        if self._loading and message_id in self._loading.waiting:
            self._loading.waiting[message_id].opened = opened

    def _take_outcome(self, message_id: str, outcome: Outcome) -> None:
        loading = self._loading
        if loading is None or message_id not in loading.waiting:
            return
        file = loading.waiting.pop(message_id)
        if outcome.status in ("failed", "crashed"):
            self._document.post(notice_of_outcome(f"open {file.path}", outcome))
        if not loading.waiting:
            self._end_round(loading)

    def _end_round(self, loading: _Loading) -> None:
        """Go on with the files that opened; none of them leaves the scene as it was."""
        first_round = all(file.role is None for file in loading.files)
        loading.files = [file for file in loading.files if file.opened]
        if first_round and loading.files:
            self._give_roles(loading)
        if not loading.waiting:
            self._loading = None
            if loading.files:
                self._finish(loading)

    def _give_roles(self, loading: _Loading) -> None:
        """Decide what each file is, and open again what was opened as something else or on another grid."""
        sensors = [
            file.opened.info.sensor if file.sensor == "unknown" and file.opened else file.sensor
            for file in loading.files
        ]
        scene = Scene() if loading.replaces_scene else self._document.scene
        held: frozenset[PaneSensor] = frozenset(s for s in ("optical", "sar") if scene.path_of(s) is not None)
        roles = assign_roles(sensors, held)
        if contradicted(sensors, roles):
            text = "Both files look alike in kind; they were taken as optical and SAR in the order given."
            self._document.post(Notice("open", text, "warning"))
        grid_of = scene.optical_path
        for file, role in zip(loading.files, roles, strict=True):
            file.role = role
            grid_of = file.path if role == "optical" else grid_of
        for file in loading.files:
            on = grid_of if file.role == "sar" else None
            if file.role and file.opened and (on is not None or file.opened.info.sensor != file.role):
                loading.waiting[self._tiles.open(OpenRaster(file.path, file.role, on=on))] = file

    def _finish(self, loading: _Loading) -> None:
        """The scene is there: remember it, and ask the gate."""
        scene = Scene() if loading.replaces_scene else replace(self._document.scene, check=None)
        for file in loading.files:
            if file.role and file.opened:
                scene = scene.with_raster(file.role, file.opened)
        self._document.set_scene(scene)
        self._settings.change(self._settings.current.with_recent(RecentPair(scene.optical_path, scene.sar_path)))
        self._judging.run()

    def _take_death(self, outcome: Outcome) -> None:
        self._death = outcome
        self._document.post(Notice("tiles", f"{outcome.reason} {outcome.remedy}".strip(), "error"))

    def _take_ready(self, _: object) -> None:
        if self._death is not None:
            text = f"{self._death.reason} It was restarted; nothing was lost."
            self._document.post(Notice("tiles", text, "warning"))
            self._death = None
