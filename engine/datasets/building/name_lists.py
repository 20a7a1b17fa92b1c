"""Lists that people edit: a name a line, with comments."""

from __future__ import annotations

import re
from pathlib import Path

from engine.datasets.dataset import Faults
from engine.errors import DataSetUnreadable
from engine.formats.records import read_text


def read_names(path: Path) -> dict[str, int]:
    """The lines of a list that people edit, with their numbers: comments, # and what follows, are dropped.

    Raises :class:`DataSetUnreadable` for a file that cannot be read.
    """
    faults = Faults(path.parent)
    text = read_text(path, faults)
    if text is None:
        raise DataSetUnreadable(f"{path}: {faults.found[0].what}", remedy="Check the path.")
    lines = (re.split(r"(?:^|\s)#", line)[0].strip() for line in text.splitlines())
    return {line: number for number, line in enumerate(lines, start=1) if line}
