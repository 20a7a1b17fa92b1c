"""What the window tells its user in a line: calm, beside the work, never in its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.protocol import Outcome

Tone = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One line. ``key`` names what it is about: a newer notice with the same key replaces it.

    ``action`` is the id of a command that mends the matter (shown as a button), or empty.
    """

    key: str
    text: str
    tone: Tone = "info"
    action: str = ""


def notice_of_outcome(key: str, outcome: Outcome, *, action: str = "") -> Notice:
    """A failed or crashed request in the engine's own words, with what to do about it."""
    text = f"{outcome.reason} {outcome.remedy}".strip() or "The engine gave no reason."
    return Notice(key, text, "error", action)
