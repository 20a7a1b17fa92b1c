"""Where CLIP's weights come from, and how the two formats in which they are published become ours.

The formats are open_clip's and transformers' (``openai/clip-vit-base-patch16`` and its kin), told apart by the names in
the file. A file is safetensors, or a pickle of tensors alone: nothing that could run code is ever read. No network is
used unless the caller asks for it.
"""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.catalog import file_sha256, model_folders
from engine.errors import ModelDamaged, ModelNotFound

FOLDER_VARIABLE = "RSQA_CLIP"
"""Environment: a file, or a folder to look in, before the model folders."""

OPEN_CLIP_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
TRANSFORMERS_NAMES = ("model.safetensors", "pytorch_model.bin")
FILE_NAMES = (OPEN_CLIP_NAMES[0], TRANSFORMERS_NAMES[0], OPEN_CLIP_NAMES[1], TRANSFORMERS_NAMES[1])
"""What a folder's weights may be called, best first. A file that is named itself may be called as it likes."""

SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")

OPENAI = "openai"
"""open_clip's tag of the original weights, which the paper uses."""

UNKNOWN_LICENCE = "as their publisher says"

LICENCES = {
    "timm/MobileCLIP2-B-OpenCLIP": "Apple Machine Learning Research Model licence (apple-amlr): research only",
}
"""Licences of weights that are not OpenAI's, by the hub's repository."""

TRANSFORMERS_TWINS = {
    "ViT-B-16-quickgelu": "openai/clip-vit-base-patch16",
    "ViT-B-32-quickgelu": "openai/clip-vit-base-patch32",
    "ViT-L-14-quickgelu": "openai/clip-vit-large-patch14",
    "ViT-L-14-336-quickgelu": "openai/clip-vit-large-patch14-336",
}
"""Repositories of the hub with the weights ``openai`` in transformers' format, which many have in their cache."""


class HubFile(NamedTuple):
    """A file of a repository of the Hugging Face hub."""

    repository: str
    name: str


class PretrainedRecord(NamedTuple):
    """What open_clip knows of weights: the activation and normalisation they were trained with, and their files."""

    quick_gelu: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    hub: tuple[HubFile, ...]
    licence: str


@dataclass(frozen=True, slots=True)
class ClipFile:
    """Weights that were found. ``repository`` and ``revision`` are the hub's, "" where they came from elsewhere."""

    path: Path
    sha256: str
    licence: str
    repository: str
    revision: str


def pretrained_record(model: str, weights: str) -> PretrainedRecord | None:
    """open_clip's record of the tag ``weights`` of ``model``; None where it has none, as for a user's own weights."""
    import open_clip  # type: ignore[import-untyped]

    # The name with -quickgelu lists only weights trained with it; the plain name lists all, and says which were.
    found: dict[str, Any] = open_clip.get_pretrained_cfg(model, weights)
    if not found and model.endswith("-quickgelu"):
        found = open_clip.get_pretrained_cfg(model.removesuffix("-quickgelu"), weights)
    if not found:
        return None
    repository, name = os.path.split(found.get("hf_hub", ""))
    hub = [HubFile(repository, file) for file in ([name] if name else OPEN_CLIP_NAMES) if repository]
    if weights == OPENAI and model in TRANSFORMERS_TWINS:
        hub.append(HubFile(TRANSFORMERS_TWINS[model], TRANSFORMERS_NAMES[0]))
    licence = "MIT" if weights == OPENAI else LICENCES.get(repository, UNKNOWN_LICENCE)
    return PretrainedRecord(found.get("quick_gelu", False), found["mean"], found["std"], tuple(hub), licence)


