"""What a static import check cannot see: what is loaded once a program has really started.

The desktop's own test is in ``tests/desktop/test_imports.py``, training's in ``tests/engine/training/test_imports.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, json, pkgutil, sys
import engine
for module in pkgutil.walk_packages(engine.__path__, "engine."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def loaded(program: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_engine_imported_whole_brings_no_qt():
    names = loaded(IMPORT_ALL)
    assert {"torch", "rasterio"} <= names  # it really was everything
    assert not names & {"PySide6", "pyqtgraph", "shiboken6", "rsqa_desktop"}


@pytest.mark.parametrize("command", ["check", "tiles", "models", "scenes"])
def test_commands_that_must_start_fast_bring_no_torch(command):
    names = loaded(
        "import sys, contextlib, io, json\nfrom engine.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    try: main([{command!r}, '--help'])\n    except SystemExit: pass\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    assert "engine" in names
    assert not names & {"torch", "transformers", "PySide6"}
