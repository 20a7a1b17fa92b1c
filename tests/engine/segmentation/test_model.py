"""LGCE as a whole: the contract of every network, for it and for its ablations, and what it says of an area."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.nn.inputs import square_input
from engine.nn.preprocess import PreprocessSpec, letterbox, stretch_optical
from engine.segmentation.build import build_network
from engine.segmentation.config import STRIDES
from engine.segmentation.network import PairInput
from tests.engine.nn.contract import NetworkContract
from tests.engine.segmentation.tiny import (
    CONFIG,
    LAVT,
    SIZE,
    TEXT,
    TOKENS,
    first_of,
    loss_of,
    output_of,
    pair_of,
    tiny_batch,
    tiny_network,
    words_of,
)


class SegmentationContract(NetworkContract):
    """What every network that makes masks promises. A test class says with ``changes`` which ablation it is about."""

    @property
    def changes(self) -> dict[str, object]:
        return {}

    def build(self):
        return build_network(replace(CONFIG, **self.changes))

    def batch(self, count):
        return tiny_batch(count)

    def run(self, model, batch):
        return output_of(model, batch).logits

    def loss(self, model, batch):
        return loss_of(model, batch)

    def padded(self, batch):
        """More words, full of loud numbers; the words that were not there are not numbers at all."""
        count = len(batch["words"])
        words = batch["words"].masked_fill(~batch["word_mask"].unsqueeze(-1), torch.nan)
        return batch | {
            "words": torch.cat([words, torch.full((count, 2, TEXT), 1e3)], 1),
            "word_mask": torch.cat([batch["word_mask"], torch.zeros(count, 2, dtype=torch.bool)], 1),
        }

    def run_odd_size(self, model, height, width):
        pixels = np.random.default_rng(0).uniform(0, 3000, (3, height, width)).astype(np.float32)
        valid, rules = np.ones((height, width), bool), PreprocessSpec()
        square = letterbox(stretch_optical(pixels, valid, rules), valid, SIZE)
        picture, has_data = square_input(square, rules)
        batch = tiny_batch(1) | {"optical": picture[None], "optical_valid": has_data[None]}
        return output_of(model, batch).logits

    def test_overfits_four_samples(self, model):
        """The masks are found, not only the loss lower."""
        batch = tiny_batch(4)
        for part in model.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.momentum = 0.3  # in so few steps the usual slow average would not come near what it is to be
        optimiser = torch.optim.AdamW(model.parameters(), 5e-3)
        for _ in range(40):
            optimiser.zero_grad()
            self.loss(model.train(), batch).backward()
            optimiser.step()
        with torch.inference_mode():
            found = output_of(model.eval(), batch).logits.argmax(1).bool()
        overlap = (found & batch["mask"]).sum((1, 2)) / (found | batch["mask"]).sum((1, 2))
        assert overlap.min() > 0.7


class SlowToFit(SegmentationContract):
    """For the variants that differ least from others, whose training waits for the slow lane."""

    @pytest.mark.slow
    def test_overfits_four_samples(self, model):
        super().test_overfits_four_samples(model)


class TestWhole(SegmentationContract):
    """Both sensors, guidance, cross-scale fusion."""


class TestLavt(SlowToFit):
    """Table III's first row, on one sensor: the paper's baseline."""

    @property
    def changes(self):
        return LAVT | {"sensors": "optical"}


class TestWithoutGuidance(SlowToFit):
    @property
    def changes(self):
        return {"guidance": False}


class TestWithoutCrossScale(SlowToFit):
    @property
    def changes(self):
        return {"cross_scale": False}


@pytest.mark.slow
class TestSarAlone(SegmentationContract):
    @property
    def changes(self):
        return {"sensors": "sar"}


def test_shapes_of_everything_returned():
    batch = tiny_batch(2)
    network = tiny_network().eval()
    first, output = first_of(network, batch), output_of(network, batch)
    sides = [SIZE // stride for stride in STRIDES]
    assert first.cells.shape == (2, sides[0], sides[0], CONFIG.first_width)
    assert first.valid.shape == first.trust.shape == (2, sides[0], sides[0])
    assert output.logits.shape == (2, 2, SIZE, SIZE)
    assert [x.shape for x in output.attention] == [(2, TOKENS, n, n) for n in sides]
    assert [x.shape for x in output.gates] == [(2, n, n) for n in sides[:-1]]
    assert all(((gate >= 0) & (gate <= 1)).all() for gate in output.gates)


def test_each_cells_attention_is_shared_among_the_words_that_are_there():
    batch = tiny_batch(2)
    for shares in output_of(tiny_network().eval(), batch).attention:
        torch.testing.assert_close(shares.sum(1), torch.ones_like(shares[:, 0]))
        assert not shares[1, ~batch["word_mask"][1]].any()


def test_a_picture_need_not_be_square():
    batch = tiny_batch(1)
    wide = PairInput(*(part[..., :32, :] for part in pair_of(batch)))
    network = tiny_network().eval()
    assert network(network.encode(wide), words_of(batch)).logits.shape == (1, 2, 32, SIZE)


def test_a_picture_that_does_not_divide_is_refused():
    pair = PairInput(*(part[..., :50] for part in pair_of(tiny_batch(1))))
    with pytest.raises(UsageError, match="50 x 64 px"):
        tiny_network().encode(pair)


def test_one_encoding_serves_any_number_of_expressions():
    network = tiny_network().eval()
    batch = tiny_batch(3)
    words = words_of(batch)
    output = network(first_of(network, batch).rows(torch.tensor([2, 0, 2])), words)
    for row, area in enumerate((2, 0, 2)):
        one = {name: value[area : area + 1] for name, value in batch.items()}
        one |= {name: batch[name][row : row + 1] for name in ("words", "word_mask")}
        torch.testing.assert_close(output.logits[row], output_of(network, one).logits[0])


def test_what_lies_where_there_is_no_data_changes_nothing():
    batch = tiny_batch(2)
    batch["optical_valid"][:, :, 30:] = False
    batch["sar_valid"][:, 40:] = False
    loud = dict(batch)
    for sensor in ("optical", "sar"):
        loud[sensor] = batch[sensor].masked_fill(~batch[f"{sensor}_valid"].unsqueeze(1), 1e3)
    network = tiny_network().eval()
    with torch.inference_mode():
        torch.testing.assert_close(output_of(network, loud), output_of(network, batch), atol=0, rtol=0)


def test_cells_without_data_of_any_sensor_stay_out_of_attention_gates_and_trust():
    batch = tiny_batch(1)
    batch["optical_valid"][:, :, 32:] = False
    batch["sar_valid"][:, :, 32:] = False
    output = output_of(tiny_network().eval(), batch)
    for gate, stride in zip(output.gates, STRIDES, strict=False):
        assert not gate[:, :, 32 // stride :].any()
        assert gate[:, :, : 32 // stride].any()
    assert not output.trust[:, :, 8:].any()


def test_nothing_to_see_and_nothing_said_stays_finite():
    batch = tiny_batch(2)
    batch["optical_valid"][0] = False
    batch["sar_valid"][0] = False
    batch["word_mask"][1] = False
    network = tiny_network()
    loss = loss_of(network, batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_everything_said_is_float32_under_autocast():
    network, batch = tiny_network(), tiny_batch(2)
    with torch.inference_mode():
        plain = output_of(network.eval(), batch)
        with torch.autocast("cpu", torch.bfloat16):
            output = output_of(network, batch)
    for part in (output.logits, output.trust, *output.attention, *output.gates):
        assert part.dtype == torch.float32
    torch.testing.assert_close(output.logits, plain.logits, atol=0.15, rtol=0)
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(network.train(), batch)
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_stage_4_reaches_the_decoders_map_of_stage_3_only_through_cross_scale_fusion():
    """Issue's bar, on the whole network: what stage 3's enhanced map is when the deepest stage says something else."""
    for changes, reaches in (({}, True), ({"cross_scale": False}, False), ({"fusion": "class_token"}, False)):
        network, seen = tiny_network(**changes).eval(), []
        network.enhancement.register_forward_hook(lambda _module, _inputs, maps, seen=seen: seen.append(maps[0]))
        batch = tiny_batch(1)
        with torch.inference_mode():
            output_of(network, batch)
            torch.nn.init.normal_(network.norms[3].bias)
            output_of(network, batch)
        assert bool((seen[0] - seen[1]).abs().max() > 1e-4) is reaches


def test_the_gate_after_the_fourth_stage_is_counted_and_nothing_else():
    """LAVT has it; no result of it goes anywhere, so that it does not learn, either."""
    with_it, without = tiny_network(unread_gate=True).eval(), tiny_network().eval()
    without.load_state_dict({n: v for n, v in with_it.state_dict().items() if not n.startswith("unread_gate")})
    assert not any(p.requires_grad for p in with_it.unread_gate.parameters())
    with torch.inference_mode():
        torch.testing.assert_close(output_of(with_it, tiny_batch(1)), output_of(without, tiny_batch(1)), atol=0, rtol=0)


@pytest.mark.cuda
def test_a_gpu_gives_the_same_answer():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU on this machine")
    network, batch = tiny_network().eval(), tiny_batch(2)
    with torch.inference_mode():
        plain = output_of(network, batch).logits
        there = output_of(network.cuda(), {name: value.cuda() for name, value in batch.items()}).logits.cpu()
    torch.testing.assert_close(there, plain, atol=2e-2, rtol=0)  # TF32 may be on
