"""Direction words in a sentence about a picture: found, turned with the picture, swapped, checked against boxes.

This is the one place that knows them. Data-set builders turn sentences with their pictures, augmentation does the same
in training, and adversarial negatives (OptiSAR-Net++, section III) say the contrary of what is there. A direction is

* *absolute* when it is a side of the picture ("on the left of the image", "the top-left ship"),
* *relative* when it is seen from another thing ("to the left of the tank"), and
* a *course* when it is two ends or a bearing ("from north to south", "arranged horizontally").

All three turn with the picture. What cannot be settled by rules is :class:`Uncertain`, with the reason, and a sentence
that holds one is refused whole. So is one that could not be turned back to the very same characters.

North is up: captions of the published sets use compass words for the sides of the picture.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, cast

from engine.draws import Draws
from engine.text.direction_words import (
    CENTRES,
    COMPARED,
    DOUBTS,
    HOURS,
    IDIOMS,
    NUMBERS,
    PARTS,
    PHRASES,
    PICTURE,
    STOPS,
    STYLES,
    WAYS_OF,
    Way,
)

Frame = Literal["absolute", "relative", "course"]
Move = Literal["flip-horizontal", "flip-vertical", "turn-90", "turn-180", "turn-270"]
"""What is done to a picture: left and right change places, or top and bottom, or it turns clockwise."""

MOVES: tuple[Move, ...] = ("flip-horizontal", "flip-vertical", "turn-90", "turn-180", "turn-270")
INVERSE: dict[Move, Move] = {
    "flip-horizontal": "flip-horizontal",
    "flip-vertical": "flip-vertical",
    "turn-90": "turn-270",
    "turn-180": "turn-180",
    "turn-270": "turn-90",
}

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels, half-open."""

