"""How ``rsqa ask --tiles`` tells its answer in a terminal: a table of answers and, where it fits, a map of letters."""

from __future__ import annotations

from engine.export.properties import all_messages
from engine.export.tiled.report import grid_sentence, legend_rows, states_sentence
from engine.export.tiled.rows import EMPTY, letter_map, tile_rows
from engine.export.wording import pair_sentence, scale_sentence, valid_sentence
from engine.records import TiledAnswer

MOST_COLUMNS, MOST_ROWS = 100, 50
"""A larger map does not fit a terminal."""


def tiled_text(answer: TiledAnswer) -> str:
    """The answer as a person reads it in a terminal. Raises :class:`ExportRefused` where its arrays are gone."""
    rows = [("Tiles", f"{grid_sentence(answer)}: {states_sentence(answer)}")]
    rows += [(" " if i else "Answers", line) for i, line in enumerate(_table(answer))]
    if answer.grid.columns <= MOST_COLUMNS and answer.grid.rows <= MOST_ROWS:
        lines = letter_map(answer, tile_rows(answer)).splitlines()
        rows += [(" " if i else "Map", line) for i, line in enumerate(lines)]
        rows += [(" ", key)] if (key := _key(answer)) else []
    valid = valid_sentence(answer.area)
    rows.append(("Pair", " · ".join(part for part in (pair_sentence(answer.gate), valid) if part)))
    rows.append(("Scale", scale_sentence(answer.area)))
    by = answer.provenance
    rows.append(("Model", f"{by.model} {by.model_sha256[:8]} on {by.device}, {answer.seconds:.2f} s"))
    rows += [("Note", message) for message in all_messages(answer)]
    rows += [("Wrote", path) for path in answer.files]
    return "\n".join(f"{name:<11} {text}" for name, text in rows)


def _table(answer: TiledAnswer) -> list[str]:
    """Letter, answer, tiles, share of the ground, ground and mean confidence in columns, under their names."""
    head = ("", "answer", "tiles", "share", "ground", "confidence")
    table = [head] + [
        (row.letter, row.answer, row.tiles, row.share_text, row.ground, row.confidence) for row in legend_rows(answer)
    ]
    widths = [max(len(line[i]) for line in table) for i in range(len(head))]
    return [
        "  ".join(
            text.ljust(width) if i < 2 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def _key(answer: TiledAnswer) -> str:
    """What small letters and dots mean, where there are any."""
    said = []
    if answer.states.get("single-sensor"):
        said.append("small letter: one sensor alone")
    if answer.states.get("not-answerable"):
        said.append(f"{EMPTY} not answerable")
    return ", ".join(said)
