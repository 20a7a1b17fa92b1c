"""One reason of a network, spread over its square: what every predictor hands out beside its answer."""

from __future__ import annotations

from dataclasses import dataclass

from engine.nn.preprocess import Floats


@dataclass(frozen=True, slots=True)
class ReasonMap:
    """One reason as float32 ``values`` [rows, columns] over the model's square; NaN where it says nothing.

    ``kind`` and ``sensor`` are those of ``records.ExplanationMap``; ``low`` and ``high`` the ends of its legend.
    ``span`` is how far the map reaches from the square's top-left corner, across and down, in sides of the square: more
    than 1 where its last cells are padding.
    """

    title: str
    kind: str
    sensor: str
    values: Floats
    low: float
    high: float
    span: tuple[float, float] = (1.0, 1.0)
