"""From what was found tile by tile to the record of it: counted, written as arrays, with what a user should know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.jobs.compose import provenance_of
from engine.jobs.device import Device
from engine.jobs.folder import JobFolder
from engine.jobs.reading import Sources
from engine.jobs.remarks import (
    data_remarks,
    each_on_the_ground,
    question_remarks,
    shift_remarks,
    tile_scale_remarks,
    tile_state_remarks,
)
from engine.records import AreaUsed, AskTilesRequest, Grid, PairCheck, TileArrays, TileCount, TiledAnswer, TileGrid
from engine.records.pair import SENSORS
from engine.records.tiles import NO_ANSWER, TILE_STATES, TileState

if TYPE_CHECKING:  # only for its name: the predictor brings torch
    from engine.vqa.predictor import TgfnetPredictor


@dataclass(frozen=True, slots=True)
class TileResults:
    """What was found, as arrays [rows, columns]; see ``records.TileArrays``.

    ``answer`` is an index into the card's vocabulary. ``alone`` is the sensor that answered a tile by itself, as an
    index into ``SENSORS``, or -1.
    """

    answer: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float32]
    state: npt.NDArray[np.uint8]
    alone: npt.NDArray[np.int8]
    valid_optical: npt.NDArray[np.float32]
    valid_sar: npt.NDArray[np.float32]

    @classmethod
    def unanswered(cls, grid: TileGrid) -> TileResults:
        """As long as nothing is known of any tile."""
        shape = grid.rows, grid.columns
        return cls(
            answer=np.full(shape, NO_ANSWER, np.int32),
            confidence=np.full(shape, np.nan, np.float32),
            state=np.full(shape, TILE_STATES.index("not-answerable"), np.uint8),
            alone=np.full(shape, -1, np.int8),
            valid_optical=np.zeros(shape, np.float32),
            valid_sar=np.zeros(shape, np.float32),
        )

    @property
    def any_answer(self) -> bool:
        return bool((self.answer != NO_ANSWER).any())


@dataclass(frozen=True, slots=True)
class TiledRun:
    """A grid of tiles that was gone through. ``raster_grid`` is that of the optical raster, or of SAR alone."""

    check: PairCheck
    sources: Sources
    raster_grid: Grid
    tiles: TileGrid
    results: TileResults
    tokens_cut: int


def compose_tiles(
    request: AskTilesRequest, run: TiledRun, predictor: TgfnetPredictor, device: Device, folder: JobFolder
) -> TiledAnswer:
    """The record of a run; its arrays are written into ``folder``. Raises ``ExportRefused``."""
    area = _area(request, run, predictor)
    counts, answer = _counted(run, predictor.card.answers)
    arrays = _written(run.results, answer, folder)
    return TiledAnswer(
        question=request.ask.question,
        grid=run.tiles,
        counts=counts,
        states=_states(run.results),
        arrays=arrays,
        area=area,
        gate=run.check,
        provenance=provenance_of(request.ask, run.check, run.sources, predictor.card, device),
        messages=tuple(_remarks(request, run, area, counts)),
        files=(arrays.answer, arrays.confidence, arrays.state, arrays.valid_optical, arrays.valid_sar),
    )


def _area(request: AskTilesRequest, run: TiledRun, predictor: TgfnetPredictor) -> AreaUsed:
    gsd, pixels = run.raster_grid.gsd_m, _pixels(run.tiles)

    def share(sensor: str, of_tiles: npt.NDArray[np.float32], path: str | None) -> float | None:
        return None if path is None or sensor in request.ask.mute else float((of_tiles * pixels).sum() / pixels.sum())

    return AreaUsed(
        window=run.tiles.window,
        grid=run.raster_grid,
        model_gsd_m=None if gsd is None else gsd * run.tiles.side_px / predictor.config.image_size,
        trained_gsd_m=predictor.card.trained_gsd_m,
        valid_optical=share("optical", run.results.valid_optical, request.ask.optical),
        valid_sar=share("sar", run.results.valid_sar, request.ask.sar),
    )


def _pixels(tiles: TileGrid) -> npt.NDArray[np.float64]:
    """Optical pixels of each tile, [rows, columns]."""
    heights = [tiles.tile(row, 0).height for row in range(tiles.rows)]
    widths = [tiles.tile(0, column).width for column in range(tiles.columns)]
    return np.outer(np.array(heights, np.float64), np.array(widths, np.float64))


def _counted(run: TiledRun, vocabulary: tuple[str, ...]) -> tuple[tuple[TileCount, ...], npt.NDArray[np.int32]]:
    """The table, most frequent answer first, and the answers [rows, columns] as indices into it."""
    found, pixels, gsd = run.results, _pixels(run.tiles), run.raster_grid.gsd_m
    given = [int(index) for index in np.unique(found.answer) if index != NO_ANSWER]
    given.sort(key=lambda index: (-np.count_nonzero(found.answer == index), index))
    answerable = pixels[found.answer != NO_ANSWER].sum()
    renumbered = np.full(found.answer.shape, NO_ANSWER, np.int32)
    counts = []
    for place, index in enumerate(given):
        here = found.answer == index
        renumbered[here] = place
        ground = pixels[here].sum()
        counts.append(
            TileCount(
                answer=vocabulary[index],
                tiles=int(np.count_nonzero(here)),
                share=float(ground / answerable),
                mean_confidence=float(found.confidence[here].mean()),
                area_m2=None if gsd is None else float(ground * gsd**2),
            )
        )
    return tuple(counts), renumbered


def _written(results: TileResults, answer: npt.NDArray[np.int32], folder: JobFolder) -> TileArrays:
    return TileArrays(
        answer=str(folder.write_array("tile-answer", answer)),
        confidence=str(folder.write_array("tile-confidence", results.confidence)),
        state=str(folder.write_array("tile-state", results.state)),
        valid_optical=str(folder.write_array("tile-valid-optical", results.valid_optical)),
        valid_sar=str(folder.write_array("tile-valid-sar", results.valid_sar)),
    )


def _states(results: TileResults) -> dict[TileState, int]:
    return {name: int(np.count_nonzero(results.state == code)) for code, name in enumerate(TILE_STATES)}


def _remarks(request: AskTilesRequest, run: TiledRun, area: AreaUsed, counts: tuple[TileCount, ...]) -> list[str]:
    alone = {
        sensor: tiles
        for code, sensor in enumerate(SENSORS)
        if (tiles := int(np.count_nonzero(run.results.alone == code)))
    }
    empty = int(np.count_nonzero(run.results.answer == NO_ANSWER))
    return [
        *tile_scale_remarks(area),
        *data_remarks(area),
        *tile_state_remarks(request.ask, run.tiles, alone, empty),
        *each_on_the_ground((count.answer for count in counts), run.tiles.side_px, run.raster_grid.gsd_m),
        *shift_remarks(run.check, run.sources.shift_applied_px),
        *question_remarks(request.ask, run.tokens_cut),
    ]
