"""One expression over an area larger than the model's input: window by window, then decided over all that was found.

Memory holds one batch of windows and the boxes, whatever the size of the rasters.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import nlargest
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from engine.errors import InputRefused, UsageError
from engine.grounding.windows import LEAST_SEEN_PX, MOST_MAGNIFIED, WindowPlan
from engine.jobs.compose_find import SearchedArea
from engine.jobs.pace import Pace
from engine.jobs.reading import AreaPixels, AreaReader, SensorPixels, inside
from engine.jobs.telling import Stage
from engine.records import FindRequest, Grid, PairCheck, PixelWindow, SearchRequest, WindowsUsed
from engine.records.pair import SENSORS
from engine.records.tiles import nearest_trained_gsd_m
from engine.text import Parsed

if TYPE_CHECKING:  # torch takes seconds to import, and a pair can be refused without it
    from engine.catalog import ModelCard
    from engine.grounding.deciding import Searches
    from engine.grounding.predictor import Detection, GroundingPredictor, View
    from engine.grounding.reconcile import Sighting
    from engine.grounding.seams import WindowSighting

MOST_WINDOWS_AT_ONCE = 16

MOST_BOXES = 300
"""The most boxes that a window gives for one text."""

MOST_KEPT = 20_000
"""The most boxes that are kept of one sensor's picture of a whole area for one text, the best of all: so memory is
bounded, and so is the time that seams take."""

SCALE_TOLERANCE = 0.01
"""A scale that was asked for and differs by less than this share is the same."""

AT_ONCE_SIDES = 2.0
"""An area of more than so many of the model's sides does not go into it at once, whatever scales it was trained for:
things of a few pixels would be lost. On the sample pair, of 2.7 sides, ships were found in windows and not at once."""


def plan_windows(
    request: SearchRequest, window: PixelWindow, grid: Grid, card: ModelCard, side: int
) -> WindowPlan | None:
    """The windows over ``window``, or None where it goes into the model's square of ``side`` pixels at once.

    Without ``request.gsd_m`` that is where it has up to :data:`AT_ONCE_SIDES` of the square's sides and is seen no more
    coarsely than the model was trained for; else windows are at the scale nearest to the raster's own that it was
    trained for, magnified by :data:`MOST_MAGNIFIED` at the most.
    Raises :class:`UsageError` for a scale that cannot be had, :class:`InputRefused` for more windows than the request
    allows.
    """
    side_px = _side_px(request.gsd_m, window, grid.gsd_m, card.trained_gsd_m, side)
    if side_px is None:
        return None
    plan = WindowPlan.over(window, side_px)
    if len(plan) > request.max_windows:
        _refuse(plan, request.max_windows, None if grid.gsd_m is None else grid.gsd_m / side)
    return plan


def _refuse(plan: WindowPlan, allowed: int, gsd_of_side_px: float | None) -> NoReturn:
    """Say how many windows ``plan`` has, and from which scale on they are no more than ``allowed``.

    ``gsd_of_side_px`` is the metres per pixel at the model for each pixel that a window is wide, None if unknown.
    """
    scale, coarser = "", ""
    if gsd_of_side_px is not None:
        fitting = plan
        while len(fitting) > allowed:
            fitting = WindowPlan.over(plan.area, math.ceil(1.02 * fitting.side_px))
        scale = f" at {gsd_of_side_px * plan.side_px:.3g} m per pixel"
        coarser = f" a coarser scale (--gsd {_up(gsd_of_side_px * fitting.side_px)} or more),"
    raise InputRefused(
        f"This area takes {len(plan):,} windows{scale}, more than the {allowed:,} allowed.",
        remedy=f"Choose{coarser} a smaller area, or allow more (--max-windows).",
    )


def _up(gsd_m: float) -> str:
    """To two figures, never less than it is."""
    step = 10.0 ** (math.floor(math.log10(gsd_m)) - 1)
    return f"{math.ceil(gsd_m / step) * step:.6g}"


def _side_px(
    asked_gsd_m: float | None,
    window: PixelWindow,
    native_gsd_m: float | None,
    trained_gsd_m: tuple[float, float],
    side: int,
) -> int | None:
    """Side of a window in pixels of the raster; None where the whole area goes into the model at once."""
    longest = max(window.width, window.height)
    if asked_gsd_m is not None:
        if native_gsd_m is None:
            raise UsageError(
                "The raster has no CRS, so its metres per pixel are unknown and a scale cannot be chosen.",
                remedy="Leave the scale out.",
            )
        if longest * native_gsd_m < LEAST_SEEN_PX * asked_gsd_m:
            length = f"{longest * native_gsd_m:,.4g} m"
            raise UsageError(
                f"At {asked_gsd_m:,.6g} m per pixel, nothing can be seen of an area of {length}.",
                remedy="Choose a finer scale (--gsd).",
            )
        fitting = side * asked_gsd_m / native_gsd_m
        return None if abs(longest / fitting - 1) <= SCALE_TOLERANCE else max(1, round(fitting))
    is_small = longest <= AT_ONCE_SIDES * side
    if native_gsd_m is None or trained_gsd_m[1] <= 0:
        return None if is_small else side
    least_gsd_m = native_gsd_m / MOST_MAGNIFIED
    if is_small and native_gsd_m * longest / side <= max(trained_gsd_m[1], least_gsd_m) * (1 + SCALE_TOLERANCE):
        return None
    scale = max(nearest_trained_gsd_m(native_gsd_m, trained_gsd_m), least_gsd_m) / native_gsd_m
    return max(1, math.floor(side * scale) if scale < 1 else math.ceil(side * scale))  # towards the range's inside


@dataclass(frozen=True, slots=True)
class WindowSearch:
    """What is searched for, where and with what. ``sensors`` are those to be searched."""

    request: FindRequest
    parsed: Parsed
    check: PairCheck
    sensors: tuple[str, ...]
    predictor: GroundingPredictor
    plan: WindowPlan
    mode: Literal["best", "all"]
    threshold: float


def searched_in_windows(search: WindowSearch, stage: Stage) -> SearchedArea:
    """What all windows show, made one and decided. Windows are told to ``stage``, which may stop the search.

    Raises :class:`InputRefused` for what cannot be decided over windows, or where no sensor has data, and what
    ``engine.jobs.reading`` raises.
    """
    from engine.grounding.deciding import searches

    request, plan, side = search.request, search.plan, search.predictor.config.image_size
    texts = None if request.phrases else searches(request.expression, search.parsed)
    with AreaReader(request, search.check, skip=[name for name in SENSORS if name not in search.sensors]) as reader:
        found = _Gathered(dict.fromkeys(search.sensors, 0.0))
        _gather(search, texts, reader, found, stage)
    if not any(found.with_data.values()):
        raise InputRefused(
            "There is nothing to search: no image has data in this area.",
            remedy="Choose an area that the images cover.",
        )
    seen, remarks = _decided(search, texts, found, stage)
    area, gsd_m = plan.area, reader.grid.gsd_m
    return SearchedArea(
        window=area,
        grid=reader.grid,
        side=side,
        mode=search.mode,
        threshold=search.threshold,
        shares={sensor: part / (area.width * area.height) for sensor, part in found.with_data.items()},
        found={sensor: [] for sensor, part in found.with_data.items() if part},
        maps={},
        square=(0.0, 0.0, 1.0, 1.0),
        sources=reader.sources,
        texts=request.phrases if texts is None else (texts.thing, *((texts.reference,) if texts.reference else ())),
        windows=WindowsUsed(
            len(plan), plan.side_px, plan.overlap_px, None if gsd_m is None else gsd_m * plan.side_px / side
        ),
        seen=seen,
        remarks=(*_left_out_remarks(found), *remarks),
    )


# ---- from windows to boxes


@dataclass(slots=True)
class _Best:
    """The best :data:`MOST_KEPT` of the boxes that were added, of equal ones the first; ``left_out`` are the others."""

    boxes: list[WindowSighting] = field(default_factory=list)
    left_out: int = 0

    def add(self, found: Iterable[WindowSighting]) -> None:
        self.boxes.extend(found)
        if len(self.boxes) > 1.25 * MOST_KEPT:  # seldom, as to order them takes longer than to add some
            self.cut()

    def cut(self) -> list[WindowSighting]:
        """The best, now."""
        self.left_out += max(0, len(self.boxes) - MOST_KEPT)
        if len(self.boxes) > MOST_KEPT:
            self.boxes = nlargest(MOST_KEPT, self.boxes, key=lambda one: one.sighting.score)
        return self.boxes


@dataclass(slots=True)
class _Gathered:
    """What was found so far: pixels of the area with data by sensor, boxes by sensor and by what was searched for."""

    with_data: dict[str, float]
    things: defaultdict[str, _Best] = field(default_factory=lambda: defaultdict(_Best))
    references: defaultdict[str, _Best] = field(default_factory=lambda: defaultdict(_Best))


def _gather(search: WindowSearch, texts: Searches | None, reader: AreaReader, found: _Gathered, stage: Stage) -> None:
    """Go through all windows in reading order, as many at once as their pace allows."""
    windows, pace, done = list(search.plan), Pace(MOST_WINDOWS_AT_ONCE), 0
    while done < len(windows):
        began = time.perf_counter()
        batch = windows[done : done + pace.at_once]
        read = []
        for place, window in enumerate(batch, done):
            stage("windows", place / len(windows), len(windows))
            read.append(reader.read_within(window, search.predictor.config.image_size))
            note_data(search.plan, window, read[-1], found.with_data)
        read_batch = _Batch(done, batch, read, reader.sources.sar_unit or "db")
        looked = sum(
            _look(
                search, texts, sensor, read_batch, found, partial(stage, "windows", done / len(windows), len(windows))
            )
            for sensor in search.sensors
        )
        done += len(batch)
        pace.note(len(batch) if looked else 0, time.perf_counter() - began)


def note_data(plan: WindowPlan, window: PixelWindow, pixels: AreaPixels, with_data: dict[str, float]) -> None:
    """Add to ``with_data``, by sensor, the raster's pixels with data in the part that no earlier window showed."""
    fresh = plan.fresh(window)
    part = PixelWindow(int(fresh.x0), int(fresh.y0), int(fresh.width), int(fresh.height))
    for sensor, read in (("optical", pixels.optical), ("sar", pixels.sar)):
        if read is not None:
            seen = inside(window, part, read.valid.shape[0])
            with_data[sensor] += float(read.valid[seen].mean()) * part.width * part.height


