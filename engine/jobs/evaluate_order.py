"""What is to be scored on what, and what evaluations of any task share: the data set that is named, notes and facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from engine import __version__
from engine.catalog import ModelCard
from engine.datasets.dataset import DataSet
from engine.datasets.figures import figures_note
from engine.datasets.table import reader_of
from engine.errors import UsageError
from engine.jobs.device import Device
from engine.scenes import WORLD_VERSION
from engine.scenes.exam import EXAMS, Exam
from engine.scenes.stream import in_order
from engine.training.pictures import SPLIT_NAMES

Progress = Callable[[str, float | None], None]

SCENES = "scenes"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EvaluateOrder:
    """What to score on what.

    ``dataset`` is "scenes" (``scenes`` fresh ones of the test split), the name of an exam, or a folder of any layout of
    the model's task, of which ``split`` is asked. ``limit`` is the most scenes of an exam or images of a folder, 0 for
    all. ``guess_scenes`` are the training scenes that the guess learns from; of a folder it learns from its training
    split. ``data`` is a folder to keep rendered or decoded pictures in; None keeps them in memory.
    """

    weights: str
    out: Path
    dataset: str = SCENES
    split: str = "test"
    scenes: int = 1000
    limit: int = 0
    guess_scenes: int = 1000
    data: Path | None = None
    workers: int = 1
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.scenes < 1 or self.guess_scenes < 1:
            raise UsageError("An evaluation needs at least one scene.", remedy="Give --scenes a number above 0.")
        if self.limit < 0:
            raise UsageError(f"There is no limit of {self.limit} views.", remedy="Give 0 for all of them.")

    @property
    def exam(self) -> Exam | None:
        """The exam that is asked, None where fresh scenes or a folder are.

        Raises UsageError where ``dataset`` is nothing at all.
        """
        if self.dataset == SCENES or self.dataset in EXAMS:
            return EXAMS.get(self.dataset)
        if not Path(self.dataset).is_dir():
            raise UsageError(
                f"There is no data set “{self.dataset}”.",
                remedy=f"Give scenes, {', '.join(EXAMS)}, or the folder of a data set of the model's task.",
            )
        return None

    @property
    def of_folder(self) -> bool:
        """Whether a folder is asked, no scenes."""
        return self.exam is None and self.dataset != SCENES

    @property
    def asks_training(self) -> bool:
        """Whether a folder's training split is itself asked, so that nobody may learn from it."""
        return SPLIT_NAMES.get(self.split, self.split) == SPLIT_NAMES["train"]

    def learned(self, make: Callable[[int], Sequence[T]], progress: Progress) -> list[T]:
        """What ``make`` gives of each scene that the guess learns from, by its number in the training split."""
        count, found = self.guess_scenes, list[T]()
        # One worker works here: a second process would only add its start.
        with closing(in_order(make, range(count), self.workers if self.workers > 1 else 0)) as made:
            for number, some in enumerate(made, start=1):
                found += some
                progress("Making what the guess learns from", number / count)
        return found

    def place(self, name: str) -> Path | None:
        """Where pictures of the set ``name`` are kept."""
        # Not data/test: in a run's folder that is the run's own set, of another size.
        return None if self.data is None else self.data / f"evaluate-{name}"


def scene_notes(card: ModelCard, exam: Exam | None, scenes: int) -> Iterator[str]:
    """Sentences on how figures on so many scenes, of an exam or fresh, are to be read."""
    if card.training_data.world != str(WORLD_VERSION):
        trained = card.training_data.world
        yield (
            f"These are scenes of world {WORLD_VERSION}; {card.name} was trained on "
            f"{f'world {trained}' if trained else 'other data'}."
        )
    if exam and scenes < exam.count:
        yield (
            f"Only the first {scenes} of {exam.count:,} scenes were asked about: this is not a score of {exam.name}."
        )


def folder_notes(data: DataSet, limit: int, faults: Sequence[str]) -> Iterator[str]:
    """The same for a folder, of which at most ``limit`` images were asked (0: all); ``faults`` could not be used."""
    told = figures_note(data, reader_of(data.layout).FIGURES)
    if told:
        yield told
    if limit:
        yield f"At most {limit:,} images were asked about: this is not a score of the whole split."
    if faults:
        yield f"{len(faults):,} things in the folder could not be used; the first: {faults[0]}"


def worlds(card: ModelCard, *, scenes: bool) -> dict[str, str]:
    """The version of the world that was trained on ("" where none was), and of the one asked about, if it is one."""
    return {"trained_on_world": card.training_data.world} | ({"world": str(WORLD_VERSION)} if scenes else {})


def limited(data: DataSet, split: str, limit: int) -> DataSet:
    """The first ``limit`` images of ``split`` that are asked about, and their rows; all for 0."""
    if not limit:
        return data
    wanted = set(list(dict.fromkeys(row.image for row in data.of_split(split)))[:limit])
    images = tuple(image for image in data.images if image.split == split and image.id in wanted)
    return replace(data, images=images, rows=tuple(row for row in data.of_split(split) if row.image in wanted))


def facts(card: ModelCard, dataset: str, guess: str, device: Device, seconds: float) -> dict[str, str]:
    """What the report prints about how it came to be; ``guess`` says what the guess is."""
    return {
        "model": f"{card.name} ({card.preset}), SHA-256 {card.sha256[:16]}…",
        "trained on": card.training_data.name,
        "data set": dataset,
        "the guess": guess,
        "device": device.title,
        "software": f"rsqa-desktop {__version__}",
        "time": f"{datetime.now(UTC).isoformat(timespec='seconds')}, {seconds:.0f} s",
    }
