"""Synthetic scenes rendered once into arrays, in the form in which the network's input is made from them.

They are kept in memory or on disk. A set on disk is a folder: ``optical.npy`` uint8 [S, 3, size, size], ``sar.npy``
uint8 [S, size, size] (both stretched by the card's own rules, 0..255 for 0..1), ``patches.npy`` uint8 [S, M, channels]
(see ``patch_truth``), and ``samples.json`` with weather and questions. Training then only copies rows.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from engine.scenes import WORLD_VERSION, make_sample
from engine.scenes.stream import in_order
from engine.text import ANSWERS_VERSION, Wording
from engine.vqa.patch_truth import CHANNELS, patch_truth
from engine.vqa.preprocess import PreprocessSpec, letterbox, stretch_optical, stretch_sar

SPLIT_SEEDS = {"train": 10_000_000, "validation": 20_000_000, "test": 30_000_000}
REPORTED = 50  # scenes between two reports


@dataclass(frozen=True, slots=True)
class SceneSetSpec:
    """What a set is made of: ``count`` scenes from ``first_seed`` on, drawn at ``view_px``, kept at ``size_px``."""

    first_seed: int
    count: int
    wording: Wording
    questions_per_type: int
    view_px: int
    size_px: int
    grid: int  # patches along one side


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question about scene ``scene`` of a set."""

    scene: int
    text: str
    answer: str
    type: str
    template: str


@dataclass(frozen=True, slots=True)
class SceneSet:
    """A rendered set; arrays from a folder are memory-mapped.

    ``weather``, ``pair`` and ``gsd_m`` have one entry per scene. ``pair`` says whether both pictures show one place:
    "exact", "shifted" by some pixels, or "other".
    """

    optical: NDArray[np.uint8]
    sar: NDArray[np.uint8]
    patches: NDArray[np.uint8]
    weather: tuple[str, ...]
    pair: tuple[str, ...]
    gsd_m: tuple[float, ...]
    questions: tuple[AskedQuestion, ...]

    def by_scene(self) -> list[list[int]]:
        """Indices into ``questions`` of each scene."""
        lists: list[list[int]] = [[] for _ in self.weather]
        for index, question in enumerate(self.questions):
            lists[question.scene].append(index)
        return lists


def render_set(
    spec: SceneSetSpec,
    preprocess: PreprocessSpec,
    folder: Path | None,
    *,
    workers: int = 1,
    report: Callable[[int, int], None] | None = None,
) -> SceneSet:
    """Render ``spec`` in ``workers`` processes, into ``folder`` or, where that is None, into memory.

    A folder that has the same spec already is reused; it appears when it is complete. In memory nothing touches the
    disk; a scene at 224 pixels takes 0.2 MB. ``report`` hears (scenes done, scenes in all).
    """
    made_from = {
        "spec": asdict(spec),
        "preprocess": preprocess.as_json(),
        "answers_version": ANSWERS_VERSION,
        "world_version": WORLD_VERSION,
    }
    if folder is None:
        arrays = {name: np.empty(shape, np.uint8) for name, shape in _shapes(spec).items()}
        return _scene_set(arrays, _render_into(arrays, spec, preprocess, workers, report))
    if (folder / "samples.json").is_file():
        stored = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
        if stored["made_from"] == made_from:
            return _open(folder, stored["samples"])
        shutil.rmtree(folder)
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    maps = {name: open_memmap(part / f"{name}.npy", "w+", np.uint8, shape) for name, shape in _shapes(spec).items()}
    samples = _render_into(maps, spec, preprocess, workers, report)
    for stored_array in maps.values():
        stored_array.flush()
    (part / "samples.json").write_text(json.dumps({"made_from": made_from, "samples": samples}), encoding="utf-8")
    part.rename(folder)
    return _open(folder, samples)


def _shapes(spec: SceneSetSpec) -> dict[str, tuple[int, ...]]:
    size = spec.size_px
    return {
        "optical": (spec.count, 3, size, size),
        "sar": (spec.count, size, size),
        "patches": (spec.count, spec.grid**2, CHANNELS),
    }


def _render_into(
    arrays: Mapping[str, NDArray[np.uint8]],
    spec: SceneSetSpec,
    preprocess: PreprocessSpec,
    workers: int,
    report: Callable[[int, int], None] | None,
) -> list[dict[str, Any]]:
    """Fill the rows of ``arrays``; returns weather, pair and questions of each scene."""
    described: list[dict[str, Any]] = []
    seeds = range(spec.first_seed, spec.first_seed + spec.count)
    # One worker renders here: a second process would only add its start.
    processes = workers if workers > 1 else 0
    with closing(in_order(partial(_render_scene, spec, preprocess), seeds, processes)) as scenes:
        for row, (pixels, facts) in enumerate(scenes):
            for name, values in pixels.items():
                arrays[name][row] = values
            described.append(facts)
            if report is not None and (len(described) % REPORTED == 0 or len(described) == spec.count):
                report(len(described), spec.count)
    return described


def _render_scene(
    spec: SceneSetSpec, preprocess: PreprocessSpec, seed: int
) -> tuple[dict[str, NDArray[np.uint8]], dict[str, Any]]:
    """One scene as the network gets it, and what is asked about it."""
    sample = make_sample(seed, size=spec.view_px, wording=spec.wording, questions_per_type=spec.questions_per_type)
    valid = np.ones(sample.optical.shape[1:], bool)
    colours = stretch_optical(sample.optical.astype(np.float32), valid, preprocess)
    levels = stretch_sar(sample.sar[None].astype(np.float32), valid, sample.sar_unit, preprocess)
    pixels = {
        "optical": _as_bytes(letterbox(colours, valid, spec.size_px).values),
        "sar": _as_bytes(letterbox(levels, valid, spec.size_px).values[0]),
        "patches": patch_truth(sample.scene, sample.item_map, spec.grid),
    }
    facts = {
        "weather": sample.weather,
        "pair": sample.pair,
        "gsd_m": sample.gsd_m,
        "questions": [[q.text, q.answer, q.type, q.template] for q in sample.questions],
    }
    return pixels, facts


def _as_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.rint(values * 255).astype(np.uint8)
    return rounded


def _open(folder: Path, samples: Sequence[dict[str, Any]]) -> SceneSet:
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("optical", "sar", "patches")}
    return _scene_set(arrays, samples)


def _scene_set(arrays: Mapping[str, NDArray[np.uint8]], samples: Sequence[dict[str, Any]]) -> SceneSet:
    return SceneSet(
        **arrays,
        weather=tuple(sample["weather"] for sample in samples),
        pair=tuple(sample["pair"] for sample in samples),
        gsd_m=tuple(sample["gsd_m"] for sample in samples),
        questions=tuple(
            AskedQuestion(scene, *question) for scene, sample in enumerate(samples) for question in sample["questions"]
        ),
    )
