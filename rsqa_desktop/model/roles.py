"""Which of the files a user gives is the optical one and which the SAR one."""

from __future__ import annotations

from collections.abc import Sequence

from engine.records.raster import Sensor
from rsqa_desktop.model.scene import PaneSensor


def assign_roles(sensors: Sequence[Sensor], held: frozenset[PaneSensor] = frozenset()) -> tuple[PaneSensor, ...]:
    """A role for each of one or two files, by what they are, else by the order given.

    ``sensors`` is what each file says it is, or what the user said. ``held`` are the roles that the open scene has
    filled: a single unknown file fills the empty one. Two files never get one role; the first keeps its own.
    """
    if len(sensors) == 1:
        sensor = sensors[0]
        if sensor != "unknown":
            return (sensor,)
        return ("sar",) if held == {"optical"} else ("optical",)
    first, second = sensors
    if first == "unknown":
        return ("sar", "optical") if second == "optical" else ("optical", "sar")
    return ("sar", "optical") if first == "sar" else ("optical", "sar")


def contradicted(sensors: Sequence[Sensor], roles: Sequence[PaneSensor]) -> bool:
    """Whether a file was given a role against what it says it is: both look optical, or both SAR."""
    return any(sensor not in ("unknown", role) for sensor, role in zip(sensors, roles, strict=True))
