from __future__ import annotations

import importlib
import json
from dataclasses import replace

import msgspec
import pytest

from engine import catalog
from engine.catalog import (
    CARD_FILE,
    MODEL_FOLDER,
    TASKS,
    WEIGHTS_FILE,
    CalibratedType,
    CardCalibration,
    file_sha256,
    find_model,
    installed_models,
    read_card,
    verify_extra_file,
    verify_weights,
)
from engine.catalog.card import write_card
from engine.cli.main import main
from engine.errors import ModelDamaged, ModelNotFound
from tests.engine.vqa.tiny import tiny_card, write_tiny_model


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A user's model folder with one model, and nothing shipped."""
    monkeypatch.setattr(catalog.table, "model_folders", lambda: (tmp_path / "user", tmp_path / "shipped"))
    write_tiny_model(tmp_path / "user" / "tiny")
    return tmp_path / "user"


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_lazy_string_names_something(task):
    for lazy in filter(None, (task.predictor, task.trainer, task.evaluator)):
        module, name = lazy.split(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_a_model_is_found_by_name_folder_and_file(models):
    folder = models / "tiny"
    assert find_model("tiny") == folder
    assert find_model(str(folder)) == folder
    assert find_model(str(folder / WEIGHTS_FILE)) == folder
    assert installed_models() == (folder,)


def test_a_runs_folder_stands_for_its_model(models):
    run = models.parent / "run"
    run.mkdir()
    (models / "tiny").rename(run / MODEL_FOLDER)
    assert find_model(str(run)) == run / MODEL_FOLDER


def test_an_unknown_model_names_the_places(models):
    with pytest.raises(ModelNotFound, match="no model “other”") as caught:
        find_model("other")
    assert str(models) in caught.value.remedy


def test_a_model_that_does_not_ship_says_how_to_train_it(models, capsys):
    with pytest.raises(ModelNotFound, match="No weights of lgce-compact ship") as caught:
        find_model("lgce-compact")
    assert "rsqa train lgce_compact_scenes" in caught.value.remedy
    assert main(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "lgce-compact" in said
    assert "not installed" in said
    write_tiny_model(models / "lgce-compact")
    assert find_model("lgce-compact") == models / "lgce-compact"


def test_the_user_s_model_comes_before_the_shipped_one(models, tmp_path):
    write_tiny_model(tmp_path / "shipped" / "tiny")
    assert find_model("tiny") == models / "tiny"


def test_card_round_trip(models):
    card = read_card(models / "tiny")
    assert verify_weights(models / "tiny", card) == models / "tiny" / WEIGHTS_FILE
    assert card == tiny_card(sha256=card.sha256, size_bytes=card.size_bytes)


def test_one_changed_byte_is_noticed(models):
    path = models / "tiny" / WEIGHTS_FILE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelDamaged, match="SHA-256"):
        verify_weights(models / "tiny", read_card(models / "tiny"))


def test_a_truncated_file_is_noticed(models):
    path = models / "tiny" / WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelDamaged, match="bytes"):
        verify_weights(models / "tiny", read_card(models / "tiny"))


@pytest.mark.parametrize("text", ["{", "{}", '{"card_version": "one"}'])
def test_a_card_that_is_none_is_damaged(tmp_path, text):
    (tmp_path / CARD_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ModelDamaged, match="cannot be read"):
        read_card(tmp_path)


def test_a_card_of_a_later_version_is_refused(models):
    path = models / "tiny" / CARD_FILE
    card = msgspec.json.decode(path.read_bytes()) | {"card_version": 99}
    path.write_bytes(msgspec.json.encode(card))
    with pytest.raises(ModelDamaged, match="version 99"):
        read_card(models / "tiny")


def test_no_card_is_not_found(tmp_path):
    with pytest.raises(ModelNotFound, match=CARD_FILE):
        read_card(tmp_path)


def test_models_list_and_verify_say_what_the_design_promises(models, capsys):
    assert main(["models", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert {"name", "task", "preset", "sha256", "size_bytes", "card", "verified"} <= set(row)
    assert row["verified"] is True
    assert main(["models", "verify", "tiny"]) == 0


def test_verify_reports_damage_and_exits_3(models, capsys):
    (models / "tiny" / WEIGHTS_FILE).write_bytes(b"short")
    assert main(["models", "verify", "--json"]) == 3
    (row,) = json.loads(capsys.readouterr().out)
    assert row["verified"] is False
    assert "bytes" in row["problem"]
    assert main(["models", "list"]) == 0
    assert "DAMAGED" in capsys.readouterr().out


def test_a_card_from_before_calibration_still_loads(models):
    """Fields that came later have defaults: the card on disk is an older one without them."""
    path = models / "tiny" / CARD_FILE
    stored = msgspec.json.decode(path.read_bytes())
    for name in ("calibration", "extra_files", "limits"):
        del stored[name]
    path.write_bytes(msgspec.json.encode(stored))
    card = read_card(models / "tiny")
    assert (card.calibration, card.extra_files, card.limits) == (None, {}, ())
    verify_weights(models / "tiny", card)


def test_calibration_goes_onto_the_card_and_comes_back(models):
    common = CalibratedType(400, 1.3, {"0.1": 0.8})
    calibration = CardCalibration(common, {"number": CalibratedType(90, 1.9, {"0.1": 0.95})}, ("number", "shape"), 0.6)
    card = replace(read_card(models / "tiny"), calibration=calibration)
    write_card(card, models / "tiny")
    assert read_card(models / "tiny") == card


def test_an_extra_file_that_is_missing_changed_or_elsewhere_is_noticed(models):
    folder = models / "tiny"
    (folder / "more.bin").write_bytes(b"as it was")
    card = replace(read_card(folder), extra_files={"more.bin": file_sha256(folder / "more.bin")})
    assert verify_weights(folder, card).name == WEIGHTS_FILE
    assert verify_extra_file(folder, card, "more.bin") == folder / "more.bin"
    (folder / "more.bin").write_bytes(b"as it is")
    with pytest.raises(ModelDamaged, match=r"more\.bin has SHA-256"):
        verify_weights(folder, card)
    (folder / "more.bin").unlink()
    with pytest.raises(ModelDamaged, match=r"lacks the file more\.bin"):
        verify_weights(folder, card)
    (models / "outside.bin").write_bytes(b"")
    with pytest.raises(ModelDamaged, match="not in its folder"):
        verify_weights(folder, replace(card, extra_files={"../outside.bin": "0"}))