class _Batch(NamedTuple):
    """Some windows that follow on each other, numbered from ``first``, and what was ``read`` of them."""

    first: int
    windows: Sequence[PixelWindow]
    read: Sequence[AreaPixels]
    sar_unit: str


def _look(
    search: WindowSearch,
    texts: Searches | None,
    sensor: str,
    batch: _Batch,
    found: _Gathered,
    step: Callable[[], None],
) -> int:
    """Search one sensor's pictures of a batch; how many had data. ``step`` is called between runs of the network."""
    from engine.nn.inputs import SensorArea

    places, areas = [], []
    for place, pixels in enumerate(batch.read):
        part: SensorPixels | None = pixels.optical if sensor == "optical" else pixels.sar
        if part is not None and part.valid.any():
            places.append(place)
            areas.append(SensorArea(part.values, part.valid, sensor, batch.sar_unit))
    views = [view for view in search.predictor.encode_each(areas) if view is not None]
    if not views:
        return 0
    asked = [(None if texts is None else texts.thing, found.things)]
    if texts is not None and texts.reference is not None:
        asked.append((texts.reference, found.references))
    for text, into in asked:
        for place, view, detections in zip(places, views, _detections(search, views, text, step), strict=True):
            window = batch.windows[place]
            sightings = (_sighting(search, one, view, window, batch.first + place) for one in detections)
            into[sensor].add(one for one in sightings if one is not None)
    return len(views)


