"""A set of referring expressions about noise, known in every part, and a stand-in for what a network says to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.segmentation.data.referring_set import Expression, ReferringSet, SensorName
from engine.segmentation.network import FirstStage, PairInput, SegmentationOutput, Words
from engine.segmentation.scored import BINS, PER_UNIT, REACH, Scored, asked_of

CATEGORIES = ("lake", "buildings")
HOWS = ("category", "position", "attribute+relation", "")
SENSORS: tuple[SensorName, ...] = ("optical", "sar", "both")
WEATHERS = ("clear", "cloud", "haze", "")


def known_set(areas: int = 12, size: int = 64, seed: int = 0) -> ReferringSet:
    """Of every area a lake in one half, asked for by its place, and buildings that are scattered everywhere."""
    rng = np.random.default_rng(seed)
    masks: list[np.ndarray] = []
    expressions: list[Expression] = []
    rows, columns = np.mgrid[:size, :size] + 0.5
    for area in range(areas):
        side = area % 2  # 0: on the left
        middle = size * np.array([0.25 + 0.5 * side, rng.uniform(0.3, 0.7)])
        radius = size * rng.uniform(0.05, 0.2)
        lake = (columns - middle[0]) ** 2 + (rows - middle[1]) ** 2 < radius**2
        buildings = np.zeros((size, size), bool)
        count = int(rng.integers(2, 9))
        for _ in range(count):
            x, y = rng.integers(0, size - 6, 2)
            buildings[y : y + 5, x : x + 5] = True
        how, sensor = HOWS[area % len(HOWS)], SENSORS[area % len(SENSORS)]
        distractors, hidden = (-1, 0, 3)[area % 3], (0.0, 0.3, 0.9)[area % 3]
        lakes = f"the lake on the {('left', 'right')[side]} of scene {area}"
        row = len(masks)
        expressions.append(Expression(area, row, lakes, "lake", sensor, how, distractors, hidden_share=hidden))
        all_of_it = f"all buildings of scene {area}"
        expressions.append(Expression(area, row + 1, all_of_it, "buildings", sensor, parts=count))
        masks += [lake, buildings]
    return ReferringSet(
        about="noise",
        optical=rng.integers(0, 256, (areas, 3, size, size), dtype=np.uint8),
        sar=rng.integers(0, 256, (areas, size, size), dtype=np.uint8),
        has=np.ones((areas, 2), bool),
        masks=np.stack([np.packbits(mask) for mask in masks]),
        names=tuple(f"scene {area}" for area in range(areas)),
        weather=tuple(WEATHERS[area % len(WEATHERS)] for area in range(areas)),
        gsd_m=(1.0,) * areas,
        expressions=tuple(expressions),
    )


def noisy_margins(areas: ReferringSet, spread: float = 2, seed: int = 0) -> np.ndarray:
    """A stand-in for a network: margins of the truth, 1 where meant and -3 elsewhere, in noise; float32 [E, S, S]."""
    rng = np.random.default_rng(seed)
    truths = np.stack([areas.mask(one.mask) for one in areas.expressions])
    return np.asarray(np.where(truths, 1, -3) + rng.normal(0, spread, truths.shape), np.float32)


def scored_from(areas: ReferringSet, margins: np.ndarray, valid: np.ndarray | None = None) -> Scored:
    """``margins`` [E, S, S] counted one by one, where ``valid`` bool [E, S, S]."""
    asked = asked_of(areas, "both")
    counts = np.zeros((2, len(asked), BINS), np.int64)
    for row, index in enumerate(asked):
        truth = areas.mask(areas.expressions[index].mask)
        place = np.clip(np.floor(margins[index] * PER_UNIT) + REACH * PER_UNIT, 0, BINS - 1).astype(int)
        seen = np.ones_like(truth) if valid is None else valid[index]
        for meant in (0, 1):
            counts[meant, row] = np.bincount(place[seen & (truth == meant)], minlength=BINS)
    return Scored(asked, counts[1], counts[0], 1.5)


class SaysMargins:
    """In place of network and words at once: gives the row of ``margins`` [E, S, S] of the expression that was asked.

    Its words are the number of the first expression with that text.
    """

    def __init__(self, areas: ReferringSet, margins: np.ndarray) -> None:
        self.place = {one.text: row for row, one in reversed(list(enumerate(areas.expressions)))}
        self.margins = torch.from_numpy(margins)

    def eval(self) -> None:
        pass

    def encode(self, pair: PairInput) -> FirstStage:
        return FirstStage(pair.optical, pair.optical_valid, None)

    def words(self, texts: Sequence[str], tokens: int) -> Words:
        rows = [float(self.place[text]) for text in texts]
        return Words(torch.tensor(rows).reshape(-1, 1, 1), torch.ones(len(rows), 1, dtype=torch.bool))

    def tokens_cut(self, text: str, tokens: int) -> int:
        return max(0, len(text.split()) - tokens)

    def __call__(self, first: FirstStage, words: Words) -> SegmentationOutput:
        margins = self.margins[words.vectors[:, 0, 0].long()]
        return SegmentationOutput(torch.stack([0 * margins, margins], 1), (), (), None)
