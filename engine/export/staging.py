"""Files written whole or not at all: everything is made in a hidden folder beside its goal, then moved.

A move within one folder's file system is atomic, so a reader sees the old file or the new one, never a half; and
because nothing moves before the last format is complete, a disk that fills half-way leaves the folder as it was.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import ExportRefused, RsqaError

_REMEDIES = {
    errno.ENOSPC: "Free some room there, or choose another folder.",
    errno.EDQUOT: "Your quota there is used up: free some room, or choose another folder.",
    errno.EACCES: "Choose a folder that you may write to.",
    errno.EPERM: "Choose a folder that you may write to.",
    errno.EROFS: "That disk is read-only: choose another folder.",
    errno.ENAMETOOLONG: "Choose a folder with a shorter name.",
    errno.ENOTDIR: "A file stands where a folder is needed: choose another folder.",
    errno.EEXIST: "A file stands where a folder is needed: choose another folder.",
}


@contextmanager
def staged(out: Path) -> Iterator[tuple[Path, list[Path]]]:
    """A hidden folder inside ``out`` to write into, and a list that holds the final paths after the block.

    Leaving the block well moves every file of the hidden folder into ``out``, replacing files of the same name;
    leaving it by an exception moves nothing. The hidden folder is gone either way.
    Raises :class:`ExportRefused` where ``out`` cannot be made or written to.
    """
    finals: list[Path] = []
    with refused_as_export(out):
        out.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".rsqa-", dir=out))
    try:
        yield stage, finals
        for made in sorted(stage.iterdir()):
            final = out / made.name
            with refused_as_export(final):
                made.replace(final)
            finals.append(final)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def refused_as_export(path: Path) -> Iterator[None]:
    """Turns an ``OSError`` raised inside into :class:`ExportRefused` that names ``path`` and what to do.

    A refusal that an ``OSError`` caused further down gets the same remedy, as it only knows the hidden folder.
    """
    try:
        yield
    except ExportRefused as error:
        if isinstance(error.__cause__, OSError):
            raise ExportRefused(str(error), remedy=_remedy(error.__cause__)) from error
        raise
    except RsqaError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportRefused(f"“{path}” cannot be written: {reason}.", remedy=_remedy(error)) from error


def _remedy(error: OSError) -> str:
    return _REMEDIES.get(error.errno or 0, "Choose another folder.")
