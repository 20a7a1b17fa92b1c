"""*The guess*: what one scores without looking. The better of two blind strategies, both learned from training
expressions alone.

The constant is the median box of the expression's category, moved to the part of the picture that the expression names.
The text-only model is a small MLP from the frozen text embedding to a box. Weights that are no better have learned the
words and the habits of a data set, not to look.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.ops import box_convert, generalized_box_iou_loss

from engine.errors import UsageError
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.evaluation import box_metrics
from engine.grounding.scored import scored_boxes, scored_expressions, true_boxes
from engine.grounding.scoring import Embeddings
from engine.text import parse

HIDDEN, STEPS, BATCH, RATE = 256, 600, 512, 2e-3

STEP = 0.25
"""How far the middle of a side's half is from the middle of the picture, in sides."""


def guess_metrics(training: ExpressionSet, test: ExpressionSet, embeddings: Embeddings) -> dict[str, Any]:
    """The metrics of the better of both strategies by meanIoU, and its ``subsets`` as ``evaluate_scored`` has them.

    ``kind`` says which one it is, ``constant`` and ``text_only`` have the metrics of both; JSON. Raises UsageError
    where there is no training expression that names one thing.
    """
    if not scored_expressions(training).size:
        raise UsageError(f"{training.about} has no expression that names one thing: there is nothing to guess from.")
    found = {}
    for kind, boxes in (
        ("constant", constant_boxes(training, test)),
        ("text_only", text_boxes(training, test, embeddings)),
    ):
        scored = scored_boxes(test, boxes)
        found[kind] = box_metrics(scored.overlaps, scored.expression, test)
    best = max(found, key=lambda kind: found[kind][0]["meanIoU"])
    metrics, subsets = found[best]
    return {"kind": best, **metrics, "subsets": subsets, **{kind: of_it for kind, (of_it, _) in found.items()}}


def constant_boxes(training: ExpressionSet, test: ExpressionSet) -> NDArray[np.float32]:
    """The median box of each scored test expression's category, in ``test``'s pixels, [Q, 4].

    Centre and sides have medians of their own. A position ("in the top left") moves the centre to the middle of the
    half on that side, or of the picture. A category that training lacks has the median of all.
    """
    boxes = box_convert(_shares(training), "xyxy", "cxcywh").numpy()  # [N, 4]
    names = np.array([training.expressions[index].category for index in scored_expressions(training)])
    usual = {str(name): np.median(boxes[names == name], 0) for name in np.unique(names)}
    anything = np.median(boxes, 0)
    given = []
    for index in scored_expressions(test):
        expression = test.expressions[index]
        box = usual.get(expression.category, anything).copy()
        for axis, step in enumerate(parse(expression.text).position or ()):
            if step is not None:
                box[axis] = 0.5 + STEP * step
        given.append(box)
    corners = box_convert(torch.from_numpy(np.array(given)), "cxcywh", "xyxy")
    return np.asarray(corners.clamp(0, 1) * test.size, np.float32)


def text_boxes(training: ExpressionSet, test: ExpressionSet, embeddings: Embeddings) -> NDArray[np.float32]:
    """Boxes [Q, 4], in ``test``'s pixels, of a small MLP that has seen the training expressions and no picture.

    Its loss is GIoU's with the distance of centres and sides, as boxes apart have the same IoU. Its seed is fixed.
    """
    features, target = _embedded(training, embeddings), _shares(training)  # [N, E], [N, 4]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.LayerNorm(features.shape[1]), nn.Linear(features.shape[1], HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 4)
        )
        optimiser = torch.optim.AdamW(net.parameters(), RATE)
        for _ in range(STEPS):
            rows = torch.randint(len(target), (min(BATCH, len(target)),))
            box, true = net(features[rows]).sigmoid(), box_convert(target[rows], "xyxy", "cxcywh")
            loss = (box - true).abs().mean() + generalized_box_iou_loss(
                box_convert(box, "cxcywh", "xyxy"), target[rows], reduction="mean"
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.inference_mode():
        given = box_convert(net(_embedded(test, embeddings)).sigmoid(), "cxcywh", "xyxy").clamp(0, 1)
    return np.asarray(given * test.size)


def _shares(pictures: ExpressionSet) -> Tensor:
    """The true boxes of the scored expressions in shares of the picture's side, [N, 4]."""
    return torch.from_numpy(true_boxes(pictures, scored_expressions(pictures)) / pictures.size)


def _embedded(pictures: ExpressionSet, embeddings: Embeddings) -> Tensor:
    """The embeddings of the scored expressions, [N, E]; a text that comes twice is embedded once."""
    texts = [pictures.expressions[index].text for index in scored_expressions(pictures)]
    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return embeddings.embed(list(place)).float().cpu()[[place[text] for text in texts]]
