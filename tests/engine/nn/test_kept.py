"""What is kept of texts, whoever encoded them; damage and sharing are tried through ``test_embeddings``."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.nn import kept
from engine.nn.kept import KeptInMemory, KeptOnDisk


class Shouting:
    """Makes a row of each text, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts):
        self.asked += texts
        return [text.upper().encode() for text in texts]


@pytest.fixture(params=["memory", "disk"])
def store(request, tmp_path):
    return KeptInMemory("one") if request.param == "memory" else KeptOnDisk("one", tmp_path)


def test_each_text_is_made_once_and_comes_in_its_place(store):
    make = Shouting()
    assert store.rows(["a", "b", "a"], make) == [b"A", b"B", b"A"]
    assert store.rows(["b", "c"], make) == [b"B", b"C"]
    assert store.rows([], make) == []
    assert make.asked == ["a", "b", "c"]


def test_what_else_a_row_follows_from_keeps_rows_apart(store):
    make = Shouting()
    store.rows(["a"], make, how="20 tokens")
    store.rows(["a"], make, how="6 tokens")
    assert make.asked == ["a", "a"]


def test_texts_are_made_in_parts_of_bounded_size(store, monkeypatch):
    monkeypatch.setattr(kept, "AT_ONCE", 4)
    parts = []
    texts = [str(number) for number in range(10)]

    def make(some):
        parts.append(len(some))
        return [text.encode() for text in some]

    assert store.rows(texts, make) == [text.encode() for text in texts]
    assert parts == [4, 4, 2]


def test_a_part_that_fails_leaves_nothing_of_itself(tmp_path):
    store = KeptOnDisk("one", tmp_path)
    store.rows(["a"], Shouting())
    with pytest.raises(TypeError):
        store.rows(["b", "c"], lambda texts: [b"B", "not bytes"])
    (path,) = tmp_path.glob("*.sqlite")
    opened = sqlite3.connect(path)
    assert opened.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    opened.close()


def test_too_few_rows_are_refused(store):
    with pytest.raises(ValueError, match="shorter"):
        store.rows(["a", "b"], lambda texts: [b"A"])


def test_memory_forgets_the_oldest(monkeypatch):
    monkeypatch.setattr(kept, "IN_MEMORY", 2)
    store, make = KeptInMemory("one"), Shouting()
    for text in ("a", "b", "a", "c", "a", "b"):
        store.rows([text], make)
    assert make.asked == ["a", "b", "c", "b"], "b was the one that nobody had asked for last"


def test_threads_share_memory(monkeypatch):
    monkeypatch.setattr(kept, "IN_MEMORY", 5)
    store = KeptInMemory("one")
    texts = [str(number % 9) for number in range(400)]
    with ThreadPoolExecutor(4) as threads:
        rows = threads.map(lambda text: store.rows([text, "7"], Shouting()), texts)
        assert list(rows) == [[text.encode(), b"7"] for text in texts]
