"""The engine's processes as Qt objects: the window sends records and hears records, and is told of every end."""

from rsqa_desktop.services.tile_reader import TileReader
from rsqa_desktop.services.worker import Worker

__all__ = ["TileReader", "Worker"]
