"""Another mask of an outline that was made before: another threshold, other cleaning. No network, no torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.errors import Cancelled, InputRefused
from engine.jobs.cut_outline import ProbabilityMap
from engine.jobs.cut_watched import cut_watched
from engine.jobs.folder import JobFolder
from engine.jobs.telling import ProgressTeller, tell_nobody
from engine.protocol import from_json
from engine.records import Outline, RedrawRequest


def redraw(
    request: RedrawRequest,
    *,
    progress: ProgressTeller = tell_nobody,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outline:
    """The outline with the mask that ``request`` asks for; mask, request and the outline itself lie in its folder.

    Raises :class:`InputRefused` where the outline or its probability map is gone, :class:`Cancelled` between steps once
    ``cancelled``.
    """
    began = time.perf_counter()
    outline = _read(Path(request.outline_json))

    def step() -> None:
        if cancelled():
            raise Cancelled("The redraw was stopped.")
        progress("cut", None)

    folder = JobFolder(request.folder)
    folder.write_request(request)
    step()
    probable = ProbabilityMap(
        expression=outline.expression,
        levels=Path(outline.probability),
        references=Path(outline.references) if outline.references else None,
        window=outline.area.window,
        grid=outline.area.grid,
        windows=outline.windows,
    )
    new = cut_watched(probable, request.cleaning, folder, step)
    mask = str(new.mask)
    lasting = tuple(said for said in outline.messages if said not in outline.on_mask)
    result = replace(
        outline,
        cleaning=request.cleaning,
        parts=new.parts,
        parts_cut=new.parts_cut,
        area_m2=new.area_m2,
        share=new.share,
        mean_probability=new.mean_probability,
        mask=mask,
        messages=(*new.remarks, *lasting),
        on_mask=new.remarks,
        files=tuple(mask if file == outline.mask else file for file in outline.files),
        seconds=time.perf_counter() - began,
        polygons="",
    )
    folder.write_result(result)
    return result


def _read(path: Path) -> Outline:
    """An outline that was made before. Raises :class:`InputRefused` where it is gone."""
    try:
        return from_json(path.read_bytes(), Outline)
    except OSError as error:
        raise InputRefused(f"The outline {path} cannot be read: {error.strerror}.", remedy="Outline again.") from error
