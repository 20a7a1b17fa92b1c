from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.raster.bands import choose_bands
from engine.records import BandInfo


def bands(*described: str, dtype: str = "uint16", colours: tuple[str, ...] = ()) -> tuple[BandInfo, ...]:
    names = colours or ("undefined",) * len(described)
    return tuple(
        BandInfo(i, dtype, text, colours_) for i, (text, colours_) in enumerate(zip(described, names, strict=True), 1)
    )


UNNAMED_13 = bands(*[""] * 13)
RGBA = bands("", "", "", "", dtype="uint8", colours=("red", "green", "blue", "alpha"))


@pytest.mark.parametrize(
    ("infos", "sensor", "chosen", "reason"),
    [
        (bands("B02", "B03", "B04", "B08"), "optical", (3, 2, 1), "description"),
        (bands("B4 (665 nm)", "B3", "B2"), "optical", (1, 2, 3), "description"),
        (bands("nir", "Red", "Green", "Blue"), "optical", (2, 3, 4), "description"),
        (bands("red edge", "blue", "green", "red"), "optical", (4, 3, 2), "description"),
        (RGBA, "optical", (1, 2, 3), "colour-interpretation"),
        (bands("", "", "", colours=("blue", "green", "red")), "optical", (3, 2, 1), "colour-interpretation"),
        (UNNAMED_13, "optical", (4, 3, 2), "sensor"),
        (bands(*[""] * 12, dtype="int16"), "optical", (4, 3, 2), "sensor"),
        (bands(*[""] * 4), "optical", (3, 2, 1), "sensor"),
        (bands(*[""] * 4, colours=("cyan", "magenta", "yellow", "black")), "optical", (1, 2, 3), "default"),
        (bands("", "", ""), "optical", (1, 2, 3), "default"),
        (bands(*[""] * 224, dtype="float32"), "optical", (1, 2, 3), "default"),
        (bands("", ""), "unknown", (1,), "default"),
        (bands(""), "optical", (1,), "only"),
        (bands("", "", dtype="uint8", colours=("gray", "alpha")), "optical", (1,), "only"),
        (bands("VH", "VV"), "sar", (2,), "description"),
        (bands("Sigma0_HV_db", "Sigma0_HH_db"), "sar", (2,), "description"),
        (bands("", ""), "sar", (1,), "default"),
    ],
)
def test_choice(infos, sensor, chosen, reason):
    choice, notice = choose_bands(infos, sensor, None, "a.tif")
    assert (choice.bands, choice.reason) == (chosen, reason)
    assert bool(notice) == (reason in ("sensor", "default")), "a guess must be said, and nothing else"


def test_what_the_user_asks_wins():
    choice, notice = choose_bands(RGBA, "optical", (4, 1, 1), "a.tif")
    assert choice.bands == (4, 1, 1)
    assert choice.reason == "asked"
    assert notice == ""


@pytest.mark.parametrize("asked", [(0,), (5, 1, 2)])
def test_asking_for_a_band_that_is_not_there(asked):
    with pytest.raises(UsageError, match=r"a\.tif has no band") as refusal:
        choose_bands(RGBA, "optical", asked, "a.tif")
    assert "1 to 4" in refusal.value.remedy
