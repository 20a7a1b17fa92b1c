"""File names for data sets that are written: plain, and each there once whatever its case and suffix."""

from __future__ import annotations

import re
from pathlib import PurePath


def plain_name(name: str) -> str:
    """``name`` as that of a single file, on any disk: what parts folders or is no part of a name becomes "_"."""
    return re.sub(r'[\\/:*?"<>|\s]', "_", name)


class UniqueNames:
    """Gives names that were not given before."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def free(self, name: str) -> str:
        """``name``, or with a number behind it where its stem is taken."""
        path, number = PurePath(name), 1
        while stem_of(name) in self._taken:
            number += 1
            name = f"{path.stem}_{number}{path.suffix}"
        self._taken.add(stem_of(name))
        return name


def stem_of(name: str) -> str:
    """By what two names clash: some disks do not tell case, and annotations bear the name of their image."""
    return PurePath(name).stem.lower()
