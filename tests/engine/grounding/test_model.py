"""OptiSAR-Net++ as a whole: the contract of every network, for it and for its ablations, and what it says of a view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from engine.errors import UsageError
from engine.grounding.build import build_network
from engine.grounding.config import STRIDES, GroundingConfig
from engine.grounding.losses import LossWeights, grounding_loss
from engine.nn.inputs import square_input
from engine.nn.preprocess import PreprocessSpec, letterbox, stretch_optical
from tests.engine.grounding.tiny import (
    BASELINE,
    CONFIG,
    EMBED,
    NAMES_OF_INPUTS,
    SIZE,
    TEXTS,
    best_boxes,
    loss_of,
    moved,
    output_of,
    targets_of,
    tiny_batch,
    tiny_network,
    view_of,
)
from tests.engine.nn.contract import NetworkContract

CELLS = sum((SIZE // stride) ** 2 for stride in STRIDES)


class GroundingContract(NetworkContract):
    """What every network that finds boxes promises. A test class says with ``changes`` which ablation it is about."""

    @property
    def changes(self) -> dict[str, object]:
        return {}

    def build(self):
        return moved(build_network(replace(CONFIG, **self.changes)))

    def batch(self, count):
        return tiny_batch(count)

    def run(self, model, batch):
        output = output_of(model, batch)
        return torch.cat([output.scores[..., :TEXTS], output.boxes / SIZE], -1)

    def loss(self, model, batch):
        torch.manual_seed(0)  # the noise of the experts' gate and of dropout
        return loss_of(model, batch)

    def padded(self, batch):
        """More text slots and more things, full of loud numbers; the empty slots that there were are loud, too."""
        count = len(batch["texts"])
        silent = torch.zeros(count, 2, dtype=torch.bool)
        loud = torch.full((count, 2, EMBED), 1e3)
        texts = batch["texts"].masked_fill(~batch["text_mask"].unsqueeze(-1), torch.nan)
        names = torch.nn.functional.pad(batch["names"], (0, 2, 0, 2), value=True)
        return batch | {
            "texts": torch.cat([texts, loud], 1),
            "text_mask": torch.cat([batch["text_mask"], silent], 1),
            "boxes": torch.cat([batch["boxes"], torch.full((count, 2, 4), -1e3)], 1),
            "box_mask": torch.cat([batch["box_mask"], silent], 1),
            "names": names,
        }

    def run_odd_size(self, model, height, width):
        pixels = np.random.default_rng(0).uniform(0, 3000, (3, height, width)).astype(np.float32)
        valid, rules = np.ones((height, width), bool), PreprocessSpec()
        square = letterbox(stretch_optical(pixels, valid, rules), valid, SIZE)
        picture, has_data = square_input(square, rules)
        batch = tiny_batch(1) | {"picture": picture[None], "valid": has_data[None]}
        output = output_of(model, batch)
        assert output.cell_mask.any()
        return output.scores[output.cell_mask].sum() + output.boxes.sum()

    def test_padding_changes_no_loss(self, model):
        model.eval()
        torch.testing.assert_close(loss_of(model, self.padded(tiny_batch(3))), loss_of(model, tiny_batch(3)))

    def test_what_lies_where_there_is_no_data_changes_nothing(self, model):
        model.eval()
        batch = tiny_batch(2)
        batch["valid"][:, :, 70:] = False
        loud = batch | {"picture": batch["picture"].masked_fill(~batch["valid"].unsqueeze(1), 1e3)}
        with torch.inference_mode():
            torch.testing.assert_close(self.run(model, loud), self.run(model, batch))

    def test_cells_and_texts_that_are_not_there_never_score(self, model):
        batch = tiny_batch(2)
        batch["valid"][:, :, 70:] = False  # a cell of stride 8 from column 72 on has no data
        output = output_of(model.eval(), batch)
        there = output.cell_mask.unsqueeze(2) & batch["text_mask"].unsqueeze(1)
        assert (output.scores[~there] == torch.finfo(torch.float32).min).all()
        assert (output.scores[there] > -100).all()
        beyond = output.centres[:, 0] - output.strides / 2 >= 70
        torch.testing.assert_close(output.cell_mask, (~beyond).expand(2, -1))

    def test_nothing_to_see_and_nothing_said_stays_finite(self, model):
        batch = tiny_batch(2)
        batch["valid"][0] = False
        batch["text_mask"][1] = False
        batch["box_mask"][1] = False
        loss = self.loss(model, batch)
        loss.backward()
        assert torch.isfinite(loss)
        assert all(torch.isfinite(p.grad).all() for p in model.parameters())

    def test_shapes_of_everything_returned(self, model):
        config = replace(CONFIG, **self.changes)
        output = output_of(model.train(), tiny_batch(2))
        sides = [SIZE // stride for stride in STRIDES]
        assert output.scores.shape == (2, CELLS, TEXTS)
        assert output.sides.shape == (2, CELLS, 4, config.box_bins)
        assert output.boxes.shape == (2, CELLS, 4)
        grids = zip(config.region_grids, sides, strict=True)
        assert [x.shape for x in output.regions] == [(2, g * g, n, n) for g, n in grids if config.region]
        assert [x.shape for x in output.gates] == [(2, n, n) for n in sides if config.fusion]
        assert all(((gate > 0) & (gate < 1)).all() for gate in output.gates)
        assert output_of(model.eval(), tiny_batch(2)).regions == ()

    def test_overfits_four_samples(self, model):
        """The boxes are found, not only the loss lower. That cannot fall to a tenth: its targets are soft, so that
        cross-entropies keep the entropy of the target."""
        batch = tiny_batch(4)
        for part in model.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.momentum = 0.3  # in 45 steps the usual slow average would not come near what it is to be
        optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
        losses = []
        for _ in range(45):
            optimiser.zero_grad()
            losses.append(self.loss(model.train(), batch))
            losses[-1].backward()
            optimiser.step()
        assert losses[-1] < 0.5 * losses[0]
        with torch.inference_mode():
            found = best_boxes(output_of(model.eval(), batch))[:, :3]
        overlap = torch.stack([box_iou(a, b).diagonal() for a, b in zip(found, batch["boxes"], strict=True)])
        assert overlap.min() > 0.5
        assert overlap.mean() > 0.85


class SlowToFit(GroundingContract):
    """For the variants that differ least from others, whose training waits for the slow lane."""

    @pytest.mark.slow
    def test_overfits_four_samples(self, model):
        super().test_overfits_four_samples(model)


class TestWhole(GroundingContract):
    """PL-MoE by patches, TGDF-SSA, region head, text adapter."""


class TestBaseline(GroundingContract):
    """Table V's first row."""

    @property
    def changes(self):
        return BASELINE


