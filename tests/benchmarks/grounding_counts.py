"""Parameters of OptiSAR-Net++'s ``paper`` preset by part, beside the paper's figures, and why they differ.

Run as ``python -m tests.benchmarks grounding_counts``. Fails where the base is more than 1 % from 22.03 M, the whole
trained part from 26.65 M, or the text encoder from 63.4 M: the counts of the shape that the paper is built on.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from engine.grounding.config import GroundingConfig
from engine.grounding.counts import (
    BASELINE,
    PAPER_TEXT_M,
    PAPER_TRAINED_M,
    TABLE_V,
    TABLE_VI,
    count_parts,
    count_text,
    counted_table,
    explanations,
    millions,
    trained,
)

EXPECTED_M = {"base": 22.03, "trained, rank 16": 26.65, "text": 63.4}
TOLERANCE = 0.01


def main() -> int:
    """Print the tables; 1 where a count is not what was expected."""
    text = count_text()
    paper = GroundingConfig.paper()
    counts = {"base": trained(BASELINE), "trained, rank 16": trained({}), "text": text}
    print_parts("preset paper", count_parts(paper), f"{PAPER_TRAINED_M} (the paper's)")
    print_parts(
        "its base (no PL-MoE, TGDF-SSA, region head)", count_parts(replace(paper, **BASELINE)), "27.6 (the paper's)"
    )
    print(f"\nfrozen text encoder {millions(text):>24.2f} M   {PAPER_TEXT_M} (the paper's)")
    for number, variants in (("V", TABLE_V), ("VI", TABLE_VI)):
        print(f"\nTable {number}, parameters with the text encoder      ours   the paper's")
        for row in counted_table(number, variants, text):
            print(f"  {row.name:<36} {row.ours_m:>10.2f} M  {row.paper_m:>8.1f} M")
    print("\nWhy they differ:")
    for sentence in explanations():
        print(f"- {sentence}")
    print_parts("preset compact", count_parts(GroundingConfig.compact()), "")
    off = [name for name, count in counts.items() if abs(millions(count) / EXPECTED_M[name] - 1) > TOLERANCE]
    print(f"\nmore than {TOLERANCE:.0%} off: {', '.join(off)}" if off else "\nbase, whole and text within 1 %")
    return int(bool(off))


def print_parts(title: str, parts: dict[str, int], paper: str) -> None:
    print(f"\n{title}")
    for part, count in parts.items():
        print(f"  {part:<30} {count:>12,}")
    print(f"  {'all that is trained':<30} {sum(parts.values()):>12,}   {paper}")


if __name__ == "__main__":
    sys.exit(main())
