"""Expressions that name things of a scene: one thing and its box (grounding), or any number and their mask.

Meanings are drawn, not texts: a class, what is said of it, and what that leaves. A meaning is used only where
:mod:`engine.scenes.truths.selection` finds it clear, and for a box only where exactly one thing is left. Those are
preferred that only attributes, place or relation tell apart from other things of the class, the *distractors*; sections
III-A and III-B of the RefSegRS paper (LGCE) name the same kinds of expression. Nothing is asked for that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.draws import Draws
from engine.scenes.radar.radar_view import echo_box, layover_px, radar_view
from engine.scenes.scene import COVERS, KINDS, OBJECTS, WATERS
from engine.scenes.truths.facts import Box, Facts, Thing, has_textured_town
from engine.scenes.truths.places import COMPACT_SHARE, MIDDLE_YES, SIDE_YES, gap
from engine.scenes.truths.selection import Selection, Selector
from engine.text.direction_words import Way
from engine.text.expression_templates import say
from engine.text.expression_words import DUTIES, NAMES
from engine.text.expressions import Parsed, Relation, Superlative
from engine.text.questions import Wording

REFERRAL_STREAM = 7

BOX_CATEGORIES: tuple[str, ...] = (
    "airplane", "ground track field", "tennis court", "bridge", "basketball court", "storage tank", "ship",
    "baseball diamond", "T junction", "crossroad", "parking lot", "harbor", "vehicle", "swimming pool",
    "transmission tower",
)  # fmt: skip
"""What boxes are asked for: the 14 optical categories of OptSAR-RSVG, and the towers of its SAR part."""

SAR_CATEGORIES: tuple[str, ...] = (
    "ship", "storage tank", "bridge", "transmission tower", "harbor", "airplane", "building", "built-up area", "forest",
    "river", "lake", "sea", "water", "runway",
)  # fmt: skip
"""What a SAR picture resolves: metal, walls and still water. Only these are named for it."""

SAR_ONLY: tuple[str, ...] = ("transmission tower",)
"""Thin lattice that an optical picture of this sampling does not show."""

LOST_IN_TOWNS: tuple[str, ...] = ("building", "crossroad", "T junction")
"""What a textured town is full of without having any: where one is seen, these are neither counted nor denied."""

MASK_CATEGORIES: tuple[str, ...] = (
    *COVERS, *WATERS, "road", "runway", "pier", *(name for name in OBJECTS if name != "transmission tower"),
)  # fmt: skip
"""What masks are asked for: whatever covers ground of its own."""

RELATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "vehicle": (("on", "road"), ("in", "parking lot"), ("on", "bridge"), ("beside", "building"), ("on", "concrete")),
    "building": (("along", "road"), ("along", "river"), ("beside", "parking lot"), ("beside", "swimming pool"),
                 ("beside", "storage tank"), ("surrounded", "forest"), ("surrounded", "grassland"),
                 ("in", "built-up area"), ("in", "farmland"), ("along", "pier")),
    "swimming pool": (("beside", "building"), ("along", "road"), ("in", "built-up area"), ("beside", "tennis court")),
    "ship": (("along", "pier"), ("in", "harbor"), ("on", "river"), ("on", "sea"), ("on", "lake")),
    "storage tank": (("along", "road"), ("beside", "building"), ("in", "concrete"), ("in", "grassland"),
                     ("in", "farmland"), ("beside", "pier"), ("surrounded", "grassland"), ("surrounded", "concrete")),
    "airplane": (("on", "runway"), ("beside", "building"), ("beside", "runway")),
    "transmission tower": (("in", "farmland"), ("in", "forest"), ("in", "grassland"), ("along", "road"),
                           ("along", "river"), ("beside", "building")),
    "bridge": (("over", "river"), ("over", "sea"), ("over", "lake"), ("beside", "T junction")),
    "parking lot": (("with", "vehicle"), ("along", "road"), ("beside", "building"), ("beside", "tennis court")),
    "harbor": (("with", "ship"), ("with", "pier")),
    "crossroad": (("beside", "building"), ("in", "built-up area"), ("beside", "bridge")),
    "T junction": (("beside", "building"), ("in", "built-up area"), ("beside", "bridge")),
    "lake": (("surrounded", "forest"), ("surrounded", "grassland"), ("surrounded", "farmland"), ("along", "road")),
    "pier": (("in", "harbor"), ("beside", "ship")),
    "road": (("along", "river"), ("beside", "parking lot")),
}  # fmt: skip
"""Relations that a class is often in, and to what."""

_GROUND = ("forest", "farmland", "grassland", "bare land", "wetland", "concrete", "built-up area")
_GROUND_RELATIONS = (
    ("along", "river"), ("along", "sea"), ("along", "lake"), ("along", "road"), ("beside", "forest"),
    ("beside", "built-up area"), ("surrounded", "forest"), ("surrounded", "farmland"), ("surrounded", "grassland"),
    ("surrounded", "built-up area"), ("along", "runway"),
)  # fmt: skip
_COURT_RELATIONS = (
    ("along", "road"), ("beside", "parking lot"), ("beside", "building"), ("beside", "ground track field"),
    ("beside", "tennis court"), ("beside", "swimming pool"),
)  # fmt: skip

BOX_SIDE_PX, BOX_AREA_PX = 3, 12
"""The least that must be seen of a thing for a box around it to mean something."""

ECHO_INSIDE_SHARE = 2 / 3
"""The least share of an echo's box that lies in the view; of what is laid over out of it no box is asked."""

