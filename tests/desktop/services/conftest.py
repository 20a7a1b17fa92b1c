"""The pair and the tiny model of the engine's own process tests."""

from tests.engine.jobs.conftest import pair, tiny_model

__all__ = ["pair", "tiny_model"]
