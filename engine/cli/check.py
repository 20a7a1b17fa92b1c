"""``rsqa check OPT SAR``: may the two be analysed together? Never imports torch."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from engine.cli.pair_arguments import add_gate_arguments, add_pair_arguments, gate_choice, pair_paths
from engine.errors import PairRefused
from engine.protocol import to_json
from engine.records import CheckRequest
from engine.registration import check_pair

HELP = "judge whether a pair is aligned"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The pair, the gate's options and ``--json``."""
    add_pair_arguments(parser)
    add_gate_arguments(parser, may_correct=True)
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, on stdout")


def run(args: argparse.Namespace) -> int:
    """Judge and print; 0 for a usable pair, 3 for a refused one, which is printed all the same."""
    optical, sar = pair_paths(args)
    check = check_pair(CheckRequest(optical, sar, gate_choice(args)))
    if args.correct_shift and check.verdict == "shifted":
        check = replace(check, messages=(*check.messages, "As asked, an analysis corrects this shift."))
    if args.json:
        print(to_json(check).decode())
    elif not check.refused:
        print("\n".join((check.verdict, *check.messages)))
    if check.refused:
        reason, remedy = check.messages
        print(f"{check.verdict}: {reason} {remedy}", file=sys.stderr)
        return PairRefused.exit_code
    return 0
