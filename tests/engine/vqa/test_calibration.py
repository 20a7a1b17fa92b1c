"""Temperatures are recovered, sets cover, the probe tells types, and a model's folder carries all of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.catalog import read_card
from engine.catalog.card import write_card
from engine.errors import ModelDamaged, UsageError
from engine.metrics import ALL, expected_calibration_error
from engine.text import QUESTION_TYPES
from engine.vqa.calibration import (
    CALIBRATION_FILE,
    Calibration,
    fit_calibration,
    fit_probe,
    fit_temperature,
)
from engine.vqa.scored import Scored
from tests.engine.vqa.tiny import tiny_card, write_tiny_model

WIDTH, ANSWERS = 12, 6
TRUE = {"number": 2.5, "presence": 0.6, "theme": 1.4}


def scored(logits, answer):
    none = np.zeros((len(answer), 0), np.float32)
    return Scored(logits, none[:, :, None].repeat(logits.shape[1], 2), none, none.astype(bool), answer)


def asked(seed, each=10_000):
    """Questions of three types, each with a temperature of its own, and text features that tell the types apart."""
    rng = np.random.default_rng(seed)
    types = np.repeat(list(TRUE), each)
    honest = rng.normal(0, 2, (len(types), ANSWERS)).astype(np.float32)
    shares = torch.from_numpy(honest).softmax(-1).numpy()
    answer = (rng.random((len(types), 1)) > shares.cumsum(1)).sum(1).clip(max=ANSWERS - 1)
    loud = honest * np.array([TRUE[kind] for kind in types], np.float32)[:, None]
    middles = np.random.default_rng(0).normal(0, 1, (len(TRUE), WIDTH))
    text = middles[np.repeat(range(len(TRUE)), each)] + rng.normal(0, 0.1, (len(types), WIDTH))
    return scored(loud, answer), types.tolist(), torch.from_numpy(text).float()


@pytest.fixture(scope="module")
def calibration():
    return fit_calibration(*asked(1))


def test_each_type_s_temperature_is_recovered(calibration):
    for kind, temperature in TRUE.items():
        assert calibration.types[kind].temperature == pytest.approx(temperature, rel=0.05)
        assert calibration.types[kind].questions == 10_000
    assert min(TRUE.values()) < calibration.common.temperature < max(TRUE.values())


def test_the_temperature_is_the_minimum_of_the_cross_entropy():
    """Against a fine grid; and far from it, at the ends of the range, it stays there."""
    one, _, _ = asked(3, 200)
    logits, answer = torch.from_numpy(one.logits), torch.from_numpy(one.answer)
    grid = np.geomspace(0.1, 10, 2001)
    losses = [float(torch.nn.functional.cross_entropy(logits / t, answer)) for t in grid]
    assert fit_temperature(one.logits, one.answer) == pytest.approx(grid[int(np.argmin(losses))], rel=0.005)
    certain = np.eye(4, dtype=np.float32)
    assert fit_temperature(certain, np.arange(4)) == pytest.approx(0.1)
    assert fit_temperature(certain, np.roll(np.arange(4), 1)) == pytest.approx(10.0)


def test_fresh_questions_are_told_their_confidence_more_honestly(calibration):
    fresh, _, text = asked(2)
    logits = torch.from_numpy(fresh.logits)
    before, after = logits.softmax(-1), calibration.probabilities(logits, text)
    common = (logits / calibration.common.temperature).softmax(-1)
    errors = [expected_calibration_error(p.amax(-1), fresh.right) for p in (before, common, after)]
    assert errors[2] < 0.25 * errors[0]
    assert errors[2] < errors[1]
    torch.testing.assert_close(after.sum(-1), torch.ones(len(after)))
    assert torch.equal(after.argmax(-1), logits.argmax(-1))


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_sets_hold_the_truth_within_each_type_as_often_as_promised(calibration, rate):
    fresh, types, text = asked(2)
    shares = calibration.probabilities(torch.from_numpy(fresh.logits), text)
    sets = calibration.answer_sets(shares, text, rate)
    covered = np.array([answer in one for answer, one in zip(fresh.answer, sets, strict=True)])
    for kind in TRUE:
        of_kind = np.array(types) == kind
        # Two samples of 10,000, for the threshold and here: five standard errors.
        assert covered[of_kind].mean() == pytest.approx(1 - rate, abs=5 * np.sqrt(2 * rate * (1 - rate) / 10_000))
    assert all(one[0] == best for one, best in zip(sets, shares.argmax(-1).tolist(), strict=True))


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_the_promise_holds_for_what_is_told_however_wrongly(rate):
    """The probe takes a third of the hard type for the easy one, and no type hears of the probe's mistakes."""
    one, types, text = muddled(1)
    probe = fit_probe(asked(1)[2], types)
    calibration = fit_calibration(one, types, text, probe=probe)
    fresh, types, text = muddled(2)
    told = np.array(probe.tell(text))
    assert np.mean(told == np.array(types)) < 0.9
    shares = calibration.probabilities(torch.from_numpy(fresh.logits), text)
    sets = calibration.answer_sets(shares, text, rate)
    covered = np.array([answer in one for answer, one in zip(fresh.answer, sets, strict=True)])
    assert set(told) == set(calibration.types) == set(TRUE)
    for kind in TRUE:
        count = np.count_nonzero(told == kind)
        assert covered[told == kind].mean() == pytest.approx(1 - rate, abs=5 * np.sqrt(2 * rate * (1 - rate) / count))
        assert calibration.types[kind].questions == pytest.approx(count, rel=0.05)


