"""Works and stores: halls on industrial grounds with concrete yards and lorries, and farms of storage tanks."""

from __future__ import annotations

import math

from engine.scenes.built.floor import GAP_PX, SMALLEST_PX, Floor, Floors, Plot
from engine.scenes.built.traffic import MAKES, lay_lot, put_vehicle, visible
from engine.scenes.plan import Plan
from engine.scenes.scene import Disc, Polygon

_ROOFS = ("white", "grey", "blue", "dark", "red", "green", "")
_ROOF_WEIGHTS = (22, 26, 18, 10, 8, 4, 12)
_TANK_COLOURS = ("white", "grey", "dark", "green", "red", "blue", "")
_TANK_WEIGHTS = (46, 20, 6, 4, 4, 4, 16)

SMALLEST_HALL_M = 8.0

_TANK_COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18)
_TANK_COUNT_WEIGHTS = (9, 10, 10, 11, 8, 10, 6, 8, 7, 5, 8, 5, 3)


def fill_works(plan: Plan, built_up: Floor, block: Plot) -> None:
    """Cut an industrial block into lots and use each: most for a hall, others for yards, cars or tanks."""
    draws = plan.draws
    drive, lot_m = max(plan.px(8.0), 2.0), draws.uniform(45, 110)
    todo, lots = [Plot(block.centre, block.half_w - drive / 2, block.half_h - drive / 2, block.angle)], list[Plot]()
    while todo:
        plot = todo.pop()
        longer = max(plot.half_w, plot.half_h) * 2
        if longer < 1.5 * plan.px(lot_m) or longer < 24:
            lots.append(plot)
        else:
            todo += plot.halves(draws.uniform(0.38, 0.62), drive)
    roof = draws.weighted(_ROOFS, _ROOF_WEIGHTS)
    for lot in lots:
        colour = roof if draws.chance(0.5) else draws.weighted(_ROOFS, _ROOF_WEIGHTS)
        use = draws.weighted((_lay_hall, _lay_yard, _lay_staff_lot, _lay_store), (66, 16, 10, 8))
        use(plan, built_up, lot, colour)


def _lay_hall(plan: Plan, land: Floor, lot: Plot, colour: str) -> None:
    """A hall that fills most of its lot, with lorries at its docks."""
    draws = plan.draws
    inset = plan.px(draws.uniform(5, 12)) + 1
    half_w, half_h = lot.half_w - inset, lot.half_h - inset
    half_w = min(half_w * draws.uniform(0.7, 1.0), plan.px(70))
    half_h = min(half_h * draws.uniform(0.6, 1.0), plan.px(45))
    if min(half_w, half_h) * 2 < max(2.5, plan.px(9)):
        return
    y = draws.choice((-1, 1)) * (lot.half_h - inset - half_h)
    hall = lot.part(0, y, half_w, half_h)
    if put_hall(land, hall, colour) and draws.chance(0.5):
        across = -math.copysign(half_h + plan.px(9.5) + 1, y)
        _line_up(plan, land, lot, y + across, half_w)


def put_hall(land: Floor, plot: Plot, colour: str = "") -> bool:
    """A hall that fills ``plot``, with a roof of ``colour`` or of any; says whether it fits."""
    draws = land.plan.draws
    if min(plot.half_w, plot.half_h) * 2 * land.plan.gsd_m < SMALLEST_HALL_M:
        return False
    colour = colour or draws.weighted(_ROOFS, _ROOF_WEIGHTS)
    return land.build("building", plot, height_m=draws.uniform(8, 20), kind="hall", colour=colour)


