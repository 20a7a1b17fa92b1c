"""One recipe from start to finish: data, encoders, network, training, calibration, scores, report, the model's folder.

Every stage goes on where it was stopped: sets and image tokens are found again below the run's folder, training resumes
from its checkpoint, and what comes after it is short and made again. The card is written last: a run with a card is
finished.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from engine import __version__
from engine.catalog import CARD_FILE, MODEL_FOLDER, ModelCard, file_sha256, read_card
from engine.catalog.card import CARD_VERSION, TrainingData, write_card
from engine.errors import UsageError
from engine.nn.weights import load_weights, save_weights
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.scenes import WORLD_VERSION
from engine.text import ANSWERS_VERSION
from engine.training import TrainingResult, folder_locked, is_main_process, train
from engine.training.checkpoint import CHECKPOINT_FILE, read_tensors
from engine.training.processes import main_process_first
from engine.training.settings import FREE_TO_CHANGE
from engine.vqa.calibration import PROBE_QUESTIONS, Calibration, fit_calibration, fit_probe
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.drawing import sensors_present
from engine.vqa.data.question_set import QuestionSet, types_of
from engine.vqa.data.table import UNKNOWN_ANSWER
from engine.vqa.evaluation import card_metrics, evaluate_set, pooled_text, score
from engine.vqa.materials import SPLITS, Materials
from engine.vqa.network import VqaNetwork
from engine.vqa.recipe import VqaRecipe, without_paths
from engine.vqa.report import cut_notes, pick_examples, write_report
from engine.vqa.scored import Scored
from engine.vqa.task import TrainedVqa, VqaTask
from engine.vqa.tuning import (
    clip_towers,
    copy_architecture,
    named_clip,
    pretrained_parts,
    tuned_network,
    whole_network,
)

if TYPE_CHECKING:
    from engine.nn.clip import ClipTowers

Report = Callable[[dict[str, Any]], None]
REPORT_FOLDER = "report"

LEARNED_MARGIN = 0.1
"""A type of question counts as learned if it beats the guess by this much."""


@dataclass(frozen=True, slots=True)
class RecipeResult:
    """``model`` is the folder with weights and card, ``report`` that of the test's report; None before the end.

    ``training`` is None where the run had been finished before. Of several processes only the main one has a card.
    """

    training: TrainingResult | None
    model: Path | None = None
    report: Path | None = None
    card: ModelCard | None = None

    @property
    def stopped(self) -> bool:
        """Whether somebody stopped the training before its end."""
        return self.training is not None and not self.training.finished


def train_recipe(
    recipe: VqaRecipe,
    out: Path,
    *,
    command: str,
    resume: bool = False,
    report: Report | None = None,
    materials: Materials | None = None,
) -> RecipeResult:
    """Run ``recipe`` into ``out``: sets in ``data/``, the log and checkpoints, ``report/``, the model in ``model/``.

    ``resume`` goes on with the run in ``out`` wherever it was stopped; a finished one is not repeated. ``materials``
    are shared with other runs, else they lie in ``out``. ``report`` hears events of all stages, in the main process.
    Raises UsageError for a folder with another run, or one that another process works in; see also
    :func:`engine.training.train`.
    """
    with folder_locked(out):
        if (out / MODEL_FOLDER / CARD_FILE).is_file():
            return _finished_before(recipe, out, resume=resume)
        return _trained(recipe, out, command, resume, report, materials)


def _trained(
    recipe: VqaRecipe, out: Path, command: str, resume: bool, report: Report | None, materials: Materials | None
) -> RecipeResult:
    """What is left to do of a run that is not finished, in a folder that is this process's alone."""
    tell = report if report is not None and is_main_process() else _say_nothing
    with main_process_first(recipe.train):  # what it makes, the others find
        run = _Run(recipe, materials or Materials(out, tell), tell)
    result = train(
        run.task,
        run.settings,
        out,
        resume=resume and (out / CHECKPOINT_FILE).is_file(),
        report=report,
        recipe=recipe_tables(recipe, bound=True),
    )
    if not result.finished or not is_main_process():
        return RecipeResult(result)
    card = run.finish(result.best, out, command)
    return RecipeResult(result, out / MODEL_FOLDER, out / REPORT_FOLDER, card)


