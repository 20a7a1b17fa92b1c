"""The size ratchet: functions about 40 lines, modules about 500, classes about 20 public methods.

What is larger is listed in ``size_exceptions.json`` with its size. An entry may only shrink: a larger figure, a new
offender, or an entry that no longer offends fails the check. ``--write`` lowers the figures and drops what has become
small; it never adds or raises one, so that a new exception is a decision somebody makes by hand.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXCEPTIONS = Path(__file__).with_name("size_exceptions.json")
FOLDERS = ("engine", "rsqa_desktop", "installer", "tests", "resources")
LIMITS = {"function lines": 45, "module lines": 500, "public methods": 20}


def measure(source: str, name: str) -> Iterator[tuple[str, str, int]]:
    """Yield ``(key, kind, size)`` for every module, class and function of one file."""
    yield name, "module lines", len(source.splitlines())
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            yield (
                f"{name}:{node.name}",
                "function lines",
                (node.end_lineno or first) - first + 1 - _docstring_lines(node),
            )
        elif isinstance(node, ast.ClassDef):
            functions = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
            yield f"{name}:{node.name}", "public methods", sum(not f.name.startswith("_") for f in functions)


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """A docstring is not length: it is what makes length bearable."""
    if ast.get_docstring(node, clean=False) is None:
        return 0
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1


def offenders(root: Path) -> dict[str, int]:
    """Everything over its limit below ``root``, as ``key -> size``."""
    found: dict[str, int] = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            for key, kind, size in measure(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix()):
                if size > LIMITS[kind]:
                    found[f"{key} ({kind})"] = max(size, found.get(f"{key} ({kind})", 0))
    return found


def judge(found: dict[str, int], allowed: dict[str, int]) -> list[str]:
    """Sentences for everything that grew, is new, or is listed without need."""
    faults = [f"{key}: {size}, not listed as an exception" for key, size in found.items() if key not in allowed]
    faults += [f"{k}: grew from {allowed[k]} to {n}" for k, n in found.items() if k in allowed and n > allowed[k]]
    faults += [f"{key}: listed as {size}, but now {found.get(key, 'small')}: run with --write" for key, size in
               allowed.items() if found.get(key, 0) < size]  # fmt: skip
    return faults


def main(argv: list[str]) -> int:
    """Print the faults; 1 if there are any."""
    allowed: dict[str, int] = json.loads(EXCEPTIONS.read_text(encoding="utf-8")) if EXCEPTIONS.exists() else {}
    found = offenders(ROOT)
    if "--write" in argv:
        allowed = {key: min(size, found[key]) for key, size in allowed.items() if key in found}
        EXCEPTIONS.write_text(json.dumps(allowed, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    faults = judge(found, allowed)
    sys.stdout.write("\n".join([*faults, f"size ratchet: {len(faults)} faults, {len(allowed)} exceptions\n"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
