"""One question over a grid of tiles: windows are read in turn, answered a few at a time, and counted.

Memory holds one batch of tiles and some numbers per tile, whatever the size of the rasters. The answer about a whole
tile is the one that ``rsqa ask`` gives for its window.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.catalog import find_model, read_card
from engine.errors import InputRefused
from engine.jobs.ask import Asker
from engine.jobs.checks import require_usable
from engine.jobs.compose_tiles import TiledRun, TileResults, compose_tiles
from engine.jobs.folder import JobFolder
from engine.jobs.pace import Pace
from engine.jobs.plan_tiles import plan_tiles
from engine.jobs.reading import AreaPixels, AreaReader, no_data_sentence, size_as_read
from engine.jobs.telling import ProgressTeller, stages, tell_nobody
from engine.records import AskRequest, AskTilesRequest, CheckRequest, PixelWindow, TiledAnswer, TileGrid
from engine.records.pair import SENSORS
from engine.records.tiles import TILE_STATES

if TYPE_CHECKING:  # torch takes seconds to import, and a grid can be refused without it
    from engine.vqa.predictor import BriefPrediction, TgfnetPredictor

MOST_TILES_AT_ONCE = 16

Stage = Callable[[str, float | None], None]


def answer(request: AskTilesRequest, *, progress: ProgressTeller, cancelled: Callable[[], bool]) -> TiledAnswer:
    """Ask over tiles in this process. See :meth:`TileAsker.answer`."""
    asker = Asker(request.ask.device, process="rsqa ask")
    return TileAsker(asker).answer(request, progress=progress, cancelled=cancelled)


class TileAsker:
    """Answers a question tile by tile, with the models, devices and verdicts that ``asker`` keeps."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def answer(
        self,
        request: AskTilesRequest,
        *,
        progress: ProgressTeller = tell_nobody,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> TiledAnswer:
        """The answer to ``request``; its arrays, the request and the answer itself lie in the request's folder.

        Raises :class:`Cancelled` between tiles once ``cancelled``, ``InputRefused`` for too many tiles or where no
        tile has data, and what :meth:`Asker.answer` raises. Then there is only the request in the folder.
        """
        began, stage = time.perf_counter(), stages(progress, cancelled, "The question was stopped.")
        ask = request.ask
        folder = JobFolder(request.folder)
        folder.write_request(request)
        model = find_model(ask.model)
        _require_a_sensor(ask)
        stage("check")
        check = self._asker.checks.verdict(CheckRequest(ask.optical, ask.sar, ask.gate))
        require_usable(check)
        with AreaReader(ask, check, skip=ask.mute) as reader:
            tiles = plan_tiles(request, reader.window, reader.grid, read_card(model))
            stage("model")
            device = self._asker.claim(ask.device)
            predictor = self._asker.predictor(model, device)
            results = _answered(ask, reader, tiles, predictor, stage)
            run = TiledRun(check, reader.sources, reader.grid, tiles, results, predictor.tokens_cut(ask.question))
        if not results.any_answer:
            looks_at = predictor.config.sensors
            raise InputRefused(no_data_sentence(ask, looks_at), remedy="Choose an area that the images cover.")
        result = compose_tiles(request, run, predictor, device, folder)
        result = replace(result, seconds=time.perf_counter() - began)
        folder.write_result(result)
        return result


def _require_a_sensor(ask: AskRequest) -> None:
    if all(name in ask.mute or path is None for name, path in zip(SENSORS, (ask.optical, ask.sar), strict=True)):
        raise InputRefused(
            "This question cannot be answered: with these sensors muted, no data is left.",
            remedy="Unmute a sensor.",
        )


def _answered(
    ask: AskRequest, reader: AreaReader, tiles: TileGrid, predictor: TgfnetPredictor, stage: Stage
) -> TileResults:
    """Go through all tiles in reading order, as many at once as their pace allows."""
    from engine.vqa.predictor import AreaArrays

    results = TileResults.unanswered(tiles)
    positions = list(tiles.positions())
    unit = reader.sources.sar_unit or "db"
    pace, done = Pace(MOST_TILES_AT_ONCE), 0
    while done < len(positions):
        began = time.perf_counter()
        batch = positions[done : done + pace.at_once]
        areas = []
        for position in batch:
            stage("tiles", done / len(positions))
            pixels = read_tile(reader, tiles, *position, predictor.config.image_size)
            _note_data(results, tiles, position, pixels, predictor.config.image_size)
            optical, sar = pixels.optical, pixels.sar
            areas.append(
                AreaArrays(
                    None if optical is None else optical.values,
                    None if optical is None else optical.valid,
                    None if sar is None else sar.values,
                    None if sar is None else sar.valid,
                    unit,
                )
            )
        said = predictor.answer_each(areas, ask.question, strict=ask.strict)
        for position, prediction in zip(batch, said, strict=True):
            _note_answer(results, position, prediction, predictor.config.sensors)
        done += len(batch)
        pace.note(sum(prediction is not None for prediction in said), time.perf_counter() - began)
    return results


def read_tile(reader: AreaReader, tiles: TileGrid, row: int, column: int, image_size: int) -> AreaPixels:
    """A tile's pixels, as many as the model takes. A cut tile lies in the middle of a square of the whole ones' size.

    So all tiles are seen at one scale; what surrounds a cut one is not valid.
    """
    window, side = tiles.tile(row, column), tiles.side_px
    left, top = _margins(tiles, window)
    square = PixelWindow(window.col_off - left, window.row_off - top, side, side)
    read = reader.read(square, *size_as_read(square, image_size))
    if (window.width, window.height) == (side, side):
        return read
    inside = _inside(tiles, window, image_size)
    optical, sar = read.optical, read.sar
    return replace(
        read,
        optical=None if optical is None else optical.only(*inside),
        sar=None if sar is None else sar.only(*inside),
    )


def _margins(tiles: TileGrid, window: PixelWindow) -> tuple[int, int]:
    """Optical pixels to the left of and above a cut tile in its square."""
    return (tiles.side_px - window.width) // 2, (tiles.side_px - window.height) // 2


def _inside(tiles: TileGrid, window: PixelWindow, image_size: int) -> tuple[slice, slice]:
    """Rows and columns of a tile's square, as read, that are the tile; at least one of each."""
    scale = min(1.0, image_size / tiles.side_px)
    left, top = (round(margin * scale) for margin in _margins(tiles, window))
    height, width = max(1, round(window.height * scale)), max(1, round(window.width * scale))
    return slice(top, top + height), slice(left, left + width)


def _note_data(
    results: TileResults, tiles: TileGrid, position: tuple[int, int], pixels: AreaPixels, image_size: int
) -> None:
    """The share of the tile itself with data: what surrounds a cut tile in its square does not count."""
    inside = _inside(tiles, tiles.tile(*position), image_size)
    if pixels.optical is not None:
        results.valid_optical[position] = pixels.optical.valid[inside].mean()
    if pixels.sar is not None:
        results.valid_sar[position] = pixels.sar.valid[inside].mean()


def _note_answer(results: TileResults, position: tuple[int, int], said: BriefPrediction | None, looks_at: str) -> None:
    """``looks_at`` is the model's ``sensors``: one that looks at a single sensor misses nothing by it."""
    if said is None:
        return
    alone = looks_at == "both" and len(said.sensors) == 1
    results.answer[position] = said.answer_index
    results.confidence[position] = said.confidence
    results.state[position] = TILE_STATES.index("single-sensor" if alone else "answered")
    results.alone[position] = SENSORS.index(said.sensors[0]) if alone else -1