FLAT_PX = 2.5
"""Of things that a radar lays over by more than this, masks are asked of the optical picture only."""

_BOX_PLANS: dict[tuple[str, ...], int] = {
    (): 1,
    ("attribute",): 3,
    ("position",): 3,
    ("superlative",): 1,
    ("relation",): 12,
    ("attribute", "position"): 4,
    ("attribute", "superlative"): 1,
    ("attribute", "relation"): 8,
    ("position", "superlative"): 1,
    ("position", "relation"): 5,
    ("attribute", "position", "relation"): 3,
}
"""What may be said of a thing at once, and how often it is tried; relations are seldom clear, superlatives mostly."""

_MASK_PLANS: dict[tuple[str, ...], int] = {
    (): 2,
    ("attribute",): 3,
    ("position",): 3,
    ("superlative",): 2,
    ("relation",): 10,
    ("attribute", "relation"): 4,
}
_LEAST, MOST_REFERRALS, _TRIES = 3, 6, 140
_DRAWS_APART = 1000  # between the streams of two draws
_MASK_PX = 24
_ALONE = {"box": 2, "mask": 1}
"""Referrals per scene and task that need no telling apart."""

Task = Literal["box", "mask"]
SensorName = Literal["optical", "sar"]


@dataclass(frozen=True, slots=True)
class Referral:
    """One expression with what it names.

    ``category`` is the class of the things, ``members`` their ids in :attr:`Facts.things`, ``distractors`` how many
    things of the class are not meant. ``box_xyxy_px`` bounds the one member of a "box" in pixels of the view (left,
    top, right, bottom, half-open), for ``sensor`` "sar" its echo with the layover, see
    :func:`~engine.scenes.radar.radar_view.echo_box`; a "mask" has none, see :func:`referral_mask`. ``sensor`` is the
    picture that shows it. ``how`` joins with "+" what tells the members apart: category, attribute, position,
    superlative, relation. ``template`` is ``how`` with the relation and the superlative named.
    """

    text: str
    task: Task
    category: str
    sensor: SensorName
    members: tuple[int, ...]
    box_xyxy_px: Box | None
    how: str
    distractors: int
    template: str


def refer(facts: Facts, seed: int, wording: Wording, *, draw: int = 0) -> tuple[Referral, ...]:
    """Up to six expressions with boxes and up to six with masks, as many as the scene offers.

    What is named does not depend on ``wording``, only the words do. Where the SAR picture is of another place or
    shifted, the referrals with ``sensor`` "sar" do not hold in it. ``draw`` 0 is what a scene and its exams ask; others
    are further draws from the same scene, some of which say the same again.
    """
    writer = _Writer(facts, seed, wording, draw)
    return (*writer.referrals("box"), *writer.referrals("mask"))


def referral_mask(facts: Facts, referral: Referral) -> NDArray[np.bool_]:
    """The pixels that ``referral`` names, bool [size, size].

    Of a land cover those on which nothing else stands; buildings belong to their built-up area.
    """
    mask = np.zeros(facts.top.shape, bool)
    for member in referral.members:
        mask |= facts.mask(facts.things[member])
    if referral.category in COVERS and referral.category != "built-up area":
        stands = np.array([item.cover is None for item in facts.scene.items])
        mask &= ~stands[facts.top]
    return mask


