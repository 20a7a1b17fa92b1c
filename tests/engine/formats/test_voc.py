"""Pascal VOC: read back as written, and every way in which a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputRefused
from engine.formats import voc
from engine.formats.voc import VocFile, VocObject, read_voc, voc_text

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
SENTENCES = st.lists(WORDS, max_size=5).map(" ".join)
EDGES = st.floats(0, 1e6, allow_nan=False)


class Heard(list[tuple[int | None, str]]):
    """A sink for faults."""

    def add(self, file: Path | str, line: int | None, what: str) -> None:
        self.append((line, what))


def read_bytes(path: Path, content: bytes) -> tuple[VocFile | None, Heard]:
    path.write_bytes(content)
    heard = Heard()
    return read_voc(path, heard), heard


@st.composite
def things(draw: st.DrawFn) -> VocObject:
    left, right = sorted(draw(st.lists(EDGES, min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(draw(st.lists(EDGES, min_size=2, max_size=2, unique=True)))
    return VocObject(draw(WORDS), (left, top, right, bottom), draw(SENTENCES))


@given(WORDS, st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999)), st.lists(things(), max_size=4))
def test_what_is_written_is_read(tmp_path_factory, filename, size, objects):
    width, height = size or (None, None)
    whole = VocFile(filename, width, height, tuple(objects))
    found, heard = read_bytes(tmp_path_factory.mktemp("voc") / "a.xml", voc_text(whole).encode())
    assert heard == []
    assert found == whole


def test_an_object_left_out_is_not_written():
    assert "<object>" not in voc_text(VocFile("a.jpg", 4, 4, (None,)))


def test_characters_that_xml_cannot_hold_are_refused():
    with pytest.raises(InputRefused, match="XML cannot hold"):
        voc_text(VocFile("a.jpg", 4, 4, (VocObject("ship", (0, 0, 1, 1), "a\x07bell"),)))


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"", 1, "This is not XML: no element found."),
        (b"<annotation>\n<object>\n", 3, "This is not XML: no element found."),
        (b"<annotation>&lol;</annotation>", 1, "This is not XML: undefined entity."),
        (b"\xff\xfe\x00\xd8", 1, "This is not XML: "),
        (b"<?xml version='1.0' encoding='GBK'?><annotation/>", None, "This is not XML that can be read: multi-byte"),
        (b"<?xml version='1.0' encoding='zlib'?><annotation/>", None, "This is not XML that can be read: 'zlib'"),
        (b"<a>" * 60 + b"</a>" * 60, None, "This is not XML that can be read: the elements are nested too deeply."),
        (b"\n<html/>", 2, "The root element is 'html', not 'annotation'."),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", None, "The XML declares entities or names other files"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><annotation/>", None, "The XML declares entities"),
        (b"<!DOCTYPE a SYSTEM 'other.dtd'><annotation/>", None, "The XML declares entities or names other files"),
    ],
)
def test_what_is_no_voc_file(tmp_path, content, line, what):
    found, heard = read_bytes(tmp_path / "a.xml", content)
    assert found is None
    assert len(heard) == 1
    assert heard[0][0] == line
    assert heard[0][1].startswith(what)


def test_absent_unreadable_and_too_large_files(tmp_path, monkeypatch):
    heard = Heard()
    assert read_voc(tmp_path / "absent.xml", heard) is None
    assert read_voc(tmp_path, heard) is None
    assert [what for _, what in heard] == ["The file is missing.", "The file cannot be read: Is a directory."]
    monkeypatch.setattr(voc, "MOST_BYTES", 10)
    found, heard = read_bytes(tmp_path / "a.xml", b"<annotation></annotation>")
    assert found is None
    assert heard == [(None, "The file is larger than 10 bytes; it is not read.")]


def test_odd_but_good_files(tmp_path):
    content = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!-- a comment -->
<annotation verified="no"><filename> stra\u00dfe.jpg
</filename><object><bndbox><ymax>4</ymax><xmin>1e0</xmin><xmax>3.5</xmax><ymin>2</ymin></bndbox>
<caption>the <b/>ship</caption><name>ship</name></object></annotation>""".encode("latin-1")
    found, heard = read_bytes(tmp_path / "a.xml", content)
    assert heard == []
    assert found == VocFile("stra\u00dfe.jpg", None, None, (VocObject("ship", (1, 2, 3.5, 4), "the ship"),))


def test_a_bad_size_or_no_name_is_a_fault_and_the_rest_is_read(tmp_path):
    content = (
        b"<annotation>\n<size><width>0</width><height>ten</height></size>\n<object><name>a</name></object></annotation>"
    )
    found, heard = read_bytes(tmp_path / "a.xml", content)
    assert heard == [
        (1, "There is no 'filename' in it."),
        (2, "The width of the image is not a whole number above zero."),
        (2, "The height of the image is not a whole number above zero."),
        (3, "The object 'a' has no 'bndbox'."),
    ]
    assert found == VocFile("", None, None, (None,))


@given(st.binary(max_size=60))
def test_no_bytes_crash_it(tmp_path_factory, content):
    found, heard = read_bytes(tmp_path_factory.mktemp("voc") / "a.xml", b"<annotation><object>" + content)
    assert (found is None) == any("XML" in what or "root" in what for _, what in heard)
