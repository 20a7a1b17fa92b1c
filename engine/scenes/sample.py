"""One training or test sample: a scene, both pictures of it, and questions with their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.draws import Draws
from engine.errors import UsageError
from engine.records.raster import SarUnit
from engine.scenes.layout import make_scene
from engine.scenes.optical import expose, render_clear
from engine.scenes.paint import paint_items
from engine.scenes.plan import VIEW
from engine.scenes.sar import DELIVERIES, deliver, render_sigma0, speckle, to_db
from engine.scenes.scene import Scene
from engine.scenes.surface import make_surface
from engine.scenes.truth import Asker, Question, Truth, read_truth
from engine.scenes.weather import Weather, add_weather
from engine.text import Wording

CONDITION_STREAM, OPTICAL_STREAM, SAR_STREAM = 3, 4, 5
LOOKS = (1.0, 2.0, 4.0, 4.4, 8.0)
WEATHERS: tuple[Weather, ...] = ("clear", "cloud", "dark")


@dataclass(frozen=True, slots=True)
class Sample:
    """A scene as two sensors saw it.

    ``optical`` uint8 [3, H, W] with the weather on it, ``optical_clear`` the same without; ``sar_db`` float32 [H, W]
    sigma0 in dB with speckle of ``looks`` looks; ``sar`` [H, W] the same image in ``sar_unit``. ``item_map`` int32
    [H, W] is the index into ``scene.items`` of what is on top; ``hidden`` bool [H, W] where cloud hides the ground.
    """

    seed: int
    scene: Scene
    truth: Truth
    weather: Weather
    optical: NDArray[np.uint8]
    optical_clear: NDArray[np.uint8]
    hidden: NDArray[np.bool_]
    sar_db: NDArray[np.float32]
    sar: NDArray[Any]
    sar_unit: SarUnit
    looks: float
    item_map: NDArray[np.int32]
    questions: tuple[Question, ...]

    @property
    def gsd_m(self) -> float:
        return self.scene.gsd_m


@dataclass(frozen=True, slots=True)
class Condition:
    """How a scene was taken: weather, unit of delivery and number of looks."""

    weather: Weather
    sar_unit: SarUnit
    looks: float


def draw_condition(seed: int) -> Condition:
    """The condition of one seed; drawn apart from the scene, so that overriding it changes nothing else."""
    draws = Draws(seed, CONDITION_STREAM)
    weather: Weather = draws.weighted(WEATHERS, (36, 38, 26))
    return Condition(weather, draws.choice(DELIVERIES), draws.choice(LOOKS))


def make_sample(
    seed: int,
    *,
    size: int = VIEW,
    wording: Wording = "train",
    questions_per_type: int = 1,
    weather: Weather | None = None,
    sar_unit: SarUnit | None = None,
) -> Sample:
    """The sample of one seed.

    ``wording`` chooses which wordings questions may use. ``weather`` and ``sar_unit`` are drawn from the seed where
    not given, and change nothing else. Same arguments, same truth on any machine, same pixels on one machine.
    Raises :class:`~engine.errors.UsageError` for a negative seed or a size outside 64 .. 4096.
    """
    if seed < 0 or not 64 <= size <= 4096:
        raise UsageError(
            f"No scene has seed {seed} and size {size}.", remedy="A seed is 0 or more, a size 64 to 4096 pixels."
        )
    scene = make_scene(seed, size)
    top = paint_items(scene.items, size)
    truth = read_truth(scene, top)
    drawn = draw_condition(seed)
    condition, unit, looks = weather or drawn.weather, sar_unit or drawn.sar_unit, drawn.looks

    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, OPTICAL_STREAM))))
    surface = make_surface(scene, top, rng)
    clear = render_clear(surface, rng)
    state = rng.bit_generator.state
    optical_clear = expose(clear, rng)
    rng.bit_generator.state = state
    weathered, hidden = add_weather(clear, condition, 0.7, scene.sun_deg, rng)
    optical = expose(weathered, rng) if condition != "clear" else optical_clear
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, SAR_STREAM))))
    sar_db = to_db(speckle(render_sigma0(surface, rng), looks, rng))
    questions = Asker(seed, truth, condition, wording).ask(questions_per_type)
    return Sample(
        seed, scene, truth, condition, optical, optical_clear, hidden, sar_db,
        deliver(sar_db, unit), unit, looks, top, questions,
    )  # fmt: skip
