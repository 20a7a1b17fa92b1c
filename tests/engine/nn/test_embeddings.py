"""One vector per text: what MiniLM's is, and that keeping vectors on disk changes nothing and survives damage."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.catalog.card import PretrainedPart
from engine.errors import UsageError
from engine.nn.embeddings import KeptEmbeddings, MiniLmEmbedder, build_embedder
from engine.nn.text import TextEncoder


class Counting:
    """An embedder whose vectors follow from the text's characters, and which counts what it is asked."""

    width = 16
    pretrained = PretrainedPart("counting", "test", "", "", {})

    def __init__(self, name: str = "counting@1") -> None:
        self.name = name
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Tensor:
        self.asked += texts
        rows = [
            np.random.default_rng(list(f"{self.name}{text}".encode())).standard_normal(self.width) for text in texts
        ]
        return torch.nn.functional.normalize(torch.tensor(np.array(rows).reshape(-1, self.width)).float(), dim=-1)


@pytest.fixture
def inner() -> Counting:
    return Counting()


def database(folder: Path) -> Path:
    (path,) = folder.glob("*.sqlite")
    return path


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    return MiniLmEmbedder()


class TestMiniLm:
    def test_a_vector_is_the_mean_of_the_tokens(self, embedder):
        said = "the tank in the upper left corner"
        mean = TextEncoder()(said).tokens.mean(0)
        torch.testing.assert_close(embedder.embed([said])[0], mean / mean.norm(), atol=1e-6, rtol=0)

    def test_company_spelling_and_order_change_nothing(self, embedder):
        texts = ["a ship", "the largest white storage tank to the left of the pier", "The GREY harbour!", ""]
        together = embedder.embed(texts)
        assert together.shape == (4, embedder.width)
        torch.testing.assert_close(together.norm(dim=-1), torch.ones(4), atol=1e-5, rtol=0)
        for row, text in zip(together, ["a  Ship?", texts[1], "the gray harbor", "…"], strict=True):
            torch.testing.assert_close(embedder.embed([text])[0], row, atol=1e-5, rtol=0)

    def test_what_is_too_long_is_told(self, embedder, tmp_path):
        long = "the ship " * 50
        assert embedder.tokens_cut("the ship") == 0
        assert embedder.tokens_cut(long) == KeptEmbeddings(embedder, tmp_path).tokens_cut(long) == 100 + 2 - 77
        one, other = embedder.embed([long, long + "by the pier"])
        assert torch.equal(one, other), "or it would have been read after all"

    def test_it_is_built_by_its_name(self, embedder):
        built = build_embedder("all-MiniLM-L6-v2")
        assert (built.name, built.width) == (embedder.name, 384)
        assert "Apache" in built.pretrained.licence
        assert embedder.embed([]).shape == (0, 384)

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(UsageError, match="no text encoder"):
            build_embedder("bert")  # type: ignore[arg-type]


class TestKept:
    def test_a_text_is_embedded_once_for_all_spellings_calls_and_objects(self, inner, tmp_path):
        kept = KeptEmbeddings(inner, tmp_path / "texts")
        texts = ["the ship", "a tank", "The  SHIP!", "a tank"]
        first = kept.embed(texts)
        assert inner.asked == ["the ship", "a tank"]
        assert torch.equal(first, inner.embed(["the ship", "a tank", "the ship", "a tank"]))
        later = Counting()
        assert torch.equal(KeptEmbeddings(later, tmp_path / "texts").embed(texts[::-1]), first.flip(0))
        assert later.asked == []
        assert kept.embed([]).shape == (0, 16)

    def test_models_are_kept_apart(self, inner, tmp_path):
        KeptEmbeddings(inner, tmp_path).embed(["a ship"])
        other = Counting("counting@2")
        found = KeptEmbeddings(other, tmp_path).embed(["a ship"])
        assert other.asked == ["a ship"]
        assert torch.equal(found, other.embed(["a ship"]))

    @pytest.mark.parametrize("damage", ["cut", "zeros", "text", "empty"])
    def test_a_damaged_file_is_made_anew(self, inner, tmp_path, damage):
        texts = [f"ship {number}" for number in range(400)]
        whole = KeptEmbeddings(inner, tmp_path).embed(texts)
        path = database(tmp_path)
        content = path.read_bytes()
        half = len(content) // 2
        path.write_bytes(
            {
                "cut": content[:half],
                "zeros": content[:4096] + bytes(len(content) - 4096),
                "text": b"not a database at all " * 100,
                "empty": b"",
            }[damage]
        )
        assert torch.equal(KeptEmbeddings(Counting(), tmp_path).embed(texts), whole)
        later = Counting()
        assert torch.equal(KeptEmbeddings(later, tmp_path).embed(texts), whole)
        assert later.asked == []

    def test_a_damaged_row_is_embedded_again_and_mended(self, inner, tmp_path):
        texts = ["a ship", "a tank", "a bridge"]
        whole = KeptEmbeddings(inner, tmp_path).embed(texts)
        content = bytearray(database(tmp_path).read_bytes())
        place = content.find(whole[1].numpy().tobytes())
        content[place + 5] ^= 0x40
        database(tmp_path).write_bytes(content)
        later = Counting()
        kept = KeptEmbeddings(later, tmp_path)
        assert torch.equal(kept.embed(texts), whole)
        assert later.asked == ["a tank"]
        kept.embed(texts)
        assert later.asked == ["a tank"]

    def test_a_folder_that_cannot_be_written_to_says_so(self, inner, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(UsageError, match="cannot be kept"):
            KeptEmbeddings(inner, tmp_path / "file")

    def test_several_processes_share_a_folder(self, inner, tmp_path):
        texts = [f"ship {number}" for number in range(3000)]
        spawn = multiprocessing.get_context("fork")
        workers = [spawn.Process(target=_embed_some, args=(tmp_path, texts[part:])) for part in (0, 500, 1000)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0, 0]
        assert torch.equal(KeptEmbeddings(inner, tmp_path).embed(texts), Counting().embed(texts))
        assert inner.asked == []


def _embed_some(folder: Path, texts: list[str]) -> None:
    kept = KeptEmbeddings(Counting(), folder)
    for start in range(0, len(texts), 250):
        kept.embed(texts[start : start + 250])
