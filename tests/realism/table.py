"""The table: each row a statistic of real and of rendered pictures, and how far apart they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from tests.realism import statistics as st
from tests.realism.pictures import Picture
from tests.realism.statistics import Floats

MOST_VALUES = 20000
"""Pixels that one picture gives to a distribution: more change no figure."""


@dataclass(frozen=True)
class Row:
    """One comparison.

    ``distance`` is the Wasserstein distance between the real and the rendered values, ``between_halves`` that between
    two halves of the real ones: as close as real places are to each other, NaN where there is but one. ``real`` and
    ``rendered`` are medians, ``real_n`` and ``rendered_n`` the values compared, ``places`` the real pictures.
    """

    name: str
    unit: str
    real: float
    rendered: float
    distance: float
    between_halves: float
    real_n: int
    rendered_n: int
    places: int

    @property
    def ratio(self) -> float:
        """Distance in units of that between the halves: 1 is as close as real places are."""
        return self.distance / self.between_halves

    def as_record(self) -> dict[str, float | str]:
        return {**asdict(self), "ratio": self.ratio}


Measure = Callable[[Picture], Floats]


def compare(name: str, unit: str, real: Sequence[Picture], made: Sequence[Picture], measure: Measure) -> Row:
    """The row of one statistic. Pictures in which ``measure`` finds nothing (an empty array) do not count.

    The halves are the earlier and the later pictures.
    """
    found = [values for values in map(measure, real) if values.size]
    ours = np.concatenate([values for values in map(measure, made) if values.size] or [np.zeros(0)])
    theirs = np.concatenate(found or [np.zeros(0)])
    if not theirs.size or not ours.size:
        return Row(name, unit, np.nan, np.nan, np.nan, np.nan, theirs.size, ours.size, len(found))
    half = len(found) // 2
    halves = st.wasserstein(np.concatenate(found[:half]), np.concatenate(found[half:])) if half else np.nan
    distance = st.wasserstein(theirs, ours)
    return Row(name, unit, float(np.median(theirs)), float(np.median(ours)), distance, halves, theirs.size, ours.size,
               len(found))  # fmt: skip


def _thinned(values: Floats) -> Floats:
    return values[:: max(len(values) // MOST_VALUES, 1)]


def _in_cover(cover: str, plane: Callable[[Picture], Floats]) -> Measure:
    """The values of one plane where ``cover`` is."""
    return lambda picture: _thinned(plane(picture)[picture.covers[cover]]) if cover in picture.covers else np.zeros(0)


def _number(statistic: Callable[[Floats], float], plane: Callable[[Picture], Floats]) -> Measure:
    """One figure per picture."""
    return lambda picture: np.array([statistic(plane(picture))])


def optical_grey(picture: Picture) -> Floats:
    """The mean of the bands."""
    assert picture.optical is not None
    return picture.optical.mean(axis=0)


def _band(index: int) -> Callable[[Picture], Floats]:
    """One band in units of the land's range in that picture: a wide water would else set the scale."""

    def plane(picture: Picture) -> Floats:
        assert picture.optical is not None
        return st.robustly_normalised(picture.optical[index], picture.land)

    return plane


def radar_grey(picture: Picture) -> Floats:
    """The eight-bit picture."""
    assert picture.stretched is not None
    return picture.stretched


def _decibels(polarisation: str) -> Callable[[Picture], Floats]:
    return lambda picture: picture.sar[polarisation]


def _power(polarisation: str) -> Callable[[Picture], Floats]:
    return lambda picture: 10 ** (picture.sar[polarisation] / 10)


def cover_rows(masked: Sequence[Picture], made: Sequence[Picture]) -> list[Row]:
    """Values by land cover: both polarisations in dB, the three bands normalised by their picture."""
    covers = sorted({cover for picture in masked for cover in picture.covers})
    rows = []
    for cover in covers:
        for polarisation in ("VV", "VH"):
            plane = _in_cover(cover, _decibels(polarisation))
            rows.append(compare(f"{cover}, {polarisation}", "dB", masked, made, plane))
        for index, colour in enumerate(("red", "green", "blue")):
            plane = _in_cover(cover, _band(index))
            rows.append(compare(f"{cover}, {colour}", "of range", masked, made, plane))
    return rows


def radar_rows(calibrated: Sequence[Picture], made: Sequence[Picture]) -> list[Row]:
    """Whole calibrated radar pictures: levels, looks, and how far speckle reaches."""
    rows = []
    for name in ("VV", "VH"):
        whole, power = _decibels(name), _power(name)
        rows.append(
            compare(f"SAR {name}, whole view", "dB", calibrated, made, lambda p, w=whole: _thinned(w(p).ravel()))
        )
        rows.append(compare(f"SAR {name}, looks of uniform areas", "looks", calibrated, made,
                            lambda p, w=power: st.homogeneous_looks(w(p))))  # fmt: skip
        for lag in (1, 2):
            correlation = _number(lambda x, k=lag: st.neighbour_correlation(x, k), power)
            rows.append(compare(f"SAR {name}, correlation at {lag} px", "", calibrated, made, correlation))
    return rows


def structure_rows(
    label: str, real: Sequence[Picture], made: Sequence[Picture], plane: Callable[[Picture], Floats]
) -> list[Row]:
    """Values, edges and spectrum of one plane of whole pictures, whatever its stretch."""
    return [
        compare(f"{label}, values", "of range", real, made,
                lambda p: _thinned(st.robustly_normalised(plane(p)).ravel())),
        compare(f"{label}, gradient", "of range/px", real, made, lambda p: _thinned(st.gradient_magnitudes(plane(p)))),
        compare(f"{label}, edge density", "share", real, made, _number(st.edge_density, plane)),
        compare(f"{label}, spectrum slope", "", real, made, _number(st.spectrum_slope, plane)),
    ]  # fmt: skip


def as_markdown(rows: Sequence[Row]) -> str:
    """The table, and below it the three rows that are worst in units of the distance between the halves."""
    lines = [
        "| statistic | unit | real | rendered | distance | halves of the real | ratio | n real (places) | n rendered |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name} | {row.unit} | {row.real:.3g} | {row.rendered:.3g} | {row.distance:.3g} | "
        f"{row.between_halves:.3g} | {row.ratio:.1f} | {row.real_n} ({row.places}) | {row.rendered_n} |"
        for row in rows
    ]
    worst = ", ".join(f"{row.name} ({row.ratio:.1f})" for row in worst_rows(rows))
    return "\n".join([*lines, "", f"Worst, by distance over that between halves: {worst}.", ""])


def worst_rows(rows: Sequence[Row], count: int = 3) -> list[Row]:
    """The rows with the largest ratio; rows without one do not count."""
    return sorted((row for row in rows if np.isfinite(row.ratio)), key=lambda row: -row.ratio)[:count]
