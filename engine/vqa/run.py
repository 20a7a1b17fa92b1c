"""One recipe from start to finish: render scenes, train, calibrate, score on held-out scenes, write the model."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from engine import __version__
from engine.catalog import ModelCard, file_sha256
from engine.catalog.card import CARD_VERSION, PretrainedPart, TrainingData, write_card
from engine.nn import text
from engine.nn.text import TextEncoder
from engine.nn.weights import load_weights, save_weights
from engine.scenes import WORLD_VERSION
from engine.text import ANSWERS, ANSWERS_VERSION, QUESTION_TYPES
from engine.training import TrainingResult, train
from engine.training.checkpoint import read_tensors
from engine.vqa.build import build_network
from engine.vqa.dense_loss import TrainedTgfnet
from engine.vqa.evaluation import evaluate_model, fit_temperature, score
from engine.vqa.guess import guess_metrics
from engine.vqa.model import Tgfnet
from engine.vqa.recipe import VqaRecipe
from engine.vqa.scene_data import SPLIT_SEEDS, SceneSet, SceneSetSpec, render_set
from engine.vqa.task import QuestionTable, SceneQuestionTask

Report = Callable[[dict[str, Any]], None]
TEST_SPLIT = "scenes, seeds from {first}, held-out wordings"
LIMITS = (
    "Trained on synthetic scenes alone: on real imagery its answers are suggestions, to be checked.",
    f"It knows {len(QUESTION_TYPES)} kinds of question ({', '.join(QUESTION_TYPES)}) and English wordings.",
    "Objects smaller than a few pixels of the 224 px square are not seen; ask about a smaller area.",
)

LEARNED_MARGIN = 0.1
"""A type of question counts as learned if it beats the guess by this much."""


@dataclass(frozen=True, slots=True)
class RecipeResult:
    """``model`` is the folder with weights and card, None where the run was stopped before its end."""

    training: TrainingResult
    model: Path | None
    card: ModelCard | None


def train_recipe(
    recipe: VqaRecipe, out: Path, *, command: str, resume: bool = False, report: Report | None = None
) -> RecipeResult:
    """Run ``recipe`` into ``out``: rendered sets in ``data/``, the run's log and checkpoints, the model in ``model/``.

    ``report`` hears events of all stages. A stopped run can be resumed with the same recipe.
    """
    tell = report or (lambda event: None)
    out.mkdir(parents=True, exist_ok=True)
    training = scene_set(recipe, "train", out, tell)
    validation = scene_set(recipe, "validation", out, tell)
    encoder = TextEncoder(max_tokens=recipe.model.max_tokens)
    torch.manual_seed(recipe.train.seed)
    model = TrainedTgfnet(build_network(recipe.model), recipe.model.width)
    task = SceneQuestionTask(
        model, recipe.model, recipe.preprocess, recipe.batch, training, validation, encoder, recipe.train.device
    )
    result = train(task, recipe.train, out, resume=resume, report=report)
    if not result.finished:
        return RecipeResult(result, None, None)
    card = finish(recipe, result, out, encoder, training, validation, command=command, tell=tell)
    return RecipeResult(result, out / "model", card)


def scene_set(recipe: VqaRecipe, split: str, out: Path, tell: Report) -> SceneSet:
    """The rendered set of one split, below ``out/data`` or in memory, as the recipe says."""
    data = recipe.data
    spec = SceneSetSpec(
        first_seed=SPLIT_SEEDS[split],
        count={"train": data.train_scenes, "validation": data.validation_scenes, "test": data.test_scenes}[split],
        wording="held-out" if split == "test" else "train",
        questions_per_type=data.questions_per_type if split == "train" else data.exam_questions_per_type,
        view_px=data.view_px,
        size_px=recipe.model.image_size,
        grid=recipe.model.grid,
    )
    return render_set(
        spec,
        recipe.preprocess,
        None if data.keep == "memory" else out / "data" / split,
        workers=data.workers,
        report=lambda done, of: tell({"kind": "rendering", "split": split, "step": done, "steps": of}),
    )


def finish(
    recipe: VqaRecipe,
    result: TrainingResult,
    out: Path,
    encoder: TextEncoder,
    training: SceneSet,
    validation: SceneSet,
    *,
    command: str,
    tell: Report,
) -> ModelCard:
    """Round the best weights as they are stored, then calibrate and score them; write the card."""
    tell({"kind": "scoring"})
    tensors, _ = read_tensors(result.best)
    trained = TrainedTgfnet(build_network(recipe.model), recipe.model.width)
    trained.load_state_dict(tensors)
    model = trained.network
    weights = save_weights(model, out / "model")
    load_weights(model, weights)
    model.eval().to(recipe.train.device)
    temperature = calibrate(model, recipe, validation, encoder)
    test = scene_set(recipe, "test", out, tell)
    table = QuestionTable(test.questions, encoder)
    metrics = evaluate_model(
        model, test, table, recipe.model, recipe.preprocess, temperature, device=recipe.train.device
    )
    learned = QuestionTable(training.questions, encoder)
    guess = guess_metrics(training.questions, learned, test.questions, table, answers=recipe.model.answers)
    card = replace(
        draft_card(recipe, training, command),
        temperature=temperature,
        metrics_split=TEST_SPLIT.format(first=SPLIT_SEEDS["test"]),
        metrics=metrics,
        guess=guess,
        limits=limits_of(metrics, guess),
        sha256=file_sha256(weights),
        size_bytes=weights.stat().st_size,
    )
    write_card(card, out / "model")
    tell({"kind": "scored", "OA": metrics["OA"], "AA": metrics["AA"], "guess": guess["OA"]})
    return card


def limits_of(metrics: dict[str, Any], guess: dict[str, Any]) -> tuple[str, ...]:
    """What a user has to know of a model's weaknesses; question types that it did not learn are named."""
    blind = [
        f"Questions of the type “{kind}” are answered no better than by a guess ({accuracy:.0%} right, the guess "
        f"{guess['per_type'][kind]:.0%})."
        for kind, accuracy in metrics["per_type"].items()
        if accuracy < guess["per_type"][kind] + LEARNED_MARGIN
    ]
    return (*LIMITS, *blind)


