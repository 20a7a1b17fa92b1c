"""What Enter does with the words in the query box: ask, find, or whichever of the two they mean."""

from __future__ import annotations

from typing import Literal

QueryMode = Literal["auto", "ask", "find"]
Deed = Literal["ask", "find"]

MODE_WORDS: dict[QueryMode, str] = {"auto": "Auto", "ask": "Ask", "find": "Find"}
MODE_HELP: dict[QueryMode, str] = {
    "auto": "A question asks, anything else is looked for",
    "ask": "Whatever is typed is a question: the answer comes in words",
    "find": "Whatever is typed names things: they come as boxes on the images",
}

_QUESTION_WORDS = "what which where when who whose why how"
_AUXILIARIES = "am is are was were do does did has have had can could will would should shall may might must"
_NEGATED = "isn't aren't wasn't weren't don't doesn't didn't hasn't haven't can't couldn't won't"
_ASKS = frozenset(f"{_QUESTION_WORDS} {_AUXILIARIES} {_NEGATED}".split())


def deed_of(text: str, mode: QueryMode = "auto") -> Deed:
    """What ``text`` is taken for.

    In ``auto`` that is a question where it ends with a question mark, or begins with a question word or an auxiliary
    verb ("how many ships", "are there ships"); everything else is an expression ("all ships at the pier"). Without a
    word it is a question, which the box invites to first. The other modes decide for themselves.
    """
    if mode != "auto":
        return mode
    words = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower().split()
    asks = not words or words[-1].endswith("?") or words[0].strip("\"'“”¿(,") in _ASKS
    return "ask" if asks else "find"
