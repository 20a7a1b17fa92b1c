"""The words for directions, and the look-alikes that are none or that nobody can be sure of.

Three tables, tried in this order on a sentence:

* :data:`IDIOMS` hold a direction word that means no direction ("right next to", "under construction", "a bridge over
  the river"). They stay true however the picture is turned, and are left alone.
* :data:`DOUBTS` may or may not be a direction of the picture ("the ship left the harbor", "facing north", "up the
  road", "North Street"). A sentence with one is never rewritten.
* :data:`PHRASES` are directions.

A way is ``(x, y)``: -1 left, +1 right, -1 up, +1 down, 0 in the middle, None not said. North is up, as in the captions
of the published sets.
"""

from __future__ import annotations

import re

Way = tuple[int | None, int | None]

LEFT, RIGHT, UP, DOWN = (-1, None), (1, None), (None, -1), (None, 1)

STYLES: dict[str, dict[Way, str]] = {
    "plain": {LEFT: "left", RIGHT: "right", UP: "top", DOWN: "bottom"},
    "hand": {LEFT: "left-hand", RIGHT: "right-hand", UP: "upper", DOWN: "lower"},
    "spaced hand": {LEFT: "left hand", RIGHT: "right hand"},
    "compass": {LEFT: "west", RIGHT: "east", UP: "north", DOWN: "south"},
    "to": {LEFT: "to the left of", RIGHT: "to the right of", UP: "above", DOWN: "below"},
    "on": {LEFT: "on the left of", RIGHT: "on the right of", UP: "at the upper side of", DOWN: "at the lower side of"},
    "over": {UP: "over", DOWN: "under"},
}
"""Words that stand for each other when a picture is turned; within a style each way has one word, so turning back
gives the word that was there."""

WAYS_OF: dict[str, tuple[str, Way]] = {
    word: (style, way) for style, words in STYLES.items() for way, word in words.items()
}
"""Word -> its style and way."""

CENTRES: frozenset[str] = frozenset({"center", "centre", "middle", "central"})

HOURS: tuple[str, ...] = (
    "twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
)  # fmt: skip

PICTURE: frozenset[str] = frozenset(
    f"{noun}{plural}"
    for noun in ("image", "picture", "photo", "photograph", "scene", "view", "frame", "map", "tile", "screen", "figure")
    for plural in ("", "s")
)
"""What an absolute direction is a direction of."""

NUMBERS: tuple[str, ...] = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

COMPARED: frozenset[str] = frozenset((*NUMBERS, "all", "these", "those", "them", "which"))
"""After "of", these say that things are compared with each other: "the left of the two"."""

PARTS: tuple[str, ...] = (
    "side", "part", "half", "corner", "edge", "area", "region", "portion", "end", "section", "quadrant", "border",
    "boundary", "direction", "position",
)  # fmt: skip
"""What a picture or a thing has on its left: "the left part of"."""

STOPS: tuple[str, ...] = (
    "on", "in", "at", "of", "to", "near", "next", "beside", "besides", "along", "alongside", "with", "and", "or", "is",
    "are", "was", "that", "which", "who", "where", "by", "from", "between", "inside", "within", "surrounded",
    "enclosed", "above", "below", "over", "under", "has", "have", "adjacent", "close", "closest", "nearest", "there",
    "standing", "spanning", "across", "crossing", "having", "located", "situated",
)  # fmt: skip
"""Words that no thing's name begins with, and that end one."""

_SIDE = r"(?:top|bottom|upper|lower|(?:left|right)(?:[- ]hand)?|cent(?:er|re)|middle|central)"
_HOUR = rf"(?:1[0-2]|[1-9]|{'|'.join(HOURS)})"

