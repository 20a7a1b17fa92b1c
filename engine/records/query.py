"""What the user asked for, immutable, complete enough to be run again in another process on another day."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import UsageError
from engine.records.geometry import PixelWindow


@dataclass(frozen=True, slots=True)
class GateChoice:
    """The user's standing orders to the alignment gate.

    ``correct_shift`` moves SAR by the estimate where the verdict is ``shifted``; ``assume_registered`` accepts a
    pair of one pixel size without georeference; ``tolerance_px`` (optical pixels) replaces the default of one
    patch of the model at the analysis scale.
    """

    correct_shift: bool = False
    assume_registered: bool = False
    tolerance_px: float | None = None


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Judge a pair. A path of None means that the pair has only the other sensor."""

    optical: str | None
    sar: str | None
    gate: GateChoice = field(default_factory=GateChoice)

    def __post_init__(self) -> None:
        if self.optical is None and self.sar is None:
            raise UsageError("A pair needs at least one raster.", remedy="Name an optical or a SAR file.")


@dataclass(frozen=True, slots=True)
class AskRequest:
    """A question about an area of a pair.

    ``window`` is in full-resolution pixels of the optical raster (of the SAR raster where there is no optical);
    None is the whole raster. ``model`` is a name of ``engine.catalog`` or a path to weights. ``folder`` is where
    explanation arrays go. ``mute`` hides sensors from the network without closing their files.
    """

    question: str
    optical: str | None
    sar: str | None
    folder: str
    window: PixelWindow | None = None
    model: str = "tgfnet-compact"
    device: str = "auto"
    gate: GateChoice = field(default_factory=GateChoice)
    optical_bands: tuple[int, ...] | None = None
    sar_bands: tuple[int, ...] | None = None
    mute: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise UsageError("There is no question.", remedy="Type one, such as “Is there a river?”")
        if self.optical is None and self.sar is None:
            raise UsageError("A pair needs at least one raster.", remedy="Name an optical or a SAR file.")


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Write an answer for other programs: ``formats`` of ``geojson``, ``gpkg``, ``cog``, ``png``, ``html``, ``json``.

    ``answer_json`` is the answer as ``engine.protocol.to_json`` gives it (a file in the job's folder).
    """

    answer_json: str
    out: str
    formats: tuple[str, ...] = ("geojson", "gpkg", "cog", "png", "html", "json")
