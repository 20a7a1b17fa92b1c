"""The difficulty of an exam as people read it."""

from __future__ import annotations

from typing import Any

from engine.jobs.exam import ExamReport


def exam_table(report: ExamReport) -> str:
    """Scenes, questions per type beside the guess, boxes and masks, as lines of text."""
    found = report.difficulty
    judged = "the frozen one" if report.frozen else "NOT the frozen one"
    lines = [f"{report.name} is {judged}: {report.sha256}", "", *_group("Scenes", found["scenes"])]
    return "\n".join(
        [*lines, "", *_questions(found), *_group("Boxes", found["boxes"]), *_group("Masks", found["masks"])]
    )


def _questions(found: dict[str, Any]) -> list[str]:
    """A row per type; the guess is the better of the majority per template and a text-only model."""
    guess = found.get("guess")
    lines = [f"{'type':<14}{'asked':>7}{'answers':>9}{'> 5 %':>7}  {'most frequent':<24}{'share':>7}{'guess':>8}"]
    for kind, row in found["questions"].items():
        best = "" if guess is None else f"{guess['per_type'][kind]:8.1%}"
        lines.append(
            f"{kind:<14}{row['questions']:>7,}{row['answers']:>9}{row['answers above 5 %']:>7}  "
            f"{row['most frequent']:<24}{row['its share']:>7.1%}{best}"
        )
    if guess is not None:
        lines.append(f"The guess: OA {guess['OA']:.1%}, AA {guess['AA']:.1%}")
    return [*lines, ""]


def _group(title: str, figures: dict[str, Any]) -> list[str]:
    lines = [title]
    for name, value in figures.items():
        told = ", ".join(f"{key} {number:,}" for key, number in value.items()) if isinstance(value, dict) else value
        lines.append(f"  {name}: {told}")
    return lines
