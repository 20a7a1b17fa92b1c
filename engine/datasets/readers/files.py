"""Folders of images as the layouts have them: found by suffix, told apart by their stems, in the order people count."""

from __future__ import annotations

import re
from pathlib import Path

from engine.datasets.dataset import Faults

IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg"})


def images_in(folder: Path, faults: Faults) -> dict[str, Path]:
    """The images of ``folder``, not below it, by stem, 2 before 10; two of one stem, or no such folder, is a fault."""
    return _by_stem(folder, IMAGE_SUFFIXES, faults)


def texts_in(folder: Path, faults: Faults) -> dict[str, Path]:
    """The ``.txt`` files of ``folder`` by stem, as :func:`images_in`."""
    return _by_stem(folder, frozenset({".txt"}), faults)


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A sorting key by which ``2.png`` comes before ``10.png``."""
    return tuple(
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"([0-9]+)", name)
    )


def _by_stem(folder: Path, suffixes: frozenset[str], faults: Faults) -> dict[str, Path]:
    found: dict[str, Path] = {}
    try:
        paths = sorted(folder.iterdir(), key=lambda path: natural(path.name))
    except FileNotFoundError:
        faults.add(folder, None, "The folder is missing.")
        return found
    except OSError as error:
        faults.add(folder, None, f"The folder cannot be read: {error.strerror or error}.")
        return found
    for path in paths:
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in found:
            faults.add(path, None, f"There is a second file of that name: {found[path.stem].name}.")
        else:
            found[path.stem] = path
    return found
