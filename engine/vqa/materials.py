"""What TGFNet's runs are made of: question sets, texts as tensors, image tokens of a frozen encoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.nn.text import TextEncoder
from engine.scenes import SPLIT_SEEDS
from engine.text import Wording
from engine.training.materials import KeptMaterials, digest
from engine.training.trainer import Tell
from engine.vqa.config import CLIP, TgfnetConfig
from engine.vqa.data.features import FeatureCache, weights_digest
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.data.scenes import SceneSetSpec, render_set
from engine.vqa.data.table import FeatureEncoder, Numberer, QuestionTable
from engine.vqa.guess import guess_metrics
from engine.vqa.network import VqaNetwork
from engine.vqa.recipe import VqaRecipe

if TYPE_CHECKING:
    from engine.datasets.dataset import DataSet
    from engine.nn.clip import ClipTowers


class Materials(KeptMaterials):
    """Makes and keeps what recipes need, below ``folder``; ``tell`` hears how far it is."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        super().__init__(folder, tell)
        self._sets: dict[Any, QuestionSet] = {}
        self._readers: dict[Any, FeatureEncoder | Numberer] = {}
        self._tables: dict[Any, QuestionTable] = {}
        self._features: dict[Any, FeatureCache] = {}
        self._guesses: dict[Any, dict[str, Any]] = {}

    def question_set(self, recipe: VqaRecipe, split: str) -> QuestionSet:
        """The set of a split (``engine.training.materials.SPLITS``). Raises UsageError or DataSetUnreadable."""
        key = _set_key(recipe, split)
        if key not in self._sets:
            place = self.place(recipe.data, f"data/{split}-{digest(key)}")
            if recipe.data.source == "scenes":
                made = _rendered(recipe, split, place, self.counted(f"rendering the {split} set"))
            else:
                report = self.counted(f"reading the {split} set")
                made = _read(self._annotations(recipe), recipe, split, place, report)
            self._sets[key] = made
            self.note_left_out(f"{split} set", made.left_out)
        return self._sets[key]

    def reader(self, config: TgfnetConfig, clip: ClipTowers | None) -> FeatureEncoder | Numberer:
        """What reads questions: a frozen text encoder, or the tokenizer of a text tower that is trained."""
        key = (config.text_encoder, config.clip_model, config.clip_weights, config.clip_stored, config.max_tokens)
        if key not in self._readers:
            self._readers[key] = _text_reader(config, clip)
        return self._readers[key]

    def table(self, recipe: VqaRecipe, split: str, answers: tuple[str, ...], clip: ClipTowers | None) -> QuestionTable:
        """The questions of a split as :meth:`reader` reads them."""
        reader = self.reader(recipe.model, clip)
        views = self.question_set(recipe, split)
        key = (_set_key(recipe, split), answers, id(reader))
        if key not in self._tables:
            self._tell({"kind": "stage", "stage": f"encoding the texts of the {split} set"})
            self._tables[key] = made = QuestionTable(views.questions, reader, answers)
            if said := cut_note(made):
                self._tell({"kind": "note", "text": f"Of the {split} set, {said}"})
        return self._tables[key]

    def features(self, recipe: VqaRecipe, config: TgfnetConfig, network: VqaNetwork, split: str) -> FeatureCache | None:
        """The image tokens of a split, None where the recipe tunes the encoder or keeps none."""
        if recipe.tune.backbone != "frozen" or not recipe.tune.cache:
            return None
        views = self.question_set(recipe, split)
        key = (weights_digest(network.vision), _set_key(recipe, split))
        if key not in self._features:
            place = self.place(recipe.data, f"features/{split}-{digest(key)}")
            report = self.counted(f"encoding the pictures of the {split} set")
            self._features[key] = FeatureCache.build(
                network, views, config, recipe.preprocess, place, device=recipe.train.device, report=report
            )
        return self._features[key]

    def guess(
        self, recipe: VqaRecipe, answers: tuple[str, ...], clip: ClipTowers | None, network: VqaNetwork
    ) -> dict[str, Any]:
        """What one scores on the test set without looking (``engine.vqa.guess``), as JSON."""
        tables = [self.table(recipe, split, answers, clip) for split in ("train", "test")]
        key = (id(tables[0]), id(tables[1]))
        # A tuned tower reads the texts in its own way in each run.
        if network.text_tower is not None or key not in self._guesses:
            training, test = (self.question_set(recipe, split).questions for split in ("train", "test"))
            self._guesses[key] = guess_metrics(
                training, tables[0], test, tables[1], answers=len(answers), tower=network.text_tower
            )
        return self._guesses[key]

    def _annotations(self, recipe: VqaRecipe) -> DataSet:
        # Only what reads pictures from files brings the raster library.
        from engine.vqa.data.folders import read_folder

        return self.annotations(recipe.data.folder, read_folder)


def cut_note(table: QuestionTable) -> str:
    """How many questions were too long to be read whole, as the rest of a sentence; "" where none was."""
    cut = table.cut_questions()
    if not cut:
        return ""
    questions = sum(one.questions for one in cut)
    return (
        f"{questions:,} of {len(table):,} questions are too long and lose their last words; the first: “{cut[0].text}”"
    )


def _rendered(recipe: VqaRecipe, split: str, place: Path | None, report: Callable[[int, int], None]) -> QuestionSet:
    """The scenes of a split. Held-out wordings are the test's alone.

    Validation is asked in the wordings of training, although weights are chosen and calibrated on it: what the held-out
    wordings cost is to be measured, so nothing may be fitted to them. What calibration promises holds for the training
    wordings, therefore; reports measure how much of it is left in others.
    """
    data = recipe.data
    wording: Wording = "held-out" if split == "test" else "train"
    spec = SceneSetSpec(
        first_seed=SPLIT_SEEDS[split],
        count=data.scenes(split),
        wording=wording,
        questions_per_type=data.questions_per_type if split == "train" else data.exam_questions_per_type,
        view_px=data.view_px,
        size_px=recipe.model.image_size,
        grid=recipe.model.grid,
        variants=data.variants if split == "train" else (),
    )
    return render_set(spec, recipe.preprocess, place, workers=data.workers, report=report)


def _read(
    annotations: DataSet, recipe: VqaRecipe, split: str, place: Path | None, report: Callable[[int, int], None]
) -> QuestionSet:
    from engine.vqa.data.folders import folder_set

    data = recipe.data
    return folder_set(
        annotations,
        split,
        recipe.preprocess,
        recipe.model,
        place,
        # A picture from a file as it is stands for the clear one.
        variants=[weather for weather in data.variants if weather != "clear"] if split == "train" else (),
        workers=data.workers,
        report=report,
    )


def _text_reader(config: TgfnetConfig, clip: ClipTowers | None) -> FeatureEncoder | Numberer:
    if config.text_encoder != CLIP or clip is None:
        return TextEncoder(max_tokens=config.max_tokens)
    from engine.nn.clip import ClipTextEncoder, ClipTokenizer

    tokenizer = ClipTokenizer(config.max_tokens)
    return tokenizer if config.clip_stored else ClipTextEncoder(clip.text, tokenizer)


def _set_key(recipe: VqaRecipe, split: str) -> tuple[object, ...]:
    """What decides the pictures and questions of a split; how many processes make them, and where, does not."""
    data = replace(recipe.data, workers=1, keep="disk")
    return split, data, recipe.preprocess, recipe.model.image_size, recipe.model.patch
