"""MobileCLIP2-B's text tower (Faghri et al., 2025), which OptiSAR-Net++ uses frozen (its section V-A3).

It is CLIP's causal Transformer (12 layers of width 512), pooled at the end token and projected to 512 numbers: 63.4 M
parameters. open_clip makes the modules and knows where the weights are; they run in :mod:`engine.nn.clip`'s layers, as
CLIP's do. Apple gives the weights for research only, so nothing is fetched before that has been said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.catalog.card import PretrainedPart
from engine.errors import ModelNotFound
from engine.nn.clip import ClipText, ClipTokenizer, fill_tower
from engine.nn.clip_sources import ClipFile, find_clip_weights, from_open_clip, read_stored
from engine.text import normalise

MODEL, TAG = "MobileCLIP2-B", "dfndr2b"
"""open_clip's names of the architecture and of the weights."""

FOLDER_VARIABLE = "RSQA_MOBILECLIP"
"""Environment: the file with the weights, or a folder to look in, before the model folders."""

LICENCE_NOTICE = (
    f"The weights of {MODEL} are Apple's, under the Apple Machine Learning Research Model licence (apple-amlr): they "
    "may be used for research only, and not in products. That holds for what is trained with them, too."
)

BATCH = 64


class MobileClipText(nn.Module):
    """The tower: token numbers in, one embedding per text out."""

    def __init__(self, tower: Any) -> None:
        """Take over the modules of open_clip's ``TextTransformer``."""
        super().__init__()
        self.tokens = ClipText(tower)
        self.text_projection: nn.Parameter = tower.text_projection

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """``ids`` [B, N] int64, real where ``mask`` [B, N], padding at the end -> [B, E], each of length 1."""
        features = self.tokens(ids, mask)  # [B, N, D]
        ends = mask.sum(1) - 1  # [B]: the end token is the last real one
        pooled = features[torch.arange(len(ids), device=ids.device), ends]  # [B, D]
        return F.normalize(pooled @ self.text_projection, dim=-1)  # [B, E]


def build_tower(config: Mapping[str, Any] | None = None) -> MobileClipText:
    """The tower with random weights; ``config`` is an open_clip configuration, MobileCLIP2-B's where it is None."""
    import open_clip  # type: ignore[import-untyped]
    from open_clip.transformer import TextTransformer  # type: ignore[import-untyped]

    whole = open_clip.get_model_config(MODEL) if config is None else config
    return MobileClipText(TextTransformer(**whole["text_cfg"], output_dim=whole["embed_dim"]))


def load_tower(path: Path, config: Mapping[str, Any] | None = None) -> MobileClipText:
    """The tower with the weights in ``path`` (a whole open_clip model), in evaluation mode, float32, on the CPU.

    Raises ModelDamaged where the file cannot be read or has another architecture.
    """
    stored = {name: value for name, value in read_stored(path).items() if name.startswith("text.")}
    _, tokens = from_open_clip(stored)
    state = {f"tokens.{name}": value for name, value in tokens.items()}
    if "text.text_projection" in stored:
        state["text_projection"] = stored["text.text_projection"]
    tower = build_tower(config)
    fill_tower(tower, state, path)
    return tower


class MobileClipEmbedder:
    """A :class:`~engine.nn.embeddings.TextEmbedder`: MobileCLIP2-B's text tower, frozen.

    Its ``name`` has the hash of the file, as others may have trained their own.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        device: str = "cpu",
        before_fetch: Callable[[str], None] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Load from ``folder`` (a file will do), else from where it is found; ``config`` as for :func:`build_tower`.

        With ``before_fetch`` the weights are fetched from the Hugging Face hub where they are not on this machine. It
        is called with the licence before that, and may raise to refuse. Raises ModelNotFound or ModelDamaged.
        """
        self.file = _find(folder, before_fetch)
        self._tower = load_tower(self.file.path, config).requires_grad_(requires_grad=False).to(device)
        self._tokenizer = ClipTokenizer()
        self._device = device

    @property
    def name(self) -> str:
        return f"{MODEL}@{self.file.sha256}"

    @property
    def width(self) -> int:
        return self._tower.text_projection.shape[1]

    @property
    def pretrained(self) -> PretrainedPart:
        """For the card: the licence and the file's hash."""
        return PretrainedPart(
            f"{MODEL} {TAG}",
            "text encoder, frozen",
            self.file.revision,
            self.file.licence,
            {self.file.path.name: self.file.sha256},
        )

    def embed(self, texts: Sequence[str]) -> Tensor:
        """One row per text -> [n, E] float32 on the CPU, each of length 1. Of a text of more than 77 tokens the first
        ones count, and the end token."""
        rows = [self._tokenizer(normalise(text))[0] for text in texts]
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))  # like lengths together: little padding
        embedded = torch.empty(len(rows), self.width)
        for start in range(0, len(order), BATCH):
            part = order[start : start + BATCH]
            embedded[part] = self._embed_rows([rows[row] for row in part])
        return embedded

    def tokens_cut(self, text: str) -> int:
        """How many tokens of ``text`` are not read, as it is too long."""
        return self._tokenizer(normalise(text))[1]

    @torch.no_grad()
    def _embed_rows(self, rows: list[tuple[int, ...]]) -> Tensor:
        """Token numbers of several texts -> [n, E]."""
        ids = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)  # [n, N]
        lengths = torch.tensor([len(row) for row in rows])
        mask = torch.arange(ids.shape[1]) < lengths.unsqueeze(1)  # [n, N]
        return self._tower(ids.to(self._device), mask.to(self._device)).float().cpu()  # type: ignore[no-any-return]


def _find(folder: Path | None, before_fetch: Callable[[str], None] | None) -> ClipFile:
    try:
        return find_clip_weights(MODEL, TAG, folder=folder, variable=FOLDER_VARIABLE)
    except ModelNotFound:
        if folder is not None or before_fetch is None:
            raise
    before_fetch(LICENCE_NOTICE)
    return find_clip_weights(MODEL, TAG, variable=FOLDER_VARIABLE, fetch=True)