def _detections(
    search: WindowSearch, views: Sequence[View], text: str | None, step: Callable[[], None]
) -> list[list[Detection]]:
    """The boxes in each view from the threshold up; where there is none, its best one, which may be the best of all.

    Without a ``text`` the request's pool of phrases is searched.
    """
    predictor, least = search.predictor, search.threshold
    if text is None:
        phrases = search.request.phrases
        return [predictor.annotate(view, phrases, least_score=least, step=lambda _: step()) for view in views]
    step()
    looks = predictor.look_each(views, [text])
    return [
        predictor.detections(look, most=MOST_BOXES, least_score=least) or predictor.detections(look) for look in looks
    ]


def _sighting(
    search: WindowSearch, one: Detection, view: View, window: PixelWindow, number: int
) -> WindowSighting | None:
    """A detection in pixels of the raster, clipped to the area: a window may reach past it. None if all lies beyond."""
    from engine.grounding.reconcile import Sighting
    from engine.grounding.seams import MARGIN_PX, WindowSighting, cut_sides

    across, down = window.width / view.size[0], window.height / view.size[1]
    x0, y0, x1, y1 = one.box_xyxy_px
    left, top = window.col_off, window.row_off
    area = search.plan.area.box
    box = (
        max(left + x0 * across, area.x0),
        max(top + y0 * down, area.y0),
        min(left + x1 * across, area.x1),
        min(top + y1 * down, area.y1),
    )
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    frame = (left, top, left + window.width, top + window.height)
    margin = MARGIN_PX * search.plan.side_px / search.predictor.config.image_size
    label = one.text if search.request.phrases else search.parsed.category or search.request.expression
    cut = cut_sides(box, frame, search.plan.seams(window), margin)
    return WindowSighting(Sighting(box, one.score, label, view.sensor), number, cut)


