"""The LGCE paper's figures as data: whole, in percent, consistent with what its text says of them."""

from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.segmentation.published import lgce_table

SCORES = {"Pr@0.5", "Pr@0.6", "Pr@0.7", "Pr@0.8", "Pr@0.9", "oIoU", "mIoU"}


def test_table_ii_has_all_methods_and_marks_those_that_others_published():
    table = lgce_table("II")
    assert [row.name for row in table.rows if row.whose == "paper"] == [
        "LSTM-CNN", "ConvLSTM", "CMSA", "BRINet", "LAVT", "LGCE",
    ]  # fmt: skip
    others = [row for row in table.rows if row.whose == "others"]
    assert {row.name for row in others} == {"RMSIN", "DiCoR", "EviSAM3"}
    assert all(set(row.values) == SCORES for row in table.rows if row not in others)
    assert all(set(row.values) == {"oIoU", "mIoU"} for row in others)
    assert table.mark == "the paper's figure on RefSegRS"


def test_figures_are_percent_and_precision_falls_with_the_threshold():
    for number in ("II", "III"):
        for row in lgce_table(number).rows:
            precisions = [row.values[f"Pr@0.{n}"] for n in range(5, 10) if f"Pr@0.{n}" in row.values]
            assert precisions == sorted(precisions, reverse=True)
            assert all(0 < value < 100 for value in row.values.values())
            assert row.values["oIoU"] > row.values["mIoU"] > 20


def test_the_tables_agree_on_ours_and_on_lavt():
    for ablation, method in (("Baseline (LAVT)", "LAVT"), ("Full Model (LGCE)", "LGCE")):
        assert lgce_table("III").row(ablation).values == lgce_table("II").row(method).values


def test_what_the_text_says_of_them_holds():
    """Section V-D: 16 % over ConvLSTM and about 2 % over LAVT in mIoU, 73.75 % in Pr@0.5."""
    rows = {row.name: row.values for row in lgce_table("II").rows}
    assert rows["LGCE"]["Pr@0.5"] == 73.75
    assert rows["LGCE"]["mIoU"] - rows["ConvLSTM"]["mIoU"] == pytest.approx(16, abs=1)
    assert rows["LGCE"]["mIoU"] - rows["LAVT"]["mIoU"] == pytest.approx(2, abs=0.3)
    assert all(rows["LGCE"][name] > rows[other][name] for other in ("LAVT", "CMSA", "BRINet") for name in SCORES)


def test_table_iv_is_of_counts_alone():
    table = lgce_table("IV")
    assert table.counts == table.columns
    assert [row.name for row in table.rows] == [row.name for row in lgce_table("III").rows]
    assert table.row("w/o Language Guidance").values == table.row("Full Model (LGCE)").values
    for row in table.rows:  # a multiply-accumulate is two operations
        assert row.values["FLOPs (G)"] == pytest.approx(2 * row.values["MACs (G)"], rel=0.002)


def test_unknown_ones_are_refused():
    with pytest.raises(UsageError, match="“I”"):
        lgce_table("I")
    with pytest.raises(UsageError, match="Nobody"):
        lgce_table("III").row("Nobody")
