"""OGSOD-1.0: bridges, harbors and storage tanks in pairs of optical and SAR images.

Source: Wang et al., Category-Oriented Localization Distillation for SAR Object Detection and a Unified Benchmark, IEEE
TGRS 2023, https://github.com/mmic-lcl/Datasets-and-benchmark-code. Layout as published::

    rgb/images/{train,test}/NAME.png      sar/images/{train,test}/NAME.png      256 x 256 px
    rgb/labels/{train,test}/NAME.txt      sar/labels/{train,test}/NAME.txt      YOLO text, see engine.formats.yolo

The labels come upright (``class cx cy w h``) or, in the release with oriented boxes, as DOTA lines
(``x1 y1 … x4 y4 class difficulty``, in pixels, the class as a word); a file may be either. Each box becomes a row whose
expression is its class, once for each sensor that has labels. The upright box around an oriented one is kept.

Quirks: some oriented boxes reach over the border and some have no area; the check says which. An image without objects
has an empty label file. ``labels`` may be absent from one sensor, but not from both.

Facts: 18,331 pairs, 14,665 train and 3,666 test; OSVQA takes 3,000 of them, at 10 m.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.dataset import BoxRow, DataSet, Faults, ImageFiles, Layout, Origin, Sensor
from engine.datasets.figures import Published
from engine.datasets.readers.files import images_in, natural, texts_in
from engine.formats.yolo import YoloBox, read_yolo

LAYOUT = Layout(
    name="ogsod",
    title="OGSOD-1.0 (boxes in optical and SAR pairs)",
    task="grounding",
    source="IEEE TGRS 2023, https://github.com/mmic-lcl/Datasets-and-benchmark-code",
)
FIGURES: tuple[Published, ...] = ()

CLASSES = ("bridge", "harbor", "storage tank")
SPLITS = ("train", "test")
_FOLDERS: dict[Sensor, str] = {"optical": "rgb", "sar": "sar"}
_SIDE_PX = 256


def recognise(folder: Path) -> bool:
    """Images of both sensors in folders of their splits."""
    return all(any((folder / name / "images" / split).is_dir() for split in SPLITS) for name in _FOLDERS.values())


def read(folder: Path, faults: Faults) -> DataSet:
    """All pairs and the boxes of their labels, split by split, sensor by sensor."""
    images: list[ImageFiles] = []
    rows: list[BoxRow] = []
    labelled = [sensor for sensor, name in _FOLDERS.items() if (folder / name / "labels").is_dir()]
    if not labelled:
        faults.add(folder, None, "There are no labels: neither rgb/labels nor sar/labels is there.")
    for split in SPLITS:
        found = {sensor: images_in(folder / name / "images" / split, faults) for sensor, name in _FOLDERS.items()}
        stems = sorted(found["optical"].keys() | found["sar"].keys(), key=natural)
        for stem in stems:
            optical, sar = found["optical"].get(stem), found["sar"].get(stem)
            images.append(ImageFiles(stem, split, optical, sar, _SIDE_PX, _SIDE_PX))
        for sensor in labelled:
            labels = folder / _FOLDERS[sensor] / "labels" / split
            rows += _rows(labels, found[sensor], split, sensor, faults)
    return DataSet(LAYOUT.name, LAYOUT.task, folder, tuple(images), tuple(rows), pairs_expected=True)


def _rows(labels: Path, images: dict[str, Path], split: str, sensor: Sensor, faults: Faults) -> list[BoxRow]:
    """The boxes of one sensor's label files of one split."""
    files = texts_in(labels, faults)
    for stem in sorted(images.keys() - files.keys()):
        faults.add(images[stem], None, f"The image has no label file {labels.name}/{stem}.txt.")
    rows = []
    for stem, path in files.items():
        if stem not in images:
            faults.add(path, None, "The label file has no image.")
            continue
        rows += [_row(box, path, stem, split, sensor) for box in read_yolo(path, faults, CLASSES)]
    return rows


def _row(box: YoloBox, path: Path, stem: str, split: str, sensor: Sensor) -> BoxRow:
    return BoxRow(stem, split, box.name, box.xyxy_px(_SIDE_PX, _SIDE_PX), box.name, sensor, Origin(path, box.line))
