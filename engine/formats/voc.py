"""Pascal VOC XML, read with its faults and written: one file per image, one ``object`` per box.

The layout is that of the VOC development kit (http://host.robots.ox.ac.uk/pascal/VOC/), as the grounding sets use it:
an ``object`` has a ``name``, a ``bndbox`` and a ``description`` (or ``caption``), the sentence that names it. VOC's own
boxes are whole pixels counted from 1, both ends included; those of DIOR and its children run from 0 to the image's
width, so numbers are taken as they stand: left, top, right, bottom in pixels, half-open.

Files come from strangers: ``defusedxml`` refuses entities (which can unfold to gigabytes) and references to other
files. It is read as events, as those know their line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

from defusedxml import DefusedXmlException
from defusedxml.sax import parseString

from engine.errors import InputRefused
from engine.formats.records import FaultSink

MOST_BYTES = 64 * 1024 * 1024
"""Larger files are refused; an annotation of a thousand objects has a third of a megabyte."""

Xyxy = tuple[float, float, float, float]

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_SENTENCES = ("description", "caption")
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class VocObject:
    """One ``object``: its class, box in pixels, sentence (empty where there is none) and line in the file."""

    name: str
    box_xyxy_px: Xyxy
    description: str = ""
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class VocFile:
    """One annotation file. An object that could not be read is None, so that the others keep their place."""

    filename: str
    width: int | None
    height: int | None
    objects: tuple[VocObject | None, ...]


@dataclass(slots=True)
class _Element:
    """An element with its line, text and children; attributes are not used by VOC."""

    tag: str
    line: int
    text: list[str] = field(default_factory=list)
    children: list[_Element] = field(default_factory=list)

    def child(self, *tags: str) -> _Element | None:
        return next((child for child in self.children if child.tag in tags), None)

    def text_of(self, *tags: str) -> str:
        """The text of the first child with one of ``tags``, with single spaces; empty where there is none."""
        child = self.child(*tags)
        return "" if child is None else " ".join("".join(child.text).split())


class _TreeBuilder(ContentHandler):
    """Makes :class:`_Element` of the parser's events."""

    def __init__(self) -> None:
        super().__init__()
        self.top = _Element("", 0)
        self._open = [self.top]
        self._locator: Locator | None = None

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802  SAX's name
        self._locator = locator

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802  SAX's name
        if len(self._open) > _DEEPEST:
            raise SAXException("the elements are nested too deeply")
        element = _Element(name, (self._locator.getLineNumber() if self._locator else None) or 0)
        self._open[-1].children.append(element)
        self._open.append(element)

    def endElement(self, name: str) -> None:  # noqa: N802  SAX's name
        self._open.pop()

    def characters(self, content: str) -> None:
        self._open[-1].text.append(content)


def read_voc(path: Path, faults: FaultSink) -> VocFile | None:
    """Read ``path``, or None and a fault where it is no VOC file at all.

    An object without a name, or with a box that is not four numbers in order, is a fault and None in ``objects``.
    A missing ``size`` is no fault. Whether boxes lie in the image and have sentences is the caller's to judge.
    """
    root = _parse(path, faults)
    if root is None:
        return None
    filename = root.text_of("filename")
    if not filename:
        faults.add(path, root.line, "There is no 'filename' in it.")
    size = root.child("size")
    width, height = (None if size is None else _side(size, side, path, faults) for side in ("width", "height"))
    objects = tuple(_object(element, path, faults) for element in root.children if element.tag == "object")
    return VocFile(filename, width, height, objects)


def voc_text(voc: VocFile) -> str:
    """``voc`` as an XML document. Raises :class:`InputRefused` for a text with characters that XML cannot hold."""
    root = ElementTree.Element("annotation")
    _add(root, "filename", voc.filename)
    if voc.width is not None and voc.height is not None:
        size = _add(root, "size")
        _add(size, "width", str(voc.width))
        _add(size, "height", str(voc.height))
        _add(size, "depth", "3")
    for thing in voc.objects:
        if thing is None:
            continue
        element = _add(root, "object")
        _add(element, "name", thing.name)
        box = _add(element, "bndbox")
        for side, number in zip(_SIDES, thing.box_xyxy_px, strict=True):
            _add(box, side, str(int(number)) if number == int(number) else repr(number))
        if thing.description:
            _add(element, "description", thing.description)
    ElementTree.indent(root, "  ")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _parse(path: Path, faults: FaultSink) -> _Element | None:
    """The root element, which must be ``annotation``; None and a fault for anything else."""
    builder = _TreeBuilder()
    try:
        if path.stat().st_size > MOST_BYTES:
            faults.add(path, None, f"The file is larger than {MOST_BYTES:,} bytes; it is not read.")
            return None
        parseString(path.read_bytes(), builder)
    except FileNotFoundError:
        faults.add(path, None, "The file is missing.")
        return None
    except OSError as error:
        faults.add(path, None, f"The file cannot be read: {error.strerror or error}.")
        return None
    except DefusedXmlException:
        faults.add(path, None, "The XML declares entities or names other files; it is not read.")
        return None
    except SAXParseException as error:
        faults.add(path, error.getLineNumber(), f"This is not XML: {error.getMessage()}.")
        return None
    except (SAXException, ValueError, LookupError) as error:  # the latter two: an encoding that expat does not know
        faults.add(path, None, f"This is not XML that can be read: {error}.")
        return None
    root = builder.top.children[0]
    if root.tag != "annotation":
        faults.add(path, root.line, f"The root element is {root.tag!r}, not 'annotation'.")
        return None
    return root


def _side(size: _Element, side: str, path: Path, faults: FaultSink) -> int | None:
    number = _number(size.text_of(side))
    if number is None or number < 1 or number != int(number):
        faults.add(path, size.line, f"The {side} of the image is not a whole number above zero.")
        return None
    return int(number)


def _object(element: _Element, path: Path, faults: FaultSink) -> VocObject | None:
    name = element.text_of("name")
    if not name:
        faults.add(path, element.line, "An object has no name.")
        return None
    box = element.child("bndbox")
    if box is None:
        faults.add(path, element.line, f"The object {name!r} has no 'bndbox'.")
        return None
    numbers = [_number(box.text_of(side)) for side in _SIDES]
    left, top, right, bottom = numbers
    if left is None or top is None or right is None or bottom is None:
        missing = ", ".join(side for side, number in zip(_SIDES, numbers, strict=True) if number is None)
        faults.add(path, box.line, f"The box of {name!r} has no number for {missing}.")
        return None
    if left >= right or top >= bottom:
        faults.add(
            path, box.line, f"The box of {name!r} ends before it begins: {left:g}, {top:g}, {right:g}, {bottom:g}."
        )
        return None
    return VocObject(name, (left, top, right, bottom), element.text_of(*_SENTENCES), element.line)


def _listed(*numbers: float) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _number(text: str) -> float | None:
    """A finite number, or None. Python's own extras (``1_000``) are refused."""
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _add(parent: ElementTree.Element, tag: str, text: str = "") -> ElementTree.Element:
    element = ElementTree.SubElement(parent, tag)
    element.text = _writable(text) if text else None
    return element


def _writable(text: str) -> str:
    if any(not _is_xml_character(ord(character)) for character in text):
        raise InputRefused(f"The text {text!r} has characters that XML cannot hold.", remedy="Remove them.")
    return text


def _is_xml_character(code: int) -> bool:
    """https://www.w3.org/TR/xml/#charsets"""
    return code in (0x9, 0xA, 0xD) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
