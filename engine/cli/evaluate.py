"""``rsqa evaluate WEIGHTS``: score a model on held-out scenes, beside the guess."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from engine.errors import UsageError

HELP = "score a model on held-out data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("weights", help="a model's name, or the folder with its weights and card")
    parser.add_argument("--scenes", type=int, default=1000, help="how many held-out scenes (default 1000)")
    parser.add_argument("--guess-scenes", type=int, default=1000, help="training scenes the guess learns from")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep rendered scenes here and reuse them")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report here as JSON")
    parser.add_argument("--workers", type=int, default=2, help="processes that render")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print the table or the object of ``--json``."""
    from engine.vqa.report import evaluate_on_scenes

    if args.scenes < 1 or args.guess_scenes < 1:
        raise UsageError("An evaluation needs at least one scene.", remedy="Give --scenes a number above 0.")
    with tempfile.TemporaryDirectory() as scratch:
        report = evaluate_on_scenes(
            args.weights, args.data or Path(scratch), args.scenes, args.guess_scenes, workers=args.workers
        )
    report["report"] = None if args.out is None else str(args.out)
    if args.out is not None:
        temporary = args.out.with_suffix(".part")
        temporary.write_text(json.dumps(report, indent=2), encoding="utf-8")
        temporary.replace(args.out)
    print(json.dumps(report, indent=2) if args.json else table(report))
    return 0


def table(report: dict[str, Any]) -> str:
    """The report as lines: a row per question type, model beside guess."""
    metrics, guess = report["metrics"], report["guess"]
    lines = [f"{report['model']} on {metrics['scenes']} scenes, {metrics['questions']} questions ({report['split']})"]
    if report["trained_on_world"] != report["world"]:
        lines.append(
            f"These are scenes of world {report['world']}; it was trained on world {report['trained_on_world']}."
        )
    lines.append(f"{'':<12} {'model':>7} {'guess':>7} {'optical':>8} {'SAR':>7}")
    alone = [report["subsets"][name] for name in ("optical-only", "sar-only")]
    for kind, accuracy in metrics["per_type"].items():
        numbers = [subset["per_type"][kind] for subset in alone]
        lines.append(f"{kind:<12} {accuracy:7.3f} {guess['per_type'][kind]:7.3f} {numbers[0]:8.3f} {numbers[1]:7.3f}")
    for name in ("OA", "AA"):
        numbers = [subset[name] for subset in alone]
        lines.append(f"{name:<12} {metrics[name]:7.3f} {guess[name]:7.3f} {numbers[0]:8.3f} {numbers[1]:7.3f}")
    compared = metrics["comparable"]
    lines.append(f"without {', '.join(compared['excluded'])}: OA {compared['OA']:.3f}, AA {compared['AA']:.3f}")
    for weather, accuracy in metrics["per_weather"].items():
        numbers = [subset["per_weather"][weather] for subset in alone]
        lines.append(f"{weather:<12} {accuracy:7.3f} {'':>7} {numbers[0]:8.3f} {numbers[1]:7.3f}")
    lines.append(f"ECE {metrics['ECE']:.3f}")
    return "\n".join(lines)
