"""Why an answer came out as it did, as pictures: what a network's blocks found, laid over its square."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.nn.reason_map import ReasonMap
from engine.records.pair import SENSOR_SAID
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import Refined, ViewFeatures, VqaOutput


def reason_maps(output: VqaOutput, features: ViewFeatures, config: TgfnetConfig) -> dict[str, ReasonMap]:
    """Key regions and attention per sensor with data, and the trust map where both have some.

    ``output`` and ``features`` are of one question; a network without CFAR or RQAF has fewer maps, or none.
    """
    maps: dict[str, ReasonMap] = {}
    for sensor, refined, mask in (
        ("optical", output.optical, features.optical_mask[0]),
        ("sar", output.sar, features.sar_mask[0]),
    ):
        if refined is not None and bool(mask.any()):
            maps |= _refined_maps(sensor, refined, mask, config)
    optical, sar = features.optical_mask[0], features.sar_mask[0]  # [M]
    if output.trust is not None and bool(optical.any()) and bool(sar.any()):
        trust = _array(output.trust[0].masked_fill(~(optical | sar), torch.nan)).reshape(config.grid, -1)  # [g, g]
        maps["trust"] = ReasonMap("Sensor trust", "trust", "both", trust, 0.0, 1.0)
    return maps


def _refined_maps(sensor: str, refined: Refined, mask: Tensor, config: TgfnetConfig) -> dict[str, ReasonMap]:
    scores = _array(refined.scores[0].masked_fill(~refined.kept[0], torch.nan)).reshape(config.region_grid, -1)
    attention = _array(refined.attention[0].masked_fill(~mask, torch.nan)).reshape(config.grid, -1)  # [g, g]
    regions = f"Key regions (CFAR: coarse-to-fine attention), {SENSOR_SAID[sensor]}"
    lowest, highest = float(np.nanmin(scores)), float(np.nanmax(scores))
    most = float(np.nanmax(attention))
    return {
        f"regions-{sensor}": ReasonMap(regions, "regions", sensor, scores, lowest, highest),
        f"attention-{sensor}": ReasonMap(
            f"Attention, {SENSOR_SAID[sensor]}", "attention", sensor, attention, 0.0, most
        ),
    }


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
