"""CSV with a header line, as spreadsheets save it: UTF-8, separated by commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.formats.records import FaultSink, Record, read_text


def read_csv(path: Path, faults: FaultSink, required: Sequence[str]) -> Iterator[Record]:
    """One :class:`Record` of texts per row, by the header's names in lower case; empty rows are skipped.

    Faults: a header without one of ``required`` (then nothing is read), a row with more cells than the header, and
    what the file breaks off at. An empty cell counts as missing.
    """
    text = read_text(path, faults)
    if text is None:
        return
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        missing = [name for name in required if name not in header]
        if missing:
            faults.add(path, 1, f"The header has no column {', '.join(missing)}.")
            return
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                faults.add(path, rows.line_num, f"The row has {len(cells)} cells, the header {len(header)}.")
                continue
            values = {name: cell for name, cell in zip(header, cells, strict=False) if cell.strip()}
            yield Record(values, path, rows.line_num, "", faults)
    except csv.Error as error:
        faults.add(path, rows.line_num, f"This is not CSV: {error}. The rest is not read.")
