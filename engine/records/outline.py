"""What was outlined for an expression: a mask as polygons, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.errors import UsageError
from engine.records.answer import AreaUsed, ExplanationMap, Provenance
from engine.records.finding import WindowsUsed
from engine.records.geometry import Box, Grid
from engine.records.pair import PairCheck

Ring = tuple[tuple[float, float], ...]
"""Corners in map coordinates, without repeating the first."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What becomes of a probability map.

    ``threshold`` (0..1) decides pixels; then connected parts (of eight neighbours) smaller than ``least_part_px`` go,
    and holes smaller than ``least_hole_px`` are filled (pixels of the map's grid).
    """

    threshold: float = 0.5
    least_part_px: int = 0
    least_hole_px: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise UsageError(f"A threshold of {self.threshold:g} is no share.", remedy="Name one between 0 and 1.")
        if self.least_part_px < 0 or self.least_hole_px < 0:
            raise UsageError("A part or a hole has no negative size.", remedy="Name 0 to keep everything.")


@dataclass(frozen=True, slots=True)
class OutlinePart:
    """One polygon of the mask with its holes, valid and simplified within half a pixel.

    ``exterior_map`` is counter-clockwise and ``holes_map`` are clockwise, as RFC 7946 has them. ``box`` is in
    full-resolution optical pixels. ``area_px`` and ``area_m2`` are of its pixels, before their stairs became lines; the
    latter is measured on the ellipsoid, None where metres are unknown. ``mean_probability`` is over these pixels.
    """

    exterior_map: Ring
    holes_map: tuple[Ring, ...]
    box: Box
    area_px: float
    area_m2: float | None
    mean_probability: float


@dataclass(frozen=True, slots=True)
class Outline:
    """What LGCE outlined in one area for one expression, why, and from what.

    ``probability`` and ``mask`` name ``.npy`` files over ``grid``: uint8 [rows, columns], the probability in 254ths
    (255: no data), the mask as 0, 1 and 255. ``parts`` are the largest first; none is an answer, too, and
    ``parts_cut`` says how many smaller ones were left out of the list (never out of the mask). ``area_m2`` is of the
    whole mask, ``share`` its share of the pixels with data, ``mean_probability`` over its pixels (0 for none).
    ``understood`` is the expression as its parts were read. ``words`` are those of the word layers, in order.
    ``windows`` is None where the area went into the model at once; else ``references`` names the probability map of
    what a relation leads to ("" where none was needed). ``on_mask`` are those of the ``messages`` that are about this
    mask: a redraw says others. ``seconds`` is the time in the engine, and ``view_reused`` says that the area had been
    encoded before. ``polygons`` names a GeoJSON file once it is exported.
    """

    expression: str
    understood: str
    cleaning: Cleaning
    parts: tuple[OutlinePart, ...]
    area_m2: float | None
    share: float
    mean_probability: float
    probability: str
    mask: str
    grid: Grid
    sensors: tuple[Literal["optical", "sar"], ...]
    explanations: dict[str, ExplanationMap]
    area: AreaUsed
    gate: PairCheck
    provenance: Provenance
    words: tuple[str, ...] = ()
    windows: WindowsUsed | None = None
    references: str = ""
    messages: tuple[str, ...] = ()
    on_mask: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    seconds: float = 0.0
    view_reused: bool = False
    parts_cut: int = 0
    polygons: str = ""


@dataclass(frozen=True, slots=True)
class RedrawRequest:
    """Cut another mask out of an outline's probability map, without a network.

    ``outline_json`` names a file with an ``Outline`` as ``engine.protocol.to_json`` gives it (``result.json`` in its
    job's folder), whose arrays are still there; ``folder`` is where the new mask goes.
    """

    outline_json: str
    folder: str
    cleaning: Cleaning = field(default_factory=Cleaning)
