"""Where a cloud is put over a clear scene, does RQAF's trust go from the optical picture to SAR?

Every scene is seen twice: clear, and with a cloud rendered into the optical picture alone. Ground, light, camera, the
SAR picture and the questions are the same, so whatever changes in the trust map, the cloud did it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from engine.draws import SteadyGenerator
from engine.nn.preprocess import PreprocessSpec, as_bytes, letterbox, stretch_optical, stretch_sar
from engine.scenes import Sample, make_sample
from engine.scenes.optics.weather import add_weather
from engine.scenes.sample import WEATHER_STREAM, under_weathers
from engine.vqa.data.question_set import AS_IT_IS, AskedQuestion, QuestionSet
from engine.vqa.data.table import QuestionTable
from engine.vqa.data.weathers import drawn_strength
from engine.vqa.predictor import TgfnetPredictor
from engine.vqa.task import score_set
from tests.claims.verdicts import student_interval

Floats = NDArray[np.float64]

FIRST_SEED = 35_000_000
"""Of the scenes that are looked at: behind those of every split, before those of the exam."""

HIDDEN_FROM = 0.5
"""A patch is hidden if at least this share of its pixels is; it is open if none is."""


@dataclass(frozen=True)
class CloudedScene:
    """One clear scene, whose optical picture uint8 [3, H, W] was taken again under ``clouded``.

    ``hidden`` bool [H, W] is where the cloud lets nothing of the ground through.
    """

    sample: Sample
    clouded: NDArray[np.uint8]
    hidden: NDArray[np.bool_]

    @property
    def both_optical(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Clear, then clouded."""
        return self.sample.optical, self.clouded


@dataclass(frozen=True)
class TrustMaps:
    """RQAF's optical share of Q questions over M patches, ``clear`` and ``cloud`` [Q, M], and what was asked.

    ``cover`` [Q, M] is the share of each patch that the cloud hides; ``scene`` and ``type`` [Q] say what a question is
    about.
    """

    clear: Floats
    cloud: Floats
    cover: Floats
    scene: NDArray[np.int64]
    type: NDArray[np.str_]

    @property
    def drop(self) -> Floats:
        """How much of the trust in the optical picture is lost, [Q, M]."""
        return self.clear - self.cloud

    def of_type(self, name: str) -> TrustMaps:
        mine = self.type == name
        return TrustMaps(self.clear[mine], self.cloud[mine], self.cover[mine], self.scene[mine], self.type[mine])


@dataclass(frozen=True)
class TrustFigures:
    """What the maps of so many ``questions`` say; NaN where there is nothing to say it of.

    ``pearson`` and ``spearman`` are between cover and drop, over all patches of all questions. ``within`` is Pearson's
    over the patches of one question, its mean over a scene's questions, then over ``scenes`` scenes that are neither
    wholly covered nor wholly open; ``within_interval`` its 95 % interval over those scenes. ``hidden`` and ``open`` are
    the mean trust (clear, cloud) at hidden and at open patches.
    """

    questions: int
    pearson: float
    spearman: float
    within: float
    within_interval: tuple[float, float]
    scenes: int
    hidden: tuple[float, float]
    open: tuple[float, float]


def clouded_scene(seed: int) -> CloudedScene:
    """The clear scene of ``seed``, both sensors of one place, and a cloud over it whose strength the seed draws."""
    sample = make_sample(seed, wording="held-out", weather="clear", pair="exact")
    amount = drawn_strength(seed, "cloud")
    (clouded,) = under_weathers(sample.truth, [("cloud", amount)])
    blank = np.zeros((*sample.hidden.shape, 3), np.float32)  # where the cloud lies does not depend on the picture
    clouds = SteadyGenerator(seed, WEATHER_STREAM)
    return CloudedScene(sample, clouded, add_weather(blank, "cloud", amount, sample.scene.sun_deg, clouds)[1])


