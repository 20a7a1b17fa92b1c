"""The tile reader as its window meets it: a process, two pipes and a block of shared memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from multiprocessing import shared_memory

import numpy as np
import psutil
import pytest

from engine.protocol import (
    Cancel,
    Hello,
    Identified,
    IdentifyRequest,
    Opened,
    OpenRaster,
    Outcome,
    Ready,
    Tile,
    TileRequest,
    to_line,
)
from engine.records import AskRequest, DisplaySpec, PixelWindow
from tests.engine.jobs.child import Child, write_raster

SLOT_BYTES = 256 * 256 * 4
SLOTS = 2
AS_STORED = DisplaySpec((1, 2, 3), (0.0, 0.0, 0.0), (255.0, 255.0, 255.0), method="fixed")


@pytest.fixture
def block() -> Iterator[shared_memory.SharedMemory]:
    memory = shared_memory.SharedMemory(create=True, size=SLOTS * SLOT_BYTES)
    yield memory
    memory.close()
    memory.unlink()


@pytest.fixture
def reader(block: shared_memory.SharedMemory) -> Iterator[Child]:
    with Child("tiles") as child:
        child.say("", Hello(block.name, SLOT_BYTES, SLOTS))
        message_id, event = child.hear()
        assert message_id == ""
        assert event == Ready("tiles", event.version)
        yield child


@pytest.fixture
def raster(tmp_path):
    values = np.random.default_rng(3).integers(1, 256, (3, 64, 48), np.uint8)
    return write_raster(tmp_path / "noise.tif", values), values


def slot(block: shared_memory.SharedMemory, number: int, width: int, height: int) -> np.ndarray:
    return np.ndarray((height, width, 4), np.uint8, block.buf, offset=number * SLOT_BYTES).copy()


def test_opens_draws_and_identifies(reader, block, raster):
    path, values = raster
    reader.say("o", OpenRaster(path, "optical"))
    (opened_id, opened), (_, outcome) = reader.hear_until("o")
    assert opened_id == "o"
    assert isinstance(opened, Opened)
    assert (opened.info.width, opened.info.height) == (48, 64)
    assert outcome == Outcome("succeeded")

    reader.say("t", TileRequest(path, PixelWindow(8, 16, 32, 32), 32, 32, AS_STORED, 1))
    (_, tile), (_, outcome) = reader.hear_until("t")
    assert tile == Tile(1, 32, 32)
    picture = slot(block, 1, 32, 32)
    np.testing.assert_array_equal(picture[..., :3], np.moveaxis(values[:, 16:48, 8:40], 0, -1))
    assert (picture[..., 3] == 255).all()

    reader.say("i", IdentifyRequest(path, 10, 20))
    (_, identified), _ = reader.hear_until("i")
    assert identified == Identified(tuple(float(v) for v in values[:, 20, 10]))


def test_a_file_that_is_none_ends_in_one_sentence(reader, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 this is no tiff")
    reader.say("o", OpenRaster(str(broken)))
    ((_, outcome),) = reader.hear_until("o")
    assert outcome.status == "failed"
    assert outcome.code == 3
    assert "broken.tif" in outcome.reason


def test_a_picture_too_large_for_its_slot_is_refused(reader, raster):
    reader.say("t", TileRequest(raster[0], PixelWindow(0, 0, 48, 64), 300, 300, AS_STORED, 0))
    ((_, outcome),) = reader.hear_until("t")
    assert outcome.status == "failed"
    assert "300 x 300" in outcome.reason


def test_nonsense_is_answered_and_survived(reader, raster):
    reader.say_raw(b"{half a line\n")
    message_id, outcome = reader.hear()
    assert (message_id, outcome.status, outcome.error) == ("", "failed", "ProtocolMismatch")

    reader.say_raw(to_line("w", OpenRaster("x")).replace(b'"path":"x"', b'"path":7'))
    ((_, outcome),) = reader.hear_until("w")
    assert outcome.error == "ProtocolMismatch"

    reader.say_raw(to_line("v", OpenRaster("x")).replace(b'"v":1', b'"v":99'))
    ((_, outcome),) = reader.hear_until("v")
    assert "protocol 99" in outcome.reason

    reader.say("a", AskRequest("Is there water?", "o.tif", None, "folder"))
    ((_, outcome),) = reader.hear_until("a")
    assert "AskRequest" in outcome.reason

    reader.say("o", OpenRaster(raster[0]))
    assert reader.hear_until("o")[-1][1].status == "succeeded"


def test_every_request_ends_once_however_it_ends(reader, raster):
    path = raster[0]
    ids = [f"t{number}" for number in range(40)]
    for number, message_id in enumerate(ids):
        window = PixelWindow(number % 16, 0, 32, 32)
        reader.say(message_id, TileRequest(path, window, 256, 256, AS_STORED, number % SLOTS))
        if number % 5 == 0:
            reader.say("", Cancel(message_id))
    reader.say("last", IdentifyRequest(path, 0, 0))
    outcomes: dict[str, list[str]] = {message_id: [] for message_id in [*ids, "last"]}
    while not all(outcomes.values()):
        message_id, event = reader.hear()
        if isinstance(event, Outcome):
            outcomes[message_id].append(event.status)
    reader.say("really last", IdentifyRequest(path, 0, 0))
    assert [message_id for message_id, _ in reader.hear_until("really last")] == ["really last"] * 2
    assert {len(ends) for ends in outcomes.values()} == {1}
    assert {end for ends in outcomes.values() for end in ends} <= {"succeeded", "cancelled"}
    assert outcomes["t39"] == ["succeeded"], "nothing newer took its slot"


def test_a_file_written_anew_is_read_anew(reader, block, raster, tmp_path):
    path, values = raster
    request = TileRequest(path, PixelWindow(0, 0, 32, 32), 32, 32, AS_STORED, 0)
    reader.say("t1", request)
    reader.hear_until("t1")
    write_raster(tmp_path / "other.tif", 255 - values // 2)
    (tmp_path / "other.tif").replace(path)
    reader.say("t2", request)
    reader.hear_until("t2")
    np.testing.assert_array_equal(slot(block, 0, 32, 32)[..., 0], (255 - values // 2)[0, :32, :32])


@pytest.mark.parametrize("end", ["killed", "hung up on"])
def test_its_end_leaves_the_shared_memory_in_peace(reader, block, raster, end):
    reader.say("t", TileRequest(raster[0], PixelWindow(0, 0, 32, 32), 32, 32, AS_STORED, 0))
    reader.hear_until("t")
    drawn = slot(block, 0, 32, 32)
    if end == "killed":
        reader.process.kill()
    else:
        reader.process.stdin.close()
    reader.process.wait(10)
    assert reader.process.returncode == (-signal.SIGKILL if end == "killed" else 0)
    time.sleep(0.3)  # a resource tracker, had there been one, would act about now
    again = shared_memory.SharedMemory(block.name)
    np.testing.assert_array_equal(np.ndarray((32, 32, 4), np.uint8, again.buf), drawn)
    again.close()
    assert reader.stderr() == ""


def test_without_its_shared_memory_it_says_so_and_ends():
    with Child("tiles") as child:
        child.say("", Hello("rsqa-no-such-block", 16, 1))
        assert "rsqa-no-such-block" in child.hear()[1].reason
        assert child.process.wait(20) == 4
        assert "rsqa-no-such-block" in child.stderr()


def test_it_needs_no_torch():
    program = textwrap.dedent(
        """
        import sys
        import engine.cli.tiles, engine.jobs.tiles, engine.jobs.conversation
        print([name for name in ("torch", "transformers", "scipy", "PySide6") if name in sys.modules])
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills by POSIX signal")
def test_it_goes_when_its_parent_is_killed(tmp_path):
    program = textwrap.dedent(
        """
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-m", "engine.cli.main", "tiles"], stdin=subprocess.PIPE)
        print(child.pid, flush=True)
        time.sleep(60)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child_pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while running(child_pid):
        assert time.monotonic() < deadline, "the reader outlived its window"
        time.sleep(0.05)


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
