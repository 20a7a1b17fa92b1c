"""Details of things that stand, float, fly and drive: roofs, tank tops, decks, wings, windscreens."""

from __future__ import annotations

import math

from engine.scenes.optics.materials import NAMED, WHITE_PAINT, Colour, brighter, mix
from engine.scenes.optics.sheet import Frame, Sheet, facing_tip, frame_of
from engine.scenes.scene import Disc, Item, Polygon, Scene

_GLASS: Colour = (0.12, 0.14, 0.17)
_CONTAINERS: tuple[Colour, ...] = (
    (0.62, 0.28, 0.22), (0.24, 0.38, 0.58), (0.74, 0.73, 0.70),
    (0.30, 0.45, 0.34), (0.70, 0.50, 0.24), (0.45, 0.30, 0.26),
)  # fmt: skip


def lit(frame: Frame, v_side: int, sun_azimuth_deg: float) -> float:
    """Cosine between the sun's direction and the one that the ``v_side`` (+1 or -1) of ``frame`` faces."""
    x, y = -math.sin(frame.angle) * v_side, math.cos(frame.angle) * v_side
    azimuth = math.radians(sun_azimuth_deg)
    return x * math.sin(azimuth) - y * math.cos(azimuth)


def building(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """A house's pitched roof, bright towards the sun; a hall's flat or shallow one with its parapet and skylights."""
    frame = frame_of(item)
    if min(frame.half_u, frame.half_v) < 2 or not isinstance(item.shape, Polygon):
        return
    if item.kind == "hall":
        _hall(sheet, item, frame.lengthwise(), colour, scene)
        return
    long = frame.lengthwise()
    hipped = item.variant % 3 == 0
    end = max(1 - long.half_v / long.half_u, 0.0) if hipped else 1.0
    ridge = long.at(-end, 0), long.at(end, 0)
    for side in (-1, 1):
        slope = (long.at(-1, side), long.at(1, side), ridge[1], ridge[0])
        sheet.polygon(slope, brighter(colour, 1 + 0.26 * lit(long, side, scene.sun_deg[0])))
    if hipped:
        across = Frame(long.centre, long.angle + math.pi / 2, long.half_v, long.half_u)
        for side, tip in ((1, ridge[0]), (-1, ridge[1])):
            gable = (long.at(-side, -1), long.at(-side, 1), tip)
            sheet.polygon(gable, brighter(colour, 1 + 0.26 * lit(across, side, scene.sun_deg[0])))
    if sheet.sees(0.5, 0.4):
        sheet.line(ridge, 0.4, brighter(colour, 1.25))
        if item.variant % 2:
            sheet.polygon(long.rectangle(long.half_u * 0.4, long.half_v * 0.3, sheet.px(0.5), sheet.px(0.5)), _GLASS)


def _hall(sheet: Sheet, item: Item, frame: Frame, colour: Colour, scene: Scene) -> None:
    """One of three roofs: shallow pitches, a flat one with machines on it, or one with rows of skylights."""
    sort = item.variant % 3
    if sort == 0:
        spans = 1 + item.variant // 3 % 3
        for k in range(spans):
            low, high = 2 * k / spans - 1, 2 * (k + 1) / spans - 1
            middle = (low + high) / 2
            for side, v0, v1 in ((-1, low, middle), (1, middle, high)):
                shade = brighter(colour, 1 + 0.10 * lit(frame, side, scene.sun_deg[0]))
                sheet.polygon(frame.box(-1, v0, 1, v1), shade)
    if sheet.sees(1.2, 0.5):
        inset_u, inset_v = 1 - sheet.px(0.9) / frame.half_u, 1 - sheet.px(0.9) / frame.half_v
        corners = frame.box(-inset_u, -inset_v, inset_u, inset_v)
        sheet.line((*corners, corners[0]), 1.2, brighter(colour, 1.1 if colour[1] < 0.8 else 0.92))
    if sort == 1:
        for k in range(3 + item.variant // 7 % 5):
            number = item.variant * (k + 3) * 2654435761 % 65536
            u, v = (number % 251) / 251 * 1.4 - 0.7, (number // 251) / 262 * 1.4 - 0.7
            half = min(sheet.px(1.5 + number % 3), 0.2 * frame.half_v)
            box = frame.rectangle(u * frame.half_u, v * frame.half_v, half, half)
            sheet.polygon(box, (0.40, 0.41, 0.42) if number % 2 else (0.82, 0.82, 0.81))
    if sort == 2 and sheet.sees(1.5, 0.5):
        count = max(2, round(2 * frame.half_u * scene.gsd_m / 12))
        pane = mix(colour, (0.62, 0.70, 0.76), 0.7)
        for k in range(count):
            u = (2 * k + 1) / count - 1
            for v in (-0.45, 0.45):
                sheet.line((frame.at(u, v - 0.3), frame.at(u, v + 0.3)), 1.5, pane)


def storage_tank(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """A cone shaded by the sun, or a floating roof in the shade of its own wall; a pale rim either way."""
    if not isinstance(item.shape, Disc) or item.shape.radius < 2.2:
        return
    (x, y), radius = item.shape.centre, item.shape.radius
    azimuth = math.radians(scene.sun_deg[0])
    sun_x, sun_y = math.sin(azimuth), -math.cos(azimuth)
    if item.variant % 5 < 2:  # floating roof: the wall's shade falls inside, on the sunward side
        shade = brighter(colour, 0.5)
        sheet.disc((x, y), radius * 0.9, shade)
        sheet.disc((x - sun_x * radius * 0.22, y - sun_y * radius * 0.22), radius * 0.74, brighter(colour, 0.92))
    else:
        for step in range(4):
            share = 1 - step * 0.25
            place = (x + sun_x * radius * 0.09 * step, y + sun_y * radius * 0.09 * step)
            sheet.disc(place, radius * 0.92 * share, brighter(colour, 0.88 + 0.05 * step))
        if radius >= 5:
            sheet.disc((x, y), max(sheet.px(0.8), 0.5), brighter(colour, 0.6))
    sheet.ring((x, y), radius, max(0.12 * radius * scene.gsd_m, 0.3), brighter(colour, 1.08))


def ship(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Deck within the hull, bridge at the stern; hatches or containers on a cargo ship, a cockpit on a boat."""
    frame = facing_tip(item)
    if frame.half_v < 1.0 or not isinstance(item.shape, Polygon):
        return
    if item.kind == "boat":
        sheet.polygon(item.shape.points, colour)
        sheet.polygon(frame.box(-0.75, -0.55, -0.15, 0.55), mix(colour, (0.42, 0.36, 0.30), 0.6))
        sheet.polygon(frame.box(-0.1, -0.5, 0.22, 0.5), mix(colour, WHITE_PAINT, 0.5))
        sheet.polygon(frame.box(0.22, -0.45, 0.34, 0.45), _GLASS)
        return
    sheet.polygon(item.shape.points, brighter(colour, 0.82))
    deck = tuple(
        (frame.centre[0] + (px - frame.centre[0]) * 0.9, frame.centre[1] + (py - frame.centre[1]) * 0.9)
        for px, py in item.shape.points
    )
    sheet.polygon(deck, brighter(colour, 1.06))
    holds = max(2, min(9, round(frame.half_u * scene.gsd_m / 11)))
    loaded = item.variant % 4 == 0
    for k in range(holds):
        u0, u1 = -0.56 + 1.24 * k / holds, -0.56 + 1.24 * (k + 0.78) / holds
        if loaded:
            for row, v in enumerate((-0.72, -0.24, 0.24)):
                tint = _CONTAINERS[item.variant * (k * 3 + row + 1) % 65521 % len(_CONTAINERS)]
                sheet.polygon(frame.box(u0, v, u1, v + 0.46), mix(colour, tint, 0.5))
        else:
            sheet.polygon(frame.box(u0, -0.55, u1, 0.55), mix(colour, brighter(colour, 0.62), 0.8))
    sheet.polygon(frame.box(-0.88, -0.8, -0.64, 0.8), WHITE_PAINT)
    sheet.polygon(frame.box(-0.84, -0.28, -0.76, 0.28), mix(colour, _GLASS, 0.5))


def airplane(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Wings a little darker than the fuselage, which is lit along its back; dark nose; engines under large wings."""
    frame = facing_tip(item)
    if frame.half_v < 3 or not isinstance(item.shape, Polygon):
        return
    sheet.polygon(item.shape.points, brighter(colour, 0.86))
    width = 0.13 * frame.half_v * scene.gsd_m
    sheet.line((frame.at(-0.86, 0), frame.at(0.92, 0)), width, brighter(colour, 1.08))
    sheet.line((frame.at(0.87, 0), frame.at(0.92, 0)), width * 0.7, _GLASS)
    tail = mix(colour, (_CONTAINERS[item.variant % 4]), 0.7)
    sheet.line((frame.at(-0.88, 0), frame.at(-0.7, 0)), width * 0.55, tail)
    if frame.half_v * 2 * scene.gsd_m > 22 and sheet.sees(2.0, 0.8):
        for v in (-0.36, 0.36):
            sheet.line((frame.at(0.02, v), frame.at(0.16, v)), 2.2, brighter(colour, 0.62))


def vehicle(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Body with windscreens and roof; a lorry's cab before its load."""
    frame = frame_of(item).lengthwise()
    if frame.half_v < 0.9:
        return
    if item.variant % 2:
        frame = frame.turned()
    sheet.polygon(frame.box(-1, -1, 1, 1), brighter(colour, 0.94))
    if item.kind in ("car", "van", ""):
        front = 0.42 if item.kind == "van" else 0.22
        sheet.polygon(frame.box(front, -0.8, front + 0.2, 0.8), mix(colour, _GLASS, 0.85))
        if item.kind != "van":
            sheet.polygon(frame.box(-0.62, -0.8, -0.48, 0.8), mix(colour, _GLASS, 0.75))
        sheet.polygon(frame.box(-0.46, -0.72, front - 0.02, 0.72), brighter(colour, 1.12))
        return
    if item.kind == "bus":
        sheet.polygon(frame.box(-0.97, -0.8, 0.92, 0.8), brighter(colour, 1.08))
        sheet.polygon(frame.box(-0.55, -0.4, -0.25, 0.4), mix(colour, (0.6, 0.6, 0.6), 0.7))
        sheet.polygon(frame.box(0.2, -0.4, 0.45, 0.4), mix(colour, (0.6, 0.6, 0.6), 0.7))
        sheet.polygon(frame.box(0.93, -0.8, 1, 0.8), _GLASS)
        return
    cab = 0.62 if item.kind == "truck" else 0.74
    sheet.polygon(frame.box(-1, -0.95, cab - 0.06, 0.95), brighter(colour, 1.06))
    sheet.polygon(frame.box(cab - 0.06, -0.9, cab, 0.9), _GLASS)
    sheet.polygon(
        frame.box(cab, -0.9, 0.92, 0.9), mix(colour, WHITE_PAINT if item.variant % 4 < 2 else NAMED["grey"], 0.6)
    )
    sheet.polygon(frame.box(0.92, -0.85, 1, 0.85), _GLASS)


def transmission_tower(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """A lattice seen from above: its foot on the ground, its diagonals, and the arms across the line."""
    frame = frame_of(item)
    if min(frame.half_u, frame.half_v) < 1.5:
        return
    sheet.polygon(frame.box(-0.8, -0.8, 0.8, 0.8), brighter(colour, 0.62))
    steel = brighter(colour, 1.4)
    for a, b in (((-1, -1), (1, 1)), ((-1, 1), (1, -1))):
        sheet.line((frame.at(*a), frame.at(*b)), 0.7, steel)
    sheet.line((frame.at(0, -1), frame.at(0, 1)), 0.9, steel)
