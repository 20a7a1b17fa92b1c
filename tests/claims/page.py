"""The page of Markdown: what was run, the three claims with their numbers, and what is not there yet."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.claims.studies import FinishedRun, StudyFolder
from tests.claims.trust import FIRST_SEED, TrustFigures
from tests.claims.verdicts import BySeed, paired, strength

EXPERIMENTS = ("Exp1", "Exp2", "Exp3", "Exp4")
WEATHERS = ("cloud", "dark", "fog", "clear")
SINGLE = {"OPT": "optical", "SAR": "sar"}
FUSED = "TGFNet"
NONE = "–"

INTRODUCTION = """\
wrote this page from finished studies. Differences are paired by seed, in percentage points; *±* is the standard
deviation over the seeds. A claim *holds* where its figure is above 0. Intervals are Student's at 95 %, over the seeds:
all runs of a study are tested on the same scenes, so they say nothing about other scenes. The paper's own figures are
marked as such."""

ABOUT_WEATHER = """\
Percent right over the types that one sensor can answer, by the weather of the optical picture. *Muted* is the fused
network itself with the other sensor taken away. *The better one* is chosen anew in each seed, which favours the single
sensors: the harder test. Pairs are as drawn, some with the SAR picture moved or of another place. The standard error in
the head is what one accuracy owes to the number of questions alone, at most."""

CAPTION = """\
The question in the middle by its *r*, of those about scenes that the cloud hides to between a fifth and three fifths;
weights are the first in the table. The line is the border of what is hidden."""

ABOUT_TRUST = """\
{scenes} clear scenes that no split has (seeds from {seed}, held-out wordings, both sensors of one place), each seen
clear and with a cloud rendered into the optical picture; SAR and questions are the same. Trust is RQAF's optical share
of a patch's weight: 1 all optical, 0 all SAR. *Drop* is trust clear less trust under the cloud. *r* is the correlation
(Pearson; *ρ* Spearman) between the share of a patch that the cloud hides and its drop, over all patches of all
questions. *r within* is over the patches of one question, averaged over its scene and then over scenes, with its 95 %
interval over scenes: it leaves out that a clouded scene loses trust as a whole. A patch is *hidden* from half of its
pixels on, *open* with none. RQAF weighs the patches that are most like a patch, wherever they lie, so that trust at a
place is not about that place alone."""


@dataclass(frozen=True)
class TrustOfRun:
    """Section 3 for the weights of one run and seed; ``types`` has the same figures by type of question."""

    study: str
    run: str
    seed: int
    all: TrustFigures
    types: Mapping[str, TrustFigures]


@dataclass(frozen=True)
class Section:
    """A claim's part of the page: its lines of the summary (what, numbers, verdict), its text, and what it lacks."""

    claim: str
    summary: list[tuple[str, str, str]]
    lines: list[str]
    missing: list[str]


