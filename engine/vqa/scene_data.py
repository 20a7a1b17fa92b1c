"""Synthetic scenes rendered once into arrays on disk, in the form in which the network's input is made from them.

A set is a folder: ``optical.npy`` uint8 [S, 3, size, size], ``sar.npy`` uint8 [S, size, size] (both stretched by the
card's own rules, 0..255 for 0..1), ``patches.npy`` uint8 [S, M, channels] (see ``patch_truth``), and ``samples.json``
with weather and questions. Training then only copies rows.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from engine.scenes import WORLD_VERSION, make_sample
from engine.text import ANSWERS_VERSION, Wording
from engine.vqa.patch_truth import CHANNELS, patch_truth
from engine.vqa.preprocess import PreprocessSpec, letterbox, stretch_optical, stretch_sar

SPLIT_SEEDS = {"train": 10_000_000, "validation": 20_000_000, "test": 30_000_000}
CHUNK = 50


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
    """A rendered set, arrays memory-mapped. ``weather``, ``pair`` and ``gsd_m`` have one entry per scene.

    ``pair`` says whether both pictures show one place: "exact", "shifted" by some pixels, or "other".
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
    folder: Path,
    *,
    workers: int = 1,
    report: Callable[[int, int], None] | None = None,
) -> SceneSet:
    """Render ``spec`` into ``folder`` in ``workers`` processes, or reuse what is there from the same spec.

    ``report`` hears (scenes done, scenes in all). The folder appears when it is complete.
    """
    made_from = {
        "spec": asdict(spec),
        "preprocess": preprocess.as_json(),
        "answers_version": ANSWERS_VERSION,
        "world_version": WORLD_VERSION,
    }
    if (folder / "samples.json").is_file():
        stored = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
        if stored["made_from"] == made_from:
            return _open(folder, stored)
        shutil.rmtree(folder)
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    size = spec.size_px
    open_memmap(part / "optical.npy", "w+", np.uint8, (spec.count, 3, size, size)).flush()
    open_memmap(part / "sar.npy", "w+", np.uint8, (spec.count, size, size)).flush()
    open_memmap(part / "patches.npy", "w+", np.uint8, (spec.count, spec.grid**2, CHANNELS)).flush()
    samples: list[dict[str, Any]] = []
    for done in _rendered_chunks(spec, preprocess, part, workers):
        samples.extend(done)
        if report is not None:
            report(len(samples), spec.count)
    stored = {"made_from": made_from, "samples": samples}
    (part / "samples.json").write_text(json.dumps(stored), encoding="utf-8")
    part.rename(folder)
    return _open(folder, stored)


def _rendered_chunks(
    spec: SceneSetSpec, preprocess: PreprocessSpec, folder: Path, workers: int
) -> Iterator[list[dict[str, Any]]]:
    starts = range(0, spec.count, CHUNK)
    if workers <= 1:
        for start in starts:
            yield _render_chunk(spec, preprocess, folder, start)
        return
    # Spawned, not forked: the parent may have torch's threads running.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_render_chunk, spec, preprocess, folder, start) for start in starts]
        for future in futures:
            yield future.result()


def _render_chunk(spec: SceneSetSpec, preprocess: PreprocessSpec, folder: Path, start: int) -> list[dict[str, Any]]:
    """Render scenes ``start`` .. ``start + CHUNK`` into their rows; returns weather and questions of each."""
    optical = open_memmap(folder / "optical.npy", "r+")
    sar = open_memmap(folder / "sar.npy", "r+")
    patches = open_memmap(folder / "patches.npy", "r+")
    described = []
    for row in range(start, min(start + CHUNK, spec.count)):
        sample = make_sample(
            spec.first_seed + row,
            size=spec.view_px,
            wording=spec.wording,
            questions_per_type=spec.questions_per_type,
        )
        valid = np.ones(sample.optical.shape[1:], bool)
        colours = stretch_optical(sample.optical.astype(np.float32), valid, preprocess)
        levels = stretch_sar(sample.sar[None].astype(np.float32), valid, sample.sar_unit, preprocess)
        optical[row] = np.rint(letterbox(colours, valid, spec.size_px).values * 255)
        sar[row] = np.rint(letterbox(levels, valid, spec.size_px).values[0] * 255)
        patches[row] = patch_truth(sample.scene, sample.item_map, spec.grid)
        described.append(
            {
                "weather": sample.weather,
                "pair": sample.pair,
                "gsd_m": sample.gsd_m,
                "questions": [[q.text, q.answer, q.type, q.template] for q in sample.questions],
            }
        )
    optical.flush()
    sar.flush()
    patches.flush()
    return described


def _open(folder: Path, stored: dict[str, Any]) -> SceneSet:
    samples = stored["samples"]
    return SceneSet(
        optical=np.load(folder / "optical.npy", mmap_mode="r"),
        sar=np.load(folder / "sar.npy", mmap_mode="r"),
        patches=np.load(folder / "patches.npy", mmap_mode="r"),
        weather=tuple(sample["weather"] for sample in samples),
        pair=tuple(sample["pair"] for sample in samples),
        gsd_m=tuple(sample["gsd_m"] for sample in samples),
        questions=tuple(
            AskedQuestion(scene, *question) for scene, sample in enumerate(samples) for question in sample["questions"]
        ),
    )
