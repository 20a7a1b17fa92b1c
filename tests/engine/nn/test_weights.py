from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.catalog import WEIGHTS_FILE
from engine.errors import ModelDamaged
from engine.nn.weights import load_weights, save_weights


def test_stored_in_half_precision_and_read_as_single(tmp_path):
    model = nn.Linear(16, 16)
    path = save_weights(model, tmp_path)
    assert path.name == WEIGHTS_FILE
    assert path.stat().st_size < 16 * 17 * 2 + 300
    twin = nn.Linear(16, 16)
    load_weights(twin, path)
    assert twin.weight.dtype == torch.float32
    torch.testing.assert_close(twin.weight, model.weight, atol=1e-3, rtol=0)
    assert [p.name for p in tmp_path.iterdir()] == [WEIGHTS_FILE]  # no temporary file is left


def test_weights_of_another_network_are_refused(tmp_path):
    path = save_weights(nn.Linear(4, 4), tmp_path)
    with pytest.raises(ModelDamaged, match="do not fit"):
        load_weights(nn.Linear(4, 5), path)
    with pytest.raises(ModelDamaged, match="do not fit"):
        load_weights(nn.Sequential(nn.Linear(4, 4)), path)


def test_a_file_that_is_no_safetensors_is_refused(tmp_path):
    path = tmp_path / WEIGHTS_FILE
    path.write_bytes(b"\x80\x04 a pickle, say")
    with pytest.raises(ModelDamaged, match="cannot be read"):
        load_weights(nn.Linear(4, 4), path)
