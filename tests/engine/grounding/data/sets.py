"""Expression sets made by hand, for tests that need no scene."""

from __future__ import annotations

import numpy as np

from engine.grounding.data.expression_set import Expression, ExpressionSet, NamedThing

CATEGORIES = ("ship", "storage tank", "airplane")


def noise_set(pictures: int = 6, size: int = 64, *, sensors=("optical", "sar"), seed: int = 0, **changes):
    """``pictures`` of noise whose sensors follow ``sensors`` in turn, each with two tanks and a ship, all named."""
    rng = np.random.default_rng(seed)
    things: list[NamedThing] = []
    expressions: list[Expression] = []
    for picture in range(pictures):
        first = len(things)
        for category in ("storage tank", "storage tank", "ship"):
            left, top = rng.integers(0, size // 2, 2).tolist()
            width, height = rng.integers(4, size // 2, 2).tolist()
            things.append(NamedThing(picture, (left, top, left + width, top + height), category))
        expressions += [
            Expression(picture, f"the larger tank {picture}", (first,), "storage tank", "superlative", 1),
            Expression(picture, "ship on the left", (first + 2,), "ship", "position", 0),
            Expression(picture, "all storage tanks", (first, first + 1), "storage tank", "category", 0, scored=False),
        ]
    parts = {
        "about": "noise",
        "pixels": rng.integers(0, 256, (pictures, 3, size, size), np.uint8),
        "sensors": tuple(sensors[picture % len(sensors)] for picture in range(pictures)),
        "names": tuple(f"picture {picture}" for picture in range(pictures)),
        "weather": ("clear",) * pictures,
        "gsd_m": (1.0,) * pictures,
        "things": tuple(things),
        "expressions": tuple(expressions),
        "categories_known": True,
        "closed": CATEGORIES,
    }
    return ExpressionSet(**(parts | changes))
