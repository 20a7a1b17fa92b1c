"""The paper preset is as large as the network it is built on, and computes as much as the paper says (Table IV)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.segmentation.build import build_network
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.counts import (
    LAVT_VISION,
    TABLE_IV,
    changed,
    count_operations,
    count_parts,
    counted_table,
    explanations,
)
from engine.segmentation.published import lgce_table
from tests.engine.segmentation.tiny import CONFIG, LAVT


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in counted_table()}


def test_lavts_vision_part_has_exactly_its_published_parameters():
    with torch.device("meta"):
        network = build_network(changed(LAVT))
    assert sum(parameter.numel() for parameter in network.parameters()) == LAVT_VISION == 118_847_866


def test_pwam_gates_and_decoder_by_hand():
    parts = count_parts(changed(LAVT))
    widths = (128, 256, 512, 1024)
    assert parts["PWAM"] == sum(4 * (c * c + c) + 2 * (768 * c + c) for c in widths)
    assert parts["language gates"] == sum(2 * c * c for c in widths)
    steps = [(1024 + 512, 512), (512 + 256, 512), (512 + 128, 512)]
    decoder = sum(9 * (a * b + b * b) + 2 * 2 * b for a, b in steps) + 512 * 2 + 2
    assert parts["norms and decoder"] == decoder + sum(2 * c for c in widths)


def test_lgce_by_hand():
    def layer(c: int) -> int:
        return 4 * (c * c + c) + (c * 2 * c + 2 * c) + (2 * c * c + c) + 2 * 2 * c

    guided = (768 * 512 + 512) + layer(512) + (768 * 1024 + 1024) + 3 * layer(1024)
    fusion = sum(other * c + c + 2 * c + 4 * (c * c + c) for c, other in ((512, 1024), (1024, 512)))
    assert count_parts(changed({"cross_scale": False}))["LGCE"] == guided
    assert count_parts(changed({}))["LGCE"] == guided + fusion
    assert count_parts(changed({"guidance": False}))["LGCE"] == guided + fusion + 768


@pytest.mark.slow
def test_every_row_of_the_paper_has_our_count_beside_it(rows):
    assert list(rows) == [row.name for row in lgce_table("IV").rows] == list(TABLE_IV)


@pytest.mark.slow
def test_multiply_accumulates_are_within_3_percent_of_the_papers(rows):
    for row in rows.values():
        assert row.ours_g == pytest.approx(row.paper_g, rel=0.03)
        assert row.ours_all_g > row.ours_g


@pytest.mark.parametrize("changes", [{}, LAVT, {"sensors": "sar", "unread_gate": True}], ids=str)
def test_parts_add_up_to_the_network(changes):
    config = replace(CONFIG, **changes)
    assert sum(count_parts(config).values()) == sum(p.numel() for p in build_network(config).parameters())


@pytest.mark.slow
def test_operations_of_a_step_of_the_decoder_by_hand():
    """One channel more of all three steps, counted by what it adds."""
    narrow, wide = (count_operations(replace(CONFIG, decoder_width=width)).weights for width in (15, 16))
    c1, c2, c3, c4 = CONFIG.widths

    def decoder(width: int) -> int:
        steps = [((c4 + c3), 4), ((width + c2), 8), ((width + c1), 16)]
        return sum(9 * (inputs + width) * width * side**2 for inputs, side in steps) + 2 * width * 16**2

    assert wide - narrow == decoder(16) - decoder(15)


def test_the_compact_preset_fits_into_nine_mebibytes():
    assert 2 * sum(count_parts(SegmentationConfig.compact()).values()) < 9 * 2**20


@pytest.mark.slow
def test_differences_are_said_with_both_figures():
    said = " ".join(explanations())
    for figure in ("118.85", "7.58", "0.95", "41.63", "6.89", "768"):
        assert figure in said
