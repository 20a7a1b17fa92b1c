"""Whole files are told from cut, damaged, bombed and foreign ones."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from engine.errors import RasterUnreadable
from engine.raster import verify as verify_module
from engine.raster import verify_image, write_cog, write_geotiff
from engine.records import Grid

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 70, 3)).astype(np.uint8)
GRID = Grid(70, 60, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


@pytest.fixture(params=["png", "jpg", "tif"])
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"a.{request.param}"
    Image.fromarray(PIXELS).save(path)
    return path


def test_a_whole_file_tells_its_size(picture: Path) -> None:
    assert verify_image(picture) == (70, 60, 3)
    assert verify_image(str(picture)) == (70, 60, 3)


def test_the_name_does_not_matter(picture: Path) -> None:
    assert verify_image(picture.rename(picture.with_name("b.dat"))) == (70, 60, 3)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.98])
def test_a_cut_file_is_refused(picture: Path, share: float) -> None:
    data = picture.read_bytes()
    picture.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(RasterUnreadable, match=picture.name):
        verify_image(picture)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "complex64"])
@pytest.mark.parametrize("bands", [1, 4])
def test_tiled_files_of_every_kind(tmp_path: Path, dtype: str, bands: int) -> None:
    array = np.resize(PIXELS, (bands, 60, 70)).astype(dtype)
    write_geotiff(tmp_path / "a.tif", array, GRID)
    assert verify_image(tmp_path / "a.tif") == (70, 60, bands)
    write_cog(tmp_path / "b.tif", array, GRID)
    assert verify_image(tmp_path / "b.tif") == (70, 60, bands)


def test_every_block_is_decoded(tmp_path: Path) -> None:
    """Damage to the beginning of the last tile is found. (In the middle of a tile at the border GDAL checks no sum.)"""
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(1).integers(0, 256, (2, 600, 600)).astype(np.uint8)
    write_geotiff(path, noise, Grid(600, 600, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)))
    with rasterio.open(path) as dataset:
        start = int(dataset.get_tag_item("BLOCK_OFFSET_2_2", "TIFF", bidx=2))
    data = bytearray(path.read_bytes())
    data[start : start + 8] = b"\xff" * 8
    path.write_bytes(data)
    with pytest.raises(RasterUnreadable, match="cannot be decoded"):
        verify_image(path)


def test_a_png_with_a_wrong_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(RasterUnreadable, match=r"a\.png is damaged: a checksum in it is wrong\."):
        verify_image(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"<VRTDataset rasterXSize='1' rasterYSize='1'/>", "is neither PNG, JPEG nor TIFF"),
        (b"GIF89a", "is neither PNG, JPEG nor TIFF"),
        (b"\x89PNG", "is cut short"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 100, "is cut short"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(RasterUnreadable, match=what):
        verify_image(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(RasterUnreadable, match=r"none\.png cannot be opened: No such file"):
        verify_image(tmp_path / "none.png")
    with pytest.raises(RasterUnreadable, match="cannot be opened"):
        verify_image(tmp_path)


def test_a_file_that_decodes_to_gigabytes_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    header = (100_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 10_000)), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
            for kind, body in chunks
        )
    )
    with pytest.raises(RasterUnreadable, match="too large for an image of a data set: 100000 x 100000 pixels"):
        verify_image(path)


def test_a_block_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "MOST_BLOCK_BYTES", 1000)
    path = tmp_path / "a.tif"
    write_geotiff(path, PIXELS.transpose(2, 0, 1), GRID)
    with pytest.raises(RasterUnreadable, match="too large"):
        verify_image(path)


@pytest.mark.slow
@pytest.mark.real
def test_awkward_and_broken_files_are_read_or_refused(shared_data: Path) -> None:
    files = [path for path in (shared_data / "io").rglob("*") if path.suffix in (".tif", ".tiff", ".png", ".jpg")]
    assert len(files) > 100
    refused = 0
    for path in files:
        try:
            width, height, bands = verify_image(path)
        except RasterUnreadable:
            refused += 1
        else:
            assert min(width, height, bands) >= 1
    assert 0 < refused < len(files)
