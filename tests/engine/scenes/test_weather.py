"""Weather: more of it hides more, it follows the sun, and it works on any picture."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from engine.errors import UsageError
from engine.scenes.optics.weather import WEATHERS, Weather, add_weather

SUN = (135.0, 45.0)
STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def textured(size: tuple[int, int] = (96, 128), seed: int = 0) -> NDArray[np.float32]:
    """A picture with contrast at several scales, mostly between 0.2 and 0.7."""
    rng = np.random.default_rng(seed)
    noise = sum(ndimage.gaussian_filter(rng.standard_normal((*size, 3)), (s, s, 0)) * s for s in (1, 4, 12))
    return np.clip(0.45 + 0.15 * noise, 0.05, 0.95).astype(np.float32)


def under(weather: Weather, strength: float, seed: int = 3) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    return add_weather(textured(), weather, strength, SUN, np.random.default_rng(seed))


@given(
    picture=arrays(
        np.float32, st.tuples(st.integers(3, 70), st.integers(3, 70), st.just(3)), elements=st.floats(0, 1, width=32)
    ),
    weather=st.sampled_from(WEATHERS),
    strength=st.floats(0, 1),
    azimuth=st.floats(0, 360),
    elevation=st.floats(1, 90),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_any_picture_stays_a_picture(
    picture: NDArray[np.float32], weather: Weather, strength: float, azimuth: float, elevation: float, seed: int
) -> None:
    before = picture.copy()
    seen, hidden = add_weather(picture, weather, strength, (azimuth, elevation), np.random.default_rng(seed))
    assert (seen.shape, seen.dtype) == (picture.shape, np.float32)
    assert (hidden.shape, hidden.dtype) == (picture.shape[:2], bool)
    assert np.isfinite(seen).all()
    assert seen.min() >= 0
    assert seen.max() <= 1
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("weather", WEATHERS)
def test_no_strength_is_no_weather(weather: Weather) -> None:
    seen, hidden = under(weather, 0.0)
    np.testing.assert_array_equal(seen, textured())
    assert not hidden.any()


def test_clear_changes_nothing_at_any_strength() -> None:
    seen, hidden = under("clear", 1.0)
    np.testing.assert_array_equal(seen, textured())
    assert not hidden.any()


@pytest.mark.parametrize("weather", ["cloud", "fog", "dark"])
@pytest.mark.parametrize("seed", range(5))
def test_more_of_it_hides_more(weather: Weather, seed: int) -> None:
    shares = [under(weather, strength, seed)[1].mean() for strength in STRENGTHS]
    assert all(b >= a for a, b in pairwise(shares))


def test_clouds_hide_no_more_than_they_are_strong_and_most_at_full_strength() -> None:
    """Strength is the share of sky that is covered; rims and thin cloud cover ground without hiding it."""
    hidden = np.array([[under("cloud", strength, seed)[1].mean() for strength in STRENGTHS] for seed in range(40)])
    assert (hidden <= np.array(STRENGTHS) + 0.05).all()
    assert hidden[:, -1].min() > 0.35
    assert np.median(hidden[:, -1]) > 0.7


@pytest.mark.parametrize("seed", range(5))
def test_fog_takes_contrast_away(seed: int) -> None:
    contrast = [
        float(np.std(seen - ndimage.gaussian_filter(seen, (8, 8, 0))))
        for seen in (under("fog", strength, seed)[0] for strength in STRENGTHS)
    ]
    assert all(b < a for a, b in pairwise(contrast))
    # The thinnest fog has a density of 1.8, and 0.35 of that in its gaps: exp(-0.63) of the contrast is left there.
    assert contrast[-1] < 0.53 * contrast[0]


def test_the_usual_fog_leaves_little() -> None:
    clear = textured()

    def left(seed: int) -> float:
        seen = under("fog", 1.0, seed)[0]
        return float(np.std(seen - ndimage.gaussian_filter(seen, (8, 8, 0))))

    whole = float(np.std(clear - ndimage.gaussian_filter(clear, (8, 8, 0))))
    assert np.median([left(seed) for seed in range(40)]) < 0.25 * whole


@pytest.mark.parametrize("seed", range(5))
def test_darkness_takes_light_away_and_leaves_noise(seed: int) -> None:
    pictures = [under("dark", strength, seed)[0] for strength in STRENGTHS]
    light = [float(picture.mean()) for picture in pictures]
    assert all(b < a for a, b in pairwise(light))
    assert light[-1] < 0.15 * light[0]

    def noise_to_signal(picture: NDArray[np.float32]) -> float:
        fine = picture - ndimage.median_filter(picture, (3, 3, 1))
        return float(fine.std() / picture.mean())

    assert noise_to_signal(pictures[-1]) > 1.5 * noise_to_signal(pictures[0])


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 270.0])
def test_the_shadow_of_a_cloud_lies_away_from_the_sun(azimuth: float) -> None:
    """Dark ground is where cloud is, moved away from the sun: their correlation is highest there."""
    flat = np.full((160, 160, 3), 0.5, np.float32)
    away = math.radians(azimuth + 180)
    found = []
    for seed in range(6):
        seen, hidden = add_weather(flat, "cloud", 0.35, (azimuth, 35.0), np.random.default_rng(seed))
        shadow = ((seen.mean(axis=2) < 0.4) & ~hidden).astype(float)
        cloud = hidden.astype(float)
        best = max(range(-40, 41, 2), key=lambda d: float((shadow * _moved(cloud, d, away)).sum()))
        found.append(best)
    assert np.median(found) > 0


def _moved(values: NDArray[np.float64], distance: float, direction: float) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = ndimage.shift(
        values, (-distance * math.cos(direction), distance * math.sin(direction)), order=0
    )
    return moved


def test_hidden_ground_cannot_be_seen() -> None:
    """Two grounds that differ everywhere look the same where cloud or fog hides them."""
    for weather in ("cloud", "fog"):
        rng = [np.random.default_rng(8) for _ in range(2)]
        one, hidden = add_weather(textured(seed=1), weather, 0.9, SUN, rng[0])
        other, _ = add_weather(textured(seed=2), weather, 0.9, SUN, rng[1])
        assert hidden.any()
        assert (
            float(np.abs(one - other)[hidden].mean()) < 0.04 < float(np.abs(textured(seed=1) - textured(seed=2)).mean())
        )


def test_the_same_state_gives_the_same_bytes() -> None:
    for weather in WEATHERS:
        np.testing.assert_array_equal(under(weather, 0.7)[0], under(weather, 0.7)[0])


def test_orders_that_make_no_sense_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="strength"):
        add_weather(textured(), "cloud", 1.5, SUN, rng)
    with pytest.raises(UsageError, match="no weather"):
        add_weather(textured(), "hail", 0.5, SUN, rng)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="red, green and blue"):
        add_weather(textured()[..., 0], "fog", 0.5, SUN, rng)
