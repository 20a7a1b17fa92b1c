"""Every number of LGCE and its ablations in one frozen dataclass, as it stands on a model's card.

What the paper leaves open is marked *our reading*; sections and equations are those of RRSIS: Referring Remote Sensing
Image Segmentation. LAVT is its baseline: a Swin Transformer into which the words enter after every stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from engine.catalog import json_fields, read_fields
from engine.errors import UsageError

STRIDES: tuple[int, int, int, int] = (4, 8, 16, 32)
"""Input pixels per cell after each of Swin's four stages."""

AT_LEAST_ONE = (
    "text_width", "tokens", "first_width", "window", "decoder_width", "high_blocks", "low_blocks",
)  # fmt: skip

Sensors = Literal["optical", "sar", "both"]
TextName = Literal["all-MiniLM-L6-v2", "bert-base-uncased"]


@dataclass(frozen=True, slots=True)
class SegmentationConfig:
    """Sizes and choices of one network. The defaults are the ``compact`` preset.

    Table III of the paper as fields: the baseline (LAVT) is ``enhancement = false``; without language guidance is
    ``guidance = false``, without cross-scale fusion ``cross_scale = false``, the full model has all three.
    """

    # --- what comes in
    image_size: int = 384  # the letterboxed square, in pixels; any multiple of 32 runs; the paper has 480
    sensors: Sensors = "both"  # the paper: optical. "both" is our extension: fused after the first stage, by a gate
    text_encoder: TextName = "all-MiniLM-L6-v2"  # the paper: BERT-base
    text_width: int = 384  # of a word's vector; BERT-base has 768
    train_text: bool = False  # whether the text encoder learns, too (the paper preset: our reading), and is stored
    tokens: int = 20  # of an expression, [CLS] and [SEP] included; the rest is cut
    # --- Swin
    first_width: int = 32  # channels of the first stage; each later stage has twice those of the one before
    depths: tuple[int, int, int, int] = (2, 2, 4, 1)  # Transformer blocks of each stage
    heads: tuple[int, int, int, int] = (1, 2, 4, 8)
    window: int = 12  # cells along a side of an attention window
    drop_path: float = 0.1
    unread_gate: bool = False  # LAVT counts a language gate after the fourth stage, too, which nothing reads
    # --- LGCE on the third and fourth stage (section IV-C)
    enhancement: bool = True
    guidance: bool = True  # whether the words' mean goes in, or a learned token in its place (Table III)
    cross_scale: bool = True  # equations 4 and 5
    fusion: Literal["sequence", "class_token"] = "sequence"  # what equation 4 changes: all tokens, or one
    high_blocks: int = 1  # Transformer layers at the third stage's width (our reading, with the next three)
    low_blocks: int = 1  # and at the fourth's; the paper preset: 3
    enhancement_heads: tuple[int, int] = (4, 8)  # at the third and at the fourth stage; the paper preset: 8, 16
    enhancement_mlp: float = 2.0  # hidden width of these layers, in widths
    # --- decoder
    decoder_width: int = 80  # the paper preset: 512

    def __post_init__(self) -> None:
        """Raises UsageError for a configuration that no network can be built from."""
        if self.image_size < STRIDES[-1] or self.image_size % STRIDES[-1]:
            raise UsageError(
                f"An image of {self.image_size} px does not divide into cells of {STRIDES[-1]} px.",
                remedy=f"Set model.image_size to a multiple of {STRIDES[-1]}.",
            )
        for name in AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} is {getattr(self, name)}; it has to be at least 1.")
        if min(self.depths) < 1:
            raise UsageError(f"model.depths are {self.depths}; each stage has at least 1 block.")
        if not 0 <= self.drop_path < 1:
            raise UsageError(f"model.drop_path is {self.drop_path}; it has to be from 0 to below 1.")
        pairs = list(zip(self.widths, self.heads, strict=True))
        if self.enhancement:
            pairs += zip(self.widths[2:], self.enhancement_heads, strict=True)
        for width, heads in pairs:
            if heads < 1 or width % heads:
                raise UsageError(
                    f"{width} channels do not divide into {heads} heads (model.heads, model.enhancement_heads)."
                )

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Channels after each of the four stages."""
        first = self.first_width
        return first, 2 * first, 4 * first, 8 * first

    @classmethod
    def compact(cls) -> SegmentationConfig:
        """A small Swin for two CPU cores, MiniLM's words: the fields' defaults."""
        return cls()

    @classmethod
    def paper(cls) -> SegmentationConfig:
        """The paper's sizes (section V-C): Swin-B with windows of 12 at 480 px, BERT-base, one sensor."""
        return cls(
            image_size=480,
            sensors="optical",
            text_encoder="bert-base-uncased",
            text_width=768,
            train_text=True,
            first_width=128,
            depths=(2, 2, 18, 2),
            heads=(4, 8, 16, 32),
            drop_path=0.3,
            unread_gate=True,
            low_blocks=3,
            enhancement_heads=(8, 16),
            decoder_width=512,
        )

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types, for the card."""
        return json_fields(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> SegmentationConfig:
        """Read a card's ``config``, see :func:`engine.catalog.read_fields`. Raises ModelDamaged."""
        return read_fields(stored, cls)
