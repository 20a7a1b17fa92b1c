"""What a raster is, from its header, its name and a few sampled pixels: :func:`describe` makes its RasterInfo."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader

from engine.raster.bands import choose_bands
from engine.raster.grids import ground_sampling_m, is_of_earth
from engine.raster.sar import recognise_unit
from engine.raster.warping import Georeferencing, georeferencing
from engine.records import BandInfo, Grid, RasterInfo
from engine.records.raster import Sensor

# Of the tags that carry a date, best first; TIFFTAG_DATETIME is when the file was written, so names go before it.
_DATE_TAGS = (
    "acquisition_date",
    "acquisitiondatetime",
    "date_acquired",
    "sensing_time",
    "datetime",
    "product_start_time",
)
_DATE_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%Y:%m:%d", "%Y/%m/%d", "%Y%m%d", "%d-%m-%Y", "%d-%b-%Y")
# Sentinel's own names: S2B_MSIL2A_20170924T93020, s1a-iw1-slc-hh-20220414t102211.
_NAMED_DATE = re.compile(r"(?<!\d)((?:19|20)\d{6})t\d{5,6}(?!\d)", re.IGNORECASE)
_SAR_MISSION = re.compile(r"(?<![a-z0-9])s1[abc]?[-_]", re.IGNORECASE)
_OPTICAL_MISSION = re.compile(r"(?<![a-z0-9])s2[abc]?[-_]", re.IGNORECASE)

_SAR_WORDS = re.compile(
    r"(?<![a-z0-9])(s1[abc]?|s1rtc|s1grd|s1slc|sentinel-?1[abc]?|sar|grdh?|slc|vv|vh|hh|hv|sigma0|gamma0)(?![a-z0-9])"
)
_OPTICAL_WORDS = re.compile(
    r"(?<![a-z0-9])(s2[abc]?|s2l[12][ac]|s2rgb|sentinel-?2[abc]?|opt|optical|rgb|rgba|msi\w*|landsat\d?|naip|pan\d?|"
    r"ms\d?)(?![a-z0-9])"
)
_OPTICAL_BAND = re.compile(r"\b(b\d{1,2}a?|red|green|blue|nir|swir\d?)\b", re.IGNORECASE)

# Values that stand for "nothing here" in files whose nodata tag was lost: none can be backscatter or reflectance.
_IMPOSSIBLE = (-9999.0, -99999.0, -999.0, -99.0, -32768.0, -32767.0)
# So often must the very same number stand in the sample; a measurement in floating point hardly repeats.
_FILL_COUNT = 64


@dataclass(frozen=True)
class Description:
    """The record, and what reading needs beyond it: how the file is tied to the ground, and an untagged fill value."""

    info: RasterInfo
    tie: Georeferencing
    fill: float | None


def describe(
    dataset: DatasetReader, path: Path, sample: NDArray[np.float64], sensor: Sensor, asked: tuple[int, ...] | None
) -> Description:
    """Everything known about an open file.

    ``sample`` are some stored values of band 1 (complex as amplitude). Runs inside ``gdal(...)``; raises what
    :func:`choose_bands` does.
    """
    bands = band_infos(dataset)
    tie = georeferencing(dataset)
    notices = list(tie.notices)
    texts = _texts(dataset, path)
    sensor = sensor if sensor != "unknown" else guess_sensor(bands, texts, sample)
    choice, notice = choose_bands(bands, sensor, asked, path.name)
    notices += [notice] if notice else []
    first = bands[choice.bands[0] - 1]
    fill = untagged_fill(first, sensor, sample)
    if fill is not None:
        notices.append(f"No nodata tag, but {fill:g} fills part of the picture: pixels of that value count as empty.")
    unit = None
    if sensor == "sar":
        stored = sample[np.isfinite(sample) & (sample != fill) & (sample != first.nodata)]
        unit = recognise_unit(first.dtype, texts[:2], stored * first.scale + first.offset)
        if unit in ("digital-number", "stretched-8bit"):
            notices.append("The SAR values are not calibrated: decibels are relative.")
    info = RasterInfo(
        path=str(path),
        driver=dataset.driver,
        grid=_measured(tie.grid, notices),
        bands=bands,
        georeference=tie.kind,
        sensor=sensor,
        choice=choice,
        blocks=tuple(dataset.block_shapes[0]),
        overviews=tuple(dataset.overviews(1)),
        sar_unit=unit,
        acquired=acquisition_date(dataset.tags(), path, sensor),
        notices=tuple(notices),
    )
    return Description(info, tie, fill)


def band_infos(dataset: DatasetReader) -> tuple[BandInfo, ...]:
    """One record per band, from the header alone."""
    return tuple(
        BandInfo(
            index=i + 1,
            dtype=dataset.dtypes[i],
            description=dataset.descriptions[i] or "",
            colour=dataset.colorinterp[i].name,
            nodata=dataset.nodatavals[i],
            scale=dataset.scales[i],
            offset=dataset.offsets[i],
            unit=dataset.units[i] or "",
        )
        for i in range(dataset.count)
    )


def guess_sensor(bands: tuple[BandInfo, ...], texts: list[str], sample: NDArray[np.float64]) -> Sensor:
    """Optical, SAR or unknown; ``texts`` are the most telling words first (descriptions, file name, folders, tags)."""
    if bands[0].dtype.startswith("complex"):
        return "sar"
    colours = {band.colour for band in bands}
    if any(_OPTICAL_BAND.search(band.description) for band in bands):
        return "optical"
    for text in texts:
        sar, optical = _SAR_WORDS.search(text), _OPTICAL_WORDS.search(text)
        if (sar is None) != (optical is None):
            return "sar" if sar else "optical"
    if {"red", "green", "blue"} <= colours:
        return "optical"
    finite = sample[np.isfinite(sample)]
    decibels = finite[(finite > -60) & (finite < 30)]
    if bands[0].dtype.startswith("float") and len(bands) <= 4 and decibels.size > finite.size / 2:
        # Backscatter in dB is negative nearly everywhere; reflectances and elevations rarely are, and not to -20.
        return "sar" if np.percentile(decibels, 75) < 0 and np.percentile(decibels, 5) < -5 else "unknown"
    return "optical" if len(bands) >= 3 else "unknown"


def untagged_fill(band: BandInfo, sensor: Sensor, sample: NDArray[np.float64]) -> float | None:
    """A fill value that the file does not declare, from how often it stands in the sample.

    Zero counts only for floating-point and 16-bit SAR, where it cannot be a measurement (Sentinel-1's borders); in an
    image it may be a shadow, in 8-bit SAR the dark end of the stretch.
    """
    if band.nodata is not None or band.dtype.startswith("complex"):
        return None
    zero_too = sensor == "sar" and band.dtype in ("float32", "float64", "uint16")
    for value in (*_IMPOSSIBLE, 0.0) if zero_too else _IMPOSSIBLE:
        count = int(np.count_nonzero(sample == value))
        if _FILL_COUNT <= count < sample.size:
            return value
    return None


def acquisition_date(tags: dict[str, str], path: Path, sensor: Sensor) -> str | None:
    """The ISO date of acquisition from tags, else from a Sentinel-style name in tags or path, else TIFF's own date.

    A pair's SAR file often lies in a folder named after its optical scene: the other mission's names don't count.
    """
    other = {"sar": _OPTICAL_MISSION, "optical": _SAR_MISSION}.get(sensor)
    lowered = {key.lower(): value for key, value in tags.items()}
    for key in _DATE_TAGS:
        found = _parse_date(lowered.get(key, ""))
        if found:
            return found
    for text in (*lowered.values(), path.name, *(parent.name for parent in list(path.parents)[:3])):
        match = _NAMED_DATE.search(text)
        if other is not None and other.search(text):
            continue
        if match and (found := _parse_date(match.group(1))):
            return found
    return _parse_date(lowered.get("tifftag_datetime", ""))


def _parse_date(text: str) -> str | None:
    word = re.split(r"[ T]", text.strip(), maxsplit=1)[0]
    for pattern in _DATE_FORMATS:
        try:
            return datetime.strptime(word, pattern).date().isoformat()
        except ValueError:
            continue
    return None


def _texts(dataset: DatasetReader, path: Path) -> list[str]:
    described = " ".join([*(d or "" for d in dataset.descriptions), *(u or "" for u in dataset.units)])
    folders = [parent.name for parent in list(path.parents)[:2]]
    tags = " ".join(f"{key} {value}" for key, value in dataset.tags().items())
    return [text.lower().replace("_", " ") for text in (described, path.stem, *folders, tags[:4000])]


def _measured(grid: Grid, notices: list[str]) -> Grid:
    """The grid with its metres per pixel; adds a notice for other planets."""
    if grid.crs is None:
        return grid
    gsd = ground_sampling_m(grid.width, grid.height, grid.transform, grid.crs)
    if not is_of_earth(grid.crs):
        notices.append("The CRS is not of the Earth.")
    if gsd is None or not math.isfinite(gsd):
        notices.append("Metres per pixel cannot be worked out for this CRS.")
    return Grid(grid.width, grid.height, grid.transform, grid.crs, gsd)
