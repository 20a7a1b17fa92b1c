"""The measures of realism: cases worked out by hand, and the command on a few scenes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.realism import statistics as st
from tests.realism.__main__ import main
from tests.realism.pictures import Picture, rendered
from tests.realism.table import as_markdown, compare, worst_rows


@pytest.fixture
def rng() -> np.random.Generator:
    """The same numbers in every test, whatever ran before it."""
    return np.random.default_rng(11)


# ---- distances


@given(some.floats(-50, 50), some.integers(0, 2**32))
@settings(max_examples=20)
def test_shifted_values_are_as_far_apart_as_the_shift(shift: float, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal(300)
    assert st.wasserstein(values, values + shift) == pytest.approx(abs(shift), abs=1e-9)


def test_wasserstein_moves_mass_as_little_as_it_can() -> None:
    # Half of the mass stays at 0, half moves from 0 to 2.
    assert st.wasserstein(np.array([0.0, 0.0]), np.array([0.0, 2.0])) == pytest.approx(1.0)
    assert st.wasserstein(np.array([1.0, 3.0]), np.array([3.0, 1.0])) == 0


@given(some.floats(0.1, 100), some.floats(-100, 100))
@settings(max_examples=20)
def test_normalising_undoes_any_stretch(gain: float, offset: float) -> None:
    picture = np.arange(101.0).reshape(1, 101)
    assert st.robustly_normalised(gain * picture + offset) == pytest.approx((picture - 50) / 90, abs=1e-6)


def test_a_part_can_set_the_scale() -> None:
    picture = np.concatenate([np.zeros(101), np.arange(101.0)]).reshape(2, 101)
    within = np.zeros((2, 101), bool)
    within[1] = True
    assert st.robustly_normalised(picture, within)[1] == pytest.approx((np.arange(101) - 50) / 90)


# ---- speckle


@pytest.mark.parametrize("looks", [1.0, 4.4, 9.0])
def test_gamma_noise_of_l_looks_has_l_looks(looks: float, rng: np.random.Generator) -> None:
    power = rng.standard_gamma(looks, (400, 400)) * 0.03
    assert st.equivalent_looks(power) == pytest.approx(looks, rel=0.03)


def test_looks_are_taken_where_it_is_uniform(rng: np.random.Generator) -> None:
    """Half of the view is as uneven as can be: the most uniform fifth of the blocks is in the other half."""
    power = rng.standard_gamma(4.0, (240, 480))
    power[:, 240:] *= 10 ** rng.standard_normal((240, 240))
    found = st.homogeneous_looks(power)
    assert len(found) == 160
    assert found.min() > 3.5
    assert np.median(found) < 7


def test_white_noise_has_no_neighbours_and_blurred_noise_has(rng: np.random.Generator) -> None:
    white = 10 + rng.standard_normal((240, 240))
    assert st.neighbour_correlation(white) == pytest.approx(0, abs=0.05)
    # The mean of two neighbours shares one of its two terms with the next.
    pairs = (white[:, 1:] + white[:, :-1]) / 2
    both = (pairs[1:] + pairs[:-1]) / 2
    # Less than a half by a little, as the blocks are the most uniform ones and each is without its own mean.
    assert st.neighbour_correlation(both) == pytest.approx(0.5, abs=0.09)
    assert st.neighbour_correlation(both, 3) == pytest.approx(0, abs=0.06)


# ---- structure


def test_the_gradient_of_a_ramp_is_its_steepness() -> None:
    ramp = np.tile(np.arange(101.0), (20, 1))
    assert st.gradient_magnitudes(ramp) == pytest.approx(1 / 90)
    assert st.gradient_magnitudes(ramp.T) == pytest.approx(1 / 90)


def test_edges_are_counted() -> None:
    """A step of the whole range, blurred by a pixel, rises by 0.31 in the columns beside it and by 0.15 in the next."""
    step = np.zeros((50, 100))
    step[:, 50:] = 1
    assert st.edge_density(step) == pytest.approx(2 / 100)
    assert st.edge_density(np.tile(np.arange(100.0), (50, 1))) == 0


@pytest.mark.parametrize("slope", [0.0, -1.0, -2.0, -3.0])
def test_the_spectrum_of_noise_has_the_slope_that_it_was_made_with(slope: float, rng: np.random.Generator) -> None:
    found = []
    for _ in range(4):
        frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256))
        frequency[0, 0] = 1
        spectrum = np.fft.rfft2(rng.standard_normal((256, 256))) * frequency ** (slope / 2)
        found.append(st.spectrum_slope(np.fft.irfft2(spectrum)))
    assert np.mean(found) == pytest.approx(slope, abs=0.12)


def test_a_wave_is_found_at_its_frequency() -> None:
    wave = np.tile(np.sin(2 * np.pi * np.arange(256) / 8), (256, 1))
    frequency, power = st.spectrum(wave)
    assert frequency[power.argmax()] == pytest.approx(1 / 8, abs=1 / 256)


# ---- the table


def number(value: float) -> Picture:
    return Picture("hand", np.full((1, 4, 4), value))


def measure(picture: Picture) -> np.ndarray:
    assert picture.optical is not None
    return picture.optical.ravel()


def test_a_row_says_how_far_and_how_far_real_places_are_apart() -> None:
    row = compare("x", "m", [number(1), number(3)], [number(5)], measure)
    assert (row.real, row.rendered) == (2, 5)
    assert (row.distance, row.between_halves, row.ratio) == (3, 2, 1.5)
    assert (row.real_n, row.rendered_n, row.places) == (32, 16, 2)


def test_one_place_is_no_measure_of_how_places_differ() -> None:
    alone = compare("alone", "m", [number(1)], [number(9)], measure)
    near = compare("near", "m", [number(1), number(2)], [number(2)], measure)
    none = compare("none", "m", [], [number(9)], measure)
    assert alone.distance == 8
    assert worst_rows([alone, near, none]) == [near]
    assert "| alone | m | 1 | 9 | 8 | nan | nan | 16 (1) | 16 |" in as_markdown([alone, near])
    assert "Worst, by distance over that between halves: near (0.5)." in as_markdown([alone, near])


def test_rendered_scenes_are_those_asked_for() -> None:
    (picture,) = rendered(1, 2.0, 4.0)
    assert picture.optical is not None
    assert picture.optical.shape == (3, 256, 256)
    assert set(picture.sar) == {"VV", "VH"}
    assert picture.sar["VH"].mean() < picture.sar["VV"].mean() - 3
    assert all(mask.sum() >= 300 for mask in picture.covers.values())


@pytest.mark.real
@pytest.mark.slow
def test_the_command_makes_its_table(shared_data, tmp_path, capsys) -> None:
    assert main(["--scenes", "4", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "realism.md").read_text("utf-8")
    rows = {row["name"]: row for row in json.loads((tmp_path / "realism.json").read_text("utf-8"))}
    # What is so close that it must not drift: levels by cover and the reach of speckle.
    for name in ("forest, VV", "farmland, VH", "grassland, VV", "built-up area, VH"):
        assert rows[name]["distance"] < 2.5, rows[name]
    assert rows["SAR VV, correlation at 1 px"]["distance"] < 0.08
    assert (tmp_path / "realism.png").stat().st_size > 10_000


def test_without_real_data_the_command_says_so(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("RSQA_SHARED", str(tmp_path))
    assert main([]) == 0
    assert "skipped" in capsys.readouterr().out
