"""Tokens of a frozen image encoder, made once and kept, so that training reads them instead of pictures.

On disk they are a folder of ``stored`` rows: ``optical.npy`` float16 [S, V, M, D] with the tokens of every variant,
``sar.npy`` float16 [S, M, D], and the patch masks ``optical_mask.npy`` and ``sar_mask.npy`` bool [S, M]. The folder is
keyed by the encoder's weights, the preprocessing and the set's pictures; one made from others is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.nn.preprocess import PreprocessSpec
from engine.training.stored import Arrays, Column, Report, Row, stored_rows
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.inputs import pair_inputs, pair_pixels
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.network import ViewFeatures, VqaNetwork

VERSION = 1
"""Goes up when the same encoder and pictures would be kept otherwise."""

AT_ONCE = 8
"""Views that are encoded together."""


class FeatureCache:
    """The tokens of one set. Make it with :meth:`build`."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = arrays

    @classmethod
    def build(
        cls,
        network: VqaNetwork,
        views: QuestionSet,
        config: TgfnetConfig,
        preprocess: PreprocessSpec,
        folder: Path | None,
        *,
        device: torch.device | str = "cpu",
        report: Report | None = None,
    ) -> FeatureCache:
        """Run ``network``'s image encoder over every picture of ``views``, into ``folder`` or into memory.

        What is there already from the same encoder, rules and pictures is opened; work that was stopped is gone on
        with. ``report`` hears (views done, views in all). :func:`bytes_needed` tells the size beforehand; raises
        :class:`~engine.errors.UsageError` where the disk has not the room.
        """
        made_from = {
            "version": VERSION,
            "encoder": weights_digest(network.vision),
            "preprocess": preprocess.as_json(),
            "pictures": views.key or _pictures_digest(views),
            "variants": list(views.variants),
            "image_size": config.image_size,
        }
        vision = network.vision.to(device)
        was_training = vision.training
        vision.eval()
        rows_from = partial(_encoded, vision, views, config, preprocess, torch.device(device))
        arrays, _ = stored_rows(folder, made_from, _columns(views, config), len(views), rows_from, report)
        vision.train(was_training)
        return cls(arrays)

    def view(
        self, rows: Sequence[int], variants: Sequence[int], missing: Sequence[Collection[str]] | None = None
    ) -> ViewFeatures:
        """The views ``rows``, each in its variant and without the sensors it is to do without: float32, on the CPU."""
        optical = torch.from_numpy(self._arrays["optical"][list(rows), list(variants)]).float()  # [V, M, D]
        sar = torch.from_numpy(self._arrays["sar"][list(rows)]).float()  # [V, M, D]
        masks = {name: torch.from_numpy(self._arrays[f"{name}_mask"][list(rows)]) for name in ("optical", "sar")}
        for place, absent in enumerate(missing or ()):
            for name in absent:
                masks[name][place] = False
        return ViewFeatures(optical, masks["optical"], sar, masks["sar"])


def bytes_needed(views: QuestionSet, config: TgfnetConfig) -> int:
    """What the tokens of ``views`` take on disk or in memory."""
    return sum(column.bytes_of(len(views)) for column in _columns(views, config).values())


def weights_digest(module: nn.Module) -> str:
    """SHA-256 of all parameters and buffers, by name."""
    digest = hashlib.sha256()
    named: dict[str, Tensor] = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for name in sorted(named):
        values = named[name].detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.view(torch.uint8).numpy().tobytes() if values.numel() else b"")
    return digest.hexdigest()


def _pictures_digest(views: QuestionSet) -> str:
    digest = hashlib.sha256()
    for array in (views.optical, views.sar, views.optical_valid, views.sar_valid):
        for row in array if array is not None else ():
            digest.update(row.tobytes())
    return digest.hexdigest()


def _columns(views: QuestionSet, config: TgfnetConfig) -> dict[str, Column]:
    tokens = (config.patches, config.width)
    return {
        "optical": Column(np.float16, (len(views.variants), *tokens)),
        "sar": Column(np.float16, tokens),
        "optical_mask": Column(np.bool_, (config.patches,)),
        "sar_mask": Column(np.bool_, (config.patches,)),
    }


def _encoded(
    vision: nn.Module,
    views: QuestionSet,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    device: torch.device,
    first: int,
) -> Iterator[Row]:
    """The tokens of the views from ``first`` on."""
    for start in range(first, len(views), AT_ONCE):
        rows = range(start, min(start + AT_ONCE, len(views)))
        optical = []
        for variant in range(len(views.variants)):
            inputs = pair_inputs([pair_pixels(views, row, variant) for row in rows], config, preprocess)
            optical.append(_tokens(vision, inputs.optical, inputs.optical_mask, device))
        sar = _tokens(vision, inputs.sar, inputs.sar_mask, device)
        for place in range(len(rows)):
            values: dict[str, Any] = {
                "optical": np.stack([each[place] for each in optical]),  # [V, M, D]
                "sar": sar[place],
                "optical_mask": inputs.optical_mask[place].numpy(),
                "sar_mask": inputs.sar_mask[place].numpy(),
            }
            yield values, None


def _tokens(vision: nn.Module, pictures: Tensor, mask: Tensor, device: torch.device) -> np.ndarray[Any, Any]:
    """[B, 3, S, S] -> float16 [B, M, D]."""
    with torch.inference_mode():
        return vision(pictures.to(device), mask.to(device)).half().cpu().numpy()  # type: ignore[no-any-return]
