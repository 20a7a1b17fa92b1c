"""Kinds of ships made one, in sentences."""

from __future__ import annotations

import pytest

from engine.datasets.building.ship_names import unify_ships

NAMES = ("Arleigh Burke", "arleigh burke dd", "nimitz", "dock", "other ship", "ship")


@pytest.mark.parametrize(
    ("sentence", "unified"),
    [
        ("Two Arleigh Burke-class destroyers at the dock", "Two ships at the dock"),
        ("an aircraft carrier on the left", "a ship on the left"),
        ("An aircraft-carrier", "A ship"),
        ("The Nimitz aircraft carrier", "The ship"),
        ("Aircraft carriers in a row", "Ships in a row"),
        ("The Arleigh Burke DD in the middle", "The ship in the middle"),
        ("A dock ship near an oil tanker", "A ship near a ship"),
        ("cargo ships and a yacht", "ships and a ship"),
        ("the other ship, left of the ship", "the other ship, left of the ship"),
        ("the storage tank near the ship", "the storage tank near the ship"),
        ("the tankers' berth", "the ships' berth"),
        ("the ferryman", "the ferryman"),
    ],
)
def test_sentences(sentence: str, unified: str) -> None:
    assert unify_ships(sentence, NAMES) == unified
    assert unify_ships(unified, NAMES) == unified
