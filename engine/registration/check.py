"""The alignment gate: may this pair be analysed together, and what has to be done for it?

In order: both opened; georeferenced, or taken on trust; overlapping; on one grid or to be resampled; read in a few
places; shifted or not. The optical raster is the frame of everything; SAR is warped onto it when it is read.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace

from engine.errors import UsageError
from engine.raster import Raster, open_raster
from engine.records import CheckRequest, PairCheck, PixelWindow, RasterInfo, ValidShare
from engine.records.pair import Verdict
from engine.registration import sentences
from engine.registration.overlap import Overlap, overlap, pixel_size_m, same_grid
from engine.registration.sampling import (
    choose_windows,
    own_valid_share,
    px_per_cell,
    read_window,
    shared_valid_share,
)
from engine.registration.shift import MAX_SHIFT_PX, estimate_shift_over

# One patch of the model's 224-px input: what is shifted by less still falls mostly on its own patch.
TOLERANCE_PX = 16.0
# A smaller part of both rasters than this is a common edge, not a common place.
_LEAST_OVERLAP = 1e-3


def check_pair(request: CheckRequest, *, tolerance_px: float | None = None) -> PairCheck:
    """The verdict on a pair, with every number that led to it.

    The residual above which a sure estimate is called ``shifted`` is, in optical pixels, the user's
    ``request.gate.tolerance_px``, else ``tolerance_px`` (the engine passes one model patch at the scale of the
    analysed area), else :data:`TOLERANCE_PX`. Reads a bounded number of pixels whatever the rasters' size. Whether a
    shift is to be corrected is no part of the verdict: that is for whoever reads the pixels.

    Raises :class:`RasterUnreadable` for a file that cannot be read, :class:`UsageError` for a tolerance that is not
    positive. A refusal is a verdict, not an exception: see ``PairCheck.refused``.
    """
    tolerance = next((t for t in (request.gate.tolerance_px, tolerance_px) if t is not None), TOLERANCE_PX)
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise UsageError(f"A tolerance of {tolerance} px makes no sense.", remedy="Give a number above zero.")
    with ExitStack() as files:
        optical = files.enter_context(open_raster(request.optical, sensor="optical")) if request.optical else None
        sar = files.enter_context(open_raster(request.sar, sensor="sar")) if request.sar else None
        if optical is None or sar is None:
            return _single(optical, sar, tolerance)
        return _judge(optical, sar, tolerance, assume_registered=request.gate.assume_registered)


def _judge(optical: Raster, sar: Raster, tolerance: float, *, assume_registered: bool) -> PairCheck:
    """A pair of two files: refused here, or looked at by :func:`_measured`."""
    pair = optical.info, sar.info
    without = tuple(info for info in pair if info.georeference == "none" or info.grid.crs is None)
    if without:
        if not assume_registered:
            return _refused("not-georeferenced", pair, tolerance, 0.0, sentences.not_georeferenced(without, pair))
        if (optical.info.width, optical.info.height) != (sar.info.width, sar.info.height):
            return _refused("not-georeferenced", pair, tolerance, 0.0, sentences.sizes_differ(*pair))
        everything = PixelWindow(0, 0, optical.info.width, optical.info.height)
        return _measured(optical, sar, None, everything, tolerance)
    shared = overlap(optical.info.grid, sar.info.grid)
    box = shared.box(optical.info.grid)
    if box is None or shared.share < _LEAST_OVERLAP:
        return _refused("no-overlap", pair, tolerance, shared.share, sentences.no_overlap(*pair))
    return _measured(optical, sar, shared, box, tolerance)


def _measured(optical: Raster, sar: Raster, shared: Overlap | None, box: PixelWindow, tolerance: float) -> PairCheck:
    """The verdict on a pair whose overlap is ``box`` of the optical raster; ``shared`` None: taken on trust."""
    first, second = optical.info, sar.info
    ratio = second.grid.gsd_m / first.grid.gsd_m if shared and first.grid.gsd_m and second.grid.gsd_m else None
    cell_px = px_per_cell(ratio)
    windows = [
        read_window(optical, sar, window, shared, max(window.width // cell_px, 1), max(window.height // cell_px, 1))
        for window in choose_windows(shared, box, cell_px)
    ]
    estimate = estimate_shift_over((w.optical, w.sar, w.optical_valid, w.sar_valid) for w in windows)
    shift = estimate.shift_px and (estimate.shift_px[0] * cell_px, estimate.shift_px[1] * cell_px)
    verdict: Verdict = "aligned" if shared is None or same_grid(first.grid, second.grid) else "resampled"
    if shift and estimate.sure and math.hypot(*shift) > tolerance:
        verdict = "shifted"
    pixel_m = pixel_size_m(first.grid)
    shift_m = (shift[0] * pixel_m[0], shift[1] * pixel_m[1]) if shift and pixel_m else None
    check = PairCheck(
        verdict=verdict,
        shift_px=shift,
        shift_m=shift_m,
        shift_confidence=estimate.confidence,
        shift_is_sure=estimate.sure,
        tolerance_px=tolerance,
        overlap=1.0 if shared is None else shared.share,
        valid=shared_valid_share(optical, sar, shared, box, windows),
        resolution_ratio=ratio,
        dates=_dates(first, second),
        optical=first,
        sar=second,
        shift_spread_px=estimate.spread_px and estimate.spread_px * cell_px,
    )
    reach = MAX_SHIFT_PX * cell_px
    return replace(check, messages=sentences.about(check, on_trust=shared is None, reach_px=reach))


def _single(optical: Raster | None, sar: Raster | None, tolerance: float) -> PairCheck:
    """A pair with one sensor: always usable. Its valid share is read only where that is cheap."""
    raster = optical or sar
    if raster is None:
        raise UsageError("A pair needs at least one raster.", remedy="Name an optical or a SAR file.")
    share = own_valid_share(raster)
    pair = (raster.info, None) if raster is optical else (None, raster.info)
    return PairCheck(
        verdict="single-sensor",
        shift_px=None,
        shift_m=None,
        shift_confidence=0.0,
        shift_is_sure=False,
        tolerance_px=tolerance,
        overlap=1.0,
        valid=ValidShare(*(share if info else None for info in pair)),
        resolution_ratio=None,
        dates=_dates(*pair),
        optical=pair[0],
        sar=pair[1],
        messages=sentences.single(raster.info, "optical" if pair[0] else "SAR", share),
    )


def _refused(
    verdict: Verdict, pair: tuple[RasterInfo, RasterInfo], tolerance: float, share: float, messages: tuple[str, ...]
) -> PairCheck:
    """A pair that cannot be used as it is; ``messages`` are the reason, then what to do."""
    return PairCheck(
        verdict=verdict,
        shift_px=None,
        shift_m=None,
        shift_confidence=0.0,
        shift_is_sure=False,
        tolerance_px=tolerance,
        overlap=share,
        valid=ValidShare(None, None),
        resolution_ratio=None,
        dates=_dates(*pair),
        optical=pair[0],
        sar=pair[1],
        messages=messages,
    )


def _dates(optical: RasterInfo | None, sar: RasterInfo | None) -> dict[str, str | None]:
    return {"optical": optical.acquired if optical else None, "sar": sar.acquired if sar else None}
