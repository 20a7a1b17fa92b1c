"""What is done to an area and its sentences before a training step, all drawn from one generator.

The paper names no augmentation; everything here is ours, and a recipe of the paper's sets all probabilities to 0. No
change takes a sentence: one that would is not made. Colours vary less than in grounding, as sentences name them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.errors import UsageError
from engine.scenes.optics.weather import add_weather
from engine.segmentation.data.visits import AreaVisit
from engine.segmentation.moving import flip_or_turn, scale_and_shift
from engine.training.picture_changes import (
    LevelSettings,
    Placement,
    drawn_moves,
    placed_levels,
    placed_mask,
    varied_colour,
    varied_radar,
)

CLOUD_STRENGTHS = (0.3, 1.0)
"""Least and most strength of clouds that are put on; the same as scenes draw their own from."""

SUN_ELEVATIONS_DEG = (30.0, 65.0)


@dataclass(frozen=True, slots=True)
class AugmentSettings(LevelSettings):
    """How often and how much. Probabilities are per visit."""

    saturation: float = 0.3
    value: float = 0.25
    flip_horizontal: float = 0.5
    flip_vertical: float = 0.5  # a picture from above has no top of its own
    turn: float = 0.5  # probability of a turn by 90, 180 or 270 degrees
    scale: float = 0.25  # gains from 1 - scale, or, where the view is cut, to 1 + scale
    translate: float = 0.1  # most shift, as a share of the side
    crop: float = 0.3  # probability that the view is cut, where the sentences allow it; else nothing leaves it
    least_share: float = 0.4  # of a mask's area that has to be left
    least_px: int = 16  # and of its pixels
    shift_px: int = 1  # most displacement of SAR against optical in columns and rows, in network pixels
    cloud: float = 0.1  # probability of clouds over the optical picture, where there is a SAR picture
    drop_optical: float = 0.05  # probability that one of two pictures is absent, where the other shows what is meant
    drop_sar: float = 0.05

    def __post_init__(self) -> None:
        """Raises UsageError for a probability or a strength that makes no sense."""
        shares = (
            "flip_horizontal", "flip_vertical", "turn", "crop", "least_share", "cloud", "drop_optical", "drop_sar",
        )  # fmt: skip
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"augment.{name} is {getattr(self, name)}; it has to be from 0 to 1.")
        if self.drop_optical + self.drop_sar > 1:
            raise UsageError("augment.drop_optical and augment.drop_sar are more than 1 together.")
        if not 0 <= self.scale < 1:
            raise UsageError(f"augment.scale is {self.scale}; it has to be from 0 to below 1.")
        if self.shift_px < 0 or self.least_px < 0:
            raise UsageError("augment.shift_px and augment.least_px have to be at least 0.")


def augment(area: AreaVisit, settings: AugmentSettings, rng: np.random.Generator) -> AreaVisit:
    """One training view of ``area``, which is left as it is, with the same number of sentences in the same order."""
    seen = scaled(area, settings, rng)
    moves = drawn_moves(
        rng, flip_horizontal=settings.flip_horizontal, flip_vertical=settings.flip_vertical, turn=settings.turn
    )
    for move in moves:
        seen = flip_or_turn(seen, move)
    if rng.random() < settings.cloud:
        seen = clouded(seen, rng)
    return with_a_sensor_dropped(shifted(levels_varied(seen, settings, rng), settings, rng), settings, rng)


def scaled(area: AreaVisit, settings: AugmentSettings, rng: np.random.Generator) -> AreaVisit:
    """``area`` scaled about its middle and shifted: so that the view is cut but full, or so that nothing leaves it."""
    size = area.size
    is_cut = rng.random() < settings.crop
    gain = float(rng.uniform(1, 1 + settings.scale) if is_cut else rng.uniform(1 - settings.scale, 1))
    shifts = rng.uniform(-settings.translate, settings.translate, 2) * size
    origin = (1 - gain) * size / 2 + shifts  # where the picture's first corner goes
    if is_cut:
        origin = np.clip(origin, size - gain * size, 0)
    else:
        frame = np.array(area.frame())
        origin = np.clip(origin, -gain * frame[:2], size - gain * frame[2:])
    if gain == 1 and not origin.any():
        return area
    placement = Placement(gain, float(origin[0]), float(origin[1]), (0, 0, size, size))
    return scale_and_shift(area, placement, least_share=settings.least_share, least_px=settings.least_px)


def clouded(area: AreaVisit, rng: np.random.Generator) -> AreaVisit:
    """``area`` with clouds of a drawn strength put over its optical picture as it is stored; SAR sees through them.

    ``area`` itself where the two pictures are not both there, or where what only the optical one shows is then hidden.
    """
    if not (area.optical_valid.any() and area.sar_valid.any()):
        return area
    strength = float(rng.uniform(*CLOUD_STRENGTHS))
    sun_deg = float(rng.uniform(0, 360)), float(rng.uniform(*SUN_ELEVATIONS_DEG))
    picture = area.optical.transpose(1, 2, 0).astype(np.float32) / np.float32(255)  # [S, S, 3]
    seen, hidden = add_weather(picture, "cloud", strength, sun_deg, rng)
    said = []
    for one, mask in zip(area.said, area.masks, strict=True):
        said.append(replace(one, hidden_share=max(one.hidden_share, float(hidden[mask].mean()))))
    if not all(one.shown_by("optical") or one.shown_by("sar") for one in said):
        return area
    optical = np.rint(255 * seen.transpose(2, 0, 1)).astype(np.uint8) * area.optical_valid  # [3, S, S]
    return replace(area, optical=optical, said=tuple(said))


def levels_varied(area: AreaVisit, settings: AugmentSettings, rng: np.random.Generator) -> AreaVisit:
    """``area`` with other colours, and other contrast, brightness and speckle of its SAR picture; data only."""
    if area.optical_valid.any():
        area = replace(area, optical=varied_colour(area.optical, settings, rng) * area.optical_valid)
    if area.sar_valid.any():
        area = replace(area, sar=varied_radar(area.sar, settings, rng) * area.sar_valid)
    return area


def shifted(area: AreaVisit, settings: AugmentSettings, rng: np.random.Generator) -> AreaVisit:
    """``area`` with its SAR picture a few pixels off the optical one, which masks follow; no picture without another
    is moved."""
    dx, dy = (int(d) for d in rng.integers(-settings.shift_px, settings.shift_px + 1, 2))
    if not (dx or dy) or not area.optical_valid.any():
        return area
    at = Placement(1, dx, dy, (0, 0, area.size, area.size))
    return replace(
        area, sar=placed_levels(area.sar[None], at)[0], sar_valid=placed_mask(area.sar_valid[None], at, least=1)[0]
    )


def with_a_sensor_dropped(area: AreaVisit, settings: AugmentSettings, rng: np.random.Generator) -> AreaVisit:
    """``area`` without one of its pictures in a share of visits, where the other shows all that is meant."""
    drawn = rng.random()
    if not (area.optical_valid.any() and area.sar_valid.any()):
        return area
    if drawn < settings.drop_optical and all(one.shown_by("sar") for one in area.said):
        return replace(area, optical=np.zeros_like(area.optical), optical_valid=np.zeros_like(area.optical_valid))
    if drawn >= 1 - settings.drop_sar and all(one.shown_by("optical") for one in area.said):
        return replace(area, sar=np.zeros_like(area.sar), sar_valid=np.zeros_like(area.sar_valid))
    return area
