"""Assembly: turns a :class:`SegmentationConfig` into a network. Every number comes from the config, none from here."""

from __future__ import annotations

from pathlib import Path

from engine.nn.swin_weights import load_swin
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.model import LgceNet
from engine.segmentation.swin import build_swin


def build_network(config: SegmentationConfig) -> LgceNet:
    """The network of ``config`` with fresh weights, in training mode, on the CPU; words come ready as vectors."""
    return LgceNet(config)


def start_from_swin(network: LgceNet, config: SegmentationConfig, path: Path) -> None:
    """Fill the Swin stages of ``network``, of ``config``, with the published weights in ``path``.

    ``engine.nn.swin_weights.SWIN.find()`` says where they are. Raises ModelDamaged where they are of other sizes.
    """
    swin = build_swin(config)
    load_swin(swin, path)
    network.start_from(swin)
