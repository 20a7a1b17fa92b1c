"""The life of one expression, in this process: what is searched, refused, kept, made one and said."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

pytest.importorskip("torch")

from engine.catalog import GroundingCalibration, ScoreCurve
from engine.errors import Cancelled, InputRefused, ModelDamaged, ModelNotFound, PairRefused, UsageError
from engine.export.properties import all_messages
from engine.grounding.predictor import GroundingPredictor
from engine.jobs import checks
from engine.jobs.ask import Asker
from engine.jobs.find import Finder
from engine.protocol import from_json
from engine.records import CheckRequest, Finding, FindRequest, GateChoice, PairCheck, PixelWindow
from engine.registration import check_pair
from tests.engine.grounding.finder import HashEmbedder, SaysBoxes, finder_card, write_finder
from tests.engine.jobs.child import write_raster

AREA = PixelWindow(32, 16, 128, 128)
"""Of the pair of 10-m pixels: twice the model's square of 64 px, so that a pixel of it is 2 of the raster's."""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(write_finder(tmp_path_factory.mktemp("finder"), trained_gsd_m=(5.0, 25.0)))


@pytest.fixture(scope="module")
def finder():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.grounding.predictor.build_embedder", lambda name, folder, device: HashEmbedder())
        yield Finder(Asker("cpu"))


@pytest.fixture
def wanted(pair, model, tmp_path):
    def make(expression: str = "the largest ship", **changes) -> FindRequest:
        fields = {
            "optical": pair.optical,
            "sar": pair.sar,
            "folder": str(tmp_path / "job"),
            "model": model,
            "window": AREA,
        }
        return FindRequest(expression, **{**fields, **changes})

    return make


class BySensor(GroundingPredictor):
    """Boxes that are known beforehand, others in each sensor's picture."""

    def __init__(self, optical: SaysBoxes, sar: SaysBoxes, **changes: object) -> None:
        super().__init__(optical, finder_card(trained_gsd_m=(5.0, 25.0), **changes), HashEmbedder())
        self.of = {"optical": optical, "sar": sar}

    def look_each(self, views, texts):
        self._network = self.of[views[0].sensor]
        return super().look_each(views, texts)


@pytest.fixture
def finds(monkeypatch):
    """A finder whose only model finds what it is told."""

    def make(optical: SaysBoxes, sar: SaysBoxes, **changes: object) -> Finder:
        finder = Finder(Asker("cpu"))
        known = BySensor(optical, sar, **changes)
        monkeypatch.setattr(finder, "predictor", lambda folder, device: known)
        return finder

    return make


# ---- what is found


def test_one_thing_in_both_images_is_one_box_on_the_map_and_in_metres(finds, wanted, tmp_path):
    finder = finds(SaysBoxes([[10, 20, 20, 24]], [[0.6]]), SaysBoxes([[11, 20, 21, 24]], [[0.8]]))
    finding = finder.find(wanted("the white tank"))
    (found,) = finding.boxes
    assert (found.sensor, found.label, found.score) == ("both", "storage tank", pytest.approx(0.8))
    box = found.box
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((32 + 22, 16 + 40, 32 + 42, 16 + 48))
    assert found.polygon_map[0] == pytest.approx((500000 + 540, 5400000 - 560))
    assert found.polygon_map[2] == pytest.approx((500000 + 740, 5400000 - 640))
    assert (found.area_m2, found.length_m, found.width_m) == pytest.approx((200 * 80, 200, 80))
    assert (finding.mode, finding.searched) == ("best", ("optical", "sar"))
    assert finding.understood == "storage tank; attribute: white"
    assert finding.area.model_gsd_m == pytest.approx(20.0)
    folder = tmp_path / "job"
    assert from_json((folder / "result.json").read_bytes(), Finding) == finding
    assert from_json((folder / "request.json").read_bytes(), FindRequest) == wanted("the white tank")


def test_the_best_box_elsewhere_in_the_other_image_is_said(finds, wanted):
    finder = finds(SaysBoxes([[0, 0, 10, 10]], [[0.6]]), SaysBoxes([[40, 40, 50, 50]], [[0.1]]))
    finding = finder.find(wanted("the ship"))
    assert [found.sensor for found in finding.boxes] == ["optical"]
    assert "The best box in the SAR image lies elsewhere and scores 0.10." in finding.messages


def test_words_that_the_model_does_not_read_are_said(finds, wanted):
    finder = finds(SaysBoxes([[0, 0, 8, 8]], [[0.9]]), SaysBoxes([[0, 0, 8, 8]], [[0.9]]))
    assert not any("too long" in message for message in finder.find(wanted("the ship")).messages)
    (said,) = (one for one in finder.find(wanted("the ship " * 12)).messages if "too long" in one)
    assert "did not read its last 4 tokens" in said


