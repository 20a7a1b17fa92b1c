"""Real and rendered pictures in one form, so that one function can look at both."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.raster import open_raster
from engine.records import PixelWindow
from engine.scenes.layout import make_scene
from engine.scenes.optics.optical import expose, render_clear
from engine.scenes.paint import paint_items
from engine.scenes.radar.sar import deliver, render_sigma0, speckle, to_db
from engine.scenes.radar.scatterers import impulse_px
from engine.scenes.scene import SETTINGS, Scene
from engine.scenes.surface import Surface, make_surface
from engine.scenes.truths.facts import measure
from tests.realism.statistics import Floats

TILE = 256
BORDER_PX, FEWEST_PX = 2, 300
"""Masks lose their border, where the real ones are generalised and pixels are mixed; smaller ones do not count."""
LOOKS = 4.4
"""What ESA states for Sentinel-1 IW GRDH, from which every 10 m radar picture of the real pairs was made."""

WATER_BELOW = 500
"""Open water sends back less than a twentieth of the near infrared (in ten-thousandths), dry land more."""

LULC = {1: "water", 2: "forest", 3: "wetland", 4: "farmland", 5: "built-up area", 6: "bare land", 9: "grassland"}
"""Classes of TerraMesh's mask in the words of the scenes: rangeland is grassland, flooded vegetation wetland."""


@dataclass(frozen=True)
class Picture:
    """One place: ``optical`` 3 bands [3, H, W] or 1 band [1, H, W] in grey levels, None without.

    ``sar`` maps "VV" and "VH" to dB [H, W], ``stretched`` is VH in eight bits [H, W]. ``covers`` maps a land cover to
    its mask. ``source`` names the real set or says "rendered".
    """

    source: str
    optical: Floats | None
    sar: dict[str, Floats] = field(default_factory=dict)
    stretched: Floats | None = None
    covers: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def land(self) -> NDArray[np.bool_]:
        """Where there is no open water, of pictures with radar in dB; everywhere if there is nothing else."""
        dry = ~self.covers.get("water", np.zeros_like(self.sar["VV"], bool))
        return dry if dry.mean() > 0.05 else np.ones_like(dry)


def read(path: Path, bands: tuple[int, ...], window: PixelWindow | None = None) -> Floats:
    """Bands of a raster as stored, float32 [bands, rows, columns], NaN without data."""
    with open_raster(path) as raster:
        grid = raster.info.grid
        area = window or PixelWindow(0, 0, grid.width, grid.height)
        return raster.read(area, area.width, area.height, bands=bands).values


def terramesh(data: Path) -> Iterator[Picture]:
    """The stacks with calibrated radar and a land-cover mask.

    Its one water is a river that the mask draws several times as wide as the bands do: it does not count.
    """
    folder = data / "pairs" / "terramesh_224"
    for path in sorted((folder / "LULC").glob("*.tif")):
        classes = read(path, (1,))[0]
        sar = read(folder / "S1RTC" / path.name, (1, 2))
        covers = {name: classes == code for code, name in LULC.items() if name != "water"}
        optical = read(folder / "S2RGB" / path.name, (1, 2, 3))
        yield Picture("terramesh", optical, {"VV": sar[0], "VH": sar[1]}, covers=_cores(covers))


def _cores(covers: dict[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.bool_]]:
    inner = {name: ndimage.binary_erosion(mask, iterations=BORDER_PX) for name, mask in covers.items()}
    return {name: mask for name, mask in inner.items() if mask.sum() >= FEWEST_PX}


def bigearthnet(data: Path) -> Iterator[Picture]:
    """Small pairs with calibrated radar. Their labels are of whole images; water alone can be told by a band."""
    for folder in sorted((data / "pairs" / "bigearthnet_120").iterdir()):
        if folder.is_dir():
            sar = read(folder / "sar_VV_VH_dB.tif", (1, 2))
            red, green, blue, infrared = read(folder / "optical_B02_B03_B04_B08.tif", (3, 2, 1, 4))
            covers = _cores({"water": infrared < WATER_BELOW})
            yield Picture("bigearthnet", np.stack([red, green, blue]), {"VV": sar[0], "VH": sar[1]}, covers=covers)


def sentinel(data: Path, tiles_per_pair: int = 2) -> Iterator[Picture]:
    """Tiles of the large stretched pairs: no dB and no masks, but many."""
    folder = data / "pairs" / "sentinel_1024"
    for path in sorted(folder.glob("*_opt.tif")):
        for index in range(tiles_per_pair):
            window = PixelWindow(128 + 512 * index, 384 - 128 * index, TILE, TILE)
            optical = read(path, (1, 2, 3), window)
            radar = read(path.with_name(path.name.replace("_opt", "_sar")), (1,), window)
            yield Picture("sentinel", optical, stretched=radar[0])


def fine_chips(data: Path) -> dict[float, list[Picture]]:
    """A quarter of Rotterdam, panchromatic and in colour, by metres per pixel; in tiles of 150 pixels.

    The square root of what is stored: the files hold a sensor's linear counts, scenes are pictures made for display.
    """
    folder = data / "pairs_and_labels_spacenet" / "sn6_rotterdam"
    found = {}
    for gsd_m, name, bands in ((0.5, "pan1.tif", (1,)), (1.0, "ms1.tif", (3, 2, 1))):
        whole = np.sqrt(read(folder / name, bands))
        corners = [(r, c) for r in range(0, whole.shape[1], 150) for c in range(0, whole.shape[2], 150)]
        found[gsd_m] = [Picture(f"spacenet {gsd_m} m", whole[:, r : r + 150, c : c + 150]) for r, c in corners]
    return found


def rendered(count: int, low_gsd_m: float, high_gsd_m: float, settings: Sequence[str] = SETTINGS) -> list[Picture]:
    """The first ``count`` scenes of some settings, in good light, with a sampling distance between the two figures."""
    fitting = (
        scene
        for scene in map(_scene, itertools.count())
        if scene.setting in settings and low_gsd_m <= scene.gsd_m <= high_gsd_m
    )
    return [render(scene) for scene in itertools.islice(fitting, count)]


_scene = cache(partial(make_scene, size=TILE))


def render(scene: Scene) -> Picture:
    """Both sensors' picture of one scene, the radar's in both polarisations."""
    top = paint_items(scene.items, scene.size)
    rng = np.random.default_rng(scene.seed)
    surface = make_surface(scene, top, rng)
    optical = expose(render_clear(surface, rng), rng).astype(np.float32)
    sar = {name: _radar(surface, name) for name in ("VV", "VH")}
    ground = measure(scene, top).ground
    names = np.array([item.cover or "" for item in scene.items])[ground]
    covers = _cores({name: names == name for name in LULC.values()})
    stretched = deliver(sar["VH"], "stretched-8bit").astype(np.float32)
    return Picture("rendered", optical, sar, stretched, covers)


def _radar(surface: Surface, polarisation: str) -> Floats:
    rng = np.random.default_rng((surface.scene.seed, ord(polarisation[1])))
    seen = replace(surface, scene=replace(surface.scene, polarisation=polarisation))
    return to_db(speckle(render_sigma0(seen, rng), LOOKS, rng, blur_px=impulse_px(surface.scene.gsd_m)))
