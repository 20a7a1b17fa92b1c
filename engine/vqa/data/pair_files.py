"""An optical and a SAR file of one place as the network's square, by the rules that the predictor goes by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.draws import SteadyGenerator
from engine.nn.preprocess import Floats, Mask, PreprocessSpec, as_bytes, letterbox
from engine.scenes.optics.weather import Weather
from engine.training.pictures import DecodedPicture, decode_pair, square_picture
from engine.vqa.data.weathers import drawn_strength, drawn_sun, put_weather

_CLOUD_STREAM = 41
_BRIGHTNESS_PERCENTILES = (0.5, 99.5)
"""What of an image that is not of 8 bits is brightness 0 and 1, as in ``engine.datasets.building.adverse``."""


@dataclass(frozen=True, slots=True)
class PairFiles:
    """One view: its files (None for an absent sensor), a number that decides its weathers, and which are made."""

    optical: Path | None
    sar: Path | None
    seed: int
    weathers: tuple[Weather, ...]


@dataclass(frozen=True, slots=True)
class PairRead:
    """``optical`` uint8 [V, 3, size, size], the first as it is; ``sar`` uint8 [size, size]; masks bool [size, size].

    ``gsd_m`` are metres per pixel of the square, None where the files do not tell.
    """

    optical: NDArray[np.uint8]
    sar: NDArray[np.uint8]
    optical_valid: Mask
    sar_valid: Mask
    gsd_m: float | None


def read_pair(files: PairFiles, size: int, preprocess: PreprocessSpec) -> PairRead:
    """Decode, stretch and letterbox a pair; an absent sensor is 0 and valid nowhere. Raises as ``decode_pair`` does."""
    optical, sar = decode_pair(files.optical, files.sar, size)
    pictures = np.zeros((1 + len(files.weathers), 3, size, size), np.uint8)
    echo, nowhere = np.zeros((size, size), np.uint8), np.zeros((size, size), bool)
    optical_valid = sar_valid = nowhere
    gsd_m: float | None = None
    if sar:
        square = square_picture(sar, "sar", size, preprocess)
        echo, sar_valid, gsd_m = square.pixels[0], square.valid, square.gsd_m
    if optical:
        square = square_picture(optical, "optical", size, preprocess)
        weathered = [letterbox(levels, optical.valid, size).values for levels in _weathered(optical, files, preprocess)]
        pictures[:] = np.stack([np.broadcast_to(square.pixels, (3, size, size)), *map(as_bytes, weathered)])
        optical_valid, gsd_m = square.valid, square.gsd_m
    return PairRead(pictures, echo, optical_valid, sar_valid, gsd_m)


def _weathered(optical: DecodedPicture, files: PairFiles, preprocess: PreprocessSpec) -> list[Floats]:
    """The optical picture under each of the weathers, stretched, [3, h, w]."""
    if not files.weathers:
        return []
    brightness = np.broadcast_to(_brightness(optical), (3, *optical.valid.shape))
    sun_deg = drawn_sun(files.seed)
    return [
        put_weather(
            brightness, optical.valid, weather, drawn_strength(files.seed, weather), sun_deg,
            SteadyGenerator(files.seed, _CLOUD_STREAM), preprocess,
        )
        for weather in files.weathers
    ]  # fmt: skip


def _brightness(optical: DecodedPicture) -> Floats:
    """The picture [bands, h, w] as displayed brightness, 0..1; 0 where there is no data."""
    known = optical.values[:, optical.valid]
    if optical.dtype == "uint8":
        low, high = 0.0, 255.0
    else:
        low, high = (float(limit) for limit in np.percentile(known, _BRIGHTNESS_PERCENTILES)) if known.size else (0, 1)
    scaled: Floats = (np.where(optical.valid, optical.values, low) - np.float32(low)) / np.float32(
        max(high - low, 1e-6)
    )
    return np.clip(scaled, 0, 1).astype(np.float32)
