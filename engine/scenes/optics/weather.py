"""Weather: what comes between the ground and an optical sensor. Works on any picture, rendered or real.

A picture is float32 [H, W, 3] of displayed brightness, 0..1, red green blue. Every random number is drawn before the
strength is used, so that with the same generator state a stronger weather is the same weather, only more of it.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.errors import UsageError
from engine.scenes.surface import FloatArray, cloudlike

Weather = Literal["clear", "cloud", "fog", "dark"]
WEATHERS: tuple[Weather, ...] = get_args(Weather)

Seen = tuple[FloatArray, NDArray[np.bool_]]
"""The picture under the weather, and where the ground cannot be seen any more, bool [H, W]."""

_OPAQUE = 0.88
"""Share of white above which nothing of the ground is left to the eye."""


def add_weather(
    picture: FloatArray, weather: Weather, strength: float, sun_deg: tuple[float, float], rng: np.random.Generator
) -> Seen:
    """``picture`` [H, W, 3] under ``weather``, and where the ground is hidden by it (bool [H, W]).

    ``strength`` runs from 0 (nothing of it) to 1 and is the share of sky covered by clouds, the density of fog, or
    how far the light has gone. ``sun_deg`` is (azimuth towards the sun clockwise from up, elevation): clouds throw
    their shadow away from it. ``picture`` is left as it is. Raises :class:`~engine.errors.UsageError` for a strength
    outside 0..1, an unknown weather, and a picture that is not [H, W, 3].
    """
    if not 0 <= strength <= 1:
        raise UsageError(f"Weather has no strength of {strength}.", remedy="Choose a strength from 0 to 1.")
    if weather not in WEATHERS:
        raise UsageError(f"There is no weather “{weather}”.", remedy=f"Choose one of {', '.join(WEATHERS)}.")
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise UsageError(
            f"A picture of shape {picture.shape} has no red, green and blue.", remedy="Give height, width and 3 bands."
        )
    if weather == "clear" or strength == 0:
        return picture.copy(), np.zeros(picture.shape[:2], bool)
    if weather == "cloud":
        return _cloud(picture, strength, sun_deg, rng)
    if weather == "fog":
        return _fog(picture, strength, rng)
    return _dark(picture, strength, rng)


def _cloud(picture: FloatArray, strength: float, sun_deg: tuple[float, float], rng: np.random.Generator) -> Seen:
    """Banks, broken cumulus or veils of cirrus over a share of the view, and their shadow on the ground.

    Light that passes a cloud of optical thickness t falls off as exp(-t) (Beer and Lambert); t grows from the rim
    inwards. The field is made larger than the view, as the cloud that throws a shadow may stand outside.
    """
    height, width = picture.shape[:2]
    side = math.sqrt(256.0 * max(height, width))  # lumps grow with the root of the view: a large one has more of them
    share, span, drift, sort = (float(x) for x in rng.random(4))
    lump, gradient = (0.25 + 0.35 * span, 4.0) if sort < 0.45 else (0.10 + 0.12 * span, 7.0)
    away = math.radians(sun_deg[0] + 180)
    distance = (0.06 + 0.08 * drift) * side / math.tan(math.radians(min(max(sun_deg[1], 20.0), 80.0)))
    dx, dy = round(distance * math.sin(away)), round(-distance * math.cos(away))
    margin = max(abs(dx), abs(dy))
    bank = cloudlike(rng, (height + 2 * margin, width + 2 * margin), lump * side, 6)
    if sort > 0.85:  # cirrus: drawn out along the wind, and thick only where there is much of it
        bank = _drawn_out(bank, 0.08 * side, axis=int(sort * 1000) % 2)
        gradient = 2.0 + 4.0 * strength
    threshold = float(np.quantile(bank[::4, ::4], 1 - strength * (0.7 + 0.3 * share)))
    thickness = np.float32(gradient) * np.maximum(bank - np.float32(threshold), 0)
    alpha = 1 - np.exp(-thickness)
    view = (slice(margin, margin + height), slice(margin, margin + width))
    behind = (slice(margin - dy, margin - dy + height), slice(margin - dx, margin - dx + width))
    shadow = ndimage.gaussian_filter(alpha[behind], 0.006 * side)
    ground = picture * (1 - shadow[..., None] * np.array((0.58, 0.55, 0.48), np.float32))
    down, right = np.gradient(ndimage.gaussian_filter(bank[view], 0.006 * side))
    facing = side / 40 * (down * math.cos(away) - right * math.sin(away))
    white = (0.9 + 0.08 * np.tanh(facing)).astype(np.float32)
    tinted = white[..., None] * np.array((0.98, 0.99, 1.0), np.float32)
    opacity = alpha[view][..., None]
    seen = np.clip(ground + (tinted - ground) * opacity, 0, 1).astype(np.float32)
    return seen, np.asarray(alpha[view] > _OPAQUE)


def _drawn_out(bank: FloatArray, length: float, axis: int) -> FloatArray:
    """``bank`` smeared along one axis, to the spread it had."""
    smeared: FloatArray = ndimage.gaussian_filter1d(bank, length, axis=axis)
    return smeared * np.float32(float(bank.std()) / max(float(smeared.std()), 1e-6))


def _fog(picture: FloatArray, strength: float, rng: np.random.Generator) -> Seen:
    """A veil of uneven density: contrast falls as exp(-density) (Koschmieder), and edges soften a little."""
    height, width = picture.shape[:2]
    thick, tone = float(rng.uniform(1.8, 2.9)), float(rng.uniform(0.62, 0.84))
    tint = (1 + rng.uniform(-0.02, 0.02, 3)).astype(np.float32) * np.float32(tone)
    patches = cloudlike(rng, (height, width), 0.6 * math.sqrt(256.0 * max(height, width)), 4)
    density = np.float32(strength * thick) * np.clip(1 + 0.3 * patches, 0.35, 1.8)
    left = np.exp(-density)
    soft = np.stack([ndimage.gaussian_filter(picture[..., band], 1.1 * strength) for band in range(3)], axis=-1)
    seen = np.clip(soft * left[..., None] + tint * (1 - left[..., None]), 0, 1).astype(np.float32)
    return seen, np.asarray(1 - left > _OPAQUE)


def _dark(picture: FloatArray, strength: float, rng: np.random.Generator) -> Seen:
    """Little light, bluish as at dusk: the fewer photons, the more their shot noise shows beside the read noise.

    Ground is hidden where its brightness, averaged over a few pixels, is below twice the noise of one of them: what
    stands out on it does so by less than half of that.
    """
    stops, read = float(rng.uniform(2.3, 3.6)), float(rng.uniform(0.006, 0.014))
    photons = float(rng.uniform(250, 700))  # at full brightness in full light, after the camera has turned its gain up
    grain = rng.standard_normal(picture.shape, np.float32)
    level = math.exp(-strength * stops)
    lit = picture * np.array((0.92, 0.97, 1.1), np.float32) ** np.float32(strength) * np.float32(level)
    noise = np.sqrt(lit * np.float32(strength / photons) + np.float32((strength * read) ** 2))
    smooth = ndimage.uniform_filter(lit.mean(axis=2), 5)
    hidden = smooth < 2 * np.sqrt(smooth * (strength / photons) + (strength * read) ** 2)
    seen = np.clip(lit + grain * noise, 0, 1).astype(np.float32)
    return seen, np.asarray(hidden)
