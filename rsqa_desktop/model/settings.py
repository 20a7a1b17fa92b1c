"""What the program remembers between two starts, as one versioned JSON file."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import platformdirs
from psygnal import Signal

from engine.errors import ProtocolMismatch
from engine.protocol import from_json, to_json

SETTINGS_VERSION = 1
RECENT_MAX = 8
ThemeChoice = Literal["system", "light", "dark"]


@dataclass(frozen=True, slots=True)
class RecentPair:
    """Files opened together; one of the two may be None."""

    optical: str | None
    sar: str | None

    @property
    def label(self) -> str:
        return " + ".join(Path(path).name for path in (self.optical, self.sar) if path)


@dataclass(frozen=True, slots=True)
class Settings:
    """``geometry`` is Qt's own saved state, base64, meaning nothing here; the panels are those beside the images."""

    version: int = SETTINGS_VERSION
    theme: ThemeChoice = "system"
    recent: tuple[RecentPair, ...] = ()
    last_folder: str = ""
    geometry: str = ""
    left_panel: bool = True
    right_panel: bool = True

    def with_recent(self, pair: RecentPair) -> Settings:
        """``pair`` first in the list, once, the oldest dropped."""
        others = tuple(other for other in self.recent if other != pair)
        return replace(self, recent=(pair, *others)[:RECENT_MAX])


def default_settings_path() -> Path:
    """Where this user's settings belong on this system."""
    return Path(platformdirs.user_config_dir("rsqa-desktop", appauthor=False)) / "settings.json"


class SettingsStore:
    """The settings and their file. Each change is written at once, whole or not at all, and then told."""

    changed = Signal()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.complaint = ""
        self._settings = self._load()

    @property
    def current(self) -> Settings:
        return self._settings

    def change(self, settings: Settings) -> None:
        """Remember ``settings``. A disk that refuses is told in :attr:`complaint`, and the program goes on."""
        if settings == self._settings:
            return
        self._settings = settings
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(to_json(settings))
            temporary.replace(self.path)
            self.complaint = ""
        except OSError as error:
            self.complaint = f"The settings could not be written to {self.path} ({error.strerror})."
        self.changed.emit()

    def _load(self) -> Settings:
        """The stored settings; an unreadable file is put aside, not overwritten, and the defaults are used."""
        try:
            settings = from_json(self.path.read_bytes(), Settings)
            if settings.version == SETTINGS_VERSION:
                return settings
            reason = f"it is of version {settings.version}"
        except FileNotFoundError:
            return Settings()
        except (OSError, ProtocolMismatch) as error:
            reason = str(error)
        backup = self.path.with_suffix(".json.bak")
        try:
            self.path.replace(backup)
            self.complaint = f"The settings could not be used ({reason}); they were put aside as {backup.name}."
        except OSError as error:
            self.complaint = f"The settings could not be used ({reason}) nor put aside ({error.strerror})."
        return Settings()