def page(
    studies: Sequence[StudyFolder],
    trust: Sequence[TrustOfRun],
    notes: Sequence[str],
    *,
    command: str,
    commit: str,
    scenes: int,
    picture: str,
) -> str:
    """All of it. ``studies`` are those of Tables IV and V, ``notes`` sentences on what was left out before."""
    iv, v = studies
    sections = [full_against_exp1(iv), fused_against_single(v), trust_under_cloud(trust, scenes, picture)]
    missing = [*(line for study in studies for line in _absent(study)), *notes]
    missing += [line for section in sections for line in section.missing]
    summary = [row for section in sections for row in section.summary or [(section.claim, "not finished yet", NONE)]]
    lines = [
        "# Do the paper's claims hold here?",
        "",
        f"    {command}",
        "",
        INTRODUCTION,
        "",
        *table(("claim", "measured", "verdict"), summary),
        "## What was run",
        "",
        *_run(studies, commit),
        *(line for section in sections for line in section.lines),
        "## Left out",
        "",
        *(f"- {line}" for line in missing or ["Nothing: all runs are finished."]),
    ]
    return "\n".join(lines) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Markdown, with an empty line behind it."""
    return [*("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)), ""]


def without_folders(text: str) -> str:
    """``text`` with no folder of some machine: of a path from the root on, the last two names are left."""
    return re.sub(r"(?<![\w.~-])/(?:[^\s'\"/]+/)*?([^\s'\"/]+(?:/[^\s'\"/]+)?)(?=[\s'\"\]]|$)", r"\1", text)


def spread(figure: BySeed | None) -> str:
    """Mean ± standard deviation."""
    return NONE if figure is None else signed(figure.mean) + _plus_minus(figure.spread)


def signed(value: float) -> str:
    return NONE if math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def _plus_minus(value: float) -> str:
    return "" if math.isnan(value) else f" ± {value:.2f}"


def _plain(values: Mapping[int, float] | Sequence[float]) -> str:
    """A level: mean ± standard deviation, without a sign."""
    listed = dict(enumerate(values)) if isinstance(values, Sequence) else values
    if not listed:
        return NONE
    figure = BySeed(listed)
    return f"{figure.mean:.2f}{_plus_minus(figure.spread)}"


def _by_seed(values: Mapping[int, float], seeds: Sequence[int], form: str = "{:.2f}") -> str:
    return ", ".join(form.format(values[seed]).replace("-", "−") if seed in values else NONE for seed in seeds)


def _interval(figure: BySeed) -> str:
    low, high = figure.interval
    return NONE if math.isnan(low) else f"{signed(low)} … {signed(high)}"


def _absent(study: StudyFolder) -> Iterator[str]:
    if not study.rows:
        yield f"{study.label}: its folder has no report of a study yet."
    yield from study.unfinished()


def _run(studies: Sequence[StudyFolder], commit: str) -> Iterator[str]:
    yield f"- Measured at commit {commit}. Runs do not record a commit; their cards name the software below."
    for study in studies:
        if not study.rows:
            continue
        facts = study.facts
        finished = sum(len(row.done) for row in study.rows.values())
        yield f"- {study.label}: {finished} of {len(study.rows) * len(study.seeds)} runs, seeds {facts['seeds']}."
        yield f"  - `{without_folders(facts['command'])}`"
        for name in ("training", "encoders", "trained on", "software", "first run finished"):
            if name in facts:
                yield f"  - {name}: {without_folders(facts[name])}"
        yield f"  - tested on: {study.ours_on}"
        yield from (f"  - {note}" for note in study.notes)
    yield ""


# ---- 1


def full_against_exp1(study: StudyFolder) -> Section:
    """Table IV: scores of all runs, and the differences between them."""
    claim = "1. The full network against plain addition (Table IV)"
    lines = [
        f"## {claim}",
        "",
        "OA and AA without the three types that need both sensors, as in the paper, in percent.",
        "",
        *_levels(study),
    ]
    rows, summary, missing = [], [], {}
    for before, after in (*pairwise(EXPERIMENTS), (EXPERIMENTS[0], EXPERIMENTS[-1])):
        for score in ("OA", "AA"):
            difference = paired(_scores(study, after, score), _scores(study, before, score))
            if difference is None:
                missing[f"{before} → {after}: no seed has both yet."] = None
                continue
            rows.append((f"{before} → {after}", _adds(study, after, before), score, *_paired(difference, study.seeds),
                         _papers(study, before, after, score), difference.verdict))  # fmt: skip
            if (before, after) == (EXPERIMENTS[0], EXPERIMENTS[-1]):
                what = f"1. The full network (Exp4) has a higher {score} than addition alone (Exp1)"
                summary.append((what, spread(difference), difference.verdict))
    seeds = ", ".join(map(str, study.seeds))
    head = ("step", "adds", "score", f"by seed ({seeds})", "mean", "95 % interval", "paper, on OSVQA", "verdict")
    lines += table(head, rows) if rows else ["No step has both ends yet.", ""]
    return Section(claim, summary, lines, list(missing))


def _levels(study: StudyFolder) -> list[str]:
    rows = []
    if study.guess:
        rows.append(("no picture (the guess)", "", *(f"{study.guess[score]:.2f}" for score in ("OA", "AA")), ""))
    for name in EXPERIMENTS:
        done = study.runs(name)
        cells = [_plain(_scores(study, name, score)) for score in ("OA", "AA")]
        each = "; ".join(f"{run.compared('OA'):.2f} / {run.compared('AA'):.2f}" for run in done.values())
        rows.append((name, study.rows[name].what if name in study.rows else "", *cells, each or "not run yet"))
    return table(("run", "has", "OA", "AA", "OA / AA of each seed"), rows)


def _scores(study: StudyFolder, name: str, score: str) -> dict[int, float]:
    return {seed: run.compared(score) for seed, run in study.runs(name).items()}


def _adds(study: StudyFolder, after: str, before: str) -> str:
    had = study.rows[before].what.split(", ")
    return ", ".join(part for part in study.rows[after].what.split(", ") if part not in had)


def _papers(study: StudyFolder, before: str, after: str, score: str) -> str:
    ends = [study.rows[name].paper.get(score, math.nan) for name in (before, after)]
    return signed(ends[1] - ends[0])


def _paired(difference: BySeed, seeds: Sequence[int]) -> tuple[str, str, str]:
    return _by_seed(difference.values, seeds, "{:+.2f}"), spread(difference), _interval(difference)


# ---- 2


def fused_against_single(study: StudyFolder) -> Section:
    """Table V by weather: the fused network less the better of two with one sensor, in each seed."""
    claim = "2. The fused network against the better single sensor, by weather (Table V)"
    lines = [
        f"## {claim}",
        "",
        ABOUT_WEATHER,
        "",
        *_by_weather(study),
    ]
    rows, summary, lacking = [], [], defaultdict(list)
    for weather in WEATHERS:
        for against, (one, other) in _rivals(study, weather).items():
            better = {seed: max(one[seed], other[seed]) for seed in one.keys() & other.keys()}
            difference = paired(_under(study.runs(FUSED), weather), better)
            if difference is None:
                lacking[against].append(weather)
                continue
            chosen = {seed: "optical" if one[seed] >= other[seed] else "SAR" for seed in difference.values}
            rows.append((weather, against, ", ".join(chosen.get(seed, NONE) for seed in study.seeds),
                         *_paired(difference, study.seeds), difference.verdict))  # fmt: skip
            what = f"2. Under {weather}, the fused network beats {against}"
            summary.append((what, spread(difference), difference.verdict))
    missing = [
        f"Fused against {against} under {', '.join(weathers)}: no seed has all that it takes."
        for against, weathers in lacking.items()
    ]
    seeds = ", ".join(map(str, study.seeds))
    head = ("weather", "against", "the better one", f"by seed ({seeds})", "mean", "95 % interval", "verdict")
    lines += table(head, rows) if rows else ["Nothing to compare yet.", ""]
    return Section(claim, summary, lines, missing)


def _rivals(study: StudyFolder, weather: str) -> dict[str, tuple[dict[int, float], dict[int, float]]]:
    """What the fused network is held against: percent by seed with the optical and with the SAR picture."""
    alone = [_under(study.runs(name), weather) for name in SINGLE]
    muted = [_under(study.runs(FUSED), weather, left) for left in SINGLE.values()]
    return {
        "the better of OPT and SAR": (alone[0], alone[1]),
        "itself with the worse sensor muted": (muted[0], muted[1]),
    }


def _under(runs: Mapping[int, FinishedRun], weather: str, left: str | None = None) -> dict[int, float]:
    shares = {seed: run.under(weather, left) for seed, run in runs.items()}
    return {seed: share for seed, share in shares.items() if share is not None}


def _by_weather(study: StudyFolder) -> list[str]:
    runs = [(name, study.runs(name), None) for name in study.rows if study.runs(name)]
    if study.runs(FUSED):
        runs += [(f"{FUSED}, {name} alone (the other muted)", study.runs(FUSED), left) for name, left in SINGLE.items()]
    rows = [(name, *(_plain(_under(done, weather, left)) for weather in WEATHERS)) for name, done, left in runs]
    if not rows:
        return ["No run is finished yet.", ""]
    first = next(iter(runs[0][1].values())).evaluation["metrics"].get("asked_by_weather", {})
    return table(("run", *(_weather_head(weather, first.get(weather, 0)) for weather in WEATHERS)), rows)


def _weather_head(weather: str, questions: int) -> str:
    error = f", standard error {50 / math.sqrt(questions):.1f}" if questions else ""  # of a share of one half
    return f"{weather} ({questions} questions{error})"


# ---- 3


def trust_under_cloud(trust: Sequence[TrustOfRun], scenes: int, picture: str) -> Section:
    """The trust map of every network with RQAF on clear scenes that were clouded."""
    claim = "3. Where a cloud is put, trust goes from optical to SAR"
    title = [f"## {claim}", ""]
    if not trust:
        return Section(
            claim, [], [*title, "No run with RQAF is finished yet.", ""], ["Trust: no run with RQAF is finished."]
        )
    lines = [
        *title,
        ABOUT_TRUST.format(scenes=scenes, seed=FIRST_SEED),
        "",
    ]
    head = (
        "weights",
        "seed",
        "questions",
        "r",
        "ρ",
        "r within",
        "hidden: clear → cloud",
        "open: clear → cloud",
        "drop, hidden less open",
    )
    rows = [(f"{one.study}, {one.run}", str(one.seed), *_trust_cells(one.all)) for one in trust]
    summary: list[tuple[str, str, str]] = []
    lines += table(head, rows)
    for study, run in dict.fromkeys((one.study, one.run) for one in trust):
        mine = [one for one in trust if (one.study, one.run) == (study, run)]
        summary += _trust_summary(f"{study}, {run}", mine)
        lines += [f"By type of question, {study}, {run}, mean over its seeds:", "", *_by_type(mine)]
    if picture:
        lines += [f"![Optical and trust, clear and clouded]({picture})", "", CAPTION, ""]
    return Section(claim, summary, lines, [])


def _trust_summary(label: str, mine: Sequence[TrustOfRun]) -> Iterator[tuple[str, str, str]]:
    found = {
        "the more of a patch is hidden, the more trust it loses (r)": {one.seed: one.all.pearson for one in mine},
        "so too within a scene (r within)": {one.seed: one.all.within for one in mine},
        "hidden patches lose trust (points of 100)": {one.seed: 100 * _lost(one.all.hidden) for one in mine},
        "hidden patches lose more than open ones (points of 100)": {one.seed: _more(one.all) for one in mine},
    }
    for claim, values in found.items():
        known = {seed: value for seed, value in values.items() if not math.isnan(value)}
        if known:
            figure = BySeed(known)
            size = f" ({strength(figure.mean)})" if "(r" in claim else ""
            yield f"3. {label}: {claim}", spread(figure) + size, figure.verdict


def _lost(ends: tuple[float, float]) -> float:
    return ends[0] - ends[1]


def _more(one: TrustFigures) -> float:
    return 100 * (_lost(one.hidden) - _lost(one.open))


def _trust_cells(one: TrustFigures) -> tuple[str, ...]:
    low, high = one.within_interval
    between = "" if math.isnan(low) else f" ({signed(low)} … {signed(high)}; {one.scenes} scenes)"
    gap = _more(one) / 100
    return (
        str(one.questions), signed(one.pearson), signed(one.spearman), signed(one.within) + between,
        _arrow(one.hidden), _arrow(one.open), NONE if math.isnan(gap) else f"{gap:+.3f}".replace("-", "−"),
    )  # fmt: skip


def _arrow(ends: tuple[float, float]) -> str:
    return NONE if math.isnan(ends[0]) else f"{ends[0]:.3f} → {ends[1]:.3f}"


def _by_type(mine: Sequence[TrustOfRun]) -> list[str]:
    names = sorted({name for one in mine for name in one.types})
    found = {name: [one.types[name] for one in mine if name in one.types] for name in names}
    rows = [(name, str(figures[0].questions), *_type_cells(figures)) for name, figures in found.items()]
    rows.append(("mean over types", "", *_type_cells([one for figures in found.values() for one in figures])))
    return table(("type", "questions", "r", "ρ", "r within", "hidden: clear → cloud"), rows)


def _type_cells(figures: Sequence[TrustFigures]) -> tuple[str, ...]:
    """Means over ``figures``; what one of them does not know does not count."""
    ends = (_mean([one.hidden[0] for one in figures]), _mean([one.hidden[1] for one in figures]))
    means = (_mean([getattr(one, name) for one in figures]) for name in ("pearson", "spearman", "within"))
    return (*map(signed, means), _arrow(ends))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
