from __future__ import annotations

import pytest

from engine.text import parse
from engine.text.understood import understood, way_words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("the white tank", "storage tank; attribute: white"),
        ("ships", "ship (all of them)"),
        ("the second largest ship", "ship; second largest"),
        (
            "the large white car in the top right of the image",
            "vehicle; attributes: car, large, white; position: top right",
        ),
        ("the ship left of the pier", "ship; relation: left of pier"),
        ("the car on the narrow road", "vehicle; attribute: car; relation: on (road; attribute: narrow)"),
        ("the SAR ship", "ship; sensor: SAR"),
        ("the leftmost rusty ship", "ship; leftmost; not understood: rusty"),
        ("the golf course", "no class that is known; not understood: golf, course"),
    ],
)
def test_an_expression_in_its_parts(expression, words):
    assert understood(parse(expression)) == words


def test_ways_in_words():
    assert [way_words(way) for way in ((-1, None), (1, -1), (None, 1), (0, 0), (None, None), (0, -1))] == [
        "left", "top right", "bottom", "middle", "nowhere", "top middle",
    ]  # fmt: skip
