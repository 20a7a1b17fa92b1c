"""Folders that appear whole or not at all: made under a hidden name beside their goal, then renamed.

A finished folder holds a report, a JSON file that says what made it and how many files it has. So a later run can tell
a folder of its own, which it may replace, from one with anything else in it, which it never touches.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import ExportRefused, UsageError
from engine.raster import replacing


@contextmanager
def whole_folder(out: Path, report: str, *sources: Path) -> Iterator[Path]:
    """A hidden folder beside ``out`` to write into, which takes its place if the block ends well.

    The block has to write the file ``report`` with :func:`write_report`, as its last. However else the block is left
    (an error, Ctrl-C), the hidden folder vanishes and ``out`` is as it was.

    Raises :class:`ExportRefused` where ``out`` is neither absent, empty, nor an unchanged folder of an earlier run with
    the same ``report``, and where it cannot be written; :class:`UsageError` where it is in one of the ``sources`` or
    has one in it.
    """
    _require_apart(out, sources)
    _require_free(out, report)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise _refused(out, error) from error
    try:
        yield made
        _require_free(out, report)  # hours may have passed
        _replace(out, made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_report(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    """Write ``content`` as ``name`` into ``folder``, with the number of files in it, the report included."""
    path = folder / name
    with replacing(path) as temporary:
        counted = {"files": _count(folder)}  # the temporary file stands for the report
        temporary.write_text(json.dumps(counted | dict(content), indent=1, ensure_ascii=False), encoding="utf-8")


def _require_apart(out: Path, sources: tuple[Path, ...]) -> None:
    for source in sources:
        ours, theirs = out.resolve(), source.resolve()
        if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
            raise UsageError(f"{out} and {source} lie in one another.", remedy="Choose another folder for the result.")


def _require_free(out: Path, report: str) -> None:
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
        if out.is_dir() and _reported_files(out / report) == _count(out):
            return
    except OSError as error:
        raise _refused(out, error) from error
    raise ExportRefused(
        f"{out} holds something else than an unchanged folder of an earlier run.",
        remedy="Choose a folder that does not exist or is empty.",
    )


def _reported_files(report: Path) -> int | None:
    """How many files the report says there are; None where there is no such report."""
    try:
        content = json.loads(report.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    files = content.get("files") if isinstance(content, dict) else None
    return files if isinstance(files, int) else None


def _count(folder: Path) -> int:
    return sum(not path.is_dir() for path in folder.rglob("*"))


def _replace(out: Path, made: Path) -> None:
    """Give ``made`` the name ``out``; an earlier folder goes only once the new one stands."""
    try:
        made.chmod(0o755)  # mkdtemp's 0700 would hide it from colleagues on a shared disk
        if not out.exists():
            made.rename(out)
            return
        old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
        out.rename(old / out.name)
        try:
            made.rename(out)
        except BaseException:
            (old / out.name).rename(out)
            old.rmdir()
            raise
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise _refused(out, error) from error


def _refused(out: Path, error: OSError) -> ExportRefused:
    return ExportRefused(
        f"{out} cannot be written: {error.strerror or error}.",
        remedy=f"Check the free space of and the permission to write in {out.parent}.",
    )
