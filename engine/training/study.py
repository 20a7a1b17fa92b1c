"""A study: one recipe run in several forms and with several seeds, reported beside a table of the paper.

It is a recipe with a [study] table on top. All runs share their materials, which lie in the study's folder; each has a
folder of its own below ``runs/``. Runs that are finished are not repeated, so a study that was stopped goes on when it
is started again. The report is written anew after every run.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.catalog import CARD_FILE, MODEL_FOLDER, ModelCard, read_card
from engine.errors import UsageError
from engine.export.study import StudyReport, StudyRow, write_study
from engine.training.folder_lock import folder_locked
from engine.training.processes import is_main_process
from engine.training.published import PublishedRow, PublishedTable
from engine.training.recipe import Recipe, Tables, changed, merged, read_tables
from engine.training.run import train_recipe
from engine.training.trainer import Rivals, Tell, Trainer, recipe_of, task_of, trainer_of

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
    """The [study] table: a title, the number of the paper's table ("" for none), seeds, and the runs.

    ``columns`` are the figures that are shown where there is no paper's table; () leaves them to the network.
    """

    title: str
    runs: tuple[StudyRun, ...]
    paper_table: str = ""
    seeds: tuple[int, ...] = (1,)
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """A study whose every recipe was checked: ``recipes`` by run and seed, in the order in which they are run."""

    name: str
    head: StudyHead
    recipes: Mapping[tuple[str, int], Recipe]
    facts: Mapping[str, str] = field(default_factory=dict)

    def folder(self, run: str, seed: int) -> str:
        """Where a run lies, below the study's folder."""
        return f"{RUNS_FOLDER}/{_slug(run)}-seed{seed}"

    @property
    def first(self) -> Recipe:
        """The recipe of the first run, for what all of them have in common."""
        return next(iter(self.recipes.values()))

    @property
    def trainer(self) -> Trainer[Any, Any]:
        """Who trains all of them."""
        return trainer_of(self.first.recipe.task)

    @property
    def paper(self) -> PublishedTable | None:
        """The paper's table beside ours."""
        return self.trainer.published(self.head.paper_table) if self.head.paper_table else None


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
    each = {
        (run.name, seed): _tables_of(tables, path.stem, run, seed, others, data)
        for run in head.runs
        for seed in head.seeds
    }
    if len({_slug(name) for name, _ in each}) < len(head.runs) or not each:
        raise UsageError("A study needs runs, each with a name of its own, and at least one seed.")
    if len({task_of(one) for one in each.values()}) > 1:
        raise UsageError("All runs of a study have to train the same task.")
    recipes = {key: recipe_of(one) for key, one in each.items()}
    study = Study(path.stem, head, recipes, {"study": path.stem, **({"base": base} if base else {})})
    if study.paper is not None:
        for run in head.runs:
            if run.paper is not None:
                study.paper.row(*run.paper)
    return study


def run_study(study: Study, out: Path, *, command: str, report: Tell | None = None) -> StudyResult:
    """Do what is left of ``study`` below ``out``, and write its report there: ``study.html``, ``.csv``, ``.json``.

    ``report`` hears the events of all runs, each with ``run`` (its name and seed), ``number`` (from 1) and ``of_runs``.
    Raises what a run raises (see :func:`engine.training.run.train_recipe`), and UsageError where another process works
    in ``out``; what was finished before is kept.
    """
    with folder_locked(out):
        return _run_all(study, out, command, report)


def _run_all(study: Study, out: Path, command: str, report: Tell | None) -> StudyResult:
    labelled = _Labelled(report, len(study.recipes))
    materials = study.trainer.materials(out, labelled)
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
    rivals = _rivals(study, materials) if is_main_process() else Rivals()
    return _reported(study, out, command, rivals)


def _rivals(study: Study, materials: Any) -> Rivals:
    """What can be told of the paper's other rows; last, as it may take as long as a run's own scores."""
    if study.paper is None:
        return Rivals()
    shown = {run.paper for run in study.head.runs}
    names = {_title(row) for row in study.paper.rows if (row.name, row.modality) not in shown}
    return study.trainer.rivals(study.first, names, materials)


