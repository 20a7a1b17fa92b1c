"""``rsqa annotate OPT SAR FILE``: every thing that one of a pool of phrases names, with the phrase that fits it best.

Zero-shot annotation (OptiSAR-Net++): the pool may name classes that the model was never trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.cli.find import add_search_arguments, search
from engine.cli.pair_arguments import add_pair_arguments
from engine.errors import InputRefused

HELP = "label everything that a pool of phrases names"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The pair, the pool, the area, the model, and where the files go."""
    add_pair_arguments(parser)
    parser.add_argument("pool", type=Path, metavar="FILE", help="phrases in English, one per line; # begins a comment")
    add_search_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Annotate, write what was asked for, print. Returns 0; everything else is raised."""
    return search(args, phrases=phrases_of(args.pool))


def phrases_of(path: Path) -> tuple[str, ...]:
    """The phrases of a pool, each once; empty lines and those that begin with # are passed over.

    Raises :class:`InputRefused` for a file that cannot be read or has none.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(
            f"The pool “{path}” cannot be read: {error}.", remedy="Name a text file in UTF-8, one phrase per line."
        ) from error
    phrases = tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not phrases:
        raise InputRefused(f"The pool “{path}” has no phrases.", remedy="Write one phrase per line.")
    return phrases