MATRICES: dict[Move, tuple[int, int, int, int]] = {
    "flip-horizontal": (-1, 0, 0, 1),
    "flip-vertical": (1, 0, 0, -1),
    "turn-90": (0, -1, 1, 0),
    "turn-180": (-1, 0, 0, -1),
    "turn-270": (0, 1, -1, 0),
}
"""What a move does to (columns, rows) about the middle of the picture, row by row."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction in a sentence, at ``sentence[start:end]``.

    ``way`` is where it points (see :mod:`engine.text.direction_words`). ``most`` says that it compares things
    ("leftmost", "the left of the two") and so tells no place in the picture. ``reference`` is the thing a relative
    direction is seen from, as the sentence has it ("the tank"), or empty where it is not named right after.
    """

    start: int
    end: int
    text: str
    way: Way
    frame: Frame
    most: bool = False
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Why rules cannot settle what ``sentence[start:end]`` means, or cannot turn it. ``str()`` is one sentence."""

    reason: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.reason


@lru_cache(maxsize=4096)
def find_directions(sentence: str) -> tuple[Direction | Uncertain, ...]:
    """Every direction and every doubt in ``sentence``, in its order; no two overlap. Empty where there is none."""
    rest = IDIOMS.sub(_blank, sentence)
    found: list[Direction | Uncertain] = []
    for pattern, reason in DOUBTS:
        found += [_uncertain(sentence, *match.span(), reason) for match in pattern.finditer(rest)]
        rest = pattern.sub(_blank, rest)
    found += [_read(sentence, match) for match in PHRASES.finditer(rest)]
    return _courses(sentence, sorted(found, key=lambda one: one.start))


def rewrite(sentence: str, move: Move) -> str | Uncertain:
    """``sentence`` as it must read once its picture has made ``move``.

    Case, hyphens, spelling and the order of words stay as they are. A sentence without directions comes back as it
    is. Going back with the inverse move gives ``sentence``, character by character; where no wording does that
    (turning "over" by 90 degrees), or where the sentence holds a doubt, the result is :class:`Uncertain`.
    """
    moved = _moved(sentence, move)
    if isinstance(moved, Uncertain) or _moved(moved, INVERSE[move]) == sentence:
        return moved
    return Uncertain(f'"{sentence}" cannot be turned so that it could be turned back.', 0, len(sentence))


def swap(sentence: str, draws: Draws) -> str | Uncertain:
    """A sentence like ``sentence`` with its first direction replaced by one that contradicts it.

    It is then false of the thing that was meant (something else in the picture may fit it). :class:`Uncertain` where
    there is no direction, a doubt, a course, a middle, a count from a side, or where two directions are joined by "and"
    or "or", so that one of them may be changed without harm.
    """
    found = find_directions(sentence)
    doubt = _doubt(found)
    if doubt is not None:
        return doubt
    first = next((one for one in found if isinstance(one, Direction)), None)
    if first is None:
        return Uncertain("There is no direction to swap.", 0, 0)
    joined = len(found) > 1 and re.search(r"\b(?:and|or|both|between)\b", sentence, re.IGNORECASE)
    counted = first.most and _COUNTED.search(sentence)  # of three, the second from the left is that from the right
    if first.frame == "course" or joined or counted:
        return _uncertain(sentence, first.start, first.end, "its contrary may be true as well")
    options = [text for text in _contraries(sentence, first) if _contradict(text, first)]
    if not options:
        return _uncertain(sentence, first.start, first.end, "it has no certain contrary")
    return draws.choice(options)


def contradict(way: Way, other: Way) -> bool:
    """Whether nothing can lie both ``way`` and ``other``: left and right contradict, left and top do not.

    Nor do the middle and a side: where one ends and the other begins is anybody's guess.
    """
    return any((a or 0) * (b or 0) < 0 for a, b in zip(way, other, strict=True))


def move_box(box: Box, width: float, height: float, move: Move) -> Box:
    """``box`` once the picture of ``width`` x ``height`` pixels that it lies in has made ``move``."""
    a, b, c, d = MATRICES[move]
    new_width, new_height = (width, height) if b == 0 else (height, width)
    corners = [(x - width / 2, y - height / 2) for x, y in (box[:2], box[2:])]
    xs = sorted(a * x + b * y + new_width / 2 for x, y in corners)
    ys = sorted(c * x + d * y + new_height / 2 for x, y in corners)
    return xs[0], ys[0], xs[1], ys[1]


def agrees(sentence: str, box: Box, width: float, height: float, slack: float = 0.05) -> bool:
    """Whether no absolute direction of ``sentence`` speaks against ``box`` in a picture of ``width`` x ``height``.

    The box's centre decides. A side ("left", "top") is the half on that side, a corner two halves, the middle the
    middle third; each is larger by ``slack``, a share of the view. Directions that compare things and relative ones
    say nothing about the place and are passed over, and so are doubts.
    """
    # Offsets from the middle, so that a flip changes a sign and not the last bit of a box that is just within.
    shares = ((box[0] + box[2] - width) / (2 * width), (box[1] + box[3] - height) / (2 * height))
    return all(
        abs(share) <= 1 / 6 + slack if step == 0 else share * step >= -slack
        for one in find_directions(sentence)
        if isinstance(one, Direction) and one.frame == "absolute" and not one.most
        for step, share in zip(one.way, shares, strict=True)
        if step is not None
    )


def agrees_relative(way: Way, box: Box, reference: Box, within_deg: float = 60.0) -> bool:
    """Whether ``box`` lies ``way`` from ``reference``, judged by their centres.

    A side asks that the line from reference to box is at most ``within_deg`` off that way, a corner that it runs into
    that quarter. Where the way is the middle, the box's centre has to lie within the reference.
    """
    x = (box[0] + box[2] - reference[0] - reference[2]) / 2
    y = (box[1] + box[3] - reference[1] - reference[3]) / 2
    if way == (0, 0):
        return abs(x) <= (reference[2] - reference[0]) / 2 and abs(y) <= (reference[3] - reference[1]) / 2
    if way[0] and way[1]:
        return x * way[0] > 0 and y * way[1] > 0
    along = x * (way[0] or 0) + y * (way[1] or 0)
    return along > 0 and along >= math.cos(math.radians(within_deg)) * math.hypot(x, y)


# ---- finding


def _blank(match: re.Match[str]) -> str:
    """As many characters as matched, none of them part of a word."""
    return "\0" * len(match.group())


def _uncertain(sentence: str, start: int, end: int, reason: str) -> Uncertain:
    return Uncertain(f'"{sentence[start:end]}" is not certain: {reason}.', start, end)


def _read(sentence: str, match: re.Match[str]) -> Direction | Uncertain:
    """The direction that a match of ``PHRASES`` is, with its frame."""
    way, most = _way(match), bool(match["most"] or match["polemost"] or match["limbmost"])
    start, end = match.span()
    if match["first"] and match["second"] and _axis(match["first"]) == _axis(match["second"]):
        return _uncertain(sentence, start, end, "it points two ways")
    if match["axis"]:
        return Direction(start, end, match.group(), way, "course")
    of, noun = _after(sentence, end, given=bool(match["preposition"]))
    words = noun.lower().split()
    before = sentence[:start].lower()
    if match["preposition"] and not words and way[0] is None and not sentence.startswith(" and", end):
        return _uncertain(sentence, start, end, "it does not say of what")
    if not of and before.endswith(("its ", "their ", "whose ")):
        return Direction(start, end, match.group(), way, "relative", most)
    if not of or (PICTURE | CENTRES) & set(words):
        compares = most or before.endswith("from the ") or _AMONG.search(sentence) is not None
        return Direction(start, end, match.group(), way, "absolute", compares)
    if COMPARED & set(words[:2]):
        return Direction(start, end, match.group(), way, "absolute", True)
    if match.group().lower() in ("top", "bottom") and sentence[end : end + 4] == " of ":
        return _uncertain(sentence, start, end, "it may be a height")
    if most:
        return Direction(start, end, match.group(), way, "absolute", True)
    return Direction(start, end, match.group(), way, "relative", False, noun)


def _axis(word: str) -> int:
    """0 for left and right, 1 for up and down, 2 for the middle."""
    return 2 if word.lower() in CENTRES else int(WAYS_OF[word.lower()][1][0] is None)


def _way(match: re.Match[str]) -> Way:
    """Where a match of ``PHRASES`` points."""
    if match["preposition"]:
        return WAYS_OF[match["preposition"].lower()][1]
    if match["clock"]:
        # Twelve is up; one and two are up and right, three is right.
        hour = HOURS.index(match["clock"].lower()) if match["clock"].isalpha() else int(match["clock"]) % 12
        across, upright = (hour % 6 > 0) * (1 if hour < 6 else -1), (hour % 6 != 3) * (-1 if not 3 < hour < 9 else 1)
        return across or None, upright or None
    if match["axis"]:
        return None, None
    if match["pole"] or match["lonelimb"]:
        words = [match["pole"], match["limb"] or match["lonelimb"]]
    else:
        words = [match["first"], match["second"]]
    x_step: int | None = None
    y_step: int | None = None
    sides = [WAYS_OF[word.lower()][1] for word in words if word and word.lower() not in CENTRES]
    for x, y in sides:
        x_step, y_step = x if x is not None else x_step, y if y is not None else y_step
    if any(word and word.lower() in CENTRES for word in words):
        x_step, y_step = x_step or 0, y_step or 0
    return x_step, y_step


_AMONG = re.compile(
    rf"\b(?:of|among|amongst|between) (?:the |these |those |all )*(?:{'|'.join(NUMBERS)})\b", re.IGNORECASE
)
_TAIL = re.compile(rf"(?:[- ](?:hand |most )?(?:{'|'.join(PARTS)})s?)* (?:of|from) ", re.IGNORECASE)
_NOUN = re.compile(rf"\W*((?:(?!(?:{'|'.join(STOPS)})\b)[\w'’-]+ ?)*)", re.IGNORECASE)


def _after(sentence: str, end: int, given: bool) -> tuple[bool, str]:
    """Whether something follows that the direction is seen from, and its words ("the white tank").

    ``given`` says that the direction ends in its own preposition ("below"), so that none has to follow.
    """
    tail = None if given else _TAIL.match(sentence, end)
    if not given and tail is None:
        return False, ""
    noun = _NOUN.match(sentence, tail.end() if tail else end)
    return True, noun[1].strip() if noun else ""


_TO = re.compile(rf"(?:[- ](?:{'|'.join(PARTS)}))? ?(?:to|-|–)(?: the)? ?", re.IGNORECASE)


def _courses(sentence: str, found: list[Direction | Uncertain]) -> tuple[Direction | Uncertain, ...]:
    """``found`` with the two ends of each "from left to right" and "north-south" made a course."""
    for index, (one, other) in enumerate(pairwise(found)):
        if isinstance(one, Uncertain) or isinstance(other, Uncertain) or other.frame == "relative":
            continue
        if contradict(one.way, other.way) and _TO.fullmatch(sentence[one.end : other.start]):
            found[index] = Direction(one.start, one.end, one.text, one.way, "course")
            found[index + 1] = Direction(other.start, other.end, other.text, other.way, "course")
    return tuple(found)


def _doubt(found: tuple[Direction | Uncertain, ...]) -> Uncertain | None:
    return next((one for one in found if isinstance(one, Uncertain)), None)


# ---- turning


def _moved(sentence: str, move: Move) -> str | Uncertain:
    """``rewrite`` without the look back."""
    found = find_directions(sentence)
    doubt = _doubt(found)
    if doubt is not None:
        return doubt
    parts, end = [], 0
    for one in (one for one in found if isinstance(one, Direction)):
        turned = _turned(one.text, move)
        if turned is None:
            return _uncertain(sentence, one.start, one.end, f"no word stands for it after {move}")
        parts += [_with_article(sentence[end : one.start], one.text, turned), turned]
        end = one.end
    return "".join([*parts, sentence[end:]])


def _with_article(before: str, word: str, new: str) -> str:
    """``before`` with the "a" or "an" that it ends in fitted to ``new``, if it fitted ``word``."""
    match = re.search(r"\ba(n?) $", before, re.IGNORECASE)
    vowel, now = word[:1].lower() in "aeiou", new[:1].lower() in "aeiou"
    if match is None or bool(match[1]) != vowel or vowel == now:
        return before
    return before[:-1] + ("N " if word.isupper() else "n ") if now else before[:-2] + " "


def _turned(text: str, move: Move) -> str | None:
    """The words of one direction after ``move``, or None where its style has no word for that way."""
    match = cast("re.Match[str]", PHRASES.fullmatch(text))  # it was found as one
    said = [name for name in ("preposition", "clock", "axis", *_SIDE_GROUPS) if match[name]]
    names = [name for name in said if match[name].lower() not in CENTRES]
    words = [match[name] for name in names]
    quarter = move in ("turn-90", "turn-270")
    if quarter and len(words) < len(said) and {"upper", "lower"} & {word.lower() for word in words}:
        return None  # "upper center" would become "right-hand center"
    if len(words) == 2:
        turned: list[str | None] = list(_turned_corner(words[0], words[1], move))
    else:
        turned = [_turned_word(word, move) for word in words]
    for name, word, new in reversed(list(zip(names, words, turned, strict=True))):
        if new is None:
            return None
        text = text[: match.start(name)] + _cased(word, new) + text[match.end(name) :]
    return text


_SIDE_GROUPS = ("pole", "limb", "lonelimb", "first", "second")


def _turned_word(word: str, move: Move) -> str | None:
    """A single word, number of an hour or phrase after ``move``."""
    low = word.lower()
    if low in ("horizontal", "vertical"):
        quarter = move in ("turn-90", "turn-270")
        return {"horizontal": "vertical", "vertical": "horizontal"}[low] if quarter else low
    if low in HOURS or low.isdigit():
        hour = HOURS.index(low) if low in HOURS else int(low)
        hour = {"turn-90": hour + 3, "turn-180": hour + 6, "turn-270": hour + 9, "flip-horizontal": -hour}.get(
            move, 6 - hour
        ) % 12  # fmt: skip
        return HOURS[hour] if low in HOURS else str(hour or 12)
    style, way = WAYS_OF[low]
    return STYLES[style].get(moved_way(way, move))


def _turned_corner(first: str, second: str, move: Move) -> tuple[str, str]:
    """The two words of a corner after ``move``, in the order and the styles that they had."""
    (style, way), (other_style, other_way) = WAYS_OF[first.lower()], WAYS_OF[second.lower()]
    x, y = moved_way((way[0] or other_way[0], way[1] or other_way[1]), move)
    corner: tuple[Way, Way] = ((x, None), (None, y))
    upright, level = (style, other_style) if way[0] is None else (other_style, style)
    level_word, upright_word = STYLES[level][corner[0]], STYLES[upright][corner[1]]
    return (upright_word, level_word) if way[0] is None else (level_word, upright_word)


def moved_way(way: Way, move: Move) -> Way:
    """Where ``way`` points after ``move``."""
    a, b, c, d = MATRICES[move]
    x, y = (way[0], way[1]) if b == 0 else (way[1], way[0])
    return (None if x is None else x * (a + b)), (None if y is None else y * (c + d))


def _cased(like: str, word: str) -> str:
    """``word`` in small letters, capitals, or with a first capital, as ``like`` is."""
    if like.isupper():
        return word.upper()
    return word[0].upper() + word[1:] if like[0].isupper() else word


# ---- swapping


_COUNTED = re.compile(r"\b(?:second|third|fourth|fifth|sixth|\d+(?:nd|rd|th))\b", re.IGNORECASE)


def _contraries(sentence: str, one: Direction) -> list[str]:
    """``sentence`` with ``one`` replaced in every way that its words allow, none twice."""
    texts = [_turned(one.text, move) for move in MOVES]
    made = [sentence[: one.start] + text + sentence[one.end :] for text in texts if text is not None]
    return list(dict.fromkeys(made))


def _contradict(text: str, before: Direction) -> bool:
    """Whether the direction that ``text`` now has in the place of ``before`` contradicts it."""
    now = next((one for one in find_directions(text) if one.end > before.start), None)
    same_kind = isinstance(now, Direction) and now.start == before.start and now.frame == before.frame
    return same_kind and isinstance(now, Direction) and contradict(before.way, now.way)
