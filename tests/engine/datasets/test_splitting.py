"""Splits: exact sizes, labels in proportion, together what belongs together, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.building.splitting import OPTSAR_SHARES, OSVQA_SHARES, REFSEGRS_SHARES, split_in_proportion
from engine.draws import Draws

ITEMS = st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), max_size=3), max_size=80)
SHARES = st.sampled_from([OPTSAR_SHARES, OSVQA_SHARES, REFSEGRS_SHARES])


@settings(max_examples=80)
@given(ITEMS, SHARES, st.integers(0, 99))
def test_sizes_are_the_shares_rounded(items: list[dict[str, int]], shares: dict[str, int], seed: int) -> None:
    splits = split_in_proportion(items, shares, Draws(seed, 0))
    counted = Counter(splits)
    assert len(splits) == len(items)
    for name, share in shares.items():
        assert abs(counted[name] - len(items) * share / sum(shares.values())) < 1


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), min_size=40, max_size=90), st.integers(0, 9))
def test_groups_overshoot_by_less_than_one_group(groups: list[tuple[str, int]], seed: int) -> None:
    items, sizes = [{label: size} for label, size in groups], [size for _, size in groups]
    splits = split_in_proportion(items, OPTSAR_SHARES, Draws(seed, 0), sizes)
    total, whole = sum(sizes), sum(OPTSAR_SHARES.values())
    for name, share in OPTSAR_SHARES.items():
        held = sum(size for size, split in zip(sizes, splits, strict=True) if split == name)
        assert abs(held - total * share / whole) < max(sizes) + 1


def test_labels_keep_their_proportion() -> None:
    """Three classes from common to rare, of two sensors, and pictures that have two of them."""
    draws = Draws(5, 5)
    items = []
    for _ in range(2000):
        kind = draws.weighted(("ship", "tank", "tower"), (80, 15, 5))
        items.append(Counter([kind, "sar" if kind == "tower" else "optical", *draws.sample(("ship", "tank"), 1)]))
    splits = split_in_proportion(items, OPTSAR_SHARES, Draws(1, 0))
    total = sum(items, Counter())
    for name, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        held = sum((item for item, split in zip(items, splits, strict=True) if split == name), Counter())
        for label, count in total.items():
            assert held[label] / count == pytest.approx(share, abs=0.02), (name, label)


def test_same_seed_same_split_and_another_seed_another() -> None:
    items = [{"a": 1}] * 50
    first = split_in_proportion(items, OSVQA_SHARES, Draws(3, 0))
    assert first == split_in_proportion(items, OSVQA_SHARES, Draws(3, 0))
    assert first != split_in_proportion(items, OSVQA_SHARES, Draws(4, 0))


def test_one_picture_goes_to_train_and_none_to_nowhere() -> None:
    assert split_in_proportion([{"a": 1}], OPTSAR_SHARES, Draws(0, 0)) == ("train",)
    assert split_in_proportion([], OPTSAR_SHARES, Draws(0, 0)) == ()
