"""From pixels to the numbers an analyst reads: map coordinates, longitude and latitude, the CRS's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.records import Grid

Transform = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Place:
    """A position. ``x``/``y`` are map units (pixels without a CRS); lon/lat in degrees, None off Earth or unknown."""

    x: float
    y: float
    lon: float | None
    lat: float | None

    @property
    def degrees(self) -> str:
        """``118.4563° W 33.9741° N``: four decimals, some ten metres, are what a cursor can point at."""
        if self.lon is None or self.lat is None:
            return ""
        return (
            f"{abs(self.lon):.4f}° {'W' if self.lon < 0 else 'E'} {abs(self.lat):.4f}° {'S' if self.lat < 0 else 'N'}"
        )


class Locator:
    """Says where a pixel of one grid is. Imports pyproj when built, so build it once per scene, not per move."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self.crs_name = "no CRS, pixels"
        self.is_metric = False
        self._to_lonlat: Transform | None = None
        if grid.crs is not None:
            self._read_crs(grid.crs)

    def place(self, col: float, row: float) -> Place:
        """Where a sub-pixel position is; frame: the grid's pixels, (0, 0) its top-left corner."""
        x, y = self._grid.to_map(col, row)
        if self._to_lonlat is None:
            return Place(x, y, None, None)
        lon, lat = self._to_lonlat(x, y)
        on_earth = -360 <= lon <= 360 and -90 <= lat <= 90  # pyproj answers inf where the projection has no inverse
        return Place(x, y, lon, lat) if on_earth else Place(x, y, None, None)

    def _read_crs(self, text: str) -> None:
        from pyproj import CRS, Transformer
        from pyproj.exceptions import CRSError, ProjError

        try:
            crs = CRS.from_user_input(text)
            code = crs.to_epsg()
            self.crs_name = f"EPSG:{code}" if code else crs.name
            self.is_metric = crs.is_projected
            self._to_lonlat = Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform
        except CRSError:
            self.crs_name = "unknown CRS"
        except ProjError:  # a CRS of another body: known, but without a way to longitudes on Earth
            self._to_lonlat = None
