"""A run before its first step: what it refuses, and what it counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.catalog.recipe_files import recipe_path
from engine.errors import UsageError
from engine.training import folder_locked
from engine.training.materials import SPLITS
from engine.training.run import train_recipe
from engine.training.study import load_study, run_study
from engine.vqa.data import folders
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.materials import Materials
from engine.vqa.recipe import VqaRecipe
from engine.vqa.run import TgfnetRun
from tests.engine.datasets.fabricate.osvqa import fabricate
from tests.engine.vqa.data.sets import noise_set
from tests.engine.vqa.recipes import FEW_STEPS, tiny_recipe
from tests.engine.vqa.tiny import CONFIG, WordHashes

SIZES = (
    f"model.image_size={CONFIG.image_size}", "model.width=32", "model.heads=4", "model.stem_channels=[16, 16]",
    "model.kept_regions=2", "model.neighbours=3", f"model.text_width={CONFIG.text_width}", "batch.patch_weight=0",
)  # fmt: skip


class Given(Materials):
    """Sets of noise, and words by their hashes."""

    def __init__(self, views: QuestionSet) -> None:
        super().__init__(None, lambda event: None)
        self.views = views

    def question_set(self, recipe, split):
        return self.views

    def reader(self, config, clip):
        return self._readers.setdefault("words", WordHashes())


def opened(views: QuestionSet, *changes: str) -> TgfnetRun:
    recipe: VqaRecipe = tiny_recipe("tgfnet_compact_scenes", *FEW_STEPS, *SIZES, *changes)
    return TgfnetRun(recipe, Given(views), lambda event: None)


@pytest.mark.parametrize("sensor", ["optical", "sar"])
def test_a_network_of_one_sensor_is_not_trained_on_data_without_it(sensor):
    alone = ("model.network=single", "model.fusion=add", f"model.sensors={sensor}")
    views = noise_set()
    nothing = np.zeros((len(views), CONFIG.image_size, CONFIG.image_size), bool)
    blind = replace(views, **{f"{sensor}_valid": nothing})
    with pytest.raises(UsageError, match="noise has none") as refused:
        opened(blind, *alone)
    assert "model.sensors" in refused.value.remedy
    assert opened(views, *alone).config.sensors == sensor
    assert opened(blind).config.sensors == "both"


def test_an_epoch_counts_the_questions_that_can_be_trained_on():
    """24 questions, of which the vocabulary knows the answers of half; 4 are asked in a step."""
    views = noise_set(views=4, questions=6)
    epochs = ("train.epochs=2", "batch.views=2", "batch.questions=2")
    assert opened(views, *epochs).settings.steps == 2 * 6
    half = opened(replace(views, closed_answers=("yes", "maybe")), *epochs)
    assert half.settings.steps == half.task._steps == 2 * 3


def test_encoders_tuned_in_full_learn_at_their_own_rate():
    task = opened(noise_set(), "tune.backbone_rate=0.1").task
    ((factor, parameters),) = task.groups()
    assert factor == 0.1
    assert {id(p) for p in parameters} == {id(p) for p in task.model.network.vision.parameters()}
    with pytest.raises(UsageError, match="cannot learn"):
        opened(noise_set(), "tune.backbone_rate=0")


def test_a_folder_that_another_process_works_in_is_refused(tmp_path):
    recipe = tiny_recipe()
    study = load_study(recipe_path("table_iv"), data="scenes", base="tgfnet_compact_scenes")
    with folder_locked(tmp_path):
        with pytest.raises(UsageError, match="Another process"):
            train_recipe(recipe, tmp_path, command="test", resume=True)
        with pytest.raises(UsageError, match="Another process"):
            run_study(study, tmp_path, command="test")


def test_annotations_are_read_once_for_all_splits(tmp_path, monkeypatch):
    (tmp_path / "osvqa").mkdir()
    fabricate(tmp_path / "osvqa")
    read, said = [], []
    own = folders.read_folder
    monkeypatch.setattr(folders, "read_folder", lambda folder: (read.append(folder), own(folder))[1])
    recipe = tiny_recipe(data=str(tmp_path / "osvqa"))
    materials = Materials(tmp_path / "run", said.append)
    sets = [materials.question_set(recipe, split) for split in SPLITS]
    assert read == [tmp_path / "osvqa"]
    assert len({views.key for views in sets}) == 3
    assert all(views.questions for views in sets)
