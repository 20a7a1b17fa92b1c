"""A question over a grid of tiles: when it is offered, how it is sent, what comes of it. Without the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog import find_model, read_card
from engine.errors import InputRefused
from engine.export import TILED_FORMATS
from engine.export.tiled.rows import COLOURS, letter
from engine.jobs.plan_tiles import plan_tiles
from engine.protocol import Exported, Outcome, Progress, Ready, from_json
from engine.records import AreaUsed, AskRequest, AskTilesRequest, ExportRequest, Grid, PixelWindow, TiledAnswer
from engine.vqa.config import TgfnetConfig
from rsqa_desktop.actions import exporting
from rsqa_desktop.model import tiling, wording
from rsqa_desktop.model.engine_status import EngineStatus
from rsqa_desktop.model.overlays import layers_of
from rsqa_desktop.theme import answer_colour
from tests.desktop.conftest import Rig
from tests.desktop.fakes import GRID, answer, coarse, tiled_answer

CARD = read_card(find_model("tgfnet-compact"))
SIDE = TgfnetConfig.from_json(CARD.config).image_size


def plain(text: str) -> str:
    return text.replace(wording.NBSP, " ")


def ask_tiles(rig: Rig) -> tuple[str, AskTilesRequest]:
    message_id, request = rig.worker.newest(AskTilesRequest)
    assert isinstance(request, AskTilesRequest)
    return message_id, request


def answered_coarsely(rig: Rig) -> None:
    rig.open_pair()
    message_id = rig.ask()
    rig.worker.reply(message_id, coarse(answer(rig.document.history.entries[-1].request)))


@given(
    width=st.integers(1, 40_000),
    height=st.integers(1, 40_000),
    native=st.floats(0.05, 60.0),
    finest=st.floats(0.1, 5.0),
    span=st.floats(1.0, 40.0),
)
def test_the_offer_is_the_grid_that_the_engine_would_lay(
    width: int, height: int, native: float, finest: float, span: float
) -> None:
    window, trained = PixelWindow(7, 9, width, height), (finest, finest * span)
    grid = Grid(50_000, 50_000, GRID.transform, GRID.crs, native)
    # As engine.jobs.compose writes it: the longer side fills the model's square.
    area = AreaUsed(window, grid, native * max(width, height) / SIDE, trained, 1.0, 1.0)
    offer = tiling.tile_offer(area)
    request = AskTilesRequest(AskRequest("?", "/a", None, "/f", window), None)
    card = replace(CARD, trained_gsd_m=trained)
    if offer is None:
        assert not area.tiles_show_more or plan_tiles(request, window, grid, card).tiles == 1
        return
    asked = request if offer.is_finest else replace(request, tile_gsd_m=offer.gsd_m)
    planned = plan_tiles(asked, window, grid, card)
    assert (planned.tiles, planned.side_px) == (offer.tiles, offer.side_px)
    if not offer.is_finest:
        with pytest.raises(InputRefused):
            plan_tiles(request, window, grid, card)


def test_nothing_is_offered_where_the_network_saw_enough(tmp_path: Path) -> None:
    seen = answer(AskRequest("?", "/a.tif", None, str(tmp_path))).area
    assert tiling.tile_offer(seen) is None
    assert tiling.tile_offer(replace(seen, model_gsd_m=None)) is None


def test_a_model_of_unknown_range_is_offered_the_rasters_own_scale_or_a_coarser_one() -> None:
    """A card without a range says (0, 0); halving a scale of 0 would never end."""
    grid = Grid(50_000, 50_000, GRID.transform, GRID.crs, 10.0)
    for side, tiles, gsd in ((SIDE * 10, 100, 10.0), (SIDE * 100, 2_500, 20.0)):
        area = AreaUsed(PixelWindow(0, 0, side, side), grid, 10.0 * side / SIDE, (0.0, 0.0), 1.0, 1.0)
        assert tiling.tile_offer(area) == tiling.TileOffer(tiles, round(SIDE * gsd / 10), gsd, gsd == 10.0)


def test_tiles_are_counted_from_one_to_the_last() -> None:
    assert [tiling.step_at(done / 49, 49) for done in (0, 1, 12, 48, 49)] == [1, 2, 13, 49, 49]
    assert tiling.step_at(None, 49) is None
    assert tiling.step_at(0.5, None) is None


def test_colours_and_letters_are_those_of_the_exported_map() -> None:
    assert [answer_colour(place) for place in range(len(COLOURS))] == list(COLOURS)
    assert len({answer_colour(place) for place in range(len(COLOURS) + 1)}) == len(COLOURS) + 1
    assert [tiling.letter(place) for place in range(30)] == [letter(place) for place in range(30)]
    assert exporting.TILED_FORMATS == TILED_FORMATS


def test_the_offer_asks_the_shown_question_over_the_area_it_was_about(rig: Rig) -> None:
    answered_coarsely(rig)
    first = rig.document.history.entries[-1].request
    offer = rig.bench.asking.offer
    assert offer is not None
    rig.bench.asking.question = "Something else?"
    rig.document.set_area(PixelWindow(1, 2, 30, 40))
    rig.bench.asking.take_offer()
    _, request = ask_tiles(rig)
    assert (request.ask.question, request.ask.window) == (first.question, first.window)
    assert request.ask.folder != first.folder, "the answer before keeps its arrays"
    assert request.tile_gsd_m is None
    running = rig.document.running
    assert running is not None
    assert (running.over_tiles, running.tiles_expected) == (True, offer.tiles)


def test_nothing_is_offered_for_an_answer_about_other_files(rig: Rig) -> None:
    answered_coarsely(rig)
    shown = rig.document.shown
    rig.bench.opening.open_pair("/scene/opt.tif", None)
    rig.tiles.settle()
    assert shown is not None
    rig.document.show(shown.id)
    assert rig.bench.asking.offer is None
    rig.bench.asking.take_offer()
    assert not any(isinstance(each, AskTilesRequest) for each in rig.worker.sent.values())


def test_the_typed_question_goes_over_the_target(rig: Rig) -> None:
    rig.open_pair()
    rig.document.set_area(PixelWindow(10, 20, 300, 200))
    rig.bench.asking.question = "Is there a bridge?"
    rig.bench.asking.run_over_tiles()
    _, request = ask_tiles(rig)
    assert (request.ask.question, request.ask.window) == ("Is there a bridge?", PixelWindow(10, 20, 300, 200))


def test_tiles_and_single_questions_supersede_each_other(rig: Rig) -> None:
    answered_coarsely(rig)
    rig.bench.asking.take_offer()
    over_tiles, _ = ask_tiles(rig)
    rig.ask("Is there a bridge?")
    assert rig.worker.cancelled == [over_tiles]
    rig.worker.finished.emit(over_tiles, Outcome("cancelled"))
    single = rig.document.running
    assert single is not None
    assert not single.over_tiles
    rig.bench.asking.run_over_tiles()
    assert rig.worker.cancelled == [over_tiles, single.id]


def test_asking_again_asks_over_tiles_again(rig: Rig) -> None:
    answered_coarsely(rig)
    rig.bench.asking.take_offer()
    message_id, first = ask_tiles(rig)
    rig.worker.reply(message_id, tiled_answer(first.ask))
    rig.bench.asking.again(message_id)
    again_id, again = ask_tiles(rig)
    assert again_id != message_id
    assert again.ask.question == first.ask.question


def test_progress_is_a_count_where_the_tiles_are_known(rig: Rig) -> None:
    answered_coarsely(rig)
    rig.bench.asking.take_offer()
    message_id, _ = ask_tiles(rig)
    rig.worker.progress.emit(message_id, Progress("tiles", 12 / 25))
    document = rig.document
    assert wording.working(document.running, document.engine) == "tile 13 of 25"
    rig.bench.asking.run_over_tiles()
    unknown = EngineStatus("ready", stage="tiles", fraction=0.34)
    assert plain(wording.working(rig.document.running, unknown)) == "asking tile by tile, 34 % done"


def test_tiles_lost_with_the_worker_are_offered_again_as_tiles(rig: Rig) -> None:
    answered_coarsely(rig)
    rig.bench.asking.take_offer()
    message_id, _ = ask_tiles(rig)
    crash = Outcome("crashed", "The interactive worker was ended by SIGKILL.", "It is being started again.", code=9)
    rig.worker.finished.emit(message_id, crash)
    rig.worker.died.emit(crash)
    rig.worker.ready.emit(Ready("worker", "1"))
    assert rig.document.notices[-1].action == "ask.tiles"


def test_too_many_tiles_are_refused_without_the_command_lines_options(rig: Rig) -> None:
    rig.open_pair()
    rig.bench.asking.question = "Is there a river?"
    rig.bench.asking.run_over_tiles()
    message_id, _ = ask_tiles(rig)
    refusal = Outcome("failed", "This area has 8,100 tiles.", "Choose a coarser scale (--tile-gsd), or less.", code=3)
    rig.worker.finished.emit(message_id, refusal)
    assert rig.document.notices[-1].text == "This area has 8,100 tiles. Choose a coarser scale, or less."


def test_the_map_is_shown_kept_and_shown_again(rig: Rig) -> None:
    answered_coarsely(rig)
    single = rig.document.history.entries[-1].id
    rig.bench.asking.take_offer()
    message_id, request = ask_tiles(rig)
    rig.worker.reply(message_id, tiled_answer(request.ask))
    assert [layer.id for layer in rig.document.layers] == ["answers", "confidence"]
    assert rig.document.layers[0].panes == ("optical", "sar")
    rig.document.change_layer("answers", opacity=0.9)
    rig.document.show(single)
    assert {layer.kind for layer in rig.document.layers} == {"regions", "attention", "trust"}
    rig.document.show(message_id)
    assert rig.document.layers[0].opacity == 0.9, "what was set stays, over an answer of another kind too"


def test_the_map_goes_through_the_same_export(rig: Rig, tmp_path: Path) -> None:
    answered_coarsely(rig)
    rig.bench.asking.take_offer()
    message_id, asked = ask_tiles(rig)
    rig.worker.reply(message_id, tiled_answer(asked.ask))
    rig.bench.exporting.run(tmp_path)
    export_id, request = rig.worker.newest(ExportRequest)
    assert isinstance(request, ExportRequest)
    assert request.tiled
    assert request.formats == TILED_FORMATS
    assert rig.document.shown is not None
    assert from_json(Path(request.answer_json).read_bytes(), TiledAnswer) == rig.document.shown.result
    rig.worker.reply(export_id, Exported((str(tmp_path / "a_tiles.csv"),)))
    assert "1 file (.csv)" in rig.document.notices[-1].text


def test_a_layer_of_tiles_reaches_as_far_as_whole_tiles_do(tmp_path: Path) -> None:
    tiled = tiled_answer(AskRequest("?", "/a.tif", "/b.tif", str(tmp_path)), window=PixelWindow(10, 20, 500, 300))
    box = layers_of(tiled, ("optical", "sar"), {})[0].extent_px
    assert (box.x0, box.y0, box.x1, box.y1) == (10, 20, 10 + 3 * 224, 20 + 2 * 224)
