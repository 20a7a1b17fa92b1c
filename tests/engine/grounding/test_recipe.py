"""OptiSAR-Net++'s recipes and studies: what ships is whole, says what the paper says, and fits the paper's tables."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from engine.catalog import TASKS
from engine.catalog.recipe_files import recipe_folder, recipe_path
from engine.errors import UsageError
from engine.grounding.config import GroundingConfig
from engine.grounding.losses import LossWeights
from engine.grounding.published import optisar_table
from engine.grounding.recipe import GroundingRecipe, recipe_of
from engine.training.recipe import changed
from engine.training.study import Study, is_study, load_study
from engine.training.trainer import load_recipe

SHIPPED = sorted(path.stem for path in recipe_folder().glob("optisar_*.toml"))
STUDIES = [name for name in SHIPPED if is_study(recipe_path(name))]
TABLES = {f"optisar_table_{number.lower()}": number for number in ("I", "II", "III", "IV", "V", "VI")}

WHOLE = """
[recipe]
name = "one"
task = "grounding"
preset = "compact"
summary = "For tests."
licence = "none"
[train]
steps = 10
"""


def parsed(*changes: str) -> GroundingRecipe:
    return recipe_of(changed(tomllib.loads(WHOLE), changes))


def study_of(name: str, *, base: str | None = None, data: str = "somewhere") -> Study:
    return load_study(recipe_path(name), data=data, base=base)


def test_what_ships():
    whole = {"optisar_compact_scenes", "optisar_small_scenes", "optisar_paper_optsar"}
    assert {*TABLES, "optisar_negatives"} == set(STUDIES)
    assert whole == set(SHIPPED) - set(STUDIES)
    assert "grounding" in TASKS


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in STUDIES])
def test_a_shipped_recipe_is_whole(name):
    recipe = load_recipe(name, data="somewhere")
    assert isinstance(recipe, GroundingRecipe)
    assert recipe.model.texts == recipe.slots.texts


def test_the_defaults_are_the_compact_preset():
    assert parsed().model == GroundingConfig.compact()
    assert load_recipe("optisar_compact_scenes").model == GroundingConfig.compact()


def test_the_papers_recipe_says_what_the_paper_says():
    """Section V-A3, and the design page's facts where its text lost the numbers."""
    recipe = load_recipe("optisar_paper_optsar", data="somewhere")
    assert recipe.model == GroundingConfig.paper()
    assert recipe.loss == LossWeights(box=7.5, cls=0.5, dfl=1.5, region=1.0, balance=1.5, top_k=5, alpha=0.5, beta=6.0)
    assert (recipe.slots.texts, recipe.slots.adversarial, recipe.slots.random) == (20, 0.5, (0, 10))
    assert recipe.slots.kinds == ("direction", "sensor")
    assert recipe.slots.frequent == 200
    train, pictures = recipe.train, 37_460
    settings = recipe.settings(pictures)
    assert (recipe.epochs, recipe.batch.pictures) == (300, 64)
    assert settings.steps == 300 * 586
    assert train.warmup_steps == 3 * 586
    assert (train.optimiser, train.learning_rate, train.weight_decay, train.betas[0]) == ("adamw", 2e-3, 0.025, 0.9)
    assert train.warmup_beta == 0.8
    assert settings.rate(settings.steps) == pytest.approx(2e-3 * 0.01)
    assert recipe.batch.mosaic_until == pytest.approx(290 / 300)
    augment = recipe.augment
    assert (augment.mosaic, augment.translate, augment.scale, augment.flip_horizontal) == (1.0, 0.1, 0.5, 0.5)
    assert (augment.hue, augment.saturation, augment.value) == (0.015, 0.7, 0.4)
    assert (augment.flip_vertical, augment.turn) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("model.texts=3", "slots.texts"),
        ("augment.sar_range_db=30", "preprocess.sar_db"),
        ("slots.adverserial=1", "adverserial"),
        ("loss.bx=1", "bx"),
        ("tune.backbone=frozen", "tune"),
        ("model.image_size=333", "32 px"),
        ("batch.share=0", "share"),
        ("augment.mosaic=2", "mosaic"),
        ("recipe.task=painting", "painting"),
    ],
)
def test_what_does_not_fit_is_refused(change, said, tmp_path):
    path = tmp_path / "whole.toml"
    path.write_text(WHOLE, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_recipe(str(path), [change])


def test_what_follows_follows():
    recipe = parsed("slots.texts=7", "preprocess.sar_db=[-30.0, 5.0]")
    assert recipe.model.texts == 7
    assert recipe.augment.sar_range_db == 35.0


@pytest.mark.parametrize(("name", "number"), TABLES.items())
@pytest.mark.parametrize("base", [None, "optisar_small_scenes"])
def test_a_shipped_study_fits_its_table(name, number, base):
    study = study_of(name, base=base, data="somewhere" if base is None else "scenes")
    assert study.paper == optisar_table(number)
    rows = {(row.name, row.modality) for row in study.paper.rows}
    ours = rows if number in ("V", "VI") else {row for row in rows if row[0] == "OptiSAR-Net++"}
    assert {run.paper for run in study.head.runs} == ours
    assert len({recipe.recipe.name for recipe in study.recipes.values()}) == len(study.recipes) == len(ours)
    assert {recipe.model.image_size for recipe in study.recipes.values()} == {640 if base is None else 256}


def test_table_v_is_built_up_part_by_part():
    """Each row has what the one before has, and one thing more."""
    parts = [
        (r.slots.adversarial > 0, r.model.experts > 0, r.model.fusion, r.model.region)
        for r in study_of("optisar_table_v").recipes.values()
    ]
    assert parts == [
        (False, False, False, False), (True, False, False, False), (True, True, False, False), (True,) * 4,
    ]  # fmt: skip


def test_table_vi_is_what_its_rows_are_called():
    for (name, _), recipe in study_of("optisar_table_vi").recipes.items():
        experts, top_k, patch = name.split(", ")
        assert (recipe.model.experts, recipe.model.top_k) == (int(experts), int(top_k))
        side = {"patch": str(recipe.model.moe_patch), "token": "1", "image": "all"}[recipe.model.routing]
        assert side == patch


def test_shares_and_masks_are_those_of_tables_ii_and_iii():
    shares = {name: r.batch.share for (name, _), r in study_of("optisar_table_ii").recipes.items()}
    masks = {name: r.slots.mask_directions for (name, _), r in study_of("optisar_table_iii").recipes.items()}
    assert shares == {"30 %": 0.3, "60 %": 0.6, "100 %": 1.0}
    assert masks == {"0 %": 0.0, "10 %": 0.1, "30 %": 0.3}


def test_the_study_of_negatives_differs_in_them_alone():
    study = study_of("optisar_negatives", data="scenes")
    assert study.head.seeds == (1, 2, 3)
    assert study.paper is None
    without, with_them = (study.recipes[run.name, 1] for run in study.head.runs)
    assert (without.slots.adversarial, with_them.slots.adversarial) == (0.0, 0.5)
    same = replace(without, slots=with_them.slots, recipe=with_them.recipe)
    assert same == with_them
    assert study.head.columns[0] == "told apart Pr@0.5"
