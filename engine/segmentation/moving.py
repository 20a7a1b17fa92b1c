"""Areas flipped, turned, scaled and shifted with sentences and masks; what a sentence forbids is not made.

A sentence turns with its picture (:func:`engine.text.directions.rewrite`). Where the border takes something away,
superlatives, sizes, relations and places may mean another thing: then only sentences that name all there is of a class,
or of a colour or kind of it, still name what is left of their mask. (The paper says nothing of augmentation.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.nn.preprocess import Mask
from engine.segmentation.data.referring_set import Expression
from engine.segmentation.data.visits import AreaVisit
from engine.text import Uncertain
from engine.text.directions import Box, Move, rewrite
from engine.text.meaning import POSSIBLE, SIZES, lies, read
from engine.training.picture_changes import Placement, moved_array, placed_levels, placed_mask


def flip_or_turn(area: AreaVisit, move: Move) -> AreaVisit:
    """``area`` after ``move``, its sentences rewritten; ``area`` itself where one of them cannot be, or would not be
    true of the moved mask."""
    moved = AreaVisit(
        optical=moved_array(area.optical, move),
        sar=moved_array(area.sar, move),
        optical_valid=moved_array(area.optical_valid, move),
        sar_valid=moved_array(area.sar_valid, move),
        said=(),
        masks=moved_array(area.masks, move),
    )
    frame = moved.frame()
    said = []
    for one, mask in zip(area.said, moved.masks, strict=True):
        text = rewrite(one.text, move)
        if isinstance(text, Uncertain) or not lies(text, box_of(mask), frame, POSSIBLE):
            return area
        said.append(replace(one, text=text))
    return replace(moved, said=tuple(said))


def scale_and_shift(area: AreaVisit, placement: Placement, *, least_share: float, least_px: int) -> AreaVisit:
    """``area`` placed in its own square; ``area`` itself where a sentence may then mean something else, or where less
    than ``least_share`` of what a mask has before (by its area), or fewer than ``least_px`` pixels, is left of it.
    A mask that has fewer from the start has to keep as many.
    """
    masks = placed_mask(area.masks, placement, least=0.5)
    before, after = area.masks.sum((1, 2)), masks.sum((1, 2))  # [K]
    least = np.maximum(least_share * before * placement.gain**2, np.minimum(least_px, before))
    kept = not _is_cut(area, placement) or all(_names_all(one) for one in area.said)
    if not kept or (after < least).any():
        return area
    optical_valid, sar_valid = placed_mask(np.stack([area.optical_valid, area.sar_valid]), placement, least=1)
    levels = placed_levels(np.concatenate([area.optical, area.sar[None]]), placement)  # [4, S, S]
    return AreaVisit(levels[:3] * optical_valid, levels[3] * sar_valid, optical_valid, sar_valid, area.said, masks)


def box_of(mask: Mask) -> Box:
    """The box around a mask bool [S, S] that has a pixel, in pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _is_cut(area: AreaVisit, placement: Placement) -> bool:
    """Whether a part of what has data leaves the view; half a pixel does not count."""
    left, top, right, bottom = placement.window
    x0, y0, x1, y1 = _placed_box(area.frame(), placement)
    return x0 < left - 0.5 or y0 < top - 0.5 or x1 > right + 0.5 or y1 > bottom + 0.5


def _placed_box(box: Box, at: Placement) -> Sequence[float]:
    return at.gain * box[0] + at.dx, at.gain * box[1] + at.dy, at.gain * box[2] + at.dx, at.gain * box[3] + at.dy


def _names_all(said: Expression) -> bool:
    """Whether ``said`` names whatever there is of its class, colour and kind, wherever it is."""
    parsed = read(said.text, said.category)
    if not parsed.certain or SIZES.intersection(parsed.attributes):
        return False
    return parsed.position is None and parsed.superlative is None and parsed.relation is None
