"""Runs the benchmarks one after the other: ``python -m tests.benchmarks [NAME …]``; without names, all of them.

Each is a module here with a ``main()`` that prints its figures. They run alone, each in a process of its own, because
what they measure is this machine: nothing else should be using it.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Run them; the number that failed."""
    here = Path(__file__).parent
    known = sorted(module.name for module in pkgutil.iter_modules([str(here)]) if not module.name.startswith("_"))
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"No benchmark is called {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    failed = 0
    for name in names or known:
        print(f"\n══ {name}", flush=True)
        command = [sys.executable, "-m", f"tests.benchmarks.{name}"]
        failed += bool(subprocess.run(command, cwd=here.parents[1], check=False).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