def muddled(seed):
    """:func:`asked`, with a third of the questions of type number worded as those of type presence are."""
    one, types, text = asked(seed)
    number, presence = (torch.tensor([kind == name for kind in types]) for name in ("number", "presence"))
    some = number.nonzero()[::3, 0]
    text[some] = text[presence][: len(some)]
    return one, types, text


def test_a_lower_error_rate_gives_larger_sets(calibration):
    fresh, _, text = asked(4, 100)
    shares = calibration.probabilities(torch.from_numpy(fresh.logits), text)
    few, more, most = (calibration.answer_sets(shares, text, rate) for rate in (0.2, 0.1, 0.05))
    assert all(set(a) <= set(b) <= set(c) for a, b, c in zip(few, more, most, strict=True))


def test_types_told_too_rarely_and_unsure_questions_take_the_common_figures():
    one, types, text = asked(5, 100)
    few = fit_calibration(one, types, text, least=101)
    assert few.types == {}
    assert few.figures(text) == [few.common] * len(text)
    assert few.common.questions == len(types)
    rare = fit_calibration(one, [*types[:-1], "rare"], text)
    assert set(rare.types) == set(TRUE)
    between = text[:1] * 0 + text.mean(0)
    unsure = replace(rare, probe=replace(rare.probe, sure_from=1.01))
    assert unsure.probe.tell(between) == [ALL]
    assert unsure.figures(text) == [unsure.common] * len(text)
    logits = torch.from_numpy(one.logits)
    torch.testing.assert_close(unsure.probabilities(logits, text), (logits / unsure.common.temperature).softmax(-1))


def test_answers_that_the_model_lacks_are_left_out():
    one, types, text = asked(5, 100)
    beyond = one.answer.copy()
    beyond[::3] = -1
    kept = beyond >= 0
    found = fit_calibration(replace(one, answer=beyond), types, text)
    alone = scored(one.logits[kept], one.answer[kept])
    assert found.common == fit_calibration(alone, np.array(types)[kept].tolist(), text[kept]).common
    with pytest.raises(UsageError, match="answers the model knows"):
        fit_calibration(replace(one, answer=np.full(300, -1)), types, text)


