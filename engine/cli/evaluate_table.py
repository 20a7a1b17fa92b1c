"""An evaluation as people read it in a terminal: lines of text, each figure beside the guess."""

from __future__ import annotations

from typing import Any


def table(report: dict[str, Any]) -> str:
    """The record of an evaluation of either task as lines."""
    return "\n".join(_of_boxes(report) if report["task"] == "grounding" else _of_answers(report))


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


BOX_SCORES = ("Pr@0.5", "Pr@0.7", "Pr@0.9", "meanIoU", "cumIoU")
BOX_GROUPS = ("sensor", "told apart", "how", "size", "weather")


def _of_boxes(report: dict[str, Any]) -> list[str]:
    """A row for all expressions and for each part of them, with what the guess has in two of the columns."""
    metrics, guess = report["metrics"], report["guess"]
    heads = [*BOX_SCORES, "guess Pr@0.5", "guess meanIoU"]
    lines = [
        f"{report['model']} on {metrics['pictures']} pictures, {metrics['samples']} expressions ({report['split']})"
    ]
    lines += report["notes"]
    lines.append(f"{'':<28}{'asked':>7}" + "".join(f"{head:>14}" for head in heads))
    lines.append(_box_line("all", metrics, guess))
    for group in BOX_GROUPS:
        blind = guess.get("subsets", {}).get(group, {})
        for name, part in report["subsets"].get(group, {}).items():
            lines.append(_box_line(name, part, blind.get(name, {})))
    for name, (low, high) in metrics["intervals"].items():
        lines.append(f"{name}, 95 %: {low:.3f} to {high:.3f}")
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


def _box_line(name: str, part: dict[str, Any], blind: dict[str, Any]) -> str:
    shares = [*(part[score] for score in BOX_SCORES), blind.get("Pr@0.5"), blind.get("meanIoU")]
    return f"{name:<28}{part['samples']:>7,}" + "".join(
        f"{'' if share is None else format(share, '.3f'):>14}" for share in shares
    )
