"""An outline made by hand, so that exporting and telling it is tested without a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.raster.masks import LEVELS, NO_DATA, mask_of
from engine.raster.polygons import mask_area_m2, mask_share, polygons_of
from engine.records import Box, Cleaning, Grid, Outline
from tests.engine.export.handmade import UTM, WINDOW, answer_by_hand, write_map


def lakes() -> NDArray[np.uint8]:
    """Probabilities over ``WINDOW``: a lake with an island, a pond, and a corner without data."""
    rows, cols = np.mgrid[: WINDOW.height, : WINDOW.width]
    far = np.hypot(rows - 50, cols - 60)
    levels = np.where((far < 40) & (far > 12), 220, 15)
    levels[70:80, 150:170] = 160
    levels[:10, -20:] = NO_DATA
    return levels.astype(np.uint8)


def outline_by_hand(
    folder: Path, grid: Grid = UTM, levels: NDArray[np.uint8] | None = None, **changes: object
) -> Outline:
    """Of ``optical.tif`` and ``sar.tif`` in ``folder``, which need not exist; its arrays and one map do."""
    by_hand = answer_by_hand(folder, grid, optical=str(folder / "optical.tif"), sar=str(folder / "sar.tif"))
    levels, cleaning = lakes() if levels is None else levels, Cleaning(0.5)
    own = grid.sub(WINDOW.box, WINDOW.width, WINDOW.height)
    mask = mask_of(levels, cleaning)
    parts, cut = polygons_of(mask, levels, own)
    shifted = (Box(p.x0 + 40, p.y0 + 30, p.x1 + 40, p.y1 + 30) for p in (part.box for part in parts))
    np.save(folder / "mask.npy", mask)
    np.save(folder / "probability.npy", levels)
    inside = levels[mask == 1]
    outline = Outline(
        expression="the lakes",
        understood="lake (all of them)",
        cleaning=cleaning,
        parts=tuple(replace(part, box=box) for part, box in zip(parts, shifted, strict=True)),
        area_m2=mask_area_m2(mask, own),
        share=mask_share(mask),
        mean_probability=float(inside.mean() / LEVELS) if inside.size else 0.0,
        probability=str(folder / "probability.npy"),
        mask=str(folder / "mask.npy"),
        grid=own,
        sensors=("optical", "sar"),
        explanations={
            "word-1": write_map(folder, "word-1", np.eye(6), WINDOW.box, kind="word", sensor="both", title="lakes")
        },
        area=by_hand.area,
        gate=by_hand.gate,
        provenance=by_hand.provenance,
        words=("the", "lakes"),
        parts_cut=cut,
    )
    return replace(outline, **changes)  # type: ignore[arg-type]
