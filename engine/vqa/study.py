"""A study: one recipe run in several forms and with several seeds, reported beside a table of the paper.

It is a recipe with a [study] table on top. All runs share their question sets, texts and image tokens, which lie in the
study's folder; each has a folder of its own below ``runs/``. Runs that are finished are not repeated, so a study that
was stopped goes on when it is started again. The report is written anew after every run.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.catalog import CARD_FILE, MODEL_FOLDER, ModelCard, read_card
from engine.errors import UsageError
from engine.export.study import StudyReport, StudyRow, write_study
from engine.training import folder_locked, is_main_process
from engine.vqa.materials import Materials
from engine.vqa.published import PublishedRow, PublishedTable, published_table
from engine.vqa.recipe import Tables, VqaRecipe, changed, merged, read_tables, recipe_of
from engine.vqa.run import train_recipe

Report = Callable[[dict[str, Any]], None]
RUNS_FOLDER = "runs"


class StudyRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form of the recipe: ``set`` are the tables that differ, ``paper`` name and modality of the paper's row.

    ``what`` is a word that the report prints beside the name.
    """

    name: str
    what: str = ""
    paper: tuple[str, str] | None = None
    set: dict[str, Any] = {}


class StudyHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The [study] table: a title, the number of the paper's table ("" for none), seeds, and the runs."""

    title: str
    runs: tuple[StudyRun, ...]
    paper_table: str = ""
    seeds: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Study:
    """A study whose every recipe was checked: ``recipes`` by run and seed, in the order in which they are run."""

    name: str
    head: StudyHead
    recipes: Mapping[tuple[str, int], VqaRecipe]
    facts: Mapping[str, str] = field(default_factory=dict)

    def folder(self, run: str, seed: int) -> str:
        """Where a run lies, below the study's folder."""
        return f"{RUNS_FOLDER}/{_slug(run)}-seed{seed}"

    @property
    def paper(self) -> PublishedTable | None:
        """The paper's table beside ours."""
        return published_table(self.head.paper_table) if self.head.paper_table else None


@dataclass(frozen=True, slots=True)
class StudyResult:
    """``files`` are those of the report; ``done`` of ``wanted`` runs are finished; ``stopped`` says somebody did."""

    files: tuple[Path, ...]
    done: int
    wanted: int
    stopped: bool


def is_study(path: Path) -> bool:
    """Whether the recipe's file has a [study] table."""
    return "study" in read_tables(path)


def load_study(path: Path, changes: Sequence[str] = (), data: str | None = None, base: str | None = None) -> Study:
    """The study in ``path``, with ``changes``, ``data`` and ``base`` of the command line.

    Tables are laid over one another: base, study, run, command line. Raises UsageError for anything that does not fit,
    in any of the runs, before one is started.
    """
    of_study = [change for change in changes if change.startswith("study.")]
    tables = changed(read_tables(path, base), of_study)
    try:
        head = msgspec.convert(tables.pop("study"), StudyHead)
    except msgspec.ValidationError as error:
        raise UsageError(f"The study does not fit: {error}.", remedy="See engine/recipes/table_iv.toml.") from error
    others = [change for change in changes if change not in of_study]
    recipes = {
        (run.name, seed): recipe_of(_tables_of(tables, path.stem, run, seed, others, data))
        for run in head.runs
        for seed in head.seeds
    }
    if len({_slug(name) for name, _ in recipes}) < len(head.runs) or not recipes:
        raise UsageError("A study needs runs, each with a name of its own, and at least one seed.")
    study = Study(path.stem, head, recipes, {"study": path.stem, **({"base": base} if base else {})})
    if study.paper is not None:
        for run in head.runs:
            if run.paper is not None:
                study.paper.row(*run.paper)
    return study


def run_study(study: Study, out: Path, *, command: str, report: Report | None = None) -> StudyResult:
    """Do what is left of ``study`` below ``out``, and write its report there: ``study.html``, ``.csv``, ``.json``.

    ``report`` hears the events of all runs, each with ``run`` (its name and seed), ``number`` (from 1) and ``of_runs``.
    Raises what a run raises (see :func:`engine.vqa.run.train_recipe`), and UsageError where another process works in
    ``out``; what was finished before is kept.
    """
    with folder_locked(out):
        return _run_all(study, out, command, report)


def _run_all(study: Study, out: Path, command: str, report: Report | None) -> StudyResult:
    labelled = _Labelled(report, len(study.recipes))
    materials = Materials(out, labelled)
    for number, ((name, seed), recipe) in enumerate(study.recipes.items()):
        folder = out / study.folder(name, seed)
        labelled.label = {"run": f"{name}, seed {seed}", "number": number + 1}
        result = train_recipe(
            recipe,
            folder,
            command=f"{command} [{name}, seed {seed}]",
            resume=True,
            report=labelled,
            materials=materials,
        )
        if result.stopped:
            return _reported(study, out, command, stopped=True)
        if result.training is not None and is_main_process():
            _reported(study, out, command)
    return _reported(study, out, command)


