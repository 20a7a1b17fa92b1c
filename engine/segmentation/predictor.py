"""The only door between arrays and LGCE: pixels of an area in, how likely each one is meant out, with the reasons.

A view (both sensors' pictures of an area) is encoded once, with all that no word goes into: the first stage of Swin and
the fusion of sensors. Every expression on it then costs the rest. Probabilities are those of the area's own pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.catalog import ModelCard, check_task, read_card, verify_weights
from engine.errors import InputRefused
from engine.nn.inputs import Part, SensorArea, finite_mask, room_on_device, sensor_square, square_in_area, square_input
from engine.nn.preprocess import Floats, Limits, Mask, PreprocessSpec
from engine.nn.reason_map import ReasonMap
from engine.nn.weights import load_weights
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.segmentation.build import build_network
from engine.segmentation.calibration import calibrated
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.network import FirstStage, PairInput, SegmentationOutput, Words
from engine.segmentation.reasons import gate_maps, trust_map, word_maps
from engine.segmentation.words import build_words, stored_parts

if TYPE_CHECKING:
    from engine.segmentation.model import LgceNet
    from engine.segmentation.words import WordSource

TASK = "segmentation"
DEFAULT_THRESHOLD = 0.5


class PairArea(NamedTuple):
    """Both sensors' pixels of an area, of one height and width; None for one that is not there, or not to be read."""

    optical: SensorArea | None
    sar: SensorArea | None


class PairLimits(NamedTuple):
    """The values of each sensor that become 0 and 1; None where they are those of the picture itself."""

    optical: Limits | None
    sar: Limits | None


@dataclass(frozen=True, slots=True)
class View:
    """One encoded area: ``first`` is of one area, ``valid`` [h, w] says where a sensor has data that the network reads.

    ``image_part`` is ``x0, y0, x1, y1``: where the area lies in the model's square, as fractions of it. ``sensors`` are
    those with data that the network reads, of ``optical`` and ``sar``.
    """

    first: FirstStage
    valid: Mask
    image_part: Part
    sensors: tuple[str, ...]

    @property
    def square_in_area(self) -> Part:
        """Where the whole square lies, in fractions of the area: see :func:`engine.nn.inputs.square_in_area`."""
        return square_in_area(self.image_part)


class Outlined(NamedTuple):
    """How likely each pixel of a view is meant: ``probability`` float32 [h, w], NaN where there is no data.

    Where the card has a calibration that is a probability, else the network's own softmax. What the network said is
    row ``row`` of ``output``, and ``pieces`` are the tokens that it read.
    """

    probability: Floats
    output: SegmentationOutput
    row: int
    pieces: tuple[str, ...]


