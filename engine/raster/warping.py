"""How a file is tied to the ground, and pixels resampled from its own frame to a map grid.

The source window is read (decimated, masked, as amplitude) into memory by ``engine.raster.reading`` and then warped
with GDAL's warper as an array. That is ``WarpedVRT``'s arithmetic without its two gaps: pixels that are empty
without a nodata tag stay empty, and complex numbers are not averaged with their phase; the memory is known before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import CRSError
from rasterio.io import DatasetReader
from rasterio.rpc import RPC
from rasterio.transform import Affine, GCPTransformer, RPCTransformer
from rasterio.warp import calculate_default_transform, reproject

from engine.raster.grids import Points, apply, crs_name, map_points, parse_crs
from engine.records import Box, Grid
from engine.records.raster import Georeference

_PIXEL_FRAME = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
# The warper wants a CRS on both sides; between two pixel frames any one will do.
_ANY_CRS = "EPSG:3857"
# Points per side of the lattice by which a target window is looked up in the source; GDAL uses 21 too.
_LATTICE = 21


@dataclass(frozen=True)
class Georeferencing:
    """How pixels of the file (``width`` x ``height``) lie on the map, and the ``grid`` the program sees them on."""

    kind: Georeference
    grid: Grid
    width: int
    height: int
    gcps: tuple[GroundControlPoint, ...] = ()
    rpcs: RPC | None = None
    notices: tuple[str, ...] = ()

    @property
    def warped(self) -> bool:
        """Whether the grid is not the file's own pixel frame."""
        return self.kind in ("gcps", "rpc")

    def to_pixels(self, xs: Points, ys: Points) -> tuple[Points, Points]:
        """Map coordinates (CRS of ``grid``) to columns and rows of the file."""
        if not self.warped:
            return apply(~Affine(*self.grid.transform), xs, ys)
        if self.rpcs is not None:
            transformer = RPCTransformer(self.rpcs, RPC_HEIGHT=self.rpcs.height_off)
        else:
            transformer = GCPTransformer(list(self.gcps))
        with transformer as tied:
            rows, cols = tied.rowcol(xs, ys, op=np.positive)  # positive: rowcol rounds down unless told otherwise
        return np.asarray(cols, np.float64), np.asarray(rows, np.float64)


def georeferencing(dataset: DatasetReader) -> Georeferencing:
    """From the file's transform, ground control points or RPC, in this order; an identity transform counts as none."""
    width, height = dataset.width, dataset.height
    gcps, gcp_crs = dataset.gcps
    crs = _usable(dataset.crs)
    if crs is not None and not dataset.transform.is_identity and not dataset.transform.is_degenerate:
        grid = Grid(width, height, tuple(dataset.transform)[:6], crs_name(crs))
        return Georeferencing("transform", grid, width, height)
    if len(gcps) >= 3 and _usable(gcp_crs) is not None:
        grid = _default_grid(gcp_crs, width, height, gcps=gcps)
        notice = f"Placed by {len(gcps)} ground control points and warped to a map grid."
        return Georeferencing("gcps", grid, width, height, tuple(gcps), None, (notice,))
    if dataset.rpcs is not None:
        grid = _default_grid(CRS.from_epsg(4326), width, height, rpcs=dataset.rpcs, RPC_HEIGHT=dataset.rpcs.height_off)
        notice = "Placed by rational polynomials (RPC) at their mean height, without a terrain model."
        return Georeferencing("rpc", grid, width, height, (), dataset.rpcs, (notice,))
    if crs is None and not dataset.transform.is_identity:
        notice = "No CRS: positions are in pixels, the file's transform is not used."
    elif crs is None:
        notice = "No CRS: positions are in pixels."
    else:
        notice = "A CRS but no position: positions are in pixels."
    return Georeferencing("none", Grid(width, height, _PIXEL_FRAME), width, height, notices=(notice,))


def _usable(crs: CRS | None) -> CRS | None:
    """The CRS, or None for an empty, local or engineering one that no other can be compared with."""
    try:
        return crs if crs and (crs.is_geographic or crs.is_projected) else None
    except CRSError:
        return None


