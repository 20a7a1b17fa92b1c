"""Pictures flipped, turned, scaled, shifted and joined, with their sentences: what may no longer be true is dropped.

A sentence turns with its picture, or is not used (:func:`engine.text.directions.rewrite`). Where the border takes
something away, or another picture comes beside, superlatives, sizes, counts and relations may mean another thing, and
an absolute direction may be true of something new: such a sentence goes, and its thing stays without a name. (The
paper turns sentences when its data set is built, section IV, step 2; of training it says nothing, and its release
leaves left and right as they were. That is a fault, not a choice.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.grounding.data.expression_set import Box
from engine.grounding.visit import Naming, PictureVisit
from engine.text import Uncertain
from engine.text.directions import Move, move_box, rewrite
from engine.text.meaning import POSSIBLE, SIZES, lies, places, read
from engine.training.picture_changes import Placement, moved_array, placed_levels, placed_mask


@dataclass(frozen=True, slots=True)
class Least:
    """What has to be left of a thing for its box to be used: ``share`` of its area, ``px`` of its shorter side."""

    share: float = 0.4
    px: float = 3.0


def flip_or_turn(visit: PictureVisit, move: Move) -> PictureVisit:
    """``visit`` after ``move``, with its sentences rewritten; those that cannot be, or would not fit, are dropped."""
    size = visit.size
    boxes = [move_box(_box(box), size, size, move) for box in visit.boxes.tolist()]
    moved = replace(
        visit,
        pixels=moved_array(visit.pixels, move),
        valid=moved_array(visit.valid, move),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        expressions=(),
    )
    frame = moved.frame()
    kept = []
    for said in visit.expressions:
        text = rewrite(said.text, move)
        if not isinstance(text, Uncertain) and all(lies(text, boxes[thing], frame, POSSIBLE) for thing in said.things):
            kept.append(replace(said, text=text))
    return replace(moved, expressions=tuple(kept))


# ---- scaling, shifting, joining


@dataclass(frozen=True, slots=True)
class _Placed:
    """What a placement makes of a visit's things.

    ``boxes`` [K, 4] are what is seen of them, ``kept`` bool [K] says of which it is enough, ``seen`` bool [K] of which
    it is anything at all. ``lost`` says that a part of the picture is out of view.
    """

    visit: PictureVisit
    placement: Placement
    boxes: NDArray[np.float32]
    kept: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    lost: bool

    @property
    def present(self) -> frozenset[str]:
        """Classes of which something may be in view."""
        seen = (name for name, seen in zip(self.visit.categories, self.seen, strict=True) if seen)
        return self.visit.unlisted.union(seen)

    @property
    def hidden(self) -> frozenset[str]:
        """Classes of which something in view has no box."""
        cut = self.seen & ~self.kept
        return self.visit.unlisted.union(name for name, gone in zip(self.visit.categories, cut, strict=True) if gone)


def scale_and_shift(visit: PictureVisit, placement: Placement, least: Least) -> PictureVisit:
    """``visit`` placed in its own square; what is cut by the border keeps the part that is seen."""
    placed = _place(visit, placement, least)
    return _joined([placed])


def mosaic(visits: Sequence[PictureVisit], placements: Sequence[Placement], least: Least) -> PictureVisit:
    """Several pictures of one sensor and one size in one square, each seen in its placement's window.

    Raises UsageError for pictures of two sensors: what one shows, the other may not.
    """
    if len({visit.sensor for visit in visits}) != 1:
        raise UsageError("A mosaic cannot be made of optical and SAR pictures together.")
    return _joined([_place(visit, placement, least) for visit, placement in zip(visits, placements, strict=True)])


def _place(visit: PictureVisit, placement: Placement, least: Least) -> _Placed:
    low, high = np.array(placement.window[:2]), np.array(placement.window[2:])
    shift = np.array([placement.dx, placement.dy] * 2, np.float32)
    moved = visit.boxes * np.float32(placement.gain) + shift  # [K, 4]
    boxes = np.concatenate([moved[:, :2].clip(low, high), moved[:, 2:].clip(low, high)], 1).astype(np.float32)
    sides, whole = boxes[:, 2:] - boxes[:, :2], moved[:, 2:] - moved[:, :2]  # [K, 2]
    share = sides.prod(1) / np.maximum(whole.prod(1), np.float32(1e-9))
    kept = (share >= least.share) & (sides.min(1, initial=np.inf) >= least.px)
    frame = np.array(visit.frame()) * placement.gain + shift
    lost = bool((frame[:2] < low - 0.5).any() or (frame[2:] > high + 0.5).any())
    return _Placed(visit, placement, boxes, kept, sides.min(1, initial=np.inf) > 0, lost)


def _joined(parts: Sequence[_Placed]) -> PictureVisit:
    """The square with all ``parts`` drawn, and of their sentences those that still hold."""
    first = parts[0].visit
    pixels, valid = np.zeros_like(first.pixels), np.zeros_like(first.valid)
    for part in parts:
        seen = placed_mask(part.visit.valid[None], part.placement, least=1)[0]  # nothing without data is mixed in
        pixels += placed_levels(part.visit.pixels, part.placement) * seen  # windows do not overlap
        valid |= seen
    boxes = np.concatenate([part.boxes[part.kept] for part in parts])
    names = [name for part in parts for name, kept in zip(part.visit.categories, part.kept, strict=True) if kept]
    blank = PictureVisit(
        pixels,
        valid,
        boxes,
        tuple(names),
        (),
        first.sensor,
        all(part.visit.categories_known for part in parts),
        frozenset().union(*(part.hidden for part in parts)),
    )
    frame = blank.frame()
    kept: dict[tuple[str, tuple[int, ...]], str] = {}
    start = 0
    for part in parts:
        rows = start + np.cumsum(part.kept) - 1  # of each thing that is kept, in the joined boxes
        others = [other for other in parts if other is not part]
        for said in part.visit.expressions:
            things = _still_named(said, part, others, frame)
            if things:
                kept[said.text, tuple(int(rows[thing]) for thing in things)] = said.category
        start += int(part.kept.sum())
    expressions = tuple(Naming(text, things, category) for (text, things), category in kept.items())
    return replace(blank, expressions=_with_whole_classes(expressions, blank) if len(parts) > 1 else expressions)


def _still_named(said: Naming, part: _Placed, others: Sequence[_Placed], frame: Box) -> tuple[int, ...]:
    """The things that ``said`` names after the placement, none where that is not certain.

    ``frame`` is the joined picture's. Of a class in the plural those that are left are named.
    """
    left = tuple(thing for thing in said.things if part.kept[thing])
    if not part.lost and not others:
        return left if len(left) == len(said.things) or _is_class(said) else ()
    parsed = read(said.text, said.category)
    if not parsed.certain or parsed.superlative or parsed.relation or SIZES.intersection(parsed.attributes):
        return ()
    beside_known = all(_is_listed(said.category, other.visit) for other in others)
    if _is_class(said):
        return left if beside_known else ()
    if len(left) != 1 or len(said.things) != 1 or not beside_known:
        return ()
    if parsed.position is None:
        return () if any(said.category in other.present for other in others) else left
    if not _is_listed(said.category, part.visit):
        return ()
    sure = places(said.text, part.boxes[left[0]].tolist(), frame)
    return left if sure and not _fits_another(said, part, others, frame) else ()


def _is_listed(category: str, visit: PictureVisit) -> bool:
    """Whether everything of ``category`` in the picture has a box."""
    return visit.categories_known and category not in visit.unlisted


def _is_class(said: Naming) -> bool:
    """Whether ``said`` is a bare class in the plural, which names all that there are of it."""
    parsed = read(said.text, said.category)
    told = (*parsed.attributes, parsed.position, parsed.superlative, parsed.relation)
    return parsed.certain and parsed.plural and not any(told)


def _fits_another(said: Naming, part: _Placed, others: Sequence[_Placed], frame: Box) -> bool:
    """Whether the place in ``said`` may now be that of a thing of the class that it did not fit before."""
    before = part.visit.frame()
    for other in (part, *others):
        for thing, name in enumerate(other.visit.categories):
            meant = other is part and thing in said.things
            if name != said.category or meant or not other.seen[thing]:
                continue
            was = other is part and places(said.text, part.visit.boxes[thing].tolist(), before)
            if not was and places(said.text, other.boxes[thing].tolist(), frame) is not False:
                return True
    return False


def _with_whole_classes(expressions: tuple[Naming, ...], visit: PictureVisit) -> tuple[Naming, ...]:
    """``expressions`` of a mosaic, where a class in the plural names its things in all of the pictures."""
    whole: dict[tuple[str, tuple[int, ...]], Naming] = {}
    for said in expressions:
        things = said.things
        if _is_class(said):
            things = tuple(row for row, name in enumerate(visit.categories) if name == said.category)
        whole[said.text, things] = replace(said, things=things)
    return tuple(whole.values())


def _box(values: Sequence[float]) -> Box:
    return values[0], values[1], values[2], values[3]
