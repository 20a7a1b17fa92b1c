"""Questions: what can be asked, in which words, and which words only the test split hears.

A :class:`~engine.text.templates.Template` is one meaning ("does X occur?"); its wordings are ways to say it. The
first group is for training, the second is held out, so that a test measures whether a *question* was learnt and not
a sentence. A wording has slots filled from a :class:`~engine.text.nouns.Noun`'s forms: ``{any}`` (a ship, any
farmland), ``{many}`` (ships), ``{the}`` (the ship), ``{mass}`` (farmland); ``{other_…}`` are the second noun's.
``{cell}`` is a ninth of the image, ``{side}`` a relation ("to the left of"), ``{word}`` an answer put to the test
("cloudy"). An introduction may stand before it: half of OSVQA's questions run over twenty words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.errors import UsageError
from engine.text.nouns import NOUNS
from engine.text.object_templates import OBJECT_TEMPLATES
from engine.text.scene_templates import SCENE_TEMPLATES
from engine.text.templates import Template

Wording = Literal["train", "held-out"]

QUESTION_TYPES: tuple[str, ...] = (
    "compare",
    "presence",
    "location",
    "number",
    "area",
    "shape",
    "distribution",
    "most",
    "theme",
    "fog-dark",
    "distance",
    "match",
    "urban",
    "length",
    "deduce",
    "quality",
)
"""The types of OSVQA, in the order of the paper (TGFNet, section IV-C)."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answer (of :data:`engine.text.ANSWERS`), its type and the template it was made from."""

    text: str
    answer: str
    type: str
    template: str


TEMPLATES: dict[str, Template] = {template.name: template for template in (*OBJECT_TEMPLATES, *SCENE_TEMPLATES)}

DEDUCTIONS: tuple[str, ...] = tuple(
    name.removeprefix("deduce-") for name, template in TEMPLATES.items() if template.type == "deduce"
)
"""Topics of what can be deduced, as :class:`~engine.text.description.Deduction` names them."""

_LEADS: dict[Wording, tuple[str, ...]] = {
    "train": (
        "",
        "",
        "",
        "",
        "In this scene, ",
        "In the pair of images, ",
        "Looking at the optical and the SAR image, ",
        "Judging from what can be seen in the two images of this place, ",
        "Taking into account what both of the sensors have recorded, ",
        "In the area that is shown by the optical image and by the SAR image, ",
    ),
    "held-out": (
        "",
        "",
        "With both pictures at hand, ",
        "As far as this view lets one tell, ",
        "Going by the optical picture and the radar picture together, ",
    ),
}

_CELLS: dict[str, str] = {
    "top left": "top left",
    "top": "top center",
    "top right": "top right",
    "left": "left center",
    "center": "central",
    "right": "right center",
    "bottom left": "bottom left",
    "bottom": "bottom center",
    "bottom right": "bottom right",
}
"""What a cell of the nine is called before "part of the image"."""

_SIDES: dict[str, str] = {
    "left": "to the left of",
    "right": "to the right of",
    "top": "above",
    "bottom": "below",
}

_CHECKED: dict[str, str] = {
    "residential area": "a residential area",
    "industrial area": "an industrial area",
    "harbor": "a harbor",
    "airport": "an airport",
    "sports ground": "a sports ground",
    "natural area": "a natural area",
    "coast": "a coast",
    "clustered": "clustered together",
    "scattered": "scattered over the image",
}
"""How an answer word is put to the test in a question, where it is not as it stands."""


def word_question(template: str, wording: Wording, choice: int, *slots: str) -> str:
    """The text of one question.

    ``choice`` is any whole number of 0 or more and picks wording and introduction. ``slots`` are keys of
    :data:`~engine.text.NOUNS` (one, or two for comparisons and relations), then the word that the template puts to
    the test, if it does: a cell, a side, a state. Raises :class:`~engine.errors.UsageError` for a template that does
    not exist.
    """
    if template not in TEMPLATES:
        raise UsageError(f"There is no question template {template}.", remedy=f"There are {', '.join(TEMPLATES)}.")
    meant = TEMPLATES[template]
    group = meant.train if wording == "train" else meant.held_out
    text = group[choice % len(group)].format(**_fillings(slots))
    leads = _LEADS[wording]
    lead = leads[choice // len(group) % len(leads)] if meant.led else ""
    return lead + text[0].lower() + text[1:] if lead else text[0].upper() + text[1:]


def _fillings(slots: tuple[str, ...]) -> dict[str, str]:
    """What stands in each slot: a word to be tested under three names, and the forms of one or two nouns."""
    filled: dict[str, str] = {}
    if slots:
        word = slots[-1]
        filled = {"cell": _CELLS.get(word, word), "side": _SIDES.get(word, word), "word": _CHECKED.get(word, word)}
    for prefix, name in zip(("", "other_"), slots, strict=False):
        noun = NOUNS.get(name)
        if noun is not None:
            filled |= {f"{prefix}{form}": getattr(noun, form) for form in ("any", "many", "the", "mass")}
    return filled
