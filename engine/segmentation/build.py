"""Assembly: turns a :class:`SegmentationConfig` into a network. Every number comes from the config, none from here."""

from __future__ import annotations

from engine.segmentation.config import SegmentationConfig
from engine.segmentation.model import LgceNet


def build_network(config: SegmentationConfig) -> LgceNet:
    """The network of ``config`` with fresh weights, in training mode, on the CPU; words come ready as vectors."""
    return LgceNet(config)