def study_report(study: Study, cards: Mapping[tuple[str, int], ModelCard], command: str) -> StudyReport:
    """The report of the runs that are finished, whose ``cards`` are given by run and seed."""
    paper = study.paper
    first = next(iter(cards.values()), None)
    rows = [_row_of(study, run, cards) for run in study.head.runs]
    if first is not None:
        guessed = _in_percent(first.guess)
        rows.insert(0, StudyRow("No picture", "the guess, from the question alone", done=1, wanted=1, ours=guessed))
    shown = {run.paper for run in study.head.runs}
    if paper is not None:
        rows += [StudyRow(_title(row), row.venue, paper=row.values) for row in paper.rows if _key(row) not in shown]
    return StudyReport(
        title=study.head.title,
        columns=paper.columns if paper is not None else ("OA", "AA"),
        rows=tuple(rows),
        ours_on=first.metrics_split if first is not None else "no run is finished yet",
        paper_on=f"OSVQA, Table {paper.number} of the paper" if paper is not None else "",
        notes=tuple(_notes(study)),
        facts=_facts(study, first, command),
    )


def _tables_of(
    tables: Tables, study: str, run: StudyRun, seed: int, changes: Sequence[str], data: str | None
) -> Tables:
    own = {"train": {"seed": seed}, "recipe": {"name": f"{study}-{_slug(run.name)}-seed{seed}".replace("_", "-")}}
    return changed(merged(merged(tables, run.set), own), changes, data)


class _Labelled:
    """Adds to every event which run of the study it is of."""

    def __init__(self, report: Report | None, runs: int) -> None:
        self._report, self._runs = report, runs
        self.label: dict[str, Any] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        if self._report is not None and is_main_process():
            self._report({**event, **self.label, "of_runs": self._runs})


def _reported(study: Study, out: Path, command: str, *, stopped: bool = False) -> StudyResult:
    cards = {
        key: read_card(folder)
        for key in study.recipes
        if ((folder := out / study.folder(*key) / MODEL_FOLDER) / CARD_FILE).is_file()
    }
    files = write_study(study_report(study, cards, command), out) if is_main_process() else ()
    return StudyResult(files, len(cards), len(study.recipes), stopped)


def _row_of(study: Study, run: StudyRun, cards: Mapping[tuple[str, int], ModelCard]) -> StudyRow:
    """Mean and spread over the run's seeds, and the paper's figures."""
    keys = [(run.name, seed) for seed in study.head.seeds]
    found = [figures_of(cards[key]) for key in keys if key in cards]
    names = list(found[0]) if found else []
    paper = study.paper.row(*run.paper).values if study.paper is not None and run.paper is not None else {}
    return StudyRow(
        name=run.name,
        what=run.what,
        done=len(found),
        wanted=len(keys),
        ours={name: statistics.fmean(each[name] for each in found) for name in names},
        spread={name: statistics.stdev(each[name] for each in found) for name in names if len(found) > 1},
        paper=paper,
        folders=tuple(study.folder(*key) for key in keys if key in cards),
    )


def figures_of(card: ModelCard) -> dict[str, float]:
    """A card's figures as the paper has them: percent; OA and AA without the types that need both images."""
    return _in_percent(card.metrics)


def _in_percent(metrics: Mapping[str, Any]) -> dict[str, float]:
    compared = {name: metrics["comparable"][name] for name in ("OA", "AA")}
    return {name: 100 * share for name, share in (compared | metrics["per_type"]).items()}


def _notes(study: Study) -> Iterator[str]:
    recipe = next(iter(study.recipes.values()))
    if study.paper is None:
        return
    if recipe.data.source == "scenes":
        yield "Ours are on synthetic scenes, the paper's on OSVQA: only the order of methods can be compared."
    else:
        yield "Ours can be compared with the paper's where the folder holds the published OSVQA with its splits."
    if recipe.model.vision != "clip":
        yield f"Ours are the {recipe.recipe.preset} preset, the paper's are CLIP ViT-B/16."
    yield from study.paper.notes


def _facts(study: Study, card: ModelCard | None, command: str) -> dict[str, str]:
    recipe = next(iter(study.recipes.values()))
    length = f"{recipe.epochs} epochs" if recipe.epochs else f"{recipe.train.steps} steps"
    facts = {
        **study.facts,
        "command": command,
        "seeds": ", ".join(map(str, study.head.seeds)),
        "training": f"{length} of {recipe.batch.views} views with {recipe.batch.questions} questions each, "
        f"{recipe.train.optimiser}, rate {recipe.train.learning_rate:g}, {recipe.train.schedule}",
        "encoders": f"images {recipe.model.clip_model or recipe.model.vision}, text {recipe.model.text_encoder}, "
        f"{recipe.tune.backbone}",
    }
    if card is not None:
        facts["trained on"] = f"{card.training_data.name}: {card.training_data.samples} views"
        facts["software"] = ", ".join(f"{name} {version}" for name, version in card.versions.items())
        facts["first run finished"] = card.created_utc
    return facts


def _key(row: PublishedRow) -> tuple[str, str]:
    return row.name, row.modality


def _title(row: PublishedRow) -> str:
    return row.name if row.name == row.modality else f"{row.name} {row.modality}".strip()


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
