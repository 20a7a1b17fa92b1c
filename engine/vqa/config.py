"""Every number of TGFNet in one frozen dataclass, as it stands on a model's card.

What the paper leaves open is marked *our reading*; the paper is Text-guided Coarse-to-Fine Fusion Network for
Robust Remote Sensing Visual Question Answering (TGFNet), sections III-A to III-D.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import msgspec

from engine.errors import ModelDamaged, UsageError


@dataclass(frozen=True, slots=True)
class TgfnetConfig:
    """Sizes and choices of one TGFNet. ``answers`` is the length of the vocabulary that travels with the weights."""

    answers: int
    # --- what comes in
    image_size: int = 224  # the letterboxed square, in pixels
    patch: int = 16  # pixels per patch side: 14 x 14 = 196 patches (M)
    text_encoder: str = "all-MiniLM-L6-v2"  # frozen; the paper has CLIP's text tower
    text_width: int = 384  # width of its token features
    max_tokens: int = 77  # N at most: CLIP's own limit; the paper says 71; a longer question is cut visibly
    # --- the image encoder, one for both sensors
    stem_channels: tuple[int, int] = (32, 64)  # widths at strides 4 and 8
    stem_blocks: tuple[int, int, int] = (1, 2, 1)  # residual blocks at strides 4, 8 and 16
    vision_layers: int = 1  # Transformer layers over the patches
    # --- the blocks of the paper
    width: int = 128  # D; the paper has 512
    heads: int = 8  # everywhere: the paper says so for MCA and IE, the rest is our reading
    mlp_ratio: float = 2.0  # every MLP; 4 in the paper preset (our reading)
    region_side: int = 2  # KRR: P = 2 x 2 patches to a region, so T = 49 (our reading)
    kept_regions: int = 12  # KRR: k of T (our reading)
    router_gate: Literal["learnable", "none"] = "learnable"  # "none" is eq. 1 literally: W_T and W_I never learn
    neighbours: int = 8  # RQAF: R most similar patches within each sensor, so a union of 2R (our reading)
    decoder_layers: int = 2  # of each expert, as in the paper
    dropout: float = 0.1  # in the experts only (our reading)

    def __post_init__(self) -> None:
        if self.image_size % (self.patch * self.region_side):
            raise UsageError(
                f"An image of {self.image_size} px does not divide into regions of {self.patch * self.region_side} px."
            )
        if self.width % self.heads:
            raise UsageError(f"The width {self.width} does not divide into {self.heads} heads.")
        if not 1 <= self.kept_regions <= self.regions:
            raise UsageError(f"{self.kept_regions} key regions cannot be kept of {self.regions}.")

    @property
    def grid(self) -> int:
        """Patches along one side (14)."""
        return self.image_size // self.patch

    @property
    def patches(self) -> int:
        """M, patches in the picture (196)."""
        return self.grid**2

    @property
    def region_grid(self) -> int:
        """Regions along one side (7)."""
        return self.grid // self.region_side

    @property
    def regions(self) -> int:
        """T, regions in the picture (49)."""
        return self.region_grid**2

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types, for the card."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> TgfnetConfig:
        """Read a card's ``config``. Raises ModelDamaged where a field is missing or unknown."""
        names = {f.name for f in fields(cls)}
        if set(stored) != names:
            wrong = ", ".join(sorted(set(stored) ^ names))
            raise ModelDamaged(
                f"The model's configuration does not fit this program (fields: {wrong}).",
                remedy="Use the version of the program that the card names, or other weights.",
            )
        try:
            return msgspec.convert(stored, cls)
        except msgspec.ValidationError as error:
            raise ModelDamaged(f"The model's configuration cannot be used: {error}.") from error
