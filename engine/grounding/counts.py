"""How many parameters the network has, by part, beside what the paper says; nothing is padded to match.

Networks are built on torch's ``meta`` device, without numbers in them, so that counting costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from engine.grounding.build import build_network
from engine.grounding.config import GroundingConfig
from engine.grounding.published import optisar_table

PARAMETERS = "Params (M)"
"""The column of the paper's tables; they count the frozen text encoder, too."""

BASELINE: Mapping[str, object] = {"experts": 0, "fusion": False, "region": False}

TABLE_V: Mapping[str, Mapping[str, object]] = {
    "Baseline": BASELINE,
    "+ adversarial negatives": BASELINE,
    "+ PL-MoE": {"fusion": False, "region": False},
    "+ semantic injection": {},
}
"""Rows of Table V as changes to the ``paper`` preset."""

TABLE_VI: Mapping[str, Mapping[str, object]] = {
    "2, 2, 2": {"experts": 2},
    "4, 2, 2": {"experts": 4},
    "8, 1, 2": {"top_k": 1},
    "8, 3, 2": {"top_k": 3},
    "8, 2, 1": {"routing": "token"},
    "8, 2, all": {"routing": "image"},
    "8, 2, 4": {"moe_patch": 4},
    "8, 2, 2": {},
}
"""Rows of Table VI (experts, top k, patch side), likewise."""

PAPER_TEXT_M, PAPER_TRAINED_M = 63.4, 32.2
"""Section V-A3: the frozen text branch, and what is trained, in millions."""

TEXT_M = {"all-MiniLM-L6-v2": 22.7, "mobileclip2": PAPER_TEXT_M}
"""Millions of parameters of the frozen text encoders, which the paper's tables count, too."""

UNUSED_M = 5.56
"""Millions in the release's visual-prompt encoder, which the paper's method has no use for and we do not build."""


@dataclass(frozen=True, slots=True)
class CountedRow:
    """A row of a table of the paper, in millions of parameters, text encoder included: ours, and the paper's."""

    name: str
    ours_m: float
    paper_m: float


def count_parts(config: GroundingConfig) -> dict[str, int]:
    """Parameters of everything that is trained, by part; they add up to the network's. A part left out has none."""
    with torch.device("meta"):
        network = build_network(config)
    deepest = "PL-MoE" if config.experts else "CSP stage in PL-MoE's place"
    heads: list[Any] = list(network.heads)
    return {
        "backbone": _size(network.backbone) - _size(network.backbone.deepest),
        deepest: _size(network.backbone.deepest),
        "neck": _size(network.neck),
        "TGDF-SSA": _size(network.fusions),
        "box branches": sum(_size(head.box) for head in heads),
        "class branches": sum(_size(head) - _size(head.box) - _size(head.region) for head in heads),
        "text adapter": _size(network.adapt),
        "region head": sum(_size(head.region) for head in heads),
    }


def parameters_m(config: GroundingConfig) -> float:
    """Millions of parameters, the frozen text encoder's included, as the paper counts them."""
    return millions(sum(count_parts(config).values())) + TEXT_M[config.text_encoder]


def count_text() -> int:
    """Parameters of MobileCLIP2-B's text tower, built by open_clip without weights."""
    from engine.nn.mobileclip import build_tower

    with torch.device("meta"):
        return _size(build_tower())


def counted_table(number: str, variants: Mapping[str, Mapping[str, object]], text: int) -> list[CountedRow]:
    """Our counts beside column :data:`PARAMETERS` of the paper's table; ``text`` parameters of the frozen encoder."""
    return [
        CountedRow(row.name, millions(trained(variants[row.name]) + text), row.values[PARAMETERS])
        for row in optisar_table(number).rows
        if row.name in variants
    ]


def trained(changes: Mapping[str, object]) -> int:
    """All trained parameters of the ``paper`` preset with ``changes``."""
    return sum(count_parts(replace(GroundingConfig.paper(), **changes)).values())  # type: ignore[arg-type]


def millions(parameters: int) -> float:
    """As the paper's tables have it."""
    return parameters / 1e6


def explanations() -> list[str]:
    """Why our counts and the paper's differ, one sentence each, with both figures."""
    base, experts, whole = (millions(trained(TABLE_V[row])) for row in ("Baseline", "+ PL-MoE", "+ semantic injection"))
    paper_base, _, paper_experts, paper_whole = (row.values[PARAMETERS] for row in optisar_table("V").rows)
    detector = paper_base - PAPER_TEXT_M
    rank, halved = GroundingConfig.paper().rank, GroundingConfig.paper().experts // 2
    one_expert = (trained({}) - trained({"experts": halved})) // halved
    return [
        f"Base: {base:.2f} M. The paper's {detector:.1f} M ({paper_base} - {PAPER_TEXT_M}) have a visual-prompt "
        f"encoder of {UNUSED_M} M in them that its method never uses and we do not build; without it, "
        f"{detector - UNUSED_M:.2f} M.",
        f"Whole: {whole:.2f} M. The paper's {PAPER_TRAINED_M} M without that encoder are "
        f"{PAPER_TRAINED_M - UNUSED_M:.2f} M.",
        f"PL-MoE: {experts - base:+.2f} M at rank {rank}; the paper has {paper_experts - paper_base:+.1f} M, at a rank "
        "that it does not name.",
        f"TGDF-SSA and region head: {whole - experts:+.2f} M; the paper has {paper_whole - paper_experts:+.1f} M.",
        f"One expert has {one_expert:,} parameters at rank {rank}. The paper's Table VI adds 0.7 M from two to "
        "four experts and none from four to eight: no rank does both.",
    ]


def _size(module: nn.Module | None) -> int:
    return 0 if module is None else sum(parameter.numel() for parameter in module.parameters())
