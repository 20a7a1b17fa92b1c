"""What is remembered between two starts survives damage, other versions and full disks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rsqa_desktop.model.settings import RECENT_MAX, RecentPair, Settings, SettingsStore


def test_what_is_changed_is_there_at_the_next_start(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "new" / "settings.json")
    store.change(store.current.with_recent(RecentPair("/a.tif", None)))
    store.change(replace(store.current, theme="dark"))
    again = SettingsStore(store.path).current
    assert again == Settings(theme="dark", recent=(RecentPair("/a.tif", None),))
    assert [each.name for each in store.path.parent.iterdir()] == ["settings.json"], "no temporary file stays behind"


def test_a_damaged_file_is_put_aside_and_said(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text("{not json")
    store = SettingsStore(path)
    assert store.current == Settings()
    assert "put aside" in store.complaint
    assert (tmp_path / "settings.json.bak").read_text() == "{not json"


def test_a_newer_versions_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"version": 99, "theme": "dark"}))
    store = SettingsStore(path)
    assert store.current.theme == "system"
    assert "version 99" in store.complaint
    assert json.loads((tmp_path / "settings.json.bak").read_text())["version"] == 99


def test_a_disk_that_refuses_is_said_and_the_program_goes_on(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    store = SettingsStore(blocker / "settings.json")
    store.change(replace(store.current, theme="dark"))
    assert store.current.theme == "dark"
    assert "could not be written" in store.complaint


def test_recent_pairs_are_few_newest_first_and_named_once() -> None:
    settings = Settings()
    for number in range(RECENT_MAX + 3):
        settings = settings.with_recent(RecentPair(f"/{number}.tif", None))
    settings = settings.with_recent(RecentPair("/5.tif", None))
    assert len(settings.recent) == RECENT_MAX
    assert settings.recent[0].label == "5.tif"
    assert len(set(settings.recent)) == RECENT_MAX
