"""A ready-made outline with its arrays, cut by the engine's own functions, and a worker that redraws it at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.raster.masks import LEVELS, NO_DATA, mask_of
from engine.raster.polygons import mask_area_m2, mask_share, polygons_of
from engine.records import (
    AskRequest,
    Box,
    Cleaning,
    ExplanationMap,
    Outline,
    OutlineRequest,
    PixelWindow,
    RedrawRequest,
)
from tests.desktop.fakes import GRID, answer

WORDS = ("the", "water")
LAKE, ISLAND, POND = (400, 300), 60, Box(800, 600, 804, 603)
"""Middle of the lake and radius of its island, frame pixels; and a pond so small that it is hard to see."""


def water(window: PixelWindow) -> np.ndarray:
    """Probabilities in 254ths over ``window``: a lake whose shore is soft, an island in it, a pond, a dry corner."""
    rows, columns = np.mgrid[: window.height, : window.width]
    far = np.hypot(columns + window.col_off - LAKE[0], rows + window.row_off - LAKE[1])
    shore = np.clip((200 - far) / 80, 0, 1) * np.clip((far - ISLAND) / 20, 0, 1)
    levels = np.rint(10 + 230 * shore).astype(np.uint8)
    x, y = window.col_off, window.row_off
    levels[int(POND.y0) - y : int(POND.y1) - y, int(POND.x0) - x : int(POND.x1) - x] = 160
    levels[-40:, -40:] = NO_DATA
    return levels


def outlined(request: OutlineRequest, levels: np.ndarray | None = None) -> Outline:
    """What is outlined for ``request``, with two words, two gates and the sensors' trust as reasons."""
    window = request.window or PixelWindow(0, 0, GRID.width, GRID.height)
    folder = Path(request.folder)
    levels = water(window) if levels is None else levels
    np.save(folder / "probability.npy", levels)
    whole = answer(AskRequest("?", request.optical, request.sar, request.folder, window))
    blank = Outline(
        expression=request.expression,
        understood="water (all of it)",
        cleaning=Cleaning(request.threshold or 0.5, request.least_part_px, request.least_hole_px),
        parts=(),
        area_m2=0.0,
        share=0.0,
        mean_probability=0.0,
        probability=str(folder / "probability.npy"),
        mask="",
        grid=GRID.sub(window.box, window.width, window.height),
        sensors=("optical", "sar"),
        explanations=reasons(folder, window.box),
        area=whole.area,
        gate=whole.gate,
        provenance=replace(whole.provenance, model="lgce-compact"),
        words=WORDS,
        messages=("The model's card has no calibration: a probability here is the network's own.",),
        seconds=0.21,
    )
    return cut(blank, blank.cleaning, folder)


def cut(outline: Outline, cleaning: Cleaning, folder: Path) -> Outline:
    """The same with another mask, which goes into ``folder``."""
    folder.mkdir(exist_ok=True)
    levels = np.load(outline.probability)
    mask = mask_of(levels, cleaning)
    np.save(folder / "mask.npy", mask)
    parts, parts_cut = polygons_of(mask, levels, outline.grid)
    x, y = outline.area.window.col_off, outline.area.window.row_off
    placed = (Box(part.box.x0 + x, part.box.y0 + y, part.box.x1 + x, part.box.y1 + y) for part in parts)
    return replace(
        outline,
        cleaning=cleaning,
        parts=tuple(replace(part, box=box) for part, box in zip(parts, placed, strict=True)),
        parts_cut=parts_cut,
        area_m2=mask_area_m2(mask, outline.grid),
        share=mask_share(mask),
        mean_probability=float(levels[mask == 1].mean() / LEVELS) if parts else 0.0,
        mask=str(folder / "mask.npy"),
    )


def redrawn(outline: Outline, request: RedrawRequest) -> Outline:
    """What the worker says to ``request``, which is about ``outline``."""
    return cut(outline, request.cleaning, Path(request.folder))


def reasons(folder: Path, extent: Box) -> dict[str, ExplanationMap]:
    """A map of 24 x 24 cells for each word, a gate after two stages, and the trust."""
    rng = np.random.default_rng(5)
    arrays = {f"word-{place:02}": rng.random((24, 24)) for place, _ in enumerate(WORDS, 1)}
    arrays |= {"gate-stage-1": rng.random((24, 24)), "gate-stage-2": rng.random((12, 12))}
    arrays["trust"] = np.tile(np.linspace(0, 1, 24), (24, 1))
    maps = {}
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        np.save(path, array.astype(np.float32))
        kind = name.split("-", maxsplit=1)[0]
        maps[name] = ExplanationMap(name, name, kind, "both", str(path), array.shape, extent, 0.0, 1.0)  # type: ignore[arg-type]
    return maps
