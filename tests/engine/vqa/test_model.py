from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import ModelDamaged, UsageError
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.predictor import TgfnetPredictor
from tests.engine.nn.contract import NetworkContract
from tests.engine.vqa.tiny import CONFIG, WordHashes, output_of, tiny_batch, tiny_card, tiny_model, view_of


class TestTgfnet(NetworkContract):
    def build(self):
        return build_network(CONFIG)

    def batch(self, count):
        return tiny_batch(count)

    def run(self, model, batch):
        return output_of(model, batch).logits

    def loss(self, model, batch):
        target = torch.arange(len(batch["tokens"])) % CONFIG.answers
        return model.loss(output_of(model, batch), target)[0]

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
        predictor = TgfnetPredictor(model, tiny_card(), WordHashes())
        rng = np.random.default_rng(0)
        optical = rng.uniform(0, 3000, (3, height, width)).astype(np.float32)
        sar = rng.uniform(-20, 0, (1, height, width)).astype(np.float32)
        return predictor.answer(predictor.encode(optical, None, sar, None, "db"), "is it odd ?").probabilities


def test_the_compact_preset_is_small():
    config = TgfnetConfig(answers=32)
    assert (config.patches, config.regions) == (196, 49)
    parameters = sum(p.numel() for p in build_network(config).parameters())
    assert 2 * parameters < 10 * 2**20  # bytes in half precision


def test_shapes_of_everything_returned():
    output = output_of(tiny_model().eval(), tiny_batch(3))
    M, T, C = CONFIG.patches, CONFIG.regions, CONFIG.answers
    assert output.logits.shape == (3, C)
    assert output.expert_logits.shape == (3, 3, C)
    assert output.weights.shape == output.present.shape == (3, 3)
    assert output.trust.shape == (3, M)
    for refined in (output.optical, output.sar):
        assert refined.patches.shape == (3, M, CONFIG.width)
        assert refined.scores.shape == refined.kept.shape == (3, T)
        torch.testing.assert_close(refined.attention.sum(1), torch.ones(3))
        assert (refined.kept.sum(1) == CONFIG.kept_regions).all()


def test_final_prediction_is_the_weighted_sum_of_the_experts():
    output = output_of(tiny_model().eval(), tiny_batch(3))
    expected = sum(output.weights[:, e, None] * output.expert_logits[:, e] for e in range(3))
    torch.testing.assert_close(output.logits, expected)
    assert ((output.weights > 0) & (output.weights < 1)).all()


def test_loss_is_half_the_sum_of_four_cross_entropies():
    model = tiny_model().eval()
    output = output_of(model, tiny_batch(4))
    target = torch.tensor([0, 1, 2, 3])
    loss, parts = model.loss(output, target)
    entropy = torch.nn.functional.cross_entropy
    by_hand = 0.5 * (
        sum(entropy(output.expert_logits[:, e], target) for e in range(3)) + entropy(output.logits, target)
    )
    torch.testing.assert_close(loss, by_hand)
    assert set(parts) == {"optical", "sar", "fusion", "final"}


def test_router_learns_from_the_first_step():
    """A hard top-k alone would leave W_T and W_I without any gradient (networks.md: the first trap)."""
    model = tiny_model()
    loss, _ = model.loss(output_of(model, tiny_batch(8)), torch.arange(8) % CONFIG.answers)
    loss.backward()
    for refine in (model.refine_optical, model.refine_sar):
        query = refine.cross_attention.attention.to_query.weight.grad.norm()
        assert refine.routing.text_map.weight.grad.norm() >= 1e-3 * query
        assert refine.routing.image_map.weight.grad.norm() >= 1e-3 * query


def test_the_literal_router_has_no_gradient():
    model = tiny_model(router_gate="none")
    loss, _ = model.loss(output_of(model, tiny_batch(4)), torch.arange(4))
    loss.backward()
    assert model.refine_optical.routing.text_map.weight.grad is None


def test_an_absent_sensor_changes_only_what_it_should():
    model = tiny_model().eval()
    batch = tiny_batch(2)
    absent = batch | {"sar_mask": torch.zeros_like(batch["sar_mask"])}
    both, alone = output_of(model, batch), output_of(model, absent)
    torch.testing.assert_close(alone.expert_logits[:, 0], both.expert_logits[:, 0])
    torch.testing.assert_close(alone.optical.attention, both.optical.attention)
    assert (alone.weights[:, 1:] == 0).all()
    assert (alone.logits.argmax(-1) == alone.expert_logits[:, 0].argmax(-1)).all()
    assert alone.present.tolist() == [[True, False, False]] * 2
    assert (alone.trust == 1).all()
    loud = absent | {"sar": 1e3 * torch.randn_like(absent["sar"])}
    torch.testing.assert_close(output_of(model, loud).logits, alone.logits)


def test_patches_without_data_change_nothing():
    model = tiny_model().eval()
    view = view_of(model, tiny_batch(2))
    mask = view.optical_mask.clone()
    mask[:, 5:8] = False
    quiet = view._replace(optical_mask=mask)
    loud = quiet._replace(optical=view.optical.masked_fill(~mask.unsqueeze(-1), 50.0))
    batch = tiny_batch(2)
    one, two = (model(v, batch["tokens"], batch["token_mask"]) for v in (quiet, loud))
    torch.testing.assert_close(one.logits, two.logits)
    assert (one.optical.attention[:, 5:8] == 0).all()


def test_gradients_stay_finite_without_a_sensor():
    model = tiny_model()
    batch = tiny_batch(2)
    batch["optical_mask"] = torch.zeros_like(batch["optical_mask"])
    loss, parts = model.loss(output_of(model, batch), torch.tensor([0, 1]))
    loss.backward()
    assert parts["optical"].item() == 0.0
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    "change", [{"image_size": 100}, {"width": 30}, {"kept_regions": 0}, {"kept_regions": 50}], ids=str
)
def test_sizes_that_do_not_fit_are_refused(change):
    with pytest.raises(UsageError):
        replace(TgfnetConfig(answers=3), **change)


def test_config_survives_the_card():
    assert TgfnetConfig.from_json(CONFIG.as_json()) == CONFIG


@pytest.mark.parametrize(
    "fault", [{"more": 1}, {"width": "wide"}, {"router_gate": "perhaps"}], ids=["unknown", "type", "choice"]
)
def test_a_config_that_does_not_fit_is_damaged(fault):
    with pytest.raises(ModelDamaged):
        TgfnetConfig.from_json(CONFIG.as_json() | fault)
