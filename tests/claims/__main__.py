"""``python -m tests.claims TABLE_IV_DIR TABLE_V_DIR [--scenes 200] [--out resources/claims.md]``: the paper's claims.

On what ``rsqa train table_iv`` and ``table_v`` have finished by now: the full network against plain addition, the fused
one against the better single sensor by weather, and whether trust goes to SAR where a cloud is put. Studies are only
read; what is not finished is left out and said.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.nn.preprocess import PreprocessSpec
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.data.table import QuestionTable
from engine.vqa.predictor import TgfnetPredictor
from tests.claims.page import TrustOfRun, page
from tests.claims.picture import draw_example
from tests.claims.studies import FinishedRun, StudyFolder, read_study
from tests.claims.trust import (
    FIRST_SEED,
    TrustMaps,
    clouded_scene,
    clouded_set,
    figures,
    middle_question,
    trust_maps,
)

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None) -> int:
    """Print the page and write it, with the example's picture beside it where there is one."""
    parser = argparse.ArgumentParser(prog="python -m tests.claims", description=__doc__)
    parser.add_argument("table_iv", type=Path, help="folder of a study of Table IV")
    parser.add_argument("table_v", type=Path, help="folder of a study of Table V")
    parser.add_argument("--scenes", type=int, default=200, help="clear scenes that are clouded")
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "claims.md")
    given = parser.parse_args(argv)
    if given.scenes < 1:
        parser.error("--scenes has to be at least 1.")
    studies = read_study(given.table_iv, "Table IV"), read_study(given.table_v, "Table V")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    picture = given.out.with_suffix(".png")
    runs, notes = with_rqaf(studies)
    trust: list[TrustOfRun] = []
    if runs:
        trust, drawn = measured(runs, CloudedScenes(given.scenes), picture)
        if not drawn:
            notes.append("No picture: the cloud covers none of the scenes to between a fifth and three fifths.")
    text = page(
        studies,
        trust,
        notes,
        command=f"python -m tests.claims {given.table_iv.name} {given.table_v.name} --scenes {given.scenes}",
        commit=commit_of(ROOT),
        scenes=given.scenes,
        picture=picture.name if runs and drawn else "",
    )
    given.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


@dataclass
class CloudedScenes:
    """``count`` scenes rendered once, as each network wants them; their questions as each text encoder reads them."""

    count: int
    _views: dict[tuple[int, PreprocessSpec], QuestionSet] = field(default_factory=dict)
    _tables: dict[tuple[str, int, bool], QuestionTable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _say(f"Rendering {self.count} scenes with and without a cloud")
        self.scenes = [clouded_scene(FIRST_SEED + number) for number in range(self.count)]

    def maps(self, predictor: TgfnetPredictor) -> TrustMaps:
        """The trust of a network on all of them."""
        config = predictor.config
        key = config.image_size, predictor.spec
        if key not in self._views:
            self._views[key] = clouded_set(self.scenes, *key)
        views = self._views[key]
        reader = config.text_encoder, config.max_tokens, predictor.network.text_tower is None
        if reader not in self._tables:
            self._tables[reader] = QuestionTable(views.questions, _reader(predictor), predictor.card.answers)
        return trust_maps(predictor, self.scenes, views, self._tables[reader])


def with_rqaf(studies: Sequence[StudyFolder]) -> tuple[list[tuple[str, str, FinishedRun]], list[str]]:
    """Study, row and run of all finished weights that have RQAF, each once, and sentences on those seen before."""
    found: list[tuple[str, str, FinishedRun]] = []
    notes: list[str] = []
    first: dict[str, str] = {}
    for study in studies:
        for row in study.rows.values():
            for seed, run in row.done.items():
                card = run.card
                name = f"{study.label}, {row.name}, seed {seed}"
                if TgfnetConfig.from_json(card.config).fusion != "rqaf":
                    continue
                if card.sha256 in first:
                    notes.append(f"Trust of {name}: the same weights, to the bit, as {first[card.sha256]}.")
                    continue
                first[card.sha256] = name
                found.append((study.label, row.name, run))
    return found, notes


def measured(
    runs: Sequence[tuple[str, str, FinishedRun]], clouded: CloudedScenes, picture: Path
) -> tuple[list[TrustOfRun], bool]:
    """Section 3 of every run, and whether ``picture`` was drawn: an example by the first of them."""
    trust, drawn = [], False
    for number, (study, name, run) in enumerate(runs):
        _say(f"Trust of {study}, {name}, seed {run.seed}")
        maps = clouded.maps(TgfnetPredictor.load(run.model))
        by_type = {str(kind): figures(maps.of_type(kind)) for kind in sorted(set(maps.type.tolist()))}
        trust.append(TrustOfRun(study, name, run.seed, figures(maps), by_type))
        if number == 0:
            drawn = _drawn(clouded, maps, f"{study}, {name}, seed {run.seed}", picture)
    return trust, drawn


def _drawn(clouded: CloudedScenes, maps: TrustMaps, weights: str, picture: Path) -> bool:
    question = middle_question(maps)
    if question is None:
        return False
    scene = clouded.scenes[int(maps.scene[question])]
    asked = [one for each in clouded.scenes for one in each.sample.questions][question]
    draw_example(scene, asked.text, weights, maps, question, picture)
    return True


def _reader(predictor: TgfnetPredictor) -> object:
    """The text encoder, or the tokenizer alone where the network has a text tower of its own."""
    if predictor.network.text_tower is None:
        return predictor.text_encoder
    from engine.nn.clip import ClipTokenizer

    return ClipTokenizer(predictor.config.max_tokens)


def commit_of(root: Path) -> str:
    """Where the checkout ``root`` stands, and whether it has changes; says so where it is no checkout."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "--short", "HEAD")
    changed = " with changes that are not committed" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{head}{changed}" if head else "unknown (not a git checkout)"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
