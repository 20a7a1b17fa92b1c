"""What the damage tests of the data sets share: reading, checking, and doing harm to a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.datasets.check import check_dataset
from engine.datasets.dataset import DataSet, Fault, Faults
from engine.datasets.table import READERS, reader_of

Told = tuple[str, int | None, str]
"""A fault as tests write it down."""


def read(folder: Path, layout: str) -> tuple[DataSet, list[Told]]:
    """The data set and the faults of the reader alone."""
    faults = Faults(folder)
    return reader_of(layout).read(folder, faults), told(faults.found)


def checked(folder: Path, layout: str) -> list[Told]:
    """The faults of the whole check."""
    return told(check_dataset(folder, layout).faults)


def told(faults: list[Fault] | tuple[Fault, ...]) -> list[Told]:
    return [(fault.file, fault.line, fault.what) for fault in faults]


def replace(path: Path, old: str, new: str) -> None:
    """Exchange the first ``old`` in a text file, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_json(path: Path, change: Callable[[Any], object]) -> None:
    """Let ``change`` alter what a JSON file holds."""
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def cut(path: Path, share: float = 0.5) -> None:
    """Leave only the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def fabricator(layout: str) -> ModuleType:
    """The module that fabricates a layout; it is named as the reader's."""
    return import_module(f"tests.engine.datasets.fabricate.{READERS[layout].module}")
