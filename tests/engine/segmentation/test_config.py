"""The configuration: what it refuses, and that a card keeps it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.errors import ModelDamaged, UsageError
from engine.segmentation.build import build_network
from engine.segmentation.config import SegmentationConfig
from tests.engine.segmentation.tiny import CONFIG, TEXT, output_of, tiny_batch


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 100}, {"image_size": 0}, {"text_width": 0}, {"tokens": 0}, {"first_width": 0}, {"window": 0},
        {"depths": (2, 2, 0, 2)}, {"heads": (1, 2, 3, 8)}, {"heads": (0, 2, 4, 8)}, {"drop_path": 1.0},
        {"drop_path": -0.1}, {"enhancement_heads": (5, 8)}, {"high_blocks": 0}, {"low_blocks": 0},
        {"decoder_width": 0},
    ],
    ids=str,
)  # fmt: skip
def test_sizes_that_do_not_fit_are_refused(change):
    with pytest.raises(UsageError):
        replace(SegmentationConfig.compact(), **change)


@pytest.mark.parametrize(
    "change",
    [{"image_size": 32}, {"window": 1}, {"window": 99}, {"depths": (1, 1, 1, 1)}, {"enhancement_mlp": 0.5}],
    ids=str,
)
def test_what_is_not_refused_can_be_built_and_run(change):
    network = build_network(replace(CONFIG, **change)).eval()
    with torch.inference_mode():
        assert torch.isfinite(output_of(network, tiny_batch(1)).logits).all()


def test_what_is_not_built_is_not_checked():
    assert not replace(CONFIG, enhancement=False, enhancement_heads=(5, 8)).enhancement


@pytest.mark.parametrize(
    "config", [CONFIG, SegmentationConfig.paper(), SegmentationConfig.compact()], ids=["tiny", "paper", "compact"]
)
def test_config_survives_the_card(config):
    assert SegmentationConfig.from_json(config.as_json()) == config


@pytest.mark.parametrize(
    "fault",
    [{"more": 1}, {"window": "wide"}, {"fusion": "perhaps"}, {"sensors": "lidar"}, {"window": 0}],
    ids=["unknown", "type", "choice", "sensor", "size"],
)
def test_a_config_that_does_not_fit_is_damaged(fault):
    with pytest.raises(ModelDamaged):
        SegmentationConfig.from_json(CONFIG.as_json() | fault)


def test_the_paper_preset_has_the_papers_sizes():
    paper = SegmentationConfig.paper()
    assert paper.widths == (128, 256, 512, 1024)
    assert (paper.depths, paper.window, paper.image_size) == ((2, 2, 18, 2), 12, 480)
    assert (paper.text_encoder, paper.text_width, paper.tokens, paper.train_text) == (
        "bert-base-uncased",
        768,
        20,
        True,
    )
    assert (paper.high_blocks, paper.low_blocks, paper.enhancement_heads) == (1, 3, (8, 16))
    assert (paper.sensors, paper.decoder_width, paper.drop_path) == ("optical", 512, 0.3)


def test_the_same_seed_builds_the_same_network():
    networks = []
    for _ in range(2):
        torch.manual_seed(4)
        networks.append(build_network(CONFIG))
    torch.testing.assert_close(networks[0].state_dict(), networks[1].state_dict(), atol=0, rtol=0)
    assert networks[0].attentions[0].to_key.in_features == TEXT