PHRASES = re.compile(
    rf"""
      \b (?P<preposition> (?:to|on)\ the\ (?:left|right)\ of | at\ the\ (?:upper|lower)\ side\ of
                        | above | below | over | under ) \b
    | \b (?P<clock> {_HOUR} ) [ -]? o['’]?\ ?clock \b
    | \b (?P<axis> horizontal | vertical ) (?:ly)? \b
    | \b (?P<pole> north | south ) (?: (?P<gap> [ -]? ) (?P<limb> east | west ) )? (?P<ending> ern | erly )?
         (?P<polemost> [ -]?most )? \b
    | \b (?P<lonelimb> east | west ) (?: ern | erly )? (?P<limbmost> [ -]?most )? \b
    | \b (?P<first> {_SIDE} ) (?: [ -] (?! (?P=first) \b ) (?P<second> {_SIDE} ) )? (?P<most> (?<!hand) [ -]?most )? \b
    """,
    re.VERBOSE | re.IGNORECASE,
)

# "the left", "upper left", "its left": what stands before a direction, and never before a verb or an emphasis.
_NOT_A_NOUN = "".join(
    rf"(?<!\b{word}[ -])"
    for word in (
        "the", "upper", "lower", "top", "bottom", "far", "its", "their", "to", "on", "from", "at", "middle", "center",
        "centre", "central", "and", "or",
    )
)  # fmt: skip
_THING = r"(?:river|stream|creek|canal|water|sea|lake|bay|bridge|viaduct|road|street|highway|railway|rail|track|valley)"
_MOVING = (
    r"(?:fac(?:es|ing|ed)|point(?:s|ing|ed)?|head(?:s|ing|ed)?|orient(?:at)?ed|mov(?:es|ing)|sail(?:s|ing)|"
    r"driv(?:es|ing)|fl(?:ies|ying)|travel(?:s|l?ing)|go(?:es|ing)|turn(?:s|ing|ed)?|bend(?:s|ing)?|curv(?:es|ing|ed)|"
    r"veer(?:s|ing)?|lean(?:s|ing)|tilted|directed|aimed|look(?:s|ing)|taxi(?:es|ing)|bow|nose)"
)
_WAY_WORD = r"(?:left|right|top|bottom|up|down|upper|lower|north|south|east|west)\w*"

IDIOMS = re.compile(
    rf"""
      {_NOT_A_NOUN} \b left [ ]
        (?: over | behind | out | alone | empty | open | blank | bare | vacant | fallow | un\w+ )
    | {_NOT_A_NOUN} \b right (?= [ ] (?: next | beside | by | behind | in | at | on | above | below | under | over
        | near | along | through | across | after | before | between | into | outside | inside | there | here
        | against ) \b )
    | \b right [- ] (?: angl\w* | triang\w* | of [- ] way ) | \b all [ ] right \b
    | \b (?!(?:left|right|cent(?:er|re)|middle|top|bottom)\b) \w+ - top \b | \b roof [ ] top \b
    | \b top [- ] (?: down | view | of-the ) \b | \b of [ ] (?:the[ ])? cent(?:er|re) \b (?! [ ] of )
    | \b (?: white | gr[ea]y | red | blue | green | dark | black | brown | flat | round | domed | conical | open
        | closed | floating | glass ) [ ] tops? \b
    | \b under [ ] (?: construction | repair | way | water | cover | cultivation | development | renovation )
    | \b under (?= [ ] (?:the[ ])? (?: trees? | shade | roof | clouds? | shadows? | canopy ) \b )
    | \b over [ ] (?: \d+ | half | there | and [ ] over ) \b | \b all [ ] over \b
    | \b (?: spread | scattered | distributed | extend(?:s|ing)? | fl(?:y|ies|ying) | built | lead(?:s|ing)
        | pass(?:es|ing) | cross(?:es|ing)? | span(?:s|ning) | hang(?:s|ing) ) [ ] over \b
    | \b (?: bridges? | viaducts? | overpass | flyover | footbridge | crossing ) [ ] over \b
    | \b (?: flow(?:s|ing) | pass(?:es|ing) | run(?:s|ning) ) [ ] (?: under(?:neath)? | below | beneath ) \b
    | \b (?: above | below ) [- ] ground \b (?! [- ]track )
    | \b (?: built | made | lin(?:e|ed|ing) | close | pick | set | tak(?:e|es|ing|en) | piled | stacked | parked )
        [- ]? up \b
    | \b up [ ] to \b | \b (?: broken | run | torn | upside | top ) [- ] down \b
    | \b (?: city | town | shopping | sports? | community | data | training | service | business | visitor ) [- ]
        cent(?:er|re) \b
    | \b cent(?:er|re) [- ] (?: line | circle | pivot | piece | strip | divider ) s? \b | \b middle [ ] school \b
    | \b vertical [ ] (?: tanks? | tails? | cylind\w+ | stabili[sz]ers? )
    """,
    re.VERBOSE | re.IGNORECASE,
)

DOUBTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), reason)
    for pattern, flags, reason in (
        (r"\b(?:North|South|East|West)(?:ern)?[- ](?!East|West|Corner|Side|Part|Edge)[A-Z][a-z]+", 0,
         "it may be a name"),
        (r"\b(?:north|south|east|west|upper|lower|left|right)(?:ern)? (?:street|avenue|st\b|ave\b|bank)", re.I,
         "it may be a name"),
        (r"\b(?:middle|far) east\b", re.I, "it may be a name"),
        (rf"{_NOT_A_NOUN}\bleft(?= (?:the|a|an|its|their|port)\b)", re.I, '"left" may be the verb'),
        (r"\b(?:has|have|had|having|just) left\b(?! of\b)", re.I, '"left" may be the verb'),
        (rf"\b{_MOVING}(?: (?:to|toward|towards|the|its|in|at|slightly|sharply|away|is|due))* {_WAY_WORD}", re.I,
         "it is the thing's own heading"),
        (r"\b(?:left|right)[- ](?:wing|wings|wingtip|lane|lanes|engine|engines|turn|turns|bend|bends|curve|curves)\b",
         re.I, "it may be the thing's own side"),
        (r"['’]s (?:left|right)\b", re.I, "it may be the thing's own side"),
        (r"\b(?:[NS]|[NS]?[NS][EW]|[EW][NS][EW]|[EW])\b(?!['’.-])", 0, "it may be short for a direction"),
        (r"\b(?:starboard|port side|(?:counter-?|anti-?)?clockwise)\b", re.I, "it is the thing's own side or turn"),
        (rf"\b(?:over|under) (?:the |a |an )?(?:\w+ )?{_THING}\b", re.I, "it may be a height"),
        (r"\b(?:beneath|underneath|atop|on top of)\b(?! (?:the )?(?:image|picture|photo|scene|view))", re.I,
         "it may be a height"),
        (r"\b(?:lower|upper) (?:than|decks?|floors?|levels?|store?ys?|buildings?|towers?|roofs?|ground|reaches)\b",
         re.I, "it may be a height"),
        (r"\b(?:first|last|1st) (?:row|column|line)\b(?! from)", re.I, "it does not say from which side is counted"),
        (r"(?<!left )(?<!right )(?<!top )(?<!bottom )(?<!upper )(?<!lower )(?<!middle )(?<!one )"
         r"\b(?:second|third|fourth|fifth|sixth|\d+(?:nd|rd|th))\b(?! [\w-]+(?:est|most)\b)(?!.*\bfrom\b)", re.I,
         "it does not say from which side is counted"),
        (r"\b(?:north|south|east|west|up|down|left|right)+wards?\b", re.I, "it is a heading"),
        (r"\b(?:up|down)\b", re.I, '"up" and "down" may be meant along something'),
        (rf"(?<!the )\b{_HOUR} ?o['’]? ?clock\b(?! (?:position|direction))", re.I, "it may be a time of day"),
    )
)  # fmt: skip
"""Patterns with the reason why nobody can be sure, ready to stand after the words in a sentence."""
