"""Question sets made by hand, for tests that need no scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.vqa.data.question_set import AS_IT_IS, AskedQuestion, QuestionSet
from tests.engine.vqa.tiny import CONFIG

TYPES = ("presence", "number", "match", "fog-dark", "quality")


def noise_set(
    views: int = 4,
    questions: int = 6,
    *,
    variants: Sequence[str] = (),
    types: Sequence[str] = ("presence", "number"),
    seed: int = 0,
    **changes: object,
) -> QuestionSet:
    """``views`` pairs of noise with ``questions`` each, whose types follow ``types`` in turn; answers yes and no."""
    rng = np.random.default_rng(seed)
    size = CONFIG.image_size
    parts = {
        "about": "noise",
        "optical": rng.integers(0, 256, (views, 1 + len(variants), 3, size, size), np.uint8),
        "sar": rng.integers(0, 256, (views, size, size), np.uint8),
        "variants": (AS_IT_IS, *variants),
        "names": tuple(f"view {view}" for view in range(views)),
        "weather": ("clear",) * views,
        "pair": ("exact",) * views,
        "gsd_m": (1.0,) * views,
        "questions": tuple(
            _question(view, n, types[n % len(types)]) for view in range(views) for n in range(questions)
        ),
    }
    return QuestionSet(**(parts | changes))  # type: ignore[arg-type]


def _question(view: int, number: int, kind: str) -> AskedQuestion:
    return AskedQuestion(view, f"Is {kind} {number} so?", ("yes", "no")[(view + number) % 2], kind)
