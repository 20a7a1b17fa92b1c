"""The vector scene: what is there, before anything is drawn.

A scene is a list of **items**, each painted over the earlier ones, and of **marks**, named places that paint nothing
(a crossroad is two roads and a place; a harbor is a basin, piers, ships and a place). Names are the field's own:
the fourteen optical categories of OptSAR-RSVG, its two SAR ones, and the land covers of OSVQA.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.text.vocabulary import COVER_ANSWERS, OBJECT_ANSWERS

Point = tuple[float, float]

COVERS: tuple[str, ...] = COVER_ANSWERS
"""Land covers, in the words of :data:`engine.text.COVER_ANSWERS`. Rivers, lakes and the sea are all water."""

WATERS: tuple[str, ...] = ("river", "lake", "sea")

WAYS: tuple[str, ...] = ("road", "runway", "pier", "paved")
"""Made ground that is neither a land cover nor counted: carriageways, runways with their aprons, piers, pads."""

OBJECTS: tuple[str, ...] = OBJECT_ANSWERS
"""Items that are counted: things that never touch another of their class."""

MARKS: tuple[str, ...] = ("crossroad", "T junction", "harbor")
"""Counted places that paint nothing of their own."""

KINDS: dict[str, tuple[str, ...]] = {
    "road": ("wide", "narrow"),
    "built-up area": ("residential", "industrial"),
    "building": ("house", "hall"),
    "vehicle": ("car", "van", "truck", "trailer", "bus"),
    "ship": ("cargo ship", "boat"),
    "paved": ("pad", "apron", "quay"),
}
"""Classes that come in kinds; every item of them has one."""

COLOURS: tuple[str, ...] = ("white", "grey", "red", "blue", "green", "dark")
"""Named colours of things, as an optical picture in good light shows them. An item without one has its class's."""

SETTINGS: tuple[str, ...] = ("rural", "wild", "residential", "industrial", "harbor", "airfield", "sports", "coast")
"""What kind of place a scene is; it decides what can be in it and at which sampling distances."""


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

    ``name`` is its class: a land cover, one of :data:`WATERS`, :data:`WAYS` or :data:`OBJECTS`. ``height_m`` throws
    shadows. ``angle_deg`` is the direction of rows, streets, a hull, a fuselage or a court's longer side, clockwise
    from the columns' direction as coordinates run. ``variant`` is a raw number from which renderers pick a colour, so
    that two items of one class differ. ``kind`` is one of the class's :data:`KINDS`, ``colour`` one of
    :data:`COLOURS` that a renderer has to show; both may be empty. Items of one ``group`` above 0 belong together
    (the tanks of a farm, the cars of a lot, the towers of a line).
    """

    name: str
    shape: Shape
    height_m: float = 0.0
    angle_deg: float = 0.0
    variant: int = 0
    kind: str = ""
    colour: str = ""
    group: int = 0

    @property
    def cover(self) -> str | None:
        """The land cover this item is, or None for ways and objects."""
        if self.name in WATERS:
            return "water"
        return self.name if self.name in COVERS else None


def moved(item: Item, dx: float, dy: float) -> Item:
    """``item`` shifted by ``dx`` columns and ``dy`` rows."""
    shape = item.shape
    if isinstance(shape, Disc):
        return replace(item, shape=replace(shape, centre=(shape.centre[0] + dx, shape.centre[1] + dy)))
    return replace(item, shape=replace(shape, points=tuple((x + dx, y + dy) for x, y in shape.points)))


@dataclass(frozen=True, slots=True)
class Mark:
    """A named place of :data:`MARKS`: its outline in pixels of the view."""

    name: str
    outline: Polygon


@dataclass(frozen=True, slots=True)
class Scene:
    """A view of ``size`` x ``size`` pixels of ``gsd_m`` metres; later items lie on top of earlier ones.

    Frame: columns then rows in pixels from the top-left corner of the view, whose usual size is 256. The first item
    is the ground that fills the view. ``sun_deg`` is (azimuth towards the sun, elevation), ``look_deg`` the azimuth
    towards the radar; azimuths run clockwise from up. ``incidence_deg`` is the radar's, from the vertical.
    ``season`` is 0 (dry, brown) .. 1 (lush), ``wind`` 0 (calm) .. 1.
    """

    seed: int
    size: int
    gsd_m: float
    season: float
    sun_deg: tuple[float, float]
    look_deg: float
    wind: float
    items: tuple[Item, ...]
    setting: str = "rural"
    marks: tuple[Mark, ...] = ()
    polarisation: str = "VV"
    incidence_deg: float = 35.0
