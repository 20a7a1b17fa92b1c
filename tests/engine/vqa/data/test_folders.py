"""Published layouts as question sets: by the predictor's rules, with every fault said."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from PIL import Image

from engine.errors import DataSetUnreadable, UsageError
from engine.nn.preprocess import PreprocessSpec
from engine.raster import open_raster
from engine.records import PixelWindow
from engine.vqa.data.folders import folder_set, read_folder
from engine.vqa.data.inputs import pair_inputs, pair_pixels
from engine.vqa.data.pair_files import PairFiles, read_pair
from engine.vqa.data.question_set import AS_IT_IS
from engine.vqa.predictor import TgfnetPredictor
from tests.engine.datasets.fabricate import osvqa, rsvqa_lr
from tests.engine.datasets.fabricate.pictures import write_picture, write_raster
from tests.engine.vqa.data.sets import noise_set
from tests.engine.vqa.tiny import CONFIG, WordHashes, tiny_card, tiny_model

SPEC = PreprocessSpec()


@pytest.fixture
def osvqa_folder(tmp_path):
    folder = tmp_path / "osvqa"
    folder.mkdir()
    osvqa.fabricate(folder)
    return folder


def read(folder, split, cache=None, **options):
    return folder_set(folder, split, SPEC, CONFIG, cache, **options)


def test_osvqa_is_read_whole(osvqa_folder):
    found = read(osvqa_folder, "test", variants=("cloud", "dark"))
    assert found.names == ("11.png", "12.png")
    assert found.variants == (AS_IT_IS, "cloud", "dark")
    assert found.optical.shape == (2, 3, 3, 64, 64)
    assert [(q.scene, q.text, q.answer, q.type) for q in found.questions] == [
        (("11.png", "12.png").index(image), text, answer, kind) for image, text, answer, kind in osvqa.QUESTIONS["test"]
    ]
    assert found.closed_answers == tuple(sorted({row[2] for rows in osvqa.QUESTIONS.values() for row in rows}))
    assert found.vocabulary == found.closed_answers
    assert found.left_out == ()
    assert found.pair == ("exact", "exact")
    assert read(osvqa_folder, "validation").names == ("10.png",)


def test_an_image_that_its_questions_call_foggy_gets_no_other_weather(osvqa_folder):
    found = read(osvqa_folder, "test", variants=("cloud", "dark"))
    assert found.weather == ("fog", "")
    assert found.exists.tolist() == [[True, False, False], [True, True, True]]
    for variant in (1, 2):
        np.testing.assert_array_equal(found.optical[0, variant], found.optical[0, 0])
        assert np.abs(found.optical[1, variant].astype(int) - found.optical[1, 0]).mean() > 5


def test_images_that_do_not_match_are_of_other_places(osvqa_folder):
    lines = [{"image": "1.png", "question": "Do they match?", "answer": "no", "type": "match"}]
    lines += [{"image": "2.png", "question": "What is the weather?", "answer": "cloudy", "type": "fog-dark"}]
    with (osvqa_folder / "train.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    found = read(osvqa_folder, "train")
    assert found.pair == ("other", "exact", "exact")
    assert found.weather == ("", "cloud", "")


def test_rsvqa_has_no_sar_picture_anywhere(tmp_path):
    rsvqa_lr.fabricate(tmp_path)
    found = read(tmp_path, "train", variants=("fog",))
    assert found.optical_valid.all()
    assert not found.sar_valid.any()
    assert found.sar.max() == 0
    assert found.questions[2].answer == "between 0 and 10"
    assert "between 0 and 10" in found.vocabulary


def test_what_is_broken_is_left_out_and_said(osvqa_folder):
    (osvqa_folder / "sar" / "1.png").unlink()
    (osvqa_folder / "optical" / "2.png").write_bytes(b"no picture")
    found = read(osvqa_folder, "train", variants=("fog",))
    assert {q.scene for q in found.questions} == {2}
    assert len(found.left_out) == 2
    assert found.left_out[0].startswith("1.png: There is no file")
    assert found.left_out[1].startswith("2.png: ")
    assert found.optical[:2].max() == 0
    write_picture(osvqa_folder / "sar" / "3.png", 1, bands=1, side=40)
    with pytest.raises(DataSetUnreadable, match="No image of the split") as caught:
        read(osvqa_folder, "train")
    assert caught.value.remedy


def test_faults_of_the_annotations_are_said_with_their_line(osvqa_folder):
    with (osvqa_folder / "train.jsonl").open("a") as file:
        file.write("{broken\n")
    _, said = read_folder(osvqa_folder)
    assert any(line.startswith("train.jsonl, line 5: ") for line in said)
    assert read(osvqa_folder, "train").left_out == said


def test_pictures_are_kept_until_a_file_changes(osvqa_folder, tmp_path):
    told = []
    for _ in range(2):
        kept = read(osvqa_folder, "train", tmp_path / "cache", report=lambda done, of: told.append(done))
    assert told == [3]
    fresh = read(osvqa_folder, "train")
    for name in ("optical", "sar", "optical_valid", "sar_valid"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(fresh, name))
    assert kept.key == fresh.key
    write_picture(osvqa_folder / "optical" / "2.png", 99)
    os.utime(osvqa_folder / "optical" / "2.png", ns=(1, 1))
    changed = read(osvqa_folder, "train", tmp_path / "cache", report=lambda done, of: told.append(done))
    assert told == [3, 3]
    assert changed.key != kept.key
    np.testing.assert_array_equal(changed.optical[0], fresh.optical[0])
    assert (changed.optical[1] != fresh.optical[1]).any()


def test_what_is_not_there_is_refused(osvqa_folder, tmp_path):
    with pytest.raises(DataSetUnreadable, match="no questions in a split") as caught:
        read(osvqa_folder, "all")
    assert "train" in caught.value.remedy
    with pytest.raises(UsageError, match="cannot be made"):
        read(osvqa_folder, "train", variants=("clear",))  # nobody can take a cloud away
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataSetUnreadable):
        read(tmp_path / "empty", "train")


@pytest.mark.parametrize("kind", ["8 bits", "16 bits", "three equal bands", "wide"])
def test_the_network_sees_of_a_file_what_the_predictor_shows(tmp_path, kind):
    """The files go through the raster room and the predictor's own stretch; the square is the same to 8 bits."""
    rng = np.random.default_rng(0)
    rows, columns = (30, 90) if kind == "wide" else (100, 100)
    smooth = np.repeat(np.repeat(rng.random((4, rows // 10, columns // 10)), 10, 1), 10, 2)
    optical = (smooth[:3] * 250).astype(np.uint8)
    if kind == "16 bits":
        optical = (300 + 4000 * smooth[:3]).astype(np.uint16)
    sar = (smooth[3] * 250).astype(np.uint8)
    write_raster(tmp_path / "o.tif", optical)
    write_raster(tmp_path / "s.tif", np.stack([sar] * 3) if kind == "three equal bands" else sar)
    found = read_pair(PairFiles(tmp_path / "o.tif", tmp_path / "s.tif", 0, ()), 64, SPEC)

    predictor = TgfnetPredictor(tiny_model().eval(), tiny_card(), WordHashes())
    scale = min(1, 64 / max(rows, columns))
    size = round(columns * scale), round(rows * scale)
    window = PixelWindow(0, 0, columns, rows)
    with open_raster(tmp_path / "o.tif", sensor="optical") as o, open_raster(tmp_path / "s.tif", sensor="sar") as s:
        shown, echo = o.read(window, *size), s.read(window, *size, bands=s.info.choice.bands[:1])
        view = predictor.encode(shown.values, shown.valid, echo.values, echo.valid, s.info.sar_unit or "db")
    one = noise_set(
        views=1,
        optical=found.optical[np.newaxis],
        sar=found.sar[np.newaxis],
        optical_valid=found.optical_valid[np.newaxis],
        sar_valid=found.sar_valid[np.newaxis],
    )
    inputs = pair_inputs([pair_pixels(one, 0)], CONFIG, SPEC)
    made = tiny_model().eval().encode(*inputs)
    for ours, theirs in zip(made, view.features, strict=True):
        # Tokens differ by what rounding pictures to 8 bits does; masks not at all.
        np.testing.assert_allclose(ours.detach(), theirs, atol=0.05 if ours.is_floating_point() else 0)
    assert found.optical_valid.mean() == pytest.approx(1 / 3 if kind == "wide" else 1, abs=0.02)


def test_a_grey_optical_picture_has_three_equal_channels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    found = read_pair(PairFiles(tmp_path / "grey.png", None, 0, ("cloud",)), 64, SPEC)
    assert found.optical.shape == (2, 3, 64, 64)
    np.testing.assert_array_equal(found.optical[0, 0], found.optical[0, 2])
    assert not found.sar_valid.any()
