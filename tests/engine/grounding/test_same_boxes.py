"""One picking rule: what validation and a report score is the box that somebody who searches the picture gets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.grounding.data.expression_set import Expression, ExpressionSet, NamedThing
from engine.grounding.model import OptiSarNet
from engine.grounding.picking import Picked, pick
from engine.grounding.predictor import GroundingPredictor
from engine.grounding.scoring import score_set
from engine.nn.inputs import SensorArea
from engine.nn.preprocess import PreprocessSpec, as_bytes, letterbox, stretch_optical, stretch_sar
from tests.engine.grounding.finder import SMALL, HashEmbedder, finder_card
from tests.engine.grounding.tiny import moved, tiny_network

SPEC = PreprocessSpec(optical_percentiles=(0, 100), sar_percentiles=(0, 100))
SIZE = SMALL.image_size
TEXTS = ("the ship on the left", "a tank", "the largest of all")
SHAPES = ((SIZE, SIZE), (40, SIZE), (SIZE, 30))  # not resized: a set rounds what is resized to whole grey levels


def decided() -> OptiSarNet:
    """A network whose cells' boxes and scores differ, by the statistics of noise; else one cell is always the best."""
    network = moved(tiny_network(image_size=SIZE))
    drawn = torch.Generator().manual_seed(1)
    texts, real = HashEmbedder().embed(TEXTS).expand(8, -1, -1), torch.ones(8, len(TEXTS), dtype=torch.bool)
    for norm in (module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.momentum = 1.0  # the statistics of the last batch
    with torch.no_grad():
        for head in network.heads:
            head.box[-1].weight.mul_(20)
            head.contrast.logit_scale.fill_(0.0)
            head.contrast.bias.fill_(-2.0)
        noise = torch.randn(8, 3, SIZE, SIZE, generator=drawn)
        network(network.encode(noise, torch.ones(8, SIZE, SIZE, dtype=torch.bool)), texts, real)
    return network.eval()


def areas() -> list[SensorArea]:
    """Both sensors in pictures of several shapes, in whole numbers from 0 to 255, which sets keep without rounding."""
    rng = np.random.default_rng(0)
    made = []
    for number, shape in enumerate(SHAPES * 2):
        sensor, bands = (("optical", 3), ("sar", 1))[number // len(SHAPES)]
        values = rng.integers(0, 256, (bands, *shape)).astype(np.float32)
        values.flat[:2] = 0, 255
        made.append(SensorArea(values, None, sensor, "stretched-8bit"))
    return made


def kept(pictures: list[SensorArea]) -> ExpressionSet:
    """The same pictures as a set on disk has them."""
    pixels, valid = [], []
    for values, _, sensor, unit in pictures:
        whole = np.ones(values.shape[1:], bool)
        levels = stretch_optical(values, whole, SPEC) if sensor == "optical" else stretch_sar(values, whole, unit, SPEC)
        square = letterbox(levels, whole, SIZE)
        pixels.append(np.broadcast_to(as_bytes(square.values), (3, SIZE, SIZE)))
        valid.append(square.valid_share > 0.5)
    rows = range(len(pictures))
    return ExpressionSet(
        about="noise",
        pixels=np.stack(pixels),
        sensors=tuple(one.sensor for one in pictures),
        names=tuple(map(str, rows)),
        weather=("",) * len(rows),
        gsd_m=(1.0,) * len(rows),
        things=tuple(NamedThing(row, (20.0, 20.0, 40.0, 40.0), "ship") for row in rows),
        expressions=tuple(Expression(row, text, (row,), "ship") for row in rows for text in TEXTS),
        valid=np.stack(valid),
    )


def test_a_search_finds_the_box_that_is_scored():
    pictures, network = areas(), decided()
    predictor = GroundingPredictor(network, replace(finder_card(), preprocess=SPEC.as_json()), HashEmbedder())
    scored = score_set(network, kept(pictures), HashEmbedder(), SMALL, SPEC)
    cells = set()
    for row, expression in enumerate(kept(pictures).expressions):
        view = predictor.encode(pictures[expression.picture])
        (found,) = predictor.find(view, expression.text)
        left, top, right, _ = (SIZE * edge for edge in view.image_part)
        scale = view.size[0] / (right - left)
        wanted = (scored.boxes[row] - np.tile([left, top], 2)) * scale
        np.testing.assert_allclose(found.box_xyxy_px, wanted, atol=2e-3)
        assert found.score == pytest.approx(scored.scores[row], abs=1e-5)
        cells.add(found.cell)
    assert len(cells) > 5, "else any rule would give the same"


def test_the_best_box_alone_is_the_first_of_all():
    drawn = torch.Generator().manual_seed(0)
    corners = 50 * torch.rand(200, 2, generator=drawn)
    boxes = torch.cat([corners, corners + 5 + 40 * torch.rand(200, 2, generator=drawn)], 1)
    found = Picked(boxes, torch.rand(200, generator=drawn), torch.arange(200), torch.zeros(200, dtype=torch.long))
    for one, first in zip(pick(found, most=1), pick(found, most=None), strict=True):
        assert torch.equal(one, first[:1])
    nothing = found.where(torch.zeros(200, dtype=torch.bool))
    assert not len(pick(nothing, most=1).cells)
