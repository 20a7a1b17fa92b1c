"""The window's side of the tile reader, over the real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from engine.errors import EngineFailed, UsageError
from engine.protocol import IdentifyRequest, OpenRaster, Outcome
from engine.records import DisplaySpec, PixelWindow
from rsqa_desktop.services import TileReader, engine_process, picture_slots
from rsqa_desktop.services.picture_slots import PictureSlots
from rsqa_desktop.services.tile_reader import TRIES
from tests.engine.jobs.child import write_raster

AS_STORED = DisplaySpec((1, 2, 3), (0.0, 0.0, 0.0), (255.0, 255.0, 255.0), method="fixed")
WHOLE = PixelWindow(0, 0, 96, 96)


@pytest.fixture
def raster(tmp_path):
    values = np.random.default_rng(3).integers(1, 256, (3, 96, 96), np.uint8)
    return write_raster(tmp_path / "noise.tif", values), values


@pytest.fixture
def reader(qtbot):
    reader = TileReader(slots=PictureSlots(3, 512 * 512 * 4))
    reader.images = {}
    reader.ends = {}
    reader.deaths = []
    reader.drawn.connect(lambda message_id, tile, image: reader.images.__setitem__(message_id, image))
    reader.finished.connect(lambda message_id, outcome: reader.ends.setdefault(message_id, []).append(outcome))
    reader.died.connect(reader.deaths.append)
    reader.start()
    yield reader
    reader.stop()


def pixels(image: QImage) -> np.ndarray:
    assert image.format() == QImage.Format.Format_RGBA8888
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)


def test_pictures_arrive_as_images_of_their_own(qtbot, reader, raster):
    path, values = raster
    ids = [reader.draw(path, PixelWindow(col, 0, 40, 30), 40, 30, AS_STORED) for col in range(20)]
    qtbot.waitUntil(lambda: len(reader.ends) == len(ids), timeout=20000)
    for col, message_id in enumerate(ids):
        assert reader.ends[message_id] == [Outcome("succeeded")]
        expected = np.moveaxis(values[:, :30, col : col + 40], 0, -1)
        np.testing.assert_array_equal(pixels(reader.images[message_id])[..., :3], expected)


def test_opens_and_identifies_as_the_sensor_it_was_opened_as(qtbot, reader, tmp_path):
    decibels = np.random.default_rng(5).uniform(-25, 0, (1, 32, 32)).astype(np.float32)
    path = write_raster(tmp_path / "sar.tif", decibels)
    with qtbot.waitSignal(reader.opened, timeout=20000) as opened:
        message_id = reader.open(OpenRaster(path, "sar"))
    assert opened.args[0] == message_id
    assert opened.args[1].info.sensor == "sar"
    with qtbot.waitSignal(reader.identified, timeout=20000) as identified:
        reader.identify(IdentifyRequest(path, 5, 7))
    assert identified.args[1].values == (float(decibels[0, 7, 5]),)
    assert identified.args[1].sigma0_db == pytest.approx(float(decibels[0, 7, 5]))


def test_a_picture_no_longer_wanted_is_not_drawn(qtbot, reader, raster):
    ids = [reader.draw(raster[0], WHOLE, 512, 512, AS_STORED) for _ in range(10)]
    for message_id in ids[:5]:
        reader.cancel(message_id)
    assert not reader.ends, "nobody is called back while they cancel"
    qtbot.waitUntil(lambda: len(reader.ends) == len(ids), timeout=20000)
    assert [reader.ends[message_id][0].status for message_id in ids[5:]] == ["succeeded"] * 5
    # The first three had their slots and may have been drawn by then; the others were still here.
    assert [reader.ends[message_id][0].status for message_id in ids[3:5]] == ["cancelled"] * 2
    assert not set(ids[3:5]) & set(reader.images)


def test_what_was_asked_last_is_drawn_first(qtbot, reader, raster):
    ids = [reader.draw(raster[0], WHOLE, 64, 64, AS_STORED) for _ in range(30)]
    qtbot.waitUntil(lambda: len(reader.ends) == len(ids), timeout=20000)
    order = list(reader.ends)
    assert order.index(ids[29]) < order.index(ids[3]), "three have slots at once, then the newest goes first"


def test_a_picture_beyond_the_slots_is_refused(reader, raster):
    with pytest.raises(UsageError, match="4000 x 4000"):
        reader.draw(raster[0], WHOLE, 4000, 4000, AS_STORED)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills by POSIX signal")
def test_killed_while_panning_it_comes_back_and_nothing_is_lost(qtbot, reader, raster):
    path, values = raster
    with qtbot.waitSignal(reader.opened, timeout=20000):
        reader.open(OpenRaster(path, "optical"))
    first = reader.pid
    ids = []
    for col in range(60):
        ids.append(reader.draw(path, PixelWindow(col % 32, 0, 64, 64), 400, 400, AS_STORED))
        if col == 30:
            qtbot.waitUntil(lambda: len(reader.images) > 3, timeout=20000)
            os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: set(ids) <= set(reader.ends), timeout=30000)
    assert reader.pid not in (0, first)
    assert [death.status for death in reader.deaths] == ["crashed"]
    assert "SIGKILL" in reader.deaths[0].reason
    assert {tuple(end.status for end in reader.ends[message_id]) for message_id in ids} == {("succeeded",)}
    last = pixels(reader.images[ids[59]])
    np.testing.assert_array_equal(last[0, 0, :3], values[:, 0, 27])


@pytest.mark.skipif(not hasattr(signal, "SIGSEGV"), reason="a shell script that ends by POSIX signal")
def test_a_picture_that_kills_every_reader_is_given_up(qtbot, monkeypatch, tmp_path):
    poisoned = tmp_path / "reader"
    poisoned.write_text("""#!/bin/sh
