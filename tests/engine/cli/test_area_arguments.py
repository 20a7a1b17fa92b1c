"""Areas named in pixels, on the map and by longitude and latitude find the same window."""

from __future__ import annotations

import argparse

import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cli.area_arguments import add_area_arguments, area_window
from engine.errors import UsageError
from engine.records import Grid, PixelWindow

UTM = Grid(400, 300, (10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0), "EPSG:32631", 10.0)
ROTATED = Grid(400, 300, (8.0, 3.0, 500000.0, 3.0, -8.0, 5000000.0), "EPSG:32631", 8.5)
NO_CRS = Grid(400, 300, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def window_of(grid: Grid, *argv: str) -> PixelWindow | None:
    parser = argparse.ArgumentParser()
    add_area_arguments(parser)
    return area_window(parser.parse_args(argv), grid, path="scene.tif")


def test_no_area_is_the_whole_raster() -> None:
    assert window_of(UTM) is None


@pytest.mark.parametrize("text", ["40,30,240,130", "240,130,40,30", "40 30 240 130", "40.2,30.9,239.5,129.1"])
def test_pixels_are_widened_to_whole_ones(text: str) -> None:
    assert window_of(UTM, "--area", text) == PixelWindow(40, 30, 200, 100)


def test_what_lies_outside_is_cut_off() -> None:
    assert window_of(UTM, "--area=-50,-50,100,1000") == PixelWindow(0, 0, 100, 300)


corner = st.tuples(st.integers(0, 390), st.integers(0, 290), st.integers(1, 300), st.integers(1, 200))


@given(corner)
def test_map_coordinates_find_their_pixels(box: tuple[int, int, int, int]) -> None:
    wanted = PixelWindow(*box).clipped(UTM.width, UTM.height)
    assert wanted is not None
    (x0, y0), (x1, y1) = UTM.to_map(wanted.box.x0, wanted.box.y0), UTM.to_map(wanted.box.x1, wanted.box.y1)
    assert window_of(UTM, f"--area-map={x0},{y0},{x1},{y1}") == wanted


def test_a_map_box_on_a_rotated_grid_is_covered() -> None:
    window = window_of(ROTATED, "--area-map", "500800,4999000,501600,4999800")
    assert window is not None
    for x, y in ((500800, 4999000), (501600, 4999000), (500800, 4999800), (501600, 4999800)):
        col, row = ROTATED.to_pixel(x, y)
        assert window.box.x0 <= min(max(col, 0), 400) <= window.box.x1
        assert window.box.y0 <= min(max(row, 0), 300) <= window.box.y1


def test_a_bounding_box_in_degrees_finds_its_pixels() -> None:
    there = pyproj.Transformer.from_crs("EPSG:32631", "OGC:CRS84", always_xy=True)
    west, south, east, north = there.transform_bounds(501000, 4998000, 502000, 4999000)
    window = window_of(UTM, f"--bbox={west},{south},{east},{north}")
    assert window is not None
    assert window.box.x0 == pytest.approx(100, abs=1)
    assert window.box.y1 == pytest.approx(200, abs=1)


@pytest.mark.parametrize(
    ("grid", "argument", "said"),
    [
        (UTM, "--area=500,500,600,600", "outside"),
        (UTM, "--area=10,10,10,20", "empty"),
        (UTM, "--area-map=0,0,10,10", "EPSG:32631"),
        (UTM, "--bbox=100,10,101,11", "outside"),
        (NO_CRS, "--bbox=3,45,3.1,45.1", "no CRS"),
    ],
)
def test_an_area_that_is_not_there_is_a_usage_error(grid: Grid, argument: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        window_of(grid, argument)
    assert said in error.value.sentence


@pytest.mark.parametrize("text", ["1,2,3", "a,b,c,d", "1,2,3,nan", ""])
def test_what_is_no_area_is_refused_by_the_parser(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_code:
        window_of(UTM, f"--area={text}")
    assert exit_code.value.code == 2
    assert "four numbers" in capsys.readouterr().err


def test_one_way_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        window_of(UTM, "--area=1,2,3,4", "--bbox=1,2,3,4")
    assert "not allowed with" in capsys.readouterr().err
