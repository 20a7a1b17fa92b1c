"""The bootstrap: what it decides, without installing anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from installer import bootstrap

REGISTRY_HOST = re.compile(r"https?://|\b[\w.-]+\.(?:org|io|com)/")


@pytest.fixture
def environment(tmp_path, monkeypatch) -> Path:
    """A .venv that looks made but holds no packages."""
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    python = bootstrap.venv_python()
    python.parent.mkdir(parents=True)
    python.touch()
    return tmp_path / ".venv"


def test_a_second_start_installs_nothing(environment, monkeypatch):
    calls: list[str] = []
    monkeypatch.setattr(bootstrap, "install", calls.append)
    bootstrap.ensure_environment("run")
    bootstrap.ensure_environment("run")
    assert calls == ["run"]


def test_a_changed_lock_is_installed_again(environment, tmp_path, monkeypatch):
    calls: list[str] = []
    lock = tmp_path / "lock.txt"
    lock.write_text("one==1\n")
    monkeypatch.setattr(bootstrap, "install", calls.append)
    monkeypatch.setitem(bootstrap.LOCKS, "run", lock)
    bootstrap.ensure_environment("run")
    lock.write_text("one==2\n")
    bootstrap.ensure_environment("run")
    assert calls == ["run", "run"]


def test_an_interrupted_install_leaves_no_stamp(environment, monkeypatch):
    def broken(kind: str) -> None:
        raise SystemExit("no network")

    monkeypatch.setattr(bootstrap, "install", broken)
    with pytest.raises(SystemExit, match="no network"):
        bootstrap.ensure_environment("run")
    assert not bootstrap.is_installed("run")


def test_a_damaged_stamp_counts_as_not_installed(environment):
    (environment / "installed-run.json").write_text("{half")
    assert not bootstrap.is_installed("run")


@pytest.mark.parametrize("name", ["lock.txt", "lock-test.txt"])
def test_the_locks_pin_and_hash_everything_and_name_no_index(name):
    text = (bootstrap.INSTALLER / name).read_text("utf-8")
    requirements = re.split(r"\n(?=\w)", re.sub(r"(?m)^#.*\n", "", text).strip())
    assert len(requirements) > 60
    for requirement in requirements:
        assert re.match(r"[\w.-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement
    assert not REGISTRY_HOST.search(text)


def test_tests_run_on_what_users_get():
    def pins(name: str) -> set[str]:
        return set(re.findall(r"(?m)^[\w.-]+==.*?(?= \\)", (bootstrap.INSTALLER / name).read_text("utf-8")))

    assert pins("lock.txt") <= pins("lock-test.txt")


def test_windows_takes_torch_with_the_cuda_of_the_lock(tmp_path, monkeypatch):
    commands: list[list[str]] = []

    def succeed(command, **_: object) -> subprocess.CompletedProcess[str]:
        commands.append([str(word) for word in command])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(bootstrap, "BUILD", tmp_path)
    monkeypatch.setattr(bootstrap.subprocess, "run", succeed)
    version, cuda = bootstrap.torch_and_cuda(bootstrap.LOCKS["run"].read_text("utf-8"))
    rest = bootstrap.install_windows_torch(["pip", "install"], bootstrap.LOCKS["run"]).read_text("utf-8")
    assert f"torch=={version}+{cuda}" in commands[0]
    assert re.fullmatch(r"cu\d{3}", cuda)
    assert not re.search(r"(?m)^torch==", rest)
    assert "--hash" in rest
    assert re.search(r"(?m)^safetensors==", rest)
    assert re.search(r"(?m)^tqdm==", rest)  # torch's neighbours stay


def test_windows_falls_back_to_the_pinned_cpu_build(monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 1))
    assert bootstrap.install_windows_torch(["pip"], bootstrap.LOCKS["run"]) == bootstrap.LOCKS["run"]
    assert "doctor" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the library check is for Linux")
def test_missing_libraries_are_named_with_the_command_that_installs_them(environment, monkeypatch):
    monkeypatch.setattr(bootstrap, "QT_LIBRARIES", (("libnothere.so.9", "libnothere9", "nothere"),))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    with pytest.raises(
        SystemExit, match=r"libnothere\.so\.9[\s\S]*apt-get install libnothere9[\s\S]*dnf install nothere"
    ):
        bootstrap.ensure_system_libraries()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the library check is for Linux")
def test_a_machine_without_any_font_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "FONT_FOLDERS", (str(tmp_path),))
    assert bootstrap.FONT in bootstrap.missing_libraries()
    (tmp_path / "truetype").mkdir()
    (tmp_path / "truetype" / "One.ttf").touch()
    assert bootstrap.FONT not in bootstrap.missing_libraries()


def test_without_a_display_the_same_job_is_done_into_a_folder(tmp_path, monkeypatch, capsys):
    commands: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "BUILD", tmp_path)
    monkeypatch.setattr(bootstrap, "ensure_environment", lambda kind: None)
    monkeypatch.setattr(bootstrap, "ensure_system_libraries", lambda: None)
    monkeypatch.setattr(bootstrap, "has_display", lambda: False)
    monkeypatch.setattr(bootstrap, "run", lambda command, what: commands.append([str(word) for word in command]))
    assert bootstrap.job_run([]) == 0
    assert [c[3:5] for c in commands] == [["scenes", "sample"], *[["ask", str(tmp_path / "sample/optical.tif")]] * 3]
    assert str(tmp_path / "first-light") in capsys.readouterr().err


def test_an_unsupported_python_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 1))
    with pytest.raises(SystemExit, match=r"install Python 3\.11"):
        bootstrap.check_interpreter()


def test_a_second_start_adds_less_than_a_second():
    """Not a timing test: it counts what a second start does, which is to read three small files."""
    program = (
        "import sys; from installer import bootstrap as b; opened = [];"
        "sys.addaudithook(lambda e, a: opened.append(a[0]) if e in ('open', 'subprocess.Popen') else None);"
        "b.is_installed('run'); import json; print(json.dumps([str(o) for o in opened]))"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=bootstrap.ROOT, capture_output=True, text=True, check=True, env=environment)
    names = {Path(name).name for name in json.loads(done.stdout)}
    assert names <= {"installed-run.json", "lock.txt", "pyproject.toml"}