def _say_nothing(event: dict[str, Any]) -> None:
    """In place of a report that nobody asked for."""


def recipe_tables(recipe: VqaRecipe, *, bound: bool = False) -> dict[str, Any]:
    """The recipe as JSON tables, for cards and checkpoints, without paths of this machine.

    ``bound`` leaves out what a run may change when it goes on: where and how it computes, and the loop's own settings.
    """
    tables: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    tables = without_paths(tables)
    if bound:
        del tables["train"], tables["epochs"], tables["data"]["workers"], tables["data"]["keep"]
    return tables


class _Run:
    """What one run has in hand: its data, its network, and the way to a model."""

    def __init__(self, recipe: VqaRecipe, materials: Materials, tell: Report) -> None:
        """Read or make all that training needs. All three sets come first: what is wrong with one shows early."""
        self.recipe, self.materials, self.tell = recipe, materials, tell
        self.training, self.validation, self.test = (materials.question_set(recipe, split) for split in SPLITS)
        self.answers = self.training.vocabulary
        self.config: TgfnetConfig = replace(recipe.model, answers=len(self.answers))
        for views in (self.training, self.validation, self.test):
            require_its_sensor(views, self.config)
        self.clip: ClipTowers | None = clip_towers(self.config)
        self.settings = recipe.settings(int((self._table("train").answer != UNKNOWN_ANSWER).sum()))
        network = tuned_network(recipe, self.config, self.answers, self.clip)
        learns_patches = self.training.patches is not None and recipe.tune.backbone != "frozen"
        trained = TrainedVqa(
            network,
            patch_width=self.config.width if learns_patches and recipe.batch.patch_weight else 0,
            patch_weight=recipe.batch.patch_weight,
            label_smoothing=recipe.batch.label_smoothing,
        )
        self.task = VqaTask(
            trained,
            self.config,
            recipe.preprocess,
            recipe.batch,
            self.training,
            self.validation,
            materials.reader(self.config, self.clip),
            self.answers,
            seed=recipe.train.seed,
            steps=self.settings.steps,
            backbone_rate=recipe.tune.backbone_rate if recipe.tune.backbone == "full" else 1.0,
            features=self._features("train", network),
            validation_features=self._features("validation", network),
            tables=(self._table("train"), self._table("validation")),
        )

    def finish(self, best: Path, out: Path, command: str) -> ModelCard:
        """Round the best weights as they are stored, calibrate and score them, report; the card comes last."""
        tensors, _ = read_tensors(best)
        self.task.model.load_state_dict(tensors)
        network = whole_network(self.task.model.network, self.recipe)
        weights = save_weights(network, out / MODEL_FOLDER)
        load_weights(network, weights)
        network.eval().to(self.recipe.train.device)
        calibration = self._calibrate(network)
        card = replace(
            self._draft(command),
            sha256=file_sha256(weights),
            size_bytes=weights.stat().st_size,
            **calibration.save(out / MODEL_FOLDER),
        )
        card = replace(card, extra_files=card.extra_files | copy_architecture(self.config, out / MODEL_FOLDER))
        card = self._scored(card, network, calibration, out / REPORT_FOLDER)
        write_card(card, out / MODEL_FOLDER)
        self.tell({"kind": "scored", "OA": card.metrics["OA"], "AA": card.metrics["AA"], "guess": card.guess["OA"]})
        return card

    def _calibrate(self, network: VqaNetwork) -> Calibration:
        self.tell({"kind": "stage", "stage": "calibrating on the validation set"})
        scored = self._score(network, self.validation, "validation")
        kinds = [question.type for question in self.validation.questions]
        # The probe learns from training questions: there are more, and on those it has learned from it would err less
        # than it will later, so that thresholds fitted on what it tells of them would be too low.
        table, asked = self._table("train"), self.training.questions
        some = torch.linspace(0, len(asked) - 1, min(len(asked), PROBE_QUESTIONS)).round().long()
        text = table.pooled(network.text_tower)[table.text_row[some]]
        probe = fit_probe(text, [asked[index].type for index in some.tolist()])
        return fit_calibration(scored, kinds, pooled_text(self._table("validation"), network), probe=probe)

    def _scored(self, card: ModelCard, network: VqaNetwork, calibration: Calibration, folder: Path) -> ModelCard:
        """Score the test set and write its report; the card with the figures."""
        recipe, table = self.recipe, self._table("test")
        scored = self._score(network, self.test, "test")
        evaluation = evaluate_set(
            network, self.test, table, self.config, recipe.preprocess, calibration, self.answers,
            device=recipe.train.device, features=self._features("test", network), scored=scored, report=self._share,
        )  # fmt: skip
        guess = self.materials.guess(recipe, self.answers, self.clip, network)
        self.tell({"kind": "stage", "stage": "writing the report"})
        examples = pick_examples(
            network, self.test, table, self.config, recipe.preprocess, calibration, self.answers, scored,
            device=recipe.train.device,
        )  # fmt: skip
        limits = limits_of(recipe, self.training, evaluation["metrics"], guess)
        write_report(
            folder, evaluation, guess, model=card.name, split=self.test.about, dataset=dataset_name(recipe),
            facts=report_facts(card), notes=(*limits, *cut_notes(table)), examples=examples,
        )  # fmt: skip
        metrics = card_metrics(evaluation)
        return replace(card, metrics_split=self.test.about, metrics=metrics, guess=guess, limits=limits)

    def _score(self, network: VqaNetwork, views: QuestionSet, split: str) -> Scored:
        return score(
            network, views, self._table(split), self.config, self.recipe.preprocess,
            device=self.recipe.train.device, features=self._features(split, network),
            report=lambda share: self._share(f"scoring the {split} set", share),
        )  # fmt: skip

    def _table(self, split: str) -> Any:
        return self.materials.table(self.recipe, split, self.answers, self.clip)

    def _features(self, split: str, network: VqaNetwork) -> Any:
        return self.materials.features(self.recipe, self.config, network, split)

    def _share(self, stage: str, share: float) -> None:
        self.tell({"kind": "working", "stage": stage, "done": round(100 * share), "of": 100})

    def _draft(self, command: str) -> ModelCard:
        """The card without what is measured."""
        recipe, head = self.recipe, self.recipe.recipe
        scenes = recipe.data.source == "scenes"
        return ModelCard(
            card_version=CARD_VERSION,
            name=head.name,
            task=head.task,
            preset=head.preset,
            summary=head.summary,
            licence=head.licence,
            config=named_clip(self.config).as_json(),
            preprocess=recipe.preprocess.as_json(),
            answers=self.answers,
            answers_version=str(ANSWERS_VERSION) if scenes else "",
            temperature=1.0,
            trained_gsd_m=trained_gsd(recipe, self.training),
            training_data=TrainingData(
                name=f"engine.scenes of rsqa-desktop {__version__}: {self.training.about}"
                if scenes
                else self.training.about,
                licence="Apache-2.0 (generated)" if scenes else "as the data set's",
                samples=len(self.training),
                world=str(WORLD_VERSION) if scenes else "",
            ),
            pretrained=pretrained_parts(recipe, self.clip),
            recipe=recipe_tables(recipe),
            command=command,
            seed=recipe.train.seed,
            versions={
                "rsqa-desktop": __version__,
                "torch": str(torch.__version__),
                "python": platform.python_version(),
            },
            created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
            metrics_split="",
            metrics={},
            guess={},
            sha256="",
            size_bytes=0,
        )


