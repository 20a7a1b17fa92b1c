"""Every number of OptiSAR-Net++ and its ablations in one frozen dataclass, as it stands on a model's card.

What the paper leaves open is marked *our reading*; sections are those of OptiSAR-Net++ (Cross-Domain RSVG).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from engine.catalog import json_fields, read_fields
from engine.errors import UsageError
from engine.nn.csp import attention_heads

NARROWEST = 8
"""Channels of the narrowest map: a quarter of them, and half of that, still are channels inside a CSP stage."""

STRIDES: tuple[int, int, int] = (8, 16, 32)
"""Input pixels per cell of P3, P4 and P5."""

AT_LEAST_ONE = (
    "embed_width", "texts", "bottlenecks", "moe_patch", "rank", "fusion_heads", "fusion_repeats", "shuffle_groups",
)  # fmt: skip

Routing = Literal["patch", "token", "image"]
TextName = Literal["all-MiniLM-L6-v2", "mobileclip2"]


@dataclass(frozen=True, slots=True)
class GroundingConfig:
    """Sizes and choices of one network. The defaults are the ``compact`` preset.

    Tables of the paper as fields. Table V: the baseline is ``experts = 0, fusion = false, region = false``; PL-MoE is
    ``experts = 8``, semantic injection ``fusion = true, region = true`` (adversarial negatives are a matter of the
    data, not of the network). Table VI: ``experts``, ``top_k``, ``routing`` and ``moe_patch``.
    """

    # --- what comes in
    image_size: int = 384  # the letterboxed square, in pixels; any multiple of 32 runs; the paper has 640
    text_encoder: TextName = "all-MiniLM-L6-v2"  # frozen, not stored; the paper: MobileCLIP2-B's text tower
    embed_width: int = 384  # of a text's embedding and of the visual ones that are compared with it; the paper: 512
    texts: int = 20  # text slots in training (section V-A3); the head's bias is set for this many
    # --- CSP backbone (the shape of YOLO11: the preset ``paper`` is its size m)
    conv_widths: tuple[int, int, int, int, int] = (16, 32, 64, 128, 256)  # of the convolutions with stride 2
    stage_widths: tuple[int, int, int, int] = (64, 128, 128, 256)  # out of the CSP stages at strides 4, 8, 16 and 32
    neck_widths: tuple[int, int, int] = (64, 128, 256)  # P3, P4 and P5 out of the neck
    bottlenecks: int = 1  # blocks inside each CSP stage
    csp_inside: bool = False  # whether those blocks are CSP blocks themselves (size m) or plain bottlenecks
    # --- PL-MoE (section III-B) in place of the CSP stage at stride 32; without experts that stage stays
    experts: int = 8
    top_k: int = 2
    routing: Routing = "patch"
    moe_patch: int = 2  # cells per patch side ("patch" only)
    rank: int = 16  # of each expert's low-rank part (our reading: the paper gives none)
    low_rank_scale: float = 0.1  # where the learnable scale of the low-rank parts starts
    # --- TGDF-SSA (section III-D) at P3, P4 and P5
    fusion: bool = True
    fusion_width: int = 128  # of the space in which cells and texts are compared, all heads together; the paper: 256
    fusion_heads: int = 4
    fusion_repeats: int = 2
    shuffle_groups: int = 16  # of SSA, on half of the neck's channels; 32 in the paper preset
    # --- heads
    box_bins: int = 16  # of the distribution over each side's distance (DFL)
    region: bool = True  # region-aware auxiliary head, in training only
    region_grids: tuple[int, int, int] = (4, 2, 2)  # cells along a side of the grid at P3, P4 and P5
    text_adapter: bool = True

    def __post_init__(self) -> None:
        """Raises UsageError for a configuration that no network can be built from."""
        if self.image_size < STRIDES[-1] or self.image_size % STRIDES[-1]:
            raise UsageError(
                f"An image of {self.image_size} px does not divide into cells of {STRIDES[-1]} px.",
                remedy=f"Set model.image_size to a multiple of {STRIDES[-1]}.",
            )
        if self.experts and not 1 <= self.top_k <= self.experts:
            raise UsageError(f"{self.top_k} experts cannot be chosen of {self.experts}.")
        for name in AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} is {getattr(self, name)}; it has to be at least 1.")
        if self.box_bins < 2:
            raise UsageError("A distribution over one distance says nothing: model.box_bins has to be at least 2.")
        if min(self.region_grids) < 1:
            raise UsageError("A grid of regions has at least one field along a side (model.region_grids).")
        self._check_widths()
        if self.fusion:
            self._check_fusion()

    def _check_widths(self) -> None:
        for name in ("conv_widths", "stage_widths", "neck_widths"):
            if min(getattr(self, name)) < NARROWEST:
                raise UsageError(f"model.{name} has a map of fewer than {NARROWEST} channels.")
        half = self.stage_widths[-1] // 2  # position attention works on one half of the deepest map
        if half % attention_heads(half):
            raise UsageError(
                f"Half of {self.stage_widths[-1]} channels does not divide into {attention_heads(half)} heads of "
                "attention (model.stage_widths).",
                remedy="Set the last of model.stage_widths to a multiple of 128, or to less than 256.",
            )

    def _check_fusion(self) -> None:
        if self.fusion_width % self.fusion_heads:
            raise UsageError(f"The width {self.fusion_width} does not divide into {self.fusion_heads} heads.")
        for width in self.neck_widths:  # TGDF-SSA works on half of the neck's channels
            if width % 2 or (width // 2) % (2 * self.shuffle_groups):
                raise UsageError(
                    f"Half of {width} channels does not divide into {self.shuffle_groups} groups of two halves."
                )
            if (width // 2) % self.fusion_heads:
                raise UsageError(f"Half of {width} channels does not divide into {self.fusion_heads} heads.")

    @property
    def box_width(self) -> int:
        """Inside the box branches, by the rule of the YOLO11 shape (64 in the paper preset)."""
        return max(16, self.neck_widths[0] // 4, 4 * self.box_bins)

    @property
    def class_width(self) -> int:
        """Inside the class branches, by the same rule (256 in the paper preset)."""
        return self.neck_widths[0]

    @classmethod
    def compact(cls) -> GroundingConfig:
        """Small widths for two CPU cores, MiniLM's text: the fields' defaults."""
        return cls()

    @classmethod
    def paper(cls) -> GroundingConfig:
        """The paper's sizes (section V-A3): YOLO11-m's shape at 640 px, MobileCLIP2-B's text, rank 16."""
        return cls(
            image_size=640,
            text_encoder="mobileclip2",
            embed_width=512,
            conv_widths=(64, 128, 256, 512, 512),
            stage_widths=(256, 512, 512, 512),
            neck_widths=(256, 512, 512),
            csp_inside=True,
            fusion_width=256,
            shuffle_groups=32,
        )

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types, for the card."""
        return json_fields(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> GroundingConfig:
        """Read a card's ``config``, see :func:`engine.catalog.read_fields`. Raises ModelDamaged."""
        return read_fields(stored, cls)
