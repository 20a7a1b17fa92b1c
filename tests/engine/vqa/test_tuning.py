"""What of a network is trained, and what stays as it came, for each way to treat its encoders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from engine.catalog import file_sha256
from engine.errors import UsageError
from engine.vqa.recipe import VqaRecipe
from engine.vqa.tuning import (
    clip_towers,
    clip_weights_name,
    copy_architecture,
    named_clip,
    tuned_network,
    whole_network,
)
from tests.engine.vqa.recipes import FEW_STEPS, tiny_clip_changes, tiny_recipe
from tests.engine.vqa.tiny import CONFIG

ANSWERS = ("yes", "no")


@pytest.fixture
def recipe_of(tmp_path):
    def make(backbone: str) -> VqaRecipe:
        changes = (*FEW_STEPS, *tiny_clip_changes(tmp_path), f'tune.backbone="{backbone}"', "tune.rank=2")
        return tiny_recipe("tgfnet_paper_osvqa", *changes, "model.stem_channels=[32, 64]", data=str(tmp_path))

    return make


def parts_of(names: Iterator[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("backbone", ["full", "lora", "frozen"])
def test_what_is_trained_and_what_is_stored(backbone, recipe_of):
    recipe = recipe_of(backbone)
    network = tuned_network(recipe, recipe.model, ANSWERS, clip_towers(recipe.model))
    before = {name: value.clone() for name, value in network.named_parameters()}
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], 0.1, weight_decay=0.1)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
    optimiser.step()
    moved = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    of_clip = {name for name in before if name.startswith(("vision.", "text_tower."))}
    assert before.keys() - of_clip <= moved
    if backbone == "frozen":
        assert not moved & of_clip
    elif backbone == "lora":
        assert moved & of_clip == {name for name in of_clip if "lora_" in name}
        assert {"vision", "text_tower"} <= parts_of(moved)
    else:
        assert moved == before.keys()
    whole = whole_network(network, recipe)
    stored = parts_of(whole.state_dict())
    assert {"vision", "text_tower"} <= stored or backbone == "frozen"
    assert "vision" not in stored or backbone != "frozen"
    assert not [name for name in whole.state_dict() if "lora" in name or "base_layer" in name]


def test_an_architecture_of_the_users_own_goes_with_the_model(tmp_path, recipe_of):
    config = recipe_of("full").model
    folder = tmp_path / "model"
    folder.mkdir()
    assert copy_architecture(config, folder) == {"clip_model.json": file_sha256(tmp_path / "tiny.json")}
    assert (folder / "clip_model.json").read_bytes() == (tmp_path / "tiny.json").read_bytes()
    assert (named_clip(config).clip_model, named_clip(config).clip_weights) == ("clip_model.json", "tiny")
    known = replace(config, clip_model="ViT-B-16-quickgelu", clip_weights="openai")
    assert copy_architecture(known, tmp_path / "nowhere") == {}
    assert named_clip(known) == known


@pytest.mark.parametrize("text", ["all-MiniLM-L6-v2", "clip"])
def test_low_rank_parts_are_for_clips_image_encoder(text):
    """With CLIP's texts alone, the other image encoder would be frozen as random as it came."""
    with pytest.raises(UsageError, match="is for CLIP's image encoder") as refused:
        tiny_recipe(
            "tgfnet_compact_scenes", 'tune.backbone="lora"', f'model.text_encoder="{text}"',
            'model.clip_model="ViT-B-16-quickgelu"',
        )  # fmt: skip
    assert "tune.backbone" in refused.value.remedy


def test_an_encoder_that_nobody_trained_is_not_frozen():
    with pytest.raises(UsageError, match="nobody has trained") as refused:
        tiny_recipe("tgfnet_compact_scenes", 'tune.backbone="frozen"')
    assert "recipe.start" in refused.value.remedy
    assert tiny_recipe("tgfnet_compact_frozen").tune.backbone == "frozen"


def test_a_card_names_the_stem_of_a_path_and_not_the_path(tmp_path, monkeypatch):
    """Also of one below the home folder: a card is read on other machines, where it would be looked for in vain."""
    (tmp_path / "mine.pt").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    named = [clip_weights_name(replace(CONFIG, clip_weights=given)) for given in ("~/mine.pt", f"{tmp_path}/mine.pt")]
    assert named == ["mine", "mine"]
    assert clip_weights_name(replace(CONFIG, clip_weights="openai")) == "openai"
