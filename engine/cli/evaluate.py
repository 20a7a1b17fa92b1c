"""``rsqa evaluate WEIGHTS [DATASET]``: score a model on held-out data, beside the guess, and write the report."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

from engine.cli.progress import progress_line

HELP = "score a model on held-out data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("weights", help="a model's name, or the folder with its weights and card")
    parser.add_argument(
        "dataset", nargs="?", default="scenes", metavar="DATASET",
        help="scenes (fresh test scenes, the default), exam-v1 (the frozen exam), or the folder of a data set",
    )  # fmt: skip
    parser.add_argument("--split", default="test", help="of a folder (default: test)")
    parser.add_argument("--scenes", type=int, default=1000, metavar="N", help="how many fresh scenes (default: 1000)")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="at most N views of an exam or a folder")
    parser.add_argument(
        "--guess-scenes", type=int, default=1000, metavar="N", help="training scenes the guess learns from"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep rendered or decoded pictures here and reuse them"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the report (default: rsqa-out/evaluate-WEIGHTS-TIME)"
    )
    parser.add_argument("--workers", type=int, default=2, metavar="W", help="processes that render or decode")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(args: argparse.Namespace) -> int:
    """Evaluate, write the report, print the table or the object of ``--json``, and where everything went."""
    from engine.cli.evaluate_table import table
    from engine.jobs.evaluate import EvaluateOrder, evaluate

    name = Path(args.weights).name or "model"
    out = args.out or Path("rsqa-out") / f"evaluate-{name}-{datetime.now():%Y%m%d-%H%M%S}"
    order = EvaluateOrder(
        weights=args.weights, out=out, dataset=args.dataset, split=args.split, scenes=args.scenes, limit=args.limit,
        guess_scenes=args.guess_scenes, data=args.data, workers=args.workers, device=args.device,
    )  # fmt: skip
    with progress_line() as say:
        report = evaluate(order, progress=say)
    print(json.dumps(report, indent=2) if args.json else table(report))
    where = f"Report: {report['report']}; the same as .csv and .json beside it."
    kept = f" Pictures are kept in {args.data}." if args.data else ""
    print(where + kept, file=sys.stderr if args.json else sys.stdout)
    return 0