class TestWithoutExperts(SlowToFit):
    @property
    def changes(self):
        return {"experts": 0}


class TestWithoutFusion(SlowToFit):
    @property
    def changes(self):
        return {"fusion": False}


class TestByToken(SlowToFit):
    @property
    def changes(self):
        return {"routing": "token"}


class TestByImage(SlowToFit):
    @property
    def changes(self):
        return {"routing": "image", "experts": 2}


class TestWithoutTextAdapter(SlowToFit):
    @property
    def changes(self):
        return {"text_adapter": False}


def test_one_encoding_serves_any_number_of_texts():
    network = moved(tiny_network()).eval()
    batch = tiny_batch(3)
    view = view_of(network, batch)
    asked = view.rows(torch.tensor([2, 0, 2]))  # the third picture is asked twice
    texts = batch["texts"][:, :1]
    texts[2] = batch["texts"][2, 1:2]
    output = network(asked, texts, torch.ones(3, 1, dtype=torch.bool))
    for row, picture in enumerate((2, 0, 2)):
        one = {name: batch[name][picture : picture + 1] for name in NAMES_OF_INPUTS}
        one |= {"texts": texts[row : row + 1], "text_mask": torch.ones(1, 1, dtype=torch.bool)}
        torch.testing.assert_close(output.scores[row], output_of(network, one).scores[0])


def test_a_view_holds_no_text_and_no_region_is_told_in_use():
    network = tiny_network()
    view = view_of(network.eval(), tiny_batch(2))
    assert view.cell_mask.shape == (2, CELLS)
    assert view.balance.tolist() == [0.0, 0.0]
    assert view.routes.shape == (2, CONFIG.experts, 2, 2)  # 3 x 3 cells in patches of 2 x 2, cut at the edge
    assert view_of(tiny_network(experts=0), tiny_batch(2)).routes is None