def _line_up(plan: Plan, land: Floor, lot: Plot, y: float, half_w: float) -> None:
    """Lorries side by side along the line ``y`` of a lot, backed up to what is behind them."""
    draws = plan.draws
    if not visible(plan, MAKES["truck"].width):
        return
    pitch, filled = max(plan.px(4.5), plan.px(2.6) + GAP_PX + 0.75), draws.uniform(0.15, 0.7)
    count = int(2 * half_w // pitch)
    for index in range(count):
        if draws.chance(filled):
            kind = draws.weighted(("trailer", "truck", "van"), (6, 3, 1))
            centre = lot.at((index + 0.5 - count / 2) * pitch, y)
            put_vehicle(land, kind, centre, lot.angle + math.pi / 2)


def _lay_yard(plan: Plan, land: Floor, lot: Plot, _: str) -> None:
    """A concrete yard, in finer views with parked lorries."""
    if min(lot.half_w, lot.half_h) < 3 or land.share(lot.corners()) < 1:
        return
    plan.add("concrete", Polygon(lot.corners()), angle_deg=lot.degrees)
    park_in_yard(plan, land, lot)


def park_in_yard(plan: Plan, land: Floor, yard: Plot) -> None:
    """Rows of lorries along the longer sides of a yard."""
    y = yard.half_h - plan.px(10)
    if y > 0:
        _line_up(plan, land, yard, -y, yard.half_w - 2)
    if y > plan.px(14):
        _line_up(plan, land, yard, y, yard.half_w - 2)


def _lay_staff_lot(plan: Plan, land: Floor, lot: Plot, colour: str) -> None:
    """A car park in a corner of the lot; where cars cannot be told apart, a hall."""
    half_w, half_h = min(lot.half_w - 2, plan.px(35)), min(lot.half_h - 2, plan.px(24))
    if visible(plan, MAKES["car"].width) and min(half_w, half_h) > plan.px(6):
        lay_lot(land, lot.part(0, 0, half_w, half_h), {"car": 9, "van": 1}, plan.draws.uniform(0.2, 0.9))
    else:
        _lay_hall(plan, land, lot, colour)


def _lay_store(plan: Plan, land: Floor, lot: Plot, _: str) -> None:
    """A few tanks on their lot."""
    if land.share(lot.corners()) == 1.0:
        _fill_farm(plan, land, lot, plan.draws.between(1, 6))


def lay_farm(plan: Plan, floors: Floors) -> bool:
    """A tank farm of its own: a pad on open land, as large as its tanks need."""
    draws = plan.draws
    radius_m = _tank_radius(plan)
    count = draws.weighted(_TANK_COUNTS, _TANK_COUNT_WEIGHTS)
    while count:
        columns = max(1, round(math.sqrt(count * draws.uniform(0.8, 1.8))))
        rows = math.ceil(count / columns)
        pitch = _pitch(plan, radius_m)
        pad = floors.open.site(columns * pitch / 2 + 1, rows * pitch / 2 + 1, tries=8)
        if pad is not None:
            floors.claim(pad.corners(2))
            _fill_farm(plan, floors.land, pad, count, radius_m)
            return True
        count //= 2
    return False


def _tank_radius(plan: Plan) -> float:
    """A radius in metres, 4..40, of at least 2 pixels and at most a ninth of the usual view."""
    low, high = max(4.0, 2.2 * plan.gsd_m), min(40.0, 28 * plan.gsd_m)
    share: float = plan.draws.unit() ** 1.6
    return float(low * (high / low) ** share)


def _pitch(plan: Plan, radius_m: float) -> float:
    """From tank to tank in pixels: a gap that tells them apart and a third of the radius."""
    radius = plan.px(radius_m)
    return 2 * radius + max(GAP_PX + 1.25, 0.35 * radius)


def _fill_farm(plan: Plan, land: Floor, pad: Plot, count: int, radius_m: float = 0.0) -> None:
    """Up to ``count`` tanks in rows on ``pad``, all alike or in one of two sizes by row; one group."""
    draws, group = plan.draws, plan.new_group()
    radius_m = radius_m or min(_tank_radius(plan), (min(pad.half_w, pad.half_h) - 2) * plan.gsd_m)
    if plan.px(radius_m) < 2:
        return
    plan.add("paved", Polygon(pad.corners()), angle_deg=pad.degrees, kind="pad")
    pitch = _pitch(plan, radius_m)
    columns, rows = max(1, int(2 * pad.half_w // pitch)), max(1, int(2 * pad.half_h // pitch))
    mixed, colour = draws.chance(0.35), draws.weighted(_TANK_COLOURS, _TANK_WEIGHTS)
    for index in range(min(count, columns * rows)):
        row, column = divmod(index, columns)
        radius = plan.px(max(0.62 * radius_m, 4.0) if mixed and row % 2 else radius_m)
        x, y = (column + 0.5 - columns / 2) * pitch, (row + 0.5 - rows / 2) * pitch
        put_tank(plan, land, pad.part(x, y, radius, radius), colour, group)


def put_tank(plan: Plan, land: Floor, plot: Plot, colour: str, group: int = 0) -> bool:
    """A tank that fills ``plot``, 10..20 m high, in proportion to its radius where that is within."""
    if plot.half_w < max(2.0, SMALLEST_PX):
        return False
    radius = round(plot.half_w * 2) / 2
    height = min(max(plot.half_w * plan.gsd_m * plan.draws.uniform(0.7, 1.1), 10.0), 20.0)
    centre = (round(plot.centre[0] * 2) / 2, round(plot.centre[1] * 2) / 2)
    upright = Plot(centre, radius, radius, 0.0)
    return land.build("storage tank", upright, Disc(centre, radius), height_m=height, colour=colour, group=group)