def test_a_plural_finds_all_from_the_threshold_up(finds, wanted):
    optical = SaysBoxes([[0, 0, 8, 8], [20, 0, 28, 8], [40, 0, 48, 8]], [[0.9, 0.3, 0.2]])
    sar = SaysBoxes([[0, 1, 8, 9], [40, 40, 48, 48]], [[0.5, 0.4]])
    finder = finds(optical, sar)
    finding = finder.find(wanted("ships"))
    assert (finding.mode, finding.threshold) == ("all", 0.25)
    assert [(one.sensor, round(one.score, 2)) for one in finding.boxes] == [
        ("both", 0.9),
        ("sar", 0.4),
        ("optical", 0.3),
    ]
    assert len(finder.find(wanted("ships", least_score=0.35)).boxes) == 2
    assert len(finder.find(wanted("ships", mode="best")).boxes) == 1
    assert len(finder.find(wanted("the ship", mode="all")).boxes) == 3
    none = finder.find(wanted("ships", least_score=0.95))
    assert none.boxes == ()
    assert "No box was found that scores 0.95 or more." in none.messages


def test_a_card_s_threshold_and_calibration_hold(finds, wanted):
    curves = GroundingCalibration(ScoreCurve(200, 1.0, 0.0), {}, least_score=0.55)
    finder = finds(
        SaysBoxes([[0, 0, 8, 8]], [[0.6]]), SaysBoxes([[40, 40, 48, 48]], [[0.5]]), grounding_calibration=curves
    )
    finding = finder.find(wanted("ships"))
    assert finding.threshold == pytest.approx(0.55)
    assert [one.sensor for one in finding.boxes] == ["optical"]
    assert not any("calibration" in message for message in finding.messages)


def test_scores_that_say_nothing_are_shown_raw(finds, wanted):
    """By a flat curve all boxes would be equally likely, and every threshold would show all of them or none."""
    flat = GroundingCalibration(ScoreCurve(200, 0.0, -3.0), {}, least_score=0.01)
    finder = finds(
        SaysBoxes([[0, 0, 8, 8]], [[0.6]]), SaysBoxes([[40, 40, 48, 48]], [[0.2]]), grounding_calibration=flat
    )
    finding = finder.find(wanted("ships"))
    assert finding.threshold == 0.25
    assert [one.score for one in finding.boxes] == [pytest.approx(0.6)]
    assert any("do not tell right boxes from wrong ones" in message for message in finding.messages)


def test_a_sensor_s_flat_curve_gives_way_to_the_common_one(finds, wanted):
    curves = GroundingCalibration(ScoreCurve(200, 1.0, 0.0), {"sar": ScoreCurve(100, 0.0, 2.0)}, least_score=0.1)
    finder = finds(
        SaysBoxes([[0, 0, 8, 8]], [[0.6]]), SaysBoxes([[40, 40, 48, 48]], [[0.3]]), grounding_calibration=curves
    )
    finding = finder.find(wanted("ships"))
    assert [(one.sensor, one.score) for one in finding.boxes] == [
        ("optical", pytest.approx(0.6)),
        ("sar", pytest.approx(0.3)),
    ]
    assert not any("right boxes" in message for message in finding.messages)


def test_of_many_phrases_that_are_too_long_the_first_are_named(finds, wanted):
    says = SaysBoxes([[0, 0, 8, 8]], [[0.1]])
    phrases = tuple(f"{name} " * 21 for name in ("ship", "tank", "plane", "car", "bridge"))
    said = [one for one in finds(says, says).find(wanted("", phrases=phrases)).messages if "too long" in one]
    assert len(said) == 4
    assert said[-1] == "2 more phrases are too long."


def test_a_pool_of_phrases_labels_what_is_there(finds, wanted):
    optical = SaysBoxes([[0, 0, 8, 8], [20, 0, 28, 8]], [[0.9, 0.3], [0.1, 0.5]])
    finding = finds(optical, SaysBoxes([[50, 50, 60, 60]], [[0.1], [0.2]])).find(
        wanted("", phrases=("cargo ship", "golf course"))
    )
    assert [(one.label, one.sensor) for one in finding.boxes] == [("cargo ship", "optical"), ("golf course", "optical")]
    assert (finding.mode, finding.phrases) == ("all", ("cargo ship", "golf course"))
    assert finding.understood == "a pool of 2 phrases"


