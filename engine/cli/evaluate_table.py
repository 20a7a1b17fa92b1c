"""An evaluation as people read it in a terminal: lines of text, each figure beside the guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def table(report: dict[str, Any]) -> str:
    """The record of an evaluation of any task as lines."""
    said: dict[str, Callable[[dict[str, Any]], list[str]]] = {
        "vqa": _of_answers,
        "grounding": _of_boxes,
        "segmentation": _of_masks,
    }
    return "\n".join(said[report["task"]](report))


def _of_answers(report: dict[str, Any]) -> list[str]:
    """A row per question type and weather, model beside guess and each sensor alone."""
    metrics, guess = report["metrics"], report["guess"]
    parts = [metrics, guess, *report["subsets"].values()]
    heads = ["model", "guess", *report["subsets"]]
    lines = [f"{report['model']} on {metrics['scenes']} views, {metrics['questions']} questions ({report['split']})"]
    lines += report["notes"]
    lines.append(f"{'':<14}" + "".join(f"{head:>14}" for head in heads))
    for kind in metrics["per_type"]:
        lines.append(_line(kind, [part.get("per_type", {}).get(kind) for part in parts]))
    for name in ("OA", "AA"):
        low, high = metrics["intervals"][name]
        lines.append(_line(name, [part.get(name) for part in parts]) + f"   95 %: {low:.3f} to {high:.3f}")
    compared = [part.get("comparable", {}) for part in parts]
    lines.append(f"without {', '.join(metrics['comparable']['excluded'])}:")
    lines += [_line(f"  {name}", [part.get(name) for part in compared]) for name in ("OA", "AA")]
    for weather in metrics["per_weather"]:
        lines.append(_line(weather, [part.get("per_weather", {}).get(weather) for part in parts]))
    calibration = metrics["calibration"]
    lines.append(f"ECE {calibration['ECE']:.3f}, before calibration {calibration['ECE_before']:.3f}")
    for rate, one in calibration["sets"].items():
        lines.append(
            f"answer sets that may miss {float(rate):.0%}: hold the truth in {one['coverage']:.1%}, "
            f"{one['mean_size']:.2f} answers on average"
        )
    if metrics["unknown_answers"]:
        lines.append(f"{metrics['unknown_answers']} answers are not in the weights' vocabulary and count as wrong.")
    return lines


def _line(name: str, shares: list[float | None]) -> str:
    return f"{name:<14}" + "".join(f"{'' if share is None else format(share, '.3f'):>14}" for share in shares)


def _of_boxes(report: dict[str, Any]) -> list[str]:
    """Scores of boxes, then what is known of classes, experts and confidence."""
    metrics = report["metrics"]
    groups = ("sensor", "told apart", "how", "size", "weather")
    lines = _of_expressions(report, f"{metrics['pictures']} pictures", "meanIoU", "cumIoU", groups)
    if "classes" in metrics:
        classes = metrics["classes"]
        lines.append(
            f"all things of a class: AP@.5 {classes['AP@0.5']:.3f}, F1 {classes['F1']:.3f} from a score of "
            f"{classes['least_score']:.3f}"
        )
    if metrics.get("experts", {}).get("divergence") is not None:
        lines.append(f"the sensors' loads of the experts differ by {metrics['experts']['divergence']:.3f} (0 to 1)")
    if "calibration" in metrics:
        calibration = metrics["calibration"]
        lines.append(f"ECE {calibration['ECE']:.3f}, before calibration {calibration['ECE_before']:.3f}")
    return lines


def _of_masks(report: dict[str, Any]) -> list[str]:
    """Scores of masks, then from where they are drawn, and how honest that is."""
    metrics = report["metrics"]
    groups = ("sensor", "size", "parts", "scatter", "weather", "hidden", "how")
    lines = _of_expressions(report, f"{metrics['areas']} areas", "mIoU", "oIoU", groups)
    calibration, argmax = metrics["calibration"], metrics["argmax"]
    lines.append(f"drawn from a probability of {calibration['threshold']:.3f} up")
    if calibration["fitted"]:
        lines.append(
            f"by the paper's rule, the likelier of both classes: mIoU {argmax['mIoU']:.3f}, oIoU {argmax['oIoU']:.3f}, "
            f"Pr@0.5 {argmax['Pr@0.5']:.3f}"
        )
    lines.append(
        f"drawn pixels say {calibration['drawn_said']:.3f} of themselves, {calibration['drawn_right']:.3f} of them are "
        f"meant; ECE of all pixels {calibration['ECE']:.3f}"
    )
    return lines


def _of_expressions(report: dict[str, Any], asked: str, mean: str, summed: str, groups: tuple[str, ...]) -> list[str]:
    """A row for all expressions and for each part of them by ``groups``, with what the guess has in two of the columns.

    ``mean`` and ``summed`` are what the task calls the two ways of adding up IoU.
    """
    metrics, guess = report["metrics"], report["guess"]
    scores = ("Pr@0.5", "Pr@0.7", "Pr@0.9", mean, summed)
    lines = [f"{report['model']} on {asked}, {metrics['samples']} expressions ({report['split']})", *report["notes"]]
    heads = [*scores, "guess Pr@0.5", f"guess {mean}"]
    lines.append(f"{'':<28}{'asked':>7}" + "".join(f"{head:>14}" for head in heads))
    rows = [("all", metrics, guess)]
    for group in groups:
        blind = guess.get("subsets", {}).get(group, {})
        rows += [(name, part, blind.get(name, {})) for name, part in report["subsets"].get(group, {}).items()]
    for name, part, blindly in rows:
        shares = [*(part[score] for score in scores), blindly.get("Pr@0.5"), blindly.get(mean)]
        told = "".join(f"{'' if share is None else format(share, '.3f'):>14}" for share in shares)
        lines.append(f"{name:<28}{part['samples']:>7,}{told}")
    lines += [f"{name}, 95 %: {low:.3f} to {high:.3f}" for name, (low, high) in metrics["intervals"].items()]
    return lines