def test_an_error_rate_that_was_not_fitted_names_those_that_were(calibration):
    assert calibration.error_rates == (0.05, 0.1, 0.2)
    with pytest.raises(UsageError, match=r"error rate 0\.3") as caught:
        calibration.answer_sets(torch.ones(1, ANSWERS), torch.zeros(1, WIDTH), 0.3)
    assert "0.05, 0.1, 0.2" in caught.value.remedy


def test_the_probe_is_the_plain_regression():
    """Folding the standardisation away changes nothing, and features far from zero are no harm."""
    _, types, text = asked(6, 60)
    near, far = fit_probe(text, types), fit_probe(50 + 3 * text, types)
    assert near.accuracy(text, types) == 1.0
    one = text @ near.weight.T + near.bias
    other = (50 + 3 * text) @ far.weight.T + far.bias
    torch.testing.assert_close(one.softmax(-1), other.softmax(-1), atol=0.02, rtol=0)
    with pytest.raises(UsageError, match="without questions"):
        fit_probe(text[:0], [])


def test_a_model_s_folder_carries_it(calibration, tmp_path):
    folder = write_tiny_model(tmp_path / "tiny")
    card = replace(read_card(folder), **calibration.save(folder))
    write_card(card, folder)
    again = Calibration.load(folder, read_card(folder))
    fresh, _, text = asked(7, 50)
    logits = torch.from_numpy(fresh.logits)
    assert (again.common, again.types, again.error_rates) == (
        calibration.common, calibration.types, calibration.error_rates,
    )  # fmt: skip
    assert torch.equal(again.probabilities(logits, text), calibration.probabilities(logits, text))
    assert read_card(folder).temperature == calibration.common.temperature


def test_a_damaged_probe_is_noticed(calibration, tmp_path):
    folder = write_tiny_model(tmp_path / "tiny")
    card = replace(read_card(folder), **calibration.save(folder))
    other = replace(card, calibration=replace(card.calibration, told=("one", "two")))
    with pytest.raises(ModelDamaged, match="does not fit the card"):
        Calibration.load(folder, other)
    (folder / CALIBRATION_FILE).write_bytes(b"something else")
    with pytest.raises(ModelDamaged, match="SHA-256"):
        Calibration.load(folder, card)
    (folder / CALIBRATION_FILE).unlink()
    with pytest.raises(ModelDamaged, match="lacks the file"):
        Calibration.load(folder, card)


def test_a_card_without_calibration_has_its_temperature_and_no_sets(tmp_path):
    old = Calibration.load(tmp_path, tiny_card(temperature=2.0))
    logits, text = torch.randn(3, ANSWERS), torch.zeros(3, WIDTH)
    torch.testing.assert_close(old.probabilities(logits, text), (logits / 2.0).softmax(-1))
    assert old.error_rates == ()
    with pytest.raises(UsageError, match="no answer sets"):
        old.answer_sets(torch.ones(1, ANSWERS), text[:1], 0.1)
    assert old.save(tmp_path) == {"temperature": 2.0, "calibration": None, "extra_files": {}}


@pytest.mark.slow
def test_types_are_told_from_wordings_that_were_held_out():
    """With the text encoder that ships: learned from the training wordings, asked in others."""
    from engine.nn.text import TextEncoder
    from engine.scenes import make_truth

    encoder = TextEncoder()

    def questions(seeds, wording):
        found = [q for seed in seeds for q in make_truth(seed, size=64, wording=wording).questions]
        return torch.stack([encoder(q.text).tokens.mean(0) for q in found]), [q.type for q in found]

    probe = fit_probe(*questions(range(1000, 1030), "train"))
    text, types = questions(range(2000, 2010), "held-out")
    assert set(types) <= set(QUESTION_TYPES)
    assert probe.accuracy(text, types) > 0.6
    told = probe.tell(text)
    sure = [(a, b) for a, b in zip(told, types, strict=True) if a != ALL]
    assert sum(a == b for a, b in sure) / len(sure) > 0.8
