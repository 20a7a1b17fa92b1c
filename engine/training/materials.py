"""What runs are made of, each thing made once and shared by the runs of a study.

Everything lies below one folder and is found again there, so that a run that was stopped goes on. Names of folders end
in a digest of what was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from engine.training.recipe import DataSettings, Recipe
from engine.training.scene_sets import split_spec
from engine.training.trainer import Tell

if TYPE_CHECKING:
    from engine.datasets.dataset import DataSet, Task

SPLITS = ("train", "validation", "test")


class MadeSet(Protocol):
    """One split as a network gets it; ``left_out`` has a sentence for whatever could not be used."""

    @property
    def left_out(self) -> Sequence[str]: ...


S = TypeVar("S", bound=MadeSet)


class KeptMaterials:
    """What all networks' materials have: a folder, sets and annotations that are made or read once, and somebody who
    hears of it."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.folder, self._tell = folder, tell
        self._data_sets: dict[str, DataSet] = {}
        self._made_sets: dict[Any, Any] = {}

    def made_set(
        self, recipe: Recipe, split: str, size_px: int, task: Task, render: Callable[..., S], read: Callable[..., S]
    ) -> S:
        """The set of a split (:data:`SPLITS`) of expressions at ``size_px``, made once for all recipes that share it.

        ``render`` makes one of a :class:`~engine.training.scene_sets.SceneSetSpec`, ``read`` of a data set with rows of
        ``task``. What had to be left out is told. Raises UsageError or DataSetUnreadable where there is none.
        """
        key, data = set_key(recipe, split, size_px), recipe.data
        if key not in self._made_sets:
            place, workers = self.place(data, f"data/{split}-{digest(key)}"), data.workers
            if data.source == "scenes":
                report = self.counted(f"rendering the {split} set")
                spec = split_spec(data, split, size_px)
                made = render(spec, recipe.preprocess, place, workers=workers, report=report)
            else:
                report = self.counted(f"reading the {split} set")
                rows = self._rows_of(data.folder, task)
                made = read(rows, split, recipe.preprocess, size_px, place, workers=workers, report=report)
            self.note_left_out(f"{split} set", made.left_out)
            self._made_sets[key] = made
        found: S = self._made_sets[key]
        return found

    def _rows_of(self, folder: str, task: Task) -> DataSet:
        from engine.training.pictures import read_annotations  # brings what reads data sets

        return self.annotations(folder, lambda found: read_annotations(found, task))

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


def set_key(recipe: Recipe, split: str, size_px: int) -> tuple[object, ...]:
    """What decides the pictures and sentences of a split; how many processes make them, and where, does not."""
    data = replace(recipe.data, workers=1, keep="disk")
    return split, data, recipe.preprocess, size_px


def digest(key: object) -> str:
    """Eight letters that differ where what was asked for differs."""
    return hashlib.sha256(repr(key).encode()).hexdigest()[:8]
