"""Training and validating LGCE on a referring set, as a task for the training loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from engine.metrics import OverlapTally
from engine.nn.inputs import normalise
from engine.nn.preprocess import PreprocessSpec
from engine.segmentation.augment import AugmentSettings, augment
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.data.drawing import BatchSettings, TrainingItem, TrainingOrder
from engine.segmentation.data.referring_set import ReferringSet
from engine.segmentation.data.visits import AreaVisit, visit_of
from engine.segmentation.losses import LossWeights, MaskTarget, segmentation_loss
from engine.segmentation.model import LgceNet
from engine.segmentation.network import PairInput, Words
from engine.segmentation.scored import asked_of
from engine.segmentation.scoring import score_set
from engine.segmentation.words import TrainedBert, WordSource
from engine.training.task import Validation


class SegmentationBatch(NamedTuple):
    """V areas of H x W pixels with the same number of expressions each, Q in all.

    ``area_of`` int64 [Q] says which area an expression is asked of. ``text`` is its words [Q, N, E], or their numbers
    int64 [Q, N] where the text encoder is trained, with ``text_mask`` bool [Q, N]. ``mask`` bool [Q, H, W] are the
    pixels that it names, ``valid`` bool [Q, H, W] those with data of a sensor that the network reads.
    """

    pair: PairInput
    area_of: Tensor
    text: Tensor
    text_mask: Tensor
    mask: Tensor
    valid: Tensor


class TrainedSegmentation(nn.Module):
    """The network with its loss, and the text encoder where it learns, too (``text``, else None)."""

    def __init__(self, network: LgceNet, words: WordSource, weights: LossWeights) -> None:
        super().__init__()
        self.network = network
        self.text = words if isinstance(words, TrainedBert) else None
        self._frozen = words if self.text is None else None
        self.weights = weights

    @property
    def words(self) -> WordSource:
        """What reads texts, as its weights now are."""
        return cast(WordSource, self._frozen if self.text is None else self.text)

    def read(self, texts: Sequence[str], tokens: int) -> tuple[Tensor, Tensor]:
        """``text`` and ``text_mask`` of a batch with ``texts``, on the CPU; no trained weights are used."""
        return self.words.words(texts, tokens) if self.text is None else self.text.numbered(texts, tokens)

    def forward(self, batch: SegmentationBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, a mean over expressions, and its parts. Each area is encoded once for all of its expressions."""
        first = self.network.encode(batch.pair).rows(batch.area_of)
        read = batch.text, batch.text_mask
        words = Words(*read) if self.text is None else self.text(*read)
        output = self.network(first, words)
        return segmentation_loss(output, MaskTarget(batch.mask, batch.valid), self.weights)


class SegmentationTask:
    """See ``engine.training.Task`` and ``engine.training.SparingTask``.

    Raises :class:`~engine.errors.UsageError` where there is nothing to train on or to validate with.
    """

    def __init__(
        self,
        model: TrainedSegmentation,
        config: SegmentationConfig,
        preprocess: PreprocessSpec,
        training: ReferringSet,
        validation: ReferringSet,
        *,
        batch: BatchSettings,
        augment: AugmentSettings,
        seed: int,
    ) -> None:
        self._model = model
        self.config, self.preprocess, self.augment = config, preprocess, augment
        self._training, self._validation = as_read(training, config.sensors), as_read(validation, config.sensors)
        self._order = TrainingOrder(self._training, batch, seed)

    @property
    def model(self) -> TrainedSegmentation:
        return self._model

    def undecayed(self) -> list[nn.Parameter]:
        """The tables of positions: of Swin's attention windows, and of BERT where it is trained."""
        return [parameter for name, parameter in self._model.named_parameters() if "position" in name]

    def draw(self, step: int) -> list[TrainingItem]:
        """The visits of a step; see ``data.drawing``."""
        return self._order.items(step)

    def collate(self, items: Sequence[TrainingItem], step: int) -> SegmentationBatch:
        """Areas augmented with their sentences, and what these name."""
        visits = [self._drawn(item) for item in items]
        pair = pair_of(visits, self.preprocess)
        area_of = torch.tensor([row for row, visit in enumerate(visits) for _ in visit.texts])  # [Q]
        text, text_mask = self._model.read([text for visit in visits for text in visit.texts], self.config.tokens)
        masks = torch.from_numpy(np.concatenate([visit.masks for visit in visits]))  # [Q, S, S]
        return SegmentationBatch(pair, area_of, text, text_mask, masks, data_for(pair, self.config.sensors)[area_of])

    def _drawn(self, item: TrainingItem) -> AreaVisit:
        visit = visit_of(self._training, item.area, item.expressions)
        return augment(visit, self.augment, np.random.default_rng(item.seed))

    def validate(self, model: nn.Module) -> Validation:
        """mIoU of each expression alone, where foreground is likelier than background; oIoU, Pr@.5 and the mIoU of each
        sensor's expressions beside it."""
        trained = cast(TrainedSegmentation, model)
        device = next(trained.parameters()).device
        scored = score_set(
            trained.network, self._validation, trained.words, self.config, self.preprocess, device=device
        )
        overlaps = scored.overlaps()
        tally = OverlapTally.of(overlaps)
        metrics = {"mIoU": tally.mean_iou, "oIoU": tally.cumulative_iou, "Pr@0.5": tally.precision(0.5)}
        sensors = np.array([self._validation.expressions[index].sensor for index in scored.expression])
        ious = np.array([overlap.iou for overlap in overlaps])
        by_sensor = {f"mIoU {sensor}": float(ious[sensors == sensor].mean()) for sensor in np.unique(sensors)}
        return Validation(tally.mean_iou, metrics | by_sensor)


def as_read(areas: ReferringSet, sensors: str) -> ReferringSet:
    """``areas`` as a network reading ``sensors`` learns from them: with the expressions that it can be asked, and
    without the picture that it does not read, or augmentation might leave it with that one alone.

    Raises UsageError where no expression is left.
    """
    asked = tuple(areas.expressions[index] for index in asked_of(areas, sensors))
    read = np.array([sensors != "sar", sensors != "optical"])
    return replace(
        areas,
        expressions=asked,
        has=np.asarray(areas.has) & read,
        optical_valid=areas.optical_valid if read[0] else None,
        sar_valid=areas.sar_valid if read[1] else None,
    )


def data_for(pair: PairInput, sensors: str) -> Tensor:
    """Where a network reading ``sensors`` ("optical", "sar", "both") has data, bool [B, H, W]."""
    optical, sar = pair.optical_valid, pair.sar_valid
    return {"optical": optical, "sar": sar, "both": optical | sar}[sensors]


def pair_of(visits: Sequence[AreaVisit], preprocess: PreprocessSpec) -> PairInput:
    """Visits of one size as the network takes them."""
    optical, sar, optical_valid, sar_valid = (
        torch.from_numpy(np.stack([getattr(visit, name) for visit in visits]))
        for name in ("optical", "sar", "optical_valid", "sar_valid")
    )
    repeated = sar.unsqueeze(1).expand(-1, 3, -1, -1)  # [B, S, S] -> [B, 3, S, S]
    return PairInput(
        normalise(optical.float() / 255, optical_valid, preprocess),
        normalise(repeated.float() / 255, sar_valid, preprocess),
        optical_valid,
        sar_valid,
    )
