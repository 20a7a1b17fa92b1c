"""Pixels of an area in, boxes of that area out: geometry, thinning out, what is kept, and what a folder must hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.catalog import GroundingCalibration, ScoreCurve
from engine.errors import InputRefused, ModelDamaged, ModelNotFound, UsageError
from engine.grounding.picking import Picked, joined
from engine.grounding.predictor import GroundingPredictor
from engine.nn.inputs import SensorArea
from engine.records.query import DEFAULT_FIND_SCORE
from tests.engine.grounding.finder import SMALL, HashEmbedder, SaysBoxes, finder_card, write_finder
from tests.engine.grounding.tiny import moved, tiny_network

RNG = np.random.default_rng(0)


def area(height: int = 64, width: int = 64, sensor: str = "optical") -> SensorArea:
    values = RNG.normal(size=(3 if sensor == "optical" else 1, height, width)).astype(np.float32)
    return SensorArea(values, None, sensor)


def saying(boxes, scores, **changes) -> GroundingPredictor:
    return GroundingPredictor(SaysBoxes(boxes, scores), finder_card(**changes), HashEmbedder())


@pytest.fixture(scope="module")
def predictor() -> GroundingPredictor:
    return GroundingPredictor(moved(tiny_network(image_size=64)), finder_card(), HashEmbedder())


def test_boxes_are_in_pixels_of_the_area_and_never_beyond_it():
    """An area of 32 x 128 goes into the rows 24 to 40 of the square of 64, at half its size."""
    predictor = saying([[10, 26, 20, 30], [-5, 0, 30, 64], [0, 0, 64, 20]], [[0.9, 0.8, 0.7]])
    found = predictor.find(predictor.encode(area(32, 128)), "ships", most=None)
    assert [one.box_xyxy_px for one in found] == [pytest.approx((20, 4, 40, 12)), pytest.approx((0, 0, 60, 32))]
    assert [one.score for one in found] == pytest.approx([0.9, 0.8]), "the third lies in the padding"
    assert [one.cell for one in found] == [0, 1]


def test_a_small_area_is_enlarged_and_its_boxes_are_not():
    predictor = saying([[16, 16, 32, 48]], [[0.9]])
    (found,) = predictor.find(predictor.encode(area(16, 16)), "ship")
    assert found.box_xyxy_px == pytest.approx((4, 4, 8, 12))


def test_one_thing_is_shown_once_where_all_are_asked_for():
    boxes = [[0, 0, 20, 20], [1, 0, 21, 20], [40, 40, 60, 60]]  # the first two: an IoU of 19 / 21
    predictor = saying(boxes, [[0.5, 0.9, 0.3]])
    view = predictor.encode(area())
    assert [one.cell for one in predictor.find(view, "ships", most=None)] == [1, 2]
    assert [one.cell for one in predictor.find(view, "ship")] == [1]
    assert [one.cell for one in predictor.find(view, "ships", most=None, least_score=0.4)] == [1]
    assert predictor.find(view, "ship", least_score=0.95) == []


def test_what_scores_next_to_nothing_is_no_box():
    predictor = saying([[0, 0, 20, 20]], [[5e-5]])
    assert predictor.find(predictor.encode(area()), "ship") == []


def test_a_pool_gives_each_thing_its_best_phrase():
    boxes = [[0, 0, 20, 20], [1, 0, 21, 20], [40, 40, 60, 60]]
    predictor = saying(boxes, [[0.5, 0.4, 0.1], [0.3, 0.8, 0.2]])
    found = predictor.annotate(predictor.encode(area()), ["ship", "tank"])
    assert [(one.text, one.cell) for one in found] == [("tank", 1)], "0.2 is less than the default"
    found = predictor.annotate(predictor.encode(area()), ["ship", "tank"], least_score=0.15)
    assert [(one.text, one.score) for one in found] == [("tank", pytest.approx(0.8)), ("tank", pytest.approx(0.2))]
    with pytest.raises(UsageError, match="no phrases"):
        predictor.annotate(predictor.encode(area()), [])


def test_a_large_pool_is_read_in_runs(predictor):
    """Seven phrases on a network of five slots: the boxes of both runs, and phrases by their place in the pool."""
    view = predictor.encode(area())
    phrases = [f"thing {n}" for n in range(7)]
    runs = [predictor.look_each([view], phrases[start:stop])[0] for start, stop in ((0, 5), (5, 7))]
    best = max(
        (float(run.output.scores[0].max().sigmoid()), phrases[start + int(run.output.scores[0].max(0)[0].argmax())])
        for run, start in zip(runs, (0, 5), strict=True)
    )
    first, *_ = predictor.annotate(view, phrases, least_score=1e-3)
    assert (first.score, first.text) == (pytest.approx(best[0]), best[1])


def test_a_pool_tells_how_far_it_is_and_may_be_stopped_there(predictor):
    class Enough(Exception):
        pass

    def step(share: float) -> None:
        told.append(share)
        if share > 0.5:
            raise Enough

    told: list[float] = []
    view = predictor.encode(area())
    with pytest.raises(Enough):
        predictor.annotate(view, [f"thing {n}" for n in range(17)], step=step)
    assert told == [0, 5 / 17, 10 / 17]


def test_a_text_is_embedded_once(monkeypatch):
    embedder = HashEmbedder()
    asked: list[tuple[str, ...]] = []
    through = embedder.embed
    monkeypatch.setattr(embedder, "embed", lambda texts: asked.append(tuple(texts)) or through(texts))
    predictor = GroundingPredictor(SaysBoxes([[0, 0, 9, 9]], [[0.9]]), finder_card(), embedder)
    for _ in range(3):
        predictor.annotate(predictor.encode(area()), ["ship"])
        predictor.find(predictor.encode(area()), "tank")
    assert asked == [("ship",), ("tank",)]


def test_of_several_runs_each_cell_keeps_its_best_box():
    boxes = torch.arange(16.0).reshape(4, 4)
    first = Picked(boxes[:2], torch.tensor([0.2, 0.9]), torch.tensor([3, 7]), torch.tensor([0, 1]))
    second = Picked(boxes[2:], torch.tensor([0.5, 0.1]), torch.tensor([3, 9]), torch.tensor([0, 0]))
    found = joined([first, second], [0, 5])
    assert found.cells.tolist() == [3, 7, 9]
    assert found.texts.tolist() == [5, 1, 5]
    assert found.scores.tolist() == pytest.approx([0.5, 0.9, 0.1])
    assert torch.equal(found.boxes, boxes[[2, 1, 3]])


def test_a_batch_of_areas_is_each_of_them(predictor):
    areas = [area(), area(40, 64, "sar"), area()._replace(valid=np.zeros((64, 64), bool)), area(64, 20)]
    views = predictor.encode_each(areas)
    assert [view is None for view in views] == [False, False, True, False]
    for one, view in zip(areas, views, strict=True):
        if view is not None:
            (alone,) = predictor.find(predictor.encode(one), "the largest ship")
            (batched,) = predictor.find(view, "the largest ship")
            assert batched.box_xyxy_px == pytest.approx(alone.box_xyxy_px, abs=1e-3)
            assert batched.score == pytest.approx(alone.score, abs=1e-5)
    seen = [view for view in views if view is not None]
    looks = predictor.look_each(seen, ["the largest ship"])
    assert [predictor.detections(look)[0].cell for look in looks] == [
        predictor.find(view, "the largest ship")[0].cell for view in seen
    ]


def test_a_second_expression_does_not_encode_again():
    predictor = saying([[0, 0, 9, 9]], [[0.9]])
    view = predictor.encode(area())
    predictor.find(view, "ship")
    predictor.find(view, "tank")
    assert predictor.network.encoded == 1


def test_an_area_without_data_is_refused(predictor):
    empty = SensorArea(np.full((1, 20, 20), np.nan, np.float32), None, "sar")
    with pytest.raises(InputRefused, match="the SAR image has no data"):
        predictor.encode(empty)
    with pytest.raises(UsageError, match="no sensor"):
        predictor.encode(area()._replace(sensor="lidar"))


def test_scores_are_what_the_card_says_they_mean():
    curves = GroundingCalibration(ScoreCurve(200, 1.0, 0.0), {"sar": ScoreCurve(200, 2.0, 1.0)}, least_score=0.3)
    predictor = saying([[0, 0, 20, 20], [40, 40, 60, 60]], [[0.5, 0.4]], grounding_calibration=curves)
    optical = predictor.find(predictor.encode(area()), "ships", most=None)
    assert [one.score for one in optical] == pytest.approx([0.5, 0.4]), "a curve of slope 1 and offset 0"
    sar = predictor.find(predictor.encode(area(sensor="sar")), "ships", most=None)
    expected = 1 / (1 + np.exp(-(2 * np.log([0.5 / 0.5, 0.4 / 0.6]) + 1)))
    assert [one.score for one in sar] == pytest.approx(expected)
    assert predictor.least_score == pytest.approx(0.3)
    assert len(predictor.find(predictor.encode(area(sensor="sar")), "ships", most=None, least_score=0.6)) == 1
    assert saying([[0, 0, 9, 9]], [[0.5]]).least_score == DEFAULT_FIND_SCORE


def test_maps_say_which_expert_took_which_patch_and_where_the_text_came_in(predictor):
    half = area()._replace(valid=np.arange(64)[None].repeat(64, 0) < 32)
    view = predictor.encode(half)
    maps = predictor.maps(view, predictor.look(view, "ship"))
    assert set(maps) == {
        "routing-optical",
        "routing-share-optical",
        *(f"gate-optical-stride-{stride}" for stride in (8, 16, 32)),
    }
    routing, share = maps["routing-optical"], maps["routing-share-optical"]
    assert routing.values.shape == (1, 1), "a patch of 2 x 2 cells of 32 px is the whole square"
    assert int(routing.values[0, 0]) == int(view.features.routes[0, :, 0, 0].argmax()) + 1
    assert 0.5 <= float(share.values[0, 0]) <= 1.0, "the first of two experts has at least half"
    gate = maps["gate-optical-stride-8"].values
    assert gate.shape == (8, 8)
    assert np.isnan(gate[:, 4:]).all()
    assert ((gate[:, :4] >= 0) & (gate[:, :4] <= 1)).all()
    assert set(predictor.maps(view)) == {"routing-optical", "routing-share-optical"}


def test_patches_that_reach_beyond_the_square_say_so():
    """At 96 px there are 3 x 3 cells, of which patches of 2 x 2 make 2 x 2, a third larger than the square."""
    config = replace(SMALL, image_size=96)
    predictor = GroundingPredictor(tiny_network(image_size=96), finder_card(config), HashEmbedder())
    upper = area(96, 96)._replace(valid=np.arange(96)[:, None].repeat(96, 1) < 30)
    routing = predictor.maps(predictor.encode(upper))["routing-optical"]
    assert routing.values.shape == (2, 2)
    assert routing.span == pytest.approx((4 / 3, 4 / 3))
    assert np.isnan(routing.values).tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize("changes", [{"experts": 0}, {"fusion": False}], ids=str)
def test_a_network_without_a_part_has_no_map_of_it(changes):
    config = replace(SMALL, **changes)
    predictor = GroundingPredictor(tiny_network(image_size=64, **changes), finder_card(config), HashEmbedder())
    view = predictor.encode(area())
    kinds = {one.kind for one in predictor.maps(view, predictor.look(view, "ship")).values()}
    assert kinds == ({"gate"} if "experts" in changes else {"routing", "routing-share"})


# ---- folders


@pytest.fixture
def embedder(monkeypatch):
    monkeypatch.setattr("engine.grounding.predictor.build_embedder", lambda name, folder, device: HashEmbedder())


def test_a_stored_model_answers_as_the_network_it_was_stored_from(tmp_path, embedder):
    folder = write_finder(tmp_path)
    loaded = GroundingPredictor.load(folder)
    fresh = moved(tiny_network(image_size=64)).half().float()  # as it is stored
    direct = GroundingPredictor(fresh, loaded.card, HashEmbedder())
    pixels = area()
    (one,), (other,) = (each.find(each.encode(pixels), "the ship") for each in (loaded, direct))
    assert one.box_xyxy_px == pytest.approx(other.box_xyxy_px)
    assert one.score == pytest.approx(other.score)
    assert not any(parameter.requires_grad for parameter in loaded.network.parameters())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "vqa"}, "made for the task vqa, not for grounding"),
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"config": SMALL.as_json() | {"wings": 2}}, "wings"),
        ({"config": SMALL.as_json() | {"experts": 3}}, "do not fit the network"),
        ({"preprocess": {}}, "preprocessing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_folder_that_is_not_in_order_is_refused(tmp_path, embedder, changes, words):
    with pytest.raises(ModelDamaged, match=words):
        GroundingPredictor.load(write_finder(tmp_path, **changes))


def test_a_card_is_checked_before_anything_is_built(tmp_path, monkeypatch):
    def never(*args: object, **kw: object) -> None:
        raise AssertionError("built")

    monkeypatch.setattr("engine.grounding.predictor.build_network", never)
    with pytest.raises(ModelDamaged, match="SHA-256"):
        GroundingPredictor.load(write_finder(tmp_path / "damaged", sha256="0" * 64))
    with pytest.raises(ModelNotFound):
        GroundingPredictor.load(tmp_path / "nothing")


def test_a_text_encoder_of_another_width_is_refused():
    with pytest.raises(ModelDamaged, match="24 numbers, hashes gives 7"):
        GroundingPredictor(tiny_network(image_size=64), finder_card(), HashEmbedder(7))


@pytest.mark.cuda
def test_boxes_on_the_gpu_are_those_of_the_cpu(predictor):
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA GPU here")
    there = GroundingPredictor(moved(tiny_network(image_size=64)), finder_card(), HashEmbedder(), "cuda")
    pixels = area(40, 64)
    here, gpu = (each.find(each.encode(pixels), "ships", most=None) for each in (predictor, there))
    assert [one.cell for one in gpu] == [one.cell for one in here]
    for one, other in zip(here, gpu, strict=True):
        assert other.box_xyxy_px == pytest.approx(one.box_xyxy_px, abs=0.05)
        assert other.score == pytest.approx(one.score, abs=1e-3)
