"""Pickles of plain data come out as pickle itself gives them; anything else is named and never run."""

from __future__ import annotations

import collections
import contextlib
import pickle
import pickletools
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.datasets.readers.restricted_pickle import load_plain
from engine.errors import DataSetUnreadable

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300)
KEYS = SCALARS | st.tuples(SCALARS, SCALARS)
PLAIN = st.recursive(
    SCALARS | st.binary(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.lists(inner, max_size=5).map(tuple)
        | st.sets(KEYS, max_size=3)
    ),
    max_leaves=20,
)


def exact(value: object) -> object:
    """``value`` as texts and lists in which 1, 1.0 and True differ, and sets do not differ by their order."""
    if isinstance(value, dict):
        return "dict", [(repr(key), exact(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value).__name__, [exact(item) for item in value]
    return sorted(map(repr, value)) if isinstance(value, set) else repr(value)


def load(path: Path, data: bytes, **options: int) -> object:
    path.write_bytes(data)
    return load_plain(path, **options)


def refusal(path: Path, data: bytes, **options: int) -> str:
    with pytest.raises(DataSetUnreadable) as caught:
        load(path, data, **options)
    assert "fetch the file again" in caught.value.remedy
    return str(caught.value)


@settings(max_examples=100)
@given(value=PLAIN, protocol=st.sampled_from([4, 5]))
def test_plain_data_is_what_pickle_gives(
    tmp_path_factory: pytest.TempPathFactory, value: object, protocol: int
) -> None:
    path = tmp_path_factory.mktemp("pickle") / "a.p"
    assert exact(load(path, pickle.dumps(value, protocol))) == exact(value)


@pytest.mark.parametrize("protocol", range(6))
def test_lists_as_annotations_have_them_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    value = [("img_1.png", [1, 2.5, -30, 4], "the “largest” ship", {"ref": 2**70, "ok": True, "no": None}, ())] * 3
    assert load(tmp_path / "a.p", pickle.dumps(value, protocol)) == value


def test_python_2_pickles(tmp_path: Path) -> None:
    # What Python 2's pickle.dumps([{'bbox': [1, 2L], 'phrase': 'ship'}]) writes.
    assert load(tmp_path / "a.p", b"(lp0\n(dp1\nS'bbox'\np2\n(lp3\nI1\naL2L\nasS'phrase'\np4\nS'ship'\np5\nsa.") == [
        {"bbox": [1, 2], "phrase": "ship"}
    ]


class Evil:
    """Would write a file, if anything of it were ever called."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.target, "run")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path: Path, protocol: int, wrapped: bool) -> None:
    target = tmp_path / "run"
    evil = pickle.dumps([1, {"a": Evil(target)}], protocol)
    assert b"write_text" in evil
    if wrapped:
        with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
            archive.writestr("list/data.pkl", evil)
        evil = (tmp_path / "e.zip").read_bytes()
    what = refusal(tmp_path / "evil.pth", evil)
    assert not target.exists()
    assert what.startswith("The pickle evil.pth ")
    assert what.endswith("which is not plain data; it was not run.")


def test_the_forbidden_thing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.p"
    assert "asks for os.system," in refusal(path, b"cos\nsystem\n(S'true'\ntR.")
    assert "asks for subprocess.Popen," in refusal(path, b"(S'true'\nisubprocess\nPopen\n.")
    assert "asks for collections.OrderedDict," in refusal(path, pickle.dumps(collections.OrderedDict(a=1), 2))
    assert "asks for numpy" in refusal(path, pickle.dumps(np.float64(1.5), 3))
    assert "asks for builtins.eval," in refusal(path, b"\x8c\x08builtins\x8c\x04eval\x93.")
    assert "holds a reference to something outside the file," in refusal(path, b"P1\n.")
    assert "holds a registered class," in refusal(path, b"\x82\x01.")


def test_every_instruction_is_known_or_refused(tmp_path: Path) -> None:
    """No instruction of pickle, present in any protocol, gets past the table unnoticed."""
    for opcode in pickletools.opcodes:
        data = opcode.code.encode("latin1") + b"\x01\x00\x00\x00\x00\x00\x00\x00a\nb\n."
        try:
            found = load(tmp_path / "a.p", data)
        except DataSetUnreadable:
            continue
        assert type(found) in (type(None), bool, int, float, str, bytes, list, tuple, dict, set)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"]" * 10**5 + b"a" * (10**5 - 1) + b".", "is nested deeper than 100"),
        (b"N" + b"\x85" * 10**5 + b".", "is nested deeper than 100"),
        (b"}N" + b"\x85" * 10**5 + b"Ns.", "is damaged or cut short"),  # a deep key, which hashing would fall over
        (b"]q\x00h\x00a.", "contains itself"),
        (b"]q\x00h\x00\x85a.", "contains itself"),
        (b"(lp0\n" + b"".join(b"(lp%d\n" % (n + 1) + b"g%d\na" % n * 9 for n in range(30)) + b".", "unfolds to many"),
        (b"Nr\xff\xff\xff\x7fh\x00.", "is damaged or cut short"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "is damaged or cut short"),
        (b"\x8d\x00\x00\x00\x00\x00\x00\x00\x10abc.", "is damaged or cut short"),
        (b"I" + b"9" * 10_000 + b"\n.", "is damaged or cut short"),
        (b"", "is damaged or cut short"),
        (b"N", "is damaged or cut short"),
        (b".", "is damaged or cut short"),
        (b"0.", "is damaged or cut short"),
        (b"(t", "is damaged or cut short"),
        (b"NNu.", "is damaged or cut short"),
        (b"](NNe](N\x90.", "is damaged or cut short"),
        (b"h\x07.", "is damaged or cut short"),
        (b"PK\x03\x04 not a zip", "is a damaged zip"),
        (b"not a pickle", "is damaged or cut short"),
    ],
)
def test_bombs_and_damage_give_one_sentence(tmp_path: Path, data: bytes, what: str) -> None:
    assert refusal(tmp_path / "a.p", data).startswith(f"The pickle a.p {what}")


def test_a_large_memo_number_takes_no_memory(tmp_path: Path) -> None:
    assert load(tmp_path / "a.p", b"Nr\xff\xff\xff\x7fj\xff\xff\xff\x7f\x86.") == (None, None)


def test_shared_lists_of_ordinary_size_are_read(tmp_path: Path) -> None:
    box = [1, 2, 3, 4]
    value = [("a.png", box, "the ship")] * 50
    assert load(tmp_path / "a.p", pickle.dumps(value)) == value


@settings(max_examples=150)
@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=3))
def test_no_damage_gets_past(tmp_path_factory: pytest.TempPathFactory, cut: int, flips: list[tuple[int, int]]) -> None:
    value = [("capella_1.png", [3, 4.5, 9, 10], "the upper tower", {"id": (1, 2)}, {3})] * 2
    data = bytearray(pickle.dumps(value, 4))[: cut or None]
    for place, byte in flips:
        if data:
            data[place % len(data)] = byte
    path = tmp_path_factory.mktemp("damage") / "a.p"
    with contextlib.suppress(DataSetUnreadable):
        load(path, bytes(data))


class TestTorch:
    """Both of torch's formats, written without torch."""

    VALUE = (("a.png", "the tower"),)

    def zip_of(self, folder: Path, names: dict[str, bytes]) -> Path:
        path = folder / "list.pth"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in names.items():
                archive.writestr(name, data)
        return path

    def test_the_zip(self, tmp_path: Path) -> None:
        data = pickle.dumps(self.VALUE, 2)
        assert load_plain(self.zip_of(tmp_path, {"list/data.pkl": data, "list/version": b"3\n"})) == self.VALUE

    def test_zips_without_the_one_pickle(self, tmp_path: Path) -> None:
        for names in ({"x": b""}, {"a/data.pkl": b"N.", "b/data.pkl": b"N."}):
            with pytest.raises(DataSetUnreadable, match="where torch writes one"):
                load_plain(self.zip_of(tmp_path, names))

    def test_a_zip_that_unpacks_to_more_than_is_allowed(self, tmp_path: Path) -> None:
        path = self.zip_of(tmp_path, {"a/data.pkl": b"N0" * 5_000_000 + b"N."})
        assert path.stat().st_size < 100_000
        with pytest.raises(DataSetUnreadable, match="unpacks to more than 1,000,000 bytes"):
            load_plain(path, max_bytes=1_000_000)

    def test_the_format_before_the_zip(self, tmp_path: Path) -> None:
        parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "type_sizes": {"int": 4}}, self.VALUE, [])
        data = b"".join(pickle.dumps(part, 2) for part in parts)
        assert load(tmp_path / "old.pth", data) == self.VALUE
        assert "damaged or cut short" in refusal(tmp_path / "old.pth", data[:30])


def test_files_that_are_too_large_or_not_there(tmp_path: Path) -> None:
    assert "is larger than 10 bytes" in refusal(tmp_path / "a.p", b"N" * 11, max_bytes=10)
    with pytest.raises(DataSetUnreadable, match=r"The file b\.p cannot be read: No such file or directory\."):
        load_plain(tmp_path / "b.p")