def can_be_boxed(facts: Facts, thing: Thing, sensor: SensorName) -> bool:
    """Whether enough of ``thing``, as the picture of ``sensor`` shows it, is in the view for a box around it.

    For "sar" ``thing`` is that of :func:`~engine.scenes.radar.radar_view.radar_view`, ``facts`` those on the ground.
    """
    left, top, right, bottom = thing.box
    if thing.area_px < BOX_AREA_PX or min(right - left, bottom - top) < BOX_SIDE_PX:
        return False
    if sensor == "optical":
        return True
    all_of_it = echo_box(facts.scene, facts.things[thing.id])
    area = (all_of_it[2] - all_of_it[0]) * (all_of_it[3] - all_of_it[1])
    return (right - left) * (bottom - top) >= ECHO_INSIDE_SHARE * area


class _Writer:
    """Draws the referrals of one scene."""

    def __init__(self, facts: Facts, seed: int, wording: Wording, draw: int) -> None:
        self.facts = facts
        self.wording: Wording = wording
        self.selector = Selector(facts)
        seen = radar_view(facts)
        self.radar = self.selector if seen is facts else Selector(seen)
        self.draws = Draws(seed, REFERRAL_STREAM + _DRAWS_APART * draw)
        hidden = LOST_IN_TOWNS if has_textured_town(facts) else ()
        self.names = [name for name in dict.fromkeys(thing.name for thing in facts.things) if name not in hidden]

    def referrals(self, task: Task) -> list[Referral]:
        """The referrals of one task; few of them without distractors, and no things named twice in the same way."""
        categories = [name for name in self.names if name in (BOX_CATEGORIES if task == "box" else MASK_CATEGORIES)]
        wanted = self.draws.between(_LEAST, MOST_REFERRALS)
        made: list[Referral] = []
        seen: set[tuple[tuple[int, ...], str]] = set()
        plans = _BOX_PLANS if task == "box" else _MASK_PLANS
        for _ in range(_TRIES if categories else 0):
            category = self.draws.weighted(categories, [min(3, len(self.selector.named(name))) for name in categories])
            meaning = self._meaning(category, self.draws.weighted(tuple(plans), tuple(plans.values())), task)
            words = self.draws.between(0, 1 << 32)  # drawn in any case: what is named does not depend on the wording
            if meaning is None:
                continue
            selection = self._select(meaning, meaning.sensor)
            referral = self._referral(meaning, selection, task, words)
            alone = sum(not one.distractors for one in made)
            if referral is None or (not referral.distractors and alone >= _ALONE[task]):
                continue
            if (key := (referral.members, referral.how)) not in seen:
                seen.add(key)
                made.append(referral)
            if len(made) == wanted:
                break
        return made

    # ---- what a sensor shows

    def _shown(self, sensor: str) -> tuple[Thing, ...]:
        """All things, as a picture of ``sensor`` shows them."""
        return (self.radar if sensor == "sar" else self.selector).facts.things

    def _select(self, meaning: Parsed, sensor: str) -> Selection:
        """What ``meaning`` names; for SAR it is clear only where it names the same by echoes and on the ground."""
        selection = self.selector.select(meaning)
        if sensor != "sar" or self.radar is self.selector or not selection.clear:
            return selection
        return selection if self.radar.select(meaning) == selection else Selection((), False)

    def _is_flat(self, thing: Thing) -> bool:
        """Whether the echo of ``thing`` lies where its footprint does."""
        return layover_px(self.facts.scene, thing) <= FLAT_PX

    # ---- meanings

    def _meaning(self, category: str, plan: tuple[str, ...], task: Task) -> Parsed | None:
        """A meaning that is true of a drawn thing of the class, as far as can be told cheaply."""
        thing = self.draws.choice(self.selector.named(category))
        sar = category in SAR_CATEGORIES and (category in SAR_ONLY or self.draws.chance(0.5))
        sensor = "sar" if sar and (task == "box" or self._is_flat(thing)) else "optical"
        thing = self._shown(sensor)[thing.id]
        meaning: Parsed | None = Parsed(category, sensor=sensor)
        for part in plan:
            if meaning is None:
                return None
            if part == "attribute":
                meaning = self._add_attribute(meaning, thing)
            elif part == "position":
                meaning = self._add_position(meaning, thing)
            elif part == "superlative":
                meaning = self._add_superlative(meaning, task)
            else:
                meaning = self._add_relation(meaning, thing, task)
        return meaning

    def _add_attribute(self, meaning: Parsed, thing: Thing) -> Parsed | None:
        """A kind, a colour or a size of ``thing``; SAR tells neither kinds nor colours."""
        options = ["large", "small"] if thing.item >= 0 else []
        if meaning.sensor != "sar":
            kind = self.selector.kind(thing)
            options += [kind] * 2 if kind in KINDS.get(thing.name, ()) and kind in _NAMED_KINDS else []
            options += [duty for duty, kinds in DUTIES.items() if kind in kinds]
            options += [thing.colour] * 3 if thing.colour else []
        if not options:
            return None
        first = self.draws.choice(options)
        attributes = {first}
        second = self.draws.choice(options)
        if first in _NAMED_KINDS and second == thing.colour:
            attributes.add(second)  # "the white van"
        return replace(meaning, attributes=tuple(sorted(attributes)))

    def _add_position(self, meaning: Parsed, thing: Thing) -> Parsed | None:
        """The cell or the side where ``thing`` is."""
        steps = [_step(at / self.facts.scene.size) for at in thing.centre]
        sides: list[Way] = [(steps[0], None)] if steps[0] else []
        sides += [(None, steps[1])] if steps[1] else []
        cells: list[Way] = [(steps[0], steps[1])] * 2 if None not in steps else []
        return replace(meaning, position=self.draws.choice(cells + sides)) if cells or sides else None

    def _add_superlative(self, meaning: Parsed, task: Task) -> Parsed:
        """The most of something; for a box also the second or third of an order."""
        long = meaning.category in ("ship", "bridge", "pier", "runway", "building")
        options = ["largest", "smallest"] + (["longest", "shortest"] if long else [])
        if task == "box":
            options += ["leftmost", "rightmost", "topmost", "bottommost"] * (1 if long else 2)
        rank = self.draws.weighted((1, 2, 3), (6, 3, 1)) if task == "box" else 1
        return replace(meaning, superlative=Superlative(self.draws.choice(options), rank))

    def _add_relation(self, meaning: Parsed, thing: Thing, task: Task) -> Parsed | None:
        category = meaning.category
        usual = RELATIONS.get(category, _GROUND_RELATIONS if category in _GROUND else _COURT_RELATIONS)
        usual = tuple(
            (kind, name) for kind, name in usual if name in self._seen_by(meaning.sensor) and name != category
        )
        if task == "box" and (not usual or self.draws.chance(0.55)):
            return self._add_neighbour(meaning, thing)
        if not usual:
            return None
        kind, name = self.draws.choice(usual)
        several = task == "mask" and len(self.selector.named(name)) > 1 and self.draws.chance(0.6)
        return replace(meaning, relation=Relation(kind, Parsed(name, plural=several)))

    def _add_neighbour(self, meaning: Parsed, thing: Thing) -> Parsed | None:
        """A direction from, or being the nearest to, some one thing that is itself easily named."""
        landmarks = self._landmarks(thing, meaning.sensor)
        others = [self._simply(other, meaning.sensor) for other in self.draws.sample(landmarks, 3)]
        other = next(((one, name) for one, name in others if name is not None), None)
        if other is None:
            return None
        one, name = other
        if self.draws.chance(0.3):
            return replace(meaning, relation=Relation("nearest", name))
        x, y = (a - b for a, b in zip(thing.centre, one.centre, strict=True))
        level, upright = 1 if x > 0 else -1, 1 if y > 0 else -1
        way: Way = (
            (level, None) if abs(x) > 2 * abs(y) else (None, upright) if abs(y) > 2 * abs(x) else (level, upright)
        )
        return replace(meaning, relation=Relation("direction", name, way))

    def _seen_by(self, sensor: str) -> list[str]:
        """The classes that may be spoken of where a picture of ``sensor`` is."""
        if sensor == "sar":
            return [name for name in self.names if name in SAR_CATEGORIES]
        return [name for name in self.names if name not in SAR_ONLY]

    def _landmarks(self, thing: Thing, sensor: str) -> list[Thing]:
        """Other things that a person would steer by: objects, places and lakes that are not too large."""
        limit = COMPACT_SHARE * self.facts.scene.size
        names = self._seen_by(sensor)
        return [
            one
            for one in self._shown(sensor)
            if one is not thing
            and one.name in names
            and (one.name in BOX_CATEGORIES or one.name in ("building", "lake"))
            and one.area_px >= BOX_AREA_PX
            and gap(one, thing) < limit
        ]

    def _simply(self, thing: Thing, sensor: str) -> tuple[Thing, Parsed | None]:
        """``thing`` with a short meaning that nothing else has, or with None."""
        alone = len(self.selector.named(thing.name)) == 1
        kind = self.selector.kind(thing)
        attributes = [] if alone or sensor == "sar" else [one for one in (thing.colour, kind) if one]
        options = [Parsed(thing.name, (one,)) for one in attributes if one == thing.colour or one in _NAMED_KINDS]
        options.append(Parsed(thing.name) if alone else Parsed(thing.name, superlative=Superlative("largest")))
        for meaning in options:
            if self._select(meaning, sensor) == Selection((thing.id,), True):
                return thing, meaning
        return thing, None

    # ---- referrals

    def _referral(self, meaning: Parsed, selection: Selection, task: Task, words: int) -> Referral | None:
        """The referral that ``meaning`` makes, if it is clear and its things can be seen well enough."""
        members = selection.members
        if not selection.clear or not members or (task == "box" and len(members) > 1):
            return None
        sensor: SensorName = "sar" if meaning.sensor == "sar" else "optical"
        first = self._shown(sensor)[members[0]]
        box = first.box if task == "box" else None
        seen = can_be_boxed(self.facts, first, sensor) if task == "box" else self._can_be_masked(members, sensor)
        if not seen:
            return None
        distractors = len(self.selector.named(meaning.category)) - len(members)
        how, template = _how(meaning)
        if task == "mask" and how != "category" and not distractors:
            return None  # "the buildings along the road" where all buildings are
        text = self._text(meaning, len(members) > 1, words)
        referral = Referral(text, task, meaning.category, sensor, members, box, how, distractors, template)
        if task == "mask" and referral_mask(self.facts, referral).sum() < _MASK_PX:
            return None
        return referral

    def _can_be_masked(self, members: tuple[int, ...], sensor: SensorName) -> bool:
        """Whether the pixels of ``members`` are where ``sensor`` shows them."""
        return sensor == "optical" or all(self._is_flat(self.facts.things[member]) for member in members)

    def _text(self, meaning: Parsed, several: bool, words: int) -> str:
        """The expression; the sensor is named every other time for SAR, and seldom for optical."""
        draws = Draws(words, REFERRAL_STREAM)
        named = draws.chance(0.5 if meaning.sensor == "sar" else 0.1)
        mass = any(name.mass for name in NAMES if name.category == meaning.category)
        plural = several and (not mass or draws.chance(0.3))
        meaning = replace(meaning, sensor=meaning.sensor if named else "", plural=plural)
        reference = meaning.relation.reference if meaning.relation else None
        one = reference is None or len(self.selector.select(reference).members) == 1
        return say(meaning, self.wording, draws, article="the" if one or _is_ground(reference) else "a")


_NAMED_KINDS = tuple(name.kind for name in NAMES if name.kind)


def _how(meaning: Parsed) -> tuple[str, str]:
    """What tells the members apart, and the same with the superlative and the relation named."""
    said = {
        "attribute": bool(meaning.attributes),
        "position": meaning.position is not None,
        "superlative": meaning.superlative is not None,
        "relation": meaning.relation is not None,
    }
    how = "+".join(part for part, is_said in said.items() if is_said) or "category"
    named = [part.kind for part in (meaning.superlative, meaning.relation) if part]
    return how, " ".join([how, *named])


def _is_ground(reference: Parsed | None) -> bool:
    """Whether it is spoken of as one even where it lies in pieces: "the road", "the forest"."""
    return reference is not None and reference.category in (*COVERS, *WATERS, "road", "runway")


def _step(share: float) -> int | None:
    """Low end, middle or high end of the view, as far as it is clear."""
    if abs(share - 0.5) <= MIDDLE_YES:
        return 0
    if min(share, 1 - share) > SIDE_YES:
        return None
    return -1 if share < 0.5 else 1
