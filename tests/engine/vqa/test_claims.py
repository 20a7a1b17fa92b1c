"""The page on the paper's claims: verdicts and figures worked out by hand, and the command on a tiny study."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from engine.catalog.card import write_card
from engine.errors import UsageError
from engine.scenes import make_sample
from engine.training.study import load_study, run_study
from tests.claims import trust
from tests.claims.__main__ import commit_of, main, with_rqaf
from tests.claims.page import page, without_folders
from tests.claims.studies import read_study
from tests.claims.trust import TrustMaps, clouded_scene, clouded_set, correlation, cover_of, figures, middle_question
from tests.claims.verdicts import BySeed, paired, strength
from tests.engine.vqa.recipes import TINY_CHANGES
from tests.engine.vqa.tiny import CONFIG, tiny_card

# ---- verdicts


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([2.0, 1.0, 3.0], "holds in all 3 seeds"),
        ([0.1, 0.1, 3.0], "holds in all 3 seeds, by less than the spread"),
        ([1.0, 2.0], "holds in both seeds"),
        ([-1.0, 0.5, 2.0], "holds in the mean, in 2 of 3 seeds, and within the spread"),
        ([-0.1, 3.0, 3.0], "holds in the mean, in 2 of 3 seeds, though by more than the spread"),
        ([-2.0, 1.0, 0.5], "does not hold: in the mean not above 0, above it in 2 of 3 seeds"),
        ([-2.0, -1.0, -0.5], "does not hold: the opposite in all 3 seeds"),
        ([0.0, 0.0, 0.0], "does not hold: in the mean not above 0, above it in 0 of 3 seeds"),
        ([0.4], "holds in the one seed there is; no spread is known"),
        ([-0.4], "does not hold in the one seed there is; no spread is known"),
    ],
)
def test_a_verdict_follows_from_the_numbers(values, said):
    assert BySeed(dict(enumerate(values, 1))).verdict == said


def test_the_interval_is_that_of_the_t_test():
    figure = BySeed({1: 0.5, 2: 1.5, 3: 2.5})
    low, high = stats.ttest_1samp([0.5, 1.5, 2.5], 0).confidence_interval(0.95)
    assert figure.interval == pytest.approx((low, high))
    assert (figure.mean, figure.spread) == (1.5, 1.0)
    assert math.isnan(BySeed({1: 0.5}).interval[0])


def test_only_seeds_that_both_have_are_paired():
    difference = paired({1: 5.0, 3: 7.0}, {1: 4.0, 2: 9.0, 3: 9.0})
    assert difference is not None
    assert dict(difference.values) == {1: 1.0, 3: -2.0}
    assert paired({1: 5.0}, {2: 5.0}) is None


def test_a_correlation_has_its_word():
    assert [strength(r) for r in (0.05, -0.2, 0.4, -0.9)] == ["next to none", "weak", "medium", "strong"]


# ---- studies made by hand


def evaluation(share, by_weather=None, muted=None):
    """What a page reads of a report: one share for OA and half of it for AA, shares by weather, and with one muted."""
    alone = {name: {"per_weather": shares} for name, shares in (muted or {}).items()}
    metrics = {"comparable": {"OA": share, "AA": share / 2}, "per_weather": by_weather or {}, "asked_by_weather": {}}
    return {"metrics": metrics, "subsets": alone}


def write_study_folder(folder, runs, seeds=(1, 2, 3), command="rsqa train"):
    """``runs`` has the evaluation of each (name, seed) that is finished; the paper's OA goes up by 1 a row."""
    rows = [{"name": "No picture", "what": "", "done": 1, "wanted": 1, "ours": {"OA": 38.0, "AA": 37.0}, "folders": []}]
    names = list(dict.fromkeys(name for name, _ in runs))
    for number, name in enumerate(names):
        done = [seed for seed in seeds if runs.get((name, seed))]
        row = {"name": name, "what": ", ".join("abcd"[: number + 1]), "done": len(done), "wanted": len(seeds)}
        rows.append(row | {"ours": {}, "folders": [f"runs/{name.lower()}-seed{seed}" for seed in done]})
        rows[-1]["paper"] = {"OA": 70.0 + number, "AA": 60.0}
        for seed in done:
            place = folder / "runs" / f"{name.lower()}-seed{seed}"
            for part in ("report", "model"):
                (place / part).mkdir(parents=True)
            (place / "report" / "evaluation.json").write_text(json.dumps(runs[name, seed]), encoding="utf-8")
            config = CONFIG.as_json() | {"network": "single", "fusion": "add"}
            write_card(tiny_card(config=config), place / "model")
    rows.append({"name": "The paper's alone", "what": "", "done": 0, "wanted": 0, "ours": {}, "folders": []})
    facts = {"seeds": ", ".join(map(str, seeds)), "command": command, "training": "800 steps"}
    record = {
        "title": "",
        "rows": [{"paper": {}} | row for row in rows],
        "ours_on": "scenes",
        "facts": facts,
        "notes": ["A note."],
    }
    (folder / "study.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def page_of(iv, v, **changes):
    studies = read_study(iv, "Table IV"), read_study(v, "Table V")
    facts = {"command": "a command", "commit": "abc", "scenes": 2, "picture": ""}
    return page(studies, [], [], **(facts | changes))


def test_the_full_network_is_held_against_addition_seed_by_seed(tmp_path):
    shares = {("Exp1", 1): 0.40, ("Exp1", 2): 0.42, ("Exp1", 3): 0.44, ("Exp2", 1): None,
              ("Exp3", 1): None, ("Exp4", 1): 0.41, ("Exp4", 2): 0.44, ("Exp4", 3): 0.47}  # fmt: skip
    write_study_folder(tmp_path, {key: share and evaluation(share) for key, share in shares.items()})
    said = page_of(tmp_path, tmp_path / "nothing")
    assert (
        "| Exp1 → Exp4 | b, c, d | OA | +1.00, +2.00, +3.00 | +2.00 ± 1.00 | −0.48 … +4.48 | +3.00 | holds in" in said
    )
    assert (
        "| 1. The full network (Exp4) has a higher AA than addition alone (Exp1) | +1.00 ± 0.50 | holds in all" in said
    )
    assert "| Exp1 | a | 42.00 ± 2.00 | 21.00 ± 1.00 | 40.00 / 20.00; 42.00 / 21.00; 44.00 / 22.00 |" in said
    assert "| no picture (the guess) |  | 38.00 | 37.00 |  |" in said
    for left_out in ("Exp2: seed 1, 2, 3 not finished", "Exp1 → Exp2: no seed has both", "Table V: its folder has no"):
        assert left_out in said
    assert "| 3. Where a cloud is put, trust goes from optical to SAR | not finished yet | – |" in said
    assert "Exp1 → Exp3 |" not in said
    assert "The paper's alone" not in said
    assert "  - A note." in said


def test_the_fused_network_is_held_against_the_better_single_sensor(tmp_path):
    muted = {"optical-only": {"cloud": 0.50}, "sar-only": {"cloud": 0.45}}
    runs = {
        ("OPT", 1): evaluation(0.5, {"cloud": 0.30}),
        ("OPT", 2): evaluation(0.5, {"cloud": 0.50}),
        ("SAR", 1): evaluation(0.5, {"cloud": 0.40}),
        ("SAR", 2): evaluation(0.5, {"cloud": 0.40}),
        ("TGFNet", 1): evaluation(0.5, {"cloud": 0.42}, muted),
        ("TGFNet", 2): evaluation(0.5, {"cloud": 0.49}, muted),
    }
    write_study_folder(tmp_path, runs, seeds=(1, 2))
    said = page_of(tmp_path / "nothing", tmp_path)
    # 42 - max(30, 40) and 49 - max(50, 40); 42 - max(50, 45) and 49 - max(50, 45)
    assert "| cloud | the better of OPT and SAR | SAR, optical | +2.00, −1.00 | +0.50 ± 2.12 |" in said
    assert "holds in the mean, in 1 of 2 seeds, and within the spread" in said
    assert "| cloud | itself with the worse sensor muted | optical, optical | −8.00, −1.00 | −4.50 ± 4.95 |" in said
    assert "does not hold: the opposite in both seeds" in said
    assert "Fused against the better of OPT and SAR under dark, fog, clear: no seed has all that it takes." in said
    assert "| SAR | 40.00 ± 0.00 | – | – | – |" in said


def test_a_run_without_a_card_is_not_finished(tmp_path):
    write_study_folder(tmp_path, {("Exp1", 1): evaluation(0.4)}, seeds=(1,))
    assert list(read_study(tmp_path, "IV").runs("Exp1")) == [1]
    (tmp_path / "runs" / "exp1-seed1" / "model" / "card.json").unlink()
    assert read_study(tmp_path, "IV").runs("Exp1") == {}
    (tmp_path / "study.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="not a study's report"):
        read_study(tmp_path, "IV")


def test_the_page_names_no_folder_of_this_machine(tmp_path):
    command = f"rsqa train table_iv --set recipe.start={tmp_path}/encoder/model --set 'data.folder={tmp_path}/osvqa'"
    write_study_folder(tmp_path, {("Exp1", 1): evaluation(0.4)}, seeds=(1,), command=command)
    said = page_of(tmp_path, tmp_path / "nothing")
    assert str(tmp_path) not in said
    assert f"recipe.start=encoder/model --set 'data.folder={tmp_path.name}/osvqa'" in said
    assert without_folders("OA / AA on 3/4 of engine/recipes/x.toml") == "OA / AA on 3/4 of engine/recipes/x.toml"


def test_a_folder_without_git_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit_of(tmp_path) == "unknown (not a git checkout)"


def test_weights_without_rqaf_have_no_trust(tmp_path):
    write_study_folder(tmp_path, {("Exp1", 1): evaluation(0.4)}, seeds=(1,))
    assert with_rqaf([read_study(tmp_path, "IV")]) == ([], [])


# ---- trust


def test_the_cloud_is_all_that_differs(monkeypatch):
    # The scene's own cloudy form, rendered by the scenes' own way, is the referee.
    cloudy = make_sample(trust.FIRST_SEED, weather="cloud", pair="exact")
    monkeypatch.setattr(trust, "drawn_strength", lambda seed, weather: cloudy.strength)
    scene = clouded_scene(trust.FIRST_SEED)
    assert scene.sample.weather == "clear"
    np.testing.assert_array_equal(scene.sample.optical, cloudy.optical_clear)
    np.testing.assert_array_equal(scene.clouded, cloudy.optical)
    np.testing.assert_array_equal(scene.hidden, cloudy.hidden)
    np.testing.assert_array_equal(scene.sample.sar, cloudy.sar)
    assert scene.hidden.any()
    views = clouded_set([scene], 64, trust.PreprocessSpec())
    assert views.optical.shape == (1, 2, 3, 64, 64)
    assert views.optical[0, 1].mean() > views.optical[0, 0].mean()
    assert len(views.questions) == len(scene.sample.questions)


def test_cover_is_the_share_of_each_patch():
    hidden = np.zeros((6, 6), bool)
    hidden[:3, 3:] = True
    hidden[3, 0] = True
    assert cover_of(hidden, 2) == pytest.approx([0, 1, 1 / 9, 0])
    assert cover_of(hidden, 4)[3] == pytest.approx(1)  # patches need not be whole pixels
    assert cover_of(hidden, 4).mean() == pytest.approx(hidden.mean())


def maps_of(cover, drop, scene=None, types=None, clear=0.6):
    cover, drop = np.asarray(cover, float), np.asarray(drop, float)
    scene = np.arange(len(cover)) if scene is None else np.asarray(scene)
    kinds = np.array(types or ["number"] * len(cover))
    return TrustMaps(np.full(cover.shape, clear), clear - drop, cover, scene, kinds)


def test_figures_of_maps_worked_out_by_hand():
    maps = maps_of([[0, 0, 0.5, 1], [0, 0, 0, 1]], [[0, 0, 0.1, 0.2], [0.1, 0.1, 0.1, 0.4]])
    found = figures(maps)
    assert found.hidden == pytest.approx((0.6, 0.6 - (0.1 + 0.2 + 0.4) / 3))
    assert found.open == pytest.approx((0.6, 0.6 - 0.3 / 5))
    assert found.within == pytest.approx(1)
    assert found.scenes == 2
    pooled = stats.pearsonr(maps.cover.ravel(), maps.drop.ravel()).statistic
    assert found.pearson == pytest.approx(pooled)
    assert found.spearman == pytest.approx(stats.spearmanr(maps.cover.ravel(), maps.drop.ravel()).statistic)


def test_a_scene_that_loses_trust_as_a_whole_does_not_count_within():
    rng = np.random.default_rng(4)
    mean = rng.uniform(0.2, 0.8, (200, 1))
    cover = np.clip(mean + rng.uniform(-0.2, 0.2, (200, 64)), 0, 1)
    found = figures(maps_of(cover, 0.5 * mean + 0.01 * rng.standard_normal(cover.shape)))
    assert found.pearson > 0.6
    assert abs(found.within) < 0.03
    assert found.within_interval[0] < 0 < found.within_interval[1]


def test_questions_count_once_per_scene_within():
    cover = [[0, 1, 0, 1]] * 3
    found = figures(maps_of(cover, [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]], scene=[0, 0, 1]))
    assert found.within == pytest.approx(((1 - 1) / 2 + 1) / 2)


def test_a_scene_wholly_under_cloud_says_nothing_about_where():
    assert math.isnan(correlation(np.ones(4), np.arange(4.0)))
    found = figures(maps_of(np.ones((1, 4)), [[0.1, 0.2, 0.3, 0.4]]))
    assert found.scenes == 0
    assert math.isnan(found.within)
    assert math.isnan(found.open[0])


def test_the_example_is_the_one_in_the_middle():
    half = [0, 0, 1, 0]
    drops = [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0.5, 0.5], [1, 1, 1, 0]]
    maps = maps_of([half, half, half, [0, 0, 0, 0]], drops)
    assert middle_question(maps) == 2
    assert middle_question(maps_of(np.zeros((1, 4)), np.zeros((1, 4)))) is None


