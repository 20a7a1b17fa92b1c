"""Details of made ground: lanes, runway markings, slabs, stalls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from engine.scenes.optics.materials import WHITE_PAINT, Colour, brighter, mix
from engine.scenes.optics.sheet import Frame, Sheet, frame_of
from engine.scenes.scene import Item, Line, Point, Scene

_YELLOW: Colour = (0.82, 0.66, 0.24)
_LANE_M = 3.6
_VERGE: Colour = (0.36, 0.43, 0.27)


def road(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Edge lines and broken lane lines; a wide road has a median. Worn wheel tracks are darker than the edges."""
    if not isinstance(item.shape, Line):
        return
    points, width_m = item.shape.points, item.shape.width * scene.gsd_m
    if width_m < 5.0 or not sheet.sees(width_m, 3.0):
        return
    paint = mix(colour, WHITE_PAINT, 0.75)
    middle = item.kind == "wide" and width_m > 17
    if middle:
        sheet.line(points, 0.12 * width_m, _VERGE if item.variant % 3 else mix(colour, (0.7, 0.69, 0.66), 0.8))
    if not sheet.sees(0.3, 0.2):
        return
    for side in (-1, 1):
        sheet.line(_beside(points, side * sheet.px(width_m / 2 - 0.6)), 0.25, paint)
        if middle:
            sheet.line(_beside(points, side * sheet.px(0.06 * width_m + 0.5)), 0.25, paint)
    if middle:
        half = 0.38 * width_m - 0.5
        lanes = max(1, round(half / _LANE_M))
        offsets = [s * (0.06 * width_m + 0.5 + half * k / lanes) for k in range(1, lanes) for s in (-1, 1)]
    else:
        lanes = max(2, 2 * round(width_m / _LANE_M / 2))
        offsets = [(k - lanes / 2) * width_m / lanes for k in range(1, lanes)]
    for offset in offsets:
        ink = mix(colour, _YELLOW, 0.8) if not middle and abs(offset) < 0.5 and item.variant % 2 else paint
        _dashes(sheet, _beside(points, sheet.px(offset)), (4.0, 8.0), 0.25, ink)


