from __future__ import annotations

import threading
import traceback

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.training.batches import AHEAD, Batches, share

COUNTS = st.integers(1, 4)


class Numbers:
    def __init__(self, broken_step=None):
        self.collated = []
        self.broken_step = broken_step
        self.third = threading.Event()

    def draw(self, step):
        return [100 * step + item for item in range(4)]

    def collate(self, items, step):
        if step == self.broken_step:
            raise ValueError("an image that is none")
        self.collated.append(step)
        if step == AHEAD:
            self.third.set()
        return torch.tensor(items)


def batches(task, first=0, end=5, **kwargs):
    return Batches(task, first, end, **{"rank": 0, "processes": 1, "accumulation": 1} | kwargs)


@given(processes=COUNTS, parts=COUNTS, size=COUNTS)
def test_shares_are_equal_and_together_the_batch(processes, parts, size):
    items = list(range(processes * parts * size))
    pieces = [piece for rank in range(processes) for piece in share(items, rank, processes, parts)]
    assert [len(piece) for piece in pieces] == [size] * (processes * parts)
    assert [item for piece in pieces for item in piece] == items


def test_two_processes_see_the_pieces_of_one_that_accumulates():
    assert share(range(8), 0, 2, 1) + share(range(8), 1, 2, 1) == share(range(8), 0, 1, 2)


@pytest.mark.parametrize("items", [0, 3, 10])
def test_a_batch_that_cannot_be_cut_is_refused(items):
    with pytest.raises(UsageError, match="2 × 2 equal parts") as refused:
        share(range(items), 0, 2, 2)
    assert "multiple" in refused.value.remedy


def test_batches_come_in_order_and_ahead():
    task = Numbers()
    with batches(task, 0, 6, accumulation=2) as ready:
        first = ready.parts()
        assert task.third.wait(10)  # two more, though nobody has asked for them
        rest = [ready.parts() for _ in range(5)]
    assert [part.tolist() for part in first] == [[0, 1], [2, 3]]
    assert [step[0][0].item() for step in rest] == [100, 200, 300, 400, 500]
    assert task.collated == [step for step in range(6) for _ in range(2)]


def test_an_error_in_the_thread_comes_with_its_traceback_and_leaves_no_thread():
    before = threading.active_count()
    with batches(Numbers(broken_step=1)) as ready:
        ready.parts()
        with pytest.raises(ValueError, match="an image that is none") as broken:
            ready.parts()
    assert "collate" in [frame.name for frame in traceback.extract_tb(broken.value.__traceback__)]
    assert threading.active_count() == before


def test_leaving_early_ends_the_thread():
    before = threading.active_count()
    with batches(Numbers(), 0, 10**6) as ready:
        ready.parts()
    assert threading.active_count() == before
