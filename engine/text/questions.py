"""Question templates: what can be asked, in which words, and which words only the test split hears.

A :class:`Template` is one meaning ("does X occur?"); its wordings are ways to say it. The first group is for
training, the second is held out, so that a test measures whether a *question* was learnt and not a sentence. A
wording has slots filled from a :class:`Noun`'s forms: ``{any}`` (a ship, any farmland), ``{many}`` (ships),
``{the}`` (the ship), ``{mass}`` (farmland), ``{state}`` (cloudy); ``{other_…}`` are the second noun's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError

Wording = Literal["train", "held-out"]

QUESTION_TYPES: tuple[str, ...] = ("presence", "number", "compare", "location", "most", "fog-dark")


@dataclass(frozen=True, slots=True)
class Noun:
    """The forms of one class's name that wordings need."""

    any: str
    many: str
    the: str
    mass: str


@dataclass(frozen=True, slots=True)
class Template:
    """One meaning and the ways to say it; ``train`` and ``held_out`` share no wording."""

    name: str
    type: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]


NOUNS: dict[str, Noun] = {
    "water": Noun("any water", "water bodies", "the water", "water"),
    "forest": Noun("any forest", "forests", "the forest", "forest"),
    "farmland": Noun("any farmland", "fields", "the farmland", "farmland"),
    "grassland": Noun("any grassland", "meadows", "the grassland", "grassland"),
    "bare land": Noun("any bare land", "bare areas", "the bare land", "bare land"),
    "built-up area": Noun("any built-up area", "built-up areas", "the built-up area", "built-up area"),
    "river": Noun("a river", "rivers", "the river", "river"),
    "lake": Noun("a lake", "lakes", "the lake", "lake"),
    "sea": Noun("any sea", "seas", "the sea", "sea"),
    "road": Noun("a road", "roads", "the road", "road"),
    "bridge": Noun("a bridge", "bridges", "the bridge", "bridge"),
    "building": Noun("a building", "buildings", "the building", "building"),
    "ship": Noun("a ship", "ships", "the ship", "ship"),
    "storage tank": Noun("a storage tank", "storage tanks", "the storage tank", "storage tank"),
    "storage tanks": Noun("any storage tanks", "storage tanks", "the group of storage tanks", "storage tanks"),
}