def bridge(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Pale parapets, a darker carriageway with a broken line, and joints across."""
    if not isinstance(item.shape, Line):
        return
    points, width_m = item.shape.points, item.shape.width * scene.gsd_m
    if item.shape.width < 3:
        return
    sheet.line(points, 0.74 * width_m, mix(colour, (0.42, 0.42, 0.43), 0.55))
    if sheet.sees(0.3, 0.2):
        _dashes(sheet, points, (4.0, 8.0), 0.25, WHITE_PAINT)
    frame = frame_of(item)
    if sheet.sees(1.0, 0.4):
        count = max(1, round(2 * frame.half_u * scene.gsd_m / 40))
        for k in range(1, count):
            u = 2 * k / count - 1
            sheet.line((frame.at(u, -1), frame.at(u, 1)), 0.4, brighter(colour, 0.72))


def runway(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Centre line, edges, threshold bars, touchdown marks and the rubber that tyres leave there (ICAO Annex 14)."""
    frame = frame_of(item)
    length_m, width_m = 2 * frame.half_u * scene.gsd_m, 2 * frame.half_v * scene.gsd_m
    if frame.half_v < 1.5:
        return
    paint = mix(colour, WHITE_PAINT, 0.85)
    for end in (frame, frame.turned()):
        near = 2 * 300 / max(length_m, 700)
        for v in (-0.22, 0.22):  # rubber
            sheet.line((end.at(1 - near * 0.35, v), end.at(1 - near * 2.2, v)), 0.16 * width_m, brighter(colour, 0.8))
        start, stop = frame.half_u - sheet.px(6), frame.half_u - sheet.px(36)
        for k in range(8):
            y = (k - 3.5) / 4.4 * frame.half_v
            sheet.line((end.off(start, y), end.off(stop, y)), 0.06 * width_m, paint)
        for y in (-0.3 * frame.half_v, 0.3 * frame.half_v):
            place = frame.half_u - sheet.px(min(300.0, 0.22 * length_m))
            sheet.line((end.off(place, y), end.off(place - sheet.px(45), y)), 0.09 * width_m, paint)
    _dashes(sheet, (frame.at(-0.94, 0), frame.at(0.94, 0)), (30.0, 20.0), max(0.9, 0.03 * width_m), paint)
    for side in (-0.92, 0.92):
        sheet.line((frame.at(-0.985, side), frame.at(0.985, side)), 0.9, paint)


def pier(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """A pale edge and a darker way along the middle."""
    frame = frame_of(item).lengthwise()
    if frame.half_v < 1.6:
        return
    for side in (-1, 1):
        sheet.line((frame.at(-1, side * 0.88), frame.at(1, side * 0.88)), 0.5, brighter(colour, 1.16))
    sheet.line((frame.at(-0.97, 0), frame.at(0.97, 0)), frame.half_v * scene.gsd_m, brighter(colour, 0.88))


def paved(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Joints between slabs; yellow guide lines on an apron; stacks of containers on a broad quay."""
    frame = frame_of(item).lengthwise()
    if isinstance(item.shape, Line):
        if item.kind == "apron" and sheet.sees(0.5, 0.25):
            sheet.line(item.shape.points, 0.5, mix(colour, _YELLOW, 0.8))
        return
    slab_m = {"apron": 15.0, "quay": 12.0}.get(item.kind, 8.0)
    if sheet.sees(slab_m, 5):
        _grid(sheet, frame, slab_m, brighter(colour, 0.86))
    if item.kind == "apron" and sheet.sees(0.5, 0.25):
        sheet.line((frame.at(-1, -0.75), frame.at(1, -0.75)), 0.5, mix(colour, _YELLOW, 0.8))


def parking_lot(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Stalls in double rows with aisles between, as :mod:`engine.scenes.built.traffic` fills them."""
    if not sheet.sees(0.25, 0.15):
        return
    frame = frame_of(item)
    paint = mix(colour, WHITE_PAINT, 0.7)
    stall, aisle, pitch = sheet.px(5.4), sheet.px(6.5), sheet.px(2.7)
    columns = int((2 * frame.half_u - 4) // pitch)
    at, rows = 1.5, 0
    while at + stall <= 2 * frame.half_v - 1.5:
        low, high = at - frame.half_v, at + stall - frame.half_v
        for column in range(columns + 1):
            x = (column - columns / 2) * pitch
            sheet.line((frame.off(x, low), frame.off(x, high)), 0.2, paint)
        rows += 1
        at += stall + (aisle if rows % 2 else 0.0)


def _grid(sheet: Sheet, frame: Frame, cell_m: float, ink: Colour) -> None:
    """Thin lines every ``cell_m`` metres in both directions."""
    cell = sheet.px(cell_m)
    for k in range(1, int(2 * frame.half_u / cell) + 1):
        x = k * cell - frame.half_u
        sheet.line((frame.off(x, -frame.half_v), frame.off(x, frame.half_v)), 0.2, ink)
    for k in range(1, int(2 * frame.half_v / cell) + 1):
        y = k * cell - frame.half_v
        sheet.line((frame.off(-frame.half_u, y), frame.off(frame.half_u, y)), 0.2, ink)


def _beside(points: Sequence[Point], offset: float) -> list[Point]:
    """A polyline ``offset`` pixels to the right of ``points``, mitred at its bends."""
    normals = []
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        normals.append((-(y1 - y0) / length, (x1 - x0) / length))
    out = []
    for index, (x, y) in enumerate(points):
        before, after = normals[max(index - 1, 0)], normals[min(index, len(normals) - 1)]
        nx, ny = before[0] + after[0], before[1] + after[1]
        square = max(nx * nx + ny * ny, 1.0)  # a mitre is not drawn out further than for a right angle
        out.append((x + 2 * offset * nx / square, y + 2 * offset * ny / square))
    return out


def _dashes(
    sheet: Sheet, points: Sequence[Point], dash_gap_m: tuple[float, float], width_m: float, ink: Colour
) -> None:
    """A broken line; where its dashes are not resolved, a paler whole one."""
    dash, gap = (sheet.px(m) for m in dash_gap_m)
    if dash < 1.5:
        sheet.line(points, width_m * dash / (dash + gap), ink)
        return
    phase = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        at = -phase
        while at < length:
            a, b = max(at, 0.0) / max(length, 1e-6), min(at + dash, length) / max(length, 1e-6)
            if b > a:
                ends = ((x0 + (x1 - x0) * a, y0 + (y1 - y0) * a), (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b))
                sheet.line(ends, width_m, ink)
            at += dash + gap
        phase = (phase + length) % (dash + gap)
