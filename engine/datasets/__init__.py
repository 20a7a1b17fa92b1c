"""Data sets on disk: one file per published layout, builders, splits, checks and statistics.

:mod:`~engine.datasets.dataset` has the records; :mod:`~engine.datasets.table` names the readers.
"""