def require_its_sensor(views: QuestionSet, config: TgfnetConfig) -> None:
    """Raises UsageError where no view has data of the one sensor that the network looks at: it would learn to guess."""
    if config.sensors == "both" or sensors_present(views)[:, SENSORS.index(config.sensors)].any():
        return
    raise UsageError(
        f"The network looks at {SENSOR_SAID[config.sensors]} images only, and {views.about} has none.",
        remedy="Set model.sensors to both or to the other sensor, or take other data.",
    )


def dataset_name(recipe: VqaRecipe) -> str:
    """The short name of the data in reports: "scenes", or the layout of a folder."""
    if recipe.data.source == "scenes":
        return recipe.data.source
    from engine.datasets.table import recognise_layout

    return recognise_layout(Path(recipe.data.folder))


def report_facts(card: ModelCard) -> dict[str, str]:
    """What stands under a report's tables: how the model was made."""
    data = card.training_data
    return {
        "command": card.command,
        "trained on": f"{data.name}: {data.samples} views",
        "seed": str(card.seed),
        "parts of others": "; ".join(f"{part.name} ({part.role}, {part.licence})" for part in card.pretrained)
        or "none",
        "software": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
        "made": card.created_utc,
    }


def trained_gsd(recipe: VqaRecipe, training: QuestionSet) -> tuple[float, float]:
    """Least and most metres per pixel at the network's input; (0, 0) where neither pictures nor recipe tell."""
    known = [gsd for gsd in training.gsd_m if gsd is not None]
    if known:
        return round(min(known), 2), round(max(known), 2)
    return recipe.data.gsd_m or (0.0, 0.0)