def study_report(
    study: Study, cards: Mapping[tuple[str, int], ModelCard], command: str, rivals: Rivals | None = None
) -> StudyReport:
    """The report of the runs that are finished, whose ``cards`` are given by run and seed."""
    rivals = rivals or Rivals()
    paper, trainer = study.paper, study.trainer
    first = next(iter(cards.values()), None)
    rows = [_row_of(study, run, cards) for run in study.head.runs]
    if first is not None:
        rows.insert(0, _row_of_the_guess(study, cards))
    if paper is not None:
        rows += _rows_of_others(study, paper, rivals)
    return StudyReport(
        title=study.head.title,
        columns=paper.columns if paper is not None else study.head.columns or trainer.columns,
        counts=paper.counts if paper is not None else (),
        rows=tuple(rows),
        ours_on=first.metrics_split if first is not None else "no run is finished yet",
        paper_on=f"{paper.on}, Table {paper.number} of the paper" if paper is not None else "",
        notes=(*_notes(study), *rivals.notes),
        facts=_facts(study, first, command),
    )


def _tables_of(
    tables: Tables, study: str, run: StudyRun, seed: int, changes: Sequence[str], data: str | None
) -> Tables:
    own = {"train": {"seed": seed}, "recipe": {"name": f"{study}-{_slug(run.name)}-seed{seed}".replace("_", "-")}}
    return changed(merged(merged(tables, run.set), own), changes, data)


class _Labelled:
    """Adds to every event which run of the study it is of."""

    def __init__(self, report: Tell | None, runs: int) -> None:
        self._report, self._runs = report, runs
        self.label: dict[str, Any] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        if self._report is not None and is_main_process():
            self._report({**event, **self.label, "of_runs": self._runs})


def _reported(
    study: Study, out: Path, command: str, rivals: Rivals | None = None, *, stopped: bool = False
) -> StudyResult:
    cards = {
        key: read_card(folder)
        for key in study.recipes
        if ((folder := out / study.folder(*key) / MODEL_FOLDER) / CARD_FILE).is_file()
    }
    files = write_study(study_report(study, cards, command, rivals), out) if is_main_process() else ()
    return StudyResult(files, len(cards), len(study.recipes), stopped)


def _row_of_the_guess(study: Study, cards: Mapping[tuple[str, int], ModelCard]) -> StudyRow:
    """What the first run is judged beside; it says so where another run's guess learned or was asked something else."""
    guesses = [study.trainer.guessed(card) for card in cards.values()]
    run, _ = next(iter(cards))
    differ = any(guess != guesses[0] for guess in guesses)
    what = f"the guess, {study.trainer.guess}{f', for “{run}”' if differ else ''}"
    return StudyRow("No picture", what, done=1, wanted=1, ours=guesses[0])


def _row_of(study: Study, run: StudyRun, cards: Mapping[tuple[str, int], ModelCard]) -> StudyRow:
    """Mean and spread over the run's seeds, and the paper's figures."""
    keys = [(run.name, seed) for seed in study.head.seeds]
    found = [study.trainer.figures(cards[key]) for key in keys if key in cards]
    names = [name for name in found[0] if all(name in each for each in found)] if found else []
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


def _rows_of_others(study: Study, paper: PublishedTable, rivals: Rivals) -> list[StudyRow]:
    """The rows of the paper's table that the study does not run, with what we can tell of them without a run."""
    shown = {run.paper for run in study.head.runs}
    rows = []
    for row in paper.rows:
        if (row.name, row.modality) not in shown:
            told = rivals.figures.get(_title(row), {})
            rows.append(StudyRow(_title(row), row.venue, ours=told, paper=row.values, whose=row.whose))
    return rows


def _notes(study: Study) -> Iterator[str]:
    if study.paper is None:
        return
    on = study.paper.on
    if study.first.data.source == "scenes":
        yield f"Ours are on synthetic scenes, the paper's on {on}: only the order of methods can be compared."
    else:
        yield f"Ours can be compared with the paper's where the folder holds the published {on} with its splits."
    yield from study.trainer.notes(study.first)
    yield from study.paper.notes


def _facts(study: Study, card: ModelCard | None, command: str) -> dict[str, str]:
    facts = {
        **study.facts,
        "command": command,
        "seeds": ", ".join(map(str, study.head.seeds)),
        **study.trainer.facts(study.first),
    }
    if card is not None:
        facts["trained on"] = f"{card.training_data.name}: {card.training_data.samples} views"
        facts["software"] = ", ".join(f"{name} {version}" for name, version in card.versions.items())
        facts["first run finished"] = card.created_utc
    return facts


def _title(row: PublishedRow) -> str:
    """The row's name, and its modality where the table has one."""
    return row.name if row.name == row.modality else f"{row.name} {row.modality}".strip()


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
