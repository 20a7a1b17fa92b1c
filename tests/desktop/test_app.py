"""Start-up: the command line, settings that cannot be read, faults that must not take the window with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rsqa_desktop.app import Engine, Program, build, parse


@pytest.fixture
def program(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[Program]:
    """Built, its processes not started."""
    (tmp_path / "settings.json").write_text("damaged")
    made = build(qapp, tmp_path, Engine(), tmp_path / "settings.json")
    qtbot.addWidget(made.window)
    yield made
    made.stop_services()


def test_the_command_line_names_a_pair_or_one_sensor() -> None:
    assert (parse([]).optical, parse([]).sar) == ("-", "-")
    assert (parse(["a.tif"]).optical, parse(["a.tif"]).sar) == ("a.tif", "-")
    assert parse(["-", "b.tif"]).sar == "b.tif"


def test_nonsense_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["a.tif", "b.tif", "c.tif"])
    assert ended.value.code == 2
    assert "c.tif" in capsys.readouterr().err


def test_damaged_settings_are_told_in_the_window(program: Program) -> None:
    assert "put aside as settings.json.bak" in program.bench.document.notices[0].text


def test_a_fault_of_the_window_is_told_and_it_stays(program: Program, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError as fault:
        program.report_fault(ZeroDivisionError, fault, fault.__traceback__)
    assert "ZeroDivisionError: by nothing" in program.bench.document.notices[-1].text
    assert "Traceback" in capsys.readouterr().err
