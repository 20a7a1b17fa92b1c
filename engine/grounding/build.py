"""Assembly: turns a :class:`GroundingConfig` into a network. Every number comes from the config, none from here."""

from __future__ import annotations

from engine.grounding.config import GroundingConfig
from engine.grounding.model import OptiSarNet


def build_network(config: GroundingConfig) -> OptiSarNet:
    """The network of ``config`` with fresh weights, in training mode, on the CPU; text embeddings come ready."""
    return OptiSarNet(config)
