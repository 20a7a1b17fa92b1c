"""Why pixels came out as they did, as maps: which word each looks at, where words were let in, which sensor counted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.nn.preprocess import Floats
from engine.nn.reason_map import ReasonMap
from engine.segmentation.config import STRIDES
from engine.segmentation.network import SegmentationOutput

MARKS = ("[CLS]", "[SEP]")
"""Tokens that begin and end an expression, and are none of its words."""


def words_of(pieces: Sequence[str]) -> list[tuple[str, list[int]]]:
    """The words that ``pieces`` are tokens of, each with the numbers of its tokens: "flood", "##ed" is one word."""
    found: list[tuple[str, list[int]]] = []
    for number, piece in enumerate(pieces):
        if piece.startswith("##") and found:
            word, numbers = found.pop()
            found.append((word + piece[2:], [*numbers, number]))
        elif piece not in MARKS:
            found.append((piece, [number]))
    return found


def word_maps(output: SegmentationOutput, row: int, valid: Tensor, pieces: Sequence[str]) -> dict[str, ReasonMap]:
    """One map for each word: its share of the attention (PWAM's softmax over tokens), 0..1, in area ``row``.

    ``pieces`` are the tokens that were read, ``valid`` bool [H / 4, W / 4] the first stage's cells with data. The mean
    of the four stages, each brought to the first one's cells (*our reading*: the paper shows no attention). What
    :data:`MARKS` have is in no map, so that shares need not sum to 1. One legend serves all, up to the largest share.
    """
    size = list(valid.shape)
    stages = [stage[row : row + 1].float() for stage in output.attention]  # [1, N, H / stride, W / stride]
    grown = [F.interpolate(stage, size, mode="bilinear") for stage in stages]  # [1, N, H / 4, W / 4]
    shares = torch.cat(grown).mean(0)  # [N, H / 4, W / 4]
    words = [(word, shares[numbers].sum(0)) for word, numbers in words_of(pieces)]  # [H / 4, W / 4]
    high = max((float(share[valid].max()) for _, share in words), default=1.0)
    return {
        f"word-{place:02}": ReasonMap(
            f"Attention to “{word}” (PWAM), word {place}",
            "word",
            "both",
            _array(share.masked_fill(~valid, torch.nan)),
            0.0,
            high,
        )
        for place, (word, share) in enumerate(words, 1)
    }


def gate_maps(output: SegmentationOutput, row: int, valid: Tensor) -> dict[str, ReasonMap]:
    """How far the language gate let the words into what goes on to the next stage, 0..1, after each stage that has one.

    NaN where a cell has no data.
    """
    maps = {}
    for stage, (stride, gate) in enumerate(zip(STRIDES, output.gates, strict=False), 1):  # the last stage has none
        known = F.adaptive_max_pool2d(valid[None].float(), gate.shape[1:])[0] > 0
        values = gate[row].float().masked_fill(~known, torch.nan)
        title = f"Language gate after stage {stage} (stride {stride})"
        maps[f"gate-stage-{stage}"] = ReasonMap(title, "gate", "both", _array(values), 0.0, 1.0)
    return maps


def trust_map(output: SegmentationOutput, row: int, valid: Tensor) -> dict[str, ReasonMap]:
    """The share of optical in each cell, 0 all SAR .. 1 all optical; no map of a network that reads one sensor."""
    if output.trust is None:
        return {}
    values = output.trust[row].float().masked_fill(~valid, torch.nan)
    return {"trust": ReasonMap("Sensor trust", "trust", "both", _array(values), 0.0, 1.0)}


def _array(values: Tensor) -> Floats:
    return values.float().cpu().numpy()
