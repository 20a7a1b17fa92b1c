"""The shared words: one frozen, validated record per idea, for both programs.

Frames, everywhere: pixel coordinates are columns then rows of the *optical* raster at full resolution, origin at
the top-left corner of the top-left pixel, boxes and windows half-open. Map coordinates are x then y in the CRS of
the record's :class:`Grid`. Arrays are never in a record; a record names the ``.npy`` file that holds one.
"""

from engine.records.answer import Alternative, Answer, AreaUsed, ExpertOpinion, ExplanationMap, Provenance
from engine.records.finding import Finding, FindMode, FoundBox, FoundIn, WindowsUsed
from engine.records.geometry import Box, Grid, PixelWindow
from engine.records.outline import Cleaning, Outline, OutlinePart, RedrawRequest
from engine.records.pair import PairCheck, ValidShare
from engine.records.query import (
    AreaRequest,
    AskRequest,
    AskTilesRequest,
    CheckRequest,
    ExportRequest,
    FindRequest,
    GateChoice,
    OutlineRequest,
    SearchRequest,
)
from engine.records.raster import BandChoice, BandInfo, DisplaySpec, RasterInfo
from engine.records.tiles import TileArrays, TileCount, TiledAnswer, TileGrid, TileState

__all__ = [
    "Alternative",
    "Answer",
    "AreaRequest",
    "AreaUsed",
    "AskRequest",
    "AskTilesRequest",
    "BandChoice",
    "BandInfo",
    "Box",
    "CheckRequest",
    "Cleaning",
    "DisplaySpec",
    "ExpertOpinion",
    "ExplanationMap",
    "ExportRequest",
    "FindMode",
    "FindRequest",
    "Finding",
    "FoundBox",
    "FoundIn",
    "GateChoice",
    "Grid",
    "Outline",
    "OutlinePart",
    "OutlineRequest",
    "PairCheck",
    "PixelWindow",
    "Provenance",
    "RasterInfo",
    "RedrawRequest",
    "SearchRequest",
    "TileArrays",
    "TileCount",
    "TileGrid",
    "TileState",
    "TiledAnswer",
    "ValidShare",
    "WindowsUsed",
]
