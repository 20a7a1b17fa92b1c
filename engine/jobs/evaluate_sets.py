"""The sets that expressions are asked from, and that the guess learns from: scenes, an exam, or a folder.

Boxes and masks differ in how a set is made (:class:`SetMaker`), not in which one is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from engine.catalog import ModelCard
from engine.datasets.dataset import DataSet, Task
from engine.jobs.evaluate_order import (
    SCENES,
    EvaluateOrder,
    Progress,
    folder_notes,
    limited,
    scene_notes,
)
from engine.nn.preprocess import PreprocessSpec
from engine.scenes import SPLIT_SEEDS
from engine.scenes.plan import VIEW
from engine.training.pictures import SPLIT_NAMES, read_annotations
from engine.training.scene_sets import SceneSetSpec, exam_spec


class AskedSet(Protocol):
    """What is needed of a set here: what could not be used of what it was made from."""

    @property
    def left_out(self) -> tuple[str, ...]: ...


S = TypeVar("S", bound=AskedSet)


@dataclass(frozen=True, slots=True)
class SetMaker(Generic[S]):
    """How sets of a ``task`` are made; ``about`` ("boxes") is in the name of the folder that keeps one.

    ``render`` makes one of scenes and ``decode`` of a folder, called as ``render_expressions`` and
    ``expression_folder`` of ``engine.grounding.data``. ``learn`` gives what the guess learns from the so many-th scene
    of the training split, and ``unseen`` makes a set of all of it, of so many scenes, without pictures.
    """

    task: Task
    about: str
    render: Callable[..., S]
    decode: Callable[..., S]
    learn: Callable[[int], Sequence[Any]]
    unseen: Callable[[list[Any], int], S]


class AskedScenes(Generic[S]):
    """Fresh scenes, or those of an exam."""

    def __init__(self, order: EvaluateOrder, maker: SetMaker[S]) -> None:
        self._order, self._maker, self._exam = order, maker, order.exam
        self.name = self._exam.name if self._exam else SCENES

    @property
    def _count(self) -> int:
        """How many scenes are asked about."""
        if self._exam is None:
            return self._order.scenes
        return min(self._order.limit or self._exam.count, self._exam.count)

    def made(self, spec: PreprocessSpec, size: int, progress: Progress) -> S:
        """The set, rendered."""
        if self._exam:
            scenes = exam_spec(self._exam, self._count, size)
        else:
            scenes = SceneSetSpec(SPLIT_SEEDS["test"], self._count, "held-out", VIEW, size)
        return self._maker.render(
            scenes,
            spec,
            self._order.place(f"{self.name}-{self._maker.about}"),
            workers=self._order.workers,
            report=lambda done, of: progress("Rendering scenes", done / of),
        )

    def training(self, spec: PreprocessSpec, size: int, progress: Progress) -> S:
        """Expressions of the training split, in its wordings; nothing is rendered for them."""
        return self._maker.unseen(self._order.learned(self._maker.learn, progress), self._order.guess_scenes)

    def notes(self, card: ModelCard, made: S) -> Iterator[str]:
        """Sentences on how the figures are to be read."""
        yield from scene_notes(card, self._exam, self._count)
        if made.left_out:
            yield f"Not asked: {'; '.join(made.left_out)}."


class AskedFolder(Generic[S]):
    """A data set on disk."""

    def __init__(self, order: EvaluateOrder, maker: SetMaker[S]) -> None:
        self._order, self._maker, self._folder = order, maker, Path(order.dataset)
        self.name = self._data.layout

    @cached_property
    def _data(self) -> DataSet:
        data, self._faults = read_annotations(self._folder, self._maker.task)
        return data

    def made(self, spec: PreprocessSpec, size: int, progress: Progress) -> S:
        """The split, decoded."""
        return self._decoded(spec, size, self._order.split, self._order.limit, "Reading pictures", progress)

    def training(self, spec: PreprocessSpec, size: int, progress: Progress) -> S | None:
        """The folder's training split, None where it has none or is itself asked."""
        if self._order.asks_training or not self._data.of_split(SPLIT_NAMES["train"]):
            return None
        return self._decoded(spec, size, "train", 0, "Reading what the guess learns from", progress)

    def _decoded(self, spec: PreprocessSpec, size: int, split: str, limit: int, stage: str, progress: Progress) -> S:
        return self._maker.decode(
            limited(self._data, SPLIT_NAMES.get(split, split), limit),
            split,
            spec,
            size,
            self._order.place(f"{self._folder.resolve().name}-{split}-{self._maker.about}"),
            workers=self._order.workers,
            report=lambda done, of: progress(stage, done / of),
        )

    def notes(self, card: ModelCard, made: S) -> Iterator[str]:
        """Sentences on how the figures are to be read."""
        return folder_notes(self._data, self._order.limit, [*self._faults, *made.left_out])


def asked_by(order: EvaluateOrder, maker: SetMaker[S]) -> AskedScenes[S] | AskedFolder[S]:
    """What ``order`` asks. Raises UsageError or DataSetUnreadable for a data set that there is not."""
    return AskedFolder(order, maker) if order.of_folder else AskedScenes(order, maker)
