#!/usr/bin/env python3
"""Writes the two locks from ``pyproject.toml``: exact versions and hashes for every platform, and no index address.

Needs ``uv`` (``python -m pip install uv``) and an index to ask; run it when a dependency changes, look at the diff, and
commit it. ``lock-test.txt`` is ``lock.txt`` with the test tools added, so that tests run on what users get.
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
               "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--no-config", *options,
               "pyproject.toml"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{out.name} was not written: uv's reason is above.")
    out.write_text(HEADER.format(what=what) + done.stdout, encoding="utf-8")
    print(f"{out.name}: {done.stdout.count('==')} packages")


def main() -> int:
    """Write the larger lock first, then the run lock constrained by it, so that both agree."""
    lock, lock_test = (ROOT / "installer" / name for name in ("lock.txt", "lock-test.txt"))
    compile_lock(lock_test, "What the program and its checks run on", "--extra", "test")
    compile_lock(lock, "What the program runs on", "-c", str(lock_test))
    return 0


if __name__ == "__main__":
    sys.exit(main())
