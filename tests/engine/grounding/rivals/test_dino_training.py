"""Fine-tuning Grounding DINO: its loss beside transformers', visits, and a run through the loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.grounding.augment import AugmentSettings
from engine.grounding.data.drawing import BatchSettings
from engine.grounding.data.expression_set import Expression, ExpressionSet, NamedThing
from engine.grounding.rivals.dino_training import (
    DinoBatch,
    GroundingDinoTask,
    TrainedGroundingDino,
    _all_layers,
    one_thing_loss,
    save_grounding_dino,
)
from engine.grounding.rivals.grounding_dino import GroundingDino, asked, in_the_corner, numbered, to_picture
from engine.training import TrainSettings, train
from tests.engine.grounding.rivals.tiny_dino import bert_tokenizer, tiny_dino

SIZE = 128
TEXTS = ("the ship", "the large storage tank at the upper left", "a lake on the right")


def squares(count: int = 3) -> ExpressionSet:
    """Grey pictures with one bright square each, its expression, and one that names both or nothing in particular."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 90, (count, 3, SIZE, SIZE), np.uint8)
    things, asked_for = [], []
    for picture in range(count):
        x, y = (int(number) for number in rng.integers(8, 72, 2))
        pixels[picture, :, y : y + 40, x : x + 40] = 250
        things.append(NamedThing(picture, (x, y, x + 40, y + 40), "storage-tank"))
        asked_for.append(Expression(picture, "the storage tank", (picture,), "storage-tank", how="category"))
        asked_for.append(Expression(picture, "storage tanks", (picture,), "storage-tank", scored=False))
    names = tuple(f"square {picture}" for picture in range(count))
    none = ("",) * count
    return ExpressionSet(
        "squares", pixels, ("optical",) * count, names, none, (None,) * count, tuple(things), tuple(asked_for)
    )


def batch(count: int) -> DinoBatch:
    drawn = torch.Generator().manual_seed(1)
    pixels = torch.randn(count, 3, SIZE, SIZE, generator=drawn)
    middles, sizes = torch.rand(count, 2, generator=drawn) / 2 + 0.25, torch.rand(count, 2, generator=drawn) / 2
    pictures = in_the_corner(pixels, torch.ones(count, SIZE, SIZE, dtype=torch.bool))
    return DinoBatch(pictures, numbered(bert_tokenizer(), TEXTS[:count]), torch.cat([middles, sizes], -1))


def test_the_loss_of_every_decoder_layer_is_transformers():
    """Of one picture; what transformers takes for the encoder's proposals is another thing (see the module)."""
    network = tiny_dino(auxiliary_loss=True).eval()
    one = batch(1)
    with torch.no_grad():
        theirs = asked(
            network, one.pictures, one.texts, labels=[{"class_labels": torch.tensor([0]), "boxes": one.boxes}]
        ).loss_dict
        network.loss_function = _all_layers
        logits, boxes = asked(network, one.pictures, one.texts, labels=[]).loss
    for layer, suffix in ((0, "_0"), (1, "")):
        ours = one_thing_loss(logits[layer], boxes[layer], one)
        for name, part in {"text": "loss_ce", "l1": "loss_bbox", "giou": "loss_giou"}.items():
            torch.testing.assert_close(ours[name].squeeze(0), theirs[part + suffix].squeeze(), rtol=1e-4, atol=1e-5)


def test_the_loss_of_a_batch_is_the_mean_of_those_of_its_pictures():
    model = TrainedGroundingDino(tiny_dino()).eval()
    whole = batch(3)
    rows = [
        DinoBatch(*(type(part)(*(x[b : b + 1] for x in part)) for part in whole[:2]), whole.boxes[b : b + 1])
        for b in range(3)
    ]
    torch.testing.assert_close(
        model(whole)[0], torch.stack([model(row)[0] for row in rows]).mean(), rtol=1e-4, atol=1e-4
    )


def task(pictures: ExpressionSet, **augment: float) -> GroundingDinoTask:
    dino = GroundingDino(tiny_dino(), bert_tokenizer())
    still = {"mosaic": 0.0, "scale": 0.0, "translate": 0.0, "flip_horizontal": 0.0, "value": 0.0}
    return GroundingDinoTask(
        dino,
        pictures,
        pictures,
        batch=BatchSettings(pictures=2),
        augment=AugmentSettings(**still | augment),
        seed=1,
    )


def test_a_visit_asks_for_one_thing_and_its_box_moves_with_the_picture():
    made = task(squares(), flip_horizontal=0.5, scale=0.3)
    for step in range(6):
        drawn = made.collate(made.draw(step), step)
        assert (drawn.texts.own.sum(-1) == 3).all()  # never the plural, which may name several
        in_corner = to_picture(drawn.boxes, drawn.pictures.windows) - drawn.pictures.windows[:, :2].repeat(1, 2)
        for row, box in enumerate(in_corner.round().long()):
            x0, y0, x1, y1 = box.tolist()
            seen = drawn.pictures.pixels[row, 0]
            inside = seen[y0 + 3 : y1 - 3, x0 + 3 : x1 - 3].mean()
            assert inside > seen[drawn.pictures.mask[row] > 0].median() + 1


def test_the_same_step_is_the_same_batch():
    made = task(squares(), flip_horizontal=0.5)
    first, again = (made.collate(made.draw(2), 2) for _ in range(2))
    assert torch.equal(first.pictures.pixels, again.pictures.pixels)
    assert torch.equal(first.boxes, again.boxes)


def test_a_set_without_expressions_for_one_thing_is_refused():
    plural = tuple(one for one in squares().expressions if not one.scored)
    with pytest.raises(UsageError):
        task(
            ExpressionSet(**{name: getattr(squares(), name) for name in squares().__slots__} | {"expressions": plural})
        )


@pytest.mark.slow
def test_it_trains_in_the_loop_and_its_folder_is_loaded(tmp_path):
    made = task(squares(2))
    settings = TrainSettings(steps=4, learning_rate=1e-3, warmup_steps=0, validate_every=2, log_every=1, threads=1)
    events: list[dict[str, object]] = []
    before = {name: value.clone() for name, value in made.model.named_parameters()}
    result = train(made, settings, tmp_path / "run", report=events.append)
    assert result.finished
    losses = [event["loss"] for event in events if "loss" in event]
    assert losses[-1] < losses[0]
    still = [name for name, value in made.model.named_parameters() if torch.equal(value, before[name])]
    assert {name.split(".")[2] for name in still} <= {"backbone"}, still  # Swin's last norm is beside the way
    save_grounding_dino(GroundingDino(made.model.network, bert_tokenizer()), tmp_path / "model")
    found = GroundingDino.load(tmp_path / "model").score_set(squares(2))
    assert np.isfinite(found.boxes).all()
