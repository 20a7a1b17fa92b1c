"""The vector scene: what is there, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]

COVERS: tuple[str, ...] = ("water", "forest", "farmland", "grassland", "bare land", "built-up area")
"""Land covers, in the words of :data:`engine.text.COVER_ANSWERS`. Rivers, lakes and the sea are all water."""

WATERS: tuple[str, ...] = ("river", "lake", "sea")
OBJECTS: tuple[str, ...] = ("ship", "storage tank", "building", "bridge")
"""What is counted: things that never touch one another."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed outline, at least three points, in pixels of the view."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """An open polyline with a width, in pixels of the view."""

    points: tuple[Point, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle, in pixels of the view."""

    centre: Point
    radius: float


Shape = Polygon | Line | Disc


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on the ground.

    ``name`` is its class: a land cover, ``river``, ``lake``, ``sea``, ``road``, ``paved``, or one of
    :data:`OBJECTS`. ``height_m`` throws shadows. ``angle_deg`` is the direction of rows, streets or a hull.
    ``variant`` is a raw number from which renderers pick a colour, so that two items of one class differ.
    """

    name: str
    shape: Shape
    height_m: float = 0.0
    angle_deg: float = 0.0
    variant: int = 0

    @property
    def cover(self) -> str | None:
        """The land cover this item is, or None for roads, pads and objects."""
        if self.name in WATERS:
            return "water"
        return self.name if self.name in COVERS else None


@dataclass(frozen=True, slots=True)
class Scene:
    """A view of ``size`` x ``size`` pixels of ``gsd_m`` metres; later items lie on top of earlier ones.

    Frame: columns then rows in pixels from the top-left corner of the view, whose usual size is 256. The first item
    is the ground that fills the view. ``sun_deg`` is (azimuth towards the sun, elevation), ``look_deg`` the azimuth
    towards the radar; azimuths run clockwise from up. ``season`` is 0 (dry, brown) .. 1 (lush), ``wind`` 0 (calm) .. 1.
    """

    seed: int
    size: int
    gsd_m: float
    season: float
    sun_deg: tuple[float, float]
    look_deg: float
    wind: float
    items: tuple[Item, ...]
