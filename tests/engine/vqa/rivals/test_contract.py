"""What holds for every rival, with both sensors; ``tests/engine/vqa/test_variants.py`` runs all modalities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.nn.preprocess import PreprocessSpec, letterbox, patch_mask
from engine.vqa import rivals
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from tests.engine.nn.contract import NetworkContract
from tests.engine.vqa.rivals.fed import RIVALS, output_of, rival
from tests.engine.vqa.tiny import CONFIG, tiny_batch


class RivalContract(NetworkContract):
    name: str

    def build(self):
        return rival(self.name)

    def batch(self, count):
        return tiny_batch(count)

    def run(self, model, batch):
        return output_of(model, batch).logits

    def loss(self, model, batch):
        return model.loss(output_of(model, batch), torch.arange(len(batch["tokens"])) % CONFIG.answers)[0]

    def padded(self, batch):
        loud = torch.full((len(batch["tokens"]), 3, CONFIG.text_width), 1e3)
        silent = torch.zeros(len(loud), 3, dtype=torch.bool)
        longer = {
            "tokens": torch.cat([batch["tokens"], loud], 1),
            "token_mask": torch.cat([batch["token_mask"], silent], 1),
        }
        longer["tokens"][:, :6][~batch["token_mask"]] = -1e3
        return batch | longer

    def run_odd_size(self, model, height, width):
        values = np.random.default_rng(0).uniform(0, 1, (3, height, width)).astype(np.float32)
        square = letterbox(values, np.ones((height, width), bool), CONFIG.image_size)
        mask = torch.from_numpy(patch_mask(square.valid_share, CONFIG.patch, PreprocessSpec())).unsqueeze(0)
        pixels = torch.from_numpy(square.values).unsqueeze(0)
        batch = {"optical": pixels, "optical_mask": mask, "sar": pixels, "sar_mask": mask}
        with torch.inference_mode():
            return self.run(
                model, batch | {"tokens": torch.randn(1, 4, CONFIG.text_width), "token_mask": mask[:, :4] | True}
            )


class TestRsvqa(RivalContract):
    name = "rsvqa"


class TestMain(RivalContract):
    name = "main"


class TestBiModal(RivalContract):
    name = "bimodal"


class TestHrvqa(RivalContract):
    name = "hrvqa"


class TestTrar(RivalContract):
    name = "trar"


class TestFeth(RivalContract):
    name = "feth"


every_rival = pytest.mark.parametrize("name", RIVALS)


@every_rival
def test_a_rival_has_no_experts(name):
    output = output_of(rival(name), tiny_batch(3))
    assert output.logits.shape == (3, CONFIG.answers)
    assert output.expert_logits.shape == (3, 0, CONFIG.answers)
    assert output.optical is None
    assert output.trust is None


@every_rival
def test_patches_without_data_change_nothing(name):
    model = rival(name).eval()
    batch = tiny_batch(2)
    view = model.encode(batch["optical"], batch["optical_mask"], batch["sar"], batch["sar_mask"])
    holes = view.optical_mask.clone()
    holes[:, 5:8] = False
    quiet = view._replace(optical_mask=holes, sar_mask=holes)
    loud = quiet._replace(
        optical=view.optical.masked_fill(~holes.unsqueeze(-1), 50.0),
        sar=view.sar.masked_fill(~holes.unsqueeze(-1), -50.0),
    )
    with torch.inference_mode():
        one, two = (model(v, batch["tokens"], batch["token_mask"]).logits for v in (quiet, loud))
        whole = model(view, batch["tokens"], batch["token_mask"]).logits
    torch.testing.assert_close(one, two)
    assert not torch.allclose(one, whole)


@every_rival
@pytest.mark.parametrize("sensors", ["optical", "sar"])
def test_a_network_of_one_sensor_looks_at_that_alone(name, sensors):
    model = rival(name, sensors=sensors).eval()
    other = "sar" if sensors == "optical" else "optical"
    batch = tiny_batch(2)
    with torch.inference_mode():
        before = output_of(model, batch).logits
        torch.testing.assert_close(output_of(model, batch | {other: 9 + batch[other]}).logits, before)
        assert not torch.allclose(output_of(model, batch | {sensors: -2 * batch[sensors]}).logits, before)


@every_rival
def test_without_one_sensor_the_other_is_the_picture(name):
    model = rival(name).eval()
    batch = tiny_batch(2)
    off = torch.zeros_like(batch["sar_mask"])
    with torch.inference_mode():
        alone = output_of(model, batch | {"sar_mask": off}).logits
        loud = output_of(model, batch | {"sar_mask": off, "sar": 1e3 * batch["sar"]}).logits
        nothing = output_of(model, batch | {"sar_mask": off, "optical_mask": off}).logits
    torch.testing.assert_close(alone, loud)
    assert torch.isfinite(nothing).all()


@every_rival
def test_gradients_stay_finite_where_there_is_nothing_to_see(name):
    model = rival(name)
    batch = tiny_batch(2)
    batch["optical_mask"][0] = False
    batch["sar_mask"][0] = False
    model.loss(output_of(model, batch), torch.tensor([0, 1]))[0].backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@every_rival
def test_the_table_of_rivals_counts_their_parameters(name):
    config = replace(TgfnetConfig.compact(96), network=name, fusion="add")
    network = build_network(config)
    encoder = sum(p.numel() for p in network.vision.parameters())
    (row,) = [line for line in rivals.__doc__.splitlines() if line.startswith(f"{name} ")]
    assert f"(665,952) in the compact preset with {config.answers} answers" in " ".join(rivals.__doc__.split())
    assert encoder == 665_952
    assert row.endswith(f" {sum(p.numel() for p in network.parameters()) - encoder:,}")


@every_rival
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_in_half_precision_it_runs_and_hardly_differs(name, dtype):
    model = rival(name)
    batch = tiny_batch(4)
    batch["optical_mask"][0] = False  # one picture of one sensor, one with a hole, one with nothing at all
    batch["optical_mask"][1, :9] = False
    batch["sar_mask"][1, :9] = False
    batch["optical_mask"][2] = False
    batch["sar_mask"][2] = False
    exact = output_of(model, batch).logits
    with torch.autocast("cpu", dtype):
        output = output_of(model, batch)
    model.loss(output._replace(logits=output.logits.float()), torch.arange(4))[0].backward()
    assert (output.logits.float() - exact)[[0, 1, 3]].abs().max() < 0.1
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


@every_rival
@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_a_gpu_says_the_same(name):
    model = rival(name).eval()
    batch = tiny_batch(4)
    with torch.inference_mode():
        here = output_of(model, batch).logits
        there = output_of(model.cuda(), {key: value.cuda() for key, value in batch.items()}).logits.cpu()
    torch.testing.assert_close(there, here, atol=1e-3, rtol=1e-3)
