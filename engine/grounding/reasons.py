"""Why boxes came out as they did, as maps: which expert took which patch, and where the text was let in."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.grounding.config import STRIDES, GroundingConfig
from engine.grounding.network import BackboneFeatures, GroundingOutput
from engine.nn.preprocess import Floats
from engine.nn.reason_map import ReasonMap
from engine.records.pair import SENSOR_SAID


def routing_maps(features: BackboneFeatures, sensor: str, config: GroundingConfig) -> dict[str, ReasonMap]:
    """The expert that had the largest share of each patch of a view (section III-B), counted from 1, and that share.

    ``features`` are of one picture. NaN where a patch has no data. A network without experts has no maps.
    """
    if features.routes is None:
        return {}
    share, expert = features.routes[0].float().max(0)  # [E, rows, columns] -> [rows, columns]
    nothing = share == 0
    first = (expert + 1).float().masked_fill(nothing, torch.nan)
    rows, columns = share.shape
    patch_px = _patch_px(config)
    span = columns * patch_px / config.image_size, rows * patch_px / config.image_size
    name = SENSOR_SAID[sensor]
    return {
        f"routing-{sensor}": ReasonMap(
            f"Expert of each patch (PL-MoE), {name}", "routing", sensor, _array(first), 1.0, float(config.experts), span
        ),
        f"routing-share-{sensor}": ReasonMap(
            f"Share of a patch's first expert, {name}",
            "routing-share",
            sensor,
            _array(share.masked_fill(nothing, torch.nan)),
            0.0,
            1.0,
            span,
        ),
    }


def gate_maps(output: GroundingOutput, row: int, sensor: str) -> dict[str, ReasonMap]:
    """TGDF's mean gate (section III-D), 0..1, at each scale of picture ``row``; no maps of a network without TGDF.

    NaN where a cell has no data.
    """
    sizes = [gate[row].numel() for gate in output.gates]
    masks = torch.split(output.cell_mask[row], sizes) if sizes else ()  # [H W] each
    maps = {}
    for stride, gate, mask in zip(STRIDES, output.gates, masks, strict=False):  # none without fusion
        values = gate[row].float().masked_fill(~mask.view_as(gate[row]), torch.nan)  # [H, W]
        title = f"Text gate (TGDF) at stride {stride}, {SENSOR_SAID[sensor]}"
        maps[f"gate-{sensor}-stride-{stride}"] = ReasonMap(title, "gate", sensor, _array(values), 0.0, 1.0)
    return maps


def _patch_px(config: GroundingConfig) -> int:
    """Input pixels along a side of one routed patch; the last patches of a row may reach beyond the picture."""
    if config.routing == "image":
        return config.image_size
    return STRIDES[-1] * (config.moe_patch if config.routing == "patch" else 1)


def _array(values: Tensor) -> Floats:
    return values.float().cpu().numpy()
