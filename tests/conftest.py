"""Shared by every test: the real imagery (skipped aloud where absent), threads kept low, Qt offscreen."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Examples are judged by what they show, not by how long a shared machine took over them. They are the same in every
# run, so that a change passes or fails by what it does; HYPOTHESIS_PROFILE=explore draws new ones, to look for more.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("rsqa", settings.get_profile("explore"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "rsqa"))

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts what runs in the background with Ctrl-C ignored, and children inherit that; tests press Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


def shared_data_folder() -> Path | None:
    """``../shared/data`` beside the project, or where ``RSQA_SHARED`` points."""
    folder = Path(os.environ.get("RSQA_SHARED", ROOT.parent / "shared")) / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real imagery. Tests that use it carry the marker ``real``."""
    folder = shared_data_folder()
    if folder is None:
        pytest.skip("real imagery is not here: ../shared/data is absent (set RSQA_SHARED to where it is)")
    return folder
