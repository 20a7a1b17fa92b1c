"""A whole set put to a network, picture by picture: each expression alone, as somebody asks it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.errors import UsageError
from engine.grounding.config import GroundingConfig
from engine.grounding.data.expression_set import Box, ExpressionSet
from engine.grounding.network import BackboneFeatures, GroundingOutput
from engine.grounding.picking import Picked, candidates, pick
from engine.grounding.scored import Scored, scored_expressions, true_boxes
from engine.nn.inputs import normalise
from engine.nn.preprocess import PreprocessSpec, frame_of

PICTURES_AT_ONCE, TEXTS_AT_ONCE = 8, 16

MOST_SHOWN = 100
"""Boxes of a picture that are kept for a class expression (COCO's evaluation has as many)."""


class Network(Protocol):
    """What is needed of a network here; OptiSarNet is one."""

    def eval(self) -> object: ...

    def encode(self, picture: Tensor, valid: Tensor) -> BackboneFeatures: ...

    def __call__(self, view: BackboneFeatures, texts: Tensor, text_mask: Tensor) -> GroundingOutput: ...


class Embeddings(Protocol):
    """Texts as vectors: [n, width], L2-normalised. A ``TextEmbedder`` is one."""

    def embed(self, texts: Sequence[str]) -> Tensor: ...


def score_set(
    network: Network,
    pictures: ExpressionSet,
    embeddings: Embeddings,
    config: GroundingConfig,
    preprocess: PreprocessSpec,
    *,
    device: str | torch.device = "cpu",
    report: Callable[[float], None] = lambda share: None,
) -> Scored:
    """Ask ``network``, in evaluation mode, every expression of ``pictures``; each alone, and picked as in use.

    ``report`` hears the share of pictures that is done. Raises UsageError for a set without scored expressions.
    """
    began, asked = time.perf_counter(), scored_expressions(pictures)
    if not asked.size:
        raise UsageError(f"{pictures.about} has no expression that names one thing: there is nothing to score.")
    network.eval()
    best, shown = np.full((len(pictures.expressions), 5), np.nan, np.float32), dict[int, Picked]()
    load = np.full((len(pictures), config.experts), np.nan, np.float32)
    own = pictures.by_picture()
    looked_at = [picture for picture, expressions in enumerate(own) if expressions]
    for start in range(0, len(looked_at), PICTURES_AT_ONCE):
        batch = looked_at[start : start + PICTURES_AT_ONCE]
        with torch.inference_mode():
            view = network.encode(*picture_inputs(pictures, batch, preprocess, device))
        if view.routes is not None:
            load[batch] = expert_shares(view.routes, view).cpu().numpy()
        places = [(place, index) for place, picture in enumerate(batch) for index in own[picture]]
        frames = {picture: picture_frame(pictures, picture) for picture in batch}
        for index, output, row in _answers(network, view, places, pictures, embeddings):
            within = frames[pictures.expressions[index].picture]
            if not pictures.expressions[index].scored:
                shown[index] = shown_boxes(output, row, within)
            elif len((found := best_box(output, row, within)).scores):
                best[index] = [*found.boxes[0].tolist(), float(found.scores[0])]
        report((start + len(batch)) / len(looked_at))
    return Scored(
        expression=asked,
        boxes=best[asked, :4],
        scores=np.nan_to_num(best[asked, 4]),
        truths=true_boxes(pictures, asked),
        shown_for=np.repeat(np.array([*shown], np.int64), [len(found.scores) for found in shown.values()]),
        shown_boxes=torch.cat([torch.zeros(0, 4), *(found.boxes.cpu() for found in shown.values())]).numpy(),
        shown_scores=torch.cat([torch.zeros(0), *(found.scores.cpu() for found in shown.values())]).numpy(),
        load=load,
        seconds=time.perf_counter() - began,
    )


def picture_inputs(
    pictures: ExpressionSet, rows: Sequence[int], preprocess: PreprocessSpec, device: str | torch.device
) -> tuple[Tensor, Tensor]:
    """The pictures ``rows`` as the network takes them, [P, 3, size, size], and where they have data, bool."""
    pixels = torch.from_numpy(np.asarray(pictures.pixels[rows])).to(device)
    valid = torch.ones(len(rows), *pixels.shape[-2:], dtype=torch.bool, device=pixels.device)
    if pictures.valid is not None:
        valid = torch.from_numpy(np.asarray(pictures.valid[rows])).to(device)
    return normalise(pixels.float() / 255, valid, preprocess), valid


def _answers(
    network: Network,
    view: BackboneFeatures,
    places: Sequence[tuple[int, int]],
    pictures: ExpressionSet,
    embeddings: Embeddings,
) -> Iterator[tuple[int, GroundingOutput, int]]:
    """For each of ``places``, a row of ``view`` and an expression's index: that index, an output, and its row there."""
    device = view.p3.device
    for first in range(0, len(places), TEXTS_AT_ONCE):
        some = places[first : first + TEXTS_AT_ONCE]
        texts = embeddings.embed([pictures.expressions[index].text for _, index in some]).to(device)
        rows = torch.tensor([row for row, _ in some], device=device)
        mask = torch.ones(len(some), 1, dtype=torch.bool, device=device)
        with torch.inference_mode():
            output = network(view.rows(rows), texts.unsqueeze(1), mask)
        for place, (_, index) in enumerate(some):
            yield index, output, place


def picture_frame(pictures: ExpressionSet, picture: int) -> Box:
    """The part of the square that a picture fills, in pixels: no box reaches into the padding, as in use none does."""
    if pictures.valid is None:
        return 0.0, 0.0, float(pictures.size), float(pictures.size)
    return frame_of(np.asarray(pictures.valid[picture]))


def best_box(output: GroundingOutput, row: int, within: Box) -> Picked:
    """The one best box of picture ``row``, which fills ``within``, as the paper's evaluation takes it; or none."""
    return pick(candidates(output, row, within), most=1)


def shown_boxes(output: GroundingOutput, row: int, within: Box) -> Picked:
    """All boxes of picture ``row`` that may be shown: the threshold is chosen later, so that more are kept."""
    return pick(candidates(output, row, within), most=MOST_SHOWN)


def expert_shares(routes: Tensor, view: BackboneFeatures) -> Tensor:
    """Each expert's mean share of the patches with data, [B, E], from the ``routes`` of ``view``; NaN for a picture
    without any."""
    rows, columns = routes.shape[-2:]
    height, width = view.p5.shape[-2:]
    cells = view.cell_mask[:, -height * width :].reshape(-1, 1, height, width)  # [B, 1, H5, W5]
    patch = (-(-height // rows), -(-width // columns))  # odd maps are padded on the right and below
    seen = F.max_pool2d(cells.float(), patch, ceil_mode=True)  # [B, 1, rows, columns]
    patches = seen.sum((2, 3))  # [B, 1]
    return (routes * seen).sum((2, 3)) / patches.masked_fill(patches == 0, torch.nan)  # [B, E]
