"""The only door between arrays and OptiSAR-Net++: pixels of an area in, boxes with their reasons out.

A view (one sensor's picture of an area) is encoded once, with all that no text goes into: backbone and neck. Every
expression on it then costs TGDF and the heads only. Boxes are in pixels of the area as it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from engine.catalog import ModelCard, check_task, read_card, verify_weights
from engine.errors import InputRefused, ModelDamaged, UsageError
from engine.grounding.build import build_network
from engine.grounding.calibration import probabilities, usable
from engine.grounding.config import GroundingConfig
from engine.grounding.network import BackboneFeatures, GroundingOutput
from engine.grounding.picking import Picked, candidates, joined, pick
from engine.grounding.reasons import gate_maps, routing_maps
from engine.nn.embeddings import TextEmbedder, build_embedder
from engine.nn.inputs import Part, SensorArea, room_on_device, sensor_square, square_in_area, square_input
from engine.nn.preprocess import PreprocessSpec
from engine.nn.reason_map import ReasonMap
from engine.nn.weights import load_weights
from engine.records.pair import SENSOR_SAID
from engine.records.query import DEFAULT_FIND_SCORE

if TYPE_CHECKING:
    from engine.grounding.model import OptiSarNet

TASK = "grounding"

TEXTS_KEPT = 64
"""Runs whose texts stay embedded: every window of a large area is asked the same."""


@dataclass(frozen=True, slots=True)
class View:
    """One encoded picture. ``features`` are of one picture, ``size`` is the area's width and height as given.

    ``image_part`` is ``x0, y0, x1, y1``: where the area lies in the model's square, as fractions of it.
    """

    features: BackboneFeatures
    sensor: str
    image_part: Part
    size: tuple[int, int]

    @property
    def square_in_area(self) -> Part:
        """Where the whole square lies, in fractions of the area: see :func:`engine.nn.inputs.square_in_area`."""
        return square_in_area(self.image_part)


class Look(NamedTuple):
    """What the network says of one view and ``texts``: row ``row`` of ``output``."""

    view: View
    texts: tuple[str, ...]
    output: GroundingOutput
    row: int


@dataclass(frozen=True, slots=True)
class Detection:
    """One box ``x0, y0, x1, y1`` in the area's pixels (half-open, never beyond the area), its score 0..1, the text
    that names it best, and the cell of ``GroundingOutput`` that it comes from.

    Where the card has a calibration the score is the probability that the box is right, else the network's own.
    """

    box_xyxy_px: tuple[float, float, float, float]
    score: float
    text: str
    cell: int


class GroundingPredictor:
    """Loaded weights of OptiSAR-Net++, ready to search. Not safe for use from two threads at once."""

    def __init__(self, network: OptiSarNet, card: ModelCard, embedder: TextEmbedder, device: str = "cpu") -> None:
        """Raises ModelDamaged where ``embedder`` is not of the width that the card's network reads."""
        self.card = card
        self.config = GroundingConfig.from_json(card.config)
        self.spec = PreprocessSpec.from_json(card.preprocess)
        self.device = torch.device(device)
        if embedder.width != self.config.embed_width:
            raise ModelDamaged(
                f"{card.name} reads texts as {self.config.embed_width} numbers, {embedder.name} gives "
                f"{embedder.width}.",
                remedy="Copy the model's folder again, or train it anew.",
            )
        stored = card.grounding_calibration
        self.calibration = None if stored is None else usable(stored)
        """What scores mean; None where the card does not say, or where they mean nothing: then they are raw."""
        self._network = network.eval().requires_grad_(requires_grad=False).to(self.device)
        self._embedder = embedder
        self._embedded = lru_cache(TEXTS_KEPT)(lambda texts: embedder.embed(texts).to(self.device))

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", text_folder: Path | None = None) -> GroundingPredictor:
        """Load the model in ``folder``; card, hash and configuration are checked before anything is built.

        The frozen text encoder is not in the folder; ``text_folder`` has its files where they are not in a usual place.
        Raises ModelNotFound or ModelDamaged.
        """
        card = read_card(folder)
        config = check_card(card)
        weights = verify_weights(folder, card)
        network = build_network(config)
        load_weights(network, weights)
        return cls(network, card, build_embedder(config.text_encoder, text_folder, device=device), device)

    @property
    def network(self) -> OptiSarNet:
        """The network itself, in evaluation mode and frozen, for those who score it on whole sets."""
        return self._network

    @property
    def embedder(self) -> TextEmbedder:
        """What reads expressions."""
        return self._embedder

    def tokens_cut(self, expression: str) -> int:
        """How many tokens of ``expression`` the model does not read, as it is too long."""
        return self._embedder.tokens_cut(expression)

    def encode(self, area: SensorArea) -> View:
        """Encode one sensor's picture of an area. Raises InputRefused where it has no data."""
        (view,) = self.encode_each([area])
        if view is None:
            raise InputRefused(
                f"This area cannot be searched: the {SENSOR_SAID[area.sensor]} image has no data in it.",
                remedy="Choose an area that the images cover.",
            )
        return view

    def encode_each(self, areas: Sequence[SensorArea]) -> list[View | None]:
        """Encode several pictures as one batch; None for one without data."""
        squares = [sensor_square(area, self.spec, self.config.image_size) for area in areas]
        inputs = [square_input(square, self.spec) for square in squares]
        seen = [place for place, (_, valid) in enumerate(inputs) if bool(valid.any())]
        views: list[View | None] = [None] * len(areas)
        if not seen:
            return views
        with room_on_device(), torch.inference_mode():
            features = self._network.encode(
                torch.stack([inputs[place][0] for place in seen]).to(self.device),  # [B, 3, S, S]
                torch.stack([inputs[place][1] for place in seen]).to(self.device),  # [B, S, S]
            )
        for row, place in enumerate(seen):
            height, width = areas[place].values.shape[1:]
            one = features.rows(torch.tensor([row], device=self.device))
            views[place] = View(one, areas[place].sensor, squares[place].image_part, (width, height))
        return views

    def look(self, view: View, expression: str) -> Look:
        """What the network says of ``view`` and one expression: TGDF and the heads."""
        return self.look_each([view], [expression])[0]

    def look_each(self, views: Sequence[View], texts: Sequence[str]) -> list[Look]:
        """The same for several views as one batch, all asked the same ``texts`` together."""
        B = len(views)
        each_part = zip(*(view.features for view in views), strict=True)
        features = BackboneFeatures(*map(_stacked, each_part))  # type: ignore[arg-type]  # None stays where it was
        embedded = self._embedded(tuple(texts)).expand(B, -1, -1)  # [T, E] -> [B, T, E]
        present = torch.ones(embedded.shape[:2], dtype=torch.bool, device=self.device)
        with room_on_device(), torch.inference_mode():
            output = self._network(features, embedded, present)
        return [Look(view, tuple(texts), output, row) for row, view in enumerate(views)]

    @property
    def least_score(self) -> float:
        """From which score all of a class are shown: what the card found best, else :data:`DEFAULT_FIND_SCORE`."""
        chosen = None if self.calibration is None else self.calibration.least_score
        return DEFAULT_FIND_SCORE if chosen is None else chosen

    def find(self, view: View, expression: str, *, most: int | None = 1, least_score: float = 0.0) -> list[Detection]:
        """The best ``most`` boxes for ``expression`` that score at least ``least_score``; all of them with None."""
        return self.detections(self.look(view, expression), most=most, least_score=least_score)

    def detections(self, look: Look, *, most: int | None = 1, least_score: float = 0.0) -> list[Detection]:
        """The boxes of a look, the best first. Where several are asked for, one thing is shown once only."""
        found = candidates(look.output, look.row, self._part_px(look.view))
        return self._picked(found, look.view, look.texts, most=most, least_score=least_score)

    def annotate(
        self,
        view: View,
        phrases: Sequence[str],
        *,
        least_score: float = DEFAULT_FIND_SCORE,
        step: Callable[[float], None] = lambda share: None,
    ) -> list[Detection]:
        """Zero-shot annotation: every thing that one of ``phrases`` names, with the phrase that fits it best.

        A pool larger than the network's text slots is read in several runs (*our reading*: TGDF hears all texts of a
        run at once, and was trained with so many), of which each cell keeps its best box. ``step`` hears the share of
        phrases that is done before each run, and ends the annotation by what it raises. Raises UsageError without
        phrases.
        """
        if not phrases:
            raise UsageError("There are no phrases to annotate with.", remedy="Give a pool of at least one.")
        starts = list(range(0, len(phrases), self.config.texts))
        parts = []
        for start in starts:  # of each run only the boxes are kept: its output takes megabytes
            step(start / len(phrases))
            (look,) = self.look_each([view], phrases[start : start + self.config.texts])
            parts.append(candidates(look.output, look.row, self._part_px(view)))
        found = joined(parts, starts)
        return self._picked(found, view, phrases, most=None, least_score=least_score)

    def maps(self, view: View, look: Look | None = None) -> dict[str, ReasonMap]:
        """Which expert took which patch of the view; with a ``look`` at it, also how far TGDF opened its gate to the
        text at each scale."""
        gates = {} if look is None else gate_maps(look.output, look.row, view.sensor)
        return routing_maps(view.features, view.sensor, self.config) | gates

    def _part_px(self, view: View) -> Part:
        """The area in the square, in input pixels."""
        x0, y0, x1, y1 = (edge * self.config.image_size for edge in view.image_part)
        return x0, y0, x1, y1

    def _picked(
        self, found: Picked, view: View, texts: Sequence[str], *, most: int | None, least_score: float
    ) -> list[Detection]:
        """The best of ``found``, with what their scores mean and with boxes of the area instead of the square."""
        found = found.where(self._meaning(found.scores, view.sensor) >= least_score)
        picked = pick(found, most=most)
        x0, y0, x1, y1 = self._part_px(view)
        width, height = view.size
        origin = picked.boxes.new_tensor((x0, y0, x0, y0))
        scale = picked.boxes.new_tensor((width / (x1 - x0), height / (y1 - y0))).repeat(2)
        limits = picked.boxes.new_tensor((width, height)).repeat(2)
        boxes = ((picked.boxes - origin) * scale).clamp_min(0.0).minimum(limits).tolist()
        scores = self._meaning(picked.scores, view.sensor).tolist()
        rows = zip(boxes, scores, picked.texts.tolist(), picked.cells.tolist(), strict=True)
        return [Detection(tuple(box), score, texts[text], cell) for box, score, text, cell in rows]

    def _meaning(self, scores: Tensor, sensor: str) -> Tensor:
        """``scores`` [n] as probabilities where the card says what they mean, as they are where it does not."""
        if self.calibration is None:
            return scores
        return scores.new_tensor(probabilities(self.calibration, scores.cpu().numpy(), [sensor] * len(scores)))


def check_card(card: ModelCard) -> GroundingConfig:
    """The configuration of a card of OptiSAR-Net++, its task checked. Raises ModelDamaged."""
    check_task(card, TASK, remedy="Name a model that finds.")
    return GroundingConfig.from_json(card.config)


def _stacked(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    """One part of several views' features as one batch; None where the network has no such part."""
    present = [part for part in parts if part is not None]
    return torch.cat(present) if present else None
