"""Figures and verdicts as the window says them, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.records import AreaUsed, AskRequest, Grid, PixelWindow, TileCount
from rsqa_desktop.model import wording
from rsqa_desktop.model.coordinates import Locator
from tests.desktop.fakes import GRID, answer, check, raster, tiled_answer

AREA = AreaUsed(PixelWindow(0, 0, 224, 224), GRID, 8.4, (0.5, 10.0), 1.0, 0.53)


def plain(text: str) -> str:
    return text.replace(wording.NBSP, " ")


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0 %"), (0.001, "<1 %"), (0.93, "93 %"), (0.999, ">99 %"), (1.0, "100 %")]
)
def test_a_share_is_never_rounded_to_certainty(share: float, said: str) -> None:
    assert plain(wording.percent(share)) == said


def test_numbers_are_grouped_and_minus_is_a_minus() -> None:
    assert wording.number(-13_186_204.4) == "−13,186,204"
    assert wording.number(-0.01, 1) == "0.0", "no minus before nothing"


@pytest.mark.parametrize(("value", "said"), [(0.5, "0.5 m"), (8.4, "8.4 m"), (30.0, "30 m"), (1240.0, "1.2 km")])
def test_lengths(value: float, said: str) -> None:
    assert plain(wording.metres(value)) == said


def test_the_pair_in_a_sentence() -> None:
    assert plain(wording.pair_sentence(check())) == "residual 3.0 px (30 m) · 3 days apart · 100 % valid"
    unsure = replace(check(), shift_is_sure=False, dates={}, overlap=0.6)
    assert plain(wording.pair_sentence(unsure, AREA)) == (
        "residual unsure, perhaps 3.0 px (30 m) · 60 % overlap · optical 100 %, SAR 53 % valid"
    )
    alone = replace(check("single-sensor"), valid=replace(check().valid, sar=None), dates={"optical": "2020-11-04"})
    assert plain(wording.pair_sentence(alone)) == "100 % valid"


def test_a_shift_in_words() -> None:
    shifted = replace(check("shifted"), shift_px=(-20.0, 3.25))
    assert plain(wording.shift_sentence(shifted)) == (
        "The SAR image lies 20.0 px left and 3.2 px down of the optical one, more than the tolerance of 16 px."
    )


def test_options_of_the_command_line_mean_nothing_in_a_window() -> None:
    assert wording.without_options("If they fit, say so (--assume-registered). Else (really) not.") == (
        "If they fit, say so. Else (really) not."
    )


def test_scale_is_judged_against_what_the_weights_were_trained_on() -> None:
    assert "in its range (0.5–10" in wording.scale_sentence(AREA)
    assert wording.in_trained_range(replace(AREA, model_gsd_m=90.0)) is False
    assert "outside its range" in wording.scale_sentence(replace(AREA, model_gsd_m=90.0))
    assert wording.in_trained_range(replace(AREA, model_gsd_m=None)) is None
    unknown = replace(AREA, trained_gsd_m=(0.0, 0.0))
    assert wording.in_trained_range(unknown) is None
    assert plain(wording.scale_sentence(unknown)) == "8.4 m per pixel at the model — its range is unknown"
    assert wording.scale_sentence(replace(unknown, model_gsd_m=None)) == "Metres per pixel unknown (no CRS)"


def test_a_raster_in_a_few_letters() -> None:
    assert wording.raster_detail(raster("/a.tif", "optical").info) == "R1 G2 B3"
    assert wording.raster_detail(raster("/a.tif", "sar").info) == "VV, dB"


def test_where_a_pixel_is() -> None:
    place = Locator(GRID).place(0, 0)  # 500 000 m east in UTM 31N is its central meridian, 3° E
    assert (place.x, place.y) == (500_000, 4_000_000)
    assert place.degrees.startswith("3.0000° E 36.14")
    assert Locator(GRID).crs_name == "EPSG:32631"


def test_places_without_longitude() -> None:
    pixels = Locator(Grid(10, 10, (1, 0, 0, 0, 1, 0)))
    assert pixels.place(3, 4).degrees == ""
    assert pixels.crs_name == "no CRS, pixels"
    mars = Grid(10, 10, (1, 0, 0, 0, -1, 0), 'GEOGCS["Mars",DATUM["Mars",SPHEROID["Mars",3396190,169.89]],'
                'PRIMEM["Mars",0],UNIT["degree",0.0174532925199433]]')  # fmt: skip
    assert Locator(mars).place(1, 1).degrees == "", "a longitude on Mars is not one on Earth"
    assert Locator(Grid(10, 10, (1, 0, 0, 0, -1, 0), "nonsense")).crs_name == "unknown CRS"


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (("yes",), "With 90 % certainty: yes."),
        (("yes", "no"), "With 90 % certainty: yes, or no."),
        (("2", "1", "3", "4", "0", "5"), "With 90 % certainty: 2, 1, 3, 4, or 2 more."),
    ],
)
def test_the_answer_set_in_plain_words(tmp_path: Path, held: tuple[str, ...], said: str) -> None:
    given = replace(answer(AskRequest("?", "/a", None, str(tmp_path))), answer_set=held, error_rate=0.1)
    assert plain(wording.answer_set(given)) == said
    assert ", ".join(held) in wording.whole_answer_set(given)
    assert wording.answer_set(replace(given, error_rate=None)) == "", "no promise without calibration"


def test_a_map_of_answers_in_words(tmp_path: Path) -> None:
    tiled = tiled_answer(AskRequest("Is there a river?", "/a", "/b", str(tmp_path)))
    assert plain(wording.tiled_extent(tiled)) == "25 tiles of 2.2 km"
    assert wording.tiled_headline(tiled) == "Mostly no"
    assert plain(wording.tiled_summary(tiled)).splitlines() == [
        "Is there a river?",
        "no: 19 tiles, 80 %",
        "yes: 5 tiles, 20 %",
        "not answerable: no data: 1 tile",
    ]
    no = TileCount("no", 25, 1.0, 0.9, None)
    assert wording.tiled_headline(replace(tiled, counts=(no,))) == "No, everywhere"
    half = tuple(replace(each, share=0.5) for each in tiled.counts)
    assert wording.tiled_headline(replace(tiled, counts=half)) == "Mixed answers"


@pytest.mark.parametrize(("area", "said"), [(800.0, "800 m²"), (31_000.0, "3.1 ha"), (4.8e6, "4.8 km²")])
def test_ground(area: float, said: str) -> None:
    assert plain(wording.ground(area)) == said
