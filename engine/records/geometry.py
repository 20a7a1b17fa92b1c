"""Where things are: windows and boxes in pixels, and the grid that ties pixels to the map."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class PixelWindow:
    """A half-open rectangle of whole pixels: columns ``[col_off, col_off + width)``, rows likewise.

    Frame: full-resolution pixels of the raster it is used with (the optical one for a pair). Offsets may be
    negative, as a view may reach past the raster; :meth:`clipped` gives the part that exists.
    """

    col_off: int
    row_off: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise UsageError(
                f"An area of {self.width} x {self.height} pixels is empty.", remedy="Draw or name a larger area."
            )

    @property
    def box(self) -> Box:
        return Box(self.col_off, self.row_off, self.col_off + self.width, self.row_off + self.height)

    def clipped(self, width: int, height: int) -> PixelWindow | None:
        """The part inside a raster of ``width`` x ``height`` pixels, or None where there is none."""
        left, top = max(self.col_off, 0), max(self.row_off, 0)
        right = min(self.col_off + self.width, width)
        bottom = min(self.row_off + self.height, height)
        return PixelWindow(left, top, right - left, bottom - top) if right > left and bottom > top else None


@dataclass(frozen=True, slots=True)
class Box:
    """``x0, y0, x1, y1`` in pixels, half-open, sub-pixel positions allowed."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.x0, self.y0, self.x1, self.y1)):
            raise UsageError("A box has a coordinate that is not a number.")
        if self.x1 < self.x0 or self.y1 < self.y0:
            raise UsageError(f"The box {self.x0}, {self.y0}, {self.x1}, {self.y1} ends before it begins.")

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Clockwise on screen from the top-left corner, columns then rows."""
        return ((self.x0, self.y0), (self.x1, self.y0), (self.x1, self.y1), (self.x0, self.y1))


@dataclass(frozen=True, slots=True)
class Grid:
    """A raster's pixels laid on the map.

    ``transform`` is ``(a, b, c, d, e, f)``: ``x = a*col + b*row + c``, ``y = d*col + e*row + f``, with col and row
    from the top-left corner of the raster. ``crs`` is a WKT2 string or an authority code such as ``EPSG:32631``,
    or None for a raster without one, whose map frame then is its pixel frame. ``gsd_m`` is the nominal ground
    sampling distance in metres at the raster's centre, None where it cannot be known.
    """

    width: int
    height: int
    transform: tuple[float, float, float, float, float, float]
    crs: str | None = None
    gsd_m: float | None = None

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise UsageError(f"A grid of {self.width} x {self.height} pixels is empty.")
        a, b, _, d, e, _ = self.transform
        if not all(math.isfinite(v) for v in self.transform) or a * e - b * d == 0:
            raise UsageError(f"The transform {self.transform} has no inverse.")

    def to_map(self, col: float, row: float) -> tuple[float, float]:
        a, b, c, d, e, f = self.transform
        return a * col + b * row + c, d * col + e * row + f

    def to_pixel(self, x: float, y: float) -> tuple[float, float]:
        a, b, c, d, e, f = self.transform
        det = a * e - b * d
        return (e * (x - c) - b * (y - f)) / det, (a * (y - f) - d * (x - c)) / det

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """``left, bottom, right, top`` of the box around all four corners, in map units."""
        corners = [self.to_map(c, r) for c in (0, self.width) for r in (0, self.height)]
        xs, ys = [p[0] for p in corners], [p[1] for p in corners]
        return min(xs), min(ys), max(xs), max(ys)

    def sub(self, box: Box, width: int, height: int) -> Grid:
        """The grid of an array of ``height`` x ``width`` cells spread over ``box`` of this one."""
        a, b, _, d, e, _ = self.transform
        sx, sy = box.width / width, box.height / height
        x, y = self.to_map(box.x0, box.y0)
        gsd = None if self.gsd_m is None else self.gsd_m * math.sqrt(sx * sy)
        return Grid(width, height, (a * sx, b * sy, x, d * sx, e * sy, y), self.crs, gsd)
