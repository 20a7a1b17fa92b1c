"""``rsqa find`` and ``rsqa annotate``: what is printed, what is written, how they end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import rasterio

pytest.importorskip("torch")

from engine.cli.find import finding_text
from engine.cli.main import main
from tests.engine.export.handmade_found import finding_by_hand
from tests.engine.grounding.finder import HashEmbedder, write_finder
from tests.engine.jobs.conftest import Pair, write_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    return Pair(*write_pair(folder), str(write_finder(folder / "model")))


@pytest.fixture
def rsqa(pair, monkeypatch, capsys):
    """Runs a command on the pair; returns its exit code, standard output and standard error."""
    monkeypatch.setattr("engine.grounding.predictor.build_embedder", lambda name, folder, device: HashEmbedder())

    def run(*argv: str, optical: str = pair.optical, sar: str = pair.sar) -> tuple[int, str, str]:
        command, *rest = argv
        code = main([command, optical, sar, *rest, "--weights", pair.model, "--device", "cpu"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_object_has_the_keys_that_the_design_promises(rsqa, tmp_path):
    out = tmp_path / "out"
    code, said, _ = rsqa("find", "ships", "--least-score", "0.01", "--json", "--out", str(out))
    assert code == 0
    found = json.loads(said)
    assert sorted(found["files"]) == sorted(map(str, out.iterdir()))
    assert all(path.endswith(".tif") for path in found["explanations"].values())
    assert {"boxes", "explanations", "area", "gate", "provenance", "files"} <= set(found)
    first = found["boxes"][0]
    assert set(first) == {
        "box_xyxy_px", "polygon_map", "score", "label", "sensor", "area_m2", "length_m", "width_m",
    }  # fmt: skip
    x0, y0, x1, y1 = first["box_xyxy_px"]
    assert 0 <= x0 < x1 <= 256
    assert 0 <= y0 < y1 <= 192
    assert first["polygon_map"][0] == pytest.approx([500000 + 10 * x0, 5400000 - 10 * y0])
    assert first["area_m2"] == pytest.approx(100 * (x1 - x0) * (y1 - y0))
    assert first["label"] == "ship"
    assert first["sensor"] in ("optical", "sar", "both")
    scores = [box["score"] for box in found["boxes"]]
    assert scores == sorted(scores, reverse=True)
    assert found["mode"] == "all"
    assert set(found["explanations"]) == set(found["explanation_maps"])


@pytest.mark.real
def test_boxes_of_a_real_pair_lie_on_its_map(rsqa, shared_data, tmp_path):
    optical, sar = (str(shared_data / f"pairs/sentinel_1024/059_{sensor}.tif") for sensor in ("opt", "sar"))
    code, said, complaint = rsqa(
        "find", "ships", "--area", "100,100,900,800", "--gsd", "125", "--least-score", "0.01",
        "--out", str(tmp_path / "out"), "--json",
        optical=optical, sar=sar,
    )  # fmt: skip
    assert code == 0, complaint
    found = json.loads(said)
    with rasterio.open(optical) as dataset:
        to_pixel = ~dataset.transform
    for box in found["boxes"]:
        corners = [to_pixel @ point for point in box["polygon_map"]]
        x0, y0, x1, y1 = box["box_xyxy_px"]
        assert corners[0] == pytest.approx((x0, y0), abs=1e-3)
        assert corners[2] == pytest.approx((x1, y1), abs=1e-3)
        assert 100 <= x0 < x1 <= 900
        assert 100 <= y0 < y1 <= 800
        metres = found["area"]["grid"]["gsd_m"] ** 2 * (x1 - x0) * (y1 - y0)
        assert box["area_m2"] == pytest.approx(metres, rel=0.01)


def test_a_person_reads_a_table(rsqa):
    code, said, _ = rsqa("find", "the largest white storage tank in the top left", "--gsd", "40")  # at once
    assert code == 0
    lines = said.splitlines()
    assert lines[0] == "Found       1 box in optical and SAR, the best"
    assert lines[1].split() == ["score", "image", "columns", "rows", "metres", "area", "label"]
    assert lines[2].endswith("storage tank")
    assert "Understood  storage tank; attribute: white; largest; position: top left" in lines
    assert not any(line.startswith("Wrote") for line in lines), "nothing is left where nothing was asked for"


def test_an_area_a_sensor_and_a_mode(rsqa):
    _, said, _ = rsqa("find", "ships", "--area", "100,50,200,150", "--sensor", "sar", "--mode", "best", "--json")
    found = json.loads(said)
    assert found["searched"] == ["sar"]
    assert found["mode"] == "best"
    assert found["area"]["window"] == {"col_off": 100, "row_off": 50, "width": 100, "height": 100}
    (box,) = found["boxes"]
    x0, y0, x1, y1 = box["box_xyxy_px"]
    assert 100 <= x0 < x1 <= 200
    assert 50 <= y0 < y1 <= 150


def test_a_pool_annotates(rsqa, tmp_path):
    pool = tmp_path / "pool.txt"
    pool.write_text("# what to look for\ncargo ship\n\ngolf course\ncargo ship\n", encoding="utf-8")
    code, said, _ = rsqa("annotate", str(pool), "--least-score", "0.01", "--json")
    assert code == 0
    found = json.loads(said)
    assert found["phrases"] == ["cargo ship", "golf course"]
    assert {box["label"] for box in found["boxes"]} <= {"cargo ship", "golf course"}
    assert found["boxes"]


@pytest.mark.parametrize(
    ("argv", "changes", "code", "words"),
    [
        (("find", "  "), {}, 2, "no expression"),
        (("find", "ships", "--least-score", "7"), {}, 2, "no share"),
        (("find", "ships", "--max-windows", "0"), {}, 2, "at least one window"),
        (("find", "ships", "--gsd", "-1"), {}, 2, "no scale"),
        (("find", "a SAR ship"), {"sar": "-"}, 3, "asks for the SAR image"),
        (("find", "ships"), {"optical": "missing.tif"}, 3, "missing.tif"),
        (("find", "ships"), {"optical": "-", "sar": "-"}, 2, "at least one raster"),
        (("annotate", "missing.txt"), {}, 3, "missing.txt"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_exit_codes(rsqa, argv, changes, code, words):
    ended, said, complaint = rsqa(*argv, **changes)
    assert (ended, said) == (code, "")
    assert words in complaint
    assert complaint.count("\n") == 1


def test_an_empty_pool_is_refused(rsqa, tmp_path):
    pool = tmp_path / "pool.txt"
    pool.write_text("# nothing\n", encoding="utf-8")
    assert rsqa("annotate", str(pool))[0] == 3
    pool.write_bytes(b"\xff\xfe\x00")
    assert rsqa("annotate", str(pool))[0] == 3


def test_a_model_that_does_not_find_is_refused(pair, capsys):
    assert main(["find", pair.optical, pair.sar, "ships", "--device", "cpu", "--weights", "tgfnet-compact"]) == 3
    said = capsys.readouterr().err
    assert "Name a model that finds." in said


def test_many_boxes_are_counted_and_unknown_sizes_left_out(tmp_path):
    finding = finding_by_hand(tmp_path)
    assert "and 10 more" in finding_text(replace(finding, boxes=finding.boxes[:1] * 60))
    bare = replace(finding.boxes[0], area_m2=None, length_m=None, width_m=None)
    line = finding_text(replace(finding, boxes=(bare,))).splitlines()[2]
    assert line.split() == ["0.91", "both", "60.5", "to", "90.0", "40.0", "to", "60.2", "storage", "tank"]


def test_formats_are_checked_before_anything_is_read(rsqa, tmp_path):
    code, _, complaint = rsqa("find", "ships", "--formats", "coco")
    assert code == 2
    assert "not where" in complaint
    with pytest.raises(SystemExit) as ended:
        rsqa("find", "ships", "--formats", "shapefile", "--out", str(tmp_path))
    assert ended.value.code == 2
