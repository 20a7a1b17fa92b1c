"""What was found for an expression: boxes with their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.records.answer import AreaUsed, ExplanationMap, Provenance
from engine.records.geometry import Box
from engine.records.pair import PairCheck

FindMode = Literal["auto", "best", "all"]
"""``best`` is the one box, ``all`` those above the threshold; ``auto`` is ``all`` for a class in the plural."""

FoundIn = Literal["optical", "sar", "both"]


@dataclass(frozen=True, slots=True)
class FoundBox:
    """One thing that was found.

    ``box`` is in full-resolution optical pixels (SAR's where there is no optical raster). ``polygon_map`` are its
    corners in map coordinates, clockwise on screen from the top-left one, without repeating the first. ``score`` is
    0..1. ``sensor`` says in which picture it was found; one found in both is one box. ``area_m2``, ``length_m`` (the
    longer side) and ``width_m`` are of the box on the ground, None where metres per pixel are unknown.
    """

    box: Box
    polygon_map: tuple[tuple[float, float], ...]
    score: float
    label: str
    sensor: FoundIn
    area_m2: float | None = None
    length_m: float | None = None
    width_m: float | None = None


@dataclass(frozen=True, slots=True)
class WindowsUsed:
    """How an area larger than the model's input was searched: windows of ``side_px`` optical pixels that overlap by
    ``overlap_px``, at ``gsd_m`` metres per pixel at the model (None where that is unknown)."""

    windows: int
    side_px: int
    overlap_px: int
    gsd_m: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What OptiSAR-Net++ found in one area for one expression, why, and from what.

    ``boxes`` are the best first; none is an answer, too. ``mode`` is what was done, never ``auto``. ``understood`` is
    the expression as its parts were read ("storage tank; attribute: white; position: top right"). ``windows`` is None
    where the area went into the model at once. ``threshold`` is the least score of ``all``. ``searched`` are the
    sensors that were looked at. ``phrases`` are those that were annotated with, in place of an expression. ``seconds``
    is the time in the engine, and ``view_reused`` says that every picture had been encoded before.
    """

    expression: str
    mode: Literal["best", "all"]
    boxes: tuple[FoundBox, ...]
    understood: str
    threshold: float
    searched: tuple[Literal["optical", "sar"], ...]
    explanations: dict[str, ExplanationMap]
    area: AreaUsed
    gate: PairCheck
    provenance: Provenance
    windows: WindowsUsed | None = None
    messages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    seconds: float = 0.0
    view_reused: bool = False
    phrases: tuple[str, ...] = ()
