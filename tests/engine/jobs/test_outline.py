"""The life of one expression that is outlined at once, in this process: refused, kept, told, drawn again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from engine.catalog import SegmentationCalibration
from engine.errors import Cancelled, InputRefused, ModelDamaged, ModelNotFound, PairRefused
from engine.jobs.ask import Asker
from engine.jobs.outline import Outliner
from engine.protocol import from_json
from engine.raster.masks import LEVELS
from engine.records import Outline, OutlineRequest, PixelWindow
from engine.segmentation.predictor import SegmentationPredictor
from tests.engine.jobs.child import write_raster
from tests.engine.segmentation.outliner import HashWords, write_outliner
from tests.engine.segmentation.tiny import CONFIG

AREA = PixelWindow(32, 16, 128, 128)
"""Of the pair of 10-m pixels: twice the model's square of 64 px, so that a pixel of it is 2 of the raster's."""

GSD_M = (5.0, 25.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(write_outliner(tmp_path_factory.mktemp("outliner"), trained_gsd_m=GSD_M))


@pytest.fixture(scope="module", autouse=True)
def hashed_words():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.segmentation.predictor.build_words", lambda config, folder, **_: HashWords())
        yield


@pytest.fixture(scope="module")
def outliner():
    return Outliner(Asker("cpu"))


@pytest.fixture
def wanted(pair, model, tmp_path):
    def make(expression: str = "the flooded fields", **changes) -> OutlineRequest:
        fields = {
            "optical": pair.optical,
            "sar": pair.sar,
            "folder": str(tmp_path / "job"),
            "model": model,
            "window": AREA,
        }
        return OutlineRequest(expression, **{**fields, **changes})

    return make


def test_an_outline_is_a_map_a_mask_polygons_and_reasons(outliner, wanted, tmp_path):
    outlined = outliner.outline(wanted())
    folder = tmp_path / "job"
    assert from_json((folder / "result.json").read_bytes(), Outline) == outlined
    assert from_json((folder / "request.json").read_bytes(), OutlineRequest) == wanted()
    levels, mask = (np.load(path, allow_pickle=False) for path in (outlined.probability, outlined.mask))
    assert levels.shape == mask.shape == (128, 128)
    np.testing.assert_array_equal(mask == 1, levels >= LEVELS / 2)
    assert outlined.share == pytest.approx((mask == 1).mean())
    assert outlined.area_m2 == pytest.approx(100 * (mask == 1).sum(), rel=2e-3)
    assert sum(part.area_px for part in outlined.parts) == (mask == 1).sum()
    assert all(32 <= part.box.x0 < part.box.x1 <= 160 for part in outlined.parts)
    assert all(16 <= part.box.y0 < part.box.y1 <= 144 for part in outlined.parts)
    assert outlined.grid.to_map(0, 0) == pytest.approx((500320.0, 5399840.0))
    assert (outlined.sensors, outlined.windows) == (("optical", "sar"), None)
    assert outlined.area.model_gsd_m == pytest.approx(20.0)
    assert outlined.words == ("the", "flooded", "fields")
    assert sorted(outlined.files) == sorted(map(str, folder.glob("*.npy")))


def test_the_map_is_what_the_network_says_spread_over_the_rasters_pixels(outliner, wanted):
    """A pixel of the model is 2 x 2 of the raster: their mean is its probability, but for the bilinear spread."""
    outlined = outliner.outline(wanted())
    levels = np.load(outlined.probability, allow_pickle=False) / LEVELS
    coarse = levels.reshape(64, 2, 64, 2).mean((1, 3))
    at_scale = outliner.outline(wanted(gsd_m=20.0))
    assert at_scale.windows is None, "the scale that it has at once"
    finer = outliner.outline(wanted(window=PixelWindow(32, 16, 64, 64)))
    assert np.load(finer.probability, allow_pickle=False).shape == (64, 64)
    assert coarse.min() >= 0
    assert coarse.std() > 0.001, "untrained weights, too, say something"


def test_every_word_is_a_layer_over_the_area(outliner, wanted):
    outlined = outliner.outline(wanted(window=PixelWindow(0, 0, 128, 64)))
    word = outlined.explanations["word-02"]
    box = word.extent_px
    assert (word.title, word.kind, word.sensor) == ("Attention to “flooded” (PWAM), word 2", "word", "both")
    assert word.shape == (16, 16)
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((0, -32, 128, 96)), "the square, letterboxed"
    assert {one.kind for one in outlined.explanations.values()} == {"word", "gate", "trust"}
    for one in outlined.explanations.values():
        assert np.load(one.path, allow_pickle=False).shape == one.shape


def test_a_second_expression_on_an_area_encodes_nothing(wanted, monkeypatch):
    encoded = []
    through = SegmentationPredictor.encode_each
    monkeypatch.setattr(
        SegmentationPredictor,
        "encode_each",
        lambda self, areas, *rest: encoded.append(areas) or through(self, areas, *rest),
    )
    outliner = Outliner(Asker("cpu"))
    first = outliner.outline(wanted())
    count = len(encoded)
    again = outliner.outline(wanted("the lake"))
    assert len(encoded) == count
    sar_alone = outliner.outline(wanted("the lake in the SAR image"))
    elsewhere = outliner.outline(wanted(window=PixelWindow(0, 0, 64, 64)))
    assert len(encoded) == count + 2
    assert [one.view_reused for one in (first, again, sar_alone, elsewhere)] == [False, True, False, False]
    assert again.probability == first.probability, "the same file of the same job"


def test_the_sensors_are_those_that_are_there_allowed_and_asked_for(outliner, wanted):
    both = outliner.outline(wanted())
    for changes, why in (
        ({"sensors": ("sar",)}, "the optical image was not to be"),
        ({"expression": "the fields in the SAR image"}, "the expression asks for it"),
    ):
        alone = outliner.outline(wanted(**changes))
        assert alone.sensors == ("sar",)
        assert f"Only the SAR image was searched: {why}." in alone.messages
        assert alone.area.valid_optical is None
        assert "trust" not in alone.explanations
    assert "trust" in both.explanations
    assert outliner.outline(wanted(optical=None)).sensors == ("sar",)


def test_a_model_of_one_sensor_says_so(wanted, tmp_path):
    optical = replace(CONFIG, sensors="optical")
    model = str(write_outliner(tmp_path / "optical", optical, trained_gsd_m=GSD_M))
    outliner = Outliner(Asker("cpu"))
    outlined = outliner.outline(wanted(model=model))
    assert outlined.sensors == ("optical",)
    assert "Only the optical image was searched: this model looks at no other." in outlined.messages
    with pytest.raises(InputRefused, match="looks at the optical image alone, and the SAR image was to be used"):
        outliner.outline(wanted(model=model, sensors=("sar",)))


def test_the_threshold_is_the_cards_or_as_asked(wanted, tmp_path):
    calibration = SegmentationCalibration(pixels=1000, slope=1.0, offset=0.0, threshold=0.3)
    card = {"trained_gsd_m": GSD_M, "segmentation_calibration": calibration}
    model = str(write_outliner(tmp_path / "calibrated", **card))
    outliner = Outliner(Asker("cpu"))
    own, asked = (outliner.outline(wanted(model=model, threshold=one)) for one in (None, 0.6))
    assert (own.cleaning.threshold, asked.cleaning.threshold) == (0.3, 0.6)
    assert own.share >= asked.share
    said = "The model's card has no calibration: a probability here is the network's own."
    assert said not in own.messages
    assert said in Outliner(Asker("cpu")).outline(wanted()).messages


def test_what_a_user_should_know(outliner, wanted):
    messages = outliner.outline(wanted("die überfluteten Felder", window=PixelWindow(0, 0, 20, 20))).messages
    assert "The models in the box understand English." in messages
    assert any(said.startswith("3.1 m per pixel at the model, outside its range (5 to 25 m)") for said in messages)
    long = outliner.outline(wanted("one two three four five six")).messages
    assert any("did not read its last 2 tokens" in said for said in long)


def test_refusals(outliner, wanted, tmp_path):
    with pytest.raises(InputRefused, match="asks for the SAR image, which is not there"):
        outliner.outline(wanted("the lake in the SAR image", sar=None))
    with pytest.raises(ModelNotFound):
        outliner.outline(wanted(model="no-such-model"))
    with pytest.raises(ModelDamaged, match="not for segmentation"):
        outliner.outline(wanted(model=str(write_outliner(tmp_path / "other", task="vqa"))))
    nothing = write_raster(tmp_path / "nothing.tif", np.full((1, 64, 64), np.nan, np.float32))
    with pytest.raises(InputRefused, match="no image has data"):
        outliner.outline(wanted(optical=None, sar=nothing, window=None))
    elsewhere = write_raster(tmp_path / "elsewhere.tif", np.ones((1, 64, 64), np.float32), origin=(700000.0, 5400000.0))
    with pytest.raises(PairRefused):
        outliner.outline(wanted(sar=elsewhere))


@pytest.mark.parametrize("checks_passed", range(6))
def test_it_stops_between_any_two_stages(wanted, outliner, pair, checks_passed, tmp_path):
    own = wanted(optical=str(shutil.copy(pair.optical, tmp_path / "own.tif")), window=PixelWindow(0, 0, 64, 64))
    looks = iter([False] * checks_passed + [True])
    stages: list[str] = []
    with pytest.raises(Cancelled):
        outliner.outline(own, progress=lambda stage, *_: stages.append(stage), cancelled=lambda: next(looks))
    assert stages == ["check", "model", "read", "encode", "outline", "cut"][:checks_passed]
    assert outliner.outline(own).sensors == ("optical", "sar"), "a stopped one leaves nothing half-made behind"


def test_a_redraw_needs_no_torch(outliner, wanted, tmp_path):
    """In a process of its own, as after a new start of the program: another threshold over the same map."""
    outlined = outliner.outline(wanted(threshold=0.45))
    program = (
        "import sys\nfrom engine.jobs.redraw import redraw\nfrom engine.records import Cleaning, RedrawRequest\n"
        f"made = redraw(RedrawRequest({str(tmp_path / 'job' / 'result.json')!r}, {str(tmp_path / 'new')!r}, "
        "Cleaning(0.55)))\nassert 'torch' not in sys.modules\nprint(made.share)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    levels = np.load(outlined.probability, allow_pickle=False)
    assert float(done.stdout) == pytest.approx((levels >= np.ceil(0.55 * LEVELS)).mean())
    assert Path(tmp_path / "new" / "mask.npy").is_file()
