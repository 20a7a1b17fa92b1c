"""``rsqa outline``: what is printed, what is written, how it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

pytest.importorskip("torch")

from engine.cli.main import main
from engine.cli.outline import outline_text
from tests.engine.export.handmade_outlined import outline_by_hand
from tests.engine.jobs.conftest import Pair, write_pair
from tests.engine.segmentation.outliner import HashWords, write_outliner


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    return Pair(*write_pair(folder), str(write_outliner(folder / "model", trained_gsd_m=(5.0, 50.0))))


@pytest.fixture
def rsqa(pair, monkeypatch, capsys):
    """Runs ``rsqa outline`` on the pair; returns its exit code, standard output and standard error."""
    monkeypatch.setattr("engine.segmentation.predictor.build_words", lambda config, folder, **_: HashWords())

    def run(*argv: str, optical: str = pair.optical, sar: str = pair.sar) -> tuple[int, str, str]:
        code = main(["outline", optical, sar, *argv, "--weights", pair.model, "--device", "cpu"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_object_has_the_keys_that_the_design_promises(rsqa, tmp_path):
    out = tmp_path / "out"
    code, said, complaint = rsqa("flooded fields", "--threshold", "0.4", "--json", "--out", str(out))
    assert code == 0, complaint
    made = json.loads(said)
    assert {
        "mask", "polygons", "area_m2", "share", "threshold", "mean_probability", "explanations", "area", "gate",
        "provenance", "files",
    } <= set(made)  # fmt: skip
    assert made["threshold"] == 0.4
    assert sorted(made["files"]) == sorted(map(str, out.iterdir()))
    assert {made["mask"], made["probability"], made["polygons"], *made["explanations"].values()} <= set(made["files"])
    with rasterio.open(made["mask"]) as mask:
        assert (mask.width, mask.height) == (256, 192)
        pixels = mask.read(1)
    assert made["share"] == pytest.approx((pixels == 1).mean())
    assert made["area_m2"] == pytest.approx(100 * (pixels == 1).sum(), rel=2e-3)
    polygons = json.loads(Path(made["polygons"]).read_text("utf-8"))
    assert polygons["type"] == "FeatureCollection"


def test_without_a_folder_the_object_names_files_that_stay(rsqa, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, said, _ = rsqa("flooded fields", "--threshold", "0.4", "--json")
    assert code == 0
    made = json.loads(said)
    assert np.load(made["mask"], allow_pickle=False).shape == (192, 256)
    assert made["polygons"].endswith("_outline.geojson")
    assert json.loads(Path(made["polygons"]).read_text("utf-8"))["features"]


def test_a_person_reads_a_table(rsqa, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, said, _ = rsqa("flooded fields", "--threshold", "0.05", "--least-part", "30", "--least-hole", "9")
    assert code == 0
    lines = said.splitlines()
    assert lines[0].startswith("Outlined    ")
    assert lines[0].endswith("of the area with data, from optical and SAR")
    assert lines[1].split() == ["area", "pixels", "holes", "probability", "columns", "rows"]
    assert "Understood  farmland (all of them); not understood: flooded" in lines
    mask = "from a probability of 5 % up · parts of fewer than 30 px left out · holes of fewer than 9 px filled"
    assert f"Mask        {mask}" in lines
    assert not any(line.startswith("Wrote") for line in lines)
    assert not list(tmp_path.glob("rsqa-*")), "nothing is left where nothing was asked for"


@pytest.mark.parametrize(
    ("argv", "changes", "code", "words"),
    [
        (("  ",), {}, 2, "no expression"),
        (("lakes", "--threshold", "7"), {}, 2, "no share"),
        (("lakes", "--least-part", "-1"), {}, 2, "no negative size"),
        (("lakes", "--gsd", "-1"), {}, 2, "no scale"),
        (("lakes", "--formats", "cog"), {}, 2, "not where"),
        (("a SAR lake",), {"sar": "-"}, 3, "asks for the SAR image"),
        (("the largest windmill", "--gsd", "10"), {}, 3, "names no class"),
        (("lakes",), {"optical": "missing.tif"}, 3, "missing.tif"),
        (("lakes",), {"optical": "-", "sar": "-"}, 2, "at least one raster"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_exit_codes(rsqa, argv, changes, code, words):
    ended, said, complaint = rsqa(*argv, **changes)
    assert (ended, said) == (code, "")
    assert words in complaint
    assert complaint.count("\n") == 1


def test_many_parts_are_counted(tmp_path):
    outline = outline_by_hand(tmp_path)
    shown = outline_text(replace(outline, parts=outline.parts[:1] * 25, parts_cut=7)).splitlines()
    assert any(line.strip() == "and 12 more" for line in shown)
