"""Between an area's pixels and a network on its device: masks, the card's normalisation, and a device that is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.errors import OutOfDeviceMemory, UsageError
from engine.nn.preprocess import (
    Floats,
    Limits,
    Mask,
    PreprocessSpec,
    Square,
    letterbox,
    optical_limits,
    sar_limits,
    stretch_optical,
    stretch_sar,
)
from engine.records.pair import SENSORS

Part = tuple[float, float, float, float]


class SensorArea(NamedTuple):
    """One sensor's pixels of an area: ``values`` [3 or 1, h, w], where they are ``valid`` [h, w] (None: where finite).

    ``sensor`` is ``optical`` or ``sar``; ``unit`` is a ``records.SarUnit`` and means nothing for optical.
    """

    values: Floats
    valid: Mask | None
    sensor: str
    unit: str = "db"

    def limits(self, spec: PreprocessSpec) -> Limits | None:
        """Which values the card's rules make 0 and 1; None without data."""
        valid = finite_mask(self.values, self.valid)
        if self.sensor == "optical":
            return optical_limits(self.values, valid, spec)
        return sar_limits(self.values, valid, self.unit, spec)


def sensor_square(area: SensorArea, spec: PreprocessSpec, size: int, limits: Limits | None = None) -> Square:
    """Stretch and letterbox by the card's rules, with the ``limits`` of a larger area where they are given.

    Raises UsageError for a sensor that there is not.
    """
    if area.sensor not in SENSORS:
        raise UsageError(f"There is no sensor “{area.sensor}”.", remedy="Use optical or sar.")
    valid = finite_mask(area.values, area.valid)
    if area.sensor == "optical":
        stretched = stretch_optical(area.values, valid, spec, limits)
    else:
        stretched = stretch_sar(area.values, valid, area.unit, spec, limits)
    return letterbox(stretched, valid, size)


def finite_mask(image: Floats, valid: Mask | None) -> Mask:
    """Where ``image`` [bands, h, w] is ``valid`` [h, w] (None: everywhere) and finite in every band, [h, w]."""
    finite: Mask = np.asarray(np.isfinite(image).all(axis=0))
    return finite if valid is None else np.asarray(finite & valid)


def square_input(square: Square, spec: PreprocessSpec) -> tuple[Tensor, Tensor]:
    """A letterboxed picture as network input [3, S, S] and where it has data, bool [S, S]. One band becomes three."""
    side = square.values.shape[-1]
    valid = torch.from_numpy(square.valid_share > 0.5)
    return normalise(torch.from_numpy(square.values).expand(3, side, side), valid, spec), valid


def normalise(values: Tensor, valid: Tensor, spec: PreprocessSpec) -> Tensor:
    """``values`` [..., 3, S, S] in 0..1 -> network input; 0, the mean, where ``valid`` [..., S, S] is False.

    The card's mean and standard deviation are one number, or one per channel (CLIP's statistics).
    """
    mean, std = (torch.tensor(stat, device=values.device).reshape(-1, 1, 1) for stat in (spec.mean, spec.std))
    return ((values - mean) / std) * valid.unsqueeze(-3)


def square_in_area(image_part: Part) -> Part:
    """``x0, y0, x1, y1`` of the whole square in fractions of the area that lies in its ``image_part``.

    Below 0 or above 1 where the square is padding. An explanation map is spread over this rectangle.
    """
    x0, y0, x1, y1 = image_part
    width, height = x1 - x0, y1 - y0
    return -x0 / width, -y0 / height, (1.0 - x0) / width, (1.0 - y0) / height


@contextmanager
def room_on_device() -> Iterator[None]:
    """Turns torch's complaint about a full GPU into one that says what to do."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise OutOfDeviceMemory(
            "The GPU has no room for one more view.", remedy="Close other programs that use it, or use the CPU."
        ) from error
