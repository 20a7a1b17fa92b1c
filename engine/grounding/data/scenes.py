"""Synthetic scenes rendered once into an expression set: pictures at the network's size, their things and expressions.

Every scene gives its optical picture in its own weather and, where both pictures are of one place, its SAR picture. On
disk a set is a folder of ``stored`` rows, one for each picture: ``pixels.npy`` uint8 [S, 3, size, size], stretched by
the card's own rules, and a record of what is there (``scene_truth``). Training then only copies rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.grounding.data.expression_set import Box, Expression, ExpressionSet, NamedThing, SensorName
from engine.grounding.data.scene_truth import picture_truth
from engine.nn.preprocess import PreprocessSpec, as_bytes, letterbox, stretch_optical, stretch_sar
from engine.scenes import WORLD_VERSION, Sample
from engine.scenes.condition import draw_condition
from engine.scenes.truths.referring import BOX_CATEGORIES
from engine.training.scene_sets import SceneSetSpec, sample_of
from engine.training.stored import Column, Report, Row, made_in_order, stored_rows

VERSION = 1
"""Goes up when the same scenes would be kept otherwise: other rules in ``preprocess``, ``scene_truth`` or here."""


def render_expressions(
    spec: SceneSetSpec,
    preprocess: PreprocessSpec,
    folder: Path | None,
    *,
    workers: int = 1,
    report: Report | None = None,
) -> ExpressionSet:
    """Render ``spec`` in ``workers`` processes, into ``folder`` or, where that is None, into memory.

    A folder that has the same spec already is reused, one that was begun is gone on with; it appears when it is
    complete. A picture takes 3 · size² bytes, and there are about 1.7 of them for each scene. ``report`` hears
    (pictures done, pictures in all). Raises :class:`UsageError` where the disk lacks the room.
    """
    made_from = {
        "version": VERSION,
        "spec": asdict(spec),
        "preprocess": preprocess.as_json(),
        "world_version": WORLD_VERSION,
    }
    pictures = _pictures(spec)
    rows_from = partial(_rendered, spec, preprocess, workers, pictures)
    columns = {"pixels": Column(np.uint8, (3, spec.size_px, spec.size_px))}
    arrays, facts = stored_rows(folder, made_from, columns, len(pictures), rows_from, report)
    things, expressions = _numbered(facts)
    unseen = sum(fact["unseen"] for fact in facts)
    return ExpressionSet(
        about=f"{spec.exam or 'scenes'}, seeds from {spec.first_seed}, {spec.wording} wordings",
        pixels=arrays["pixels"],
        sensors=tuple(sensor for _, sensor in pictures),
        names=tuple(f"scene {seed} {sensor}" for seed, sensor in pictures),
        weather=tuple(fact["weather"] for fact in facts),
        gsd_m=tuple(fact["gsd_m"] for fact in facts),
        things=things,
        expressions=expressions,
        categories_known=True,
        uncertain=tuple(tuple(fact["uncertain"]) for fact in facts),
        closed=BOX_CATEGORIES,
        key=hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest(),
        left_out=(f"{unseen} expressions that name what weather hides",) if unseen else (),
    )


def _pictures(spec: SceneSetSpec) -> list[tuple[int, SensorName]]:
    """Seed and sensor of every picture, in order: known without making a scene."""
    pictures: list[tuple[int, SensorName]] = []
    for seed in range(spec.first_seed, spec.first_seed + spec.count):
        pictures.append((seed, "optical"))
        if draw_condition(seed).pair == "exact":
            pictures.append((seed, "sar"))
    return pictures


def _rendered(
    spec: SceneSetSpec,
    preprocess: PreprocessSpec,
    workers: int,
    pictures: Sequence[tuple[int, SensorName]],
    first: int,
) -> Iterable[Row]:
    """The pictures from the one in row ``first`` on; that may be the second of its scene."""
    seeds = list(dict.fromkeys(seed for seed, _ in pictures[first:]))
    rows = chain.from_iterable(made_in_order(partial(_render_scene, spec, preprocess), seeds, workers))
    return islice(rows, pictures.index((seeds[0], "optical")) < first, None) if seeds else ()


def _render_scene(spec: SceneSetSpec, preprocess: PreprocessSpec, seed: int) -> list[Row]:
    """The rows of one scene: its optical picture and, of an exact pair, its SAR picture."""
    sample = sample_of(spec, seed)
    sensors: tuple[SensorName, ...] = ("optical", "sar") if sample.pair == "exact" else ("optical",)
    return [_row(spec, preprocess, sample, sensor) for sensor in sensors]


def _row(spec: SceneSetSpec, preprocess: PreprocessSpec, sample: Sample, sensor: SensorName) -> Row:
    valid = np.ones(sample.optical.shape[1:], bool)
    if sensor == "optical":
        levels = stretch_optical(sample.optical.astype(np.float32), valid, preprocess)
    else:
        levels = stretch_sar(sample.sar[None].astype(np.float32), valid, sample.sar_unit, preprocess)
    square = letterbox(levels, valid, spec.size_px)  # [1 or 3, size, size]
    pixels = np.broadcast_to(as_bytes(square.values), (3, spec.size_px, spec.size_px))
    truth = picture_truth(sample, sensor, spec.wording, draws=spec.draws, exam=bool(spec.exam))
    zoom = spec.size_px / spec.view_px
    return {"pixels": pixels}, {
        "weather": sample.weather if sensor == "optical" else "",  # a radar sees through it
        "gsd_m": sample.gsd_m / zoom,  # of a pixel of the network's square
        "things": [asdict(replace(thing, box_xyxy_px=_zoomed(thing.box_xyxy_px, zoom))) for thing in truth.things],
        "expressions": [asdict(one) for one in truth.expressions],
        "uncertain": truth.uncertain,
        "unseen": truth.unseen,
    }


def _zoomed(box: Box, zoom: float) -> Box:
    left, top, right, bottom = box
    return left * zoom, top * zoom, right * zoom, bottom * zoom


def _numbered(facts: Sequence[dict[str, Any]]) -> tuple[tuple[NamedThing, ...], tuple[Expression, ...]]:
    """Things and expressions of all pictures, with their picture's row and places in the whole set."""
    things: list[NamedThing] = []
    expressions: list[Expression] = []
    for row, fact in enumerate(facts):
        first = len(things)
        things += [replace(thing, picture=row) for thing in msgspec.convert(fact["things"], list[NamedThing])]
        for one in msgspec.convert(fact["expressions"], list[Expression]):
            members = tuple(first + member for member in one.things)
            expressions.append(replace(one, picture=row, things=members))
    return tuple(things), tuple(expressions)
