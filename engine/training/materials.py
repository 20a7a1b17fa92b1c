"""What runs are made of, each thing made once and shared by the runs of a study.

Everything lies below one folder and is found again there, so that a run that was stopped goes on. Names of folders end
in a digest of what was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.training.recipe import DataSettings
from engine.training.trainer import Tell

if TYPE_CHECKING:
    from engine.datasets.dataset import DataSet

SPLITS = ("train", "validation", "test")


class KeptMaterials:
    """What all networks' materials have: a folder, annotations that are read once, and somebody who hears of it."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.folder, self._tell = folder, tell
        self._data_sets: dict[str, DataSet] = {}

    def annotations(self, folder: str, read: Callable[[Path], tuple[DataSet, Sequence[str]]]) -> DataSet:
        """The data set in ``folder``, read once for all splits; what is wrong with its annotations is told once, too.

        ``read`` gives the data set and a sentence for each thing that it had to leave out.
        """
        if folder not in self._data_sets:
            self._data_sets[folder], faults = read(Path(folder))
            self.note_left_out("data set", faults)
        return self._data_sets[folder]

    def note_left_out(self, what: str, left_out: Sequence[str]) -> None:
        """Tell how many things could not be used, and the first of them."""
        if left_out:
            more = f", and {len(left_out) - 1} more" if len(left_out) > 1 else ""
            self._tell({"kind": "note", "text": f"Left out of the {what}: {left_out[0]}{more}"})

    def place(self, data: DataSettings, name: str) -> Path | None:
        """Where something is kept, None for memory."""
        return None if data.keep == "memory" else self.folder / name

    def counted(self, stage: str) -> Callable[[int, int], None]:
        """A report of (done, of) that tells how far a stage is."""
        return lambda done, of: self._tell({"kind": "working", "stage": stage, "done": done, "of": of})


def digest(key: object) -> str:
    """Eight letters that differ where what was asked for differs."""
    return hashlib.sha256(repr(key).encode()).hexdigest()[:8]
