"""What the pictures of one scene show, class by class, and what is said of it: the truth of a rendered expression set.

Referrals (``engine.scenes.truths.referring``) name things of the *scene*. What cloud, fog or darkness hides is not in
the optical picture, so it is not listed and no text asks for it; an expression stays where it still names its thing
among what can be seen ("the largest ship" goes when a larger one lies under a cloud). But what is hidden is not denied
either: its class is *uncertain* in that picture, and no text claims or denies it. So are classes with things too small
for a box, or that the sensor does not resolve; all that has no boxes here, such as forests and buildings, where there
is any; and, where a town is only a texture, what towns are full of.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from engine.draws import Draws
from engine.grounding.data.expression_set import Expression, NamedThing, SensorName
from engine.scenes.asked import drawn_referrals, hidden_things, still_names
from engine.scenes.radar.radar_view import radar_view
from engine.scenes.sample import Sample
from engine.scenes.truths.facts import Thing, has_textured_town
from engine.scenes.truths.referring import (
    BOX_CATEGORIES,
    LOST_IN_TOWNS,
    SAR_CATEGORIES,
    SAR_ONLY,
    can_be_boxed,
)
from engine.text import Parsed, Wording
from engine.text.expression_templates import say

RESOLVED: dict[SensorName, tuple[str, ...]] = {
    "optical": tuple(name for name in BOX_CATEGORIES if name not in SAR_ONLY),
    "sar": tuple(name for name in BOX_CATEGORIES if name in SAR_CATEGORIES),
}
"""The classes whose things a picture of a sensor shows."""

SENSOR_NAMED: dict[SensorName, float] = {"optical": 0.1, "sar": 0.5}
"""How often a class in the plural is said with the sensor, as referrals are."""

_CLASS_STREAM = 100


@dataclass(frozen=True, slots=True)
class PictureTruth:
    """One sensor's picture of a scene. Boxes are in pixels of the view; all things are of picture 0, and expressions
    index ``things``. ``uncertain`` are classes that are neither claimed nor denied, ``unseen`` counts the expressions
    that were left out because weather hides what they name."""

    things: tuple[NamedThing, ...]
    expressions: tuple[Expression, ...]
    uncertain: tuple[str, ...]
    unseen: int


def picture_truth(
    sample: Sample, sensor: SensorName, wording: Wording, *, draws: int = 1, exam: bool = False
) -> PictureTruth:
    """The truth of one picture of ``sample``; of the SAR picture only where the pair is exact.

    ``draws`` is how often expressions are drawn: 1 are those of the sample, and 3 are about two and a half times as
    many. ``exam`` asks what a frozen exam asks: every expression among things of its class, hidden or not.
    """
    facts = sample.facts
    shown = radar_view(facts) if sensor == "sar" else facts
    hidden = hidden_things(sample) if sensor == "optical" and not exam else frozenset()
    listed = [
        thing
        for thing in shown.things
        if thing.name in RESOLVED[sensor] and thing.id not in hidden and can_be_boxed(facts, thing, sensor)
    ]
    place = {thing.id: number for number, thing in enumerate(listed)}
    lost = (*LOST_IN_TOWNS, "road") if has_textured_town(facts) else ()
    doubtful = {*lost, *(thing.name for thing in shown.things if thing.id not in place)}
    drawn = drawn_referrals(sample, wording, draws, "box")
    asked = [one for one in drawn if one.sensor == sensor and (one.distractors or not exam)]
    seen = [r for r in asked if r.members[0] in place and (not hidden or still_names(facts, hidden, r))]
    scored = [Expression(0, r.text, (place[r.members[0]],), r.category, r.how, r.distractors) for r in seen]
    return PictureTruth(
        things=tuple(NamedThing(0, thing.box, thing.name) for thing in listed),
        expressions=(*scored, *_classes(sample.seed, sensor, listed, doubtful, wording)),
        uncertain=tuple(sorted(doubtful)),
        unseen=len(asked) - len(seen),
    )


def _classes(
    seed: int, sensor: SensorName, listed: list[Thing], doubtful: Collection[str], wording: Wording
) -> list[Expression]:
    """Each class whose things are all known in the plural, with all of them: it teaches what a class looks like."""
    made = []
    for number, name in enumerate(BOX_CATEGORIES):
        members = tuple(place for place, thing in enumerate(listed) if thing.name == name)
        if not members or name in doubtful:
            continue
        draws = Draws(seed, _CLASS_STREAM + 2 * number + (sensor == "sar"))
        meaning = Parsed(name, plural=True, sensor=sensor if draws.chance(SENSOR_NAMED[sensor]) else "")
        text = say(meaning, wording, draws)
        made.append(Expression(0, text, members, name, "category", 0, scored=False))
    return made
