"""Frozen text encoders that give one vector for a text, as grounding compares texts with places in a picture.

Every text is normalised first (:func:`engine.text.normalise`), in training as in use. Embedding is slow and its result
never changes, so :class:`KeptEmbeddings` keeps it on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.catalog.card import PretrainedPart
from engine.errors import UsageError
from engine.nn import text as minilm
from engine.nn.kept import AT_ONCE, KeptOnDisk
from engine.nn.minilm import WIDTH
from engine.text import normalise

EmbedderName = Literal["all-MiniLM-L6-v2", "mobileclip2"]

_FLOAT = np.dtype("<f4")


class TextEmbedder(Protocol):
    """A frozen text encoder. ``name`` tells the model and its revision, so that equal names give equal vectors.

    ``width`` is E, the length of a vector; ``pretrained`` is what a model's card says of the encoder.
    """

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def pretrained(self) -> PretrainedPart: ...

    def embed(self, texts: Sequence[str]) -> Tensor:
        """One row for each of ``texts`` -> [n, E] float32 on the CPU, each of length 1."""
        ...

    def tokens_cut(self, text: str) -> int:
        """How many tokens of ``text`` are not read, as it is too long."""
        ...


class MiniLmEmbedder:
    """all-MiniLM-L6-v2: the mean over a text's token features, [CLS] and [SEP] included, scaled to length 1.

    That is what the ``sentence-transformers`` library makes of this model. Of a text of more than 77 tokens the first
    ones count.
    """

    name = f"{minilm.NAME}@{minilm.REVISION}"
    width = WIDTH
    pretrained = PretrainedPart(
        minilm.NAME, "text encoder, frozen", minilm.REVISION, minilm.LICENCE, dict(minilm.FILES_SHA256)
    )

    def __init__(self, folder: Path | None = None) -> None:
        """Load it from ``folder``, or from where it is found. Raises ModelNotFound or ModelDamaged."""
        self._encoder = minilm.TextEncoder(folder)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """See :class:`TextEmbedder`."""
        means = torch.empty(len(texts), self.width)
        for start in range(0, len(texts), AT_ONCE):
            features = self._encoder.encode_all([normalise(text) for text in texts[start : start + AT_ONCE]])
            for row, found in enumerate(features, start):
                means[row] = found.tokens.mean(0)  # [N, E] -> [E]
        return F.normalize(means, dim=-1)

    def tokens_cut(self, text: str) -> int:
        """See :class:`TextEmbedder`."""
        return self._encoder.tokens_cut(normalise(text))


class KeptEmbeddings:
    """The embedder ``embedder`` with its results kept in ``folder``, as :class:`engine.nn.kept.KeptOnDisk` keeps them.

    What is kept is that of the normalised text, so that all spellings share a row.
    """

    def __init__(self, embedder: TextEmbedder, folder: Path) -> None:
        """``folder`` is made where it is not there. Raises UsageError where it cannot be written to."""
        self._embedder = embedder
        self._kept = KeptOnDisk(embedder.name, folder)

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def width(self) -> int:
        return self._embedder.width

    @property
    def pretrained(self) -> PretrainedPart:
        return self._embedder.pretrained

    def tokens_cut(self, text: str) -> int:
        return self._embedder.tokens_cut(text)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """See :class:`TextEmbedder`; only texts that nobody embedded before go through the encoder."""
        rows = self._kept.rows([normalise(text) for text in texts], self._rows)
        vectors = np.frombuffer(b"".join(rows), _FLOAT).reshape(-1, self.width)  # [n, E]
        return torch.from_numpy(vectors.astype(np.float32))

    def _rows(self, texts: Sequence[str]) -> list[bytes]:
        return [row.tobytes() for row in self._embedder.embed(texts).numpy().astype(_FLOAT, copy=False)]


def build_embedder(
    name: EmbedderName,
    folder: Path | None = None,
    *,
    keep_in: Path | None = None,
    device: str = "cpu",
    before_fetch: Callable[[str], None] | None = None,
) -> TextEmbedder:
    """The text encoder of a grounding network's configuration, from ``folder`` or from where it is found.

    With ``keep_in`` its results are kept in that folder. ``device`` is where MobileCLIP2's tower runs (MiniLM is small
    enough for the CPU), ``before_fetch`` as for :class:`engine.nn.mobileclip.MobileClipEmbedder`. Raises UsageError
    for an unknown name, ModelNotFound or ModelDamaged where the weights are missing or not the right ones.
    """
    embedder: TextEmbedder
    if name == minilm.NAME:
        embedder = MiniLmEmbedder(folder)
    elif name == "mobileclip2":
        from engine.nn.mobileclip import MobileClipEmbedder  # brings open_clip

        embedder = MobileClipEmbedder(folder, device=device, before_fetch=before_fetch)
    else:
        raise UsageError(
            f"There is no text encoder “{name}”.", remedy=f"Choose {minilm.NAME} or mobileclip2 (model.text_encoder)."
        )
    return embedder if keep_in is None else KeptEmbeddings(embedder, keep_in)
