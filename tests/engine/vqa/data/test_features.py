"""Tokens that were kept are those the encoder makes, and never those of another encoder or picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.nn.preprocess import PreprocessSpec
from engine.vqa.data.features import FeatureCache, bytes_needed, weights_digest
from engine.vqa.data.inputs import pair_inputs, pair_pixels
from tests.engine.vqa.data.sets import noise_set
from tests.engine.vqa.tiny import CONFIG, tiny_model

SPEC = PreprocessSpec()
HALF = np.ones((10, 64, 64), bool)
HALF[3, :, :32] = False  # one view lacks half of its SAR picture
VIEWS = noise_set(views=10, variants=("cloud",), sar_valid=HALF)


@pytest.fixture(scope="module")
def network():
    return tiny_model().eval()


def build(network, views, folder, told=None, spec=SPEC):
    return FeatureCache.build(network, views, CONFIG, spec, folder, report=told)


@pytest.mark.parametrize("on_disk", [True, False])
def test_kept_tokens_are_the_encoders(network, tmp_path, on_disk):
    cache = build(network, VIEWS, tmp_path / "tokens" if on_disk else None)
    rows, variants = [3, 9, 0], [1, 0, 1]
    kept = cache.view(rows, variants)
    pairs = [pair_pixels(VIEWS, row, variant) for row, variant in zip(rows, variants, strict=True)]
    with torch.inference_mode():
        made = network.encode(*pair_inputs(pairs, CONFIG, SPEC))
    for name in ("optical_mask", "sar_mask"):
        torch.testing.assert_close(getattr(kept, name), getattr(made, name))
    assert not kept.sar_mask.all()
    for name in ("optical", "sar"):
        torch.testing.assert_close(getattr(kept, name), getattr(made, name), atol=5e-3, rtol=2e-3)  # half precision
        assert getattr(kept, name).dtype == torch.float32


def test_a_sensor_is_taken_away_by_its_mask(network):
    cache = build(network, VIEWS, None)
    view = cache.view([0, 1, 2], [0, 0, 0], [(), ("sar",), ("optical",)])
    assert view.sar_mask.any(1).tolist() == [True, False, True]
    assert view.optical_mask.any(1).tolist() == [True, True, False]
    assert cache.view([1], [0]).sar_mask.all()  # what is kept stays as it was


def test_the_folder_is_opened_again_and_made_anew_when_anything_it_was_made_of_changed(network, tmp_path):
    told = []
    build(network, VIEWS, tmp_path / "tokens", lambda done, of: told.append(done))
    build(network, VIEWS, tmp_path / "tokens", lambda done, of: told.append(done))
    assert told == [10]
    other_pictures = replace(VIEWS, sar=255 - VIEWS.sar)
    other_rules = PreprocessSpec(std=0.5)
    tuned = tiny_model().eval()
    with torch.no_grad():
        next(tuned.vision.parameters()).add_(1e-3)
    assert weights_digest(tuned.vision) != weights_digest(network.vision)
    for changed in ((network, other_pictures, SPEC), (network, other_pictures, other_rules), (tuned, VIEWS, SPEC)):
        told.clear()
        used, views, spec = changed
        again = build(used, views, tmp_path / "tokens", lambda done, of: told.append(done), spec)
        assert told == [10]
        torch.testing.assert_close(again.view([0], [0]).sar, build(used, views, None, spec=spec).view([0], [0]).sar)


def test_the_size_told_beforehand_is_what_the_files_take(network, tmp_path):
    build(network, VIEWS, tmp_path / "tokens")
    taken = sum(path.stat().st_size for path in (tmp_path / "tokens").glob("*.npy"))
    assert 0 <= taken - bytes_needed(VIEWS, CONFIG) <= 4 * 256  # headers
