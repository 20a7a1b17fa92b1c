"""A tower that a network uses and does not own."""

from __future__ import annotations

import copy

import torch
from torch import nn

from engine.nn.frozen import Frozen
from engine.nn.weights import load_weights, save_weights


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision = Frozen(nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)))
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.vision(x))


def test_it_is_never_trained():
    network = Network().train()
    network(torch.randn(2, 3)).sum().backward()
    assert [name for name, p in network.named_parameters() if p.requires_grad] == ["head.weight", "head.bias"]
    assert network.head.weight.grad is not None
    assert network.vision.tower[0].weight.grad is None


def test_it_stays_in_evaluation_mode():
    network = Network().train()
    assert network.training
    x = torch.randn(2, 3)
    torch.testing.assert_close(network(x), network(x), atol=0, rtol=0)


def test_it_is_not_stored_and_keeps_its_own_weights(tmp_path):
    network, twin = Network(), Network()
    own = twin.vision.tower[0].weight.clone()
    assert set(network.state_dict()) == {"head.weight", "head.bias"}
    load_weights(twin, save_weights(network, tmp_path))
    torch.testing.assert_close(twin.head.weight, network.head.weight, atol=1e-3, rtol=1e-3)  # by way of float16
    assert torch.equal(twin.vision.tower[0].weight, own)


def test_inside_another_module_and_in_a_copy():
    whole = nn.ModuleDict({"network": Network()})
    assert set(whole.state_dict()) == {"network.head.weight", "network.head.bias"}
    twin = copy.deepcopy(whole)
    own = twin["network"].vision.tower[0].weight.clone()
    nn.init.zeros_(whole["network"].vision.tower[0].weight)
    twin.load_state_dict(whole.state_dict())
    assert torch.equal(twin["network"].vision.tower[0].weight, own)


def test_it_moves_with_the_network():
    assert Network().double().vision.tower[0].weight.dtype == torch.float64
