"""The maker of answers, with a folder of its own for their arrays."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.engine.export.handmade import AnswerMaker, answer_by_hand


@pytest.fixture
def make_answer(tmp_path: Path) -> AnswerMaker:
    """Makes an answer about ``window`` of ``grid``; any field may be replaced by name."""
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    return partial(answer_by_hand, arrays)
