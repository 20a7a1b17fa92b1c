"""What a finding and an outline say alike: at which scale an area was searched, in which images, and how."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from engine.catalog import ModelCard
from engine.grounding.windows import LEAST_SEEN_PX, MOST_MAGNIFIED
from engine.jobs.compose import area_used
from engine.jobs.remarks import Offer, scale_remarks
from engine.records import AreaUsed, Grid, PixelWindow, SearchRequest, WindowsUsed
from engine.records.pair import SENSOR_SAID, SENSORS
from engine.text import Parsed

FINER = Offer("search in windows of a finer scale", "Windows of a finer scale show them.")
"""What is offered where an area was seen more coarsely than need be."""


def area_searched(
    window: PixelWindow,
    grid: Grid,
    side: int,
    card: ModelCard,
    shares: Mapping[str, float],
    windows: WindowsUsed | None,
) -> AreaUsed:
    """What was looked at, and at which scale: that of the windows where there were any. ``shares`` are by sensor."""
    area = area_used(window, grid, side, card, valid_optical=shares.get("optical"), valid_sar=shares.get("sar"))
    return area if windows is None else replace(area, model_gsd_m=windows.gsd_m)


def windows_remark(used: WindowsUsed, did: str = "Searched") -> str:
    """How an area was searched, or what else was done, in windows."""
    scale = "" if used.gsd_m is None else f", at {used.gsd_m:.3g} m per pixel"
    windows = f"{used.windows:,} windows" if used.windows > 1 else "1 window"
    overlap = f" that overlap by {used.overlap_px:,} px" if used.windows > 1 else ""
    return f"{did} in {windows} of {used.side_px:,} px{overlap}{scale}."


def search_scale_remarks(area: AreaUsed) -> list[str]:
    """Whether the scale suits the model; of a raster that is too coarse for it, what can be seen all the same.

    No choice of area or of windows helps there, so that none is offered.
    """
    native, seen, (finest, coarsest) = area.grid.gsd_m, area.model_gsd_m, area.trained_gsd_m
    if native is None or seen is None or not area.trained_range_known or native <= max(seen, coarsest):
        return scale_remarks(area, FINER)
    least_m = LEAST_SEEN_PX * max(seen, native / MOST_MAGNIFIED)
    return [
        f"The image has {native:.3g} m per pixel, the model was trained for {finest:g} to {coarsest:g} m. It was "
        f"magnified {native / seen:.3g} times; what is smaller than {least_m:.2g} m is hardly found."
    ]


def sensor_remarks(request: SearchRequest, parsed: Parsed, searched: Collection[str]) -> list[str]:
    """That one image of two was searched, and why. Of a pair with one image the gate says so."""
    if len(searched) != 1 or request.optical is None or request.sar is None:
        return []
    (only,) = searched
    other = next(name for name in SENSORS if name != only)
    said = SENSOR_SAID[other]
    if other not in request.sensors:
        why = f"the {said} image was not to be"
    elif parsed.sensor == only:
        why = "the expression asks for it"
    else:
        why = f"the {said} image has no data there"
    return [f"Only the {SENSOR_SAID[only]} image was searched: {why}."]


def length_remarks(said: str, tokens_cut: int) -> list[str]:
    """What the model could not read of the words."""
    if not tokens_cut:
        return []
    return [f"“{said[:40]}…” is too long for the model, which did not read its last {tokens_cut} tokens."]
