"""One training or test sample: a scene, both pictures of it, and what is true of it.

:func:`make_truth` stops short of the pictures: layout, facts, questions and expressions, for exams, statistics and
hashes. :func:`make_sample` renders what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.draws import Draws, SteadyGenerator
from engine.errors import UsageError
from engine.records.raster import SarUnit
from engine.scenes.balance import BALANCE
from engine.scenes.condition import PAIRS, Condition, Pair, draw_condition
from engine.scenes.layout import make_scene
from engine.scenes.optics.optical import expose, render_clear
from engine.scenes.optics.weather import Weather, add_weather
from engine.scenes.paint import paint_items
from engine.scenes.plan import VIEW
from engine.scenes.radar.sar import deliver, render_sigma0, speckle, to_db
from engine.scenes.radar.scatterers import impulse_px
from engine.scenes.scene import Mark, Scene, moved
from engine.scenes.surface import Surface, make_surface
from engine.scenes.truths.facts import Facts, measure
from engine.scenes.truths.referring import Referral, refer
from engine.scenes.truths.truth import describe
from engine.text import Asker, Description, Question, Wording

QUESTION_STREAM, OPTICAL_STREAM, SAR_STREAM, WEATHER_STREAM = 2, 4, 5, 6
OTHER_PLACE = 1 << 40
"""Added to a seed for the seed of the place that the SAR picture of an "other" pair shows; no set of scenes has it."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one seed, without any picture. Where the SAR picture is moved or of another place, there are
    no ``referrals`` for it."""

    seed: int
    facts: Facts
    condition: Condition
    description: Description
    questions: tuple[Question, ...]
    referrals: tuple[Referral, ...]

    @property
    def scene(self) -> Scene:
        return self.facts.scene


@dataclass(frozen=True, slots=True)
class Sample:
    """A scene as two sensors saw it, all arrays over the view.

    ``optical`` uint8 [3, H, W] with the weather on it, ``optical_clear`` the same without; ``hidden`` bool [H, W] where
    weather hides the ground. ``sar_db`` float32 [H, W] is sigma0 in dB with speckle of ``looks`` looks, ``sar`` [H, W]
    the same picture in ``sar_unit``. With ``pair`` "shifted" the SAR picture's content is moved by ``shift_px`` columns
    and rows, with "other" it is of another place; all truth is in the optical picture's frame.
    """

    truth: Truth
    optical: NDArray[np.uint8]
    optical_clear: NDArray[np.uint8]
    hidden: NDArray[np.bool_]
    sar_db: NDArray[np.float32]
    sar: NDArray[Any]

    @property
    def seed(self) -> int:
        return self.truth.seed

    @property
    def scene(self) -> Scene:
        return self.truth.scene

    @property
    def gsd_m(self) -> float:
        return self.truth.scene.gsd_m

    @property
    def weather(self) -> Weather:
        return self.truth.condition.weather

    @property
    def strength(self) -> float:
        """Of the weather, 0..1."""
        return self.truth.condition.strength

    @property
    def sar_unit(self) -> SarUnit:
        return self.truth.condition.sar_unit

    @property
    def looks(self) -> float:
        return self.truth.condition.looks

    @property
    def pair(self) -> Pair:
        return self.truth.condition.pair

    @property
    def shift_px(self) -> tuple[int, int]:
        return self.truth.condition.shift_px

    @property
    def facts(self) -> Facts:
        return self.truth.facts

    @property
    def item_map(self) -> NDArray[np.int32]:
        """int32 [H, W]: the index into ``scene.items`` of what is on top."""
        return self.truth.facts.top

    @property
    def description(self) -> Description:
        return self.truth.description

    @property
    def questions(self) -> tuple[Question, ...]:
        return self.truth.questions

    @property
    def referrals(self) -> tuple[Referral, ...]:
        return self.truth.referrals


def make_truth(
    seed: int,
    *,
    size: int = VIEW,
    wording: Wording = "train",
    questions_per_type: int = 1,
    weather: Weather | None = None,
    sar_unit: SarUnit | None = None,
    pair: Pair | None = None,
) -> Truth:
    """The truth of one seed, the same on any machine.

    ``wording`` chooses which wordings questions may use; what is asked does not depend on it. ``weather``, ``sar_unit``
    and ``pair`` are drawn from the seed where not given, and change the scene in nothing.
    Raises :class:`~engine.errors.UsageError` for a negative seed or a size outside 64 .. 4096.
    """
    if seed < 0 or not 64 <= size <= 4096:
        raise UsageError(
            f"No scene has seed {seed} and size {size}.", remedy="A seed is 0 or more, a size 64 to 4096 pixels."
        )
    condition = draw_condition(seed, weather=weather, sar_unit=sar_unit, pair=pair)
    scene = make_scene(seed, size)
    facts = measure(scene, paint_items(scene.items, size))
    description = describe(facts, condition, _clouded(scene, condition))
    asker = Asker(Draws(seed, QUESTION_STREAM), description, wording, BALANCE)
    referrals = refer(facts, seed, wording)
    if condition.pair != "exact":
        referrals = tuple(referral for referral in referrals if referral.sensor == "optical")
    return Truth(seed, facts, condition, description, asker.ask(questions_per_type), referrals)


def make_sample(
    seed: int,
    *,
    size: int = VIEW,
    wording: Wording = "train",
    questions_per_type: int = 1,
    weather: Weather | None = None,
    sar_unit: SarUnit | None = None,
    pair: Pair | None = None,
) -> Sample:
    """The sample of one seed: :func:`make_truth` of the same arguments, and both pictures of it.

    Same arguments, same truth on any machine, same pixels on one machine. Raises as :func:`make_truth` does.
    """
    truth = make_truth(
        seed, size=size, wording=wording, questions_per_type=questions_per_type,
        weather=weather, sar_unit=sar_unit, pair=pair,
    )  # fmt: skip
    scene, condition = truth.scene, truth.condition
    rng = _pixel_rng(seed, OPTICAL_STREAM)
    surface = make_surface(scene, truth.facts.top, rng)
    clear = render_clear(surface, rng)
    state = rng.bit_generator.state
    optical_clear = expose(clear, rng)
    rng.bit_generator.state = state
    seen, hidden = add_weather(
        clear, condition.weather, condition.strength, scene.sun_deg, SteadyGenerator(seed, WEATHER_STREAM)
    )
    optical = expose(seen, rng) if condition.weather != "clear" else optical_clear

    surface = _seen_by_radar(surface, condition)
    rng = _pixel_rng(seed, SAR_STREAM, PAIRS.index(condition.pair))
    blur_px = impulse_px(surface.scene.gsd_m)
    sar_db = to_db(speckle(render_sigma0(surface, rng), condition.looks, rng, blur_px=blur_px))
    return Sample(truth, optical, optical_clear, hidden, sar_db, deliver(sar_db, condition.sar_unit))


def under_weathers(truth: Truth, skies: Sequence[tuple[Weather, float]]) -> list[NDArray[np.uint8]]:
    """The optical picture [3, H, W] of the same scene under each of ``skies`` (weather and strength, 0..1).

    With the weather and strength of the truth it is the sample's own picture; ground, light and camera are the same in
    all of them, and so is the lie of the clouds. The truth is that of its own weather: what it says about cloud, fog,
    darkness and the quality of the picture does not hold for the others.
    """
    rng = _pixel_rng(truth.seed, OPTICAL_STREAM)
    clear = render_clear(make_surface(truth.scene, truth.facts.top, rng), rng)
    state = rng.bit_generator.state
    pictures = []
    for weather, strength in skies:
        rng.bit_generator.state = state
        clouds = SteadyGenerator(truth.seed, WEATHER_STREAM)
        pictures.append(expose(add_weather(clear, weather, strength, truth.scene.sun_deg, clouds)[0], rng))
    return pictures


def _pixel_rng(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def _clouded(scene: Scene, condition: Condition) -> NDArray[np.bool_]:
    """Where cloud hides the ground, bool [size, size]: it does not depend on the picture, so that none is needed."""
    if condition.weather != "cloud":
        return np.zeros((scene.size, scene.size), bool)
    blank = np.zeros((scene.size, scene.size, 3), np.float32)
    rng = SteadyGenerator(scene.seed, WEATHER_STREAM)
    return add_weather(blank, "cloud", condition.strength, scene.sun_deg, rng)[1]


def _seen_by_radar(surface: Surface, condition: Condition) -> Surface:
    """What the SAR picture shows: the same ground, the same moved, or that of another seed."""
    scene = surface.scene
    if condition.pair == "exact":
        return surface
    if condition.pair == "shifted":
        there = translated(scene, *condition.shift_px)
        return _moved(surface, _raise(there), *condition.shift_px)
    return _raise(make_scene(scene.seed + OTHER_PLACE, scene.size))


def _raise(scene: Scene) -> Surface:
    return make_surface(scene, paint_items(scene.items, scene.size), _pixel_rng(scene.seed, OPTICAL_STREAM))


def _moved(surface: Surface, there: Surface, dx: int, dy: int) -> Surface:
    """``there``, the surface of the moved scene, with trees and houses where ``surface`` has them, moved as well.

    They are drawn by pixel, not by vector; only along the border, where nothing can be moved in, are they new ones.
    """
    size = surface.scene.size
    here = (slice(max(-dy, 0), size - max(dy, 0)), slice(max(-dx, 0), size - max(dx, 0)))
    to = (slice(max(dy, 0), size - max(-dy, 0)), slice(max(dx, 0), size - max(-dx, 0)))
    moved_arrays = {}
    for part in fields(surface):
        values = getattr(there, part.name)
        if part.name not in ("scene", "top"):
            values = values.copy()
            values[to] = getattr(surface, part.name)[here]
            moved_arrays[part.name] = values
    return replace(there, **moved_arrays)


def translated(scene: Scene, dx: float, dy: float) -> Scene:
    """``scene`` with all that is in it moved by ``dx`` columns and ``dy`` rows; the view stays."""
    items = tuple(moved(item, dx, dy) for item in scene.items)
    marks = tuple(
        Mark(mark.name, replace(mark.outline, points=tuple((x + dx, y + dy) for x, y in mark.outline.points)))
        for mark in scene.marks
    )
    return replace(scene, items=items, marks=marks)
