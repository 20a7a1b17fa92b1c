"""Training and validating OptiSAR-Net++ on an expression set, as a task for the training loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.grounding.augment import AugmentSettings, augment
from engine.grounding.config import GroundingConfig
from engine.grounding.data.drawing import BatchSettings, TrainingItem, TrainingOrder, only_share
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.losses import LossWeights, grounding_loss
from engine.grounding.model import OptiSarNet
from engine.grounding.network import Targets
from engine.grounding.scoring import score_set
from engine.grounding.slots import SlotDrawer, Slots, SlotSettings
from engine.grounding.visit import PictureVisit
from engine.metrics import OverlapTally
from engine.nn.embeddings import TextEmbedder
from engine.nn.inputs import normalise
from engine.nn.preprocess import PreprocessSpec
from engine.records.pair import SENSORS
from engine.training.task import Validation


class GroundingBatch(NamedTuple):
    """B pictures with up to K things and T texts each.

    ``pictures`` [B, 3, S, S] are normalised, with data where ``valid`` bool [B, S, S]. ``boxes`` [B, K, 4] in input
    pixels with ``box_mask`` bool [B, K]; ``texts`` [B, T, E] are embeddings, with ``text_mask`` bool [B, T]; ``names``
    bool [B, K, T] says which text names which thing.
    """

    pictures: Tensor
    valid: Tensor
    boxes: Tensor
    box_mask: Tensor
    names: Tensor
    texts: Tensor
    text_mask: Tensor


class TrainedGrounding(nn.Module):
    """The network with its loss."""

    def __init__(self, network: OptiSarNet, weights: LossWeights) -> None:
        super().__init__()
        self.network = network
        self.weights = weights

    def forward(self, batch: GroundingBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, a mean over pictures, and its parts. Each picture is encoded once for all of its texts."""
        view = self.network.encode(batch.pictures, batch.valid)
        output = self.network(view, batch.texts, batch.text_mask)
        targets = Targets(batch.boxes, batch.box_mask, batch.names, batch.text_mask)
        return grounding_loss(output, targets, self.weights)


class GroundingTask:
    """See ``engine.training.Task``.

    ``embedder`` makes vectors of texts. ``steps`` is the length of the training, after a share of which
    (``batch.mosaic_until``) there are no mosaics; 0: it has no end. Raises :class:`~engine.errors.UsageError` where
    there is nothing to train on or to validate with.
    """

    def __init__(
        self,
        model: TrainedGrounding,
        config: GroundingConfig,
        preprocess: PreprocessSpec,
        training: ExpressionSet,
        validation: ExpressionSet,
        embedder: TextEmbedder,
        *,
        batch: BatchSettings,
        slots: SlotSettings,
        augment: AugmentSettings,
        seed: int,
        steps: int = 0,
    ) -> None:
        self._model = model
        self.config, self.preprocess, self.batch, self.augment = config, preprocess, batch, augment
        self._order = TrainingOrder(training, batch, seed)
        self._drawer = SlotDrawer(only_share(training, batch.share), slots)
        # A class in the plural only teaches: one box says nothing of it.
        self._validation = replace(validation, expressions=tuple(e for e in validation.expressions if e.scored))
        self._embedder = embedder
        self._mosaic_steps = batch.mosaic_until * steps if steps else float("inf")

    @property
    def model(self) -> TrainedGrounding:
        return self._model

    def draw(self, step: int) -> list[TrainingItem]:
        """The pictures of a step; see ``data.drawing``."""
        return self._order.items(step)

    def collate(self, items: Sequence[TrainingItem], step: int) -> GroundingBatch:
        """Pictures augmented with their sentences, and the texts that each is asked for."""
        drawn = [self._drawn(item, mosaic=step < self._mosaic_steps) for item in items]
        texts, text_mask = self._embedded([slots.texts for _, slots in drawn])
        boxes, box_mask, names = _targets(drawn, text_mask.shape[1])
        pixels = torch.from_numpy(np.stack([visit.pixels for visit, _ in drawn]))  # [B, 3, S, S]
        valid = torch.from_numpy(np.stack([visit.valid for visit, _ in drawn]))
        pictures = normalise(pixels.float() / 255, valid, self.preprocess)
        return GroundingBatch(pictures, valid, boxes, box_mask, names, texts, text_mask)

    def _drawn(self, item: TrainingItem, *, mosaic: bool) -> tuple[PictureVisit, Slots]:
        rng = np.random.default_rng(item.seed)
        visits = self._drawer.visits
        partners = [visits[mate] for mate in item.partners] if mosaic and self.augment.mosaic else []
        visit = augment(visits[item.picture], partners, self.augment, rng)
        return visit, self._drawer.draw(visit, rng)

    def _embedded(self, texts: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        """The vectors of each picture's texts, [B, T, E], and where there is one, bool [B, T]; T is the slots'."""
        slots = self._drawer.settings.texts
        vectors = torch.zeros(len(texts), slots, self._embedder.width)
        mask = torch.tensor([[slot < len(own) for slot in range(slots)] for own in texts])
        vectors[mask] = self._embedder.embed([text for own in texts for text in own])
        return vectors, mask

    def validate(self, model: nn.Module) -> Validation:
        """meanIoU of the best box for each expression alone, as in use; Pr@.5, cumIoU and each sensor's beside it."""
        network = cast(TrainedGrounding, model).network
        device = next(network.parameters()).device
        scored = score_set(network, self._validation, self._embedder, self.config, self.preprocess, device=device)
        tally = OverlapTally.of(scored.overlaps)
        metrics = {"meanIoU": tally.mean_iou, "Pr@0.5": tally.precision(0.5), "cumIoU": tally.cumulative_iou}
        asked = np.array([self._validation.expressions[index].picture for index in scored.expression])
        sensors = np.array(self._validation.sensors)[asked]
        ious = scored.ious
        own = {sensor: ious[sensors == sensor] for sensor in SENSORS}
        by_sensor = {f"meanIoU {sensor}": float(values.mean()) for sensor, values in own.items() if values.size}
        return Validation(tally.mean_iou, metrics | by_sensor)


def _targets(drawn: Sequence[tuple[PictureVisit, Slots]], slots: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes [B, K, 4], their mask [B, K], and what names them, bool [B, K, T]; K is what the fullest picture has."""
    most = max(1, *(len(visit.boxes) for visit, _ in drawn))
    boxes = np.zeros((len(drawn), most, 4), np.float32)
    mask: NDArray[np.bool_] = np.zeros((len(drawn), most), bool)
    names = np.zeros((len(drawn), most, slots), bool)
    for row, (visit, asked) in enumerate(drawn):
        count = len(visit.boxes)
        boxes[row, :count], mask[row, :count] = visit.boxes, True
        names[row, :count, : len(asked.texts)] = asked.names
    return torch.from_numpy(boxes), torch.from_numpy(mask), torch.from_numpy(names)
