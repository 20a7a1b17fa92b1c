"""What a second question costs on a view that is kept, with the paper's preset: at most a quarter of the first.

Run as ``python -m tests.benchmarks second_question``. The first question pays for preparing and encoding both pictures
with CLIP ViT-B/16 as well; every question pays for CLIP's text tower (each is worded differently), CFAR and AMEF.
Weights are random, which changes no time. What counts is the CPU time of one thread, which other programs change
little; first and second alternate, so that what they change meets both. Also printed: the preset's parameters by part.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from engine.nn.clip import ClipTextEncoder, build_clip
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.predictor import TgfnetPredictor
from tests.engine.vqa.tiny import tiny_card

ANSWERS = 140  # OSVQA's vocabulary
SIDE = 256  # pixels; OSVQA's pictures
ROUNDS = 5
MOST = 0.25
THINGS = ("river", "road", "bridge", "ship", "storage tank", "building", "forest", "field", "lake", "town")


def predictor() -> TgfnetPredictor:
    """The paper's preset with random weights. Prints its parameters."""
    torch.manual_seed(0)
    config = TgfnetConfig.paper(ANSWERS)
    towers = build_clip(config.clip_model)
    network = build_network(config, towers)
    for name, part in [*network.named_children(), ("text tower (frozen, beside the network)", towers.text)]:
        print(f"{sum(p.numel() for p in part.parameters()):12,d}  {name}")
    card = tiny_card(config=config.as_json(), answers=tuple(f"answer {i}" for i in range(ANSWERS)))
    return TgfnetPredictor(network, card, ClipTextEncoder(towers.text, towers.tokenizer))


def seconds(run: Callable[[], object]) -> float:
    """CPU time that it takes."""
    began = time.process_time()
    run()
    return time.process_time() - began


def main() -> int:
    """Print both medians and their ratio; 1 where it is above the limit."""
    torch.set_num_threads(1)
    paper = predictor()
    rng = np.random.default_rng(0)
    optical = rng.uniform(0, 3000, (3, SIDE, SIDE)).astype(np.float32)
    sar = rng.uniform(-25, 0, (1, SIDE, SIDE)).astype(np.float32)
    kept = paper.encode(optical, None, sar, None)
    paper.answer(kept, "Is anything to be seen ?")  # a first run is slow for reasons of its own
    first, second = [], []
    for i in range(ROUNDS):
        thing = THINGS[i % len(THINGS)]
        first.append(
            seconds(lambda: paper.answer(paper.encode(optical, None, sar, None), f"Is there a {thing} at the top ?"))  # noqa: B023
        )
        second.append(seconds(lambda: paper.answer(kept, f"How many of type {thing} are there ?")))  # noqa: B023
    ratio = float(np.median(second) / np.median(first))
    ratios = np.array(second) / np.array(first)
    print(f"first question on a view: median {np.median(first) * 1e3:.0f} ms ({ROUNDS} times)")
    print(f"second on the kept view:  median {np.median(second) * 1e3:.0f} ms ({ROUNDS} times)")
    print(f"ratio {ratio:.3f}, of single pairs {ratios.min():.3f} to {ratios.max():.3f}; at most {MOST}")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
