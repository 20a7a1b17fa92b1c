"""Every number of TGFNet, its ablations and its rivals in one frozen dataclass, as it stands on a model's card.

What the paper leaves open is marked *our reading*; the paper is Text-guided Coarse-to-Fine Fusion Network for
Robust Remote Sensing Visual Question Answering (TGFNet), sections III-A to III-D; ablations and rivals: section V.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from engine.catalog import json_fields, read_fields
from engine.errors import UsageError

NetworkName = Literal["tgfnet", "single", "rsvqa", "main", "bimodal", "hrvqa", "trar", "feth"]
Fusion = Literal["rqaf", "add", "concat", "transformer"]
Sensors = Literal["both", "optical", "sar"]

CLIP: Final = "clip"
"""``vision`` and ``text_encoder`` where CLIP's own towers are meant."""

CLIP_MODEL_FILE: Final = "clip_model.json"
"""In a model's folder: the architecture of a CLIP that open_clip has no name for."""

CONV_STEP = 16
"""The convolutional encoder's pixels per patch, and the step of its widths (``engine.nn.vision``; no torch here)."""


@dataclass(frozen=True, slots=True)
class TgfnetConfig:
    """Sizes and choices of one network. ``answers`` is the length of the vocabulary that travels with the weights.

    Tables of the paper as fields. Table IV: Exp1 is ``network = "single", fusion = "add"``; Exp2 ``cfar = false,
    fusion = "add"``; Exp3 ``fusion = "add"``; Exp4 the defaults. Table V: ``network = "single"`` with ``sensors =
    "optical" | "sar"`` or ``fusion = "add" | "concat" | "transformer"``. Table III: ``network`` is the rival's name,
    ``sensors`` its modality (OPT, SAR, MUL).
    """

    answers: int
    # --- which network
    network: NetworkName = "tgfnet"  # "single": one expert-shaped head, neither experts nor CFAR
    sensors: Sensors = "both"  # what it looks at; the other sensor is as if it were not there
    fusion: Fusion = "rqaf"  # how both sensors' patches become one picture; rivals know "add" only
    cfar: bool = True  # without it the experts read the patches as they come from the encoder
    # --- what comes in
    image_size: int = 224  # the letterboxed square, in pixels
    patch: int = 16  # pixels per patch side: 14 x 14 = 196 patches (M)
    text_encoder: Literal["all-MiniLM-L6-v2", "clip"] = "all-MiniLM-L6-v2"  # the paper has CLIP's text tower
    text_width: int = 384  # width of its token features
    max_tokens: int = 77  # N at most: CLIP's own limit; the paper says 71; a longer question is cut visibly
    # --- the image encoder, one for both sensors
    vision: Literal["conv", "clip"] = "conv"  # "clip": the tower of clip_model, whose own sizes hold
    clip_model: str = ""  # open_clip's name of the architecture, or a .json file; the paper: ViT-B-16-quickgelu
    clip_weights: str = ""  # open_clip's tag of its weights; the paper: openai
    clip_stored: bool = False  # CLIP was tuned and lies in the weights' file; else it is fetched by tag and hash
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
    adaptive_input: Literal["logits", "probabilities"] = "logits"  # what AF hears: eq. 8 literally, or their softmax

    def __post_init__(self) -> None:
        """Raises UsageError for a configuration that no network can be built from."""
        self._check_network()
        self._check_sizes()
        self._check_encoders()

    @classmethod
    def compact(cls, answers: int) -> TgfnetConfig:
        """Small widths for two CPU cores, vision trained from scratch, MiniLM's text: the fields' defaults."""
        return cls(answers)

    @classmethod
    def paper(cls, answers: int) -> TgfnetConfig:
        """The paper's sizes on CLIP ViT-B/16 (section V-A). k, R, T, the MLP ratio and dropout are our reading."""
        return cls(
            answers,
            text_encoder=CLIP,
            text_width=512,
            vision=CLIP,
            clip_model="ViT-B-16-quickgelu",
            clip_weights="openai",
            width=512,
            mlp_ratio=4.0,
        )

    def _check_network(self) -> None:
        """Which sensors and fusions go with which network."""
        if self.network == "tgfnet" and (self.sensors != "both" or self.fusion in ("concat", "transformer")):
            raise UsageError(
                "TGFNet looks at both sensors and fuses by rqaf or add.", remedy="Set model.network to single."
            )
        if self.network != "tgfnet" and self.fusion == "rqaf":
            raise UsageError(
                f"The network “{self.network}” has no regional fusion.", remedy="Set model.fusion to add, or another."
            )
        if self.network not in ("tgfnet", "single") and self.fusion != "add":
            raise UsageError(f"The network “{self.network}” adds its sensors; it has no fusion “{self.fusion}”.")
        if self.sensors != "both" and self.fusion != "add":
            raise UsageError(
                f"A network that looks at {self.sensors} alone has nothing to fuse by “{self.fusion}”.",
                remedy="Set model.fusion to add.",
            )

    def _check_sizes(self) -> None:
        at_least_one = ("answers", "patch", "region_side", "heads", "width", "text_width", "neighbours",
                        "decoder_layers", "max_tokens")  # fmt: skip
        for name in at_least_one:
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} is {getattr(self, name)}; it has to be at least 1.")
        if self.image_size < 1 or self.image_size % (self.patch * self.region_side):
            raise UsageError(
                f"An image of {self.image_size} px does not divide into regions of {self.patch * self.region_side} px."
            )
        if self.width % self.heads:
            raise UsageError(f"The width {self.width} does not divide into {self.heads} heads.")
        if not 1 <= self.kept_regions <= self.regions:
            raise UsageError(f"{self.kept_regions} key regions cannot be kept of {self.regions}.")
        if self.neighbours > self.patches:
            raise UsageError(f"{self.neighbours} nearest patches cannot be found among {self.patches}.")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"A dropout of {self.dropout} is not a share from 0 to below 1.")
        if not self.mlp_ratio > 0:
            raise UsageError(f"An MLP {self.mlp_ratio} times as wide inside cannot be built.")

    def _check_encoders(self) -> None:
        if self.uses_clip and not self.clip_model:
            raise UsageError("The configuration uses CLIP and does not say which.", remedy="Set model.clip_model.")
        if self.clip_stored and not self.uses_clip:
            raise UsageError("The configuration stores CLIP's weights and does not use CLIP.")
        if self.vision == "conv":
            if self.patch != CONV_STEP:
                raise UsageError(f"The convolutional encoder makes patches of {CONV_STEP} px, not of {self.patch} px.")
            for channels in (*self.stem_channels, self.width):
                if channels < CONV_STEP or channels % CONV_STEP:
                    raise UsageError(f"The convolutional encoder's widths go in steps of {CONV_STEP}, not {channels}.")

    @property
    def uses_clip(self) -> bool:
        """Whether a tower of CLIP makes the picture's or the question's features."""
        return CLIP in (self.vision, self.text_encoder)

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
        return json_fields(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> TgfnetConfig:
        """Read a card's ``config``, see :func:`engine.catalog.read_fields`. Raises ModelDamaged."""
        return read_fields(stored, cls)
