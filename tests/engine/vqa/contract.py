"""What every network that answers questions promises, on top of what every network does."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor

from engine.records.pair import SENSORS
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.predictor import TgfnetPredictor
from tests.engine.nn.contract import NetworkContract
from tests.engine.vqa.tiny import WordHashes, output_of, tiny_batch, tiny_card, view_of


class VqaContract(NetworkContract):
    """A test class says which configuration it is about; see ``tiny.CONFIG`` for sizes."""

    @property
    @abstractmethod
    def config(self) -> TgfnetConfig:
        """The configuration, with the sizes of ``tiny.CONFIG``."""

    def build(self):
        return build_network(self.config)

    def batch(self, count):
        return tiny_batch(count)

    def run(self, model, batch):
        return output_of(model, batch).logits

    def loss(self, model, batch):
        target = torch.arange(len(batch["tokens"])) % self.config.answers
        return model.loss(output_of(model, batch), target)[0]

    def padded(self, batch):
        loud = torch.full((len(batch["tokens"]), 3, self.config.text_width), 1e3)
        silent = torch.zeros(len(loud), 3, dtype=torch.bool)
        longer = {
            "tokens": torch.cat([batch["tokens"], loud], 1),
            "token_mask": torch.cat([batch["token_mask"], silent], 1),
        }
        longer["tokens"][:, :6][~batch["token_mask"]] = -1e3
        return batch | longer

    def run_odd_size(self, model, height, width):
        predictor = TgfnetPredictor(model, tiny_card(config=self.config.as_json()), WordHashes())
        rng = np.random.default_rng(0)
        optical = rng.uniform(0, 3000, (3, height, width)).astype(np.float32)
        sar = rng.uniform(-20, 0, (1, height, width)).astype(np.float32)
        return predictor.answer(predictor.encode(optical, None, sar, None, "db"), "is it odd ?").probabilities

    def test_shapes_of_everything_returned(self, model):
        output = output_of(model.eval(), tiny_batch(3))
        experts = 3 if self.config.network == "tgfnet" else 0
        assert output.logits.shape == (3, self.config.answers)
        assert output.expert_logits.shape == (3, experts, self.config.answers)
        assert output.weights.shape == output.present.shape == (3, experts)

    def test_tokens_of_patches_without_data_change_nothing(self, model):
        model.eval()
        batch = tiny_batch(2)
        view = view_of(model, batch)
        hole = torch.zeros_like(view.optical_mask)
        hole[:, 5:8] = True
        quiet = view._replace(optical_mask=view.optical_mask & ~hole, sar_mask=view.sar_mask & ~hole.roll(4, 1))
        loud = quiet._replace(
            optical=quiet.optical.masked_fill(~quiet.optical_mask.unsqueeze(-1), 50.0),
            sar=quiet.sar.masked_fill(~quiet.sar_mask.unsqueeze(-1), -50.0),
        )
        one, two = (model(v, batch["tokens"], batch["token_mask"]).logits for v in (quiet, loud))
        torch.testing.assert_close(one, two, atol=1e-5, rtol=0)

    def test_pixels_of_a_muted_sensor_change_nothing(self, model):
        model.eval()
        for muted in self.mutable:
            batch = without(tiny_batch(2), muted)
            quiet = output_of(model, batch)
            loud = output_of(model, batch | {muted: 1e3 * torch.randn_like(batch[muted])})
            torch.testing.assert_close(loud.logits, quiet.logits, atol=1e-5, rtol=0)
            torch.testing.assert_close(loud.weights, quiet.weights, atol=1e-5, rtol=0)

    def test_muting_a_sensor_changes_the_answer_where_the_network_looks_at_it(self, model):
        model.eval()
        heard = output_of(model, tiny_batch(2)).logits
        for muted in self.mutable:
            alone = output_of(model, without(tiny_batch(2), muted)).logits
            difference = (heard - alone).abs().amax(1)
            assert (difference > 1e-6).all() if self.config.sensors == "both" else (difference == 0).all()

    def test_a_sensor_that_is_not_looked_at_is_not_encoded(self, model):
        seen_by_vision = []
        model.vision.register_forward_pre_hook(lambda module, inputs: seen_by_vision.append(len(inputs[0])))
        view = view_of(model.eval(), tiny_batch(2))
        assert seen_by_vision == [4 if self.config.sensors == "both" else 2]  # both sensors go as one batch
        for sensor in set(SENSORS) - {self.config.sensors} if self.config.sensors != "both" else ():
            assert not getattr(view, f"{sensor}_mask").any()

    def test_gradients_stay_finite_without_a_sensor(self, model):
        for absent in SENSORS:  # of a network of one sensor, that one too: padding among a batch of views
            self.loss(model, without(tiny_batch(2), absent)).backward()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)

    @property
    def mutable(self) -> list[str]:
        """Sensors that can be muted while something is left to answer from."""
        return [sensor for sensor in SENSORS if sensor != self.config.sensors]


def without(batch: dict[str, Tensor], sensor: str) -> dict[str, Tensor]:
    """``batch`` with no data of ``sensor``."""
    return batch | {f"{sensor}_mask": torch.zeros_like(batch[f"{sensor}_mask"])}
