"""What questions call the things they ask about.

Keys are class names, kinds ("wide road", "cargo ship"), and superlatives ("largest lake", "longest bridge"): the one
thing of its class that a question can name when there are several.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Noun:
    """The forms of one name that wordings need: a ship, ships, the ship, and farmland as a mass.

    ``many`` of a land cover are its separate pieces ("stretches of farmland").
    """

    any: str
    many: str
    the: str
    mass: str


def _thing(name: str, plural: str = "") -> Noun:
    """A countable name; its plural is regular unless given."""
    article = "an" if name[0] in "aeio" else "a"
    return Noun(f"{article} {name}", plural or f"{name}s", f"the {name}", name)


def _mass(name: str, pieces: str) -> Noun:
    """A land cover and what its separate pieces are called."""
    return Noun(f"any {name}", pieces, f"the {name}", name)


def _superlative(word: str, piece: str) -> Noun:
    """The one of several that stands out; it is only ever named with "the"."""
    the = f"the {word} {piece}"
    return Noun(the, the, the, the)


_PIECES: dict[str, str] = {
    "water": "body of water",
    "forest": "patch of forest",
    "farmland": "stretch of farmland",
    "grassland": "patch of grassland",
    "bare land": "patch of bare land",
    "built-up area": "built-up area",
    "concrete": "concrete surface",
    "wetland": "patch of wetland",
    "lake": "lake",
}

_THINGS: tuple[str, ...] = (
    "road", "wide road", "narrow road", "runway", "pier",
    "ship", "storage tank", "building", "bridge", "airplane", "vehicle",
    "tennis court", "basketball court", "baseball diamond", "ground track field", "swimming pool",
    "parking lot", "transmission tower", "crossroad", "T junction", "harbor",
    "cargo ship", "boat",
)  # fmt: skip

_GROUPS: tuple[str, ...] = ("storage tanks", "ships", "buildings", "airplanes", "vehicles", "tennis courts")


def _group(plural: str) -> Noun:
    """Several things that lie together, as one."""
    return Noun(f"any {plural}", plural, f"the group of {plural}", plural)


PATCHED: frozenset[str] = frozenset(_PIECES)
"""Names that come in patches, the numbers of which are of another sort than the numbers of things."""

KIND_OF: dict[str, str] = {"cargo ship": "ship", "boat": "ship", "wide road": "road", "narrow road": "road"}
"""Names of kinds, and the class that each is a part of."""

NOUNS: dict[str, Noun] = {
    "water": _mass("water", "bodies of water"),
    "sea": Noun("any sea", "stretches of sea", "the sea", "sea water"),
    "river": Noun("a river", "rivers", "the river", "river water"),
    "lake": Noun("a lake", "lakes", "the lake", "lake water"),
    "forest": _mass("forest", "patches of forest"),
    "farmland": _mass("farmland", "stretches of farmland"),
    "grassland": _mass("grassland", "patches of grassland"),
    "bare land": _mass("bare land", "patches of bare land"),
    "built-up area": _mass("built-up area", "built-up areas"),
    "concrete": _mass("concrete", "concrete surfaces"),
    "wetland": _mass("wetland", "patches of wetland"),
    **{name: _thing(name) for name in _THINGS},
    **{plural: _group(plural) for plural in _GROUPS},
    **{f"largest {name}": _superlative("largest", piece) for name, piece in _PIECES.items()},
    **{f"longest {name}": _superlative("longest", name) for name in ("bridge", "ship", "building")},
}
"""Every name that a question can carry."""
