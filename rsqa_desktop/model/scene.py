"""The pair on the screen: which files, as what sensor, and what the alignment gate said about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine.protocol import Opened
from engine.records import AreaRequest, PairCheck, PixelWindow, RasterInfo

PaneSensor = Literal["optical", "sar"]


@dataclass(frozen=True, slots=True)
class Scene:
    """An optical raster, a SAR raster, or both, as the tile reader opened them.

    The optical raster's pixels are the frame of everything drawn and asked; without one, the SAR raster's are.
    ``check`` is None until the engine has judged the pair.
    """

    optical: Opened | None = None
    sar: Opened | None = None
    check: PairCheck | None = None

    @property
    def is_empty(self) -> bool:
        return self.optical is None and self.sar is None

    @property
    def frame(self) -> RasterInfo | None:
        """The raster whose pixels are the frame, None for an empty scene."""
        opened = self.optical or self.sar
        return opened.info if opened else None

    @property
    def optical_path(self) -> str | None:
        return self.optical.info.path if self.optical else None

    @property
    def sar_path(self) -> str | None:
        return self.sar.info.path if self.sar else None

    @property
    def title(self) -> str:
        """The files' names, for the window's title."""
        names = [Path(path).name for path in (self.optical_path, self.sar_path) if path]
        return " and ".join(names)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed about each file, in sentences that name it."""
        opened = [each for each in (self.optical, self.sar) if each]
        return tuple(f"{Path(each.info.path).name}: {note}" for each in opened for note in each.info.notices)

    def path_of(self, sensor: PaneSensor) -> str | None:
        return self.optical_path if sensor == "optical" else self.sar_path

    def with_raster(self, sensor: PaneSensor, opened: Opened) -> Scene:
        """The scene with one raster put in or exchanged; what the gate said of the old pair is forgotten."""
        if sensor == "optical":
            return replace(self, optical=opened, check=None)
        return replace(self, sar=opened, check=None)

    def whole(self) -> PixelWindow | None:
        """The frame from edge to edge."""
        frame = self.frame
        return PixelWindow(0, 0, frame.width, frame.height) if frame else None

    def matches(self, request: AreaRequest) -> bool:
        """Whether an earlier request was about these very files, so that its overlays lie right."""
        return (request.optical, request.sar) == (self.optical_path, self.sar_path)
