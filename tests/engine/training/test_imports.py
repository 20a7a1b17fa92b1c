"""Training on scenes loads nothing that opens rasters, no CLIP, no models of transformers and no Qt.

It has to run on a bare compute node.
"""

from __future__ import annotations

import json
import subprocess
import sys

from tests.engine.grounding.recipes import TINY_CHANGES as TINY_GROUNDING
from tests.engine.segmentation.recipes import TINY_CHANGES as TINY_SEGMENTATION

PROGRAM = """
import json, sys
from pathlib import Path
from engine.training.run import train_recipe
from engine.training.trainer import load_recipe

if __name__ == "__main__":
    for name, changes in json.loads(sys.argv[2]).items():
        result = train_recipe(load_recipe(name, changes), Path(sys.argv[1]) / name, command="test")
        assert (result.model / "card.json").is_file()
    print(json.dumps(sorted(sys.modules)))
"""
TINY_VQA = (
    "data.train_scenes=6", "data.validation_scenes=3", "data.test_scenes=3", "data.questions_per_type=1",
    "data.workers=1", "train.steps=2", "train.threads=1", "train.log_every=1", "batch.views=2", "batch.questions=2",
    "model.width=32", "model.stem_channels=[16, 16]",
)  # fmt: skip
UNWANTED = {"rasterio", "open_clip", "pyogrio", "PySide6", "pyqtgraph", "transformers.models"}


RECIPES = {
    "tgfnet_compact_scenes": TINY_VQA,
    "optisar_compact_scenes": (*TINY_GROUNDING, "train.tensorboard=true"),
    "lgce_compact_scenes": TINY_SEGMENTATION,
}


def test_training_on_scenes_opens_no_raster(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), json.dumps(RECIPES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    names = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"torch", "accelerate", "tensorboard"} <= names  # it really trained
    assert not names & UNWANTED
