"""Pixels in, probabilities of the same pixels out: what is known of them whatever the weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.catalog import SegmentationCalibration
from engine.errors import InputRefused, ModelDamaged, ModelNotFound
from engine.nn.inputs import SensorArea
from engine.nn.preprocess import PreprocessSpec, letterbox, stretch_optical
from engine.segmentation.network import PairInput
from engine.segmentation.predictor import PairArea, PairLimits, SegmentationPredictor
from engine.segmentation.reasons import words_of
from tests.engine.segmentation.outliner import HashWords, outliner_card, write_outliner
from tests.engine.segmentation.tiny import CONFIG, SIZE, tiny_network

EXPRESSION = "the flooded fields"
PIECES = ("[CLS]", "the", "flood", "##ed", "fields", "[SEP]")


def area(height: int = SIZE, width: int = SIZE, sensor: str = "optical", seed: int = 0) -> SensorArea:
    drawn = np.random.default_rng(seed)
    bands = 3 if sensor == "optical" else 1
    return SensorArea(drawn.normal(0, 1, (bands, height, width)).astype(np.float32), None, sensor, "digital-number")


def pair(height: int = SIZE, width: int = SIZE, seed: int = 0) -> PairArea:
    return PairArea(area(height, width, seed=seed), area(height, width, "sar", seed + 100))


def predictor_of(sensors: str = "both", **changes: object) -> SegmentationPredictor:
    network = replace(CONFIG, sensors=sensors)  # type: ignore[arg-type]
    return SegmentationPredictor(tiny_network(sensors=sensors), outliner_card(network, **changes), HashWords())


@pytest.fixture(scope="module")
def predictor():
    return predictor_of()


def test_a_square_of_the_models_size_is_the_networks_own_softmax(predictor):
    both = pair()
    outlined = predictor.outline(predictor.encode(*both), EXPRESSION)
    spec = PreprocessSpec()
    everywhere = np.ones((SIZE, SIZE), bool)
    pictures = [
        torch.from_numpy(letterbox(stretch_optical(one.values, everywhere, spec), everywhere, SIZE).values)
        for one in both  # numbers without a unit are stretched by the same percentiles, whatever the sensor
    ]
    valid = torch.ones(1, SIZE, SIZE, dtype=torch.bool)
    optical, sar = (((picture.expand(3, -1, -1) - 0.5) / 0.25)[None] for picture in pictures)
    with torch.inference_mode():
        first = predictor.network.encode(PairInput(optical, sar, valid, valid))
        logits = predictor.network(first, HashWords().words([EXPRESSION], CONFIG.tokens)).logits
    assert outlined.probability == pytest.approx(logits.softmax(1)[0, 1].numpy(), abs=1e-6)
    assert outlined.probability.dtype == np.float32
    assert outlined.pieces == PIECES


@pytest.mark.parametrize(("height", "width"), [(40, 64), (100, 30), (200, 180), (1, 1)])
def test_probabilities_are_of_the_areas_own_pixels(predictor, height, width):
    outlined = predictor.outline(predictor.encode(*pair(height, width)), EXPRESSION)
    assert outlined.probability.shape == (height, width)
    assert (outlined.probability >= 0).all()
    assert (outlined.probability <= 1).all()


def test_a_place_in_the_area_is_the_same_place_in_the_square():
    """An area of 32 x 64 px is seen as it is, with a margin of 16 above and below: the pixel of a row is that row's."""
    predictor = predictor_of()
    output = predictor.outline(view := predictor.encode(*pair(32, 64)), EXPRESSION)
    margin = output.output.logits[0, 1] - output.output.logits[0, 0]
    assert output.probability == pytest.approx(torch.sigmoid(margin)[16:48].numpy(), abs=1e-6)
    assert view.image_part == (0.0, 0.25, 1.0, 0.75)
    assert view.square_in_area == (0.0, -0.5, 1.0, 1.5)


def test_pixels_without_data_have_no_probability_and_no_say(predictor):
    optical, sar = pair()
    holes = np.ones((SIZE, SIZE), bool)
    holes[:20, :30] = False
    one = PairArea(optical._replace(valid=holes), sar._replace(valid=holes))
    loud = PairArea(*(sensor._replace(values=np.where(holes, sensor.values, 1e6).astype(np.float32)) for sensor in one))
    said, same = (predictor.outline(predictor.encode(*each), EXPRESSION).probability for each in (one, loud))
    assert (np.isnan(said) == ~holes).all()
    np.testing.assert_array_equal(said, same)
    either = PairArea(optical._replace(valid=holes), sar)
    assert np.isfinite(predictor.outline(predictor.encode(*either), EXPRESSION).probability).all(), "SAR has data there"


def test_a_batch_says_what_each_says_alone(predictor):
    areas = [pair(seed=1), PairArea(area(seed=2), None), pair(40, 64, seed=3)]
    views = predictor.encode_each(areas)
    together = predictor.outline_each(views, EXPRESSION)
    for one, outlined in zip(areas, together, strict=True):
        alone = predictor.outline(predictor.encode(*one), EXPRESSION)
        assert outlined.probability == pytest.approx(alone.probability, abs=1e-5)


def test_an_area_without_data_is_none_of_a_batch_and_refused_alone(predictor):
    nothing = PairArea(area()._replace(values=np.full((3, 9, 9), np.nan, np.float32)), None)
    first, empty, last = predictor.encode_each([pair(), nothing, pair(seed=4)])
    assert empty is None
    assert predictor.encode_each([nothing, nothing]) == [None, None]
    assert [view.sensors for view in (first, last)] == [("optical", "sar")] * 2
    with pytest.raises(InputRefused, match="no image has data"):
        predictor.encode(*nothing)


