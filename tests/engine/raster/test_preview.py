"""Files without overviews: a sparse first picture, that becomes the nearest-neighbour picture of the whole file."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import Affine

from engine.raster import dataset as dataset_module
from engine.raster import default_display, open_raster, render
from engine.raster import preview as preview_module
from engine.raster.preview import LEAST_BLOCKS, _cell_edges, _lattice, _widest_stride
from engine.records import DisplaySpec, PixelWindow
from tests.conftest import ROOT

SIDE = 1024
WHOLE = PixelWindow(0, 0, SIDE, SIDE)
GREY = DisplaySpec((1,), (0,), (255,), method="fixed")
LAYOUTS = [{"tiled": True, "blockxsize": 32, "blockysize": 32}, {"blockysize": 1}, {"blockysize": 2}]


@pytest.fixture
def picture() -> np.ndarray:
    rows, cols = np.mgrid[0:SIDE, 0:SIDE]
    return (127 + 60 * np.sin(cols / 90) + 60 * np.cos(rows / 70)).astype(np.uint8)


@pytest.fixture
def slow_disk(monkeypatch):
    """Every read of more than a few blocks counts as one that needs a draft.

    The widest lattice gets all the time it takes, as a machine busy with other tests must not leave holes in it.
    """
    monkeypatch.setattr(dataset_module, "QUICK_BYTES", 20_000)
    monkeypatch.setattr(preview_module, "LATTICE_SECONDS", 60.0)


@given(st.integers(1, 40), st.integers(1, 40))
def test_the_lattice_meets_every_block_once(rows, cols):
    stride = _widest_stride(rows, cols)
    met = [(row, col) for row, col, _ in _lattice(rows, cols, stride)]
    assert sorted(met) == list(itertools.product(range(rows), range(cols)))
    first = sum(1 for _, _, s in _lattice(rows, cols, stride) if s == stride)
    assert first >= min(LEAST_BLOCKS, rows * cols)


@given(st.integers(1, 300), st.integers(1, 2000), st.integers(1, 600))
def test_cells_of_one_block_are_those_whose_centre_lies_in_it(cells, pixels, block):
    cells = min(cells, pixels)
    edges = _cell_edges(cells, pixels, block)
    blocks = [int((i + 0.5) * pixels / cells) // block for i in range(cells)]
    for first, last in itertools.pairwise(edges):
        assert len(set(blocks[first:last])) == 1
    assert len(edges) - 1 == len(set(blocks))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_draft_then_better_then_whole(make_tiff, picture, slow_disk, layout):
    with open_raster(make_tiff(picture, compress="deflate", **layout)) as raster:
        first, draft = render(raster, WHOLE, 128, 128, GREY, draft=True)
        assert draft
        assert (first[..., 3] == 255).all(), "no holes: what is not read yet is painted over"
        error = []
        while raster.refine(0.001):
            now, _ = render(raster, WHOLE, 128, 128, GREY, draft=True)
            error.append(np.abs(now[..., 0].astype(int) - picture[4::8, 4::8]).mean())
        last, draft = render(raster, WHOLE, 128, 128, GREY, draft=True)
        assert not draft
        assert not raster.refine(0.001), "there is nothing left to do"
    assert np.abs(first[..., 0].astype(int) - picture[4::8, 4::8]).mean() < 12
    assert error == sorted(error, reverse=True) or max(error) < 12
    assert np.abs(last[..., 0].astype(int) - picture[4::8, 4::8]).max() <= 4


def test_without_draft_what_is_asked_is_decoded(make_tiff, picture, slow_disk):
    with open_raster(make_tiff(picture, **LAYOUTS[0])) as raster:
        rgba, draft = render(raster, WHOLE, 128, 128, GREY)
        assert not draft
    assert np.abs(rgba[..., 0].astype(int) - picture[4::8, 4::8]).max() <= 4


def test_a_close_look_is_exact(make_tiff, picture, slow_disk):
    """Where the preview is too coarse for the window it is a draft, and the full picture comes from the file."""
    window = PixelWindow(100, 100, 500, 500)
    big = np.tile(picture, (3, 3))
    with open_raster(make_tiff(big, **LAYOUTS[0])) as raster:
        render(raster, PixelWindow(0, 0, 3072, 3072), 128, 128, GREY)
        _, draft = render(raster, window, 500, 500, GREY, draft=True)
        assert draft
        exact, draft = render(raster, window, 500, 500, GREY)
        assert not draft
    np.testing.assert_array_equal(exact[..., 0], big[100:600, 100:600])


def test_no_draft_where_overviews_are(make_tiff, picture):
    path = make_tiff(np.tile(picture, (8, 8)), tiled=True, blockxsize=256, blockysize=256, overviews=[2, 4, 8, 16])
    with open_raster(path) as raster:
        _, draft = render(raster, PixelWindow(0, 0, 8192, 8192), 256, 256, GREY, draft=True)
        assert not draft
        assert not raster.refine()


def test_warped_drafts(make_tiff, picture, slow_disk):
    from engine.records import Grid

    grid = Grid(SIDE, SIDE, (10.0, 0, 500_004.0, 0, -10.0, 3_999_996.0), "EPSG:32631")
    with open_raster(make_tiff(picture, **LAYOUTS[0])) as raster:
        first, draft = render(raster, WHOLE, 128, 128, GREY, on=grid, draft=True)
        assert draft
        raster.refine(60)
        last, draft = render(raster, WHOLE, 128, 128, GREY, on=grid, draft=True)
        assert not draft
    assert (first[:120, :120, 3] == 255).all()
    assert np.abs(last[:120, :120, 0].astype(int) - picture[4:960:8, 4:960:8]).max() <= 6


def test_limits_of_a_draft_are_near_those_of_the_file(make_tiff, picture, slow_disk):
    """Also where the picture varies within a block, whose mean stands for its neighbours."""
    picture = np.random.default_rng(0).permuted(picture.ravel()).reshape(picture.shape)
    with open_raster(make_tiff(picture, **LAYOUTS[0])) as raster:
        display = default_display(raster)
        assert not raster._preview.complete
    assert display.low[0] == pytest.approx(np.percentile(picture, 2), abs=8)
    assert display.high[0] == pytest.approx(np.percentile(picture, 98), abs=8)


def test_nodata_in_a_preview(make_tiff, picture, slow_disk):
    picture[:, :300] = 0
    with open_raster(make_tiff(picture, nodata=0, **LAYOUTS[0])) as raster:
        render(raster, WHOLE, 128, 128, GREY, draft=True)
        assert not raster.refine(60)
        rgba, _ = render(raster, WHOLE, 128, 128, GREY, draft=True)
    assert (rgba[:, :37, 3] == 0).all()
    assert (rgba[:, 38:, 3] == 255).all()


def test_a_damaged_block_is_an_error_with_a_name(make_tiff, slow_disk):
    from engine.errors import RasterUnreadable

    noise = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE)).astype(np.uint8)
    path = make_tiff(noise, compress="deflate", **LAYOUTS[0])
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20_000] = b"\x55" * 20_000
    path.write_bytes(content)
    with open_raster(path) as raster:
        with pytest.raises(RasterUnreadable, match=r"^a\.tif cannot be read: "):
            render(raster, WHOLE, 128, 128, GREY)
        more, failures = True, 0
        while more:
            try:
                render(raster, WHOLE, 128, 128, GREY, draft=True)
                more = raster.refine(60)
            except RasterUnreadable:
                failures += 1
        rgba, draft = render(raster, WHOLE, 128, 128, GREY, draft=True)
    assert failures > 0
    assert not draft
    assert 0.8 < (rgba[..., 3] == 255).mean() < 1, "damaged blocks are holes, the rest is there"


def test_twenty_thousand_pixels_square_in_little_memory(tmp_path):
    """Seven passes over a 1.2 GB raster without overviews, in a process of its own: what it held is what it says."""
    path = tmp_path / "huge.tif"
    profile = {"driver": "GTiff", "width": 20_000, "height": 20_000, "count": 3, "dtype": "uint8"}
    profile |= {"compress": "deflate", "zlevel": 1, "tiled": True, "blockxsize": 512, "blockysize": 512}
    with rasterio.open(
        path, "w", crs="EPSG:32631", transform=Affine(10, 0, 5e5, 0, -10, 4e6), SPARSE_OK=True, **profile
    ) as f:
        f.write(np.full((3, 512, 512), 90, np.uint8), window=((512, 1024), (512, 1024)))
    script = """
        import json, sys
        from engine.raster import default_display, open_raster, render
        from engine.records import PixelWindow
        from tests.peak_memory import peak_megabytes
        before = peak_megabytes()
        with open_raster(sys.argv[1]) as raster:
            whole = PixelWindow(0, 0, 20_000, 20_000)
            display = default_display(raster)
            first, draft = render(raster, whole, 700, 700, display, draft=True)
            sparse = raster._preview.blocks_read
            raster.read(PixelWindow(9_000, 9_000, 2_000, 2_000), 500, 500)
            last, finished = render(raster, whole, 700, 700, display)
        held = peak_megabytes() - before
        print(json.dumps({"held": held, "draft": draft, "sparse": sparse, "finished": not finished}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    said = json.loads(done.stdout)
    assert said["draft"]
    assert said["finished"]
    assert said["sparse"] <= 400
    assert said["held"] < 300, "megabytes, of 1200 that the file decodes to"


def test_a_draft_of_strips_comes_from_their_overview_and_then_in_full(make_tiff, picture, monkeypatch):
    """At its own scale a part of a striped file takes whole strips: too much to wait for, and it has overviews."""
    part, side = PixelWindow(128, 256, 512, 512), 512
    path = make_tiff(picture, compress="deflate", blockysize=8)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4, 8])
    monkeypatch.setattr(dataset_module, "QUICK_BYTES", 300_000)
    with open_raster(path) as raster:
        first, draft = render(raster, part, side, side, GREY, draft=True)
        full, still_draft = render(raster, part, side, side, GREY)
    expected = picture[256:768, 128:640].astype(int)
    assert draft
    assert not still_draft
    assert np.abs(first[..., 0] - expected).max() < 20, "the right place, coarser"
    assert not np.array_equal(first, full)
    assert np.abs(full[..., 0] - expected).max() <= 1
