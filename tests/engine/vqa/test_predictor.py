from __future__ import annotations

import msgspec
import numpy as np
import pytest

from engine.catalog import CARD_FILE
from engine.errors import InputRefused, ModelDamaged, ModelNotFound, UsageError
from engine.vqa.predictor import TgfnetPredictor
from tests.engine.vqa.tiny import ANSWERS, CONFIG, WordHashes, tiny_card, tiny_model, write_tiny_model

QUESTION = "is there any ship ?"


@pytest.fixture(scope="module")
def predictor() -> TgfnetPredictor:
    return TgfnetPredictor(tiny_model(), tiny_card(), WordHashes(max_tokens=12))


@pytest.fixture(scope="module")
def area():
    rng = np.random.default_rng(5)
    optical = rng.uniform(200, 4000, (3, 60, 90)).astype(np.float32)
    sar = rng.normal(-11, 4, (1, 60, 90)).astype(np.float32)
    return optical, sar


def test_an_answer_has_all_its_reasons(predictor, area):
    view = predictor.encode(area[0], None, area[1], None, "db")
    found = predictor.answer(view, QUESTION)
    assert found.answer in ANSWERS
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert found.alternatives[0] == (found.answer, found.confidence)
    assert [p for _, p in found.alternatives] == sorted((p for _, p in found.alternatives), reverse=True)
    assert set(found.experts) == {"optical", "sar", "fusion"}
    assert all(0 < expert.weight < 1 for expert in found.experts.values())
    grid, regions = CONFIG.grid, CONFIG.region_grid
    assert {name: reason.values.shape for name, reason in found.maps.items()} == {
        "regions-optical": (regions, regions),
        "attention-optical": (grid, grid),
        "regions-sar": (regions, regions),
        "attention-sar": (grid, grid),
        "trust": (grid, grid),
    }
    assert np.isfinite(found.maps["regions-sar"].values).sum() == CONFIG.kept_regions
    assert np.nansum(found.maps["attention-optical"].values) == pytest.approx(1, abs=1e-5)


def test_geometry_of_the_maps(predictor, area):
    view = predictor.encode(area[0], None, area[1], None, "db")
    x0, y0, x1, y1 = view.square_in_area
    assert (x0, x1) == (0.0, 1.0)
    # A square over an area of 60 x 90: half of the missing 30 rows above, half below (to a pixel of 64).
    assert y0 == pytest.approx(-0.25, abs=0.03)
    assert y1 == pytest.approx(1.25, abs=0.03)
    assert (y1 - y0) * 60 == pytest.approx((x1 - x0) * 90, rel=0.04)


def test_a_kept_view_answers_as_a_fresh_one(predictor, area):
    kept = predictor.encode(area[0], None, area[1], None, "db")
    predictor.answer(kept, "how many ships ?")
    again = predictor.answer(kept, QUESTION)
    fresh = predictor.answer(predictor.encode(area[0], None, area[1], None, "db"), QUESTION)
    np.testing.assert_array_equal(again.probabilities, fresh.probabilities)
    for name, reason in fresh.maps.items():
        np.testing.assert_array_equal(again.maps[name].values, reason.values)


@pytest.mark.parametrize(("muted", "left"), [("sar", "optical"), ("optical", "sar")])
def test_muting_answers_as_if_the_sensor_were_absent(predictor, area, muted, left):
    both = predictor.encode(area[0], None, area[1], None, "db")
    quiet = predictor.answer(both, QUESTION, mute=(muted,))
    optical, sar = (None if muted == "optical" else area[0]), (None if muted == "sar" else area[1])
    absent = predictor.answer(predictor.encode(optical, None, sar, None, "db"), QUESTION)
    np.testing.assert_allclose(quiet.probabilities, absent.probabilities, atol=1e-6)
    assert set(quiet.experts) == set(absent.experts) == {left}, "the remaining sensor's expert answers alone"
    assert quiet.sensors == absent.sensors == (left,)
    assert set(quiet.maps) == {f"regions-{left}", f"attention-{left}"}
    full = predictor.answer(both, QUESTION)
    assert quiet.experts[left].probability == pytest.approx(full.experts[left].probability, abs=1e-6)