def test_cells_are_counted_row_by_row_scale_by_scale():
    output = output_of(tiny_network().eval(), tiny_batch(1))
    first_of_p4 = (SIZE // 8) ** 2
    assert output.centres[:2].tolist() == [[4.0, 4.0], [12.0, 4.0]]
    assert output.centres[SIZE // 8].tolist() == [4.0, 12.0]
    assert output.centres[first_of_p4].tolist() == [8.0, 8.0]
    assert output.centres[-1].tolist() == [SIZE - 16.0, SIZE - 16.0]
    assert output.strides[[0, first_of_p4, -1]].tolist() == [8.0, 16.0, 32.0]


def test_a_picture_need_not_be_square():
    network = tiny_network().eval()
    batch = tiny_batch(1)
    batch |= {"picture": batch["picture"][:, :, :64, :96], "valid": batch["valid"][:, :64, :96]}
    assert output_of(network, batch).scores.shape[1] == 8 * 12 + 4 * 6 + 2 * 3


def test_a_picture_that_does_not_divide_is_refused():
    with pytest.raises(UsageError, match="100 x 64"):
        tiny_network().encode(torch.zeros(1, 3, 64, 100), torch.ones(1, 64, 100, dtype=torch.bool))


@pytest.mark.parametrize("changes", [{}, BASELINE], ids=["whole", "baseline"])
def test_scores_and_boxes_are_float32_under_autocast(changes):
    network = moved(tiny_network(**changes))
    batch = tiny_batch(2)
    plain = output_of(network.eval(), batch)
    with torch.autocast("cpu", torch.bfloat16):
        output = output_of(network, batch)
        loss, _ = grounding_loss(output_of(network.train(), batch), targets_of(batch), LossWeights())
    assert output.scores.dtype == output.boxes.dtype == output.sides.dtype == torch.float32
    there = batch["text_mask"].unsqueeze(1).expand_as(output.scores)
    torch.testing.assert_close(output.scores[there], plain.scores[there], atol=0.15, rtol=0)
    assert (output.boxes - plain.boxes).abs().max() < 1  # pixel
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


def test_before_the_first_step_texts_reach_the_scores_alone():
    """All gates and the adapter are shut: TGDF passes the picture on as if nothing had been said."""
    network = tiny_network().eval()
    batch = tiny_batch(2)
    view = view_of(network, batch)
    one = network(view, batch["texts"], batch["text_mask"])
    other = network(view, batch["texts"].roll(1, 1), batch["text_mask"])
    torch.testing.assert_close(one.sides, other.sides, atol=0, rtol=0)
    assert not torch.equal(one.scores, other.scores)


def test_the_texts_reach_the_boxes_once_the_gates_are_open():
    network = moved(tiny_network())  # in training: fresh running statistics would leave the picture at next to nothing
    batch = tiny_batch(2)
    view = view_of(network, batch)
    outputs = []
    for text in (0, 1):
        torch.manual_seed(0)  # dropout
        outputs.append(network(view, batch["texts"][:, text : text + 1], batch["text_mask"][:, :1]))
    assert (outputs[0].boxes - outputs[1].boxes).abs().max() > 1e-3  # pixels


def test_what_starts_at_zero_moves_within_ten_steps():
    """Gates, the adapter and every expert's map: each leaves 0, and what lies behind them gets a gradient."""
    network = tiny_network()
    closed = {name for name, p in network.named_parameters() if not p.any() and not name.endswith("norm.bias")}
    assert any("feature_gate" in name for name in closed)
    assert any("adapt.project" in name for name in closed)
    assert any("experts.up" in name for name in closed)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    batch = tiny_batch(4)
    for _ in range(10):
        optimiser.zero_grad()
        loss_of(network, batch).backward()
        optimiser.step()
    parameters = dict(network.named_parameters())
    assert [name for name in closed if not parameters[name].any()] == []
    assert [name for name, p in parameters.items() if not p.grad.any()] == []


@pytest.mark.parametrize("routing", ["patch", "token", "image"])
def test_each_expert_is_heard_and_learns(routing):
    network = moved(tiny_network(routing=routing))
    batch = tiny_batch(8)
    torch.manual_seed(0)
    view = view_of(network, batch)
    grounding_loss(network(view, batch["texts"], batch["text_mask"]), targets_of(batch), LossWeights())[0].backward()
    experts = network.backbone.deepest.experts
    for e in range(CONFIG.experts):
        assert view.routes[:, e].any(), e
        assert experts.down.grad[e].abs().max() > 0
        assert experts.up.grad[e].abs().max() > 0


@pytest.mark.parametrize("scale", [0, 1, 2])
def test_each_head_learns_from_its_own_loss(scale):
    network = moved(tiny_network())
    output = output_of(network, tiny_batch(4))
    cells = torch.split(torch.arange(CELLS), [(SIZE // stride) ** 2 for stride in STRIDES])[scale]
    for part, loss in (
        ("box", output.boxes[:, cells].square().mean()),
        ("contrast", output.scores[:, cells, :4].square().mean()),
        ("region", output.regions[scale].square().mean()),
    ):
        network.zero_grad()
        loss.backward(retain_graph=True)
        assert all(p.grad is not None and p.grad.any() for p in getattr(network.heads[scale], part).parameters()), part
        others = [h for i, h in enumerate(network.heads) if i != scale]
        assert all(p.grad is None or not p.grad.any() for head in others for p in head.parameters())


@pytest.mark.parametrize("config", [GroundingConfig.compact(), GroundingConfig.paper()], ids=["compact", "paper"])
def test_presets_are_built_and_answer(config):
    network = build_network(config).eval()
    texts, there = torch.zeros(1, 2, config.embed_width), torch.ones(1, 2, dtype=torch.bool)
    with torch.inference_mode():
        view = network.encode(torch.zeros(1, 3, 64, 64), torch.ones(1, 64, 64, dtype=torch.bool))
        output = network(view, texts, there)
    assert output.scores.shape == (1, 64 + 16 + 4, 2)
    assert output.sides.shape == (1, 64 + 16 + 4, 4, config.box_bins)
    assert view.routes.shape == (1, config.experts, 1, 1)
