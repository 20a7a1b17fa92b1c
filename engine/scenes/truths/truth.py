"""What is true of a scene as it was taken: the record from which questions are asked.

Everything is read off the maps of what can be seen (:mod:`engine.scenes.truths.facts`), in the optical picture's frame.
Facts near a threshold are left out. When the SAR picture is of another place, what lies on the ground depends on which
of the two pictures is meant; then only the optical picture's state, whether both match, and which picture shows what
the optical one has are known.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.scenes.condition import Condition
from engine.scenes.optics.weather import Weather
from engine.scenes.scene import COVERS, OBJECTS
from engine.scenes.truths import measures
from engine.scenes.truths.counted import read_counted
from engine.scenes.truths.deductions import deduce
from engine.scenes.truths.facts import Facts, Thing
from engine.scenes.truths.patches import PATCHED, read_patches
from engine.scenes.truths.reading import SEEN_SHARE, Reading
from engine.scenes.truths.ways import read_ways
from engine.text import THEME_ANSWERS, Description, Relation, Subject
from engine.text.vocabulary import LENGTH_CAP_PX, LENGTH_STEP_PX

WEATHER_WORDS: dict[Weather, str] = {"clear": "clear", "cloud": "cloudy", "fog": "foggy", "dark": "dark"}

CLEAR_STRENGTH = 0.45
"""Weather weaker than this is neither there nor not there."""

_HIDDEN_FROM, _SHOWN_TO = 0.85, 0.05
"""A thing of which this share is under cloud is hidden, and shown where no more than that is."""

_SAME_PLACE_PX = 6
"""Pictures that are shifted by no more match; of a larger shift some would say so and some not."""

_VEILED_FROM = 0.8
"""From this strength on fog and darkness leave nothing clear."""

_OPTICAL_ONLY = ("tennis court", "basketball court", "baseball diamond", "ground track field", "swimming pool")
"""Flat and painted: colours that a radar does not see."""

_BOTH_SHOW = ("ship", "storage tank", "bridge", "airplane", "harbor", "lake", "river", "sea", "forest", "building")
"""What stands out from its surroundings to a radar as well: metal, walls, tree crowns, and water's calm."""

_NAMED_AT_MOST = 8
_FAR_PX, _DISTANCE_MARGIN_PX = 30.0, 4.0
_COMPACT_SHARE = 0.35
_URBAN_FROM, _RURAL_TO = 0.4, 0.12
_MAIN_SHARE, _MAIN_LEAD = 0.35, 0.08


def describe(facts: Facts, condition: Condition, hidden: NDArray[np.bool_]) -> Description:
    """The description of a scene taken under ``condition``, with cloud over ``hidden``, bool [size, size]."""
    weather = weather_word(condition.weather, condition.strength)
    if condition.pair == "other":
        return Description(match=False, weather=weather, subjects=_qualities((), facts, condition, hidden))
    reading = Reading(facts)
    covers, patches = read_patches(reading)
    subjects = (*read_counted(reading), *covers, *read_ways(reading))
    known: dict[str, bool | None] = {subject.name: subject.present for subject in subjects}
    known["residential"] = _town_share(facts, "residential") >= SEEN_SHARE
    themes = _themes(facts, known)
    applying = [word for word, applies in themes if applies]
    return Description(
        match=True if max(map(abs, condition.shift_px)) <= _SAME_PLACE_PX else None,
        weather=weather,
        urban=_urban(facts),
        theme=applying[0] if len(applying) == 1 and len(themes) >= len(THEME_ANSWERS) - 2 else None,
        themes=themes,
        main_cover=_main_cover(facts),
        main_object=_main_object(reading),
        subjects=_qualities(subjects, facts, condition, hidden),
        relations=_relations(reading, patches),
        deduce=deduce(known),
    )


# ---- weather


def weather_word(weather: Weather, strength: float) -> str | None:
    """The word of ``WEATHER_ANSWERS`` for a weather, or None where it is too weak to be there or not there."""
    return None if 0 < strength < CLEAR_STRENGTH else WEATHER_WORDS[weather]