def limits_of(
    recipe: VqaRecipe, training: QuestionSet, metrics: dict[str, Any], guess: dict[str, Any]
) -> tuple[str, ...]:
    """What a user has to know of a model's weaknesses; question types that it did not learn are named."""
    kinds = types_of(training.questions)
    blind = [
        f"{kind} ({accuracy:.0%}, the guess {guess['per_type'][kind]:.0%})"
        for kind, accuracy in metrics["per_type"].items()
        if accuracy < guess["per_type"][kind] + LEARNED_MARGIN
    ]
    synthetic = "Trained on synthetic scenes alone: on real imagery its answers are suggestions, to be checked."
    return (
        *([synthetic] if recipe.data.source == "scenes" else []),
        f"It knows {len(kinds)} kinds of question ({', '.join(kinds)}) and English wordings.",
        f"Objects smaller than a few pixels of the {recipe.model.image_size} px square are not seen; ask about a "
        "smaller area.",
        *([f"Answered hardly better than by a guess: {', '.join(blind)}."] if blind else []),
    )


def _same_run(card: ModelCard, recipe: VqaRecipe) -> bool:
    """Whether the card is of a run of this recipe, wherever and however it was computed."""
    stored, asked = dict(card.recipe), recipe_tables(recipe)
    free = FREE_TO_CHANGE - {"steps"}
    for tables in (stored, asked):
        tables["train"] = {name: v for name, v in tables.get("train", {}).items() if name not in free}
        tables["data"] = {name: v for name, v in tables.get("data", {}).items() if name not in ("workers", "keep")}
    return stored == asked


def _finished_before(recipe: VqaRecipe, out: Path, *, resume: bool) -> RecipeResult:
    card = read_card(out / MODEL_FOLDER)
    if not resume or not _same_run(card, recipe):
        raise UsageError(
            f"There is a finished run in {out} already, its model {card.name} in {out / MODEL_FOLDER}.",
            remedy="Name another folder for a new run.",
        )
    return RecipeResult(None, out / MODEL_FOLDER, out / REPORT_FOLDER, card)
