"""What things are called in expressions, which names the test split alone hears, and what else is said of things.

Names are those of :mod:`engine.scenes.scene`; the first word of each list is the commonest. A *word* of a class may
carry an attribute ("car" is a vehicle of the kind car).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """The words for one class, or one kind of it: (singular, plural) pairs. ``kind`` is empty for the whole class.

    ``mass`` says that the singular has no "a" and means all there is of it ("grassland").
    """

    category: str
    train: tuple[tuple[str, str], ...]
    held_out: tuple[tuple[str, str], ...]
    kind: str = ""
    mass: bool = False


def _name(category: str, train: str, held_out: str, kind: str = "", *, mass: bool = False) -> Name:
    """Words are separated by "|"; "bus/buses" gives a plural that is not the word and an s."""
    return Name(category, _pairs(train), _pairs(held_out), kind, mass)


def _pairs(words: str) -> tuple[tuple[str, str], ...]:
    split = (word.partition("/") for word in words.split("|"))
    return tuple((one, many or f"{one}s") for one, _, many in split)


NAMES: tuple[Name, ...] = (
    _name("airplane", "airplane|plane", "aircraft/aircraft|aeroplane"),
    _name("ship", "ship", "vessel"),
    _name("ship", "cargo ship", "freighter", "cargo ship"),
    _name("ship", "boat", "yacht", "boat"),
    _name("storage tank", "storage tank|tank", "oil tank|fuel tank"),
    _name("bridge", "bridge", "road bridge"),
    _name("harbor", "harbor", "harbour|port"),
    _name("vehicle", "vehicle", "motor vehicle"),
    _name("vehicle", "car", "automobile|passenger car", "car"),
    _name("vehicle", "van", "minivan", "van"),
    _name("vehicle", "truck", "lorry/lorries", "truck"),
    _name("vehicle", "trailer", "semi-trailer", "trailer"),
    _name("vehicle", "bus/buses", "coach/coaches", "bus"),
    _name("tennis court", "tennis court", "tennis field"),
    _name("basketball court", "basketball court", "basketball field"),
    _name("baseball diamond", "baseball diamond|baseball field", "baseball ground"),
    _name("ground track field", "ground track field|running track", "athletics track"),
    _name("swimming pool", "swimming pool|pool", "bathing pool"),
    _name("parking lot", "parking lot|parking area", "car park|parking place"),
    _name("crossroad", "crossroad|intersection", "road crossing"),
    _name("T junction", "T junction|T-junction", "T-shaped junction"),
    _name("transmission tower", "transmission tower|power pylon", "electricity pylon|power tower"),
    _name("building", "building", "built structure"),
    _name("building", "house", "dwelling", "house"),
    _name("building", "hall", "warehouse", "hall"),
    _name("road", "road|street", "carriageway"),
    _name("runway", "runway", "landing strip"),
    _name("pier", "pier", "jetty/jetties|wharf/wharves"),
    _name("river", "river", "stream"),
    _name("lake", "lake", "inland lake"),
    _name("sea", "sea", "ocean"),
    _name("water", "water/water bodies|body of water/bodies of water", "open water/waters", mass=True),
    _name("forest", "forest|wood", "woodland", mass=True),
    _name("farmland", "farmland/fields", "cropland|farm land/farm fields", mass=True),
    _name("grassland", "grassland|low vegetation/patches of low vegetation", "meadow", mass=True),
    _name("bare land", "bare land/bare areas|bare soil/patches of bare soil", "bare ground/barren areas", mass=True),
    _name("built-up area", "built-up area|settlement", "developed area"),
    _name("concrete", "concrete/concrete areas", "concrete surface", mass=True),
    _name("wetland", "wetland", "marsh/marshes", mass=True),
)

_OTHER_WORDS: dict[str, tuple[str, str]] = {
    "field": ("farmland", ""),
    "tree": ("forest", ""),
    "grass": ("grassland", ""),
    "lawn": ("grassland", ""),
    "pond": ("lake", ""),
    "canal": ("river", ""),
    "highway": ("road", ""),
    "baseball court": ("baseball diamond", ""),
    "track field": ("ground track field", ""),
    "tower": ("transmission tower", ""),
    "pylon": ("transmission tower", ""),
    "watercraft": ("ship", ""),
    "container ship": ("ship", "cargo ship"),
    "dock": ("pier", ""),
    "t intersection": ("T junction", ""),
    "residential area": ("built-up area", "residential"),
    "industrial area": ("built-up area", "industrial"),
    "overpass": ("bridge", ""),
    "factory": ("building", "hall"),
}
"""Words that templates never say, and people do."""

NAME_OF: dict[str, tuple[str, str, bool]] = {
    **{f"{word}s": (*meaning, True) for word, meaning in _OTHER_WORDS.items()},
    **{word: (*meaning, False) for word, meaning in _OTHER_WORDS.items()},
    **{many.lower(): (name.category, name.kind, True) for name in NAMES for _, many in (*name.train, *name.held_out)},
    **{one.lower(): (name.category, name.kind, False) for name in NAMES for one, _ in (*name.train, *name.held_out)},
}
"""Word, in small letters -> class, kind and whether it is a plural (of two equal forms the singular)."""

ATTRIBUTES: dict[str, str] = {
    **{colour: colour for colour in ("white", "grey", "red", "blue", "green", "dark")},
    "gray": "grey", "black": "dark", "dark-coloured": "dark", "dark-colored": "dark",
    "large": "large", "big": "large", "huge": "large", "small": "small", "little": "small", "tiny": "small",
    "wide": "wide", "broad": "wide", "narrow": "narrow", "residential": "residential", "industrial": "industrial",
    "light-duty": "light-duty", "light-weight": "light-duty", "heavy-duty": "heavy-duty", "heavy": "heavy-duty",
}  # fmt: skip
"""Word -> attribute. Sizes compare things of one class in view."""

DUTIES: dict[str, tuple[str, ...]] = {"light-duty": ("car", "van"), "heavy-duty": ("truck", "trailer", "bus")}
"""Kinds of vehicle that an attribute of RefSegRS includes (section III-C of its paper)."""

SUPERLATIVES: dict[str, str] = {
    "largest": "largest", "biggest": "largest", "smallest": "smallest", "tiniest": "smallest",
    "longest": "longest", "shortest": "shortest",
    "westernmost": "leftmost", "easternmost": "rightmost", "northernmost": "topmost", "southernmost": "bottommost",
}  # fmt: skip
"""Word -> superlative. Those of place ("leftmost") come from :mod:`engine.text.directions`."""

RELATIONS: dict[str, str] = {
    "nearest to": "nearest", "nearest": "nearest", "closest to": "nearest", "closest": "nearest",
    "beside": "beside", "next to": "beside", "near": "beside", "close to": "beside", "adjacent to": "beside",
    "by": "beside", "bordering": "beside", "at": "beside", "moored at": "beside", "in the vicinity of": "beside",
    "along": "along", "alongside": "along", "lining": "along", "along with": "along",
    "on": "on", "driving on": "on", "parked on": "on", "sailing on": "on", "standing on": "on", "floating on": "on",
    "in": "in", "inside": "in", "within": "in", "parked in": "in", "standing in": "in", "located within": "in",
    "surrounded by": "surrounded", "enclosed by": "surrounded", "encircled by": "surrounded",
    "over": "over", "across": "over", "spanning": "over", "crossing": "over",
    "with": "with", "having": "with", "that has": "with",
}  # fmt: skip
"""Phrase -> relation to the thing that is named next."""

SENSORS: dict[str, str] = {"optical": "optical", "sar": "sar", "radar": "sar"}

ORDINALS: dict[str, int] = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}

GLUE: frozenset[str] = frozenset(
    (
        "a", "an", "the", "this", "that", "these", "those", "which", "who", "is", "are", "was", "were", "be", "it",
        "its", "one", "ones", "only", "single", "there", "here", "can", "seen", "shown", "find", "show", "locate",
        "please", "all", "every", "each", "of", "and", "located", "situated", "lying", "lies", "lie", "standing",
        "stands", "parked", "docked", "moored", "placed", "positioned", "visible", "found", "to", "has", "have",
        "image", "images", "picture", "pictures", "photo", "photograph", "scene", "view",
    )
)  # fmt: skip
"""Words that may stand anywhere without changing what is meant."""