# ---- the command

TWO = """
base = "tgfnet_compact_scenes"
[study]
title = "Tiny"
seeds = [1]
[[study.runs]]
name = "{plain}"
what = "addition alone"
set = {{ model = {{ network = "single", fusion = "add", sensors = "{sensors}" }} }}
[[study.runs]]
name = "{fused}"
what = "AMEF, CFAR, RQAF"
"""


@pytest.mark.slow
def test_the_command_measures_a_tiny_study(tmp_path, capsys):
    for table, form in (
        ("iv", {"plain": "Exp1", "fused": "Exp4", "sensors": "both"}),
        ("v", {"plain": "OPT", "fused": "TGFNet", "sensors": "optical"}),
    ):
        (tmp_path / f"{table}.toml").write_text(TWO.format(**form), encoding="utf-8")
        run_study(load_study(tmp_path / f"{table}.toml", TINY_CHANGES), tmp_path / table, command="rsqa train tiny")
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    out = tmp_path / "page" / "claims.md"
    assert main([str(tmp_path / "iv"), str(tmp_path / "v"), "--scenes", "8", "--out", str(out)]) == 0
    said = out.read_text(encoding="utf-8")
    assert said == capsys.readouterr().out
    assert "python -m tests.claims iv v --scenes 8" in said
    assert "| Table IV, Exp4 | 1 | " in said
    # The same recipe with the same seed gives the same weights: they are measured once, and that is said.
    assert "Trust of Table V, TGFNet, seed 1: the same weights, to the bit, as Table IV, Exp4, seed 1." in said
    assert "| mean over types |" in said
    blocks = [block.splitlines() for block in said.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 7
    assert all(len({line.count(" |") for line in block}) == 1 for block in blocks)
    assert "Table V, SAR" not in said
    assert "itself with the worse sensor muted" in said
    assert "Fused against the better of OPT and SAR under" in said
    assert (out.parent / "claims.png").read_bytes().startswith(b"\x89PNG")
    studies = {path for path, _ in before}
    assert sorted((path, path.stat().st_mtime_ns) for path in studies if path != tmp_path) == [
        one for one in before if one[0] != tmp_path
    ]
