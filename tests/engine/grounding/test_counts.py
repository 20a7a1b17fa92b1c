"""The paper preset is as large as the shape it is built on (networks.md, section 2), part by part."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.grounding.build import build_network
from engine.grounding.config import GroundingConfig
from engine.grounding.counts import (
    BASELINE,
    TABLE_V,
    TABLE_VI,
    count_parts,
    count_text,
    counted_table,
    explanations,
    trained,
)
from engine.grounding.published import optisar_table
from tests.engine.grounding.tiny import CONFIG


def test_the_base_is_the_published_shape():
    assert trained(BASELINE) / 1e6 == pytest.approx(22.03, rel=0.01)


def test_the_whole_is_as_large_as_its_design():
    assert trained({}) / 1e6 == pytest.approx(26.65, rel=0.01)


def test_semantic_injection_costs_what_it_should_and_experts_nearly_nothing():
    base, experts, whole = (trained(TABLE_V[row]) / 1e6 for row in ("Baseline", "+ PL-MoE", "+ semantic injection"))
    assert whole - experts == pytest.approx(4.7, abs=0.1)
    assert -0.1 < experts - base < 0


@pytest.mark.parametrize("changes", [{}, BASELINE, {"text_adapter": False}], ids=str)
def test_parts_add_up_to_the_network(changes):
    config = replace(CONFIG, **changes)
    assert sum(count_parts(config).values()) == sum(p.numel() for p in build_network(config).parameters())


def test_the_text_adapter_and_the_region_head_by_hand():
    parts = count_parts(GroundingConfig.paper())
    assert parts["text adapter"] == 512 * 2048 + 2048 + 1024 * 512 + 512
    first = 3 * (256 * 256 + 256)
    assert parts["region head"] == first + 256 * (16 + 4 + 4) + 16 + 4 + 4


def test_the_text_tower_of_the_paper():
    pytest.importorskip("open_clip")
    assert count_text() / 1e6 == pytest.approx(63.4, abs=0.05)


@pytest.mark.parametrize(("number", "variants"), [("V", TABLE_V), ("VI", TABLE_VI)])
def test_every_row_of_the_paper_has_our_count_beside_it(number, variants):
    rows = counted_table(number, variants, 63_400_000)
    assert [row.name for row in rows] == [row.name for row in optisar_table(number).rows]
    assert all(85 < row.ours_m < 91 <= row.paper_m for row in rows)


def test_routing_and_top_k_cost_no_parameter_and_experts_do():
    ours = {row.name: row.ours_m for row in counted_table("VI", TABLE_VI, 0)}
    assert len({ours[name] for name in ours if name.startswith("8")}) == 1
    assert ours["2, 2, 2"] < ours["4, 2, 2"] < ours["8, 2, 2"]


def test_differences_are_said_with_both_figures():
    said = " ".join(explanations())
    for figure in ("22.03", "27.6", "26.6", "32.2", "+0.3", "+4.3", "5.56"):
        assert figure in said
