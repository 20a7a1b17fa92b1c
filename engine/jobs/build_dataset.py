"""A data set made by a builder: whole or not at all, read back, described, and reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.datasets.building.build_report import REPORT, BuildReport
from engine.datasets.dataset import Progress
from engine.datasets.statistics import Statistics
from engine.datasets.writing.whole_folder import whole_folder, write_report
from engine.errors import Cancelled, EngineFailed
from engine.jobs.dataset_stats import dataset_statistics

STATISTICS = "statistics"
"""Folder of the page, the plots and the numbers in a built data set."""


@dataclass(frozen=True, slots=True)
class Built:
    """The folder that was made, what the builder did, and what is in it now."""

    folder: Path
    report: BuildReport
    found: Statistics

    @property
    def page(self) -> Path:
        """The statistics with their plots, to be read."""
        return self.folder / STATISTICS / "statistics.html"


def build_dataset(
    out: Path,
    sources: Iterable[Path],
    make: Callable[[Path], BuildReport],
    *,
    progress: Progress = lambda stage, fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Built:
    """Let ``make`` write a data set into a hidden folder, describe it, and give it the name ``out``.

    Beside the data set there are then the report and a folder with its statistics. However this ends before, nothing is
    left. Raises what ``make`` raises, :class:`ExportRefused` and :class:`UsageError` as
    :func:`engine.datasets.writing.whole_folder.whole_folder` does, :class:`Cancelled`, and :class:`EngineFailed` where
    what was written cannot be read back.
    """
    with whole_folder(out, REPORT, *sources) as folder:
        report = make(folder)
        described = dataset_statistics(
            folder, report.layout, folder / STATISTICS, name=out.name, progress=progress, cancelled=cancelled
        )
        if cancelled():
            raise Cancelled("Building was stopped.")
        if described.faults or described.found.unread:
            raise EngineFailed("What was written cannot be read back.", remedy="Report this, with what was asked for.")
        write_report(folder, REPORT, report.as_json())
    return Built(out, report, described.found)
