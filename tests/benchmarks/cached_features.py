"""A frozen image encoder: an epoch over kept tokens against a loop that encodes an image for every question.

Both loops ask the same number of questions of the same scenes, train the same parts (all but the encoder), and prepare
their batches themselves. The promise is held with CLIP's ViT-B/16, the encoder of the paper preset, on random weights;
the compact preset's encoder costs less than what follows it, so that the gain there is only told. Making the tokens is
told beside it: it happens once. Times are this process's own, on one thread, so that a busy machine changes little.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import torch

from engine.nn.clip import build_clip
from engine.nn.preprocess import PreprocessSpec
from engine.text import ANSWERS
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.features import FeatureCache
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.data.scenes import SceneSetSpec, render_set
from engine.vqa.data.table import QuestionTable
from engine.vqa.network import VqaNetwork
from engine.vqa.task import BatchSettings, TrainedVqa, VqaTask
from tests.engine.vqa.tiny import WordHashes

SCENES, QUESTIONS, AT_ONCE = 4, 16, 8
PROMISED = 3.0
RULES = PreprocessSpec()
COMPACT = TgfnetConfig(answers=len(ANSWERS), text_width=24)  # the tests' word vectors stand for the text encoder
PAPER = replace(COMPACT, width=512, mlp_ratio=4.0, vision="clip", clip_model="ViT-B-16-quickgelu")


def main() -> int:
    """Print the times; 1 where the promise is not kept."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    gain(COMPACT, build_network(COMPACT), "compact")
    return int(gain(PAPER, build_network(PAPER, build_clip(PAPER.clip_model)), "paper") < PROMISED)


def gain(config: TgfnetConfig, network: VqaNetwork, preset: str) -> float:
    """How many times faster an epoch over kept tokens is."""
    network.vision.requires_grad_(requires_grad=False)
    spec = SceneSetSpec(10_000_000, SCENES, "train", 1, 128, config.image_size, config.grid)
    scenes = render_set(spec, RULES, None)
    table = QuestionTable(scenes.questions, WordHashes())
    began = time.process_time()
    cache = FeatureCache.build(network, scenes, config, RULES, None)
    made = time.process_time() - began
    single = epoch(config, scenes, table, network, BatchSettings(views=AT_ONCE, questions=1), None)
    kept = epoch(config, scenes, table, network, BatchSettings(views=AT_ONCE // 4, questions=4), cache)
    print(
        f"{preset}: {QUESTIONS} questions, an image encoded for each {single:.2f} s, over kept tokens {kept:.2f} s: "
        f"{single / kept:.1f} times faster (tokens of {SCENES} scenes made in {made:.2f} s)",
        flush=True,
    )
    return single / kept


def epoch(
    config: TgfnetConfig,
    scenes: QuestionSet,
    table: QuestionTable,
    network: VqaNetwork,
    batch: BatchSettings,
    cache: FeatureCache | None,
) -> float:
    """The seconds that :data:`QUESTIONS` questions take in training."""
    task = VqaTask(
        TrainedVqa(network), config, RULES, batch, scenes, scenes, WordHashes(), ANSWERS,
        seed=0, features=cache, tables=(table, table),
    )  # fmt: skip
    optimiser = torch.optim.AdamW([p for p in task.model.parameters() if p.requires_grad])
    began = time.process_time()
    for step in range(QUESTIONS // AT_ONCE):
        loss, _ = task.model(task.collate(task.draw(step), step))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