def test_nothing_left_is_refused(predictor, area):
    view = predictor.encode(area[0], None, None, None)
    with pytest.raises(InputRefused, match="muted"):
        predictor.answer(view, QUESTION, mute=("optical",))
    with pytest.raises(UsageError, match="infrared"):
        predictor.answer(view, QUESTION, mute=("infrared",))
    with pytest.raises(InputRefused, match="neither sensor has data"):
        predictor.encode(area[0], np.zeros((60, 90), bool), None, None)
    with pytest.raises(UsageError):
        predictor.encode(None, None, None, None)
    with pytest.raises(UsageError, match="one grid"):
        predictor.encode(area[0], None, area[1][:, :20], None)


def test_nodata_is_masked_and_counted(predictor, area):
    optical, sar = area[0].copy(), area[1]
    optical[:, :, 45:] = np.nan
    view = predictor.encode(optical, None, sar, None, "db")
    assert (view.valid_optical, view.valid_sar) == (0.5, 1.0)
    found = predictor.answer(view, QUESTION)
    shown = np.isfinite(found.maps["attention-optical"].values)
    assert shown[:, :2].any()
    assert not shown[:, 2:].any()
    trust = found.maps["trust"].values
    assert (trust[1:3, 2:] == 0).all()  # only SAR has data there


def test_values_under_nodata_change_nothing(predictor, area):
    valid = np.ones((60, 90), bool)
    valid[:, 70:] = False
    loud = area[0].copy()
    loud[:, :, 70:] = 65535
    answers = [
        predictor.answer(predictor.encode(image, valid, area[1], None, "db"), QUESTION).probabilities
        for image in (area[0], loud)
    ]
    np.testing.assert_array_equal(*answers)


def test_a_long_question_is_cut_and_said(predictor, area):
    view = predictor.encode(area[0], None, None, None)
    assert predictor.answer(view, "ship " * 20).tokens_cut == 8
    assert predictor.answer(view, QUESTION).tokens_cut == 0


def test_temperature_moves_confidence_not_the_answer(area):
    cold, hot = (TgfnetPredictor(tiny_model(), tiny_card(temperature=t), WordHashes()) for t in (0.2, 5.0))
    sharp = cold.answer(cold.encode(area[0], None, area[1], None), QUESTION)
    flat = hot.answer(hot.encode(area[0], None, area[1], None), QUESTION)
    assert sharp.answer == flat.answer
    assert sharp.confidence > flat.confidence


def test_loading_checks_everything_before_it_builds(tmp_path, monkeypatch):
    def never(config):
        raise AssertionError("built")

    monkeypatch.setattr("engine.vqa.predictor.build_network", never)
    with pytest.raises(ModelNotFound):
        TgfnetPredictor.load(tmp_path / "nowhere")
    with pytest.raises(ModelDamaged, match="task grounding"):
        TgfnetPredictor.load(write_tiny_model(tmp_path / "task", task="grounding"))
    with pytest.raises(ModelDamaged, match="lists 4 answers"):
        TgfnetPredictor.load(write_tiny_model(tmp_path / "vocabulary", answers=ANSWERS[:4]))
    with pytest.raises(ModelDamaged, match="lists 4 answers"):
        TgfnetPredictor.load(write_tiny_model(tmp_path / "twice", answers=(*ANSWERS[:4], "yes")))
    with pytest.raises(ModelDamaged, match="SHA-256"):
        TgfnetPredictor.load(write_tiny_model(tmp_path / "hash", sha256="0" * 64))
    with pytest.raises(ModelDamaged, match="configuration"):
        TgfnetPredictor.load(write_tiny_model(tmp_path / "config", config={"answers": 5, "colour": 1}))


def test_weights_that_do_not_fit_the_card_are_refused(tmp_path):
    folder = write_tiny_model(tmp_path)
    path = folder / CARD_FILE
    card = msgspec.json.decode(path.read_bytes())
    card["config"]["vision_layers"] = 2
    path.write_bytes(msgspec.json.encode(card))
    with pytest.raises(ModelDamaged, match="do not fit"):
        TgfnetPredictor.load(folder)
