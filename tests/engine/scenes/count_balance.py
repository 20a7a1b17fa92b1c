"""Counts how often each group of questions has which outcome in this world, and writes the table that balances them.

Run after any change to what scenes hold: ``python -m tests.engine.scenes.count_balance`` rewrites
``engine/scenes/balance.py``. Its seeds are used for nothing else.
"""

from __future__ import annotations

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import engine.scenes.balance
from engine.scenes import make_truth
from engine.text import Balance, balance_of, count_outcomes
from engine.text.balance import Outcomes

FIRST_SEED, CHUNK = 900_000_000, 100
RARE = 60
"""What comes up in fewer than one scene of so many is not asked."""

HEADER = '''"""How often what is asked of this world's scenes, so that words alone do not give answers away.

Written by ``python -m tests.engine.scenes.count_balance`` from {count:,} scenes; not to be edited. Per group of
questions that sound alike, the outcomes asked less than always, out of 1000; see :mod:`engine.text.balance`.
"""

from engine.text import Balance

BALANCE = Balance(
    {{
'''


def counted(first: int) -> Outcomes:
    """Outcomes of a chunk of seeds."""
    return count_outcomes(make_truth(seed, questions_per_type=0).description for seed in range(first, first + CHUNK))


def table(balance: Balance, count: int) -> str:
    """The module's text."""
    rows = [
        f"        {group!r}: {dict(outcomes)!r},\n".replace("'", '"') for group, outcomes in balance.chances.items()
    ]
    return HEADER.format(count=count) + "".join(rows) + "    }\n)  # fmt: skip\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(engine.scenes.balance.__file__))
    args = parser.parse_args()
    total: Outcomes = {}
    with ProcessPoolExecutor(args.workers) as pool:
        for part in pool.map(counted, range(FIRST_SEED, FIRST_SEED + args.count, CHUNK)):
            for group, outcomes in part.items():
                total.setdefault(group, Counter()).update(outcomes)
    args.out.write_text(table(balance_of(total, args.count // RARE), args.count), encoding="utf-8")


if __name__ == "__main__":
    main()
