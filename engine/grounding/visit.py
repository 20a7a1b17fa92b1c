"""One visit of a picture in training: its pixels, its things, and what names them, before and after augmentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.grounding.data.expression_set import Box, ExpressionSet, SensorName
from engine.nn.preprocess import frame_of


@dataclass(frozen=True, slots=True)
class Naming:
    """A text and the things it names, as rows of :attr:`PictureVisit.boxes`; ``category`` is their class."""

    text: str
    things: tuple[int, ...]
    category: str


@dataclass(frozen=True, slots=True, eq=False)
class PictureVisit:
    """A square picture of one sensor (or a mosaic of several) and what is true of it; S its side in pixels, K things.

    ``pixels`` uint8 [3, S, S], 0 where ``valid`` bool [S, S] is False. ``boxes`` float32 [K, 4] are left, top, right,
    bottom in pixels, half-open; ``categories`` has one entry for each. ``categories_known`` says that a class which is
    neither among them nor in ``unlisted`` is not there. ``unlisted`` are classes of which something may be seen that
    has no box: the set's uncertain ones, and what the border left too little of.
    """

    pixels: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    boxes: NDArray[np.float32]
    categories: tuple[str, ...]
    expressions: tuple[Naming, ...]
    sensor: SensorName
    categories_known: bool = False
    unlisted: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """S."""
        return int(self.pixels.shape[-1])

    @property
    def present(self) -> frozenset[str]:
        """Classes of which something is or may be seen; others may be there only where they are not all known."""
        return self.unlisted.union(self.categories)

    def frame(self) -> Box:
        """The rectangle that has data, in pixels: to it "the left of the image" refers. All where nothing has data."""
        return frame_of(self.valid)


class Visits:
    """The pictures of an expression set, each as the visit that it is before augmentation."""

    def __init__(self, pictures: ExpressionSet) -> None:
        self.pictures = pictures
        self._things = pictures.things_by_picture()
        self._expressions = pictures.by_picture()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, picture: int) -> PictureVisit:
        """The visit of row ``picture``; its pixels are the set's own, not to be written to."""
        own = self.pictures
        row_of = {thing: row for row, thing in enumerate(self._things[picture])}
        things = [own.things[thing] for thing in row_of]
        said = [own.expressions[expression] for expression in self._expressions[picture]]
        boxes = np.array([thing.box_xyxy_px for thing in things], np.float32).reshape(-1, 4)
        return PictureVisit(
            pixels=own.pixels[picture],
            valid=np.ones((own.size, own.size), bool) if own.valid is None else own.valid[picture],
            boxes=boxes,
            categories=tuple(thing.category for thing in things),
            expressions=tuple(
                Naming(one.text, tuple(row_of[thing] for thing in one.things), one.category) for one in said
            ),
            sensor=own.sensors[picture],
            categories_known=own.categories_known,
            unlisted=frozenset(own.uncertain[picture]) if own.uncertain else frozenset(),
        )