def test_a_low_best_score_is_said(finds, wanted):
    finder = finds(SaysBoxes([[0, 0, 8, 8]], [[0.02]]), SaysBoxes([[0, 0, 8, 8]], [[0.01]]))
    messages = finder.find(wanted("the ship")).messages
    assert any(message.startswith("The best box scores 0.02, less than the 0.25") for message in messages)


# ---- which images


@pytest.mark.parametrize(
    ("expression", "changes", "searched", "why"),
    [
        ("the SAR ship", {}, ("sar",), "Only the SAR image was searched: the expression asks for it."),
        ("an optical ship", {}, ("optical",), "Only the optical image was searched: the expression asks for it."),
        ("ships", {"sensors": ("sar",)}, ("sar",), "Only the SAR image was searched: the optical image was not to be."),
    ],
)
def test_one_image_is_searched_and_why(finder, wanted, expression, changes, searched, why):
    finding = finder.find(wanted(expression, **changes))
    assert finding.searched == searched
    assert why in finding.messages
    assert {one.sensor for one in finding.boxes} <= set(searched)
    assert {one.sensor for one in finding.explanations.values()} == set(searched)
    assert (finding.area.valid_optical is None) == ("optical" not in searched)


@pytest.mark.parametrize("there", ["optical", "SAR"])
def test_a_pair_of_one_image_is_said_once(finder, wanted, there):
    finding = finder.find(wanted("ships", **{"sar" if there == "optical" else "optical": None}))
    assert finding.searched == (there.lower(),)
    (said,) = (message for message in all_messages(finding) if "only" in message.lower())
    assert said.startswith(f"There is only the {there} image")


def test_an_image_without_data_there_is_said(finder, wanted, pair, tmp_path):
    sar = str(shutil.copy(pair.sar, tmp_path / "sar.tif"))
    with rasterio.open(sar, "r+") as target:
        values = target.read()
        values[:, :, :200] = np.nan
        target.write(values)
    finding = finder.find(wanted(sar=sar))
    assert finding.searched == ("optical",)
    assert finding.area.valid_sar == 0.0
    assert "Only the optical image was searched: the SAR image has no data there." in finding.messages
    assert "All of this area has no SAR data." in finding.messages
    with pytest.raises(InputRefused, match="nothing to search: the SAR image has no data in this area"):
        finder.find(wanted("SAR ships", sar=sar))


def test_neither_image_has_data_there(finder, wanted, tmp_path):
    empty = write_raster(tmp_path / "empty.tif", np.full((1, 64, 64), np.nan, np.float32))
    with pytest.raises(InputRefused, match=r"data|empty"):
        finder.find(wanted(optical=None, sar=empty, window=None))


