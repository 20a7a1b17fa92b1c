"""Adverse weather on optical pictures that were taken in another: what a network is hardened and tried with.

A scene is rendered again in the other weather (``engine.scenes.under_weathers``). On a picture from a file, and while
training on pictures without kept variants, the weather is put over what there is (``engine.scenes.add_weather``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.draws import Draws
from engine.errors import UsageError
from engine.nn.preprocess import Floats, Mask, PreprocessSpec, stretch_optical
from engine.scenes.optics.weather import WEATHERS, Weather, add_weather
from engine.vqa.augment import PairPixels
from engine.vqa.data.question_set import AS_IT_IS

ADVERSE: tuple[Weather, ...] = tuple(weather for weather in WEATHERS if weather != "clear")

STRENGTHS = (0.3, 1.0)
"""Least and most strength of a weather that is put on; the same as scenes draw their own from."""

SUN_ELEVATIONS_DEG = (30.0, 65.0)
"""Where the sun may stand that throws the clouds' shadows."""

_STRENGTH_STREAM, _SUN_STREAM = 21, 31


def checked_variants(variants: Sequence[str], known: Sequence[Weather] = WEATHERS) -> tuple[Weather, ...]:
    """``variants`` as weathers. Raises :class:`UsageError` for one that is not ``known`` or there twice."""
    for name in variants:
        if name not in known or list(variants).count(name) > 1:
            raise UsageError(
                f"The variants {', '.join(variants)} cannot be made.",
                remedy=f"Name each once, of {', '.join(known)}; a picture as it is (“{AS_IT_IS}”) is always there.",
            )
    return tuple(weather for name in variants for weather in known if weather == name)


def drawn_strength(seed: int, weather: Weather) -> float:
    """How much of ``weather`` view ``seed`` gets: within :data:`STRENGTHS`, 0 where clear."""
    if weather == "clear":
        return 0.0
    return round(Draws(seed, _STRENGTH_STREAM + WEATHERS.index(weather)).uniform(*STRENGTHS), 2)


def drawn_sun(seed: int) -> tuple[float, float]:
    """Azimuth and elevation of the sun in degrees, for a picture that does not tell."""
    draws = Draws(seed, _SUN_STREAM)
    return draws.uniform(0, 360), draws.uniform(*SUN_ELEVATIONS_DEG)


def put_weather(
    picture: Floats,
    valid: Mask,
    weather: Weather,
    strength: float,
    sun_deg: tuple[float, float],
    rng: np.random.Generator,
    preprocess: PreprocessSpec,
) -> Floats:
    """``picture`` [3, h, w] of brightness 0..1 under ``weather``, stretched as every picture is before it is shown.

    Stretching afterwards is what makes a dark picture noisy rather than black, for the network as for the eye. 0 where
    not ``valid`` [h, w].
    """
    rgb = np.ascontiguousarray(picture.transpose(1, 2, 0))  # [h, w, 3]
    seen, _ = add_weather(rgb, weather, strength, sun_deg, rng)
    return stretch_optical(np.ascontiguousarray(seen.transpose(2, 0, 1)), valid, preprocess)


def with_drawn_weather(
    pair: PairPixels, weather: Weather, rng: np.random.Generator, preprocess: PreprocessSpec
) -> PairPixels:
    """``pair`` with its optical picture under ``weather`` of a drawn strength and sun; SAR sees through it."""
    strength = float(rng.uniform(*STRENGTHS))
    sun_deg = float(rng.uniform(0, 360)), float(rng.uniform(*SUN_ELEVATIONS_DEG))
    optical = put_weather(pair.optical, pair.optical_valid, weather, strength, sun_deg, rng, preprocess)
    return replace(pair, optical=optical)
