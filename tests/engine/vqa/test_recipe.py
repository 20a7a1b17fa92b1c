"""Recipes: what ships is whole, layers lie over one another, and what is misspelt is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.catalog import TASKS
from engine.catalog.recipe_files import recipe_folder, recipe_path
from engine.errors import UsageError
from engine.training import TrainSettings
from engine.training.recipe import changed, read_tables
from engine.training.study import is_study, load_study
from engine.training.trainer import load_recipe, task_of
from engine.vqa.build import build_network
from engine.vqa.recipe import TuneSettings, VqaRecipe, recipe_of
from tests.engine.vqa.recipes import SMALL, tiny_clip_changes

SHIPPED = sorted(path.stem for path in recipe_folder().glob("*.toml"))
OURS = [name for name in SHIPPED if task_of(read_tables(recipe_path(name))) == "vqa"]
RECIPES = [name for name in OURS if not is_study(recipe_path(name))]
STUDIES = [name for name in OURS if is_study(recipe_path(name))]

WHOLE = """
[recipe]
name = "one"
task = "vqa"
preset = "compact"
summary = "For tests."
licence = "none"
[train]
steps = 10
"""


def parse_recipe(text: str, changes: Sequence[str] = ()) -> VqaRecipe:
    return recipe_of(changed(tomllib.loads(text), changes))


def test_what_ships():
    whole = {"tgfnet_compact_scenes", "tgfnet_compact_frozen", "tgfnet_paper_osvqa", "tgfnet_paper_osvqa_modern"}
    assert whole | {"small_encoder", "tgfnet_small_frozen"} == set(RECIPES)
    assert {"table_iii", "table_iv", "table_v"} == set(STUDIES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_is_whole_and_its_network_can_be_built(name, tmp_path):
    recipe = load_recipe(name, data=str(tmp_path))
    assert recipe.recipe.task in TASKS
    assert recipe.data.folder == str(tmp_path)
    sizes = tiny_clip_changes(tmp_path) if recipe.model.uses_clip else SMALL
    small = load_recipe(name, [*sizes, 'tune.backbone="full"'], data="scenes")
    network = build_network(replace(small.model, answers=3))
    assert (network.text_tower is not None) == small.model.uses_clip


def test_the_papers_recipe_says_what_the_paper_says():
    recipe = load_recipe("tgfnet_paper_osvqa", data="somewhere")
    assert (recipe.train.optimiser, recipe.train.betas, recipe.train.learning_rate) == ("adam", (0.9, 0.999), 1e-5)
    assert {recipe.train.rate(step) for step in (0, 1000, 10**6)} == {1e-5}
    assert recipe.batch.views * recipe.batch.questions == 100
    assert recipe.epochs == 100
    assert (recipe.model.width, recipe.model.max_tokens, recipe.model.patches) == (512, 71, 196)
    assert recipe.tune.backbone == "full"
    assert recipe.model.clip_stored
    # OSVQA: 625,086 training questions, so 6,251 steps an epoch.
    assert recipe.settings(625_086).steps == 100 * 6251


def test_the_papers_recipe_asks_for_a_folder():
    with pytest.raises(UsageError, match="folder without a name") as caught:
        load_recipe("tgfnet_paper_osvqa")
    assert "--data" in caught.value.remedy


def test_a_frozen_encoder_is_not_stored():
    recipe = load_recipe("tgfnet_paper_osvqa", ['tune.backbone="frozen"'], data="somewhere")
    assert not recipe.model.clip_stored


def test_layers(tmp_path):
    (tmp_path / "below.toml").write_text(WHOLE + "warmup_steps = 3\n[model]\nwidth = 64\n", encoding="utf-8")
    own = 'base = "below"\n[train]\nsteps = 20\n[batch.augment]\nnoise = 0.5\n'
    (tmp_path / "above.toml").write_text(own, encoding="utf-8")
    recipe = load_recipe(str(tmp_path / "above.toml"), ["batch.augment.hole=0.25", "train.seed=7"], "scenes")
    assert (recipe.recipe.name, recipe.model.width, recipe.data.source) == ("one", 64, "scenes")
    assert recipe.train == TrainSettings(steps=20, warmup_steps=3, seed=7)
    assert (recipe.batch.augment.noise, recipe.batch.augment.hole) == (0.5, 0.25)
    assert recipe.tune == TuneSettings()


def test_another_base(tmp_path):
    for name, width in (("one", 64), ("two", 32)):
        (tmp_path / f"{name}.toml").write_text(WHOLE + f"[model]\nwidth = {width}\n", encoding="utf-8")
    (tmp_path / "above.toml").write_text('base = "one"\n', encoding="utf-8")
    above = str(tmp_path / "above.toml")
    assert load_recipe(above).model.width == 64
    assert load_recipe(above, base="two").model.width == 32


def test_a_base_of_its_own(tmp_path):
    (tmp_path / "round.toml").write_text('base = "about"\n', encoding="utf-8")
    (tmp_path / "about.toml").write_text('base = "round"\n', encoding="utf-8")
    with pytest.raises(UsageError, match="its own base"):
        load_recipe(str(tmp_path / "round.toml"))


def test_steps_and_epochs_take_each_others_place():
    asked = ["train.epochs=3", "batch.views=4", "batch.questions=5"]
    recipe = parse_recipe(WHOLE, asked)
    assert recipe.settings(100).steps == 15
    assert recipe.settings(101).steps == 18
    assert parse_recipe(WHOLE, [*asked, "train.steps=7"]).settings(100).steps == 7
    with pytest.raises(UsageError, match="one of the two"):
        parse_recipe(WHOLE + "epochs = 3\n")
    with pytest.raises(UsageError, match="one of the two"):
        parse_recipe(WHOLE.replace("steps = 10", ""))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("train.stepz=7", "stepz"),
        ("trian.steps=7", "trian"),
        ("batch.augment.flip=true", "flip"),
        ("train.steps=many", "steps"),
        ("train.steps=0", "trains nothing"),
        ("steps=7", "changes nothing"),
        ("train.steps", "changes nothing"),
        ("model.answers=3", "model.answers"),
        ("model.clip_stored=true", "model.clip_stored"),
        ("tune.backbone=half", "half"),
        ("data.folder=here", "yet it names the folder"),
        ("epochs.train=3", "epochs"),
        ("study.title=x", "study"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    with pytest.raises(UsageError, match=said):
        parse_recipe(WHOLE, [change])


def test_an_unknown_recipe_names_the_known(tmp_path):
    with pytest.raises(UsageError, match="no recipe") as caught:
        recipe_path("nonsense", tmp_path)
    assert "tgfnet_compact_scenes" in caught.value.remedy
    (tmp_path / "broken.toml").write_text("[broken", encoding="utf-8")
    with pytest.raises(UsageError, match="TOML"):
        load_recipe(str(tmp_path / "broken.toml"))


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("base", [None, "tgfnet_compact_frozen"])
def test_a_shipped_study_fits_its_table(name, base, tmp_path):
    study = load_study(recipe_path(name), ["study.seeds=[1, 2]"], data=str(tmp_path), base=base)
    assert study.paper is not None
    assert {run.paper for run in study.head.runs} == {(row.name, row.modality) for row in study.paper.rows}
    assert len(study.recipes) == 2 * len(study.paper.rows)
    assert len({recipe.recipe.name for recipe in study.recipes.values()}) == len(study.recipes)
    assert {recipe.train.seed for recipe in study.recipes.values()} == {1, 2}
    looks_at = {"OPT": "optical", "SAR": "sar", "MUL": "both"}
    for run in study.head.runs:
        assert study.recipes[run.name, 1].model.sensors == looks_at[run.paper[1]]


def test_table_v_keeps_clip_frozen_and_table_iv_tunes_it(tmp_path):
    tuned = {
        name: {r.tune.backbone for r in load_study(recipe_path(name), data=str(tmp_path)).recipes.values()}
        for name in ("table_iv", "table_v")
    }
    assert tuned == {"table_iv": {"full"}, "table_v": {"frozen"}}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('title = "x"\nruns = []', "needs runs"),
        ('title = "x"\n[[study.runs]]\nname = "A b"\n[[study.runs]]\nname = "a-B"', "name of its own"),
        ('title = "x"\npaper_table = "V"\n[[study.runs]]\nname = "a"\npaper = ["Nobody", "MUL"]', "Nobody"),
        ('title = "x"\npaper_table = "VI"\n[[study.runs]]\nname = "a"', "VI"),
        ('title = "x"\n[[study.runs]]\nname = "a"\nsets = { }', "sets"),
        ('title = "x"\n[[study.runs]]\nname = "a"\nset = { model = { widht = 3 } }', "widht"),
    ],
)
def test_a_study_that_does_not_fit_is_refused(table, said, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(f"{WHOLE}\n[study]\n{table}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_study(path)
