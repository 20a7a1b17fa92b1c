"""A tiny OSVQA: six pairs, ten questions in three splits, a closed list of answers."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.datasets.fabricate.pictures import write_picture

QUESTIONS: dict[str, list[tuple[str, str, str, str]]] = {
    "train": [
        ("1.png", "Is there a bridge over the river?", "yes", "presence"),
        ("1.png", "How many ships are there?", "3", "number"),
        ("2.png", "What covers most of the place?", "forest", "most"),
        ("3.png", "How many ships are there?", "0", "number"),
    ],
    "val": [("10.png", "Is it urban?", "no", "urban"), ("10.png", "Do the two images match?", "yes", "match")],
    "test": [
        ("11.png", "Where is the largest lake?", "top left", "location"),
        ("11.png", "Is the optical image foggy?", "yes", "fog-dark"),
        ("12.png", "Are there more ships than cars?", "no", "compare"),
        ("12.png", "How good is the optical image?", "good", "quality"),
    ],
}


def fabricate(folder: Path, *, seed: int = 0) -> None:
    """Write the layout into ``folder``."""
    for split, rows in QUESTIONS.items():
        lines = [
            json.dumps({"image": image, "question": question, "answer": answer, "type": kind})
            for image, question, answer, kind in rows
        ]
        (folder / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    names = sorted({row[0] for rows in QUESTIONS.values() for row in rows})
    for index, name in enumerate(names):
        write_picture(folder / "optical" / name, seed + 2 * index)
        write_picture(folder / "sar" / name, seed + 2 * index + 1, bands=1)
    answers = sorted({row[2] for rows in QUESTIONS.values() for row in rows})
    (folder / "answers.txt").write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")