# ---- from boxes to what is meant


def _decided(
    search: WindowSearch, texts: Searches | None, found: _Gathered, stage: Stage
) -> tuple[list[Sighting], tuple[str, ...]]:
    """What is shown, the best first, and what the user should know of how it was decided."""
    from engine.grounding.deciding import Frame, decide

    side = search.predictor.config.image_size
    model_px = search.plan.side_px / side
    best = search.mode == "best"
    everything = _made_one(found.things, model_px, stage)
    things = [one for one in everything if one.score >= search.threshold]
    if texts is None or not texts.decides:
        remarks = () if texts is None else texts.remarks
        if best and len(things) > 1:
            remarks += (f"{len(things)} boxes score {search.threshold:.2f} or more: ask in the plural for all.",)
        return (everything[:1] if best else things), remarks
    if not things:
        return [], (f"No {search.parsed.category} was found that scores {search.threshold:.2f} or more.",)
    references = [one for one in _made_one(found.references, model_px, stage) if one.score >= search.threshold]
    decision = decide(search.parsed, things, references, Frame(search.plan.area.box, model_px, side))
    return [things[index] for index in decision.chosen][: 1 if best else None], decision.remarks


def _made_one(found: Mapping[str, _Best], model_px: float, stage: Stage) -> list[Sighting]:
    """All windows of both sensors as one list, the best first."""
    from engine.grounding.reconcile import TOLERANCE_PX, reconcile
    from engine.grounding.seams import MARGIN_PX, join_at_seams

    joined: dict[str, list[Sighting]] = {sensor: [] for sensor in SENSORS}
    for sensor, best in found.items():
        stage("decide")
        joined[sensor] = join_at_seams(best.cut(), margin=MARGIN_PX * model_px)
    stage("decide")
    return reconcile(joined["optical"], joined["sar"], tolerance=TOLERANCE_PX * model_px)


def _left_out_remarks(found: _Gathered) -> tuple[str, ...]:
    """That there were more boxes than are kept, if so."""
    if not any(best.left_out for best in (*found.things.values(), *found.references.values())):
        return ()
    return (
        f"More than {MOST_KEPT:,} boxes were found in one image, and those that score least were left out: search a "
        "smaller area, or from a higher score up.",
    )
