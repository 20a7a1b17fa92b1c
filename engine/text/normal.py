"""One normal form for questions, so that a keyboard's habits do not change an answer."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_AMERICAN = {
    "aeroplane": "airplane",
    "aeroplanes": "airplanes",
    "centre": "center",
    "centred": "centered",
    "centres": "centers",
    "colour": "color",
    "coloured": "colored",
    "colours": "colors",
    "grey": "gray",
    "harbour": "harbor",
    "harbours": "harbors",
    "kilometre": "kilometer",
    "kilometres": "kilometers",
    "metre": "meter",
    "metres": "meters",
    "neighbour": "neighbor",
    "neighbouring": "neighboring",
    "neighbours": "neighbors",
}
"""Words of this field that are spelt in two ways; the normal form has the American one, as the data sets do."""


@lru_cache(maxsize=1 << 16)  # training compares the same sentences in every visit of a picture
def normalise(question: str) -> str:
    """Fold case, Unicode compatibility forms, accents, punctuation, white space, and British spelling.

    ``"  Is there a RIVER ?"`` and ``"is there a river"`` become the same ``"is there a river"``, ``"a grey harbour"``
    and ``"a gray harbor"`` the same too. Letters and digits of any script stay; every other character is a break
    between words. Idempotent; may return an empty string.
    """
    # Decompose, drop the combining marks, and only then fold case: "É" and "e" meet whatever their coding was.
    decomposed = unicodedata.normalize("NFKD", question)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    words = "".join(c if c.isalnum() else " " for c in unicodedata.normalize("NFKC", bare))
    return " ".join(_AMERICAN.get(word, word) for word in words.split())
