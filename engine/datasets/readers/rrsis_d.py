"""RRSIS-D: expressions with masks on DIOR's aerial images.

Source: Liu et al., "Rotated Multi-Scale Interaction Network for Referring Remote Sensing Image Segmentation", CVPR 2024
(arXiv 2312.12470); https://github.com/Lsan2401/RMSIN. The layout is that of RefCOCO (https://github.com/lichengunc/refer).

Layout::

    refs(unc).p         a pickled list: ref_id, ann_id, image_id, category_id, split, file_name, sentences [{sent, raw}]
    instances.json      COCO: images, annotations with segmentation, categories
    JPEGImages/*.jpg    800 x 800 pixels

Quirks:

- The two files may lie in ``rrsisd``, and the images in ``images/rrsisd/JPEGImages``: so does the published loader ask.
- A reference has no mask; it names an annotation by ``ann_id``. One may have several sentences, each a row of its own.
- ``segmentation`` is a **list with one object** of run lengths, where COCO has the object itself; polygons occur in
  sets of the same layout. Both are read.
- Boxes in ``instances.json`` are of doubtful convention and are not used: a mask has its own.
- The pickle goes through :mod:`.restricted_pickle`: no program in it is run.

Figures: 17,402 expressions and images, 12,181 / 1,740 / 3,481 in train / val / test, 20 categories.
"""

from __future__ import annotations

from pathlib import Path

from engine.datasets.categories import category_of
from engine.datasets.dataset import DataSet, Faults, ImageFiles, Layout, MaskRow, MaskSource, Origin
from engine.datasets.figures import Published
from engine.datasets.readers.published_splits import SPLITS
from engine.datasets.readers.restricted_pickle import load_plain
from engine.errors import DataSetUnreadable
from engine.formats.coco import CocoAnnotation, CocoFile, CocoImage, read_coco
from engine.formats.records import Record, records_of

LAYOUT = Layout("rrsis-d", "RRSIS-D", "segmentation", "https://github.com/Lsan2401/RMSIN")

FIGURES = (Published("the paper", {"train": 12_181, "val": 1_740, "test": 3_481}),)

REFERENCES, INSTANCES = "refs(unc).p", "instances.json"

_PLACES = ("", "rrsisd")
_IMAGES = ("JPEGImages", "images/rrsisd/JPEGImages", "rrsisd/JPEGImages", "images/JPEGImages")


def recognise(folder: Path) -> bool:
    """References beside instances."""
    place = _annotations(folder)
    return (place / REFERENCES).is_file() and (place / INSTANCES).is_file()


def read(folder: Path, faults: Faults) -> DataSet:
    """The data set in ``folder``; what is wrong is reported to ``faults`` with file and place in the list."""
    place = _annotations(folder)
    images = next((folder / name for name in _IMAGES if (folder / name).is_dir()), folder / _IMAGES[0])
    coco = read_coco(place / INSTANCES, faults)
    joined = _Instances(coco)
    paths = {image.id: faults.inside(image.file_name, images, place / INSTANCES, None) for image in coco.images}
    files: dict[tuple[str, str], ImageFiles] = {}
    rows: list[MaskRow] = []
    for record in _references(place / REFERENCES, faults):
        found = joined.named_by(record)
        split = record.text("split")
        if found is None or split is None:
            continue
        if split not in SPLITS:
            record.report(f"There is no split {split!r}.")
            continue
        image, annotation = found
        path = paths[image.id]
        if path is None or annotation.mask is None:
            continue
        key = image.file_name
        stored = annotation.mask
        mask = MaskSource(None, stored.polygons_px, stored.rle_counts, stored.rle_size)
        category = category_of(annotation.category)
        for sentence in _sentences(record):
            files.setdefault((key, split), ImageFiles(key, split, path, None, image.width, image.height))
            origin = Origin(record.file, record.line, record.place)
            rows.append(MaskRow(key, split, sentence, mask, category, "optical", origin))
    return DataSet(LAYOUT.name, LAYOUT.task, folder, tuple(files.values()), tuple(rows))


class _Instances:
    """Images and annotations by id."""

    def __init__(self, coco: CocoFile) -> None:
        self._images = {image.id: image for image in coco.images}
        self._annotations = {one.id: one for one in coco.annotations if one.id is not None}

    def named_by(self, record: Record) -> tuple[CocoImage, CocoAnnotation] | None:
        """The image and annotation of a reference, or None and a fault where they are not there or do not agree."""
        key = record.key("ann_id")
        if key is None:
            return None
        annotation = self._annotations.get(key)
        if annotation is None:
            record.report(f"There is no annotation with the id {key}.")
            return None
        if annotation.mask is None:
            record.report(f"The annotation {key} has no mask.")
            return None
        image = self._images[annotation.image]
        if record.has("image_id") and record.key("image_id") != image.id:
            record.report(f"The annotation {key} is of the image {image.id}, the reference of another.")
            return None
        return image, annotation


def _annotations(folder: Path) -> Path:
    return next((folder / name for name in _PLACES if (folder / name / REFERENCES).is_file()), folder)


def _references(file: Path, faults: Faults) -> list[Record]:
    try:
        listed = load_plain(file)
    except DataSetUnreadable as error:
        faults.add(file, None, error.sentence)
        return []
    return records_of({"references": listed}, "references", file, faults)


def _sentences(record: Record) -> list[str]:
    """The sentences of a reference; one without any is a fault."""
    listed = record.values.get("sentences")
    if not isinstance(listed, list) or not listed:
        record.report("There is no sentence with it.")
        return []
    found = []
    for entry in listed:
        if not isinstance(entry, dict):
            record.report("A sentence is not an object.")
            continue
        inner = Record(entry, record.file, record.line, record.place, record.faults)
        sentence = inner.text("sent")
        if sentence is not None:
            found.append(sentence)
    return found
