"""Parameters and multiply-accumulates of LGCE beside the paper's Table IV, by part, and why they differ.

Run as ``python -m tests.benchmarks segmentation_counts``. Fails where LAVT's vision part does not have 118,847,866
parameters, where multiply-accumulates (torch's counter; linear maps and convolutions) are more than 3 % from Table IV,
or where the compact preset's weights take more than 9 MiB in half precision.
"""

from __future__ import annotations

import sys

from engine.segmentation.config import SegmentationConfig
from engine.segmentation.counts import (
    LAVT_VISION,
    count_operations,
    count_parts,
    counted_table,
    explanations,
)

TOLERANCE = 0.03
COMPACT_MIB = 9.0


def main() -> int:
    """Print the tables; 1 where a count is not what was expected."""
    print("Table IV, vision part                M params  the paper's    G MACs  the paper's   differ   all products")
    off = []
    for row in counted_table():
        apart = row.ours_g / row.paper_g - 1
        print(
            f"  {row.name:<32} {row.ours_m:>10.2f} {row.paper_m:>12.2f} {row.ours_g:>9.2f} {row.paper_g:>12.2f} "
            f"{apart:>+8.2%} {row.ours_all_g:>14.2f}"
        )
        if abs(apart) > TOLERANCE:
            off.append(f"multiply-accumulates of {row.name}")
        if row.name.startswith("Baseline") and round(row.ours_m * 1e6) != LAVT_VISION:
            off.append("parameters of LAVT's vision part")
    print("\nWhy they differ:")
    for sentence in explanations():
        print(f"- {sentence}")
    for name, config in (("paper", SegmentationConfig.paper()), ("compact", SegmentationConfig.compact())):
        print_parts(name, config)
    mebibytes = 2 * sum(count_parts(SegmentationConfig.compact()).values()) / 2**20
    if mebibytes > COMPACT_MIB:
        off.append("size of the compact preset")
    print(f"\nnot as expected: {', '.join(off)}" if off else "\nall counts as expected")
    return int(bool(off))


def print_parts(name: str, config: SegmentationConfig) -> None:
    parts, operations = count_parts(config), count_operations(config)
    total = sum(parts.values())
    print(f"\npreset {name}, {config.image_size} px, {config.sensors}")
    for part, count in parts.items():
        print(f"  {part:<30} {count:>12,}")
    print(f"  {'all, without text':<30} {total:>12,}   {2 * total / 2**20:.2f} MiB in half precision")
    print(f"  multiply-accumulates {operations.weights / 1e9:.2f} G, all products {operations.all / 1e9:.2f} G")


if __name__ == "__main__":
    sys.exit(main())
