#!/usr/bin/env python3
"""Sets the program up and starts it, or tests it, with nothing but Python 3.11 or newer and its standard library.

    python3 installer/bootstrap.py run [OPTICAL SAR]     the window (without a display: the same job into a folder)
    python3 installer/bootstrap.py test [--all] [-- …]   every check; --all adds the slow cases; -- … goes to pytest

Both make ``.venv`` beside this folder, install exactly what the lock pins (hashes checked), see to the system libraries
that Qt needs, and can be run again at any time: what is in place is not done twice. A stamp in ``.venv`` remembers the
lock that was installed, so that a second start only compares two hashes.

The order is the story: ``interpreter`` → ``environment`` → ``packages`` → ``system libraries`` → the job.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
INSTALLER = ROOT / "installer"
VENV = ROOT / ".venv"
BUILD = ROOT / "build"
LOCKS = {"run": INSTALLER / "lock.txt", "test": INSTALLER / "lock-test.txt"}

# On Windows the common index carries torch without CUDA; PyTorch's own index carries the CUDA builds. It publishes no
# hashes that we could pin from here, so there, and only there, torch is pinned by version alone.
TORCH_INDEX = "https://download.pytorch.org/whl/{tag}"

# What Qt's xcb and offscreen plug-ins load: file, Debian package, Fedora package.
QT_LIBRARIES = (
    ("libGL.so.1", "libgl1", "mesa-libGL"),
    ("libEGL.so.1", "libegl1", "mesa-libEGL"),
    ("libfontconfig.so.1", "libfontconfig1", "fontconfig"),
    ("libfreetype.so.6", "libfreetype6", "freetype"),
    ("libdbus-1.so.3", "libdbus-1-3", "dbus-libs"),
    ("libglib-2.0.so.0", "libglib2.0-0", "glib2"),
    ("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon"),
    ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11"),
    ("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb"),
    ("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor"),
    ("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm"),
    ("libxcb-image.so.0", "libxcb-image0", "xcb-util-image"),
    ("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms"),
    ("libxcb-randr.so.0", "libxcb-randr0", "libxcb"),
    ("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil"),
    ("libxcb-shape.so.0", "libxcb-shape0", "libxcb"),
    ("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb"),
)
# Qt brings no font and draws boxes where there is none. Inter, where it is, is what the screenshots show.
FONT = ("any font", "fonts-inter", "rsms-inter-fonts")
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")

# What is asked of the sample pair where there is no display, about an area at the scale the weights know.
QUESTIONS = ("Is there a river?", "How many ships are there?", "What is the dominant land cover?")
SAMPLE_AREA = "420,420,676,676"


def say(text: str) -> None:
    """Progress goes to standard error: what a job prints stays alone on standard output."""
    print(f"» {text}", file=sys.stderr, flush=True)


def stop(text: str) -> NoReturn:
    """End with a sentence in place of a traceback."""
    sys.exit(f"✗ {text}")


def check_interpreter() -> None:
    """Refuse a Python that the lock has no packages for."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        stop(
            f"Python {sys.version.split()[0]} is not supported: install Python 3.11, 3.12 or 3.13 and start this file "
            f"with it, for example: python3.12 {Path(__file__).name} run"
        )


def venv_python() -> Path:
    """The environment's interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(command: list[str | Path], what: str) -> None:
    """Run a step with its output shown; stop with a sentence if it fails."""
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        stop(f"{what} failed; its own words are above. Mend that and start again: what is done is kept.")


def wanted_stamp(kind: str) -> dict[str, str]:
    """What an installed environment must have been made from."""
    digest = hashlib.sha256()
    for path in (LOCKS[kind], ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return {"python": sys.version.split()[0], "sources": digest.hexdigest(), "root": str(ROOT)}


def is_installed(kind: str) -> bool:
    """Whether the environment already holds what this job needs."""
    stamp = VENV / f"installed-{kind}.json"
    try:
        return venv_python().exists() and json.loads(stamp.read_text("utf-8")) == wanted_stamp(kind)
    except (OSError, ValueError):
        return False


def ensure_environment(kind: str) -> None:
    """Make ``.venv`` and install the lock, once. An interrupted install is simply taken up again."""
    if is_installed(kind):
        return
    if not venv_python().exists():
        say(f"making the environment {VENV}")
        try:
            venv.create(VENV, with_pip=True, clear=VENV.exists())
        except (OSError, subprocess.CalledProcessError) as error:
            stop(f"Python could not make {VENV} ({error}). On Debian and Ubuntu: apt-get install python3-venv")
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < 8:
        stop(
            f"{free:.1f} GB are free at {ROOT}; the environment needs 8 GB (most of it is CUDA). Free some and restart."
        )
    install(kind)
    (VENV / f"installed-{kind}.json").write_text(json.dumps(wanted_stamp(kind)), "utf-8")


def install(kind: str) -> None:
    """Install the pinned packages by hash, then this project itself without asking any index."""
    say("installing the pinned packages: about 3 GB the first time, of which most is torch with CUDA")
    pip: list[str | Path] = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check"]
    lock = LOCKS[kind]
    if os.name == "nt":
        lock = install_windows_torch(pip, lock)
    run([*pip, "--require-hashes", "--no-deps", "-r", lock], "Installing the pinned packages")
    run([*pip, "--no-deps", "--no-build-isolation", "--no-index", "-e", ROOT], "Installing the program itself")


def install_windows_torch(pip: list[str | Path], lock: Path) -> Path:
    """Take torch's own CUDA build, and return the lock without torch. Falls back to the CPU build, and says so."""
    text = lock.read_text("utf-8")
    version, cuda = torch_and_cuda(text)
    index = TORCH_INDEX.format(tag=cuda)
    say(f"installing torch {version} with CUDA ({cuda}) from PyTorch's own index")
    command = [*pip, "--no-deps", f"torch=={version}+{cuda}", "--index-url", index]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        say("PyTorch's index did not give it: the CPU build is taken instead. `rsqa doctor` says how to change that.")
        return lock
    BUILD.mkdir(exist_ok=True)
    rest = BUILD / f"lock-without-torch-{lock.name}"
    rest.write_text(re.sub(r"(?ms)^torch==.*?(?=^\S|\Z)", "", text), "utf-8")
    return rest


