"""Whether a thing is counted once: by windows that cut it, and by two sensors that see it in two places.

    python -m tests.benchmarks.found_once [--scenes 4] [--pairs 200] [--first-seed 0]

Perfect detectors look at synthetic scenes, whose truth is known. *Seams*: scenes of 1024 pixels in windows of 256, each
of which sees the box of every visible part. *Sensors*: views of 256 pixels, boxes of footprints in the optical picture
and of echoes, with their layover, in the SAR picture.
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import product

import numpy as np
from scipy import ndimage

from engine.grounding.reconcile import SAME_IOU, Sighting, reconcile
from engine.grounding.seams import MARGIN_PX, WindowSighting, cut_sides, join_at_seams
from engine.grounding.windows import WindowPlan
from engine.records import PixelWindow
from engine.scenes import make_truth
from engine.scenes.radar.radar_view import radar_view
from engine.scenes.truths.facts import Facts
from engine.scenes.truths.referring import BOX_CATEGORIES, SAR_CATEGORIES, SAR_ONLY, can_be_boxed

Box = tuple[float, float, float, float]
SCENE_PX, WINDOW_PX, LEAST_PX = 1024, 256, 3


def seen(facts: Facts, window: PixelWindow) -> list[tuple[str, Box]]:
    """Class and box, in the scene's pixels, of every thing's part in ``window`` that is large enough."""
    rows = slice(window.row_off, window.row_off + window.height)
    columns = slice(window.col_off, window.col_off + window.width)
    found = []
    for category in BOX_CATEGORIES:
        labels = np.zeros((window.height, window.width), np.int32)
        things = facts.named(category)
        for number, thing in enumerate(things, 1):
            left, top, right, bottom = thing.box
            if left < columns.stop and right > columns.start and top < rows.stop and bottom > rows.start:
                labels[facts.mask(thing)[rows, columns]] = number
        for where in ndimage.find_objects(labels):
            if where is not None and min(part.stop - part.start for part in where) >= LEAST_PX:
                y, x = where
                box = (columns.start + x.start, rows.start + y.start, columns.start + x.stop, rows.start + y.stop)
                found.append((category, tuple(map(float, box))))
    return found


def over_seams(seed: int) -> Counter[str]:
    """What came of the things of one large scene."""
    facts = make_truth(seed, size=SCENE_PX, questions_per_type=0).facts
    plan = WindowPlan.over(PixelWindow(0, 0, SCENE_PX, SCENE_PX), WINDOW_PX)
    parts = []
    for number, window in enumerate(plan):
        frame = (window.col_off, window.row_off, window.col_off + window.width, window.row_off + window.height)
        for category, box in seen(facts, window):
            cut = cut_sides(box, frame, plan.seams(window), MARGIN_PX)
            parts.append(WindowSighting(Sighting(box, 0.9, category, "optical"), number, cut))
    joined = join_at_seams(parts, margin=MARGIN_PX)
    tally: Counter[str] = Counter(seen_in_windows=len(parts))
    things = [thing for thing in facts.things if thing.name in BOX_CATEGORIES and can_be_boxed(facts, thing, "optical")]
    left = list(joined)
    for thing in things:
        tally["larger than the overlap"] += int(max(np.subtract(thing.box[2:], thing.box[:2])) > plan.overlap_px)
        best = max(left, key=lambda one: (one.label == thing.name) * iou(one.box, thing.box), default=None)
        if best is not None and best.label == thing.name and iou(best.box, thing.box) >= 0.7:
            left.remove(best)
            tally["once"] += 1
        else:
            tally["lost or cut"] += 1
            tally[f"lost or cut: {thing.name}"] += 1
    tally["things"] = len(things)
    for one in left:
        if min(one.box[2] - one.box[0], one.box[3] - one.box[1]) >= LEAST_PX:
            tally["too many"] += 1
            tally[f"too many: {one.label}"] += 1
    return tally


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union of two boxes."""
    sides = np.maximum(0, np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]))
    both = float(np.prod(sides))
    areas = [float(np.prod(np.subtract(box[2:], box[:2]))) for box in (one, other)]
    return both / (sum(areas) - both)


def by_two_sensors(seed: int, tolerance: float, missed: float) -> Counter[str]:
    """What came of the things that both pictures of one view show, where each detector misses a share of them."""
    rng = np.random.default_rng(seed)
    facts = make_truth(seed, pair="exact", questions_per_type=0).facts
    radar = radar_view(facts)
    tally: Counter[str] = Counter()
    for category in BOX_CATEGORIES:
        if category not in SAR_CATEGORIES:
            continue
        optical, sar = (
            [
                Sighting(tuple(map(float, thing.box)), 0.9, str(thing.id), sensor)
                for thing in shown.named(category)
                if can_be_boxed(facts, thing, sensor) and rng.random() >= missed
            ]
            for shown, sensor in ((facts, "optical"), (radar, "sar"))
        )
        if category in SAR_ONLY:
            optical = []
        ours, theirs = ({one.label for one in every} for every in (optical, sar))
        pairs = united(optical, sar, tolerance)
        tally["things in both"] += len(ours & theirs)
        tally["made one"] += sum(one == other for one, other in pairs)
        tally["wrongly united"] += sum(one != other for one, other in pairs)
        tally[f"{category}: in both"] += len(ours & theirs)
        tally[f"{category}: made one"] += sum(one == other for one, other in pairs)
    return tally


def united(optical: list[Sighting], sar: list[Sighting], tolerance: float) -> list[tuple[str, str]]:
    """The labels of each two that were made one."""
    from engine.grounding.reconcile import _pairs

    assert len(reconcile(optical, sar, tolerance=tolerance)) <= len(optical) + len(sar)
    return [(optical[o].label, sar[s].label) for o, s in _pairs(optical, sar, tolerance, SAME_IOU)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scenes", type=int, default=4)
    options.add_argument("--pairs", type=int, default=200)
    options.add_argument("--first-seed", type=int, default=0)
    asked = options.parse_args()
    total: Counter[str] = Counter()
    for seed in range(asked.first_seed, asked.first_seed + asked.scenes):
        total += over_seams(seed)
    print("seams:", dict(total), flush=True)
    for missed, tolerance in product((0.0, 0.3), (2.0, 4.0, 6.0, 8.0)):
        total = Counter()
        for seed in range(asked.first_seed, asked.first_seed + asked.pairs):
            total += by_two_sensors(seed, tolerance, missed)
        print(f"sensors, {missed:.0%} missed, tolerance {tolerance:g} px:", dict(total), flush=True)


if __name__ == "__main__":
    main()
