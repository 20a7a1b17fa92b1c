"""What a network said to every question of a set, as arrays: the input of calibration and of evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scored:
    """Final and experts' logits on Q questions: [Q, C] and [Q, E, C]; AF ``weights`` and ``present`` [Q, E].

    E is 0 for a network without experts. ``answer`` [Q] indexes the vocabulary; -1 is an answer that it lacks, which
    no network gives. ``seconds`` is what it took, encoding included.
    """

    logits: NDArray[np.float32]
    expert_logits: NDArray[np.float32]
    weights: NDArray[np.float32]
    present: NDArray[np.bool_]
    answer: NDArray[np.int64]
    seconds: float = 0.0

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which questions are answered correctly, [Q]."""
        return np.asarray(self.logits.argmax(-1) == self.answer)
