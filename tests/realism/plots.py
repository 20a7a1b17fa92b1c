"""The same comparison for the eye: dB by cover, and spectra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

from tests.realism.pictures import Picture
from tests.realism.statistics import robustly_normalised, spectrum
from tests.realism.table import optical_grey, radar_grey

mpl.use("Agg")
from matplotlib import pyplot as plt  # the backend is chosen first: there may be no screen


def draw(
    masked: Sequence[Picture],
    made: Sequence[Picture],
    stretched: Sequence[Picture],
    towns: Sequence[Picture],
    path: Path,
) -> None:
    """A PNG of real against rendered: histograms of VV and VH by land cover, mean spectra of both sensors in towns."""
    covers = sorted({cover for picture in masked for cover in picture.covers})
    figure, axes = plt.subplots(3, max(len(covers), 2), figsize=(3 * max(len(covers), 2), 8), squeeze=False)
    for column, cover in enumerate(covers):
        for row, name in enumerate(("VV", "VH")):
            panel = axes[row, column]
            for label, group in (("real", masked), ("rendered", made)):
                values = [p.sar[name][p.covers[cover]] for p in group if cover in p.covers]
                if values:
                    panel.hist(np.concatenate(values), np.arange(-35, 10), density=True, histtype="step", label=label)
            panel.set_title(f"{cover}, {name} (dB)", fontsize=9)
    planes = {"optical of towns": optical_grey, "8-bit SAR of towns": radar_grey}
    for panel, (title, plane) in zip(axes[2], planes.items(), strict=False):
        _spectra(panel, f"{title}, spectrum", [plane(p) for p in stretched], [plane(p) for p in towns])
    for panel in axes[2, 2:]:
        panel.axis("off")
    axes[0, 0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _spectra(panel: plt.Axes, title: str, real: Sequence[np.ndarray], made: Sequence[np.ndarray]) -> None:
    for label, group in (("real", real), ("rendered", made)):
        pairs = [spectrum(robustly_normalised(picture)) for picture in group]
        panel.loglog(pairs[0][0], np.mean([power for _, power in pairs], axis=0), label=label)
    panel.set_title(title, fontsize=9)
