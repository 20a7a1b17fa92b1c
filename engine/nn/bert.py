"""BERT (Devlin et al., 2019) as transformers builds it: BERT-base, LGCE's text encoder, or MiniLM where it is to learn.

The word pieces are those of MiniLM's tokenizer: both were published with one vocabulary. Weights keep transformers'
names. Importing transformers takes seconds, so that it is done inside the functions that build a network. Nothing here
uses a network but :func:`fetch_bert`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.catalog import file_sha256, model_folders
from engine.catalog.card import PretrainedPart
from engine.errors import ModelDamaged, ModelNotFound
from engine.nn import minilm, text

BertName = Literal["all-MiniLM-L6-v2", "bert-base-uncased"]

NAME: BertName = "bert-base-uncased"
HUB_ID = f"google-bert/{NAME}"
LICENCE = "Apache-2.0"
FILE = "model.safetensors"
FOLDER_VARIABLE = "RSQA_BERT"
"""Environment: a folder with :data:`FILE`, before the model folders."""

SIZES: dict[BertName, dict[str, Any]] = {
    "bert-base-uncased": {},  # transformers' own defaults: 12 layers of width 768
    "all-MiniLM-L6-v2": {
        "hidden_size": minilm.WIDTH,
        "num_hidden_layers": minilm.LAYERS,
        "num_attention_heads": minilm.HEADS,
        "intermediate_size": minilm.FEED_FORWARD,
    },
}
"""Fields of transformers' ``BertConfig``, by the name of the weights."""


class Bert(nn.Module):
    """Token numbers [B, N] of one segment -> last hidden states [B, N, E]; no pooler.

    ``padding`` bool [B, N] is True where a row is filled up: nothing looks there, and what stands there means nothing.
    While it is trained it drops a tenth of what it computes, as BERT was trained (its section A.2).
    """

    def __init__(self, name: BertName) -> None:
        """Of the sizes of ``name``, with random weights."""
        super().__init__()
        from transformers import BertConfig, BertModel

        config = BertConfig(**SIZES[name])
        self.width: int = config.hidden_size
        self.bert: Any = BertModel(config, add_pooling_layer=False)

    def forward(self, ids: Tensor, padding: Tensor | None = None) -> Tensor:
        mask = None if padding is None else (~padding).long()
        return self.bert(input_ids=ids, attention_mask=mask).last_hidden_state  # type: ignore[no-any-return]


def load_bert(name: BertName, path: Path) -> Bert:
    """The network with the published weights in ``path``, in evaluation mode, on the CPU.

    Raises ModelDamaged where the file cannot be read or has other weights.
    """
    try:
        stored = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelDamaged(f"The weights {path} cannot be read: {error}.", remedy="Fetch the file again.") from error
    network = Bert(name)
    expected = network.bert.state_dict()
    found = {own: value for own, value in _renamed(stored).items() if own in expected}
    wrong = [own for own, value in expected.items() if own not in found or found[own].shape != value.shape]
    if wrong:
        raise ModelDamaged(
            f"{path} is no {name}: {wrong[0]} and {len(wrong) - 1} more are missing or of another shape.",
            remedy="Fetch the file again.",
        )
    network.bert.load_state_dict(found)
    return network.eval()


def _renamed(stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """Published names as transformers has them now: BERT-base's file begins them with "bert.", and has its LayerNorms'
    weight and bias as "gamma" and "beta"."""
    now = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
    renamed = {}
    for name, value in stored.items():
        plain = name.removeprefix("bert.")
        for old, new in now.items():
            plain = plain.replace(old, new)
        renamed[plain] = value.float() if value.is_floating_point() else value
    return renamed


def find_bert(name: BertName, folder: Path | None = None, sha256: str = "") -> Path:
    """The file with the published weights of ``name``, with ``sha256`` the one that has this hash; only ``folder`` is
    looked at where it is given.

    Raises ModelNotFound, saying what to fetch and where to put it, and ModelDamaged where all files have other hashes.
    """
    if name == text.NAME:
        return text.find_text_encoder(folder) / FILE
    looked = [folder] if folder is not None else list(_places())
    found = [place / FILE for place in looked if (place / FILE).is_file()]
    if not found:
        raise ModelNotFound(
            f"The text encoder {NAME} is not on this machine (looked in {', '.join(map(str, looked))}).",
            remedy=f"Fetch {FILE} of {HUB_ID} ({LICENCE}, newest revision) from the Hugging Face hub into "
            f"{model_folders()[0] / NAME}, or set {FOLDER_VARIABLE} to a folder with it; `rsqa train --fetch` does so.",
        )
    for path in found:
        if sha256 in ("", file_sha256(path)):
            return path
    raise ModelDamaged(
        f"{found[0]} is not the {NAME} that the model was trained with, whose SHA-256 is {sha256[:12]}….",
        remedy=f"Set {FOLDER_VARIABLE} to a folder with the weights that the model's card names.",
    )


def _places() -> Iterator[Path]:
    if os.environ.get(FOLDER_VARIABLE):
        yield Path(os.environ[FOLDER_VARIABLE]).expanduser()
    for folder in model_folders():
        yield folder / NAME
    cached = try_to_load_from_cache(HUB_ID, FILE)
    if isinstance(cached, str):
        yield Path(cached).parent


def fetch_bert(name: BertName) -> None:
    """Bring the published weights from the hub into its cache, where none are on this machine.

    Raises ModelNotFound where the hub does not answer, or is not to be asked (HF_HUB_OFFLINE); MiniLM comes with the
    program and is never fetched.
    """
    try:
        find_bert(name)
    except ModelNotFound as missing:
        if name == text.NAME or constants.HF_HUB_OFFLINE:
            raise
        try:
            hf_hub_download(HUB_ID, FILE)
        except OSError as error:  # all of the hub's own errors are of this family
            raise ModelNotFound(
                f"{HUB_ID} could not be fetched from the Hugging Face hub: {str(error).splitlines()[0]}",
                remedy=missing.remedy,
            ) from error


def bert_part(name: BertName, path: Path, role: str) -> PretrainedPart:
    """What a model's card says of the weights in ``path``."""
    if name == text.NAME:
        return PretrainedPart(text.NAME, role, text.REVISION, text.LICENCE, dict(text.FILES_SHA256))
    # The hub's cache keeps a file in a folder named after its revision.
    revision = path.parent.name if path.parent.parent.name == "snapshots" else ""
    return PretrainedPart(NAME, role, revision, LICENCE, {FILE: file_sha256(path)})
