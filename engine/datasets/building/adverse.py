"""Cloud, fog and low light on optical images that the user has (TGFNet, section IV-B, "Image Processing").

The weather itself is :func:`engine.scenes.optics.weather.add_weather`, which works on brightness from 0 to 1. Images of
8 bits have 255 for 1. Any others, whole numbers or reflectance, are stretched: the brightness that only one pixel in
200 is below becomes 0, that which only one in 200 exceeds 1, the same for all bands, so that colours stay; afterwards
it is turned back, so that the image keeps its type and its range, less what lay beyond the stretch.

Only the bands that are shown are written: red, green and blue, or the one there is. Place on Earth and type are kept.
Empty pixels stay empty where the file has a number for them; elsewhere they are 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.datasets.dataset import Faults, Progress
from engine.datasets.readers.files import images_in
from engine.datasets.writing.unique_names import UniqueNames
from engine.datasets.writing.whole_folder import whole_folder, write_report
from engine.draws import Draws, SteadyGenerator
from engine.errors import Cancelled, InputRefused, UsageError
from engine.raster import Raster, open_raster, replacing, stretch_limits, write_geotiff
from engine.records import Grid, PixelWindow
from engine.scenes.optics.weather import WEATHERS, Weather, add_weather
from engine.scenes.truths.truth import weather_word

REPORT = "adverse_report.json"
LINES = "adverse.jsonl"
"""One JSON object per image: what was done to it."""

MOST_PIXELS = 4096 * 4096
"""Weather is one field over the whole image, made in about 130 bytes a pixel."""

_MOST_BYTES = 1 << 30  # for reading that many pixels of three bands of any type
_WEATHER_STREAM = 11
_STRETCH_PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True, slots=True)
class Weathered:
    """An image under weather.

    ``pixels`` [bands, rows, columns] are of the file's type, on ``grid``, empty where they are ``nodata``. ``hidden``,
    bool [rows, columns], is where nothing of the ground can be seen any more. ``stretch`` is what brightness 0 and 1
    were.
    """

    pixels: NDArray[np.generic]
    grid: Grid
    nodata: float | None
    hidden: NDArray[np.bool_]
    stretch: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Adversity:
    """What was done to a folder: one object per image, as in :data:`LINES`, and sentences about all of them."""

    folder: Path
    done: tuple[Mapping[str, Any], ...]
    left_out: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def weathered(path: Path, weather: Weather, strength: float, seed: int, number: int) -> Weathered:
    """The optical image at ``path`` under ``weather`` of ``strength`` (0..1).

    ``seed`` and ``number``, the image's place in its set, decide the clouds and where the sun stands. Raises
    :class:`InputRefused` for an image above :data:`MOST_PIXELS`, one whose numbers have a scale of their own, and one
    that is no brightness (complex numbers, decibels), :class:`RasterUnreadable`, and :class:`UsageError` for a weather
    or strength there is not.
    """
    draws = Draws(seed, _WEATHER_STREAM + 2 * number)
    sun_deg = draws.uniform(0, 360), draws.uniform(30, 65)
    with open_raster(path, sensor="optical") as raster:
        dtype = _require_usable(raster)
        grid, nodata = raster.info.grid, _fitting(raster.info.bands[raster.info.choice.bands[0] - 1].nodata, dtype)
        window = PixelWindow(0, 0, grid.width, grid.height)
        read = raster.read(window, grid.width, grid.height, max_bytes=_MOST_BYTES)
    low, high = _stretch(read.values, read.valid, dtype)
    if not high > 0:
        raise InputRefused(f"{path.name} has no brightness: nothing in it is above 0.", remedy="Give optical images.")
    picture = np.nan_to_num((read.values - np.float32(low)) / np.float32(high - low), nan=0.0).clip(0, 1)
    rgb = np.ascontiguousarray(np.broadcast_to(picture, (3, *picture.shape[1:])).transpose(1, 2, 0))
    rng = SteadyGenerator(seed, _WEATHER_STREAM + 2 * number + 1)
    seen, hidden = add_weather(rgb, weather, strength, sun_deg, rng)
    bands = seen.transpose(2, 0, 1) if len(picture) == 3 else seen.mean(axis=2)[np.newaxis]
    pixels = _stored(bands * np.float32(high - low) + np.float32(low), dtype)
    if nodata is not None:  # night must not make holes in an image
        pixels[pixels == nodata] += -1 if nodata == _most(dtype) else 1
    pixels[:, ~read.valid] = 0 if nodata is None else nodata
    return Weathered(pixels, grid, nodata, hidden & read.valid, (low, high))


def _require_usable(raster: Raster) -> np.dtype[Any]:
    """The type of the shown bands; raises :class:`InputRefused` for what cannot be brightness."""
    name, grid = raster.path.name, raster.info.grid
    if grid.width * grid.height > MOST_PIXELS:
        raise InputRefused(
            f"{name} has {grid.width} x {grid.height} pixels, more than the {MOST_PIXELS:,} that weather is made for.",
            remedy="Cut it into smaller images first.",
        )
    band = raster.info.bands[raster.info.choice.bands[0] - 1]
    if band.dtype.startswith("complex"):
        raise InputRefused(f"{name} has complex numbers: it is no optical image.", remedy="Give optical images.")
    if (band.scale, band.offset) != (1.0, 0.0):
        raise InputRefused(
            f"The numbers of {name} have a scale of their own.",
            remedy="Write the image without scale and offset first.",
        )
    return np.dtype("uint8" if raster.palette is not None else band.dtype)


def _fitting(nodata: float | None, dtype: np.dtype[Any]) -> float | None:
    """The number of empty pixels, if the type can hold it; files tell of others, too."""
    if nodata is None or dtype.kind == "f":
        return nodata
    return nodata if np.iinfo(dtype).min <= nodata <= _most(dtype) and float(nodata).is_integer() else None


def _stretch(values: NDArray[np.float32], valid: NDArray[np.bool_], dtype: np.dtype[Any]) -> tuple[float, float]:
    """Which numbers are brightness 0 and 1."""
    if dtype == np.uint8:
        return 0.0, 255.0
    lows, highs = stretch_limits(values, valid, percentiles=_STRETCH_PERCENTILES)
    return min(lows), max(highs)


def _stored(values: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    """``values`` as numbers of ``dtype``, rounded and kept in its range where it is of whole numbers."""
    if dtype.kind == "f":
        return values.astype(dtype)
    return np.rint(values).clip(np.iinfo(dtype).min, _most(dtype)).astype(dtype)


def _most(dtype: np.dtype[Any]) -> float:
    """The largest number of a type."""
    return float(np.finfo(dtype).max if dtype.kind == "f" else np.iinfo(dtype).max)


# ---- a folder of images


def build_adverse(
    images: Path,
    out: Path,
    weather: Weather,
    strength: float,
    seed: int = 0,
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Adversity:
    """Write every optical image of ``images`` under ``weather`` into ``out``, which appears whole or not at all.

    An image becomes a GeoTIFF of the same stem; an image that cannot be used is left out and listed. Beside the images
    there are :data:`LINES` and the report. Raises :class:`UsageError` for a weather or strength there is not, or an
    ``out`` inside ``images``, :class:`InputRefused` where no image can be used, :class:`ExportRefused`,
    :class:`Cancelled`.
    """
    if weather not in WEATHERS or weather == "clear" or not 0 < strength <= 1:
        raise UsageError(
            f"There is no adverse weather “{weather}” of strength {strength:g}.",
            remedy="Choose cloud, fog or dark, and a strength above 0, up to 1.",
        )
    faults = Faults(images)
    paths = list(images_in(images, faults).values())
    done: list[Mapping[str, Any]] = []
    with whole_folder(out, REPORT, images) as folder:
        for number, (path, name) in enumerate(_named(paths)):
            progress("Making weather", number / len(paths))
            if cancelled():
                raise Cancelled("Making weather was stopped.")
            try:
                made = weathered(path, weather, strength, seed, number)
            except InputRefused as error:
                faults.add(path, None, error.sentence)
                continue
            write_geotiff(folder / name, made.pixels, made.grid, nodata=made.nodata, tags=_tags(weather, strength))
            done.append({"image": name, "source": path.name} | _line(made, weather, strength))
        left_out = tuple({"source": fault.file, "why": fault.what} for fault in faults.found)
        if not done:
            why = f" {left_out[0]['source']}: {left_out[0]['why']}" if left_out else ""
            raise InputRefused(f"There is no image in {images} that can be used.{why}", remedy="Give optical images.")
        with replacing(folder / LINES) as temporary:
            temporary.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in done), "utf-8")
        notes = _notes(done)
        settings = {"images": str(images), "weather": weather, "strength": strength, "seed": seed}
        write_report(folder, REPORT, {"settings": settings, "done": done, "left_out": left_out, "notes": notes})
    return Adversity(out, tuple(done), left_out, notes)


def _named(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    names = UniqueNames()
    for path in paths:
        yield path, names.free(f"{path.stem}.tif")


def _tags(weather: Weather, strength: float) -> dict[str, str]:
    return {"RSQA_WEATHER": weather, "RSQA_STRENGTH": f"{strength:g}"}


def _line(made: Weathered, weather: Weather, strength: float) -> dict[str, Any]:
    """What was done to an image; ``fog_dark`` is the attribute's word, null where the weather is too weak."""
    return {
        "weather": weather,
        "strength": strength,
        "fog_dark": weather_word(weather, strength),
        "hidden_share": round(float(made.hidden.mean()), 4),
        "type": made.pixels.dtype.name,
        "stretch": [round(limit, 6) for limit in made.stretch],
    }


def _notes(done: list[Mapping[str, Any]]) -> tuple[str, ...]:
    stretched = sum(line["type"] != "uint8" for line in done)
    if not stretched:
        return ()
    return (
        f"Images not of 8 bits: {stretched:,}. Their brightness was stretched, and what lay beyond it cut off: see "
        f"“stretch” in {LINES}.",
    )
