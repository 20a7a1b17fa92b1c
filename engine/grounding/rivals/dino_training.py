"""Fine-tuning Grounding DINO on the same sets as ours, so that a row beside ours saw the same data.

Pictures, augmentation and the order of visits are those of OptiSAR-Net++ (``engine.grounding.task``). *Our reading* of
what the paper's tables did with it: each visit asks one of the picture's expressions that name one thing, drawn at
random, and the loss is Grounding DINO's own (its section 3.4, with transformers' weights): of the 900 boxes the one
that fits best is matched (with one thing the Hungarian matching is a minimum), focal loss over all tokens of all boxes,
L1 and GIoU of the matched one; the same for every decoder layer and for the encoder's proposals. transformers' own
loss cannot be used: from the third picture of a batch on it takes the tokens of another one's text, and what it takes
for the encoder's proposals passes no gradient, so that the head that makes them would never learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.ops import box_convert, generalized_box_iou_loss, sigmoid_focal_loss

from engine.errors import UsageError
from engine.grounding.augment import AugmentSettings, augment
from engine.grounding.data.drawing import BatchSettings, TrainingItem, TrainingOrder
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.rivals.grounding_dino import (
    IMAGENET,
    TOKENIZER_FILE,
    DinoPictures,
    DinoTexts,
    GroundingDino,
    asked,
    from_picture,
    in_the_corner,
    numbered,
)
from engine.grounding.visit import Visits
from engine.metrics import OverlapTally
from engine.nn.inputs import normalise
from engine.training.task import Validation

WEIGHTS = {"text": 2.0, "l1": 5.0, "giou": 2.0}
"""Of the loss's parts; matching has 1 for the text and the same for the others (transformers' configuration)."""

FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2.0

PRETRAINED = ("backbone", "text_backbone")
"""Parts that learn at a tenth of the rate, as in the original's training."""


class DinoBatch(NamedTuple):
    """B pictures with one expression each: ``boxes`` [B, 4] (middle and size, 0..1 of the part with data) name it."""

    pictures: DinoPictures
    texts: DinoTexts
    boxes: Tensor


class TrainedGroundingDino(nn.Module):
    """transformers' ``GroundingDinoForObjectDetection`` with its loss for one thing in each picture."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        network.loss_function = _all_layers  # it hands over what it says after every layer

    def forward(self, batch: DinoBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, a mean over pictures, and its parts, sums over layers before they are weighted."""
        said = asked(self.network, batch.pictures, batch.texts, labels=[])
        layers = [*zip(*said.loss, strict=True), proposals(said)]
        with torch.autocast(batch.boxes.device.type, enabled=False):
            each = [one_thing_loss(logits, boxes, batch) for logits, boxes in layers]
            parts = {name: torch.stack([parts[name] for parts in each]).sum(0).mean() for name in WEIGHTS}
            loss = torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum()
        return loss, parts


def _all_layers(*_: Any, outputs_class: Tensor, outputs_coord: Tensor, **__: Any) -> tuple[Any, None, None]:
    """In place of transformers' loss: logits [L, B, Q, 256] and boxes [L, B, Q, 4] of every decoder layer."""
    return (outputs_class, outputs_coord), None, None


def proposals(said: Any) -> tuple[Tensor, Tensor]:
    """The Q places of the encoder that the decoder starts from: logits [B, Q, 256] and boxes [B, Q, 4]."""
    count = said.pred_boxes.shape[1]
    logits, boxes = said.enc_outputs_class, said.enc_outputs_coord_logits.sigmoid()  # [B, A, 256], [B, A, 4]
    best = logits.max(-1).values.topk(count).indices.unsqueeze(-1)  # [B, Q, 1]
    return logits.gather(1, best.expand(-1, -1, logits.shape[-1])), boxes.gather(1, best.expand(-1, -1, 4))


def one_thing_loss(logits: Tensor, boxes: Tensor, batch: DinoBatch) -> dict[str, Tensor]:
    """The parts of one layer's loss for each picture, [B] each.

    ``logits`` [B, Q, 256] are minus infinity where there is no token, ``boxes`` [B, Q, 4] middle and size.
    """
    texts, width = batch.texts, logits.shape[-1] - batch.texts.mask.shape[1]
    real = nn.functional.pad(texts.mask.bool(), (0, width)).unsqueeze(1)  # [B, 1, 256]
    own = nn.functional.pad(texts.own, (0, width)).unsqueeze(1).float()  # [B, 1, 256]
    logits = logits.float().masked_fill(~real, 0.0)
    truth = batch.boxes.unsqueeze(1).expand_as(boxes)  # [B, Q, 4]
    l1, giou = (boxes.float() - truth).abs().sum(-1), _giou_loss(boxes.float(), truth)  # [B, Q]
    with torch.no_grad():
        gain = _focal(logits, torch.ones_like(logits)) - _focal(logits, torch.zeros_like(logits))
        cost = (gain * own).sum(-1) / own.sum(-1).clamp(min=1) + WEIGHTS["l1"] * l1 + WEIGHTS["giou"] * giou  # [B, Q]
        best = cost.argmin(-1, keepdim=True)  # [B, 1]
        wanted = torch.zeros_like(logits).scatter_(1, best.unsqueeze(-1).expand_as(own), own)
    text = (_focal(logits, wanted) * real).sum((1, 2))
    return {"text": text, "l1": l1.gather(1, best).squeeze(1), "giou": giou.gather(1, best).squeeze(1)}


