"""Statistics as pictures (matplotlib) and as one self-contained page that opens without a network."""

from __future__ import annotations

import base64
import io
from dataclasses import asdict

import jinja2
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.datasets.statistics import Bars, Cell, Histogram, Plot, Statistics, Table

# The colours always mean the same in this program: optical orange, SAR sky blue; anything else the accent.
_COLOURS = {"optical": "#E69F00", "sar": "#56B4E9", "both": "#009E73"}
_ACCENT = "#0072B2"
_GREY = "#555555"


def draw(plot: Plot) -> bytes:
    """A PNG of one plot."""
    tall = 0.22 * len(plot.names) + 1.0 if isinstance(plot, Bars) else 3.2
    figure = Figure(figsize=(6.4, max(tall, 2.0)), layout="constrained")
    axes = figure.add_subplot()
    if isinstance(plot, Bars):
        _draw_bars(axes, plot)
    else:
        _draw_histogram(axes, plot)
    axes.set_title(plot.title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8, colors=_GREY)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()


def _draw_bars(axes: Axes, plot: Bars) -> None:
    places = range(len(plot.names))
    drawn = axes.barh(places, plot.counts, color=_ACCENT)
    axes.bar_label(drawn, labels=[f"{count:,}" for count in plot.counts], padding=3, fontsize=7, color=_GREY)
    axes.set_yticks(places, plot.names)
    axes.invert_yaxis()
    axes.margins(x=0.12)


def _draw_histogram(axes: Axes, plot: Histogram) -> None:
    for name, counts in plot.series:
        axes.stairs(counts, plot.edges, label=name, fill=len(plot.series) == 1, color=_COLOURS.get(name, _ACCENT))
    axes.set_xlabel(plot.quantity, fontsize=9, color=_GREY)
    axes.set_ylabel("count", fontsize=9, color=_GREY)
    if len(plot.series) > 1:
        axes.legend(frameon=False, fontsize=8)


def page(found: Statistics, name: str) -> str:
    """Tables and plots of ``found`` as HTML, the pictures inside; ``name`` is the data set's."""
    pictures = [(plot.title, base64.b64encode(draw(plot)).decode()) for plot in found.plots]
    loader = jinja2.PackageLoader("engine.datasets")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.get_template("statistics.html")
    return template.render(name=name, found=asdict(found), tables=found.tables, pictures=pictures, written=written)


def as_text(table: Table) -> str:
    """A table as aligned lines, numbers to the right."""
    cells = [[written(column, cell) for column, cell in zip(table.columns, row, strict=True)] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(table.columns, *cells, strict=True)]
    numeric = [bool(table.rows) and not isinstance(cell, str) for cell in (table.rows or [table.columns])[0]]
    lines = [_line(table.columns, widths, numeric), *(_line(row, widths, numeric) for row in cells)]
    return "\n".join([table.title, *(f"  {line}" for line in lines)])


def _line(cells: list[str] | tuple[str, ...], widths: list[int], numeric: list[bool]) -> str:
    aligned = [
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    ]
    return "  ".join(aligned).rstrip()


def written(column: str, cell: Cell) -> str:
    """A cell as people read it: shares in per cent, counts with thousands."""
    if isinstance(cell, str):
        return cell
    if "share" in column:
        return f"{cell:.1%}"
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.4g}"
