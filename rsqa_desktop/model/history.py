"""Everything that was asked, with what came of it, and the walk through it with the up and down keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from engine.protocol import Outcome
from engine.records import Answer, AskRequest, Cleaning, Finding, FindRequest, Outline, OutlineRequest, TiledAnswer
from rsqa_desktop.model.mode import Deed

Request = AskRequest | FindRequest | OutlineRequest
"""A question or an expression as it is sent; over a grid of tiles, the question of every tile."""
Result = Answer | TiledAnswer | Finding | Outline
"""What can come of it."""
EntryState = Literal["running", "succeeded", "cancelled", "failed", "crashed"]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One question, or one expression that was looked for or outlined.

    ``outcome`` is None while it runs; ``result`` is there exactly when it succeeded. ``over_tiles`` says that it was
    asked of every tile of a grid; ``tiles_expected`` is their number where it was known beforehand. ``cleaning_first``
    is what an outline's mask was cut with at first; that of ``result`` may be another since.
    """

    id: str
    request: Request
    result: Result | None = None
    outcome: Outcome | None = None
    over_tiles: bool = False
    tiles_expected: int | None = None
    cleaning_first: Cleaning | None = None

    @property
    def text(self) -> str:
        """The question, or what was named."""
        return self.request.question if isinstance(self.request, AskRequest) else self.request.expression

    @property
    def deed(self) -> Deed:
        """Whether it was asked, looked for or outlined."""
        if isinstance(self.request, AskRequest):
            return "ask"
        return "find" if isinstance(self.request, FindRequest) else "outline"

    @property
    def answer(self) -> Answer | None:
        """What was answered about the area as a whole."""
        return self.result if isinstance(self.result, Answer) else None

    @property
    def tiled(self) -> TiledAnswer | None:
        """What was answered tile by tile."""
        return self.result if isinstance(self.result, TiledAnswer) else None

    @property
    def finding(self) -> Finding | None:
        """What was found."""
        return self.result if isinstance(self.result, Finding) else None

    @property
    def outline(self) -> Outline | None:
        """What was outlined."""
        return self.result if isinstance(self.result, Outline) else None

    @property
    def state(self) -> EntryState:
        return "running" if self.outcome is None else self.outcome.status


class History:
    """Entries, oldest first. Immutable entries, replaced as answers and outcomes arrive."""

    def __init__(self) -> None:
        self._entries: dict[str, HistoryEntry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[HistoryEntry, ...]:
        return tuple(self._entries.values())

    @property
    def texts(self) -> tuple[str, ...]:
        """Questions and expressions, oldest first, a repeated one at its newest place only."""
        newest_first = dict.fromkeys(entry.text for entry in reversed(self.entries))
        return tuple(reversed(newest_first))

    def get(self, entry_id: str) -> HistoryEntry | None:
        return self._entries.get(entry_id)

    def add(self, entry: HistoryEntry) -> None:
        self._entries[entry.id] = entry

    def update(self, entry_id: str, *, result: Result | None = None, outcome: Outcome | None = None) -> HistoryEntry:
        """Add what arrived. Raises ``KeyError`` for a question that was never asked."""
        entry = self._entries[entry_id]
        entry = replace(entry, result=result or entry.result, outcome=outcome or entry.outcome)
        if entry.outline is not None and entry.cleaning_first is None:
            entry = replace(entry, cleaning_first=entry.outline.cleaning)
        self._entries[entry_id] = entry
        return entry


class TextWalk:
    """Up and down through what was typed before, as in a shell: what was being typed waits at the newest end."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._at = 0

    def restart(self, texts: tuple[str, ...]) -> None:
        """Walk from the newest end of ``texts`` again."""
        self._texts = [*texts, ""]
        self._at = len(self._texts) - 1

    def older(self, typed: str) -> str:
        """The text before the one shown; ``typed`` is kept if the walk has not begun."""
        if not self._texts:
            return typed
        if self._at == len(self._texts) - 1:
            self._texts[-1] = typed
        self._at = max(self._at - 1, 0)
        return self._texts[self._at]

    def newer(self, typed: str) -> str:
        """The text after the one shown, at last what was being typed."""
        if not self._texts or self._at == len(self._texts) - 1:
            return typed
        self._at += 1
        return self._texts[self._at]
