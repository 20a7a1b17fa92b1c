"""From a description to questions: what is asked, and in which words."""

from __future__ import annotations

from engine.draws import Draws
from engine.text.balance import FULL, Balance
from engine.text.cases import CASES, Case
from engine.text.description import Description
from engine.text.questions import Question, Wording, word_question


class Asker:
    """Draws questions of all 16 OSVQA types about one description.

    Per type, each case is kept by its chance in ``balance`` (all of them where there is none); then a template is
    drawn and one of its cases, so that rare templates are heard as often as common ones. The draws do not depend on
    the ``wording``: both groups of wordings ask the same things.
    """

    def __init__(
        self, draws: Draws, description: Description, wording: Wording, balance: Balance | None = None
    ) -> None:
        self.draws = draws
        self.description = description
        self.wording: Wording = wording
        self.balance = balance

    def ask(self, per_type: int) -> tuple[Question, ...]:
        """Up to ``per_type`` different questions of each type; none of a type of which nothing clear is known."""
        questions: list[Question] = []
        for kind in CASES:
            shared = self.draws.below(FULL)
            cases = [case for case in CASES[kind](self.description) if self._kept(case, shared)]
            for _ in range(min(per_type, len(cases))):
                template = self.draws.choice(list(dict.fromkeys(case.template for case in cases)))
                case = self.draws.choice([case for case in cases if case.template == template])
                cases.remove(case)
                questions.append(self._worded(kind, case))
        return tuple(questions)

    def _kept(self, case: Case, shared: int) -> bool:
        """Whether the case may be asked; ``shared`` is what was drawn for all that are kept or left together."""
        mark = shared if case.together else self.draws.below(FULL)
        return self.balance is None or mark < self.balance.chance(case)

    def _worded(self, kind: str, case: Case) -> Question:
        choice = self.draws.below(1 << 16)
        text = case.text or word_question(case.template, self.wording, choice, *case.slots)
        return Question(text, case.answer, kind, case.template)
