"""Every grounding and segmentation layout is told from all others, and a whole one passes the check."""

from __future__ import annotations

from importlib import import_module

import pytest

from engine.datasets.check import check_dataset
from engine.datasets.table import recognise_layouts

FOLDERS = {
    "OptSAR-RSVG": "optsar-rsvg",
    "DIOR_RSVG": "dior-rsvg",
    "OPT-RSVG": "opt-rsvg",
    "RSVGD": "coco-grounding",
    "SARVG": "coco-grounding",
    "SARVG1.0": "tacmt",
    "RefSegRS": "refsegrs",
    "RISBench": "risbench",
    "RRSIS-D": "rrsis-d",
}


@pytest.mark.parametrize(("name", "layout"), FOLDERS.items())
def test_a_whole_copy_is_recognised_and_passes(tmp_path, name, layout):
    fabricated = import_module(f"tests.engine.datasets.fabricate.{layout.replace('-', '_')}")
    folder = tmp_path / name
    fabricated.fabricate(folder)
    assert recognise_layouts(folder) == (layout,)
    report = check_dataset(folder)
    assert report.faults == ()
    assert report.samples > 0
    shared = [note for note in report.notes if "more than one split" in note]
    assert bool(shared) == (layout in ("dior-rsvg", "opt-rsvg"))
