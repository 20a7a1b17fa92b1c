"""COCO JSON, read with its faults and written: images, categories, and annotations with boxes, masks and captions.

The layout is that of https://cocodataset.org/#format-data, which most data sets bend a little. Accepted beside the
letter of it: ids as numbers or texts, ``category_name`` on the annotation in place of ``category_id``, ``caption`` on
the annotation, no ``categories`` at all, and other names for the fields (``renamed``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from engine.formats.json_stream import list_lines
from engine.formats.records import MADE, FaultSink, Record, finite_numbers, parse_json, read_text, records_of

Xywh = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An entry of ``images``; ``record`` has whatever else stands in it."""

    id: str
    file_name: str
    width: int | None
    height: int | None
    record: Record = field(default=MADE, compare=False)


@dataclass(frozen=True, slots=True)
class CocoMask:
    """``segmentation``: polygons (x, y, x, y, … in pixels), or run lengths down the columns, plain or compressed."""

    polygons_px: tuple[tuple[float, ...], ...] = ()
    rle_counts: str | tuple[int, ...] = ""
    rle_size: tuple[int, int] = (0, 0)  # rows, columns


@dataclass(frozen=True, slots=True)
class CocoAnnotation:
    """An entry of ``annotations``. ``image`` is a ``CocoImage.id``; box is left, top, width, height in pixels.

    What an annotation does not have is None or empty. ``record`` has all its fields, and ``record.report`` reports
    a fault of it.
    """

    id: str | None
    image: str
    category: str
    box_xywh_px: Xywh | None
    mask: CocoMask | None
    caption: str
    record: Record = field(default=MADE, compare=False)


_Entry = TypeVar("_Entry", CocoImage, CocoAnnotation)


@dataclass(frozen=True, slots=True)
class CocoFile:
    """A COCO file; ``categories`` maps ids to names. Annotations name images that exist."""

    images: tuple[CocoImage, ...] = ()
    annotations: tuple[CocoAnnotation, ...] = ()
    categories: Mapping[str, str] = field(default_factory=dict)


def read_coco(path: Path, faults: FaultSink, *, renamed: Mapping[str, str] | None = None) -> CocoFile:
    """Read ``path``; what is wrong is reported with the record's place in its list, and that record left out.

    Its line is told as well, where the file is not all on one line.

    ``renamed`` maps names of fields in the file to COCO's (``{"phrase": "caption"}``).
    An annotation with a bad box or mask is left out whole; one with neither is kept.
    """
    text = read_text(path, faults)
    value = None if text is None else parse_json(text, path, None, faults)
    lines = {} if text is None or value is None else list_lines(text)

    def records(key: str, singular: str, *, required: bool = True) -> Iterator[Record]:
        listed = lines.get(key, ())
        for record in records_of(value, key, path, faults, singular=singular, required=required, lines=listed):
            yield _rename(record, renamed or {})

    images = _unique(_image(record) for record in records("images", "image"))
    categories = _categories(records("categories", "category", required=False))
    known = {image.id for image in images}
    annotations = _unique(_annotation(record, known, categories) for record in records("annotations", "annotation"))
    return CocoFile(tuple(images), tuple(annotations), categories)


def write_coco(path: Path, coco: CocoFile, further: Sequence[str] = ()) -> None:
    """Write ``coco`` as one object per line, so that two versions can be compared; ids that are numbers stay numbers.

    Of the annotations' records those fields are written, too, that ``further`` names. The file is not replaced
    atomically: pass a temporary path where that matters.
    """
    numbers = {name: _number(key) for key, name in coco.categories.items()}
    parts: dict[str, Sequence[object]] = {
        "images": [_image_object(image) for image in coco.images],
        "annotations": [
            _annotation_object(annotation, index, numbers)
            | {name: annotation.record.values[name] for name in further if annotation.record.has(name)}
            for index, annotation in enumerate(coco.annotations)
        ],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
    }
    lists = (
        f'"{name}": [\n' + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n]"
        for name, entries in parts.items()
    )
    path.write_text("{\n" + ",\n".join(lists) + "\n}\n", encoding="utf-8")


def _rename(record: Record, names: Mapping[str, str]) -> Record:
    if not any(name in record.values for name in names):
        return record
    values = {names.get(name, name): value for name, value in record.values.items()}
    return Record(values, record.file, record.line, record.place, record.faults, record.index)


def _unique(found: Iterable[_Entry | None]) -> list[_Entry]:
    """Those that could be read, without those whose id was there before (a fault)."""
    kept: list[_Entry] = []
    seen: set[str] = set()
    for entry in found:
        if entry is None:
            continue
        if entry.id is not None:
            if entry.id in seen:
                entry.record.report(f"The id {entry.id} occurs twice.")
                continue
            seen.add(entry.id)
        kept.append(entry)
    return kept