def optical_shows(weather: Weather, strength: float, covered: float | None) -> bool | None:
    """Whether an optical picture clearly shows a thing under ``weather``; None where that is not clear.

    Cloud is judged by ``covered``, the share (0..1) of the thing that is under it, None if unknown. Fog and darkness
    veil the whole picture: from four fifths of their strength on nothing is clear in it, and below that it depends on
    the thing, so that nothing is said.
    """
    if weather == "clear":
        return True
    if weather != "cloud":
        return False if strength >= _VEILED_FROM else None
    if covered is None or _SHOWN_TO < covered < _HIDDEN_FROM:
        return None
    return covered <= _SHOWN_TO


# ---- the whole view


def _town_share(facts: Facts, kind: str = "") -> float:
    """Share of the view that is built-up area, of one kind if given; what stands on it counts."""
    items = facts.scene.items
    towns = [item.name == "built-up area" and kind in ("", item.kind) for item in items]
    return float(np.array(towns)[facts.ground].mean())


def _urban(facts: Facts) -> bool | None:
    """Urban where built-up area and concrete take up two fifths, rural where they take up next to nothing."""
    built = facts.shares["built-up area"] + facts.shares["concrete"]
    if built >= _URBAN_FROM:
        return True
    return False if built <= _RURAL_TO and facts.counts["building"] <= 6 else None


def _main_cover(facts: Facts) -> str | None:
    """The largest land cover, if it takes up a third of the view and clearly more than the next."""
    ranked = sorted((facts.shares[cover], cover) for cover in COVERS)
    clear = ranked[-1][0] >= _MAIN_SHARE and ranked[-1][0] - ranked[-2][0] >= _MAIN_LEAD
    return ranked[-1][1] if clear else None


def _main_object(reading: Reading) -> str | None:
    """The most numerous class of objects, if there are clearly more of it than of any other."""
    if reading.textured:
        return None
    ranked = sorted((reading.facts.counts[name], name) for name in OBJECTS)
    first, second = ranked[-1][0], ranked[-2][0]
    return ranked[-1][1] if first >= max(2, second + 1) and first >= 1.3 * second else None


def _themes(facts: Facts, known: dict[str, bool | None]) -> tuple[tuple[str, bool], ...]:
    """For each kind of place whether the scene is one; those in doubt are left out."""
    share, count = facts.shares, facts.counts
    built = share["built-up area"] + share["concrete"]
    grounds = sum(count[n] for n in ("tennis court", "basketball court", "baseball diamond", "ground track field"))
    nature = sum(share[n] for n in ("forest", "grassland", "bare land", "wetland", "water"))
    evidence = {
        "residential area": _grade(_town_share(facts, "residential"), 0.35, 0.02),
        "industrial area": _grade(_town_share(facts, "industrial") + share["concrete"], 0.3, 0.03),
        "harbor": _grade(count["harbor"], 1, 0) if share["water"] > 0 else False,
        "airport": _grade(share["runway"] * 50 + count["airplane"], 1, 0),
        "sports ground": _grade(grounds, 3, 0),
        "farmland": _grade(share["farmland"], 0.55, 0.05),
        "natural area": _grade(nature - built - share["road"] * 4, 0.8, 0.3),
        "coast": _grade(share["sea"], 0.12, 0.0),
    }
    return tuple((word, applies) for word, applies in evidence.items() if applies is not None)


def _grade(amount: float, enough: float, nothing: float) -> bool | None:
    return True if amount >= enough else False if amount <= nothing else None


# ---- relations


