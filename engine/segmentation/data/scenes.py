"""Synthetic scenes rendered once into a referring set: pictures at the network's size, expressions and their masks.

Every scene is one area: its optical picture in its own weather and, where both pictures are of one place, its SAR
picture. On disk a set is a folder of ``stored`` rows, one for each area: ``optical.npy`` uint8 [S, 3, size, size] and
``sar.npy`` uint8 [S, size, size], stretched by the card's own rules, ``masks.npy`` uint8 [S, most, size² / 8] with room
for as many masks as a scene can have, and a record of what is asked (``scene_truth``). Training then only copies rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.nn.preprocess import PreprocessSpec, as_bytes, letterbox, stretch_optical, stretch_sar
from engine.scenes import WORLD_VERSION, Sample
from engine.scenes.truths.referring import MOST_REFERRALS
from engine.segmentation.data.mask_bits import bytes_of, packed, resized
from engine.segmentation.data.referring_set import Expression, ReferringSet
from engine.segmentation.data.scene_truth import area_truth
from engine.training.scene_sets import SceneSetSpec, sample_of
from engine.training.stored import Column, Report, Row, made_in_order, stored_rows

VERSION = 1
"""Goes up when the same scenes would be kept otherwise: other rules in ``preprocess``, ``scene_truth`` or here."""


def render_referrals(
    spec: SceneSetSpec,
    preprocess: PreprocessSpec,
    folder: Path | None,
    *,
    workers: int = 1,
    report: Report | None = None,
) -> ReferringSet:
    """Render ``spec`` in ``workers`` processes, into ``folder`` or, where that is None, into memory.

    A folder that has the same spec already is reused, one that was begun is gone on with; it appears when it is
    complete. An area takes (4 + 0.75 · ``draws``) · size² bytes. ``report`` hears (areas done, areas in all). Raises
    :class:`UsageError` where the disk lacks the room.
    """
    made_from = {
        "version": VERSION,
        "spec": asdict(spec),
        "preprocess": preprocess.as_json(),
        "world_version": WORLD_VERSION,
    }
    size, most = spec.size_px, MOST_REFERRALS * spec.draws
    columns = {
        "optical": Column(np.uint8, (3, size, size)),
        "sar": Column(np.uint8, (size, size)),
        "masks": Column(np.uint8, (most, bytes_of(size))),
    }
    rows_from = partial(_rendered, spec, preprocess, workers)
    arrays, facts = stored_rows(folder, made_from, columns, spec.count, rows_from, report)
    return ReferringSet(
        about=f"{spec.exam or 'scenes'}, seeds from {spec.first_seed}, {spec.wording} wordings",
        optical=arrays["optical"],
        sar=arrays["sar"],
        has=np.array([[True, fact["pair"] == "exact"] for fact in facts]),
        masks=arrays["masks"].reshape(spec.count * most, -1),
        names=tuple(f"scene {spec.first_seed + number}" for number in range(spec.count)),
        weather=tuple(fact["weather"] for fact in facts),
        gsd_m=tuple(fact["gsd_m"] for fact in facts),
        expressions=_numbered(facts, most),
        key=hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest(),
        left_out=_left_out(facts),
    )


def _rendered(spec: SceneSetSpec, preprocess: PreprocessSpec, workers: int, first: int) -> Iterable[Row]:
    """The areas from the one in row ``first`` on."""
    seeds = range(spec.first_seed + first, spec.first_seed + spec.count)
    return made_in_order(partial(_row, spec, preprocess), seeds, workers)


def _row(spec: SceneSetSpec, preprocess: PreprocessSpec, seed: int) -> Row:
    """One scene: the SAR picture is that of an exact pair, else 0."""
    sample = sample_of(spec, seed)
    truth = area_truth(sample, spec.wording, draws=spec.draws, exam=bool(spec.exam))
    masks = [resized(mask, spec.size_px) for mask in truth.masks]
    bits = np.zeros((MOST_REFERRALS * spec.draws, bytes_of(spec.size_px)), np.uint8)
    for place, mask in enumerate(masks):
        bits[place] = packed(mask)
    kept = [one for one in truth.expressions if masks[one.mask].any()]
    values = {"optical": _optical(sample, spec, preprocess), "sar": _sar(sample, spec, preprocess), "masks": bits}
    return values, {
        "pair": sample.pair,
        "weather": sample.weather,
        "gsd_m": sample.gsd_m * spec.view_px / spec.size_px,  # of a pixel of the network's square
        "expressions": [asdict(one) for one in kept],
        "unseen": truth.unseen,
        "too_small": len(truth.expressions) - len(kept),
    }


def _optical(sample: Sample, spec: SceneSetSpec, preprocess: PreprocessSpec) -> NDArray[np.uint8]:
    valid = np.ones(sample.optical.shape[1:], bool)
    levels = stretch_optical(sample.optical.astype(np.float32), valid, preprocess)
    return as_bytes(letterbox(levels, valid, spec.size_px).values)  # [3, size, size]


def _sar(sample: Sample, spec: SceneSetSpec, preprocess: PreprocessSpec) -> NDArray[np.uint8]:
    if sample.pair != "exact":
        return np.zeros((spec.size_px, spec.size_px), np.uint8)
    valid = np.ones(sample.sar.shape, bool)
    levels = stretch_sar(sample.sar[None].astype(np.float32), valid, sample.sar_unit, preprocess)
    square = letterbox(levels, valid, spec.size_px)  # [1, size, size]
    return as_bytes(square.values[0])


def _numbered(facts: Sequence[dict[str, Any]], most: int) -> tuple[Expression, ...]:
    """Expressions of all areas, with their area's row and places of masks in the whole set."""
    return tuple(
        replace(one, area=row, mask=most * row + one.mask)
        for row, fact in enumerate(facts)
        for one in msgspec.convert(fact["expressions"], list[Expression])
    )


def _left_out(facts: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """How many expressions had to go, by reason."""
    reasons = {
        "unseen": "expressions that name what weather hides where there is no SAR picture of the place",
        "too_small": "expressions whose mask is below half a pixel of the network's square",
    }
    counts = {what: sum(fact[what] for fact in facts) for what in reasons}
    return tuple(f"{count} {reasons[what]}" for what, count in counts.items() if count)
