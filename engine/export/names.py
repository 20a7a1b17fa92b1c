"""What exported files are called.

``<question>_<time>_<digest>`` and an ending: ``is-there-a-river_20261121T104455Z_3f9a1c.geojson``. The digest is of
what makes the answer this one (question, answer, area, provenance), so exporting an answer twice replaces its own files
and two answers of one second never share a name. Only ``a-z 0-9 - _`` occur, so that any disk, archive or shell takes
the name, whatever language the question is in.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from engine.protocol import to_json
from engine.records import Answer, Provenance

_SLUG_LENGTH = 40


def stem(answer: Answer) -> str:
    """The common beginning of an answer's file names."""
    return stem_of(answer.question, answer.provenance, (answer.answer, answer.area))


def stem_of(question: str, by: Provenance, rest: Iterable[object]) -> str:
    """The same of any result; ``rest`` is what makes it this one beside the question and where it comes from."""
    time = re.sub(r"[^0-9TZ]", "", by.time_utc.partition(".")[0].replace("+00:00", "Z"))
    digest = hashlib.sha256(b"\n".join(to_json(part) for part in (question, *rest, by))).hexdigest()[:6]
    return f"{slug(question)}_{time or 'undated'}_{digest}"


def slug(text: str) -> str:
    """``text`` in lower-case ASCII letters and digits joined by hyphens, at most 40 characters, never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words[:_SLUG_LENGTH].strip("-") or "question"
