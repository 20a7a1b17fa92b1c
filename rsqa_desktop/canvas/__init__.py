"""Pixels on screen: the two linked panes, their pictures, and what is drawn over them."""

from rsqa_desktop.canvas.pair_view import PairView
from rsqa_desktop.canvas.pictures import TileReader

__all__ = ["PairView", "TileReader"]
