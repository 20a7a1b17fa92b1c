"""Grounding DINO: its size, the way from pictures and expressions to one box and back, and what is said without it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from engine.errors import ModelDamaged, ModelNotFound
from engine.grounding.data.expression_set import Expression, ExpressionSet, NamedThing
from engine.grounding.rivals.grounding_dino import (
    FILES,
    FOLDER_VARIABLE,
    HUB_ID,
    GroundingDino,
    as_phrase,
    build_random,
    expression_scores,
    fetch_grounding_dino,
    find_grounding_dino,
    from_picture,
    in_the_corner,
    numbered,
    to_picture,
)
from tests.engine.grounding.rivals.tiny_dino import bert_tokenizer, tiny_dino

SIZE = 128  # its last map is a sixty-fourth of this, and has to have two cells


@pytest.fixture(scope="module")
def dino() -> GroundingDino:
    return GroundingDino(tiny_dino(), bert_tokenizer())


def test_it_has_the_papers_size():
    with torch.device("meta"):
        network = build_random()
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(172.3, abs=0.05)


def test_an_expression_is_one_phrase():
    assert as_phrase(" The tank at the Top. Which one? ") == "the tank at the top which one."
    texts = numbered(bert_tokenizer(), ["the ship", "the large storage tank at the upper left"])
    assert texts.ids[0, :5].tolist() == [101, 1996, 2911, 1012, 102]  # BERT's own numbers of [CLS] the ship . [SEP]
    assert texts.own[0].nonzero().flatten().tolist() == [1, 2]
    assert texts.own.sum(-1).tolist() == (texts.mask.sum(-1) - 3).tolist()
    assert (texts.ids[texts.mask == 0] == 0).all()


def test_scores_are_the_mean_over_the_expressions_tokens():
    logits = torch.full((1, 2, 256), -torch.inf)
    logits[0, 0, :5] = torch.tensor([9.0, 4.0, -4.0, 9.0, 9.0])  # one token fits, the other not
    logits[0, 1, :5] = torch.tensor([-9.0, 1.0, 1.0, -9.0, -9.0])
    scores = expression_scores(logits, torch.tensor([[False, True, True, False, False]]))
    torch.testing.assert_close(scores[0], torch.tensor([0.5, float(torch.tensor(1.0).sigmoid())]))


def test_boxes_go_to_the_corner_and_come_back():
    pixels = torch.arange(64.0).view(1, 1, 8, 8).expand(1, 3, 8, 8)
    valid = torch.zeros(1, 8, 8, dtype=torch.bool)
    valid[:, 2:6, 1:8] = True
    moved = in_the_corner(pixels, valid)
    assert moved.windows.tolist() == [[1, 2, 8, 6]]
    assert torch.equal(moved.pixels[0, 0, :4, :7], pixels[0, 0, 2:6, 1:8])
    assert (moved.pixels[0, :, 4:] == 0).all()
    assert moved.mask[0].sum() == 4 * 7
    box = torch.tensor([[2.0, 3.0, 5.0, 5.5]])
    torch.testing.assert_close(to_picture(from_picture(box, moved.windows), moved.windows), box)
    nothing = in_the_corner(pixels, torch.zeros_like(valid))
    assert nothing.windows.tolist() == [[0, 0, 8, 8]]


def test_a_box_is_inside_the_part_with_data_and_found_alike_alone_and_in_a_batch(dino):
    picture = torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    valid = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    valid[32:96] = True
    (x0, y0, x1, y1), score = dino.best_box(picture, "the ship at the top", valid=valid)
    assert 0 <= x0 <= x1 <= SIZE
    assert 32 <= y0 <= y1 <= 96
    assert 0 < score < 1
    loud = torch.where(valid, picture, 9.0)
    again, _ = dino.best_box(loud, "the ship at the top", valid=valid)
    assert again == pytest.approx((x0, y0, x1, y1), abs=1e-3)


def expressions() -> ExpressionSet:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, SIZE, SIZE), np.uint8)
    things = (NamedThing(0, (4, 4, 20, 20), "ship"), NamedThing(1, (30, 8, 60, 60), "lake"))
    asked = (
        Expression(0, "the ship", (0,), "ship"),
        Expression(0, "ships", (0,), "ship", scored=False),
        Expression(1, "the large lake on the right", (1,), "lake"),
        Expression(1, "the lake", (1,), "lake"),
    )
    return ExpressionSet("made up", pixels, ("optical", "sar"), ("a", "b"), ("", ""), (None, None), things, asked)


def test_a_set_is_scored_as_each_expression_alone_is(dino):
    heard: list[float] = []
    found = dino.score_set(expressions(), report=heard.append)
    assert found.expression.tolist() == [0, 2, 3]
    assert heard[-1] == 1.0
    for row, index in enumerate(found.expression):
        one = expressions().expressions[index]
        picture = torch.from_numpy(expressions().pixels[one.picture]).float() / 255
        box, score = dino.best_box(picture, one.text)
        assert found.boxes[row].tolist() == pytest.approx(box, abs=0.05)
        assert found.scores[row] == pytest.approx(score, abs=1e-4)


def test_a_folder_with_its_files_is_loaded_whole(dino, tmp_path):
    dino.network.save_pretrained(tmp_path)
    bert_tokenizer().save(str(tmp_path / "tokenizer.json"))
    loaded = GroundingDino.load(tmp_path)
    picture = torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    assert loaded.best_box(picture, "the ship") == dino.best_box(picture, "the ship")
    assert loaded.parameters() == dino.parameters()


def test_weights_that_lack_something_are_refused(dino, tmp_path):
    few = {
        name: value for name, value in dino.network.state_dict().items() if "class_embed" in name or "encoder" in name
    }
    dino.network.save_pretrained(tmp_path, state_dict=few)
    bert_tokenizer().save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelDamaged, match="not whole"):
        GroundingDino.load(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_refused(dino, tmp_path, name):
    dino.network.save_pretrained(tmp_path)
    bert_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / name).write_bytes(b"no such thing")
    with pytest.raises(ModelDamaged) as caught:
        GroundingDino.load(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_without_weights_it_says_what_to_fetch_and_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(ModelNotFound) as caught:
        find_grounding_dino()
    assert str(tmp_path) in str(caught.value)
    assert all(part in caught.value.remedy for part in (*FILES, "IDEA-Research/grounding-dino-tiny", FOLDER_VARIABLE))
    with pytest.raises(ModelNotFound):
        find_grounding_dino(tmp_path)


def test_what_is_missing_is_fetched_and_a_hub_that_does_not_answer_is_said(tmp_path, monkeypatch):
    asked = []

    def bring(repository, name):
        asked.append((repository, name))
        if name == FILES[1]:
            raise LocalEntryNotFoundError("no connection\nand more")

    module = "engine.grounding.rivals.grounding_dino"
    monkeypatch.setattr(f"{module}._places", lambda: iter([tmp_path]))
    monkeypatch.setattr(f"{module}.hf_hub_download", bring)
    monkeypatch.setattr(f"{module}.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(ModelNotFound, match=r"from the Hugging Face hub: no connection$") as caught:
        fetch_grounding_dino()
    assert asked == [(HUB_ID, name) for name in FILES[:2]]
    assert FOLDER_VARIABLE in caught.value.remedy
    monkeypatch.setattr(f"{module}.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound, match="not on this machine"):
        fetch_grounding_dino()
    for name in FILES:
        (tmp_path / name).touch()
    fetch_grounding_dino()
    assert len(asked) == 2
