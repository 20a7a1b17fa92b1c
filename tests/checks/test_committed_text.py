"""House rules on all that git tracks: no machine's paths, no registry's hosts, small resources, no unsafe loading."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESOURCES_LIMIT = 40 * 2**20
MODEL_LIMIT = 10 * 2**20

RULES = {
    "a path of some machine": re.compile(r"(?<![\w.~-])/(?:work|farm|root|tmp|home)/[\w.-]"),
    "a package registry's host": re.compile(r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|deb[.]debian[.]org"),
    "an AGPL or GPL import": re.compile(r"^\s*(?:import|from) (?:ultralytics|PyQt[56]|albumentations)\b", re.M),
    "unsafe loading": re.compile(r"\bpickle\.loads?\(|torch\.load\((?!.*weights_only=True)|allow_pickle=True"),
}


def tracked(pattern: str = "") -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is not a git checkout: there is no list of committed files to judge")
    names = [name for name in done.stdout.split("\0") if name and re.search(pattern, name)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize("rule", RULES)
def test_committed_text_keeps_the_house_rules(rule):
    files = tracked(r"\.(py|md|toml|txt|json|html|yml|yaml|cfg|sh)$|^\.ci/|^[^.]+$")
    assert len(files) > 20
    found = []
    for path in files:
        if path != Path(__file__):
            match = RULES[rule].search(path.read_text(encoding="utf-8", errors="replace"))
            if match:
                found.append(f"{path.relative_to(ROOT)}: {match[0]}")
    assert not found, f"{rule}: {found}"


def test_the_rules_would_see_a_breach():
    slash = "/"
    assert RULES["a path of some machine"].search(f"open('{slash}home/me/x.tif')")
    assert RULES["unsafe loading"].search("torch" + ".load(path)")
    assert not RULES["unsafe loading"].search("torch" + ".load(path, weights_only=True)")


def test_resources_stay_small():
    sizes = {path: path.stat().st_size for path in tracked(r"^resources/")}
    assert sum(sizes.values()) <= RESOURCES_LIMIT
    for path, size in sizes.items():
        assert size <= MODEL_LIMIT, f"{path.name} has {size / 2**20:.1f} MiB"
