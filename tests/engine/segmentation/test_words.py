"""Words as LGCE reads them: what is kept is what is made, padding is nothing, and a BERT that learns does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import ModelDamaged, ModelNotFound, UsageError
from engine.nn import bert
from engine.nn.minilm import WIDTH
from engine.nn.text import TextEncoder
from engine.nn.weights import load_weights, save_weights
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.losses import LossWeights, MaskTarget, segmentation_loss
from engine.segmentation.network import Words
from engine.segmentation.words import TrainedBert, WordSource, build_words, stored_parts
from engine.text import normalise
from tests.engine.nn.tiny_bert import TINY, published
from tests.engine.segmentation.tiny import CONFIG, first_of, tiny_batch, tiny_network

TEXTS = ["The grey tank in the upper left corner!", "a ship", "all unreadably long-winded expressions"]
MINILM = SegmentationConfig()
LEARNING = replace(CONFIG, text_width=TINY["hidden_size"], tokens=12, train_text=True)


@pytest.fixture(scope="module")
def frozen() -> WordSource:
    return build_words(MINILM)


@pytest.fixture
def small(monkeypatch):
    """Both BERTs are small; random weights alone fit."""
    for name in bert.SIZES:
        monkeypatch.setitem(bert.SIZES, name, TINY)


def learning(seed: int = 5) -> TrainedBert:
    torch.manual_seed(seed)
    words = build_words(LEARNING, stored=True)
    assert isinstance(words, TrainedBert)
    return words


class TestFrozen:
    def test_words_are_minilm_s_features_in_half_precision(self, frozen):
        found = frozen.words(TEXTS, 20)
        assert found.vectors.shape == (3, 20, WIDTH)
        assert (found.vectors.dtype, found.mask.dtype) == (torch.float32, torch.bool)
        encoder = TextEncoder()
        for text, vectors, mask in zip(TEXTS, found.vectors, found.mask, strict=True):
            wanted = encoder(normalise(text)).tokens
            assert mask.tolist() == [True] * len(wanted) + [False] * (20 - len(wanted))
            torch.testing.assert_close(vectors[mask], wanted, rtol=1e-3, atol=1e-4)
            assert torch.equal(vectors, vectors.half().float())
            assert not vectors[~mask].any()

    def test_company_order_and_spelling_change_nothing(self, frozen):
        whole = frozen.words(TEXTS, 20)
        again = build_words(MINILM).words(["a  Ship?", "the gray TANK in the upper left corner"], 20)
        for row, other in ((0, 1), (1, 0)):
            torch.testing.assert_close(again.vectors[row], whole.vectors[other], rtol=1e-3, atol=1e-3)
            assert torch.equal(again.mask[row], whole.mask[other])

    def test_pieces_are_those_of_the_words(self, frozen):
        for text, mask in zip(TEXTS, frozen.words(TEXTS, 20).mask, strict=True):
            pieces = frozen.pieces(text, 20)
            assert len(pieces) == mask.sum()
            assert (pieces[0], pieces[-1]) == ("[CLS]", "[SEP]")
        assert frozen.pieces(TEXTS[0], 20)[1:4] == ("the", "gray", "tank")

    def test_what_does_not_fit_is_cut_and_told(self, frozen):
        text = TEXTS[0]
        whole = len(frozen.pieces(text, 77))
        assert (frozen.tokens_cut(text, 20), frozen.tokens_cut(text, 6)) == (0, whole - 6)
        short = frozen.words([text], 6)
        assert short.mask.all()
        assert frozen.pieces(text, 6) == (*frozen.pieces(text, 77)[:5], "[SEP]")
        apart = (short.vectors[0] - frozen.words([text], 20).vectors[0, :6]).abs().amax(-1)
        assert (apart > 0.01).all(), "the encoder itself has not read the rest"

    def test_what_is_kept_on_disk_is_what_was_made(self, monkeypatch, tmp_path):
        made = build_words(MINILM, keep_in=tmp_path).words(TEXTS, 20)
        later, in_memory = build_words(MINILM, keep_in=tmp_path), build_words(MINILM)
        once = in_memory.words(TEXTS, 20)
        monkeypatch.setattr(TextEncoder, "encode_all", lambda *some, **more: pytest.fail("read again"))
        for one, *others in zip(made, later.words(TEXTS, 20), once, in_memory.words(TEXTS, 20), strict=True):
            assert all(torch.equal(one, other) for other in others)

    def test_its_name_has_the_hash_and_its_card_the_licence(self, frozen):
        assert frozen.name == "all-MiniLM-L6-v2@53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        assert (frozen.width, frozen.pretrained.licence) == (WIDTH, "Apache-2.0")
        assert "frozen" in frozen.pretrained.role

    def test_another_width_is_refused(self):
        with pytest.raises(UsageError, match="reads words as 768 numbers") as caught:
            build_words(replace(MINILM, text_width=768))
        assert "384" in caught.value.remedy

    def test_bert_base_frozen_is_transformers(self, small, tmp_path):
        torch.manual_seed(1)
        network = bert.Bert(bert.NAME).eval()
        published(tmp_path, network)
        words = build_words(replace(LEARNING, text_encoder=bert.NAME, train_text=False), tmp_path)
        found = words.words(TEXTS, 12)
        ids, mask = learning().numbered(TEXTS, 12)
        with torch.inference_mode():
            wanted = network.bert(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        assert torch.equal(found.mask, mask)
        torch.testing.assert_close(found.vectors[mask], wanted[mask], rtol=1e-3, atol=1e-3)
        assert words.pretrained.files_sha256.keys() == {bert.FILE}

    def test_bert_base_has_to_be_the_file_that_a_card_names(self, small, tmp_path):
        config = replace(LEARNING, text_encoder=bert.NAME, train_text=False)
        for place in ("then", "now"):
            published(tmp_path / place, bert.Bert(bert.NAME))
        part = build_words(config, tmp_path / "then").pretrained
        assert build_words(config, tmp_path / "then", pretrained=[part]).pretrained == part
        with pytest.raises(ModelDamaged, match="not the bert-base-uncased that the model was trained with"):
            build_words(config, tmp_path / "now", pretrained=[part])

    def test_bert_base_that_is_nowhere_says_what_to_do(self, tmp_path):
        with pytest.raises(ModelNotFound, match="not on this machine") as caught:
            build_words(SegmentationConfig.paper(), tmp_path)
        assert bert.HUB_ID in caught.value.remedy


class TestTrained:
    def test_it_begins_with_the_published_weights(self, small, tmp_path):
        torch.manual_seed(1)
        network = bert.Bert(bert.NAME)
        published(tmp_path, network)
        words = build_words(replace(LEARNING, text_encoder=bert.NAME), tmp_path)
        assert isinstance(words, TrainedBert)
        assert all(parameter.requires_grad for parameter in words.parameters())
        torch.testing.assert_close(words.bert.state_dict(), network.state_dict(), rtol=0, atol=0)
        assert "trained" in words.pretrained.role
        assert words.pretrained.files_sha256

    def test_words_are_what_training_computes(self, small):
        words = learning().eval()
        ids, mask = words.numbered(TEXTS, 12)
        found, computed = words.words(TEXTS, 12), words(ids, mask)
        assert computed.vectors.requires_grad
        assert not found.vectors.requires_grad
        torch.testing.assert_close(found.vectors, computed.vectors.detach(), rtol=0, atol=0)
        assert torch.equal(found.mask, mask)
        assert not found.vectors[~mask].any()
        assert mask.sum(1).tolist() == [len(words.pieces(text, 12)) for text in TEXTS]

    def test_it_drops_as_bert_does_only_while_it_is_trained(self, small):
        words = learning().train()
        asked = words.numbered(TEXTS, 12)
        assert not torch.equal(words(*asked).vectors, words(*asked).vectors)
        words.eval()
        assert torch.equal(words(*asked).vectors, words(*asked).vectors)

    def test_the_loss_reaches_every_layer(self, small):
        network, words, batch = tiny_network(text_width=32), learning(), tiny_batch(3)
        output = network(first_of(network, batch), words(*words.numbered(TEXTS, 12)))
        target = MaskTarget(batch["mask"], batch["optical_valid"])
        segmentation_loss(output, target, LossWeights())[0].backward()
        silent = [name for name, p in words.named_parameters() if p.grad is None or not p.grad.any()]
        assert silent == []
        numbers = words.numbered(TEXTS, 12)[0]
        table = words.bert.bert.embeddings.word_embeddings.weight.grad
        rows = np.flatnonzero(table.abs().amax(1).numpy())
        assert set(rows) <= set(numbers.unique().tolist()), "words that nobody said learn nothing"

    def test_more_room_for_words_changes_nothing(self, small):
        """The same expressions with 8 and with 20 places: equal masks."""
        network, words, batch = tiny_network(text_width=32).eval(), learning().eval(), tiny_batch(3)
        texts = ["the tank on the left", "a ship", "water"]
        with torch.no_grad():
            first = first_of(network, batch)
            short, long = (network(first, words(*words.numbered(texts, tokens))).logits for tokens in (8, 20))
            read = words.words(texts, 20)
            noisy = torch.where(read.mask.unsqueeze(-1), read.vectors, 7.0)
            exact = network(first, Words(noisy, read.mask)).logits
        torch.testing.assert_close(short, long, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(exact, long, rtol=0, atol=0)

    def test_it_is_stored_with_the_network(self, small, tmp_path):
        network, words = tiny_network(text_width=32), learning()
        path = save_weights(stored_parts(network, words), tmp_path)
        other, later = tiny_network(seed=9, text_width=32), learning(seed=9)
        load_weights(stored_parts(other, later), path)
        found, wanted = (one.eval().words(TEXTS, 12).vectors for one in (later, words))
        torch.testing.assert_close(found, wanted, rtol=2e-2, atol=2e-2)
        for name, value in network.state_dict().items():
            torch.testing.assert_close(other.state_dict()[name], value, rtol=1e-3, atol=1e-3)

    def test_a_frozen_one_is_not_stored(self, frozen):
        network = tiny_network()
        assert {name.split(".")[0] for name in stored_parts(network, frozen).state_dict()} == {"network"}


def test_both_kinds_are_word_sources(frozen, small):
    assert isinstance(frozen, WordSource)
    assert isinstance(learning(), WordSource)
