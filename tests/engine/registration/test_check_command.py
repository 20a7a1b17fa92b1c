"""``rsqa check`` as a real process: exit codes, what is on which stream, no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from engine.protocol import from_json
from engine.records import PairCheck
from tests.engine.registration.conftest import ORIGIN

KEYS = {
    "verdict",
    "shift_px",
    "shift_m",
    "shift_confidence",
    "overlap",
    "valid",
    "resolution_ratio",
    "dates",
    "optical",
    "sar",
    "messages",
}


def rsqa(*words, module="engine.cli.main"):
    return subprocess.run(
        [sys.executable, "-m", module, "check", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=120,
        check=False,
    )


def test_json_of_a_usable_pair(files):
    done = rsqa(*files(dx=3), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said.keys() >= KEYS
    assert said["verdict"] == "aligned"
    assert said["valid"] == {"optical": 1, "sar": 1}
    assert said["optical"]["path"].endswith("optical.tif")
    assert from_json(done.stdout.encode(), PairCheck).shift_is_sure


def test_words_of_a_shifted_pair(files):
    done = rsqa(*files(dx=20), "--correct-shift")
    assert done.returncode == 0
    first, *others = done.stdout.splitlines()
    assert first == "shifted"
    assert any("20." in line or "19." in line for line in others)
    assert others[-1] == "As asked, an analysis corrects this shift."


def test_a_tolerance_is_taken(files):
    assert json.loads(rsqa(*files(dx=8), "--json", "--tolerance", "4").stdout)["verdict"] == "shifted"


@pytest.mark.parametrize("as_json", [True, False])
def test_two_places(files, as_json):
    done = rsqa(*files(sar={"x": ORIGIN[0] + 50_000}), *(["--json"] if as_json else []))
    assert done.returncode == 3
    assert "50 km" in done.stderr
    assert "Traceback" not in done.stderr
    if as_json:
        assert json.loads(done.stdout)["verdict"] == "no-overlap"
        assert json.loads(done.stdout)["shift_px"] is None
    else:
        assert done.stdout == ""


def test_no_georeference_unless_trusted(files):
    paths = files(optical={"crs": None}, sar={"crs": None})
    assert rsqa(*paths).returncode == 3
    done = rsqa(*paths, "--assume-registered", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "aligned"


@pytest.mark.parametrize("place", [0, 1])
def test_a_dash_for_a_sensor(files, place):
    words = list(files())
    words[place] = "-"
    done = rsqa(*words, "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["verdict"] == "single-sensor"
    assert said[("optical", "sar")[place]] is None


@pytest.mark.parametrize(
    ("words", "code"), [(("-", "-"), 2), (("nowhere.tif", "-"), 3), (("a.tif", "b.tif", "--tolerance", "x"), 2)]
)
def test_faults_are_one_sentence(words, code):
    done = rsqa(*words)
    assert done.returncode == code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_whole_check_brings_no_torch(files):
    optical, sar = files()
    program = (
        "import sys; from engine.cli.main import main; "
        f"code = main(['check', {optical!r}, {sar!r}, '--json']); "
        "sys.exit(1 if 'torch' in sys.modules or 'transformers' in sys.modules else code)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0
