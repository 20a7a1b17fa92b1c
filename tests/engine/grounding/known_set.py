"""A set of expressions about noise, known in every part, and a stand-in for what reads texts."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from engine.grounding.data.expression_set import Expression, ExpressionSet, NamedThing

CATEGORIES = ("ship", "storage tank")
HOWS = ("category", "position", "relation", "attribute+position", "position+relation", "")


def known_set(pictures: int = 8, size: int = 128, seed: int = 0) -> ExpressionSet:
    """Two tanks and a ship in every picture, of which optical and SAR ones alternate; two pictures are one place.

    Of each picture four expressions are scored, which name the first or second thing, and two name a class.
    """
    rng = np.random.default_rng(seed)
    things: list[NamedThing] = []
    expressions: list[Expression] = []
    for picture in range(pictures):
        first = len(things)
        for category in ("storage tank", "ship", "storage tank"):
            x, y = rng.integers(0, int(0.6 * size), 2).tolist()
            width, height = rng.integers(int(0.08 * size), int(0.4 * size), 2).tolist()
            things.append(NamedThing(picture, (x, y, x + width, y + height), category))
        for number in range(4):
            how = HOWS[(picture * 4 + number) % len(HOWS)]
            thing = first + number % 2
            category = things[thing].category
            text = f"the {category} in the {('top left', 'bottom right')[number % 2]} of scene {picture // 2}"
            distractors = -1 if how == "" else 1 if category == "storage tank" else 0
            expressions.append(Expression(picture, text, (thing,), category, how, distractors))
        expressions.append(Expression(picture, "storage tanks", (first, first + 2), "storage tank", scored=False))
        expressions.append(Expression(picture, "ships", (first + 1,), "ship", scored=False))
    return ExpressionSet(
        about="noise",
        pixels=rng.integers(0, 256, (pictures, 3, size, size), dtype=np.uint8),
        sensors=("optical", "sar") * (pictures // 2),
        names=tuple(f"scene {picture // 2} {('optical', 'sar')[picture % 2]}" for picture in range(pictures)),
        weather=tuple(("clear", "", "cloud", "")[picture % 4] for picture in range(pictures)),
        gsd_m=(1.0,) * pictures,
        things=tuple(things),
        expressions=tuple(expressions),
        categories_known=True,
        closed=CATEGORIES,
    )


class WordSums:
    """Each word a vector drawn from itself, a text the sum of its words' vectors: L2-normalised, [n, width]."""

    name = "sums of words"

    def __init__(self, width: int) -> None:
        self.width = width

    def embed(self, texts):
        return F.normalize(torch.stack([sum(map(self._word, text.lower().split())) for text in texts]), dim=-1)

    def _word(self, word: str) -> torch.Tensor:
        drawn = torch.Generator().manual_seed(int.from_bytes(word.encode(), "big") % (1 << 62))
        return torch.randn(self.width, generator=drawn)
