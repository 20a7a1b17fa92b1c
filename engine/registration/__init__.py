"""The alignment gate: verdict on a pair, residual shift, what is shared, what has to be resampled."""

from engine.registration.check import TOLERANCE_PX, check_pair
from engine.registration.shift import MAX_SHIFT_PX, ShiftEstimate, estimate_shift

__all__ = ["MAX_SHIFT_PX", "TOLERANCE_PX", "ShiftEstimate", "check_pair", "estimate_shift"]
