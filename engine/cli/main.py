"""``rsqa COMMAND …``: finds the command's file, imports only that, and turns errors into exit codes.

Each command's module has ``HELP`` (a line), ``add_arguments(parser)`` and ``run(args) -> int``. Importing the other
commands is avoided because some bring torch, and ``rsqa check`` has to answer in about a second.

Exit codes: 0 done, 2 usage, 3 the input was refused, 4 the engine failed, 130 cancelled.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections.abc import Sequence

from engine import __version__
from engine.errors import RsqaError

COMMANDS: dict[str, str] = {
    "ask": "answer a question about an optical/SAR pair",
    "find": "find the things that an expression names",
    "outline": "outline what an expression names",
    "annotate": "label everything that a pool of phrases names",
    "check": "judge whether a pair is aligned",
    "models": "list or verify the installed models",
    "scenes": "make synthetic optical/SAR pairs",
    "dataset": "check, build, import and describe data sets",
    "train": "train a model from a recipe",
    "evaluate": "score a model on held-out data",
    "doctor": "say what this machine computes on, and why",
    "serve": "the interactive worker (used by the window)",
    "tiles": "the tile reader (used by the window)",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    argv = _joined(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="rsqa", description="Questions to optical and SAR imagery, with reasons.")
    parser.add_argument("--version", action="version", version=f"rsqa {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    named = next((word for word in argv if not word.startswith("-")), None)
    for name, line in COMMANDS.items():
        sub = commands.add_parser(name, help=line, description=line)
        if name == named:
            module = importlib.import_module(f"engine.cli.{name}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except RsqaError as error:
        print(f"rsqa {args.command}: {error.sentence}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"rsqa {args.command}: stopped.", file=sys.stderr)
        return 130


def _joined(argv: Sequence[str]) -> list[str]:
    """``--bbox -118.5,33.9,…`` as ``--bbox=-118.5,33.9,…``, as argparse takes such a value for an option."""
    joined: list[str] = []
    for word in argv:
        if joined and re.fullmatch(r"--[a-z-]+", joined[-1]) and re.fullmatch(r"-[\d.][\d.,eE+-]*", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


if __name__ == "__main__":
    sys.exit(main())
