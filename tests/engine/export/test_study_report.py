"""The page of a study at its edges; what it says of a paper is tested with the studies themselves."""

from __future__ import annotations

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
    rows = (StudyRow("run", done=1, wanted=1, ours={"MACs": 200.0}, paper={"MACs": 191.5}, folders=("runs/run",)),)
    page = study_page(StudyReport("A study", ("MACs",), rows, "a split", "a paper", counts=("MACs",)))
    assert "200.00" in page
    assert "at a glance" not in page
    assert "percent" not in page
    assert 'class="best"' not in page


def test_a_disk_that_says_no_leaves_the_older_report(tmp_path, monkeypatch):
    before = {path.name: path.read_bytes() for path in write_study(report_of(0.5), tmp_path)}

    def full(self, *args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ExportRefused, match="No space left"):
        write_study(report_of(0.75), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
