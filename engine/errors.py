"""The family of errors that reach a user. Each is also the builtin it resembles and says what to do next.

``str(error)`` is one sentence that names the thing and the reason; ``error.remedy`` is what to do about it.
``exit_code`` is what the command line returns (see ``engine.cli``): 2 usage, 3 the input was refused,
4 the engine failed, 130 cancelled.
"""


class RsqaError(Exception):
    """Anything this program says to its user in place of a traceback."""

    exit_code = 4

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    @property
    def sentence(self) -> str:
        """The message and, where there is one, the remedy, as they are shown."""
        return f"{self} {self.remedy}".strip()


class UsageError(RsqaError, ValueError):
    """The request itself makes no sense: a wrong option, an area outside the raster, an empty question."""

    exit_code = 2


class InputRefused(RsqaError, ValueError):
    """The user's input was understood and refused; nothing was computed and nothing was lost."""

    exit_code = 3


class RasterUnreadable(InputRefused, OSError):
    """A file that GDAL cannot open or read. The sentence names the file and GDAL's reason."""


class DataSetUnreadable(InputRefused, OSError):
    """A data set's folder or annotation file that cannot be read at all; single bad records are faults instead."""


class ReadTooLarge(InputRefused, MemoryError):
    """A read that would exceed the memory bound; the sentence has the asked and the allowed size."""


class PairRefused(InputRefused):
    """The alignment gate refuses this pair: no overlap, or no georeference to overlap by."""


class ModelNotFound(InputRefused, FileNotFoundError):
    """Weights or an encoder that are not on this machine; the remedy says what to fetch and where to put it."""


class ModelDamaged(InputRefused):
    """Weights whose hash, configuration or vocabulary disagree with their card."""


class ExportRefused(InputRefused, OSError):
    """A result that cannot be written there or in that format (disk full, no permission, no CRS)."""


class ProtocolMismatch(RsqaError, ValueError):
    """Two processes that speak different versions of the wire format, or a line that is not of it."""


class EngineFailed(RsqaError, RuntimeError):
    """A fault of ours: the computation broke although the input was accepted."""


class OutOfDeviceMemory(EngineFailed, MemoryError):
    """The device had no room; the remedy names the smaller settings that would fit."""


class Cancelled(RsqaError):
    """The user, or a newer request, stopped this one."""

    exit_code = 130