def find_clip_weights(
    model: str,
    weights: str,
    *,
    folder: Path | None = None,
    fetch: bool = False,
    sha256: str = "",
    variable: str = FOLDER_VARIABLE,
) -> ClipFile:
    """The first file with ``weights`` of ``model``; with ``sha256``, the first that has this hash.

    Where ``weights`` is a path (it has a separator or ends as weights do), that is the only place: nobody who misspelt
    one wants other weights in their stead. A tag or a name is looked for, in this order, in what the environment's
    ``variable`` names; in ``MODEL-WEIGHTS`` in each of the model folders; in the Hugging Face cache; and,
    with ``fetch``, unless the user has set HF_HUB_OFFLINE, on the hub. Only in ``folder``, a file or folder, where it
    is given.

    Raises ModelNotFound, saying what to fetch and where to put it, and ModelDamaged where all files have other hashes.
    """
    record = pretrained_record(model, weights)
    own = folder or _as_path(weights)
    places = [own] if own is not None else list(_places(model, weights, variable))
    hub = record.hub if record is not None and own is None else ()
    licence = UNKNOWN_LICENCE if record is None else record.licence
    other = None
    for path, repository in _files(places, hub, variable, fetch=fetch):
        # The hub's cache keeps a file in a folder named after its revision.
        revision = path.parent.name if repository else ""
        found = ClipFile(path, file_sha256(path), licence, repository, revision)
        if sha256 in ("", found.sha256):
            return found
        other = found
    if other is not None:
        raise ModelDamaged(
            f"{other.path} has SHA-256 {other.sha256[:12]}…, {sha256[:12]}… was asked for.",
            remedy=f"Set {variable} to the weights of CLIP {model} {weights} that the model's card names.",
        )
    if folder is None and own is not None:
        raise ModelNotFound(
            f"There are no weights of CLIP {model} at {own}.",
            remedy="Correct the path, or give a tag of open_clip, such as openai.",
        )
    looked = [*map(str, places), *(["the Hugging Face cache"] if hub else [])]
    raise ModelNotFound(
        f"The weights {weights} of CLIP {model} are not on this machine (looked in {', '.join(looked)}).",
        remedy=_remedy(model, weights, record, variable),
    )


def _files(places: list[Path], hub: tuple[HubFile, ...], variable: str, *, fetch: bool) -> Iterator[tuple[Path, str]]:
    """Files that are there, best first, and the hub's repository that each came from ("" elsewhere)."""
    for place in places:
        for path in [place] if place.is_file() else [place / name for name in FILE_NAMES]:
            if path.is_file():
                yield path, ""
    for file in hub:
        cached = _from_hub(file, variable, fetch=fetch)
        if cached is not None:
            yield cached, file.repository


def _places(model: str, weights: str, variable: str) -> Iterator[Path]:
    """Files and folders that may have the weights of that tag or name, best first."""
    if os.environ.get(variable):
        yield Path(os.environ[variable]).expanduser()
    for folder in model_folders():
        yield folder / _folder_name(model, weights)


def _as_path(weights: str) -> Path | None:
    """``weights`` where it is a path and not a tag or a name."""
    path = Path(weights).expanduser()
    return path if path.name != weights or path.suffix in SUFFIXES else None


def _folder_name(model: str, tag: str) -> str:
    """Such as ``ViT-B-16-quickgelu-openai``; an architecture that is a file goes by its name."""
    return f"{Path(model).stem if model.endswith('.json') else model}-{tag}"


def _from_hub(file: HubFile, variable: str, *, fetch: bool) -> Path | None:
    """The file in the cache, or brought there; None where it is not there and was not to be, or could not be fetched.

    Raises ModelNotFound where the hub was asked and did not answer.
    """
    cached = try_to_load_from_cache(file.repository, file.name)
    if isinstance(cached, str):
        return Path(cached)
    if not fetch or constants.HF_HUB_OFFLINE:
        return None
    try:
        return Path(hf_hub_download(file.repository, file.name))
    except LocalEntryNotFoundError as error:
        raise _not_fetched(file, variable, error) from error
    except EntryNotFoundError:
        return None  # the hub answered: this repository has its weights under another name
    except OSError as error:
        raise _not_fetched(file, variable, error) from error


def _not_fetched(file: HubFile, variable: str, error: Exception) -> ModelNotFound:
    reason = str(error).splitlines()[0]
    return ModelNotFound(
        f"{file.name} of {file.repository} could not be fetched from the Hugging Face hub: {reason}",
        remedy=f"Try again, or bring the file here by other means and set {variable} to it.",
    )


def _remedy(model: str, weights: str, record: PretrainedRecord | None, variable: str) -> str:
    if record is None or not record.hub:
        return f"Set {variable} to the file; open_clip knows no “{weights}” of {model} that could be fetched."
    file = record.hub[0]
    return (
        f"Fetch {file.name} of {file.repository} (newest revision) from the Hugging Face hub into "
        f"{model_folders()[0] / _folder_name(model, weights)}, or set {variable} to where it is; "
        "`rsqa train --fetch` does so."
    )


