"""A tiny DIOR-RSVG: four images, nine objects, numbers that put two images in more than one split."""

from __future__ import annotations

from pathlib import Path

from tests.engine.datasets.fabricate.pictures import SIDE, write_picture

Thing = tuple[str, tuple[int, int, int, int], str]

THINGS: dict[str, list[Thing]] = {
    "00001": [
        ("storagetank", (3, 4, 12, 14), "The storage tank on the upper left"),
        ("storagetank", (30, 4, 40, 14), "The storage tank on the upper right"),
        ("ship", (10, 30, 22, 36), "A white ship"),
    ],
    "00002": [("Expressway-Service-area", (0, 0, 48, 40), "An expressway service area at the top")],
    "00010": [
        ("tenniscourt", (5, 5, 15, 10), "The tennis court & its fence"),
        ("tenniscourt", (5, 20, 15, 25), "The lower tennis court"),
    ],
    "00011": [
        ("airplane", (2, 2, 10, 10), "The smallest airplane"),
        ("airplane", (20, 20, 40, 40), "The largest airplane"),
        ("airport", (0, 0, 48, 48), "The airport"),
    ],
}
"""Objects by file, in the order of their numbers."""

NUMBERS = {"train": [0, 3, 4, 6, 8], "val": [1, 7], "test": [5, 2]}
"""Images 00001 and 00011 are in train and val, 00001 and 00010 in test as well."""


def fabricate(folder: Path, *, seed: int = 0, things: dict[str, list[Thing]] | None = None) -> None:
    """Write the layout into ``folder``."""
    (folder / "Annotations").mkdir(parents=True)
    for index, (stem, listed) in enumerate((things or THINGS).items()):
        write_picture(folder / "JPEGImages" / f"{stem}.jpg", seed + index)
        (folder / "Annotations" / f"{stem}.xml").write_text(xml(f"{stem}.jpg", listed), encoding="utf-8")
    for split, numbers in NUMBERS.items():
        (folder / f"{split}.txt").write_text("".join(f"{number}\n" for number in numbers), encoding="ascii")


def xml(filename: str, things: list[Thing]) -> str:
    """A file as the authors' look: elements VOC has and nobody reads, then the objects."""
    objects = "".join(
        f"""  <object>
    <name>{name}</name>
    <pose>Unspecified</pose>
    <bndbox>
      <xmin>{box[0]}</xmin>
      <ymin>{box[1]}</ymin>
      <xmax>{box[2]}</xmax>
      <ymax>{box[3]}</ymax>
    </bndbox>
    <description>{sentence.replace("&", "&amp;")}</description>
  </object>
"""
        for name, box, sentence in things
    )
    return f"""<annotation>
  <folder>RSVG</folder>
  <filename>{filename}</filename>
  <source><database>DIOR</database></source>
  <size><width>{SIDE}</width><height>{SIDE}</height><depth>3</depth></size>
  <segmented>0</segmented>
{objects}</annotation>
"""