def torch_and_cuda(lock_text: str) -> tuple[str, str]:
    """The pinned torch version and the tag of the CUDA it is built with, such as ``("2.15.0", "cu132")``."""
    torch = re.search(r"^torch==(\S+)", lock_text, re.M)
    runtime = re.search(r"^nvidia-cuda-runtime==(\d+)\.(\d+)", lock_text, re.M)
    if torch is None or runtime is None:
        stop("the lock names no torch, or no CUDA runtime: it is damaged; fetch it again.")
    return torch[1], f"cu{runtime[1]}{runtime[2]}"


def missing_libraries() -> list[tuple[str, str, str]]:
    """The rows of :data:`QT_LIBRARIES` that this Linux machine cannot load, and :data:`FONT` where it has none."""

    def absent(name: str) -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return True
        return False

    if not sys.platform.startswith("linux"):
        return []
    return [row for row in QT_LIBRARIES if absent(row[0])] + ([] if has_font() else [FONT])


def has_font() -> bool:
    """Whether a font file lies where fontconfig looks."""
    files = (file for folder in FONT_FOLDERS for file in Path(folder).expanduser().rglob("*.[ot]t[fc]"))
    return next(files, None) is not None


def ensure_system_libraries() -> None:
    """Install what Qt needs where that is possible without asking; else name the command that does it."""
    stamp = VENV / "system-libraries.ok"
    if stamp.exists():
        return
    missing = missing_libraries()
    if missing and shutil.which("apt-get"):
        packages = sorted({row[1] for row in missing})
        if os.geteuid() == 0:
            say(f"installing the system libraries Qt needs: {' '.join(packages)}")
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
            subprocess.run(["apt-get", "install", "-y", "-qq", *packages], env=environment, check=False)
            missing = missing_libraries()
    if missing:
        names = ", ".join(row[0] for row in missing)
        debian = " ".join(sorted({row[1] for row in missing}))
        fedora = " ".join(sorted({row[2] for row in missing}))
        stop(
            f"Qt needs what this system lacks: {names}.\n"
            f"  Debian, Ubuntu:  sudo apt-get install {debian}\n  Fedora, RHEL:    sudo dnf install {fedora}\n"
            "Install them and start again."
        )
    stamp.write_text("checked\n", "utf-8")


def has_display() -> bool:
    """Whether a window could be shown."""
    if os.name == "nt" or sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def rsqa(*words: str | Path) -> list[str | Path]:
    """A command line of the engine."""
    return [venv_python(), "-m", "engine.cli.main", *words]


def sample_pair() -> tuple[Path, Path]:
    """The sample optical/SAR pair, made by the program itself the first time."""
    optical, sar = BUILD / "sample" / "optical.tif", BUILD / "sample" / "sar.tif"
    if not (optical.exists() and sar.exists()):
        say("making the sample pair")
        run(rsqa("scenes", "sample", "--out", optical.parent), "Making the sample pair")
    return optical, sar


def job_run(pair: list[str]) -> int:
    """The main job: the window on a pair, or without a display its work done into a folder."""
    ensure_environment("run")
    ensure_system_libraries()
    optical, sar = pair if pair else map(str, sample_pair())
    if has_display():
        return subprocess.run([venv_python(), "-m", "rsqa_desktop", optical, sar], check=False).returncode
    out = BUILD / "first-light"
    say("there is no display: asking the same questions without a window")
    for question in QUESTIONS:
        area = [] if pair else ["--area", SAMPLE_AREA]
        run(rsqa("ask", optical, sar, question, "--out", out, *area), f"Asking “{question}”")
    say(f"answers, pictures and exports are in {out}")
    return 0


def job_test(words: list[str]) -> int:
    """The whole test command."""
    ensure_environment("test")
    ensure_system_libraries()
    return subprocess.run([venv_python(), "-m", "tests.run_checks", *words], cwd=ROOT, check=False).returncode


def main() -> int:
    """Parse the two commands and do one."""
    check_interpreter()
    parser = argparse.ArgumentParser(description="Sets RSQA Desktop up and runs or tests it.")
    jobs = parser.add_subparsers(dest="job", required=True)
    start = jobs.add_parser("run", help="open the window (on the sample pair, or on yours)")
    start.add_argument("pair", nargs="*", metavar="RASTER", help="an optical and a SAR raster; '-' for a missing one")
    jobs.add_parser("test", help="run every check; --all adds the slow cases; words after -- go to pytest")
    args, rest = parser.parse_known_args()
    if args.job == "test":
        return job_test(sys.argv[2:])
    if rest or len(args.pair) not in (0, 2):
        parser.error("run takes no rasters (the sample pair) or two: an optical and a SAR one")
    return job_run(args.pair)


if __name__ == "__main__":
    sys.exit(main())