def read_clip_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What the file holds for the image tower and for the text tower, in our names, float32.

    Raises ModelDamaged where it cannot be read, or is a program (TorchScript, or a pickle of more than tensors).
    """
    stored = read_stored(path)
    if any(name.startswith("vision_model.") for name in stored):
        return from_transformers(stored)
    return from_open_clip(stored)


def read_stored(path: Path) -> dict[str, Tensor]:
    """All tensors of the file under its own names, float32. Raises ModelDamaged as :func:`read_clip_weights` does."""
    stored = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    return {name: value.float() if value.is_floating_point() else value for name, value in stored.items()}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelDamaged(f"The weights {path} cannot be read: {error}.", remedy="Fetch the file again.") from error


def _read_pickle(path: Path) -> dict[str, Tensor]:
    if _is_program(path):
        raise ModelDamaged(
            f"{path} is a TorchScript archive, which is a program and is not run here.",
            remedy="Take the same weights as safetensors: open_clip_model.safetensors of "
            "timm/vit_base_patch16_clip_224.openai, or of its like for another size, on the Hugging Face hub.",
        )
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ModelDamaged(
            f"The weights {path} cannot be read as tensors alone: {str(error).splitlines()[0]}",
            remedy="Take the same weights as safetensors.",
        ) from error
    stored = stored.get("state_dict", stored)  # open_clip's own training wraps it, and several processes add "module."
    return {name.removeprefix("module."): value for name, value in stored.items()}


def _is_program(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


_NOT_READ = re.compile(r"(logit_scale|logit_bias|text_projection|text_projection\.weight|position_ids|attn_mask)$")
"""Parts of a whole CLIP that token features do without."""


def from_open_clip(stored: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """open_clip's names -> ours, for the image tower and the text tower."""
    vision: dict[str, Tensor] = {}
    text: dict[str, Tensor] = {}
    for name, value in stored.items():
        if _NOT_READ.search(name):
            continue
        ours = name.replace("transformer.resblocks.", "layers.").replace("attn.in_proj_", "attn.in_proj.")
        if name.startswith("visual."):
            vision[ours.removeprefix("visual.")] = value
        else:
            text[ours.removeprefix("text.")] = value
    return vision, text


_TRANSFORMERS_PARTS = {
    "embeddings.patch_embedding.": "conv1.",
    "embeddings.class_embedding": "class_embedding",
    "embeddings.token_embedding.": "token_embedding.",
    "embeddings.position_embedding.weight": "positional_embedding",
    "pre_layrnorm.": "ln_pre.",  # sic
    "post_layernorm.": "ln_post.",
    "final_layer_norm.": "ln_final.",
    "encoder.layers.": "layers.",
    "layer_norm1.": "ln_1.",
    "layer_norm2.": "ln_2.",
    "self_attn.": "attn.",
    "mlp.fc1.": "mlp.c_fc.",
    "mlp.fc2.": "mlp.c_proj.",
}
"""Parts of transformers' names and of ours."""


def from_transformers(stored: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """transformers' names -> ours, for the image tower and the text tower; queries, keys and values are joined."""
    vision: dict[str, Tensor] = {}
    text: dict[str, Tensor] = {}
    for name, value in stored.items():
        if _NOT_READ.search(name):
            continue
        if name == "visual_projection.weight":
            vision["proj"] = value.T.contiguous()  # [embed, D] -> [D, embed]
            continue
        ours = name.removeprefix("vision_model.").removeprefix("text_model.")
        for theirs, mine in _TRANSFORMERS_PARTS.items():
            ours = ours.replace(theirs, mine)
        (text if name.startswith("text_model.") else vision)[ours] = value
    return _joined(vision), _joined(text)


def _joined(tower: dict[str, Tensor]) -> dict[str, Tensor]:
    """The separate maps to queries, keys and values as one, in that order."""
    joined = dict(tower)
    for name in [name for name in tower if ".attn.q_proj." in name]:
        parts = [name.replace("q_proj", part) for part in ("q_proj", "k_proj", "v_proj")]
        if all(part in joined for part in parts):  # else the tower will say what is missing
            joined[name.replace("q_proj", "in_proj")] = torch.cat([joined.pop(part) for part in parts])  # [3 D, ...]
    return joined
