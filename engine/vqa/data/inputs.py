"""Rows of a question set as a network's input tensors, by the same rules as the predictor's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.nn.inputs import normalise
from engine.nn.preprocess import PreprocessSpec, patch_mask
from engine.vqa.augment import PairPixels
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.question_set import QuestionSet


class PairInputs(NamedTuple):
    """What ``VqaNetwork.encode`` takes: ``optical`` and ``sar`` [V, 3, S, S] and their patch masks [V, M]."""

    optical: Tensor
    optical_mask: Tensor
    sar: Tensor
    sar_mask: Tensor


def pair_pixels(views: QuestionSet, view: int, variant: int = 0, mute: Collection[str] = ()) -> PairPixels:
    """One view as numbers 0..1; a sensor in ``mute`` has no data anywhere."""
    optical = views.optical[view, variant].astype(np.float32) / np.float32(255)
    sar = views.sar[view].astype(np.float32) / np.float32(255)
    valid = {"optical": views.optical_valid, "sar": views.sar_valid}
    masks = [
        np.full(sar.shape, name not in mute) if everywhere is None else everywhere[view] & (name not in mute)
        for name, everywhere in valid.items()
    ]
    return PairPixels(optical, sar, masks[0], masks[1])


def pair_inputs(pairs: Sequence[PairPixels], config: TgfnetConfig, preprocess: PreprocessSpec) -> PairInputs:
    """V pairs, normalised and stacked, on the CPU."""
    optical = _sensor(np.stack([pair.optical for pair in pairs]), [pair.optical_valid for pair in pairs], preprocess)
    sar = _sensor(np.stack([pair.sar[np.newaxis] for pair in pairs]), [pair.sar_valid for pair in pairs], preprocess)
    masks = [
        torch.from_numpy(np.stack([patch_mask(each.astype(np.float32), config.patch, preprocess) for each in valid]))
        for valid in ([pair.optical_valid for pair in pairs], [pair.sar_valid for pair in pairs])
    ]
    return PairInputs(optical, masks[0], sar, masks[1])


def _sensor(values: NDArray[np.float32], valid: Sequence[NDArray[np.bool_]], preprocess: PreprocessSpec) -> Tensor:
    """``values`` [V, C, S, S], C 1 or 3 -> [V, 3, S, S]."""
    pixels = torch.from_numpy(values).expand(-1, 3, -1, -1)  # [V, 3, S, S]
    return normalise(pixels, torch.from_numpy(np.stack(valid)), preprocess)
