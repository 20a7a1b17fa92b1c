"""``python -m tests.engine.datasets.fabricate LAYOUT DIR``: a tiny copy of a data set in its published layout."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from engine.datasets.table import READERS


def main(layout: str, folder: str) -> None:
    """Write the layout into the folder, which is made."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    import_module(f"{__package__}.{READERS[layout].module}").fabricate(Path(folder))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in READERS:
        sys.exit(f"usage: python -m {__package__} LAYOUT DIR, with a LAYOUT of: {' '.join(READERS)}")
    main(*sys.argv[1:])
