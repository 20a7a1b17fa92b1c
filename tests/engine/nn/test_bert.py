"""BERT by transformers: published files under their old names, MiniLM as our own, and what is said where none is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

import pytest
import torch
from huggingface_hub import constants

from engine.errors import ModelDamaged, ModelNotFound
from engine.nn import bert, text
from engine.nn.minilm import WORDS, load_minilm
from tests.engine.nn.tiny_bert import TINY, published

transformers = pytest.importorskip("transformers")


@pytest.fixture
def tiny(monkeypatch):
    """What is called BERT-base is small."""
    monkeypatch.setitem(bert.SIZES, bert.NAME, TINY)


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No place has any weights."""
    monkeypatch.delenv(bert.FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(bert, "model_folders", lambda: [tmp_path / "models"])
    monkeypatch.setattr(bert, "try_to_load_from_cache", lambda *names: None)


def ids(rows: int, length: int) -> torch.Tensor:
    return torch.randint(1000, WORDS, (rows, length), generator=torch.Generator().manual_seed(4))


def test_published_weights_as_transformers_reads_them(tiny, tmp_path):
    torch.manual_seed(2)
    path = published(tmp_path, bert.Bert(bert.NAME))
    reference = transformers.BertModel.from_pretrained(
        tmp_path, config=transformers.BertConfig(**TINY), add_pooling_layer=False, local_files_only=True
    )
    ours = bert.load_bert(bert.NAME, path)
    assert not ours.training
    assert ours.width == 32
    padding = torch.arange(9) >= torch.tensor([[9], [5], [2]])
    with torch.inference_mode():
        wanted = reference(input_ids=ids(3, 9), attention_mask=(~padding).long()).last_hidden_state
        torch.testing.assert_close(ours(ids(3, 9), padding), wanted, rtol=0, atol=0)


def test_minilm_is_as_our_own_arrangement_has_it():
    path = bert.find_bert("all-MiniLM-L6-v2")
    theirs, ours = bert.load_bert("all-MiniLM-L6-v2", path), load_minilm(path)
    padding = torch.arange(20) >= torch.tensor([[20], [7]])
    with torch.inference_mode():
        found, wanted = theirs(ids(2, 20), padding), ours(ids(2, 20), padding)
    torch.testing.assert_close(found[~padding], wanted[~padding], rtol=1e-4, atol=1e-4)


def test_base_is_of_the_published_size():
    with torch.device("meta"):
        network = bert.Bert(bert.NAME)
    assert sum(parameter.numel() for parameter in network.parameters()) == 109_482_240 - 590_592, "without the pooler"


def test_padding_changes_nothing(tiny):
    torch.manual_seed(3)
    network = bert.Bert(bert.NAME).eval()
    padding = torch.arange(12) >= torch.tensor([[12], [7]])
    filled = ids(2, 12)
    other = torch.where(padding, 17, filled)
    with torch.inference_mode():
        found = network(filled, padding)
        torch.testing.assert_close(found[~padding], network(other, padding)[~padding], rtol=0, atol=0)
        torch.testing.assert_close(found[1, :7], network(filled[1:, :7])[0], rtol=1e-5, atol=1e-6)


def test_the_word_pieces_are_those_of_bert_base():
    """The SHA-256 of bert-base-uncased's ``vocab.txt``; text is split as transformers' own tokenizer splits it."""
    stored = json.loads((text.find_text_encoder() / "tokenizer.json").read_text("utf-8"))
    vocabulary = stored["model"]["vocab"]
    listed = "".join(f"{piece}\n" for piece in sorted(vocabulary, key=vocabulary.get))
    digest = hashlib.sha256(listed.encode()).hexdigest()
    assert digest == "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
    theirs = transformers.BertTokenizer(vocab=vocabulary)
    ours = text.WordPieces(text.find_text_encoder())
    for said in ("the light-weight vehicles of the parking lot", "Überflutete Felder, 3 of them!", "", "gantry cranes"):
        assert ours.numbers(said, 77)[0] == theirs(said)["input_ids"]


def test_pieces_are_cut_as_numbers_are():
    pieces = text.WordPieces(text.find_text_encoder())
    said = "the unreadably long expression"
    assert pieces.pieces(said, 77)[:3] == ("[CLS]", "the", "un")
    numbers, cut = pieces.numbers(said, 5)
    assert pieces.pieces(said, 5) == (*pieces.pieces(said, 77)[:4], "[SEP]")
    assert (len(numbers), cut) == (5, len(pieces.pieces(said, 77)) - 5)


class TestFinding:
    def test_it_is_looked_for_in_order(self, nowhere, monkeypatch, tmp_path):
        for place in ("own", "models/bert-base-uncased"):
            (tmp_path / place).mkdir(parents=True)
            (tmp_path / place / bert.FILE).touch()
        assert bert.find_bert(bert.NAME) == tmp_path / "models" / bert.NAME / bert.FILE
        monkeypatch.setenv(bert.FOLDER_VARIABLE, str(tmp_path / "own"))
        assert bert.find_bert(bert.NAME) == tmp_path / "own" / bert.FILE
        with pytest.raises(ModelNotFound, match="other"):
            bert.find_bert(bert.NAME, tmp_path / "other")

    def test_nothing_found_says_what_to_fetch_and_where_to(self, nowhere, tmp_path):
        with pytest.raises(ModelNotFound, match="not on this machine") as caught:
            bert.find_bert(bert.NAME)
        for part in (bert.FILE, bert.HUB_ID, bert.FOLDER_VARIABLE, str(tmp_path / "models"), "Apache-2.0"):
            assert part in caught.value.remedy

    def test_offline_nothing_is_fetched(self, nowhere, monkeypatch):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(ModelNotFound, match="not on this machine"):
            bert.fetch_bert(bert.NAME)

    def test_a_hub_that_does_not_answer_is_said(self, nowhere, monkeypatch):
        def refuse(*names):
            raise ConnectionError("no route to it")

        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(bert, "hf_hub_download", refuse)
        with pytest.raises(ModelNotFound, match="no route to it") as caught:
            bert.fetch_bert(bert.NAME)
        assert bert.FOLDER_VARIABLE in caught.value.remedy

    def test_what_is_here_is_not_fetched(self, nowhere, monkeypatch, tmp_path):
        monkeypatch.setenv(bert.FOLDER_VARIABLE, str(tmp_path))
        (tmp_path / bert.FILE).touch()
        monkeypatch.setattr(bert, "hf_hub_download", lambda *names: pytest.fail("fetched"))
        bert.fetch_bert(bert.NAME)

    def test_other_weights_are_refused(self, tiny, tmp_path):
        path = tmp_path / bert.FILE
        path.write_bytes(b"no tensors")
        with pytest.raises(ModelDamaged, match="cannot be read"):
            bert.load_bert(bert.NAME, path)
        with pytest.raises(ModelDamaged, match="another shape"):
            bert.load_bert(bert.NAME, bert.find_bert("all-MiniLM-L6-v2"))

    def test_the_card_says_which_file_it_was(self, tmp_path):
        path = tmp_path / "snapshots" / "86b5e0" / bert.FILE
        path.parent.mkdir(parents=True)
        path.write_bytes(b"weights")
        part = asdict(bert.bert_part(bert.NAME, path, "text encoder, frozen"))
        digest = hashlib.sha256(b"weights").hexdigest()
        assert (part["revision"], part["licence"]) == ("86b5e0", "Apache-2.0")
        assert part["files_sha256"] == {bert.FILE: digest}
        assert bert.bert_part("all-MiniLM-L6-v2", path, "").revision == text.REVISION