@pytest.mark.parametrize(
    ("expression", "changes", "error", "words"),
    [
        ("the SAR ship", {"sar": None}, InputRefused, "asks for the SAR image, which is not there"),
        ("a SAR ship", {"sensors": ("optical",)}, InputRefused, "asks for the SAR image, which was not to be searched"),
        ("ships", {"sensors": ("sar",), "sar": None}, InputRefused, "the pair has no SAR image"),
        ("ships", {"model": "no-such-model"}, ModelNotFound, "no-such-model"),
        ("ships", {"window": PixelWindow(5000, 5000, 9, 9)}, UsageError, "outside the image"),
        ("ships", {"gsd_m": 10.0, "max_windows": 2}, InputRefused, "takes 9 windows at 10 m per pixel"),
        ("ships", {"device": "abacus"}, UsageError, "abacus"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusals(finder, wanted, expression, changes, error, words):
    with pytest.raises(error, match=words):
        finder.find(wanted(expression, **changes))


def test_a_model_that_answers_questions_does_not_find(finder, wanted, pair):
    with pytest.raises(ModelDamaged, match="made for the task vqa"):
        finder.find(wanted(model=pair.model))


def test_images_of_different_places_are_refused(finder, wanted, tmp_path):
    elsewhere = write_raster(tmp_path / "far.tif", np.ones((1, 64, 64), np.float32), origin=(700000.0, 5400000.0))
    with pytest.raises(PairRefused):
        finder.find(wanted(sar=elsewhere))


def test_a_scale_that_the_area_just_has_is_taken(finder, wanted):
    assert finder.find(wanted(gsd_m=20.0)).area.model_gsd_m == pytest.approx(20.0)


def test_what_a_user_should_know(finder, wanted):
    messages = finder.find(wanted("das größte Schiff", window=None, gsd_m=40.0)).messages
    assert any(said.startswith("40.0 m per pixel at the model, outside its range (5 to 25 m)") for said in messages)
    assert "The models in the box understand English." in messages
    assert "The model's card has no calibration: a score here is no probability." in messages


# ---- what is kept, and what is written


def test_a_second_expression_on_a_view_encodes_nothing(wanted, monkeypatch, model):
    encoded = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.grounding.predictor.build_embedder", lambda name, folder, device: HashEmbedder())
        finder = Finder(Asker("cpu"))
        first = finder.find(wanted())
        through = GroundingPredictor.encode_each
        patch.setattr(
            GroundingPredictor, "encode_each", lambda self, areas: encoded.append(areas) or through(self, areas)
        )
        again = finder.find(wanted("every storage tank"))
        sar_alone = finder.find(wanted("SAR ships"))
        assert encoded == []
        elsewhere = finder.find(wanted(window=PixelWindow(0, 0, 64, 64)))
    assert [one.view_reused for one in (first, again, sar_alone, elsewhere)] == [False, True, True, False]
    assert [area.sensor for (area,) in encoded] == ["optical", "sar"]
    assert again.provenance.sar_unit == first.provenance.sar_unit


@pytest.mark.parametrize("gsd_m", [None, 10.0])
def test_boxes_of_a_corrected_sar_image_are_where_the_optical_has_them(
    finder, wanted, pair, tmp_path, monkeypatch, gsd_m
):
    """At once and in windows. SAR is written 20 columns and 8 rows off; the gate is made to say so."""
    ask = {"expression": "the SAR ship", "window": PixelWindow(40, 40, 128, 120), "gsd_m": gsd_m}
    straight = finder.find(wanted(**ask))
    with rasterio.open(pair.sar) as source:
        moved = write_raster(tmp_path / "moved.tif", np.roll(source.read(), (8, 20), axis=(1, 2)))

    def shifted(request: CheckRequest, *, tolerance_px: float | None = None) -> PairCheck:
        found = check_pair(request, tolerance_px=tolerance_px)
        return replace(found, verdict="shifted", shift_px=(20.0, 8.0), shift_is_sure=True)

    monkeypatch.setattr(checks, "check_pair", shifted)
    corrected = finder.find(wanted(**ask, sar=moved, gate=GateChoice(correct_shift=True)))
    assert corrected.provenance.shift_applied_px == (20.0, 8.0)
    assert (corrected.windows is None) is (gsd_m is None)
    assert corrected.boxes == straight.boxes


def test_a_large_pool_is_stopped_between_its_runs(finder, wanted):
    """And tells how far it is: each sensor is half of it."""
    told: list[float] = []
    pool = wanted("", phrases=tuple(f"thing {n}" for n in range(60)))

    def progress(stage: str, share: float | None, *_: object) -> None:
        if stage == "find" and share is not None:
            told.append(share)

    finder.find(pool, progress=progress)
    assert told == sorted(told)
    assert len(told) > 20
    assert told[len(told) // 2] == 0.5
    whole, stopped = len(told), told.copy()
    told.clear()
    with pytest.raises(Cancelled):
        finder.find(pool, progress=progress, cancelled=lambda: len(told) == whole // 3)
    assert told == stopped[: whole // 3]


def test_maps_lie_over_the_area(finder, wanted):
    finding = finder.find(wanted(window=PixelWindow(0, 0, 128, 64)))
    gate = finding.explanations["gate-optical-stride-8"]
    box = gate.extent_px
    assert (gate.kind, gate.sensor, gate.shape) == ("gate", "optical", (8, 8))
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((0, -32, 128, 96)), "the square, letterboxed"
    assert {one.kind for one in finding.explanations.values()} == {"routing", "routing-share", "gate"}
    for one in finding.explanations.values():
        assert np.load(one.path, allow_pickle=False).shape == one.shape
    assert sorted(finding.files) == sorted(str(path) for path in Path(finding.files[0]).parent.glob("*.npy"))


@pytest.mark.parametrize("checks_passed", range(7))
def test_it_stops_between_any_two_stages(wanted, finder, pair, checks_passed, tmp_path):
    own = wanted(optical=str(shutil.copy(pair.optical, tmp_path / "own.tif")), window=PixelWindow(0, 0, 64, 64))
    looks = iter([False] * checks_passed + [True])
    stages: list[str] = []
    with pytest.raises(Cancelled):
        finder.find(own, progress=lambda stage, *_: stages.append(stage), cancelled=lambda: next(looks))
    assert stages == ["check", "model", "read", "encode", "read", "encode", "find"][:checks_passed]
    assert finder.find(own).searched == ("optical", "sar"), "a stopped search leaves nothing half-made behind"