class SegmentationPredictor:
    """Loaded weights of LGCE, ready to outline. Not safe for use from two threads at once."""

    def __init__(self, network: LgceNet, card: ModelCard, words: WordSource, device: str = "cpu") -> None:
        """``words`` are as wide as the card's network reads them."""
        self.card = card
        self.config = SegmentationConfig.from_json(card.config)
        self.spec = PreprocessSpec.from_json(card.preprocess)
        self.device = torch.device(device)
        self._network = network.eval().requires_grad_(requires_grad=False).to(self.device)
        if isinstance(words, nn.Module):
            words.eval().requires_grad_(requires_grad=False)
        self._words = words

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", text_folder: Path | None = None) -> SegmentationPredictor:
        """Load the model in ``folder``; card, hash and configuration are checked before anything is built.

        A frozen text encoder is not in the folder; ``text_folder`` has its files where they are not in a usual place.
        Raises ModelNotFound or ModelDamaged.
        """
        card = read_card(folder)
        config = check_card(card)
        weights = verify_weights(folder, card)
        words = build_words(config, text_folder, device=device, stored=True, pretrained=card.pretrained)
        network = build_network(config)
        load_weights(stored_parts(network, words), weights)
        return cls(network, card, words, device)

    @property
    def network(self) -> LgceNet:
        """The network itself, in evaluation mode and frozen, for those who score it on whole sets."""
        return self._network

    @property
    def words(self) -> WordSource:
        """What reads expressions."""
        return self._words

    @property
    def reads(self) -> tuple[str, ...]:
        """The sensors that the network looks at, of ``optical`` and ``sar``."""
        return SENSORS if self.config.sensors == "both" else (self.config.sensors,)

    @property
    def threshold(self) -> float:
        """From which probability a pixel is in the mask: what the card found best, else a half."""
        calibration = self.card.segmentation_calibration
        return DEFAULT_THRESHOLD if calibration is None else calibration.threshold

    def tokens_cut(self, expression: str) -> int:
        """How many tokens of ``expression`` the model does not read, as it is too long."""
        return self._words.tokens_cut(expression, self.config.tokens)

    def encode(self, optical: SensorArea | None, sar: SensorArea | None) -> View:
        """Encode an area. Raises InputRefused where no sensor that the network reads has data."""
        (view,) = self.encode_each([PairArea(optical, sar)])
        if view is None:
            raise InputRefused(self._nothing_to_see(), remedy="Choose an area that the images cover.")
        return view

    def encode_each(self, areas: Sequence[PairArea], limits: PairLimits | None = None) -> list[View | None]:
        """Encode several areas as one batch; None for one where no sensor that the network reads has data.

        ``limits`` stretch all of them alike; without, each picture is stretched by its own values.
        """
        read = [self._look(area, limits) for area in areas]
        seen = [one for one in read if one is not None]
        if not seen:
            return [None] * len(areas)
        pair = PairInput(
            *(torch.stack(parts).to(self.device) for parts in zip(*(one.pair for one in seen), strict=True))
        )
        with room_on_device(), torch.inference_mode():
            first = self._network.encode(pair)
        rows = iter(range(len(seen)))
        return [None if one is None else one.view(first.rows(self._index(next(rows)))) for one in read]

    def outline(self, view: View, expression: str) -> Outlined:
        """How likely each pixel of ``view`` is meant by ``expression``."""
        return self.outline_each([view], expression)[0]

    def outline_each(self, views: Sequence[View], expression: str) -> list[Outlined]:
        """The same for several views as one batch."""
        first = FirstStage(*map(_stacked, zip(*(view.first for view in views), strict=True)))  # type: ignore[arg-type]
        said = self._words.words([expression], self.config.tokens)
        words = Words(*(part.to(self.device).expand(len(views), *part.shape[1:]) for part in said))  # [B, N, E], [B, N]
        with room_on_device(), torch.inference_mode():
            output = self._network(first, words)
            margins = output.logits[:, 1] - output.logits[:, 0]  # [B, 2, S, S] -> [B, S, S]
            likely = torch.sigmoid(calibrated(margins, self.card.segmentation_calibration))
        pieces = self._words.pieces(expression, self.config.tokens)
        return [Outlined(_of_area(likely[row], view), output, row, pieces) for row, view in enumerate(views)]

    def maps(self, view: View, outlined: Outlined) -> dict[str, ReasonMap]:
        """Which word lights which part of the view, how far words were let in at each stage, and which sensor was
        trusted where; no trust where one sensor alone has data."""
        output, row, valid = outlined.output, outlined.row, view.first.valid[0]
        maps = word_maps(output, row, valid, outlined.pieces) | gate_maps(output, row, valid)
        return maps | trust_map(output, row, valid) if len(view.sensors) > 1 else maps

    def _look(self, area: PairArea, limits: PairLimits | None) -> _Seen | None:
        """Both sensors as the network takes them, a blank picture for one without data; None where neither has any."""
        side = self.config.image_size
        pictures = {name: (torch.zeros(3, side, side), torch.zeros(side, side, dtype=torch.bool)) for name in SENSORS}
        masks, image_part = {}, (0.0, 0.0, 1.0, 1.0)
        for name in self.reads:
            sensor: SensorArea | None = getattr(area, name)
            if sensor is None:
                continue
            own = None if limits is None else getattr(limits, name)
            square = sensor_square(sensor, self.spec, side, own)
            picture = square_input(square, self.spec)
            if bool(picture[1].any()):
                pictures[name], image_part = picture, square.image_part
                masks[name] = finite_mask(sensor.values, sensor.valid)
        if not masks:
            return None
        (optical, optical_valid), (sar, sar_valid) = (pictures[name] for name in SENSORS)
        valid: Mask = np.any(list(masks.values()), axis=0)
        return _Seen(PairInput(optical, sar, optical_valid, sar_valid), valid, image_part, tuple(masks))

    def _index(self, row: int) -> Tensor:
        return torch.tensor([row], device=self.device)

    def _nothing_to_see(self) -> str:
        if self.config.sensors == "both":
            return "There is nothing to outline: no image has data in this area."
        only = SENSOR_SAID[self.config.sensors]
        return f"There is nothing to outline: this model looks at {only} only, which has no data in this area."


class _Seen(NamedTuple):
    """One area as network input, without the batch's dimension, then what :class:`View` tells of it."""

    pair: PairInput
    valid: Mask
    image_part: Part
    sensors: tuple[str, ...]

    def view(self, first: FirstStage) -> View:
        return View(first, self.valid, self.image_part, self.sensors)


def check_card(card: ModelCard) -> SegmentationConfig:
    """The configuration of a card of LGCE, its task checked. Raises ModelDamaged."""
    check_task(card, TASK, remedy="Name a model that outlines.")
    return SegmentationConfig.from_json(card.config)


def _stacked(parts: tuple[Tensor | None, ...]) -> Tensor | None:
    """One part of several views' first stages as one batch; None where the network has no such part."""
    present = [part for part in parts if part is not None]
    return torch.cat(present) if present else None


def _of_area(likely: Tensor, view: View) -> Floats:
    """Probabilities of the model's square [S, S] as those of the area's own pixels [h, w], NaN without data."""
    side, (height, width) = likely.shape[-1], view.valid.shape
    left, top, right, bottom = (round(edge * side) for edge in view.image_part)
    part = likely[None, None, top:bottom, left:right]
    if part.shape[2:] != (height, width):
        shrinks = height < part.shape[2]  # then every pixel of the square counts, as where the area was letterboxed
        part = F.interpolate(part, (height, width), mode="bilinear", antialias=shrinks)
    values: Floats = part[0, 0].float().cpu().numpy()
    return np.where(view.valid, values, np.float32(np.nan))
