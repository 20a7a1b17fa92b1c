"""A frozen image encoder: an epoch over kept tokens against a loop that encodes an image for every question.

Both loops ask the same number of questions of the same scenes, train the same parts (all but the encoder) of the
compact preset, and prepare their batches themselves. Making the tokens is told beside it: it happens once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import islice, repeat

import torch

from engine.text import ANSWERS
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.features import FeatureCache
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.data.scenes import SceneSetSpec, render_set
from engine.vqa.data.table import QuestionTable
from engine.vqa.network import VqaNetwork
from engine.vqa.preprocess import PreprocessSpec
from engine.vqa.task import BatchSettings, TrainedVqa, VqaTask
from tests.engine.vqa.tiny import WordHashes

SCENES, QUESTIONS, AT_ONCE = 8, 64, 16
REPEATS = 2
PROMISED = 3.0
CONFIG = TgfnetConfig(answers=len(ANSWERS), text_width=24)  # the tests' word vectors stand for the text encoder
RULES = PreprocessSpec()


def main() -> int:
    """Print the times; 1 where the promise is not kept."""
    spec = SceneSetSpec(10_000_000, SCENES, "train", 1, 128, CONFIG.image_size, CONFIG.grid, ("cloud",))
    scenes = render_set(spec, RULES, None)
    torch.manual_seed(0)
    network = build_network(CONFIG)
    network.vision.requires_grad_(requires_grad=False)
    began = time.perf_counter()
    cache = FeatureCache.build(network, scenes, CONFIG, RULES, None)
    print(f"tokens of {SCENES} scenes in {len(scenes.variants)} weathers made in {time.perf_counter() - began:.1f} s")
    table = QuestionTable(scenes.questions, WordHashes())
    single = epoch(scenes, table, network, BatchSettings(views=AT_ONCE, questions=1, variant_share=0.5), None)
    kept = epoch(scenes, table, network, BatchSettings(views=4, questions=4, variant_share=0.5), cache)
    times = [(one(), other()) for one, other in islice(repeat((single, kept)), REPEATS)]  # in turn: the machine drifts
    slow, fast = (min(column) for column in zip(*times, strict=True))
    print(f"{QUESTIONS} questions, an image for each: {slow:.2f} s; over kept tokens: {fast:.2f} s")
    print(f"{slow / fast:.1f} times faster, promised {PROMISED:.0f}")
    return int(slow / fast < PROMISED)


def epoch(
    scenes: QuestionSet, table: QuestionTable, network: VqaNetwork, batch: BatchSettings, cache: FeatureCache | None
) -> Callable[[], float]:
    """A function that asks :data:`QUESTIONS` questions in training and gives the seconds it took."""
    task = VqaTask(
        TrainedVqa(network), CONFIG, RULES, batch, scenes, scenes, WordHashes(), ANSWERS,
        seed=0, features=cache, tables=(table, table),
    )  # fmt: skip
    optimiser = torch.optim.AdamW([p for p in task.model.parameters() if p.requires_grad])

    def run() -> float:
        began = time.perf_counter()
        for step in range(QUESTIONS // AT_ONCE):
            loss, _ = task.model(task.collate(task.draw(step), step))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        return time.perf_counter() - began

    return run


if __name__ == "__main__":
    sys.exit(main())
