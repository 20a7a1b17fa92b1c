"""The test command: every check in order, one line each, and a summary that says what failed.

``python installer/bootstrap.py test`` calls this with the project's own interpreter. Without arguments: lint, format,
types, import contracts, sizes, and the tests that are not marked ``slow``. ``--all`` runs the slow ones too. Words
after ``--`` go to pytest, which then runs alone: ``… test -- -k stretch``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def checks(everything: bool) -> dict[str, list[str]]:
    """Name and command of each check, in the order they run: the quick ones first."""
    python = sys.executable
    lint_imports = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return {
        "lint": [python, "-m", "ruff", "check", "."],
        "format": [python, "-m", "ruff", "format", "--check", "."],
        "types": [python, "-m", "mypy"],
        "import contracts": [python, "-c", lint_imports],
        "sizes": [python, "-m", "tests.checks.size_ratchet"],
        "tests": pytest_command([] if everything else ["-m", "not slow"]),
    }


def pytest_command(more: list[str]) -> list[str]:
    """Pytest in random order (pytest-randomly, which prints its seed), two workers, a file at a time on each."""
    return [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-q", *more]


def main(argv: list[str]) -> int:
    """Run them all, even after a failure: a reader wants the whole list. 1 if any failed."""
    # One thread a process: two pytest workers on two cores otherwise fight over them and take longer.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen", "HF_HUB_OFFLINE": "1"}
    if "--" in argv:
        command = [sys.executable, "-m", "pytest", *argv[argv.index("--") + 1 :]]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    results: list[tuple[str, int, float]] = []
    for name, command in checks("--all" in argv).items():
        print(f"\n── {name}", flush=True)
        start = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        results.append((name, done.returncode, time.monotonic() - start))
    print("\n── summary")
    for name, code, seconds in results:
        print(f"{'passed' if code == 0 else 'FAILED'}  {seconds:6.1f} s  {name}")
    return 1 if any(code for _, code, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
