"""RSQA engine: rasters, networks, data sets, export, and the command line ``rsqa``. Knows nothing of Qt.

``engine/DESIGN.md`` says which room owns what; ``pyproject.toml`` holds the import contracts that keep it so.
Importing this package imports nothing else: the tile reader and ``rsqa check`` must start without torch.
"""

__version__ = "0.1.0"
