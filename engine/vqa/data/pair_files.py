"""An optical and a SAR file of one place as the network's square, by the rules that the predictor goes by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.draws import SteadyGenerator
from engine.errors import InputRefused
from engine.nn.preprocess import Floats, Mask, PreprocessSpec, as_bytes, letterbox, stretch_optical, stretch_sar
from engine.scenes.optics.weather import Weather
from engine.training.pictures import DecodedPicture, decode_picture
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
    """Decode, stretch and letterbox a pair; an absent sensor is 0 and valid nowhere.

    The two images of a data set's pair share their pixel frame, so they are not warped. Raises
    :class:`~engine.errors.InputRefused` for a file that cannot be read, images of different sizes, and a pair without
    any data.
    """
    optical = decode_picture(files.optical, "optical", size) if files.optical else None
    sar = decode_picture(files.sar, "sar", size) if files.sar else None
    if optical and sar and (optical.width, optical.height) != (sar.width, sar.height):
        raise InputRefused(
            f"The optical image has {optical.width} x {optical.height} pixels, the SAR image {sar.width} x "
            f"{sar.height}: they do not show one area pixel by pixel."
        )
    known = optical or sar
    if known is None or not any(part is not None and part.valid.any() for part in (optical, sar)):
        raise InputRefused("No sensor has any data.")
    pictures = np.zeros((1 + len(files.weathers), 3, size, size), np.uint8)
    echo, nowhere = np.zeros((size, size), np.uint8), np.zeros((size, size), bool)
    optical_valid = sar_valid = nowhere
    if optical:
        shown = [stretch_optical(optical.values, optical.valid, preprocess), *_weathered(optical, files, preprocess)]
        squares = [letterbox(picture, optical.valid, size) for picture in shown]
        pictures[:] = np.stack([as_bytes(np.broadcast_to(s.values, (3, size, size))) for s in squares])
        optical_valid = squares[0].valid_share > 0.5
    if sar:
        square = letterbox(stretch_sar(sar.values, sar.valid, sar.unit, preprocess), sar.valid, size)
        echo, sar_valid = as_bytes(square.values[0]), square.valid_share > 0.5
    zoom = max(known.width, known.height) / size
    gsd_m = None if known.gsd_m is None else known.gsd_m * zoom
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
