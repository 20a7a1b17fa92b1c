"""Two processes do not work in one folder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.errors import UsageError
from engine.training import folder_locked

HOLD = """
import sys
from pathlib import Path
from engine.training import folder_locked
with folder_locked(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_one_process_has_the_folder_until_it_dies(tmp_path, monkeypatch):
    run = tmp_path / "run"
    command = [sys.executable, "-c", HOLD, str(run)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline().strip() == "mine"
        with pytest.raises(UsageError, match="Another process is at work in") as refused, folder_locked(run):
            pytest.fail("two have it")
        assert "another folder" in refused.value.remedy
        with folder_locked(tmp_path / "other"):
            pass
        with monkeypatch.context() as several:
            several.setenv("RANK", "1")  # a helper of the main process, which has the folder for both
            with folder_locked(run):
                pass
        other.kill()
    with folder_locked(run):
        pass
