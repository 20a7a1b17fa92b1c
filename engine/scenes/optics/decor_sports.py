"""Details of courts, fields and pools, at the sizes of their rule books."""

from __future__ import annotations

import math

from engine.scenes.optics.materials import CLAY, CONCRETE, TURF, WHITE_PAINT, Colour, brighter, mix
from engine.scenes.optics.sheet import Frame, Sheet, frame_of
from engine.scenes.scene import Item, Point, Polygon, Scene

_LINE_M = 0.22
"""Court lines are 5 to 10 cm wide, but so much brighter than the ground that they look wider."""


def tennis_court(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """A court of 23.77 m by 10.97 m in its surround, of another shade."""
    if not sheet.sees(11, 4):
        return
    frame = frame_of(item).lengthwise()
    half_x, half_y = _fit(sheet, frame, 11.885, 5.485, 0.78)
    sheet.polygon(frame.rectangle(0, 0, half_x, half_y), mix(brighter(colour, 1.22), (0.45, 0.5, 0.55), 0.12))
    if not sheet.sees(_LINE_M, 0.14):
        return
    _outline(sheet, frame.rectangle(0, 0, half_x, half_y), WHITE_PAINT)
    single, service = half_y * 0.75, half_x * 0.54
    for y in (-single, single):
        sheet.line((frame.off(-half_x, y), frame.off(half_x, y)), _LINE_M, WHITE_PAINT)
    for x in (-service, service):
        sheet.line((frame.off(x, -single), frame.off(x, single)), _LINE_M, WHITE_PAINT)
    sheet.line((frame.off(-service, 0), frame.off(service, 0)), _LINE_M, WHITE_PAINT)
    net = half_y * 1.08
    sheet.line((frame.off(0, -net), frame.off(0, net)), 0.3, brighter(colour, 0.55))


def basketball_court(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """A court of 28 m by 15 m: outline, halfway line, circle, keys and three-point arcs."""
    if not sheet.sees(15, 5):
        return
    frame = frame_of(item).lengthwise()
    half_x, half_y = _fit(sheet, frame, 14.0, 7.5, 0.9)
    metre = half_x / 14.0
    key = mix(brighter(colour, 0.72), (0.3, 0.32, 0.4), 0.25)
    for end in (-1, 1):
        sheet.polygon(frame.rectangle(end * (half_x - 2.9 * metre), 0, 2.9 * metre, 2.45 * metre), key)
    sheet.disc(frame.centre, 1.8 * metre, key)
    if not sheet.sees(_LINE_M, 0.14):
        return
    _outline(sheet, frame.rectangle(0, 0, half_x, half_y), WHITE_PAINT)
    sheet.line((frame.off(0, -half_y), frame.off(0, half_y)), _LINE_M, WHITE_PAINT)
    sheet.ring(frame.centre, 1.8 * metre, _LINE_M, WHITE_PAINT)
    for end in (-1, 1):
        basket = end * (half_x - 1.575 * metre)
        arc = [
            frame.off(basket - end * 6.75 * metre * math.cos(t), 6.75 * metre * math.sin(t))
            for t in (math.radians(step * 15) for step in range(-6, 7))
        ]
        sheet.line(arc, _LINE_M, WHITE_PAINT)


def baseball_diamond(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """A fan of grass with a clay infield at its tip, a grass square in that, and a warning track along the fence."""
    if not isinstance(item.shape, Polygon):
        return
    points = item.shape.points
    home, axis, reach = _home_plate(points)
    metre = min(sheet.px(1.0), reach / 75)
    grass = TURF if not item.colour else colour
    sheet.polygon(points, CLAY)
    sheet.polygon(_shrunk(points, 4.0 * metre), grass)
    _mown(sheet, home, axis, reach - 5 * metre, grass)
    # The skin of the infield ends 29 m (95 feet) from the pitcher's plate, which is 18.4 m from home.
    skin = _tip(points, home, axis, reach)
    for turn in range(-44, 45, 8):
        t = math.radians(turn)
        skin.append(_out(home, axis + t, (18.4 * math.cos(t) + math.sqrt(29**2 - (18.4 * math.sin(t)) ** 2)) * metre))
    sheet.polygon(skin, CLAY)
    inner = [_out(home, axis, 4 * metre)]
    for turn, length in ((-38, 24.0), (0, 33.0), (38, 24.0)):
        inner.append(_out(home, axis + math.radians(turn), length * metre))
    sheet.polygon(inner, brighter(grass, 1.06))
    sheet.disc(_out(home, axis, 18.4 * metre), 2.7 * metre, CLAY)
    sheet.disc(_out(home, axis, 7.5 * metre), 4.0 * metre, CLAY)
    if sheet.sees(_LINE_M, 0.14):
        for turn in (-43, 43):
            line = _out(home, axis, 5 * metre), _out(home, axis + math.radians(turn), 0.9 * reach)
            sheet.line(line, _LINE_M, WHITE_PAINT)


def _tip(points: tuple[Point, ...], home: Point, axis: float, reach: float) -> list[Point]:
    """The corners of the field by its home plate, where it may be cut off, from its right side to its left."""
    corners = [p for p in points if math.dist(p, home) < 0.25 * reach]
    return sorted(corners, key=lambda p: (p[0] - home[0]) * math.sin(axis) - (p[1] - home[1]) * math.cos(axis))


def _shrunk(points: tuple[Point, ...], by: float) -> tuple[Point, ...]:
    """An outline drawn towards its middle until its nearest corner is ``by`` pixels further in."""
    x, y = sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)
    nearest = min(math.dist((x, y), p) for p in points)
    share = max(1 - by / max(nearest, 1e-6), 0.0)
    return tuple((x + (px - x) * share, y + (py - y) * share) for px, py in points)


def _home_plate(points: tuple[Point, ...]) -> tuple[Point, float, float]:
    """Where the foul lines, which are the two longest sides, meet, or the middle of where they are cut off; the
    direction of the field from there, and the distance to the nearest point of its fence."""
    sides = sorted(zip(points, points[1:] + points[:1], strict=True), key=lambda side: -math.dist(*side))
    ((x0, y0), (x1, y1)), ((x2, y2), (x3, y3)) = sides[:2]
    across = (x1 - x0) * (y3 - y2) - (y1 - y0) * (x3 - x2)
    home = points[0]
    if abs(across) > 0.1 * math.dist(*sides[0]) * math.dist(*sides[1]):
        t = ((x2 - x0) * (y3 - y2) - (y2 - y0) * (x3 - x2)) / across
        home = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
    middle = sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)
    axis = math.atan2(middle[1] - home[1], middle[0] - home[0])
    tip = _tip(points, home, axis, max(math.dist(home, p) for p in points))
    if tip:
        home = sum(p[0] for p in tip) / len(tip), sum(p[1] for p in tip) / len(tip)
    distances = [math.dist(home, p) for p in points]
    return home, axis, min(d for d in distances if d > 0.5 * max(distances))


def _mown(sheet: Sheet, home: Point, axis: float, reach: float, grass: Colour) -> None:
    """Bands of grass mown towards and away, as rings around the infield."""
    if not sheet.sees(7, 3):
        return
    for k in range(3, int(0.97 * reach / sheet.px(7))):
        if k % 2:
            radius = k * sheet.px(7)
            arc = [_out(home, axis + math.radians(a), radius) for a in range(-42, 43, 6)]
            sheet.line(arc, 6.5, brighter(grass, 1.08))


def _out(start: Point, angle: float, distance: float) -> Point:
    return start[0] + distance * math.cos(angle), start[1] + distance * math.sin(angle)


def ground_track_field(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """An oval of lanes around a pitch: 8 lanes of 1.22 m, half circles at the ends."""
    frame = frame_of(item).lengthwise()
    lanes = min(9.8, 0.13 * 2 * frame.half_v * scene.gsd_m)
    width = sheet.px(lanes)
    inner = _stadium(frame, width)
    grass = mix(TURF, (0.42, 0.44, 0.26), item.variant % 7 / 12)
    sheet.polygon(_stadium(frame, width * 0.97), brighter(colour, 1.1))
    sheet.polygon(inner, mix(colour, grass, 0.55) if item.variant % 2 else grass)
    straight = frame.half_u - frame.half_v
    half_x, half_y = min(straight * 1.06, sheet.px(54)), min((frame.half_v - width) * 0.9, sheet.px(35))
    sheet.polygon(frame.rectangle(0, 0, half_x, half_y), grass)
    if sheet.sees(6, 2):
        for k in range(-8, 8, 2):
            stripe = frame.rectangle((k + 0.5) / 8 * half_x, 0, half_x / 16, half_y)
            sheet.polygon(stripe, brighter(grass, 1.09))
    if not sheet.sees(_LINE_M, 0.1):
        return
    for lane in range(1, 8):
        rim = _stadium(frame, width * lane / 8)
        sheet.line((*rim, rim[0]), 0.08, WHITE_PAINT, 0.55)
    _outline(sheet, frame.rectangle(0, 0, half_x * 0.96, half_y * 0.96), WHITE_PAINT)
    sheet.line((frame.off(0, -half_y * 0.96), frame.off(0, half_y * 0.96)), _LINE_M, WHITE_PAINT)
    sheet.ring(frame.centre, sheet.px(9.15), _LINE_M, WHITE_PAINT)
    for end in (-1, 1):
        _outline(sheet, frame.rectangle(end * half_x * 0.81, 0, half_x * 0.15, half_y * 0.56), WHITE_PAINT)


def _stadium(frame: Frame, inset: float) -> list[Point]:
    """Two half circles joined by straights, ``inset`` pixels inside the item's outline."""
    radius, straight = frame.half_v - inset, frame.half_u - frame.half_v
    turns = [math.radians(step * 10) for step in range(-9, 10)]
    right = [frame.off(straight + radius * math.cos(t), radius * math.sin(t)) for t in turns]
    left = [frame.off(-straight - radius * math.cos(t), -radius * math.sin(t)) for t in turns]
    return right + left


def swimming_pool(sheet: Sheet, item: Item, colour: Colour, scene: Scene) -> None:
    """Water with a pale rim, deeper at one end; lane ropes in a long one."""
    frame = frame_of(item).lengthwise()
    rim = min(sheet.px(0.8), 0.15 * frame.half_v)
    if frame.half_v >= 1.5 and isinstance(item.shape, Polygon):
        sheet.polygon(item.shape.points, brighter(CONCRETE, 1.2))
        sheet.polygon(_shrunk(item.shape.points, rim * math.sqrt(2)), colour)
        if len(item.shape.points) == 4:
            sheet.polygon(frame.rectangle(0.5 * frame.half_u, 0, 0.45 * frame.half_u, 0.85 * frame.half_v),
                          brighter(colour, 0.9))  # fmt: skip
    elif frame.half_v >= 1.5:
        sheet.ring(frame.centre, frame.half_v, rim * scene.gsd_m, brighter(CONCRETE, 1.2))
    if frame.half_u * 2 * scene.gsd_m > 22 and sheet.sees(2.5, 2.5):
        for k in range(1, 6):
            v = k / 3 - 1
            sheet.line((frame.at(-0.95, v), frame.at(0.95, v)), 0.15, brighter(colour, 0.7))


def _fit(sheet: Sheet, frame: Frame, half_x_m: float, half_y_m: float, share: float) -> tuple[float, float]:
    """Half sizes of a court in pixels: the rule book's, or smaller to leave a surround in the item."""
    scale = min(1.0, share * frame.half_u / sheet.px(half_x_m), share * frame.half_v / sheet.px(half_y_m))
    return sheet.px(half_x_m) * scale, sheet.px(half_y_m) * scale


def _outline(sheet: Sheet, corners: tuple[Point, ...], ink: Colour) -> None:
    sheet.line((*corners, corners[0]), _LINE_M, ink)