def _image(record: Record) -> CocoImage | None:
    key, name = record.key("id"), record.text("file_name")
    width, height = (record.integer(side) if record.has(side) else None for side in ("width", "height"))
    if key is None or name is None:
        return None
    if (width is not None and width < 1) or (height is not None and height < 1):
        record.report("The width or height is not above zero.")
        return None
    return CocoImage(key, name, width, height, record)


def _categories(records: Iterable[Record]) -> dict[str, str]:
    categories: dict[str, str] = {}
    for record in records:
        key, name = record.key("id"), record.text("name")
        if key is None or name is None:
            continue
        if key in categories:
            record.report(f"The id {key} occurs twice.")
            continue
        categories[key] = name
    return categories


def _annotation(record: Record, images: set[str], categories: Mapping[str, str]) -> CocoAnnotation | None:
    image = record.key("image_id")
    key = record.key("id") if record.has("id") else None
    category = _category(record, categories)
    caption = record.text("caption") if record.has("caption") else ""
    box = record.numbers("bbox", 4) if record.has("bbox") else None
    mask = coco_mask(record) if _has_mask(record) else None
    if image is None or category is None or caption is None:
        return None
    if image not in images:
        record.report(f"There is no image with the id {image}.")
        return None
    if (record.has("bbox") and box is None) or (_has_mask(record) and mask is None):
        return None
    xywh = None if box is None else (box[0], box[1], box[2], box[3])
    return CocoAnnotation(key, image, category, xywh, mask, caption, record)


def _category(record: Record, categories: Mapping[str, str]) -> str | None:
    """The category's name, empty where the annotation has none, None (and a fault) where it names an unknown one."""
    if record.has("category_name"):
        return record.text("category_name")
    if not record.has("category_id"):
        return ""
    key = record.key("category_id")
    if key is not None and key not in categories:
        record.report(f"There is no category with the id {key}.")
    return None if key is None else categories.get(key)


def _has_mask(record: Record) -> bool:
    return record.has("segmentation") and record.values["segmentation"] != []


def coco_mask(record: Record) -> CocoMask | None:
    """The record's ``segmentation``, or None and a fault. Whether run lengths fill their size is not checked here."""
    value = record.values.get("segmentation")
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]  # RRSIS-D wraps its run lengths in a list
    if isinstance(value, list):
        polygons = [finite_numbers(polygon) for polygon in value]
        whole = tuple(p for p in polygons if p is not None and len(p) >= 6 and len(p) % 2 == 0)
        if len(whole) == len(polygons):
            return CocoMask(polygons_px=whole)
        record.report("The field 'segmentation' has a polygon that is not three or more points x, y.")
        return None
    if isinstance(value, dict):
        counts, size = value.get("counts"), finite_numbers(value.get("size"))
        runs = finite_numbers(counts)
        if size is not None and len(size) == 2 and min(size) >= 1 and (isinstance(counts, str) or runs is not None):
            plain = tuple(int(run) for run in runs or ())
            rows, columns = int(size[0]), int(size[1])
            return CocoMask(rle_counts=counts if isinstance(counts, str) else plain, rle_size=(rows, columns))
    record.report("The field 'segmentation' is neither polygons nor run lengths with counts and size.")
    return None


def _number(key: str) -> int | str:
    return int(key) if key.isdecimal() and str(int(key)) == key else key


def _image_object(image: CocoImage) -> dict[str, object]:
    found: dict[str, object] = {"id": _number(image.id), "file_name": image.file_name}
    sides = {"width": image.width, "height": image.height}
    return found | {side: pixels for side, pixels in sides.items() if pixels is not None}


def _annotation_object(annotation: CocoAnnotation, index: int, numbers: Mapping[str, int | str]) -> dict[str, object]:
    found: dict[str, object] = {
        "id": index if annotation.id is None else _number(annotation.id),
        "image_id": _number(annotation.image),
    }
    if annotation.category in numbers:
        found["category_id"] = numbers[annotation.category]
    if annotation.category:
        found["category_name"] = annotation.category
    if annotation.caption:
        found["caption"] = annotation.caption
    if annotation.box_xywh_px is not None:
        found["bbox"] = [_short(number) for number in annotation.box_xywh_px]
        found["area"] = _short(annotation.box_xywh_px[2] * annotation.box_xywh_px[3])
        found["iscrowd"] = 0
    if annotation.mask is not None:
        found["segmentation"] = _mask_object(annotation.mask)
    return found


def _mask_object(mask: CocoMask) -> object:
    if mask.rle_counts:
        counts = mask.rle_counts if isinstance(mask.rle_counts, str) else list(mask.rle_counts)
        return {"size": list(mask.rle_size), "counts": counts}
    return [[_short(number) for number in polygon] for polygon in mask.polygons_px]


def _short(number: float) -> float | int:
    """Whole numbers without a decimal point, as COCO's own files have them."""
    return int(number) if number == int(number) else number