def _default_grid(crs: CRS, width: int, height: int, **tie: object) -> Grid:
    transform, new_width, new_height = calculate_default_transform(crs, crs, width, height, **tie)
    return Grid(new_width, new_height, tuple(transform)[:6], crs_name(crs))


@dataclass(frozen=True)
class SourceWindow:
    """The part of the file that a target needs: ``box`` in file pixels, and pixels of the file per target cell."""

    box: Box
    step: float


def source_window(tie: Georeferencing, target: Grid) -> SourceWindow | None:
    """What of the file lies under ``target``, two cells wider for interpolation; None where nothing does."""
    cols, rows = np.meshgrid(np.linspace(0, target.width, _LATTICE), np.linspace(0, target.height, _LATTICE))
    xs, ys = apply(Affine(*target.transform), cols.ravel(), rows.ravel())
    xs, ys = map_points(xs, ys, target.crs, tie.grid.crs)
    file_cols, file_rows = tie.to_pixels(xs, ys)
    good = np.isfinite(file_cols) & np.isfinite(file_rows)
    if not good.any():
        return None
    lattice_cols, lattice_rows = file_cols.reshape(cols.shape), file_rows.reshape(cols.shape)
    cell = np.hypot(np.diff(lattice_cols, axis=1), np.diff(lattice_rows, axis=1)) / (target.width / (_LATTICE - 1))
    steps = cell[np.isfinite(cell)]
    step = float(np.median(steps)) if steps.size else 1.0
    margin = 2 * max(step, 1.0)
    left, right = file_cols[good].min() - margin, file_cols[good].max() + margin
    top, bottom = file_rows[good].min() - margin, file_rows[good].max() + margin
    left, top = max(np.floor(left), 0.0), max(np.floor(top), 0.0)
    right, bottom = min(np.ceil(right), float(tie.width)), min(np.ceil(bottom), float(tie.height))
    return SourceWindow(Box(left, top, right, bottom), step) if right > left and bottom > top else None


def warp(
    values: NDArray[np.float32], box: Box, tie: Georeferencing, target: Grid, resampling: Resampling
) -> NDArray[np.float32]:
    """Resample ``values`` [bands, rows, columns], read from ``box`` of the file and NaN where empty, onto ``target``.

    Returns [bands, target.height, target.width], NaN where there is nothing.
    """
    height, width = values.shape[1:]
    scale_col, scale_row = width / box.width, height / box.height
    out = np.full((values.shape[0], target.height, target.width), np.nan, np.float32)
    tied: dict[str, object]
    if tie.rpcs is not None:
        tied = {"rpcs": _cropped_rpc(tie.rpcs, box, scale_col, scale_row), "RPC_HEIGHT": tie.rpcs.height_off}
    elif tie.gcps:
        tied = {
            "gcps": [
                GroundControlPoint((p.row - box.y0) * scale_row, (p.col - box.x0) * scale_col, p.x, p.y, p.z)
                for p in tie.gcps
            ]
        }
    else:
        tied = {"src_transform": Affine(*tie.grid.sub(box, width, height).transform)}
    reproject(
        values,
        out,
        src_crs=parse_crs(tie.grid.crs or _ANY_CRS),
        dst_crs=parse_crs(target.crs or _ANY_CRS),
        dst_transform=Affine(*target.transform),
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=resampling,
        **tied,
    )
    return out


def _cropped_rpc(rpcs: RPC, box: Box, scale_col: float, scale_row: float) -> RPC:
    """The same polynomials for a crop at another resolution; RPC counts from the centre of the first pixel."""
    return RPC(
        **{
            **rpcs.to_dict(),
            "line_off": (rpcs.line_off + 0.5 - box.y0) * scale_row - 0.5,
            "line_scale": rpcs.line_scale * scale_row,
            "samp_off": (rpcs.samp_off + 0.5 - box.x0) * scale_col - 0.5,
            "samp_scale": rpcs.samp_scale * scale_col,
        }
    )
