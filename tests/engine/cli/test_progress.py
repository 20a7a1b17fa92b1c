from __future__ import annotations

import pytest

from engine.cli.progress import progress_line, time_left


@pytest.mark.parametrize(
    ("seconds", "fraction", "said"),
    [(10, 0.5, " · 0:10 left"), (125, 0.5, " · 2:05 left"), (4000, 0.5, " · 1:06:40 left"),
     (1, 0.5, ""), (10, 0.0, ""), (10, 1.0, "")],
)  # fmt: skip
def test_the_time_left_follows_from_the_pace(seconds, fraction, said):
    assert time_left(seconds, fraction) == said


def test_a_line_is_told_on_a_terminal_alone_and_gone_at_the_end(capsys, monkeypatch):
    with progress_line() as say:
        say("Scoring", 0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress_line() as say:
        say("Scoring", 0.5)
    assert capsys.readouterr().err == "\r\033[KScoring 50%\r\033[K"