_ALL: tuple[Template, ...] = (
    Template(
        "presence",
        "presence",
        (
            "Is there {any}?",
            "Is there {any} in the image?",
            "Can you see {any} here?",
            "Does the scene contain {any}?",
            "Is {any} present in this area?",
            "Do the images show {any}?",
            "Does this place have {any}?",
            "Is {any} visible in the pair?",
        ),
        (
            "Could one find {any} in this scene?",
            "Would you say that there is {any} in view?",
            "Has this area got {any}?",
        ),
    ),
    Template(
        "number",
        "number",
        (
            "How many {many} are there?",
            "How many {many} are in the image?",
            "What is the number of {many}?",
            "Count the {many}.",
            "How many {many} can you see?",
            "What is the count of {many} in this area?",
            "How many {many} does the scene contain?",
        ),
        (
            "Tell me how many {many} this place has.",
            "What number of {many} is visible?",
            "The scene shows how many {many}?",
        ),
    ),
    Template(
        "compare-count",
        "compare",
        (
            "Are there more {many} than {other_many}?",
            "Is the number of {many} larger than the number of {other_many}?",
            "Does the scene contain more {many} than {other_many}?",
            "Do {many} outnumber {other_many}?",
            "Can you see more {many} than {other_many}?",
            "Is the count of {many} above the count of {other_many}?",
        ),
        (
            "Would you count more {many} than {other_many} here?",
            "Compared with {other_many}, are {many} more numerous?",
        ),
    ),
    Template(
        "compare-area",
        "compare",
        (
            "Is there more {mass} than {other_mass}?",
            "Does {mass} cover more ground than {other_mass}?",
            "Is the area of {mass} larger than that of {other_mass}?",
            "Does {mass} take up more of the image than {other_mass}?",
            "Is {mass} more extensive than {other_mass}?",
            "Is a larger part of the scene {mass} than {other_mass}?",
        ),
        (
            "Compared with {other_mass}, does {mass} fill more of the view?",
            "Would you say that {mass} occupies a bigger share than {other_mass}?",
        ),
    ),
    Template(
        "compare-which",
        "compare",
        (
            "Which covers more ground, {mass} or {other_mass}?",
            "Is there more {mass} or more {other_mass}?",
            "Which is larger in area, {mass} or {other_mass}?",
            "Which of the two takes up more of the image: {mass} or {other_mass}?",
            "What is there more of, {mass} or {other_mass}?",
            "Does {mass} or {other_mass} cover the larger area?",
        ),
        (
            "Of {mass} and {other_mass}, which fills more of the view?",
            "Which occupies the bigger share, {mass} or {other_mass}?",
        ),
    ),
    Template(
        "location",
        "location",
        (
            "Where is {the}?",
            "Where is {the} in the image?",
            "In which part of the image is {the}?",
            "What is the position of {the}?",
            "Where can {the} be found?",
            "In what part of the scene does {the} lie?",
            "Where is {the} located?",
        ),
        (
            "Whereabouts in the view is {the}?",
            "Which part of the picture holds {the}?",
            "Point out the position of {the}.",
        ),
    ),
    Template(
        "most",
        "most",
        (
            "What is the dominant land cover?",
            "Which land cover takes up most of the image?",
            "What covers most of the scene?",
            "What is the main land cover in this area?",
            "Which land cover is the largest here?",
            "What kind of land cover prevails?",
            "What is most of the ground covered by?",
        ),
        (
            "Which cover type fills the biggest share of the view?",
            "What does this area mostly consist of?",
            "Name the predominant land cover.",
        ),
    ),
    Template(
        "weather",
        "fog-dark",
        (
            "Is the optical image cloudy, dark or clear?",
            "What is the condition of the optical image?",
            "What is the state of the optical image?",
            "How well can one see in the optical image?",
            "What is the visibility in the optical image?",
            "Does the optical image suffer from cloud or darkness?",
        ),
        (
            "Under which conditions was the optical image taken?",
            "How would you describe the viewing conditions of the optical image?",
        ),
    ),
    Template(
        "weather-check",
        "fog-dark",
        (
            "Is the optical image {state}?",
            "Is the optical picture {state}?",
            "Would you call the optical image {state}?",
            "Is this a {state} optical image?",
            "Is the view in the optical image {state}?",
            "Does the optical image look {state}?",
        ),
        (
            "Can the optical image be described as {state}?",
            "Was the optical image taken under {state} conditions?",
        ),
    ),
)

TEMPLATES: dict[str, Template] = {template.name: template for template in _ALL}


def word_question(template: str, wording: Wording, choice: int, *subjects: str) -> str:
    """The text of one question.

    ``choice`` is any whole number and picks a wording of the group. ``subjects`` are keys of :data:`NOUNS` (one,
    or two for comparisons), or the state asked about by ``weather-check``. Raises :class:`UsageError` for a
    template that does not exist.
    """
    if template not in TEMPLATES:
        raise UsageError(f"There is no question template {template}.", remedy=f"There are {', '.join(TEMPLATES)}.")
    group = TEMPLATES[template].train if wording == "train" else TEMPLATES[template].held_out
    slots: dict[str, str] = {}
    for prefix, subject in zip(("", "other_"), subjects, strict=False):
        noun = NOUNS.get(subject)
        slots[f"{prefix}state"] = subject
        if noun is not None:
            slots |= {f"{prefix}{form}": getattr(noun, form) for form in ("any", "many", "the", "mass")}
    return group[choice % len(group)].format(**slots)