def calibrate(model: Tgfnet, recipe: VqaRecipe, validation: SceneSet, encoder: TextEncoder) -> float:
    """The temperature fitted on the validation split."""
    table = QuestionTable(validation.questions, encoder)
    return fit_temperature(score(model, validation, table, recipe.model, recipe.preprocess, device=recipe.train.device))


def draft_card(recipe: VqaRecipe, training: SceneSet, command: str) -> ModelCard:
    """The card without what is measured."""
    head = recipe.recipe
    # The view is shrunk to the network's square, so a pixel there is that much wider on the ground.
    zoom = recipe.data.view_px / recipe.model.image_size
    return ModelCard(
        card_version=CARD_VERSION,
        name=head.name,
        task=head.task,
        preset=head.preset,
        summary=head.summary,
        licence=head.licence,
        config=recipe.model.as_json(),
        preprocess=recipe.preprocess.as_json(),
        answers=ANSWERS,
        answers_version=str(ANSWERS_VERSION),
        temperature=1.0,
        trained_gsd_m=(round(min(training.gsd_m) * zoom, 2), round(max(training.gsd_m) * zoom, 2)),
        training_data=TrainingData(
            name=f"engine.scenes of rsqa-desktop {__version__}, seeds from {SPLIT_SEEDS['train']}",
            licence="Apache-2.0 (generated)",
            samples=len(training.weather),
            world=str(WORLD_VERSION),
        ),
        pretrained=(
            PretrainedPart(text.NAME, "text encoder, frozen", text.REVISION, text.LICENCE, dict(text.FILES_SHA256)),
        ),
        recipe={key: value for key, value in asdict(recipe).items() if key in ("data", "batch", "train")},
        command=command,
        seed=recipe.train.seed,
        versions={"rsqa-desktop": __version__, "torch": str(torch.__version__), "python": platform.python_version()},
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics_split="",
        metrics={},
        guess={},
        sha256="",
        size_bytes=0,
    )
