"""The weights that ship: whole, small, better than the guess by their card, and as good as it says on fresh scenes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.catalog import MODELS, find_model, read_card, verify_weights
from engine.scenes import SPLIT_SEEDS, WORLD_VERSION, make_sample
from engine.text import ANSWERS
from engine.vqa.predictor import TgfnetPredictor

FRESH = SPLIT_SEEDS["test"] + 500_000


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.ships and model.task == "vqa"])
def test_it_is_whole_and_its_card_is_honest(name):
    folder = find_model(name)
    card = read_card(folder)
    assert verify_weights(folder, card).stat().st_size < 10 * 2**20
    of_this_world = card.training_data.world == str(WORLD_VERSION)
    assert card.answers == ANSWERS if of_this_world else set(card.answers) <= set(ANSWERS)
    assert card.metrics["scenes"] >= 1000
    assert card.metrics["OA"] >= card.guess["OA"] + 0.15
    alone = card.metrics["subsets"]["optical-only"]["per_weather"]
    assert card.metrics["per_weather"]["cloud"] > alone["cloud"]
    assert card.command
    assert card.pretrained[0].licence == "Apache-2.0"


def test_it_answers_fresh_scenes_about_as_well_as_the_card_says():
    predictor = TgfnetPredictor.load(find_model("tgfnet-compact"))
    trained_on = predictor.card.training_data.world
    if trained_on != str(WORLD_VERSION):
        pytest.skip(f"The card speaks of world {trained_on}; this program makes world {WORLD_VERSION}.")
    right = []
    for seed in range(FRESH, FRESH + 20):
        sample = make_sample(seed, wording="held-out")
        view = predictor.encode(
            sample.optical.astype(np.float32), None, sample.sar[None].astype(np.float32), None, sample.sar_unit
        )
        right += [predictor.answer(view, q.text).answer == q.answer for q in sample.questions]
    # 115 or so questions: two standard errors are nine points.
    assert np.mean(right) >= predictor.card.metrics["OA"] - 0.12
