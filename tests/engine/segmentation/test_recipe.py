"""LGCE's recipes and studies: what ships is whole, says what the paper says, and fits the paper's tables."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from engine.catalog import TASKS
from engine.catalog.recipe_files import recipe_folder, recipe_path
from engine.errors import UsageError
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.losses import LossWeights
from engine.segmentation.published import lgce_table
from engine.segmentation.recipe import SegmentationRecipe, recipe_of
from engine.training.recipe import changed
from engine.training.study import Study, is_study, load_study
from engine.training.trainer import load_recipe

SHIPPED = sorted(path.stem for path in recipe_folder().glob("lgce_*.toml"))
STUDIES = [name for name in SHIPPED if is_study(recipe_path(name))]
TABLES = {f"lgce_table_{number.lower()}": number for number in ("II", "III", "IV")}

WHOLE = """
[recipe]
name = "one"
task = "segmentation"
preset = "compact"
summary = "For tests."
licence = "none"
[train]
steps = 10
"""


def parsed(*changes: str) -> SegmentationRecipe:
    return recipe_of(changed(tomllib.loads(WHOLE), changes))


def study_of(name: str, *, base: str | None = None, data: str = "somewhere") -> Study:
    return load_study(recipe_path(name), data=data, base=base)


def test_what_ships():
    assert {*TABLES, "lgce_against_lavt", "lgce_sensors"} == set(STUDIES)
    assert {"lgce_compact_scenes", "lgce_small_scenes", "lgce_paper_refsegrs"} == set(SHIPPED) - set(STUDIES)
    assert "segmentation" in TASKS


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in STUDIES])
def test_a_shipped_recipe_is_whole(name):
    recipe = load_recipe(name, data="somewhere")
    assert isinstance(recipe, SegmentationRecipe)
    assert recipe.data.folder.endswith("somewhere")


def test_the_defaults_are_the_compact_preset():
    assert parsed().model == SegmentationConfig.compact()
    assert load_recipe("lgce_compact_scenes").model == SegmentationConfig.compact()


def test_the_papers_recipe_says_what_the_paper_says():
    """Section V-C, and LAVT's where it is silent."""
    recipe = load_recipe("lgce_paper_refsegrs", data="somewhere")
    assert recipe.model == SegmentationConfig.paper()
    assert recipe.loss == LossWeights(background=0.9, foreground=1.1, dice=0.0)
    assert recipe.tune.swin == "published"
    assert (recipe.batch.areas, recipe.batch.expressions, recipe.batch.share) == (8, 1, 1.0)
    train, settings = recipe.train, recipe.settings(2172)
    assert (recipe.epochs, settings.steps) == (40, 40 * 272)
    assert (train.optimiser, train.learning_rate, train.weight_decay) == ("adamw", 5e-5, 0.01)
    assert (train.warmup_steps, train.clip_norm, train.ema_decay) == (0, 0.0, 0.0)
    for step in (0, 1, 5000, settings.steps - 1):
        assert settings.rate(step) == pytest.approx(5e-5 * (1 - step / settings.steps) ** 0.9)


def test_the_papers_recipe_changes_no_picture():
    augment = load_recipe("lgce_paper_refsegrs", data="somewhere").augment
    free = {"least_share", "least_px", "sar_range_db"}
    changes = {name: getattr(augment, name) for name in augment.__dataclass_fields__ if name not in free}
    assert set(changes.values()) == {0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("augment.sar_range_db=30", "preprocess.sar_db"),
        ("augment.flip=1", "flip"),
        ("loss.bx=1", "bx"),
        ("slots.texts=3", "slots"),
        ("model.image_size=333", "32 px"),
        ("batch.share=0", "share"),
        ("batch.areas=0", "trains nothing"),
        ("recipe.task=painting", "painting"),
    ],
)
def test_what_does_not_fit_is_refused(change, said, tmp_path):
    path = tmp_path / "whole.toml"
    path.write_text(WHOLE, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_recipe(str(path), [change])


def test_what_follows_follows():
    assert parsed("preprocess.sar_db=[-30.0, 5.0]").augment.sar_range_db == 35.0


@pytest.mark.parametrize(("name", "number"), TABLES.items())
@pytest.mark.parametrize("base", [None, "lgce_small_scenes"])
def test_a_shipped_study_fits_its_table(name, number, base):
    study = study_of(name, base=base, data="somewhere" if base is None else "scenes")
    assert study.paper == lgce_table(number)
    rows = {(row.name, row.modality) for row in study.paper.rows}
    ours = {("LAVT", ""), ("LGCE", "")} if number == "II" else rows
    assert {run.paper for run in study.head.runs} == ours
    assert len({recipe.recipe.name for recipe in study.recipes.values()}) == len(study.recipes) == len(ours)
    assert {recipe.model.image_size for recipe in study.recipes.values()} == {480 if base is None else 192}


@pytest.mark.parametrize("name", ["lgce_table_iii", "lgce_table_iv"])
def test_ablations_differ_in_one_field_each(name):
    study = study_of(name)
    full = study.recipes["Full Model (LGCE)", 1]
    changes = {
        "Baseline (LAVT)": {"enhancement": False},
        "w/o Language Guidance": {"guidance": False},
        "w/o Cross-scale Fusion": {"cross_scale": False},
        "Full Model (LGCE)": {},
    }
    assert full.model == SegmentationConfig.paper()
    for run, change in changes.items():
        recipe = study.recipes[run, 1]
        assert recipe.model == replace(full.model, **change)
        assert replace(recipe, model=full.model, recipe=full.recipe) == full


def test_table_iv_takes_one_step_whatever_it_is_based_on():
    for base in (None, "lgce_small_scenes"):
        study = study_of("lgce_table_iv", base=base)
        assert {recipe.settings(1000).steps for recipe in study.recipes.values()} == {1}


@pytest.mark.parametrize(
    ("name", "change", "first"),
    [
        ("lgce_against_lavt", {"enhancement": False}, "small and scattered mIoU"),
        ("lgce_sensors", {"sensors": "optical"}, "mostly hidden mIoU"),
    ],
)
def test_studies_of_ours_differ_in_the_network_alone(name, change, first):
    study = study_of(name, data="scenes")
    assert study.head.seeds == (1, 2, 3)
    assert study.paper is None
    assert study.head.columns[0] == first
    one, other = (study.recipes[run.name, 1] for run in study.head.runs)
    assert one.model == replace(other.model, **change)
    assert replace(one, model=other.model, recipe=other.recipe) == other