@pytest.mark.parametrize(("sensors", "other"), [("optical", "sar"), ("sar", "optical")])
def test_a_network_of_one_sensor_hears_nothing_of_the_other(sensors, other):
    predictor = predictor_of(sensors)
    assert predictor.reads == (sensors,)
    both = pair()
    alone = both._replace(**{other: None})
    said = [predictor.outline(predictor.encode(*one), EXPRESSION) for one in (both, alone)]
    np.testing.assert_array_equal(said[0].probability, said[1].probability)
    assert "trust" not in predictor.maps(predictor.encode(*both), said[0])
    with pytest.raises(InputRefused, match="this model looks at"):
        predictor.encode(*both._replace(**{sensors: None}))


def test_the_cards_calibration_is_in_probabilities_and_threshold():
    calibration = SegmentationCalibration(pixels=1000, slope=2.0, offset=-1.0, threshold=0.4)
    plain, calibrated = predictor_of(), predictor_of(segmentation_calibration=calibration)
    before, after = (each.outline(each.encode(*pair()), EXPRESSION).probability for each in (plain, calibrated))
    margins = np.log(before / (1 - before))
    assert after == pytest.approx(1 / (1 + np.exp(-(2 * margins - 1))), abs=1e-4)
    assert (plain.threshold, calibrated.threshold) == (0.5, 0.4)


def test_windows_of_one_area_are_stretched_alike(predictor):
    """With the whole area's limits a part of it is the same picture as in the whole."""
    whole = pair(SIZE, 2 * SIZE)
    whole.optical.values[:, :, SIZE:] += 10.0
    limits = PairLimits(*(sensor.limits(predictor.spec) for sensor in whole))
    part = PairArea(*(sensor._replace(values=sensor.values[:, :, :SIZE]) for sensor in whole))
    own, alike = predictor.encode_each([part])[0], predictor.encode_each([part], limits)[0]
    assert not torch.allclose(own.first.cells, alike.first.cells, atol=1e-3)
    shifted = PairArea(*(sensor._replace(values=sensor.values + 100.0) for sensor in part))
    moved = PairLimits(*((low + 100.0, high + 100.0) for low, high in limits))
    again = predictor.encode_each([shifted], moved)[0]
    assert torch.allclose(again.first.cells, alike.first.cells, atol=1e-3)


def test_every_word_has_a_map_and_pieces_of_a_word_are_one(predictor):
    assert words_of(PIECES) == [("the", [1]), ("flood" + "ed", [2, 3]), ("fields", [4])]
    holes = np.ones((SIZE, SIZE), bool)
    holes[:32, :32] = False
    optical, sar = pair()
    view = predictor.encode(optical._replace(valid=holes), sar._replace(valid=holes))
    outlined = predictor.outline(view, EXPRESSION)
    maps = predictor.maps(view, outlined)
    assert list(maps) == ["word-01", "word-02", "word-03", "gate-stage-1", "gate-stage-2", "gate-stage-3", "trust"]
    assert maps["word-02"].title == "Attention to “flooded” (PWAM), word 2"
    for name, one in maps.items():
        cells = one.values.shape[0]
        assert one.values.shape == (cells, cells)
        assert np.isnan(one.values[: cells // 2, : cells // 2]).all(), name
        assert np.nanmin(one.values) >= one.low
        assert np.nanmax(one.values) <= one.high + 1e-6
    words = [one for name, one in maps.items() if name.startswith("word")]
    assert len({one.high for one in words}) == 1
    shares = [F.interpolate(stage, (16, 16), mode="bilinear")[0] for stage in outlined.output.attention]
    marks = torch.stack(shares).mean(0)[[0, 5]].sum(0).numpy()
    everything = sum(one.values for one in words)
    known = np.isfinite(everything)
    assert (everything + marks)[8:, 8:] == pytest.approx(1.0, abs=1e-5), "of every cell all attention is told"
    assert known.sum() == 16 * 16 * 3 / 4


def test_a_model_is_loaded_as_it_was_stored(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.segmentation.predictor.build_words", lambda config, folder, **_: HashWords())
    folder = write_outliner(tmp_path / "model")
    loaded = SegmentationPredictor.load(folder)
    built = predictor_of()
    one, other = (each.outline(each.encode(*pair()), EXPRESSION).probability for each in (loaded, built))
    assert one == pytest.approx(other, abs=0.02), "rounded to half precision"
    assert not loaded.network.training
    with pytest.raises(ModelNotFound):
        SegmentationPredictor.load(tmp_path)
    write_outliner(tmp_path / "other", task="vqa")
    with pytest.raises(ModelDamaged, match="not for segmentation"):
        SegmentationPredictor.load(tmp_path / "other")


def test_what_is_too_long_is_counted(predictor):
    assert predictor.tokens_cut("one two three four") == 0
    assert predictor.tokens_cut("one two three four five six") == 2


@pytest.mark.cuda
def test_a_gpu_says_the_same(predictor):
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA GPU here")
    on_gpu = SegmentationPredictor(tiny_network(), outliner_card(), HashWords(), "cuda")
    one, other = (each.outline(each.encode(*pair()), EXPRESSION).probability for each in (predictor, on_gpu))
    assert one == pytest.approx(other, abs=1e-3)