while read line; do case "$line" in *'"kind":"tile"'*) kill -SEGV $$;; esac; done
""")
    poisoned.chmod(0o755)
    monkeypatch.setattr(engine_process.sys, "executable", str(poisoned))
    monkeypatch.setattr(engine_process, "RESTART_DELAYS_S", (0.01,) * 9)
    reader = TileReader(slots=PictureSlots(1, 64 * 64 * 4))
    ends, deaths = [], []
    reader.finished.connect(lambda message_id, outcome: ends.append((message_id, outcome)))
    reader.died.connect(deaths.append)
    asked = reader.draw("poison.tif", WHOLE, 64, 64, AS_STORED)
    reader.start()
    qtbot.waitUntil(lambda: bool(ends), timeout=20000)
    qtbot.wait(50)
    ((message_id, outcome),) = ends
    assert (message_id, outcome.status) == (asked, "crashed")
    assert "SIGSEGV" in outcome.reason
    assert len(deaths) == 1 + TRIES
    reader.stop()


def test_drafts_get_better_by_themselves(qtbot, reader, tmp_path):
    values = np.broadcast_to(np.arange(5000, dtype=np.uint8) | 1, (3, 5000, 5000))
    # 1600 blocks: a first picture takes at most 400 of them, however quick the machine is.
    path = write_raster(tmp_path / "large.tif", values, tiled=True, blockxsize=128, blockysize=128)
    tiles, refined = [], []
    reader.drawn.connect(lambda message_id, tile, image: tiles.append(tile))
    reader.refined.connect(refined.append)
    reader.draw(path, PixelWindow(0, 0, 5000, 5000), 100, 100, AS_STORED, draft=True)
    qtbot.waitUntil(lambda: bool(refined) and refined[-1].complete, timeout=60000)
    assert tiles[0].draft
    assert {event.path for event in refined} == {path}
    reader.draw(path, PixelWindow(0, 0, 5000, 5000), 100, 100, AS_STORED, draft=True)
    qtbot.waitUntil(lambda: len(tiles) == 2, timeout=60000)
    assert not tiles[1].draft


def test_shared_memory_that_a_container_lacks_is_not_promised(monkeypatch):
    usage = picture_slots.shutil._ntuple_diskusage
    monkeypatch.setattr(picture_slots.shutil, "disk_usage", lambda path: usage(64 << 20, 0, 64 << 20))
    slots = PictureSlots(slots=6, slot_bytes=10 << 20)
    assert slots.hello.slots == 3, "half of 64 MB"
    slots.remove()
    with pytest.raises(EngineFailed, match="32 MiB of 40"):
        PictureSlots(slots=6, slot_bytes=40 << 20)


def test_the_whole_life_leaves_nothing_behind_and_nothing_on_standard_error(raster):
    program = textwrap.dedent(
        f"""
        import os, signal, sys
        from PySide6.QtCore import QCoreApplication, QTimer
        from engine.records import DisplaySpec, PixelWindow
        from rsqa_desktop.services import TileReader
        app = QCoreApplication([])
        reader = TileReader()
        print(reader._slots.hello.shared_memory)
        ends = []
        display = DisplaySpec((1, 2, 3), (0.0,) * 3, (255.0,) * 3, method="fixed")
        def drawn(message_id, tile, image):
            ends.append(message_id)
            if len(ends) == 1:
                os.kill(reader.pid, signal.SIGKILL)
                ask()
            elif len(ends) == 2:
                reader.stop()
                app.quit()
        def ask():
            reader.draw({raster[0]!r}, PixelWindow(0, 0, 96, 96), 96, 96, display)
        reader.drawn.connect(drawn)
        reader.start()
        ask()
        QTimer.singleShot(20000, app.quit)
        app.exec()
        print(len(ends), "torch" in sys.modules, "rasterio" in sys.modules)
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    block, summary = done.stdout.splitlines()
    assert summary == "2 False False"
    assert done.stderr == ""
    assert not Path("/dev/shm", block).exists()