def _focal(logits: Tensor, wanted: Tensor) -> Tensor:
    return cast(Tensor, sigmoid_focal_loss(logits, wanted, FOCAL_ALPHA, FOCAL_GAMMA))


def _giou_loss(boxes: Tensor, others: Tensor) -> Tensor:
    """1 - GIoU of boxes [B, Q, 4] (middle and size) with ``others``, [B, Q]."""
    corners, other_corners = (box_convert(one, "cxcywh", "xyxy") for one in (boxes, others))
    return cast(Tensor, generalized_box_iou_loss(corners, other_corners))


class GroundingDinoTask:
    """See ``engine.training.Task``; raises UsageError where no picture has an expression that names one thing.

    ``dino`` is what is trained, ``steps`` the length of the training, for the end of mosaics (0: they never end).
    """

    def __init__(
        self,
        dino: GroundingDino,
        training: ExpressionSet,
        validation: ExpressionSet,
        *,
        batch: BatchSettings,
        augment: AugmentSettings,
        seed: int,
        steps: int = 0,
    ) -> None:
        training, self._validation = only_scored(training), only_scored(validation)
        if not self._validation.expressions:
            raise UsageError(f"{validation.about} has no expression that names one thing: there is nothing to score.")
        self._model = TrainedGroundingDino(dino.network)
        self._tokenizer, self._augment = dino.tokenizer, augment
        self._order, self._visits = TrainingOrder(training, batch, seed), Visits(training)
        self._mosaic_steps = batch.mosaic_until * steps if steps else float("inf")

    @property
    def model(self) -> TrainedGroundingDino:
        return self._model

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The backbones at a tenth of the rate."""
        inner = self._model.network.model
        return [(0.1, [p for name in PRETRAINED for p in getattr(inner, name).parameters() if p.requires_grad])]

    def draw(self, step: int) -> list[TrainingItem]:
        """The pictures of a step; see ``data.drawing``."""
        return self._order.items(step)

    def collate(self, items: Sequence[TrainingItem], step: int) -> DinoBatch:
        """Pictures augmented with their sentences, of which each is asked one."""
        drawn = [self._drawn(item, mosaic=step < self._mosaic_steps) for item in items]
        pixels, valid, boxes = (torch.from_numpy(np.stack(part)) for part in list(zip(*drawn, strict=True))[:3])
        pictures = in_the_corner(normalise(pixels.float() / 255, valid, IMAGENET), valid)
        texts = numbered(self._tokenizer, [text for *_, text in drawn])
        return DinoBatch(pictures, texts, from_picture(boxes, pictures.windows))

    def _drawn(self, item: TrainingItem, *, mosaic: bool) -> tuple[Any, Any, Any, str]:
        """Pixels, validity, box and text of one visit."""
        rng = np.random.default_rng(item.seed)
        partners = [self._visits[mate] for mate in item.partners] if mosaic and self._augment.mosaic else []
        visit = augment(self._visits[item.picture], partners, self._augment, rng)
        said = visit.expressions[int(rng.integers(len(visit.expressions)))]
        return visit.pixels, visit.valid, visit.boxes[said.things[0]], said.text

    def validate(self, model: nn.Module) -> Validation:
        """meanIoU of the best box for each expression; Pr@.5 and cumIoU beside it."""
        network = cast(TrainedGroundingDino, model).network
        was_training = network.training
        tally = OverlapTally.of(GroundingDino(network, self._tokenizer).score_set(self._validation).overlaps)
        network.train(was_training)
        metrics = {"meanIoU": tally.mean_iou, "Pr@0.5": tally.precision(0.5), "cumIoU": tally.cumulative_iou}
        return Validation(tally.mean_iou, metrics)


def only_scored(pictures: ExpressionSet) -> ExpressionSet:
    """The set with the expressions alone that name exactly one thing: the network is taught one box for each."""
    return replace(pictures, expressions=tuple(one for one in pictures.expressions if one.scored))


def save_grounding_dino(dino: GroundingDino, folder: Path) -> None:
    """Write a folder that :meth:`GroundingDino.load` reads."""
    network: Any = dino.network
    network.save_pretrained(folder)
    dino.tokenizer.save(str(folder / TOKENIZER_FILE))
