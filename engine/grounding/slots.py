"""Which texts a picture is trained with: what names its things, and what certainly names none of them (section V-A3).

A slot's target is what it names in the picture, and nothing elsewhere; so a negative that is true of something in the
picture teaches a falsehood. The paper's negatives contradict only the thing that was meant: "the ship on the right" may
be another one. *Our reading*: each is checked against the picture's things. It is used where it is true of nothing, or
certainly of one other thing, which it then names, and left out where that cannot be told.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.draws import Draws
from engine.errors import UsageError
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.visit import Naming, PictureVisit, Visits
from engine.text import Direction, Parsed, Uncertain, find_directions, normalise
from engine.text.directions import swap
from engine.text.meaning import places, read, relates
from engine.text.negatives import OVERLAPPING, swap_class, swap_sensor

NegativeKind = Literal["direction", "sensor", "class"]
KINDS: tuple[NegativeKind, ...] = ("direction", "sensor", "class")

_TRIES = 10
"""Captions that are looked at for each random negative that is wanted."""


@dataclass(frozen=True, slots=True)
class SlotSettings:
    """The texts of one picture. Table V's baseline is ``adversarial = 0``, Table III's rows are ``mask_directions``."""

    texts: int = 20  # slots
    adversarial: float = 0.5  # adversarial negatives for each positive text, on average
    kinds: tuple[NegativeKind, ...] = KINDS  # what is swapped, best first; the paper swaps directions and sensors
    random: tuple[int, int] = (0, 10)  # fewest and most texts of other pictures
    frequent: int = 200  # commonest texts of the training set, which fill the slots that are left
    mask_directions: float = 0.0  # share of the sentences, of a run's three splits, replaced by their category
    trust_lists: bool = False  # whether what a data set does not list is taken not to be there

    def __post_init__(self) -> None:
        """Raises UsageError for numbers that make no sense."""
        if self.texts < 1 or self.adversarial < 0 or self.frequent < 0 or not 0 <= self.random[0] <= self.random[1]:
            raise UsageError(
                f"{self.texts} texts with {self.adversarial} adversarial negatives each, {self.random} random ones and "
                f"{self.frequent} frequent ones cannot be drawn.",
                remedy="Give at least one text, and numbers from 0 up.",
            )
        if not 0 <= self.mask_directions <= 1:
            raise UsageError(f"A share of {self.mask_directions} of the sentences cannot be masked.")


class Slots(NamedTuple):
    """T different ``texts``; ``names`` bool [K, T] says which names which thing of the visit.

    ``kinds`` tells where each comes from: "positive", a :data:`NegativeKind`, "random" or "frequent". A sentence whose
    direction was swapped may name another thing; the other negatives name nothing.
    """

    texts: tuple[str, ...]
    names: NDArray[np.bool_]
    kinds: tuple[str, ...]


class _Slot(NamedTuple):
    """A text, where it comes from, and the things of the visit that it names."""

    text: str
    kind: str
    things: tuple[int, ...] = ()


class _Caption(NamedTuple):
    """A text of the training set and the classes that it is said of."""

    text: str
    categories: frozenset[str]


class SlotDrawer:
    """Draws the texts of visits to one training set.

    ``visits`` are its pictures, their sentences masked as asked, and with all classes known where lists are trusted.
    """

    def __init__(self, training: ExpressionSet, settings: SlotSettings) -> None:
        self.settings = settings
        self._only_trusted = settings.trust_lists and not training.categories_known
        training = mask_directions(training, settings.mask_directions)
        self.visits = Visits(replace(training, categories_known=training.categories_known or settings.trust_lists))
        self._closed = frozenset(training.closed) or frozenset(thing.category for thing in training.things)
        texts = [normalise(expression.text) for expression in training.expressions]
        categories: dict[str, set[str]] = {}
        for text, expression in zip(texts, training.expressions, strict=True):
            categories.setdefault(text, set()).add(expression.category)
        first = {text: one.text for text, one in zip(reversed(texts), reversed(training.expressions), strict=True)}
        captions = {text: _Caption(first[text], frozenset(names)) for text, names in categories.items()}
        self._captions = [captions[text] for text in texts]  # as often as they are said
        self._frequent = [captions[text] for text, _ in Counter(texts).most_common(settings.frequent)]

    def draw(self, visit: PictureVisit, rng: np.random.Generator) -> Slots:
        """Up to ``settings.texts`` texts for ``visit``, none twice in any spelling.

        All texts that name its things, or a draw of so many that their adversarial negatives find room; then these
        negatives, random ones, and frequent ones.
        """
        positives = _positives(visit)
        chosen = self._chosen(list(positives.values()), rng)
        slots = [_Slot(said.text, "positive", said.things) for said in chosen]
        taken = set(positives)
        others = chain(self._adversarial(visit, chosen, rng), self._random(visit, rng), self._padding(visit, rng))
        while len(slots) < self.settings.texts and (other := next(others, None)) is not None:
            if normalise(other.text) not in taken:
                taken.add(normalise(other.text))
                slots.append(other)
        names = np.zeros((len(visit.boxes), len(slots)), bool)  # [K, T]
        for number, slot in enumerate(slots):
            names[list(slot.things), number] = True
        return Slots(tuple(slot.text for slot in slots), names, tuple(slot.kind for slot in slots))

    def _chosen(self, positives: list[Naming], rng: np.random.Generator) -> list[Naming]:
        ratio = self.settings.adversarial if self.settings.kinds else 0.0
        most = max(1, int(self.settings.texts / (1 + ratio)))
        if len(positives) <= most:
            return positives
        return [positives[index] for index in sorted(rng.permutation(len(positives))[:most])]

    # ---- negatives

    def _adversarial(self, visit: PictureVisit, positives: list[Naming], rng: np.random.Generator) -> Iterator[_Slot]:
        """Contradictions of ``positives``, on average as many for each as is set; fewer where none is sure."""
        wanted = int(self.settings.adversarial * len(positives) + rng.random())
        draws = Draws(int(rng.integers(1 << 62)), 0)
        made = 0
        for kind in self.settings.kinds:
            for index in rng.permutation(len(positives)):
                if made == wanted:
                    return
                slot = self._contrary(positives[index], kind, visit, draws)
                if slot is not None:
                    made += 1
                    yield slot

    def _contrary(self, said: Naming, kind: NegativeKind, visit: PictureVisit, draws: Draws) -> _Slot | None:
        """``said`` with a swap of ``kind``, where it is certain what that names here; None elsewhere."""
        if kind == "sensor":
            text = swap_sensor(said.text)
            return _Slot(text, kind) if text is not None and self._other_sensor(text, said.category, visit) else None
        if kind == "class":
            text = swap_class(said.text, draws, [name for name in self._closed if self._is_absent(name, visit)])
            return None if text is None else _Slot(text, kind)
        swapped = swap(said.text, draws)
        things = None if isinstance(swapped, Uncertain) else self._now_named(swapped, said, visit)
        return None if isinstance(swapped, Uncertain) or things is None else _Slot(swapped, kind, things)

    def _random(self, visit: PictureVisit, rng: np.random.Generator) -> Iterator[_Slot]:
        """A drawn number of texts of other pictures that are true of nothing in this one."""
        low, high = self.settings.random
        wanted, made = int(rng.integers(low, high + 1)), 0
        for index in rng.integers(len(self._captions), size=_TRIES * wanted):
            if made == wanted:
                return
            if self._is_false(self._captions[index], visit):
                made += 1
                yield _Slot(self._captions[index].text, "random")

    def _padding(self, visit: PictureVisit, rng: np.random.Generator) -> Iterator[_Slot]:
        """The frequent texts that are true of nothing in the picture, in drawn order."""
        for index in rng.permutation(len(self._frequent)):
            if self._is_false(self._frequent[index], visit):
                yield _Slot(self._frequent[index].text, "frequent")

    # ---- what is certainly false

    def _is_false(self, caption: _Caption, visit: PictureVisit) -> bool:
        """Whether nothing in the picture can be what ``caption`` says."""
        return all(
            self._is_absent(name, visit) or self._other_sensor(caption.text, name, visit) for name in caption.categories
        )

    def _other_sensor(self, text: str, category: str, visit: PictureVisit) -> bool:
        """Whether ``text`` speaks of a picture of the other sensor."""
        return read(text, category).sensor not in ("", visit.sensor)

    def _all_listed(self, category: str, visit: PictureVisit) -> bool:
        """Whether every thing of ``category`` in the picture has a box."""
        listed = category in self._closed or self._only_trusted
        return visit.categories_known and listed and category not in visit.unlisted

    def _is_absent(self, category: str, visit: PictureVisit) -> bool:
        """Whether nothing of ``category`` is in the picture."""
        if category in visit.present or not self._all_listed(category, visit):
            return False
        # Lists that are only trusted say nothing of what goes with the listed: a harbor with its ships.
        alike = frozenset[str]().union(*(group for group in OVERLAPPING if category in group))
        return not (self._only_trusted and alike & visit.present)

    def _now_named(self, swapped: str, said: Naming, visit: PictureVisit) -> tuple[int, ...] | None:
        """What ``swapped``, which contradicts a direction of ``said``, names: nothing, or one other thing of the class.

        None where that is not certain: an attribute may or may not be true of a thing that lies there, and something
        is always the leftmost.
        """
        parsed = read(swapped, said.category)
        directions = [one for one in find_directions(swapped) if isinstance(one, Direction)]
        understood = parsed.certain or self._only_trusted
        if len(said.things) != 1 or not understood or any(one.most for one in directions):
            return None
        if not self._all_listed(said.category, visit):
            return None
        references = self._references(parsed, visit)
        told = parsed.certain and not parsed.attributes and parsed.superlative is None
        frame, named = visit.frame(), []
        for thing, (name, box) in enumerate(zip(visit.categories, visit.boxes.tolist(), strict=True)):
            if name != said.category:
                continue
            verdicts = (places(swapped, box, frame), relates(parsed.relation, box, references))
            # Where nobody knows the reference, the contradiction alone tells, and only of the thing that was meant.
            contradicted = thing in said.things and directions[0].frame == "relative" and not references
            if False in verdicts or contradicted:
                continue
            if thing in said.things or None in verdicts or not told:
                return None
            named.append(thing)
        return tuple(named) if len(named) < 2 else None

    def _references(self, parsed: Parsed, visit: PictureVisit) -> list[list[float]]:
        """The boxes of all things that the relation of ``parsed`` may be to, none where they are not all known."""
        category = parsed.relation.reference.category if parsed.relation is not None else ""
        if not category or not self._all_listed(category, visit):
            return []
        boxes: list[list[float]] = visit.boxes.tolist()
        return [box for name, box in zip(visit.categories, boxes, strict=True) if name == category]


def _positives(visit: PictureVisit) -> dict[str, Naming]:
    """The texts that name something, in their normal form; a text that is said twice names what either names."""
    positives: dict[str, Naming] = {}
    for said in visit.expressions:
        text = normalise(said.text)
        before = positives.get(text)
        things = said.things if before is None else tuple(sorted({*before.things, *said.things}))
        positives[text] = replace(said, things=things)
    return positives


def mask_directions(training: ExpressionSet, share: float) -> ExpressionSet:
    """``training`` with about ``share`` of its sentences replaced by the class they name (Table III).

    Which ones follows from the sentence and its picture, so that they are the same in every epoch, and those of a
    smaller share are among those of a larger one. *Our reading*: the class then names what the sentence named, as the
    annotation stays, also where there is more of the class in view.
    """
    if not share:
        return training

    def masked(text: str, picture: int) -> bool:
        digest = hashlib.sha256(f"{training.names[picture]}\n{text}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < share * 2**64

    expressions = tuple(
        replace(one, text=one.category, how="category")
        if one.scored and one.category and masked(one.text, one.picture)  # a class that nobody knows has no name
        else one
        for one in training.expressions
    )
    return replace(training, expressions=expressions)
