"""Where LGCE's words come from: a frozen encoder, whose features are kept, or a BERT that learns with the network.

Section IV-A takes BERT-base; the ``compact`` preset reads MiniLM's features, frozen. *Our reading*: BERT learns, as it
does in LAVT; every text is normalised first (:func:`engine.text.normalise`), in training as in use, so that a capital
letter or a full stop does not change a mask; and [CLS] and [SEP] are words like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from engine.catalog.card import PretrainedPart
from engine.errors import UsageError
from engine.nn import minilm
from engine.nn import text as minilm_files
from engine.nn.kept import KeptInMemory, KeptOnDisk, KeptTexts
from engine.nn.text import TextEncoder, WordPieces, find_text_encoder
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.network import Words
from engine.text import normalise

if TYPE_CHECKING:
    from engine.nn.bert import Bert

FROZEN, TRAINED = "text encoder, frozen", "text encoder, trained with the network"
"""What a card says that an encoder is there for."""

_HALF = np.dtype("<f2")


@runtime_checkable
class WordSource(Protocol):
    """Texts as vectors of their words. ``width`` is E, the length of a vector; ``pretrained`` is what a model's card
    says of the encoder. ``name`` tells a frozen one and its revision, so that equal names give equal vectors."""

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def pretrained(self) -> PretrainedPart: ...

    def words(self, texts: Sequence[str], tokens: int) -> Words:
        """The words of B texts -> vectors float32 [B, tokens, E], 0 behind a text's end, and mask bool [B, tokens]; on
        the CPU, without a gradient. Of a longer text the first words count, and [SEP]."""
        ...

    def pieces(self, text: str, tokens: int) -> tuple[str, ...]:
        """The words that are read of ``text``, as people read them: "[CLS]" first; "##" begins a piece of a word."""
        ...

    def tokens_cut(self, text: str, tokens: int) -> int:
        """How many tokens of ``text`` are not read, as it is too long."""
        ...


class FrozenWords:
    """A :class:`WordSource` that never changes, so that what it made is kept. Vectors are rounded to half precision,
    kept or not: what is trained on is what is asked later, and takes half the room."""

    def __init__(self, encoder: TextEncoder, width: int, pretrained: PretrainedPart, keep_in: Path | None) -> None:
        """``keep_in`` is a folder, which processes may share; None keeps in memory.

        Raises UsageError where the folder cannot be written to.
        """
        self.width, self.pretrained = width, pretrained
        self.name = f"{pretrained.name}@{_fingerprint(pretrained)}"
        self._encoder = encoder
        about = f"words {self.name}"
        self._kept: KeptTexts = KeptInMemory(about) if keep_in is None else KeptOnDisk(about, keep_in)

    def words(self, texts: Sequence[str], tokens: int) -> Words:
        """See :class:`WordSource`."""

        def make(missing: Sequence[str]) -> list[bytes]:
            features = self._encoder.encode_all(missing, most=tokens)
            return [found.tokens.numpy().astype(_HALF).tobytes() for found in features]

        rows = self._kept.rows([normalise(text) for text in texts], make, how=f"{tokens} tokens")
        vectors = torch.zeros(len(texts), tokens, self.width)
        mask = torch.zeros(len(texts), tokens, dtype=torch.bool)
        for index, row in enumerate(rows):
            own = np.frombuffer(row, _HALF).reshape(-1, self.width)  # [n, E]
            vectors[index, : len(own)] = torch.from_numpy(own.astype(np.float32))
            mask[index, : len(own)] = True
        return Words(vectors, mask)

    def pieces(self, text: str, tokens: int) -> tuple[str, ...]:
        """See :class:`WordSource`."""
        return self._encoder.pieces(normalise(text), tokens)

    def tokens_cut(self, text: str, tokens: int) -> int:
        """See :class:`WordSource`."""
        return self._encoder.tokens_cut(normalise(text), tokens)


class TrainedBert(nn.Module):
    """A :class:`WordSource` that learns with the network and whose weights are stored with the network's."""

    def __init__(self, bert: Bert, width: int, pretrained: PretrainedPart, pieces: WordPieces) -> None:
        super().__init__()
        self.bert = bert
        self.width, self.pretrained = width, pretrained
        self.name = f"{pretrained.name}, trained"
        self._pieces = pieces

    def numbered(self, texts: Sequence[str], tokens: int) -> tuple[Tensor, Tensor]:
        """Token numbers of B texts int64 [B, tokens], 0 behind a text's end, and where there is a token, bool."""
        rows = [self._pieces.numbers(normalise(text), tokens)[0] for text in texts]
        ids = torch.zeros(len(rows), tokens, dtype=torch.long)
        mask = torch.arange(tokens) < torch.tensor([len(row) for row in rows]).unsqueeze(1)  # [B, tokens]
        ids[mask] = torch.tensor([number for row in rows for number in row])
        return ids, mask

    def forward(self, ids: Tensor, mask: Tensor) -> Words:
        """What :meth:`numbered` gives -> words, with a gradient, where the weights are."""
        return Words(self.bert(ids, ~mask) * mask.unsqueeze(-1), mask)  # [B, N, E]

    @torch.no_grad()
    def words(self, texts: Sequence[str], tokens: int) -> Words:
        """See :class:`WordSource`; in evaluation mode, or BERT drops a tenth of what it computes."""
        device = next(self.parameters()).device
        found = self(*(part.to(device) for part in self.numbered(texts, tokens)))
        return Words(found.vectors.float().cpu(), found.mask.cpu())

    def pieces(self, text: str, tokens: int) -> tuple[str, ...]:
        """See :class:`WordSource`."""
        return self._pieces.pieces(normalise(text), tokens)

    def tokens_cut(self, text: str, tokens: int) -> int:
        """See :class:`WordSource`."""
        return self._pieces.numbers(normalise(text), tokens)[1]


