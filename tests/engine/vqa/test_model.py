"""TGFNet as a whole: its loss, its sensors, its parts left out, and what its configuration refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.errors import ModelDamaged, UsageError
from engine.nn.vision import PATCH_PX
from engine.vqa.build import build_network
from engine.vqa.config import CONV_STEP, TgfnetConfig
from engine.vqa.network import ViewFeatures, added
from tests.engine.vqa.contract import without
from tests.engine.vqa.tiny import CONFIG, output_of, tiny_batch, tiny_model, view_of


def test_the_compact_preset_is_small():
    config = TgfnetConfig(answers=32)
    assert (config.patches, config.regions) == (196, 49)
    parameters = sum(p.numel() for p in build_network(config).parameters())
    assert 2 * parameters < 10 * 2**20  # bytes in half precision


def test_shapes_of_the_reasons():
    output = output_of(tiny_model().eval(), tiny_batch(3))
    M, T = CONFIG.patches, CONFIG.regions
    assert output.trust.shape == (3, M)
    for refined in (output.optical, output.sar):
        assert refined.patches.shape == (3, M, CONFIG.width)
        assert refined.scores.shape == refined.kept.shape == (3, T)
        torch.testing.assert_close(refined.attention.sum(1), torch.ones(3))
        assert (refined.kept.sum(1) == CONFIG.kept_regions).all()


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"cfar": False, "fusion": "add"}, set()),
        ({"fusion": "add"}, {"optical", "sar"}),
        ({"cfar": False}, {"trust"}),
        ({}, {"optical", "sar", "trust"}),
    ],
    ids=["Exp2", "Exp3", "RQAF without CFAR", "Exp4"],
)
def test_a_part_left_out_gives_no_reason_and_has_no_weights(changes, reasons):
    model = tiny_model(**changes)
    output = output_of(model.eval(), tiny_batch(2))
    assert {name for name in ("optical", "sar", "trust") if getattr(output, name) is not None} == reasons
    built = {name.split(".")[0] for name in model.state_dict()}
    assert ("refine_optical" in built) == ("optical" in reasons)
    assert ("fuse" in built) == ("trust" in reasons)


def test_without_cfar_experts_read_the_encoders_patches():
    model = tiny_model(cfar=False, fusion="add").eval()
    batch = tiny_batch(2)
    view = view_of(model, batch)
    output = model(view, batch["tokens"], batch["token_mask"])
    F_q, mask = model.text(batch["tokens"]), batch["token_mask"]
    by_hand = [
        model.expert_optical(F_q, mask, view.optical, view.optical_mask),
        model.expert_sar(F_q, mask, view.sar, view.sar_mask),
        model.expert_fusion(F_q, mask, view.optical + view.sar, view.optical_mask),
    ]
    torch.testing.assert_close(output.expert_logits, torch.stack(by_hand, 1))


def test_addition_takes_what_is_there():
    optical, sar = torch.randn(1, 4, 2), torch.randn(1, 4, 2)
    optical_mask, sar_mask = torch.tensor([[True, True, False, False]]), torch.tensor([[True, False, True, False]])
    patches, mask = added(ViewFeatures(optical, optical_mask, sar, sar_mask))
    torch.testing.assert_close(
        patches[0], torch.stack([optical[0, 0] + sar[0, 0], optical[0, 1], sar[0, 2], torch.zeros(2)])
    )
    assert mask.tolist() == [[True, True, True, False]]


def test_addition_of_what_is_not_a_number_where_there_is_no_data():
    nothing = torch.full((1, 1, 2), torch.nan)
    patches, _ = added(ViewFeatures(nothing, torch.tensor([[False]]), torch.ones(1, 1, 2), torch.tensor([[True]])))
    assert patches.tolist() == [[[1.0, 1.0]]]


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


@pytest.mark.parametrize("changes", [{}, {"fusion": "add"}], ids=["Exp4", "Exp3"])
def test_router_learns_from_the_first_step(changes):
    """A hard top-k alone would leave W_T and W_I without any gradient (networks.md: the first trap)."""
    model = tiny_model(**changes)
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
    still = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    maps = ("text_map.weight", "image_map.weight")
    assert still == {f"refine_{sensor}.routing.{name}" for sensor in ("optical", "sar") for name in maps}


@pytest.mark.parametrize("changes", [{}, {"fusion": "add"}, {"cfar": False}, {"cfar": False, "fusion": "add"}], ids=str)
@pytest.mark.parametrize(("absent", "left"), [("sar", 0), ("optical", 1)])
def test_the_remaining_expert_answers_alone(changes, absent, left):
    model = tiny_model(**changes).eval()
    both, alone = output_of(model, tiny_batch(2)), output_of(model, without(tiny_batch(2), absent))
    torch.testing.assert_close(alone.expert_logits[:, left], both.expert_logits[:, left])
    assert alone.present.tolist() == [[expert == left for expert in range(3)]] * 2
    assert ((alone.weights > 0) == alone.present).all()
    torch.testing.assert_close(alone.logits, alone.weights[:, left, None] * alone.expert_logits[:, left])


def test_reasons_without_a_sensor():
    model = tiny_model().eval()
    both, alone = output_of(model, tiny_batch(2)), output_of(model, without(tiny_batch(2), "sar"))
    torch.testing.assert_close(alone.optical.attention, both.optical.attention)
    assert (alone.trust == 1).all()
    assert (output_of(model, without(tiny_batch(2), "optical")).trust == 0).all()


def test_a_patch_without_data_gets_no_attention():
    model = tiny_model().eval()
    batch = tiny_batch(2)
    batch["optical_mask"][:, 5:8] = False
    assert (output_of(model, batch).optical.attention[:, 5:8] == 0).all()


def test_an_absent_sensors_expert_is_not_asked():
    model = tiny_model()
    loss, parts = model.loss(output_of(model, without(tiny_batch(2), "optical")), torch.tensor([0, 1]))
    loss.backward()
    assert parts["optical"].item() == parts["fusion"].item() == 0.0
    assert all(not p.grad.any() for p in model.expert_optical.parameters())


def test_half_a_batch_without_a_sensor_makes_the_mean_of_its_halves():
    """So that processes and accumulated parts add up to the whole batch."""
    model = tiny_model().eval()
    batch = tiny_batch(4)
    batch["sar_mask"][:2] = False
    answer = torch.arange(4)
    halves = [
        model.loss(output_of(model, {k: v[part] for k, v in batch.items()}), answer[part])[0]
        for part in (slice(0, 2), slice(2, 4))
    ]
    torch.testing.assert_close(model.loss(output_of(model, batch), answer)[0], torch.stack(halves).mean())


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 100}, {"image_size": 0}, {"width": 30}, {"width": 24}, {"kept_regions": 0}, {"kept_regions": 50},
        {"neighbours": 0}, {"neighbours": 197}, {"region_side": 0}, {"patch": 32}, {"answers": 0}, {"dropout": 1.0},
        {"mlp_ratio": 0.0}, {"decoder_layers": 0}, {"stem_channels": (16, 40)},
    ],
    ids=str,
)  # fmt: skip
def test_sizes_that_do_not_fit_are_refused(change):
    with pytest.raises(UsageError):
        replace(TgfnetConfig.compact(3), **change)


@pytest.mark.parametrize(
    "change",
    [
        {"sensors": "sar"}, {"fusion": "concat"}, {"network": "single"}, {"network": "trar", "fusion": "concat"},
        {"network": "single", "sensors": "sar", "fusion": "transformer"},
        {"vision": "clip"}, {"text_encoder": "clip"}, {"clip_stored": True},
    ],
    ids=str,
)  # fmt: skip
def test_choices_that_contradict_each_other_are_refused(change):
    with pytest.raises(UsageError):
        replace(TgfnetConfig.compact(3), **change)


def test_the_conv_encoder_has_the_step_the_config_says():
    assert PATCH_PX == CONV_STEP


def test_networks_are_as_large_as_their_tables_names_say():
    """Exp1 to Exp4 grow; Concat costs no weight more than Add."""
    size = {
        name: sum(p.numel() for p in build_network(replace(CONFIG, **changes)).parameters())
        for name, changes in {
            "Exp1": {"network": "single", "fusion": "add"}, "Concat": {"network": "single", "fusion": "concat"},
            "Exp2": {"cfar": False, "fusion": "add"}, "Exp3": {"fusion": "add"}, "Exp4": {},
        }.items()
    }  # fmt: skip
    assert size["Exp1"] == size["Concat"] < size["Exp2"] < size["Exp3"] < size["Exp4"]


@pytest.mark.parametrize(
    "config", [CONFIG, TgfnetConfig.paper(140), TgfnetConfig.compact(32)], ids=["tiny", "paper", "compact"]
)
def test_config_survives_the_card(config):
    assert TgfnetConfig.from_json(config.as_json()) == config


@pytest.mark.parametrize(
    "fault", [{"more": 1}, {"width": "wide"}, {"router_gate": "perhaps"}], ids=["unknown", "type", "choice"]
)
def test_a_config_that_does_not_fit_is_damaged(fault):
    with pytest.raises(ModelDamaged):
        TgfnetConfig.from_json(CONFIG.as_json() | fault)
