#!/usr/bin/env python3
"""Writes the two locks from ``pyproject.toml``: exact versions and hashes for every platform, and no index address.

Needs ``uv`` (``python -m pip install uv``) and an index to ask; run it when a dependency changes, look at the diff, and
commit it. Pins that still fit stay as they are; ``--upgrade`` takes the newest. ``lock-test.txt`` is ``lock.txt`` with
the test tools added, so that tests run on what users get.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# {what}: pinned and hashed, for Python 3.11 to 3.13 on Linux, macOS and Windows.
# Written from pyproject.toml by installer/lock.py. It names no index: pip asks the one its reader has set up.
"""


def compile_lock(out: Path, what: str, *options: str) -> None:
    """Resolve for every supported platform at once and write ``out`` with a header of ours."""
    command = ["uv", "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header",
               "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--no-config", "--quiet", *options,
               "--output-file", str(out), "pyproject.toml"]  # fmt: skip
    if subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode:
        sys.exit(f"{out.name} was not written: uv's reason is above.")
    pins = out.read_text("utf-8")
    out.write_text(HEADER.format(what=what) + pins, encoding="utf-8")
    print(f"{out.name}: {pins.count('==')} packages")


def main(options: list[str]) -> int:
    """Write the larger lock first, then the run lock constrained by it, so that both agree."""
    lock, lock_test = (ROOT / "installer" / name for name in ("lock.txt", "lock-test.txt"))
    compile_lock(lock_test, "What the program and its checks run on", "--extra", "test", *options)
    compile_lock(lock, "What the program runs on", "-c", str(lock_test), *options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
