"""The paper's figures as data: whole, and marked."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.errors import UsageError
from engine.vqa.published import tgfnet_table


def test_table_iii_has_six_methods_in_three_modalities_and_tgfnet():
    table = tgfnet_table("III")
    methods = {row.name for row in table.rows} - {"TGFNet"}
    assert methods == {"RSVQA", "MAIN", "Bi-Modal", "FETH", "TRAR", "HRVQA"}
    assert {(row.name, row.modality) for row in table.rows} == {
        (name, modality) for name in methods for modality in ("SAR", "OPT", "MUL")
    } | {("TGFNet", "MUL")}
    assert all(set(row.values) == set(table.columns) for row in table.rows)
    assert len(table.columns) == 10


def test_the_tables_agree_on_tgfnet_and_the_improvements_are_the_papers():
    whole = tgfnet_table("III").row("TGFNet").values
    for number, name in (("IV", "Exp4"), ("V", "TGFNet")):
        row = tgfnet_table(number).row(name)
        assert (row.values["OA"], row.values["AA"]) == (71.81, 65.12) == (whole["OA"], whole["AA"])
    second = tgfnet_table("III").row("Bi-Modal", "MUL").values
    # Section V-B tells the gains over the second best: 1.84 and 0.97; 1.72, 1.38 and 1.43 in three types.
    assert round(whole["OA"] - second["OA"], 2) == 1.84
    assert round(whole["AA"] - second["AA"], 2) == 0.97
    rows = [row.values for row in tgfnet_table("III").rows if row.name != "TGFNet"]
    gains = {kind: round(whole[kind] - max(row[kind] for row in rows), 2) for kind in ("compare", "presence", "number")}
    assert gains == {"compare": 1.72, "presence": 1.38, "number": 1.43}


def test_the_steps_of_the_ablation_are_the_papers():
    rows = [tgfnet_table("IV").row(f"Exp{number}").values for number in (1, 2, 3, 4)]
    steps = [(round(b["OA"] - a["OA"], 2), round(b["AA"] - a["AA"], 2)) for a, b in pairwise(rows)]
    assert steps == [(0.36, 2.07), (0.48, 0.11), (0.60, 0.49)]


def test_contradictions_are_told():
    assert "swaps" in tgfnet_table("III").notes[0]
    for number in ("IV", "V"):
        assert "disagree" in tgfnet_table(number).notes[0]
    assert tgfnet_table("III").mark == "the paper's figure on OSVQA"


def test_unknown_ones_are_refused():
    with pytest.raises(UsageError, match="“VI”"):
        tgfnet_table("VI")
    with pytest.raises(UsageError, match="Nobody"):
        tgfnet_table("V").row("Nobody")
