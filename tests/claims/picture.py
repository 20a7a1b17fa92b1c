"""One example of trust without and with a cloud, drawn in the program's colours."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from rsqa_desktop.theme import LIGHT, trust_ramp
from tests.claims.trust import CloudedScene, Floats, TrustMaps, correlation

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend is chosen first: there may be no screen
from matplotlib.colors import ListedColormap

LEAST_HALF = 0.05
"""The colour scale reaches at least this far from even trust, so that noise does not look like a choice."""


def draw_example(scene: CloudedScene, text: str, weights: str, maps: TrustMaps, question: int, path: Path) -> None:
    """A PNG of both optical pictures and both trust maps of one question, the cloud's border over all but the first.

    ``text`` is the question, ``weights`` says whose trust it is, ``question`` is its row in ``maps``.
    """
    grid = round(maps.cover.shape[1] ** 0.5)
    seen = {"clear": maps.clear[question], "cloud": maps.cloud[question]}
    half = max(LEAST_HALF, *(float(np.abs(trust - 0.5).max()) for trust in seen.values()))
    ramp = ListedColormap(trust_ramp() / 255)
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.9), facecolor=LIGHT.surface, layout="constrained")
    side = scene.hidden.shape[0]
    for panel, (name, picture) in zip(axes[:2], zip(seen, scene.both_optical, strict=True), strict=True):
        panel.imshow(picture.transpose(1, 2, 0), extent=(0, side, side, 0))
        panel.set_title(f"optical, {name}", fontsize=10, color=LIGHT.text)
    for panel, (name, trust) in zip(axes[2:], seen.items(), strict=True):
        image = panel.imshow(
            trust.reshape(grid, grid), cmap=ramp, vmin=0.5 - half, vmax=0.5 + half, extent=(0, side, side, 0)
        )
        mean = _mean_hidden(trust, maps.cover[question])
        panel.set_title(f"trust, {name} · under the cloud {mean:.2f}", fontsize=10, color=LIGHT.text)
    for panel in axes:
        panel.set_axis_off()
    for panel in (axes[1], axes[2], axes[3]):
        outline = np.linspace(0.5, side - 0.5, side)
        panel.contour(outline, outline, scene.hidden, levels=[0.5], colors=LIGHT.text, linewidths=0.8)
    bar = figure.colorbar(image, ax=axes, fraction=0.02, pad=0.01)
    bar.set_label("0 all SAR, 1 all optical", fontsize=9, color=LIGHT.text)
    r = correlation(maps.cover[question], maps.drop[question])
    figure.suptitle(f"“{text}” · scene {scene.sample.seed} · {weights} · r = {r:.2f}", fontsize=11, color=LIGHT.text)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _mean_hidden(trust: Floats, cover: Floats) -> float:
    """Weighted by how much of each patch is hidden."""
    return float(np.average(trust, weights=cover))
