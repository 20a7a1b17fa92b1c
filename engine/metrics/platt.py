"""Platt's curve: what makes scores probabilities (Platt 1999, "Probabilistic outputs for support vector machines")."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit


def fit_platt(logits: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float]:
    """Slope ≥ 0 and offset for which expit(slope · ``logits`` + offset) is most likely for what was ``right``.

    ``logits`` [n], ``right`` [n] bool; ``weights`` [n] says how often each was seen, once without. Instead of 1 and 0
    the curve aims at (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2) (Platt, section 2.2), so that it stays finite where all are
    right, or none.
    """
    x, hit = np.asarray(logits, np.float64), np.asarray(right, bool)
    seen = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    total = float(seen.sum())
    positive = float(seen[hit].sum())
    target = np.where(hit, (positive + 1) / (positive + 2), 1 / (total - positive + 2))
    share = seen / total

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = parameters[0] * x + parameters[1]
        off = share * (expit(z) - target)
        return float(share @ (np.logaddexp(0, z) - target * z)), np.array([off @ x, off.sum()])

    fitted = minimize(loss, np.array([1.0, 0.0]), jac=True, bounds=[(0.0, None), (None, None)], method="L-BFGS-B").x
    return float(fitted[0]), float(fitted[1])