def _relations(reading: Reading, patches: list[tuple[str, Thing]]) -> tuple[Relation, ...]:
    """Directions and distances between things that a name tells apart, and between the only two of a class."""
    facts, found = reading.facts, list[Relation]()
    named = _named_things(reading, patches)
    for index, (name, thing) in enumerate(named):
        for other_name, other in named[index + 1 :]:
            if thing.name == other.name or _overlap(thing, other):
                continue
            gap = math.dist(thing.centre, other.centre) * reading.scale
            far = gap >= _FAR_PX
            way = measures.direction(thing.centre, other.centre) if far else None
            back = measures.direction(other.centre, thing.centre) if far else None
            found.append(Relation(name, other_name, way, _clear_distance(gap)))
            found.append(Relation(other_name, name, back, None))
    for name, count in facts.counts.items():
        if count == 2 and not reading.uncountable(name):
            one, other = facts.named(name)
            gap = math.dist(one.centre, other.centre) * reading.scale
            found.append(Relation(name, name, None, _clear_distance(gap)))
    return tuple(found)


def _named_things(reading: Reading, patches: list[tuple[str, Thing]]) -> list[tuple[str, Thing]]:
    """The only thing of its class, and the patch of a cover that stands out, if it is compact; a few at most."""
    facts = reading.facts
    singles = [name for name, count in facts.counts.items() if count == 1 and not reading.uncountable(name)]
    found = [(name, facts.named(name)[0]) for name in singles]
    for name, patch in patches:
        one_place = patch.name in PATCHED and patch.name != "built-up area"
        if one_place and patch.area_px >= SEEN_SHARE * reading.size**2:
            found.append((name, patch))
    return [pair for pair in found if _compact(pair[1], reading.size)][:_NAMED_AT_MOST]


def _compact(thing: Thing, size: int) -> bool:
    """Wholly in the view and not wide: its middle is where one would point."""
    left, top, right, bottom = thing.box
    return thing.whole and max(right - left, bottom - top) <= _COMPACT_SHARE * size


def _overlap(one: Thing, other: Thing) -> bool:
    a, b = one.box, other.box
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _clear_distance(pixels: float) -> float | None:
    """A distance in pixels of the 256 view, unless it is within 4 pixels of the edge of a bin."""
    edge = min(max(round(pixels / LENGTH_STEP_PX), 1) * LENGTH_STEP_PX, LENGTH_CAP_PX)
    return None if abs(pixels - edge) < _DISTANCE_MARGIN_PX else pixels


# ---- which picture shows what


def _qualities(
    subjects: tuple[Subject, ...], facts: Facts, condition: Condition, hidden: NDArray[np.bool_]
) -> tuple[Subject, ...]:
    """``subjects`` with the picture that shows each; of another place's SAR picture, what only the optical one has."""
    words = {}
    for name in (*_BOTH_SHOW, *_OPTICAL_ONLY):
        things = facts.named(name)
        if things and facts.shares.get(name, 1.0) >= SEEN_SHARE:
            word = _quality(name, things, facts, condition, hidden)
            if word is not None:
                words[name] = word
    known = {subject.name for subject in subjects}
    added = tuple(Subject(name, quality=word) for name, word in words.items() if name not in known)
    return tuple(_with_quality(subject, words.get(subject.name)) for subject in subjects) + added


def _with_quality(subject: Subject, word: str | None) -> Subject:
    return subject if word is None else replace(subject, quality=word)


def _quality(
    name: str, things: list[Thing], facts: Facts, condition: Condition, hidden: NDArray[np.bool_]
) -> str | None:
    """The sensor that shows a class: the optical one unless weather hides it, the SAR one if its echo stands out."""
    covered = None
    if condition.weather == "cloud":
        covered = _covered(things, facts, hidden)
    optical = optical_shows(condition.weather, condition.strength, covered)
    if optical is None:
        return None
    sar = name in _BOTH_SHOW and condition.pair != "other"
    if optical:
        return "both" if sar else "optical image"
    return "SAR image" if sar else "neither"


def _covered(things: list[Thing], facts: Facts, hidden: NDArray[np.bool_]) -> float:
    """The share of the things' pixels over which there is cloud."""
    under = 0
    for thing in things:
        left, top, right, bottom = thing.box
        view = (slice(top, bottom), slice(left, right))
        own = facts.top[view] == thing.item if thing.item >= 0 else facts.labels[thing.name][view] == thing.id + 1
        under += int((own & hidden[view]).sum())
    return under / sum(thing.area_px for thing in things)
