"""One normal form for questions, so that a keyboard's habits do not change an answer."""

from __future__ import annotations

import unicodedata


def normalise(question: str) -> str:
    """Fold case, Unicode compatibility forms, accents, punctuation and white space.

    ``"  Is there a RIVER ?"`` and ``"is there a river"`` become the same ``"is there a river"``. Letters and digits
    of any script stay; every other character is a break between words. Idempotent; may return an empty string.
    """
    # Decompose, drop the combining marks, and only then fold case: "É" and "e" meet whatever their coding was.
    decomposed = unicodedata.normalize("NFKD", question)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    words = "".join(c if c.isalnum() else " " for c in unicodedata.normalize("NFKC", bare))
    return " ".join(words.split())
