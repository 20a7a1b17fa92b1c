"""What every network promises, written once. A network's test class inherits it and says how to build and feed it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.nn.weights import load_weights, save_weights

Batch = dict[str, Tensor]


class NetworkContract(ABC):
    """``batch`` has the sample as first dimension of every tensor."""

    @abstractmethod
    def build(self) -> nn.Module:
        """A tiny network with fresh weights."""

    @abstractmethod
    def batch(self, count: int) -> Batch:
        """Random samples with everything present, the same ones on every call."""

    @abstractmethod
    def run(self, model: nn.Module, batch: Batch) -> Tensor:
        """The network's main output [B, ...]."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """The training loss, targets made up from the batch's size."""

    @abstractmethod
    def padded(self, batch: Batch) -> Batch:
        """The same samples with more masked positions, which are filled with loud numbers."""

    @abstractmethod
    def run_odd_size(self, model: nn.Module, height: int, width: int) -> Any:
        """Feed an area of this size through the network's predictor; returns finite numbers."""

    @pytest.fixture
    def model(self) -> nn.Module:
        torch.manual_seed(3)
        return self.build()

    def test_every_parameter_gets_a_finite_gradient(self, model):
        self.loss(model, self.batch(4)).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name

    def test_nearly_every_parameter_gets_a_gradient_that_is_not_zero(self, model):
        self.loss(model, self.batch(4)).backward()
        dead = [n for n, p in model.named_parameters() if not p.grad.abs().max() > 0]
        # A key's bias adds the same to all logits of a softmax: its gradient is zero by mathematics.
        assert [name for name in dead if not name.endswith("to_key.bias")] == []

    def test_padding_changes_nothing(self, model):
        model.eval()
        batch = self.batch(3)
        with torch.inference_mode():
            torch.testing.assert_close(self.run(model, self.padded(batch)), self.run(model, batch), atol=1e-5, rtol=0)

    def test_a_batch_of_one_equals_a_row(self, model):
        model.eval()
        batch = self.batch(3)
        with torch.inference_mode():
            together = self.run(model, batch)
            for row in range(3):
                alone = self.run(model, {name: value[row : row + 1] for name, value in batch.items()})
                torch.testing.assert_close(alone, together[row : row + 1], atol=1e-5, rtol=0)

    @pytest.mark.parametrize(("height", "width"), [(1, 1), (37, 101), (300, 8)])
    def test_odd_sizes(self, model, height, width):
        values = self.run_odd_size(model.eval(), height, width)
        assert torch.isfinite(torch.as_tensor(values)).all()

    def test_save_and_load_round_trip(self, model, tmp_path: Path):
        path = save_weights(model, tmp_path)
        load_weights(model, path)  # now rounded to half precision
        twin = self.build()
        load_weights(twin, path)
        with torch.inference_mode():
            batch = self.batch(2)
            torch.testing.assert_close(self.run(twin.eval(), batch), self.run(model.eval(), batch), atol=0, rtol=0)

    def test_overfits_four_samples(self, model):
        batch = self.batch(4)
        optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
        with torch.no_grad():
            first = self.loss(model.eval(), batch).item()
        losses = []
        for _ in range(60):
            loss = self.loss(model.train(), batch)
            losses.append(loss.item())
            if losses[-1] < 0.1 * first:
                return
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        pytest.fail(f"The loss went from {first:.3f} to {losses[-1]:.3f} in {len(losses)} steps.")
