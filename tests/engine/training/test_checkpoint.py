from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.errors import ModelDamaged
from engine.training import train
from engine.training.checkpoint import BEST_FILE, CHECKPOINT_FILE, flat, read_tensors, write_tensors
from tests.engine.training.toys import SETTINGS, Line


def test_tensors_and_state_come_back(tmp_path):
    tensors = {"a": torch.arange(6.0).view(2, 3).T, "b": torch.tensor(3), "c": torch.ones(2, dtype=torch.bfloat16)}
    path = tmp_path / CHECKPOINT_FILE
    write_tensors(path, tensors, {"step": 3, "name": "é"})
    read, state = read_tensors(path)
    assert state == {"step": 3, "name": "é"}
    assert all(torch.equal(read[name], value) for name, value in tensors.items())
    assert [p.name for p in tmp_path.iterdir()] == [CHECKPOINT_FILE]


def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    train(Line(), SETTINGS, tmp_path)

    def half(tensors, path, metadata):
        path.write_bytes(b"half a fi")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("engine.training.checkpoint.save_file", half)
        with pytest.raises(OSError, match="disk full"):
            train(Line(), replace(SETTINGS, steps=24), tmp_path, resume=True)
    assert read_tensors(tmp_path / CHECKPOINT_FILE)[1]["progress"]["step"] == 12
    assert list(tmp_path.glob("*.part"))
    assert train(Line(), replace(SETTINGS, steps=24), tmp_path, resume=True).finished
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("kept", [0, 5, 0.5, 0.99])
def test_a_damaged_checkpoint_is_refused(tmp_path, kept):
    train(Line(), replace(SETTINGS, steps=1), tmp_path)
    path = tmp_path / CHECKPOINT_FILE
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(ModelDamaged, match="cannot be read") as refused:
        train(Line(), SETTINGS, tmp_path, resume=True)
    assert refused.value.remedy


def test_another_kind_of_file_is_refused(tmp_path):
    from safetensors.torch import save_file

    train(Line(), replace(SETTINGS, steps=1), tmp_path)
    save_file({"a": torch.ones(1)}, tmp_path / CHECKPOINT_FILE)
    with pytest.raises(ModelDamaged, match="not a checkpoint"):
        train(Line(), SETTINGS, tmp_path, resume=True)


def test_the_best_weights_are_those_of_the_model(tmp_path):
    result = train(Line(), SETTINGS, tmp_path)
    assert result.best == tmp_path / BEST_FILE
    task = Line()
    task.model.load_state_dict(read_tensors(result.best)[0])
    task.model.eval()
    with torch.inference_mode():
        assert task.validate(task.model).score == result.best_score


def test_recipes_are_compared_by_dotted_names():
    assert flat({"a": {"b": (1, 2), "c": {}}, "d": None}) == {"a.b": [1, 2], "d": None}
