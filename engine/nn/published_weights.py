"""Weights that others published on the Hugging Face hub as one file: where they are looked for, and how they come here.

They lie in a folder that the environment names, in a model folder, or in the hub's cache. Nothing here uses the
internet but :meth:`PublishedWeights.fetch`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.catalog import file_sha256, model_folders
from engine.catalog.card import PretrainedPart
from engine.errors import ModelDamaged, ModelNotFound


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """``file`` of the hub's repository ``hub_id``. ``name`` is also that of the folder that is looked for in the model
    folders; the environment's ``variable`` names a folder that comes before these."""

    name: str
    hub_id: str
    licence: str
    variable: str
    file: str = "model.safetensors"

    def find(self, folder: Path | None = None) -> Path:
        """The file; only ``folder`` is looked at where it is given.

        Raises ModelNotFound, saying what to fetch and where to put it.
        """
        looked = [folder] if folder is not None else list(self._places())
        for place in looked:
            if (place / self.file).is_file():
                return place / self.file
        raise ModelNotFound(
            f"The weights {self.name} are not on this machine (looked in {', '.join(map(str, looked))}).",
            remedy=f"Fetch {self.file} of {self.hub_id} ({self.licence}, newest revision) from the Hugging Face hub "
            f"into {model_folders()[0] / self.name}, or set {self.variable} to a folder with it; `rsqa train --fetch` "
            "does so.",
        )

    def fetch(self) -> None:
        """Bring the file from the hub into its cache, where it is not on this machine.

        Raises ModelNotFound where the hub does not answer, or is not to be asked (HF_HUB_OFFLINE).
        """
        try:
            self.find()
        except ModelNotFound as missing:
            if constants.HF_HUB_OFFLINE:
                raise
            try:
                hf_hub_download(self.hub_id, self.file)
            except OSError as error:  # all of the hub's own errors are of this family
                raise ModelNotFound(
                    f"{self.hub_id} could not be fetched from the Hugging Face hub: {str(error).splitlines()[0]}",
                    remedy=missing.remedy,
                ) from error

    def read(self, path: Path) -> dict[str, Tensor]:
        """All tensors of the file under its own names, float32. Raises ModelDamaged where it cannot be read."""
        try:
            stored = load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelDamaged(
                f"The weights {path} cannot be read: {error}.", remedy="Fetch the file again."
            ) from error
        return {name: value.float() if value.is_floating_point() else value for name, value in stored.items()}

    def part(self, path: Path, role: str) -> PretrainedPart:
        """What a model's card says of the weights in ``path``."""
        # The hub's cache keeps a file in a folder named after its revision.
        revision = path.parent.name if path.parent.parent.name == "snapshots" else ""
        return PretrainedPart(self.name, role, revision, self.licence, {self.file: file_sha256(path)})

    def _places(self) -> Iterator[Path]:
        if os.environ.get(self.variable):
            yield Path(os.environ[self.variable]).expanduser()
        for folder in model_folders():
            yield folder / self.name
        cached = try_to_load_from_cache(self.hub_id, self.file)
        if isinstance(cached, str):
            yield Path(cached).parent
