"""What is done to a picture and its sentences before a training step, all drawn from one generator (section V-A3).

*Our reading*: the paper names flips, mosaic, colour, scale and shift only through its framework's defaults, and scales
and crops the mosaic as a whole. Here each of the four has a scale of its own, and most of the other visits are scaled
and shifted so that nothing leaves the view: superlatives and relations can be used in those alone. The defaults leave
two of three sentences that name one thing in a scene (2.5 of 3.75 for each visit); with mosaics and cuts half of the
time there are 1.5, and with a mosaic each time .6, so that little but classes would be learned. SAR has no colour; its
contrast, brightness and speckle vary instead (an extension of ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.errors import UsageError
from engine.grounding.moving import Least, flip_or_turn, mosaic, scale_and_shift
from engine.grounding.visit import PictureVisit
from engine.training.picture_changes import (
    LevelSettings,
    Placement,
    Window,
    drawn_moves,
    varied_colour,
    varied_radar,
)


@dataclass(frozen=True, slots=True)
class AugmentSettings(LevelSettings):
    """How often and how much. Probabilities are per visit."""

    mosaic: float = 0.2  # probability of four pictures in one; the paper has 1 until its last 10 epochs
    scale: float = 0.5  # gains from 1 - scale to 1 + scale
    translate: float = 0.1  # most shift, as a share of the side
    whole: float = 0.7  # probability, outside of mosaics, that scale and shift leave everything in view
    flip_horizontal: float = 0.5
    flip_vertical: float = 0.0  # a picture from above has no top of its own, but the paper does not flip it so
    turn: float = 0.0  # probability of a turn by 90, 180 or 270 degrees
    least_share: float = 0.4  # of a thing's area in view for its box to be used
    least_px: float = 3.0  # of its shorter side

    def __post_init__(self) -> None:
        """Raises UsageError for a probability or a strength that makes no sense."""
        for name in ("mosaic", "whole", "flip_horizontal", "flip_vertical", "turn", "least_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"augment.{name} is {getattr(self, name)}; it has to be from 0 to 1.")
        if not 0 <= self.scale < 1:
            raise UsageError(f"augment.scale is {self.scale}; it has to be from 0 to below 1.")


def augment(
    visit: PictureVisit, partners: Sequence[PictureVisit], settings: AugmentSettings, rng: np.random.Generator
) -> PictureVisit:
    """One training view of ``visit``, which is left as it is.

    ``partners`` are three pictures of the same sensor and size for a mosaic, none where there is to be none. A change
    after which no sentence would be left is not made.
    """
    seen = visit
    if len(partners) == 3 and rng.random() < settings.mosaic:
        seen = _mosaic([visit, *partners], settings, rng)
    if seen is visit or not seen.expressions:
        seen = _or_else(_scaled(visit, settings, rng), visit)
    moves = drawn_moves(
        rng, flip_horizontal=settings.flip_horizontal, flip_vertical=settings.flip_vertical, turn=settings.turn
    )
    for move in moves:
        seen = _or_else(flip_or_turn(seen, move), seen)
    return colour(seen, settings, rng) if seen.sensor == "optical" else radiometry(seen, settings, rng)


def _or_else(changed: PictureVisit, before: PictureVisit) -> PictureVisit:
    """``changed``, or ``before`` where the change took all sentences."""
    return changed if changed.expressions or not before.expressions else before


def _scaled(visit: PictureVisit, settings: AugmentSettings, rng: np.random.Generator) -> PictureVisit:
    """``visit`` scaled about its middle and shifted; in a share of visits so that nothing leaves the view."""
    size = visit.size
    whole = rng.random() < settings.whole
    gain = rng.uniform(1 - settings.scale, 1 if whole else 1 + settings.scale)
    shifts = rng.uniform(-settings.translate, settings.translate, 2) * size
    origin = (1 - gain) * size / 2 + shifts  # where the picture's first corner goes
    if whole:
        frame = np.array(visit.frame())
        origin = np.clip(origin, -gain * frame[:2], size - gain * frame[2:])
    if gain == 1 and not origin.any():
        return visit
    placement = Placement(float(gain), float(origin[0]), float(origin[1]), (0, 0, size, size))
    return scale_and_shift(visit, placement, _least(settings))


def _mosaic(visits: Sequence[PictureVisit], settings: AugmentSettings, rng: np.random.Generator) -> PictureVisit:
    """Four pictures about a drawn point, in drawn order; each at a scale and a place of its own in its quarter."""
    size = visits[0].size
    x, y = (int(at) for at in rng.integers(size // 4, size - size // 4 + 1, 2))
    windows: list[Window] = [(0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)]
    placements = []
    for window in windows:
        gain = rng.uniform(1 - settings.scale, 1 + settings.scale)
        origin = []
        for low, high in ((window[0], window[2]), (window[1], window[3])):
            room = high - low - gain * size  # below 0 where the picture is larger than its quarter
            origin.append(low + rng.uniform(min(0, room), max(0, room)))
        placements.append(Placement(float(gain), origin[0], origin[1], window))
    order = rng.permutation(len(visits))
    return mosaic([visits[index] for index in order], placements, _least(settings))


def _least(settings: AugmentSettings) -> Least:
    return Least(settings.least_share, settings.least_px)


# ---- colour and radiometry


def colour(visit: PictureVisit, settings: AugmentSettings, rng: np.random.Generator) -> PictureVisit:
    """An optical ``visit`` with its hue shifted and its saturation and value multiplied, all drawn; data only."""
    pixels = varied_colour(visit.pixels, settings, rng)
    return visit if pixels is visit.pixels else replace(visit, pixels=pixels * visit.valid)


def radiometry(visit: PictureVisit, settings: AugmentSettings, rng: np.random.Generator) -> PictureVisit:
    """A SAR ``visit`` with another contrast and brightness, and speckle of drawn looks; data only."""
    return replace(visit, pixels=varied_radar(visit.pixels, settings, rng) * visit.valid)