def clouded_set(scenes: Sequence[CloudedScene], size_px: int, preprocess: PreprocessSpec) -> QuestionSet:
    """The scenes as a network gets them, the cloud as the second variant of the optical picture."""
    pictures, radar = [], []
    for scene in scenes:
        valid = np.ones(scene.hidden.shape, bool)
        seen = [stretch_optical(each.astype(np.float32), valid, preprocess) for each in scene.both_optical]
        pictures.append(np.stack([as_bytes(letterbox(each, valid, size_px).values) for each in seen]))
        levels = stretch_sar(scene.sample.sar[None].astype(np.float32), valid, scene.sample.sar_unit, preprocess)
        radar.append(as_bytes(letterbox(levels, valid, size_px).values[0]))
    asked = [(row, question) for row, scene in enumerate(scenes) for question in scene.sample.questions]
    return QuestionSet(
        about=f"clear scenes, seeds from {FIRST_SEED}, each with and without a cloud",
        optical=np.stack(pictures),
        sar=np.stack(radar),
        variants=(AS_IT_IS, "cloud"),
        names=tuple(f"scene {scene.sample.seed}" for scene in scenes),
        weather=("clear",) * len(scenes),
        pair=("exact",) * len(scenes),
        gsd_m=(None,) * len(scenes),
        questions=tuple(AskedQuestion(row, q.text, q.answer, q.type, q.template) for row, q in asked),
    )


def cover_of(hidden: NDArray[np.bool_], grid: int) -> Floats:
    """The share of each of ``grid`` x ``grid`` patches that is ``hidden`` [H, H], in reading order, [M].

    A pixel on the border of two patches counts in each with its part.
    """
    side = hidden.shape[0]
    first, pixel = np.arange(grid)[:, None] * side / grid, np.arange(side)
    within = np.clip(np.minimum(first + side / grid, pixel + 1) - np.maximum(first, pixel), 0, None)  # [grid, H]
    return (within @ hidden @ within.T).reshape(-1) / (side / grid) ** 2


def trust_maps(
    predictor: TgfnetPredictor, scenes: Sequence[CloudedScene], views: QuestionSet, table: QuestionTable
) -> TrustMaps:
    """The trust of a network with RQAF for every question of ``views``, which are :func:`clouded_set` of ``scenes``."""
    clear, cloud = (_trust(predictor, views, table, variant) for variant in range(2))
    scene = np.array([question.scene for question in views.questions])
    cover = np.stack([cover_of(each.hidden, predictor.config.grid) for each in scenes])  # [S, M]
    return TrustMaps(clear, cloud, cover[scene], scene, np.array([question.type for question in views.questions]))


def _trust(predictor: TgfnetPredictor, views: QuestionSet, table: QuestionTable, variant: int) -> Floats:
    """[Q, M] in the order of the questions."""
    found = np.full((len(views.questions), predictor.config.patches), np.nan)
    for output, questions in score_set(
        predictor.network, views, table, predictor.config, predictor.spec, predictor.device, variant=variant
    ):
        assert output.trust is not None
        found[questions.numpy()] = output.trust.float().cpu().numpy()
    return found


def figures(maps: TrustMaps) -> TrustFigures:
    """Everything that the page says of the maps of one network."""
    each = np.array([correlation(cover, drop) for cover, drop in zip(maps.cover, maps.drop, strict=True)])
    scenes = [
        float(np.mean(each[mine]))
        for one in np.unique(maps.scene)
        if np.isfinite(each[mine := maps.scene == one]).all()
    ]
    hidden, opened = maps.cover >= HIDDEN_FROM, maps.cover == 0
    return TrustFigures(
        questions=len(maps.type),
        pearson=correlation(maps.cover.ravel(), maps.drop.ravel()),
        spearman=correlation(stats.rankdata(maps.cover), stats.rankdata(maps.drop)),
        within=float(np.mean(scenes)) if scenes else np.nan,
        within_interval=student_interval(scenes),
        scenes=len(scenes),
        hidden=(_mean(maps.clear, hidden), _mean(maps.cloud, hidden)),
        open=(_mean(maps.clear, opened), _mean(maps.cloud, opened)),
    )


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's r, NaN where either does not vary: a scene wholly under cloud says nothing about where the cloud is."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(stats.pearsonr(one, other).statistic)


def _mean(values: Floats, where: NDArray[np.bool_]) -> float:
    return float(values[where].mean()) if where.any() else float("nan")


def middle_question(maps: TrustMaps, share: tuple[float, float] = (0.2, 0.6)) -> int | None:
    """The question in the middle by its correlation, of those whose scene is covered to a ``share``; None without any.

    It is the example that is drawn: neither the best nor the worst.
    """
    covered = maps.cover.mean(1)
    eligible = np.flatnonzero((covered >= share[0]) & (covered <= share[1]))
    each = {int(q): correlation(maps.cover[q], maps.drop[q]) for q in eligible}
    order = sorted((q for q, r in each.items() if np.isfinite(r)), key=lambda q: each[q])
    return order[len(order) // 2] if order else None
