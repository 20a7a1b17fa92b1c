"""``python -m tests.realism [--scenes N] [--out DIR]``: how close the synthetic world is to the real pairs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.conftest import shared_data_folder
from tests.realism import pictures
from tests.realism.plots import draw
from tests.realism.table import as_markdown, cover_rows, optical_grey, radar_grey, radar_rows, structure_rows

COARSE_M = (6.0, 10.0)
TOWN_M, TOWNS = (5.0, 10.0), ("residential", "industrial")
"""The stretched pairs are of two cities: towns and works are held against them, down to 5 m as there are few above."""
FINE_M, FINE = {0.5: (0.5, 0.75), 1.0: (0.75, 1.5)}, ("residential",)
"""Sampling distances of the real fine chips, of houses and gardens, and those of the scenes held against them."""


def main(argv: list[str]) -> int:
    """Print the table; with ``--out`` also write it as Markdown, JSON and plots. 0 also where there is no real data."""
    parser = argparse.ArgumentParser(prog="python -m tests.realism", description=__doc__)
    parser.add_argument("--scenes", type=int, default=40, help="rendered scenes per range of sampling distance")
    parser.add_argument("--out", type=Path, help="folder for realism.md, realism.json and realism.png")
    given = parser.parse_args(argv)
    data = shared_data_folder()
    if data is None:
        sys.stdout.write("skipped: the real imagery of ../shared/data is absent (set RSQA_SHARED to where it is)\n")
        return 0
    few = max(given.scenes // 2, 1)
    made, towns = pictures.rendered(given.scenes, *COARSE_M), pictures.rendered(few, *TOWN_M, TOWNS)
    calibrated = [*pictures.terramesh(data), *pictures.bigearthnet(data)]
    stretched = list(pictures.sentinel(data))
    rows = cover_rows(calibrated, made) + radar_rows(calibrated, made)
    rows += structure_rows("8-bit SAR of towns", stretched, towns, radar_grey)
    rows += structure_rows("optical of towns", stretched, towns, optical_grey)
    for gsd_m, chips in pictures.fine_chips(data).items():
        fine = pictures.rendered(few, *FINE_M[gsd_m], FINE)
        rows += structure_rows(f"optical {gsd_m} m", chips, fine, optical_grey)
    table = as_markdown(rows)
    sys.stdout.write(table)
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "realism.md").write_text(table, encoding="utf-8")
        (given.out / "realism.json").write_text(json.dumps([row.as_record() for row in rows], indent=1) + "\n", "utf-8")
        draw(calibrated, made, stretched, towns, given.out / "realism.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
