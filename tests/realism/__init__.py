"""Realism, measured: statistics of rendered scenes against the real pairs. ``python -m tests.realism --help``."""