def build_words(
    config: SegmentationConfig,
    folder: Path | None = None,
    keep_in: Path | None = None,
    device: str = "cpu",
    *,
    stored: bool = False,
    pretrained: Sequence[PretrainedPart] = (),
) -> WordSource:
    """The text encoder of a configuration, from ``folder`` or from where it is found.

    A frozen one (:class:`FrozenWords`) keeps its features in ``keep_in``, and BERT-base runs on ``device`` (MiniLM is
    small enough for the CPU). With ``config.train_text`` it is a :class:`TrainedBert`: with the published weights, from
    which training starts, or with ``stored`` with random ones, which :func:`stored_parts` then fill from the model's
    file. ``pretrained`` is what a model's card says that it was made with: a frozen encoder has to be that one.

    Raises UsageError where the encoder is of another width than the network reads, ModelNotFound (which says what to
    fetch), and ModelDamaged where it is another file.
    """
    name = config.text_encoder
    if name == minilm_files.NAME and not config.train_text:
        part = PretrainedPart(
            name, FROZEN, minilm_files.REVISION, minilm_files.LICENCE, dict(minilm_files.FILES_SHA256)
        )
        return _fitting(FrozenWords(TextEncoder(folder), minilm.WIDTH, part, keep_in), config)
    from engine.nn import bert  # brings transformers

    if not config.train_text:
        hashes = [sha256 for part in pretrained if part.name == name for sha256 in part.files_sha256.values()]
        path = bert.find_bert(name, folder, *hashes[:1])
        network = bert.load_bert(name, path).requires_grad_(requires_grad=False).to(device)
        part = bert.bert_part(name, path, FROZEN)
        return _fitting(FrozenWords(TextEncoder(bert=network), network.width, part, keep_in), config)
    if stored:
        network, part = bert.Bert(name), PretrainedPart(name, TRAINED, "", bert.LICENCE, {})
    else:
        path = bert.find_bert(name, folder)
        network, part = bert.load_bert(name, path), bert.bert_part(name, path, TRAINED)
    pieces = WordPieces(find_text_encoder())
    return _fitting(TrainedBert(network, network.width, part, pieces).to(device), config)


def stored_parts(network: nn.Module, words: WordSource) -> nn.ModuleDict:
    """What a model's weights file holds, for ``save_weights`` and ``load_weights``: ``network``, and ``text`` where the
    encoder was trained. A :class:`~engine.segmentation.task.TrainedSegmentation` has the same names."""
    text = {"text": words} if isinstance(words, TrainedBert) else {}
    return nn.ModuleDict({"network": network, **text})


def _fitting(words: WordSource, config: SegmentationConfig) -> WordSource:
    if words.width != config.text_width:
        raise UsageError(
            f"The network reads words as {config.text_width} numbers, {config.text_encoder} gives {words.width}.",
            remedy=f"Set model.text_width to {words.width}.",
        )
    return words


def _fingerprint(pretrained: PretrainedPart) -> str:
    """What tells weights from others of the same name: the hash of their file."""
    return pretrained.files_sha256["model.safetensors"]
