"""What a static contract cannot see: the running window has loaded neither torch nor rasterio, nor any heavy friend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CHILD = """
import json, sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from rsqa_desktop.app import Engine, build

qt = QApplication([])
folder = Path(sys.argv[1])
program = build(qt, folder, Engine(), folder / "settings.json")
program.window.show()
qt.processEvents()
before = sorted(sys.modules)
from tests.desktop.fakes import raster
from rsqa_desktop.model.scene import Scene
program.bench.document.set_scene(Scene(raster("/a.tif", "optical"), raster("/b.tif", "sar")))
qt.processEvents()
program.stop_services()
print(json.dumps([before, sorted(sys.modules)]))
"""


def test_the_window_runs_without_torch_and_rasterio(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], capture_output=True, text=True, cwd=root, check=True, timeout=60
    )
    at_first, with_a_scene = (set(each) for each in json.loads(done.stdout))
    assert not {"torch", "rasterio", "transformers", "pyogrio", "scipy"} & with_a_scene
    assert "pyproj" not in at_first, "coordinates are wanted when there is a scene, not before the window is seen"
