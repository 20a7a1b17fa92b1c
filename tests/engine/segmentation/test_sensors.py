"""The gate between optical and SAR: whose cells count where, and that a missing sensor leaves the other as it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.segmentation.network import FirstStage
from engine.segmentation.sensors import SensorGate
from tests.engine.segmentation.tiny import first_of, output_of, pair_of, tiny_batch, tiny_network, words_of

B, C, ROWS, COLUMNS = 2, 8, 4, 3


def drawn(seed: int) -> torch.Tensor:
    return torch.randn(B, ROWS, COLUMNS, C, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def gate():
    torch.manual_seed(1)
    return SensorGate(C)


def test_the_fused_cells_are_the_weighted_sum_that_is_shown(gate):
    optical, sar, everywhere = drawn(1), drawn(2), torch.ones(B, ROWS, COLUMNS, dtype=torch.bool)
    fused, trust = gate(optical, sar, everywhere, everywhere)
    assert ((trust > 0) & (trust < 1)).all()
    by_hand = torch.empty_like(fused)
    for cell in np.ndindex(B, ROWS, COLUMNS):
        by_hand[cell] = trust[cell] * optical[cell] + (1 - trust[cell]) * sar[cell]
    torch.testing.assert_close(fused, by_hand)


def test_the_gate_compares_norms_not_scales(gate):
    """Ten times the signal of one sensor is no reason to trust it more."""
    optical, sar, everywhere = drawn(1), drawn(2), torch.ones(B, ROWS, COLUMNS, dtype=torch.bool)
    _, trust = gate(optical, sar, everywhere, everywhere)
    _, louder = gate(10 * optical, sar, everywhere, everywhere)
    torch.testing.assert_close(louder, trust, atol=1e-4, rtol=0)


def test_where_one_sensor_has_data_it_counts_alone(gate):
    optical_mask = torch.zeros(B, ROWS, COLUMNS, dtype=torch.bool)
    sar_mask = optical_mask.clone()
    optical_mask[:, :2], sar_mask[:, 1:3] = True, True  # rows: optical, both, SAR, neither
    optical, sar = drawn(1) * optical_mask.unsqueeze(-1), drawn(2) * sar_mask.unsqueeze(-1)
    fused, trust = gate(optical, sar, optical_mask, sar_mask)
    torch.testing.assert_close(fused[:, 0], optical[:, 0], atol=0, rtol=0)
    torch.testing.assert_close(fused[:, 2], sar[:, 2], atol=0, rtol=0)
    assert (trust[:, 0] == 1).all()
    assert (trust[:, 2] == 0).all()
    assert not fused[:, 3].any()
    assert not trust[:, 3].any()


@pytest.mark.parametrize("sensor", ["optical", "sar"])
def test_a_missing_sensor_leaves_exactly_the_network_of_the_other(sensor):
    """Stage by stage the same weights: the network for both, without one, answers as the network for one."""
    both = tiny_network().eval()
    alone = tiny_network(sensors=sensor).eval()
    shared = {name: value for name, value in both.state_dict().items() if name in alone.state_dict()}
    alone.load_state_dict(shared)
    batch = tiny_batch(2)
    missing = "sar" if sensor == "optical" else "optical"
    batch[f"{missing}_valid"][:] = False  # what is in the picture is not looked at
    with torch.inference_mode():
        together, single = output_of(both, batch), output_of(alone, batch)
    torch.testing.assert_close(together.logits, single.logits, atol=0, rtol=0)
    assert (together.trust == float(sensor == "optical")).all()
    assert single.trust is None


def test_a_sensor_that_is_not_read_is_not_looked_at():
    network, batch = tiny_network(sensors="optical").eval(), tiny_batch(1)
    other = batch | {"sar": torch.full_like(batch["sar"], torch.nan), "sar_valid": ~batch["sar_valid"]}
    with torch.inference_mode():
        torch.testing.assert_close(first_of(network, other), first_of(network, batch))


def test_with_both_sensors_each_has_an_effect_and_learns():
    network, batch = tiny_network(), tiny_batch(2)
    first = network.encode(pair_of(batch))
    first.cells.square().sum().backward()
    for sensor in network.sensors.values():
        assert all(p.grad.abs().max() > 0 for p in sensor.patch_embed.parameters())
    assert all(p.grad is not None for p in network.sensor_gate.parameters())


def test_the_gate_learns_which_sensor_to_trust():
    """Under a cloud, optical is noise that is brighter than ground, and the truth is in SAR alone."""
    torch.manual_seed(0)
    gate = SensorGate(C)
    steps = torch.optim.AdamW(gate.parameters(), 1e-2)
    everywhere = torch.ones(8, ROWS, COLUMNS, dtype=torch.bool)
    cloud = torch.randn(C)
    for step in range(60):
        drawing = torch.Generator().manual_seed(step)
        truth = torch.randn(8, ROWS, COLUMNS, C, generator=drawing)
        clouded = torch.rand(8, ROWS, COLUMNS, generator=drawing) < 0.5
        optical = torch.where(clouded.unsqueeze(-1), cloud, truth)
        sar = truth + 0.5 * torch.randn(8, ROWS, COLUMNS, C, generator=drawing)
        fused, trust = gate(optical, sar, everywhere, everywhere)
        loss = (fused - truth).square().mean()
        steps.zero_grad()
        loss.backward()
        steps.step()
    assert trust[clouded].mean() < trust[~clouded].mean() - 0.5


def test_fused_cells_are_kept_for_a_second_expression():
    network, batch = tiny_network().eval(), tiny_batch(2)
    with torch.inference_mode():
        first = first_of(network, batch)
        rows = first.rows(torch.tensor([1]))
        assert isinstance(rows, FirstStage)
        one = network(rows, words_of({name: value[1:] for name, value in batch.items()}))
        torch.testing.assert_close(one.logits[0], output_of(network, batch).logits[1], atol=1e-5, rtol=0)
        torch.testing.assert_close(one.trust[0], first.trust[1])


def test_without_a_second_sensor_there_is_no_gate():
    assert tiny_network(sensors="sar").sensor_gate is None
