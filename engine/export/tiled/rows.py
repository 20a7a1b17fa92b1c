"""A map of answers as rows, one per tile: what every format and the terminal are made from."""

from __future__ import annotations

import json
import string
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.export.names import stem_of
from engine.export.properties import Value, place_properties
from engine.export.regions import read_array
from engine.protocol import to_builtins
from engine.records import PixelWindow, TiledAnswer, TileState
from engine.records.tiles import NO_ANSWER, TILE_STATES

LETTERS = string.ascii_uppercase
OTHER, EMPTY = "+", "·"
"""On a map of letters: an answer beyond the last letter, and a tile that is not answerable."""

# Paul Tol's "muted" scheme: told apart by colour-blind eyes, and none of it means a sensor anywhere in this program.
# The lightest come first, which are seen on dark sea and dark panels too. The desktop's palette has the same.
COLOURS = ("#CC6677", "#DDCC77", "#AA4499", "#44AA99", "#117733", "#999933", "#882255", "#88CCEE", "#332288")
OTHER_COLOUR = "#777777"


@dataclass(frozen=True, slots=True)
class TileRow:
    """One tile. ``place`` is that of its answer in the table, -1 without one; shares are None for an unused sensor."""

    row: int
    column: int
    window: PixelWindow
    place: int
    answer: str | None
    confidence: float | None
    state: TileState
    valid_optical: float | None
    valid_sar: float | None

    def properties(self) -> dict[str, Value]:
        """All of it but where it lies on the map, as flat named values."""
        return {
            "row": self.row,
            "column": self.column,
            "col_off": self.window.col_off,
            "row_off": self.window.row_off,
            "width_px": self.window.width,
            "height_px": self.window.height,
            "answer": self.answer,
            "confidence": self.confidence,
            "state": self.state,
            "valid_optical": self.valid_optical,
            "valid_sar": self.valid_sar,
        }


def tile_rows(answer: TiledAnswer) -> tuple[TileRow, ...]:
    """Every tile in reading order. Raises :class:`ExportRefused` where an array is gone or not the record's."""
    shape = answer.grid.rows, answer.grid.columns
    paths = answer.arrays
    places = read_array(paths.answer, "map of answers", shape)
    confidence = read_array(paths.confidence, "map of confidence", shape)
    states = read_array(paths.state, "map of states", shape)
    optical = read_array(paths.valid_optical, "map of optical data", shape)
    sar = read_array(paths.valid_sar, "map of SAR data", shape)
    rows = []
    for row, column in answer.grid.positions():
        place = int(places[row, column])
        rows.append(
            TileRow(
                row=row,
                column=column,
                window=answer.grid.tile(row, column),
                place=place,
                answer=None if place == NO_ANSWER else answer.counts[place].answer,
                confidence=None if place == NO_ANSWER else float(confidence[row, column]),
                state=TILE_STATES[int(states[row, column])],
                valid_optical=None if answer.area.valid_optical is None else float(optical[row, column]),
                valid_sar=None if answer.area.valid_sar is None else float(sar[row, column]),
            )
        )
    return tuple(rows)


def letter(place: int) -> str:
    """What stands for the answer in ``place`` of the table on a map of letters."""
    if place == NO_ANSWER:
        return EMPTY
    return LETTERS[place] if place < len(LETTERS) else OTHER


def colour(place: int) -> str:
    """The colour of the answer in ``place`` of the table; those beyond the scheme share a grey and differ by letter."""
    return COLOURS[place] if place < len(COLOURS) else OTHER_COLOUR


def letter_map(answer: TiledAnswer, rows: tuple[TileRow, ...]) -> str:
    """One letter per tile, one line per row of tiles; in lower case where one sensor answered alone."""
    grid = np.full((answer.grid.rows, answer.grid.columns), EMPTY)
    for tile in rows:
        said = letter(tile.place)
        grid[tile.row, tile.column] = said.lower() if tile.state == "single-sensor" else said
    return "\n".join("".join(line) for line in grid)


def tiled_stem(answer: TiledAnswer) -> str:
    """The common beginning of the file names."""
    return stem_of(answer.question, answer.provenance, (answer.counts, answer.grid, answer.area))


def tiled_object(answer: TiledAnswer) -> dict[str, Any]:
    """The object that ``rsqa ask --tiles --json`` prints: the record, its arrays spelt out as one object per tile."""
    data: dict[str, Any] = to_builtins(answer)
    del data["arrays"]
    data["tiles"] = [tile.properties() for tile in tile_rows(answer)]
    return data


def tiled_properties(answer: TiledAnswer) -> dict[str, Value]:
    """What is said of the area as a whole, as flat named values."""
    tiled: dict[str, Value] = {
        "question": answer.question,
        "answer": answer.counts[0].answer,
        "counts": json.dumps(to_builtins(answer.counts), ensure_ascii=False),
        "tiles": answer.grid.tiles,
        "rows": answer.grid.rows,
        "columns": answer.grid.columns,
        "tile_side_px": answer.grid.side_px,
        "states": json.dumps(answer.states),
    }
    return tiled | place_properties(answer)
