"""The configuration: what it refuses, and that a card keeps it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.errors import ModelDamaged, UsageError
from engine.grounding.build import build_network
from engine.grounding.config import GroundingConfig
from tests.engine.grounding.tiny import CONFIG


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 100}, {"image_size": 0}, {"top_k": 0}, {"top_k": 9}, {"rank": 0}, {"moe_patch": 0},
        {"embed_width": 0}, {"texts": 0}, {"bottlenecks": 0}, {"box_bins": 1}, {"fusion_width": 130},
        {"fusion_heads": 0}, {"fusion_heads": 5, "fusion_width": 125}, {"fusion_repeats": 0}, {"shuffle_groups": 0},
        {"shuffle_groups": 12}, {"neck_widths": (63, 128, 256)}, {"region_grids": (4, 0, 2)},
        {"stage_widths": (64, 128, 128, 262)}, {"conv_widths": (4, 32, 64, 128, 256)},
    ],
    ids=str,
)  # fmt: skip
def test_sizes_that_do_not_fit_are_refused(change):
    with pytest.raises(UsageError):
        replace(GroundingConfig.compact(), **change)


@pytest.mark.parametrize("deepest", [8, 130, 254, 256, 384])
def test_what_is_not_refused_can_be_built(deepest):
    config = replace(CONFIG, stage_widths=(8, 8, 8, deepest), conv_widths=(8,) * 5, moe_patch=1)
    network = build_network(config).eval()
    with torch.inference_mode():
        view = network.encode(torch.zeros(1, 3, 64, 64), torch.ones(1, 64, 64, dtype=torch.bool))
    assert view.p5.shape == (1, CONFIG.neck_widths[-1], 2, 2)


def test_what_is_not_built_is_not_checked():
    assert replace(GroundingConfig.compact(), fusion=False, shuffle_groups=12).shuffle_groups == 12
    assert replace(GroundingConfig.compact(), experts=0, top_k=9).top_k == 9


@pytest.mark.parametrize(
    "config", [CONFIG, GroundingConfig.paper(), GroundingConfig.compact()], ids=["tiny", "paper", "compact"]
)
def test_config_survives_the_card(config):
    assert GroundingConfig.from_json(config.as_json()) == config


@pytest.mark.parametrize(
    "fault",
    [{"more": 1}, {"rank": "low"}, {"routing": "perhaps"}, {"rank": 0}],
    ids=["unknown", "type", "choice", "size"],
)
def test_a_config_that_does_not_fit_is_damaged(fault):
    with pytest.raises(ModelDamaged):
        GroundingConfig.from_json(CONFIG.as_json() | fault)


def test_branches_are_as_wide_as_the_shape_says():
    assert (GroundingConfig.paper().box_width, GroundingConfig.paper().class_width) == (64, 256)
