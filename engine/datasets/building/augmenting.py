"""Turned copies of pictures with rare classes, and their sentences turned with them.

OptiSAR-Net++, section IV-A, step 2: horizontal and vertical flips and half turns for minority classes; absolute
directions are updated, relative ones keep their meaning, and every direction word is checked against the moved box. The
paper has a language model rewrite the sentences; here :mod:`engine.text.directions` does, by rules, and a sentence that
they cannot settle is refused.

Our reading where the paper gives no figure: a class is rare that has fewer sentences than :data:`RARE_SHARE` of the
mean of the classes that occur, and copies are made until it has as many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from engine.datasets.boxes import Xyxy
from engine.datasets.building.pictures import Picture
from engine.datasets.dataset import BoxRow
from engine.draws import Draws
from engine.text.directions import (
    Direction,
    Move,
    Uncertain,
    agrees,
    agrees_relative,
    find_directions,
    move_box,
    rewrite,
)
from engine.text.expression_words import ORDINALS
from engine.text.expressions import parse

RARE_SHARE = 0.5
"""Of the mean number of sentences per class: what a class is brought up to."""

MOVES: tuple[Move, ...] = ("flip-horizontal", "flip-vertical", "turn-180")
"""What the paper does to pictures; each keeps the size."""

_SLACK = 0.01  # share of the picture by which another thing may lie further out than the outermost one


@dataclass(frozen=True, slots=True)
class Refused:
    """A sentence that was not turned with its picture: ``kind`` for counting, ``why`` for people."""

    picture: str
    sentence: str
    move: Move
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Copy:
    """``picture`` after ``move``, with the sentences that could be turned, their boxes moved."""

    picture: Picture
    move: Move
    rows: tuple[BoxRow, ...]


def turn_picture(picture: Picture, move: Move) -> tuple[Copy, tuple[Refused, ...]]:
    """The copy of ``picture`` after ``move``, perhaps without rows, and the sentences that were refused."""
    rows: list[BoxRow] = []
    refused: list[Refused] = []
    for row in picture.rows:
        turned = turn_row(row, picture, move)
        if isinstance(turned, Refused):
            refused.append(turned)
        else:
            rows.append(turned)
    return Copy(picture, move, tuple(rows)), tuple(refused)


def turn_row(row: BoxRow, picture: Picture, move: Move) -> BoxRow | Refused:
    """``row`` after ``move``: its box moved, its sentence rewritten, and each direction in it checked.

    An absolute direction has to agree with the moved box, one that compares ("leftmost") with the boxes of the same
    class, one that is seen from another thing with that thing's moved box. That thing is known where the picture has
    exactly one box of its class that the sentence is true of; where it is not known the sentence is refused.
    """
    sentence = rewrite(row.expression, move)
    if isinstance(sentence, Uncertain):
        return Refused(picture.label, row.expression, move, "not certain", str(sentence))
    width, height = picture.width, picture.height
    box = move_box(row.box_xyxy_px, width, height, move)
    turned = replace(row, expression=sentence, box_xyxy_px=box)
    problem = ""
    if not agrees(sentence, box, width, height):
        problem = "the box is not where the sentence says"
    befores, afters = _directions(row.expression), _directions(sentence)
    if len(befores) != len(afters):
        problem = "the sentence has other directions than before"
    for before, after in zip(befores, afters, strict=False):
        if after.frame == "relative":
            problem = problem or _reference_problem(row, before, turned, after, picture, move)
        elif after.most:
            problem = problem or _extreme_problem(turned, after, picture, move)
    return Refused(picture.label, row.expression, move, problem, f"After {move}, {problem}.") if problem else turned


def _directions(sentence: str) -> list[Direction]:
    return [one for one in find_directions(sentence) if isinstance(one, Direction)]


def _reference_problem(
    row: BoxRow, before: Direction, turned: BoxRow, after: Direction, picture: Picture, move: Move
) -> str:
    """What is wrong with a relative direction, or nothing."""
    category = parse(before.reference).category if before.reference else ""
    boxes = _other_boxes(row, category, picture)
    meant = [box for box in boxes if agrees_relative(before.way, row.box_xyxy_px, box)]
    if not boxes or (len(boxes) > 1 and len(meant) != 1):
        return "the thing that a relative direction is seen from is not known"
    reference = move_box((meant or boxes)[0], picture.width, picture.height, move)
    agreed = agrees_relative(after.way, turned.box_xyxy_px, reference)
    return "" if agreed else "the box does not lie so from the thing that the sentence names"


def _extreme_problem(turned: BoxRow, direction: Direction, picture: Picture, move: Move) -> str:
    """What is wrong with "leftmost", "the left of the two", or nothing. The second of an order is not judged."""
    ahead = turned.expression[: direction.start].lower()
    if ahead.endswith("from the ") or ORDINALS.keys() & ahead.split()[-1:]:
        return ""
    width, height = picture.width, picture.height
    here = _middle(turned.box_xyxy_px, width, height)
    for box in _other_boxes(turned, turned.category, picture, move):
        there = _middle(box, width, height)
        for step, mine, other in zip(direction.way, here, there, strict=True):
            if step and (other - mine) * step > _SLACK:
                return "another thing of its class lies further out"
    return ""


def _other_boxes(row: BoxRow, category: str, picture: Picture, move: Move | None = None) -> list[Xyxy]:
    """The boxes of a class in the picture, after ``move``, each once and without the row's own."""
    boxes = dict.fromkeys(other.box_xyxy_px for other in picture.rows if other.category == category)
    moved = [box if move is None else move_box(box, picture.width, picture.height, move) for box in boxes]
    return [box for box in moved if box != row.box_xyxy_px]


def _middle(box: Xyxy, width: int, height: int) -> tuple[float, float]:
    return (box[0] + box[2]) / (2 * width), (box[1] + box[3]) / (2 * height)


# ---- which pictures


def augment(
    pictures: Sequence[Picture], draws: Draws, pause: Callable[[], None] = lambda: None
) -> Iterator[Copy | Refused]:
    """Copies for the rare classes, the rarest first, and the sentences refused on the way.

    A picture is copied by each move at most once. ``pause`` is called between pictures and may raise.
    """
    counts: Counter[str] = Counter()
    for picture in pictures:
        counts.update(picture.classes())
    goal = RARE_SHARE * counts.total() / max(len(counts), 1)
    made: set[tuple[str, Move]] = set()
    for name in sorted(counts, key=lambda name: (counts[name], name)):
        having = [picture for picture in pictures if counts[name] < goal and name in picture.classes()]
        for move in MOVES:
            for picture in draws.sample(having, len(having)):
                if counts[name] >= goal:
                    break
                pause()
                if (picture.label, move) in made:
                    continue
                made.add((picture.label, move))
                copy, refused = turn_picture(picture, move)
                yield from refused
                classes = replace(picture, rows=copy.rows).classes()
                if name in classes:
                    counts.update(classes)
                    yield copy
