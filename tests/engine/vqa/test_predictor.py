from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch

from engine.catalog import CARD_FILE, CalibratedType, file_sha256
from engine.catalog.card import PretrainedPart, write_card
from engine.errors import InputRefused, ModelDamaged, ModelNotFound, UsageError
from engine.nn.weights import save_weights
from engine.vqa.build import build_network
from engine.vqa.calibration import Calibration
from engine.vqa.config import TgfnetConfig
from engine.vqa.predictor import AreaArrays, TgfnetPredictor
from tests.engine.nn.tiny_clip import TINY, tiny_clip_file
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


def test_strict_refuses_what_would_be_cut(predictor, area):
    view = predictor.encode(area[0], None, None, None)
    with pytest.raises(InputRefused, match="8 tokens too long for this model, which reads 12"):
        predictor.answer(view, "ship " * 20, strict=True)
    assert predictor.answer(view, QUESTION, strict=True).tokens_cut == 0
    assert (predictor.tokens_cut("ship " * 20), predictor.tokens_cut(QUESTION)) == (8, 0)


def test_many_areas_at_once_are_answered_as_each_alone(predictor, area):
    """Whole, without one sensor, without any data: in one batch."""
    nothing = np.zeros((60, 90), bool)
    areas = [
        AreaArrays(area[0], None, area[1], None),
        AreaArrays(area[0], None, area[1], nothing),
        AreaArrays(area[0], nothing, area[1], nothing),
        AreaArrays(None, None, area[1], None),
        AreaArrays(area[0][:, :20, :33], None, area[1][:, :20, :33], None),
    ]
    said = predictor.answer_each(areas, QUESTION)
    assert said[2] is None
    for one, together in zip(areas, said, strict=True):
        if together is not None:
            alone = predictor.answer(predictor.encode(*one), QUESTION)
            assert ANSWERS[together.answer_index] == alone.answer
            assert together.confidence == pytest.approx(alone.confidence, abs=1e-5)
            assert together.sensors == alone.sensors
    assert predictor.answer_each([areas[2]], QUESTION) == [None]


def test_a_network_without_experts_answers_without_them(area):
    changes = {"network": "single", "fusion": "add"}
    card = tiny_card(config=(replace(CONFIG, **changes)).as_json())
    found = TgfnetPredictor(tiny_model(**changes), card, WordHashes())
    said = found.answer(found.encode(area[0], None, area[1], None), QUESTION)
    assert said.answer in ANSWERS
    assert (said.experts, said.maps, said.sensors) == ({}, {}, ("optical", "sar"))


def test_a_network_of_one_sensor_needs_that_one(area):
    changes = {"network": "single", "fusion": "add", "sensors": "sar"}
    card = tiny_card(config=(replace(CONFIG, **changes)).as_json())
    found = TgfnetPredictor(tiny_model(**changes), card, WordHashes())
    assert found.answer(found.encode(area[0], None, area[1], None), QUESTION).sensors == ("sar",)
    with pytest.raises(InputRefused, match="looks at SAR only"):
        found.encode(area[0], None, None, None)
    with pytest.raises(InputRefused, match="muted"):
        found.answer(found.encode(area[0], None, area[1], None), QUESTION, mute=("sar",))


def test_answer_sets_follow_the_calibration_of_the_card(area):
    """An answer belongs to the set as long as 1 - p is not above the threshold; the best one always."""
    figures = CalibratedType(100, 2.0, {"0.05": 0.999999, "0.1": 0.0})
    calibrated = TgfnetPredictor(tiny_model(), tiny_card(), WordHashes(), calibration=Calibration(figures, {}, None))
    view = calibrated.encode(area[0], None, area[1], None)
    wide = calibrated.answer(view, QUESTION, error_rate=0.05)
    assert set(wide.answer_set) == set(ANSWERS)
    assert wide.answer_set == tuple(answer for answer, _ in wide.alternatives), "best first"
    narrow = calibrated.answer(view, QUESTION)
    assert (narrow.answer_set, narrow.error_rate) == ((narrow.answer,), 0.1)
    with pytest.raises(UsageError, match=r"error rate 0\.3"):
        calibrated.answer(view, QUESTION, error_rate=0.3)
    plain = TgfnetPredictor(tiny_model(), tiny_card(temperature=2.0), WordHashes())
    said = plain.answer(view, QUESTION, error_rate=0.3)
    assert (said.answer_set, said.error_rate) == ((said.answer,), None)
    np.testing.assert_allclose(said.probabilities, narrow.probabilities, atol=1e-6)


@pytest.mark.parametrize("stored", [True, False])
def test_a_network_on_clip_loads(tmp_path, area, stored):
    """The towers in the network's own file, or frozen beside it, where the hash on the card decides."""
    from engine.nn.clip import build_clip, load_clip

    model = tiny_clip_file(tmp_path)
    tower_file = tmp_path / "towers" / "model.safetensors"
    tower_file.parent.mkdir()
    torch.manual_seed(2)
    towers = build_clip(model)
    if not stored:
        import open_clip

        safetensors.torch.save_file(open_clip.CLIP(**TINY).state_dict(), tower_file)
        towers = load_clip(model, str(tower_file))
    config = TgfnetConfig(
        answers=5, image_size=32, patch=8, width=32, heads=4, text_encoder="clip", text_width=32, vision="clip",
        clip_model=model, clip_weights="" if stored else str(tower_file), clip_stored=stored, region_side=2,
        kept_regions=2, neighbours=3,
    )  # fmt: skip
    network = build_network(config, towers).eval()
    path = save_weights(network, tmp_path / "model")
    facts = {"sha256": file_sha256(path), "size_bytes": path.stat().st_size, "config": config.as_json()}
    if not stored:
        name = f"CLIP {model}, {tower_file}"
        facts["pretrained"] = (PretrainedPart(name, "frozen", "", "MIT", {"f": file_sha256(tower_file)}),)
    write_card(tiny_card(**facts), tmp_path / "model")
    loaded = TgfnetPredictor.load(tmp_path / "model")
    said = loaded.answer(loaded.encode(area[0], None, area[1], None), "Is there a ship?")
    assert said.answer in ANSWERS
    assert set(said.experts) == {"optical", "sar", "fusion"}
    if not stored:
        tower_file.write_bytes(tower_file.read_bytes() + b" ")
        with pytest.raises(ModelDamaged, match="SHA-256"):
            TgfnetPredictor.load(tmp_path / "model")


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
