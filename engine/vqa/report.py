"""What ``rsqa evaluate`` says of a TGFNet: scores on held-out scenes beside the guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.catalog import find_model, read_card, verify_weights
from engine.nn.text import TextEncoder
from engine.nn.weights import load_weights
from engine.scenes import WORLD_VERSION
from engine.text import ANSWERS
from engine.vqa.build import build_network
from engine.vqa.evaluation import evaluate_model
from engine.vqa.guess import guess_metrics
from engine.vqa.predictor import check_card
from engine.vqa.preprocess import PreprocessSpec
from engine.vqa.scene_data import SPLIT_SEEDS, SceneSetSpec, render_set
from engine.vqa.task import QuestionTable


def evaluate_on_scenes(
    name_or_path: str, data: Path, scenes: int, guess_scenes: int, *, workers: int = 1
) -> dict[str, Any]:
    """``metrics``, ``guess`` and ``subsets`` of one model on the test split. Scenes are rendered into ``data``.

    Scenes are of the world that this program makes; ``trained_on_world`` tells which one the weights know. A question
    whose answer is not in the weights' vocabulary counts as answered wrongly. Raises ModelNotFound or ModelDamaged.
    """
    folder = find_model(name_or_path)
    card = read_card(folder)
    config = check_card(card)
    preprocess = PreprocessSpec.from_json(card.preprocess)
    model = build_network(config)
    load_weights(model, verify_weights(folder, card))
    encoder = TextEncoder(max_tokens=config.max_tokens)
    sets = {}
    for split, count, per_type in (("test", scenes, 1), ("train", guess_scenes, 3)):
        spec = SceneSetSpec(
            first_seed=SPLIT_SEEDS[split],
            count=count,
            wording="held-out" if split == "test" else "train",
            questions_per_type=per_type,
            view_px=256,
            size_px=config.image_size,
            grid=config.grid,
        )
        # Not data/test or data/train: in a run's folder those are the run's own sets, of other sizes.
        sets[split] = render_set(spec, preprocess, data / f"evaluate-{split}", workers=workers)
    test, train = sets["test"].questions, sets["train"].questions
    asked = QuestionTable(test, encoder, card.answers)
    metrics = evaluate_model(model, sets["test"], asked, config, preprocess, card.temperature)
    subsets = metrics.pop("subsets")
    test_table, train_table = QuestionTable(test, encoder), QuestionTable(train, encoder)
    guess = guess_metrics(train, train_table, test, test_table, answers=len(ANSWERS))
    split_name = f"scenes, seeds from {SPLIT_SEEDS['test']}, held-out wordings"
    worlds = {"world": str(WORLD_VERSION), "trained_on_world": card.training_data.world}
    return {"model": card.name, "split": split_name, **worlds, "metrics": metrics, "guess": guess, "subsets": subsets}
