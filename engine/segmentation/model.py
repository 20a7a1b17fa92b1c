"""LGCE: an expression to a mask, over optical, SAR or both (section IV; Fig. 4).

Areas are encoded once as far as no word goes in (:meth:`LgceNet.encode`). Every expression then meets the cells after
each of Swin's stages, and the decoder makes a mask of the four maps that this gives (:meth:`LgceNet.forward`).
"""

from __future__ import annotations

from copy import deepcopy

from timm.models.swin_transformer import SwinTransformer
from torch import Tensor, nn

from engine.errors import UsageError
from engine.nn.csp import cells_with_data
from engine.records.pair import SENSORS
from engine.segmentation.config import STRIDES, SegmentationConfig
from engine.segmentation.decoder import Decoder, grown
from engine.segmentation.enhancement import CrossScaleEnhancement
from engine.segmentation.network import FirstStage, PairInput, SegmentationOutput, Words
from engine.segmentation.pwam import LanguageGate, PixelWordAttention
from engine.segmentation.sensors import SensorGate
from engine.segmentation.swin import SensorStage, build_swin, only_data


class LgceNet(nn.Module):
    """The whole network, or with parts left out (Table III); a part that is left out is not built."""

    def __init__(self, config: SegmentationConfig) -> None:
        super().__init__()
        widths, text = config.widths, config.text_width
        read = SENSORS if config.sensors == "both" else (config.sensors,)
        swin = build_swin(config)
        first = SensorStage(swin.patch_embed, swin.layers[0])
        # Each sensor has weights of its own; they begin alike, as they do where a pretrained Swin fills both.
        self.sensors = nn.ModuleDict({name: deepcopy(first) for name in read})
        self.sensor_gate = SensorGate(widths[0]) if config.sensors == "both" else None
        self.stages = nn.ModuleList(swin.layers[1:])
        self.attentions = nn.ModuleList(PixelWordAttention(width, text) for width in widths)
        self.gates = nn.ModuleList(LanguageGate(width) for width in widths[:-1])
        self.unread_gate = LanguageGate(widths[-1]).requires_grad_(False) if config.unread_gate else None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        self.enhancement = CrossScaleEnhancement(config) if config.enhancement else None
        self.decoder = Decoder(widths, config.decoder_width)

    def encode(self, pair: PairInput) -> FirstStage:
        """All that no word goes into, so that an area is kept and a second expression begins after it.

        Of a sensor that the network does not read nothing is looked at. Raises UsageError where H or W is no multiple
        of 32.
        """
        _check_size(pair)
        pictures = {"optical": (pair.optical, pair.optical_valid), "sar": (pair.sar, pair.sar_valid)}
        seen = [stage(*pictures[name]) for name, stage in self.sensors.items()]  # [B, H / 4, W / 4, C1] and its mask
        if self.sensor_gate is None:
            [(cells, mask)] = seen
            return FirstStage(cells, mask, trust=None)
        (optical, optical_mask), (sar, sar_mask) = seen
        cells, trust = self.sensor_gate(optical, sar, optical_mask, sar_mask)
        return FirstStage(cells, optical_mask | sar_mask, trust)

    def start_from(self, swin: SwinTransformer) -> None:
        """Take over the weights of ``swin``, of the same configuration (:func:`engine.segmentation.swin.build_swin`).

        Each sensor's first stage begins alike. What is not Swin's stays as it is.
        """
        first = SensorStage(swin.patch_embed, swin.layers[0]).state_dict()
        for sensor in self.sensors.values():
            sensor.load_state_dict(first)
        for stage, theirs in zip(self.stages, swin.layers[1:], strict=True):
            stage.load_state_dict(theirs.state_dict())

    def forward(self, first: FirstStage, words: Words) -> SegmentationOutput:
        """One expression for each area; words outside of their mask change nothing, whatever is in them."""
        words = Words(words.vectors.masked_fill(~words.mask.unsqueeze(-1), 0.0), words.mask)
        masks = _stage_masks(first.valid)
        maps, attention, gates = self._stages(first.cells, masks, words)
        if self.enhancement is not None:
            maps[2:] = self.enhancement(maps[2], maps[3], masks[2:], words)
        logits = self.decoder([x.permute(0, 3, 1, 2) for x in maps]).float()  # [B, 2, H / 4, W / 4]
        size = [side * STRIDES[0] for side in first.valid.shape[1:]]
        return SegmentationOutput(grown(logits, size), attention, gates, first.trust)

    def _stages(
        self, cells: Tensor, masks: list[Tensor], words: Words
    ) -> tuple[list[Tensor], tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Swin's stages with the words after each: maps for the decoder [B, H, W, C], attention, and gates to show."""
        maps, attention, gates = [], [], []
        for index, (attend, norm, mask) in enumerate(zip(self.attentions, self.norms, masks, strict=True)):
            r, shares = attend(cells, mask, words)  # [B, H, W, C], [B, N, H, W]
            maps.append(norm(r))
            attention.append(shares.float())
            if index < len(self.stages):
                gate = self.gates[index](r)  # [B, H, W, C]
                gates.append(gate.abs().mean(-1).float())  # [B, H, W]
                cells = only_data(self.stages[index](cells + gate * r), masks[index + 1])  # [B, H / 2, W / 2, 2 C]
        return maps, tuple(attention), tuple(gates)


def _check_size(pair: PairInput) -> None:
    height, width = pair.optical.shape[-2:]
    if height % STRIDES[-1] or width % STRIDES[-1]:
        raise UsageError(
            f"A picture of {width} x {height} px does not divide into cells of {STRIDES[-1]} px.",
            remedy="Letterbox it to the model's square first (engine.nn.preprocess).",
        )


def _stage_masks(valid: Tensor) -> list[Tensor]:
    """Cells with data at each stage, bool [B, H / stride, W / stride]; ``valid`` are the first stage's."""
    return [valid, *(cells_with_data(valid, stride // STRIDES[0]) for stride in STRIDES[1:])]
