"""The alignment gate's verdicts, one per pair of files as they are on disk."""

from __future__ import annotations

from collections.abc import Callable

from engine.errors import PairRefused
from engine.jobs.kept import FileState, Kept, file_state
from engine.records import CheckRequest, PairCheck
from engine.registration import check_pair

PAIRS_KEPT = 16
_WHAT_TO_DO = {
    "no-overlap": "Open two images of the same place.",
    "not-georeferenced": "Georeference both, or, if their pixels correspond one to one, say so (--assume-registered).",
}


class PairChecks:
    """Judges pairs, each only once while its files and the gate's orders stay the same."""

    def __init__(self) -> None:
        self._kept: Kept[tuple[FileState | None, FileState | None, bool, float | None], PairCheck] = Kept(PAIRS_KEPT)

    def verdict(self, request: CheckRequest) -> PairCheck:
        """The verdict on a pair. Raises what ``engine.raster`` raises for a file that cannot be read."""
        gate = request.gate
        key = (file_state(request.optical), file_state(request.sar), gate.assume_registered, gate.tolerance_px)
        return self._kept.get(key, lambda: check_pair(request, tolerance_px=gate.tolerance_px))

    def handle(
        self,
        request: CheckRequest,
        *,
        progress: Callable[[str, float | None], None],
        cancelled: Callable[[], bool],
    ) -> PairCheck:
        """The worker's handler of a check."""
        progress("check", None)
        return self.verdict(request)


def require_usable(check: PairCheck) -> None:
    """Raises :class:`PairRefused` where the gate refuses the pair."""
    if check.refused:
        why = check.messages[0] if check.messages else f"The pair is refused: {check.verdict}."
        raise PairRefused(why, remedy=_WHAT_TO_DO[check.verdict])
