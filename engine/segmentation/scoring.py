"""A whole set put to a network, area by area: each expression alone, as somebody asks it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.nn.inputs import normalise
from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.data.referring_set import ReferringSet
from engine.segmentation.network import FirstStage, PairInput, SegmentationOutput, Words
from engine.segmentation.scored import BINS, PER_UNIT, REACH, Scored, asked_of, data_in

AREAS_AT_ONCE, EXPRESSIONS_AT_ONCE = 8, 8


class Network(Protocol):
    """What is needed of a network here; LgceNet is one."""

    def eval(self) -> object: ...

    def encode(self, pair: PairInput) -> FirstStage: ...

    def __call__(self, first: FirstStage, words: Words) -> SegmentationOutput: ...


class WordVectors(Protocol):
    """Texts as vectors of their tokens, padded to so many. A ``WordSource`` is one."""

    def words(self, texts: Sequence[str], tokens: int) -> Words: ...


class Answer(NamedTuple):
    """What a network said to the ``expression`` of that index: in ``margin`` float32 [S, S] the foreground's logit less
    the background's."""

    expression: int
    margin: Tensor


def score_set(
    network: Network,
    areas: ReferringSet,
    words: WordVectors,
    config: SegmentationConfig,
    preprocess: PreprocessSpec,
    *,
    device: str | torch.device = "cpu",
    report: Callable[[float], None] = lambda share: None,
) -> Scored:
    """Ask ``network``, in evaluation mode, every expression of ``areas`` that it can be asked, each alone.

    ``report`` hears the share of expressions that is done. Raises UsageError where there is none to ask.
    """
    began, asked = time.perf_counter(), asked_of(areas, config.sensors)
    counts = np.zeros((2, len(areas.expressions), BINS), np.int64)
    for done, answer in enumerate(answers(network, areas, asked, words, config, preprocess, device=device), start=1):
        expression = areas.expressions[answer.expression]
        truth, valid = areas.mask(expression.mask), data_in(areas, expression.area, config.sensors)
        counts[:, answer.expression] = margin_counts(answer.margin, truth, valid)
        report(done / len(asked))
    return Scored(asked, counts[1, asked], counts[0, asked], time.perf_counter() - began)


def margin_counts(margin: Tensor, truth: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels of background and of foreground by the bin of their ``margin``, [2, BINS]; arguments [S, S]."""
    meant, seen = (torch.from_numpy(one).to(margin.device) for one in (truth, valid))
    place = (torch.floor(margin * PER_UNIT) + REACH * PER_UNIT).clamp(0, BINS - 1).long()
    place = (place + BINS * meant)[seen]  # [pixels with data]
    return torch.bincount(place, minlength=2 * BINS).reshape(2, BINS).cpu().numpy()


def answers(
    network: Network,
    areas: ReferringSet,
    asked: Sequence[int] | NDArray[np.int64],
    words: WordVectors,
    config: SegmentationConfig,
    preprocess: PreprocessSpec,
    *,
    device: str | torch.device = "cpu",
) -> Iterator[Answer]:
    """What ``network``, in evaluation mode, says to the expressions ``asked``, each once, in the order of areas."""
    network.eval()
    own: dict[int, list[int]] = {}
    for index in sorted((int(one) for one in asked), key=lambda one: areas.expressions[one].area):
        own.setdefault(areas.expressions[index].area, []).append(index)
    looked_at = list(own)
    for start in range(0, len(looked_at), AREAS_AT_ONCE):
        batch = looked_at[start : start + AREAS_AT_ONCE]
        pair = pair_inputs(areas, batch, preprocess, device)
        with torch.inference_mode():
            first = network.encode(pair)
        places = [(row, index) for row, area in enumerate(batch) for index in own[area]]
        for begin in range(0, len(places), EXPRESSIONS_AT_ONCE):
            some = places[begin : begin + EXPRESSIONS_AT_ONCE]
            rows = torch.tensor([row for row, _ in some], device=device)
            said = words.words([areas.expressions[index].text for _, index in some], config.tokens)
            with torch.inference_mode():
                logits = network(first.rows(rows), Words(*(part.to(device) for part in said))).logits  # [Q, 2, S, S]
            for (_, index), own_logits in zip(some, logits.float(), strict=True):
                yield Answer(index, own_logits[1] - own_logits[0])


def pair_inputs(
    areas: ReferringSet, rows: Sequence[int], preprocess: PreprocessSpec, device: str | torch.device = "cpu"
) -> PairInput:
    """The areas ``rows`` as the network takes them."""
    optical, optical_valid = _sensor(areas, rows, 0, preprocess, device)
    sar, sar_valid = _sensor(areas, rows, 1, preprocess, device)
    return PairInput(optical, sar, optical_valid, sar_valid)


def _sensor(
    areas: ReferringSet, rows: Sequence[int], sensor: int, preprocess: PreprocessSpec, device: str | torch.device
) -> tuple[Tensor, Tensor]:
    """Pictures of sensor 0 (optical) or 1 (SAR), normalised, [B, 3, S, S], and where they have data, [B, S, S]."""
    picked = list(rows)
    pixels = torch.from_numpy(np.asarray((areas.optical, areas.sar)[sensor][picked])).to(device)
    S = areas.size
    values = pixels.float().reshape(len(picked), -1, S, S).expand(-1, 3, S, S) / 255  # [B, 3, S, S]
    has = torch.from_numpy(np.asarray(areas.has[picked, sensor])).to(device)
    valid = has.reshape(-1, 1, 1).expand(-1, S, S)  # [B, S, S]
    known = (areas.optical_valid, areas.sar_valid)[sensor]
    if known is not None:
        valid = valid & torch.from_numpy(np.asarray(known[picked])).to(device)
    return normalise(values, valid, preprocess), valid
