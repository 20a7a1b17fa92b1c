"""The page of a study at its edges; what it says of a paper is tested with the studies themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ExportRefused
from engine.export.study import StudyReport, StudyRow, study_page, write_study


def report_of(*shares: float) -> StudyReport:
    rows = [StudyRow(f"run {i}", done=1, wanted=1, ours={"OA": 100 * share}) for i, share in enumerate(shares)]
    return StudyReport("A study", ("OA",), tuple(rows), "a split", "")


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_runs_that_are_all_alike_have_a_chart(share):
    page = study_page(report_of(share, share))
    assert page.count('class="dot ours"') >= 2


def test_counts_alone_have_no_chart_and_no_best():
    rows = (StudyRow("run", done=1, wanted=1, ours={"MACs": 200.0}, paper={"MACs": 191.5}, folders=("runs/run",)),
            StudyRow("other", paper={"MACs": 87.0}))  # fmt: skip
    page = study_page(StudyReport("A study", ("MACs",), rows, "a split", "a paper", counts=("MACs",)))
    assert "200.00" in page
    assert ">191.5<" in page
    assert ">87.0<" in page
    assert "glance" not in page
    assert "percent" not in page
    assert 'class="best"' not in page


def test_the_best_is_marked_where_there_are_several_and_only_there():
    def page_of(*shares: float) -> str:
        rows = tuple(replace(row, folders=("runs/run",)) for row in report_of(*shares).rows)
        return study_page(replace(report_of(), rows=rows))

    assert page_of(0.5, 0.25, 0.499999).count('class="best">50.00') == 2  # what is printed alike is marked alike
    assert 'class="best"' not in page_of(0.5)


def test_a_row_that_nobody_runs_is_one_line_of_the_papers():
    """A method's name stands beside the paper's figures; one that is to be run has a line of its own until then."""
    other, asked = StudyRow("Other", "one-stage", paper={"OA": 70.5}), StudyRow("Run", wanted=1, paper={"OA": 71.0})
    page = study_page(StudyReport("A study", ("OA",), (other, asked), "a split", "a paper"))
    rows = [line for line in page.split("<tr")[1:] if 'class="ours"' in line or 'class="paper"' in line]
    assert ["Other" in line and "70.50" in line for line in rows] == [True, False, False]
    assert "ours: not run yet" in rows[1]
    assert "71.00" in rows[2]


def test_a_disk_that_says_no_leaves_the_older_report(tmp_path, monkeypatch):
    before = {path.name: path.read_bytes() for path in write_study(report_of(0.5), tmp_path)}

    def full(self, *args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ExportRefused, match="No space left"):
        write_study(report_of(0.75), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
