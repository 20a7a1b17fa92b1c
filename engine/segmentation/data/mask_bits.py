"""Masks at the network's size, and as the bits that a referring set keeps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.nn.preprocess import Mask, letterbox


def resized(mask: Mask, size: int) -> Mask:
    """``mask`` bool [h, w] letterboxed like its picture: bool [size, size], True from half of a pixel up."""
    whole = np.ones(mask.shape, np.bool_)
    share = letterbox(mask[None].astype(np.float32), whole, size).values[0]  # [size, size]
    return np.asarray(share >= 0.5)


def packed(mask: Mask) -> NDArray[np.uint8]:
    """``mask`` [size, size] as bits, row by row, [size * size / 8]."""
    return np.packbits(mask)


def bytes_of(size: int) -> int:
    """What a mask of ``size`` x ``size`` pixels takes."""
    return math.ceil(size * size / 8)
