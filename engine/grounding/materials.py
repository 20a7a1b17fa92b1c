"""What OptiSAR-Net++'s runs are made of: expression sets, and the embeddings of all their texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.catalog import WEIGHTS_FILE, file_sha256
from engine.errors import ModelNotFound, UsageError
from engine.grounding.data.drawing import only_share
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.data.scenes import render_expressions
from engine.grounding.guess import guess_metrics
from engine.grounding.recipe import GroundingRecipe
from engine.grounding.scored import Scored
from engine.grounding.slots import mask_directions
from engine.nn.embeddings import TextEmbedder, build_embedder
from engine.nn.kept import AT_ONCE
from engine.training.materials import SPLITS, KeptMaterials, digest, set_key
from engine.training.trainer import Tell


class GroundingMaterials(KeptMaterials):
    """Makes and keeps what recipes need, below ``folder``; ``tell`` hears how far it is."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        super().__init__(folder, tell)
        self._embedders: dict[str, TextEmbedder] = {}
        self._embedded: set[Any] = set()
        self._guesses: dict[Any, dict[str, Any]] = {}

    def expressions(self, recipe: GroundingRecipe, split: str) -> ExpressionSet:
        """The set of a split (``engine.training.materials.SPLITS``), its sentences masked as ``slots`` says.

        Raises UsageError or DataSetUnreadable where there is none.
        """
        return mask_directions(self._whole(recipe, split), recipe.slots.mask_directions)

    def _whole(self, recipe: GroundingRecipe, split: str) -> ExpressionSet:
        size = recipe.model.image_size
        return self.made_set(recipe, split, size, "grounding", render_expressions, _read_folder)

    def embedder(self, recipe: GroundingRecipe) -> TextEmbedder:
        """The recipe's frozen text encoder, which has embedded every text of the sets, and keeps what it embeds.

        Raises UsageError where it is of another width than the network, ModelNotFound where it is nowhere.
        """
        name = recipe.model.text_encoder
        if name not in self._embedders:
            place = self.place(recipe.data, "texts")
            made = build_embedder(name, keep_in=place, device=recipe.train.device)
            self._embedders[name] = made if place is not None else _Remembered(made)
        embedder = self._embedders[name]
        if embedder.width != recipe.model.embed_width:
            raise UsageError(
                f"The network reads texts as {recipe.model.embed_width} numbers, {name} gives {embedder.width}.",
                remedy=f"Set model.embed_width to {embedder.width}.",
            )
        for split in SPLITS:
            self._embed(recipe, split, embedder)
        return embedder

    def _embed(self, recipe: GroundingRecipe, split: str, embedder: TextEmbedder) -> None:
        """Have every text of a split embedded once, so that it is found again."""
        key = (_set_key(recipe, split), recipe.slots.mask_directions, embedder.name)
        if key in self._embedded:
            return
        texts = list(dict.fromkeys(one.text for one in self.expressions(recipe, split).expressions))
        report = self.counted(f"embedding the texts of the {split} set")
        for start in range(0, len(texts), AT_ONCE):
            embedder.embed(texts[start : start + AT_ONCE])
            report(min(start + AT_ONCE, len(texts)), len(texts))
        self._embedded.add(key)

    def guess(self, recipe: GroundingRecipe) -> dict[str, Any]:
        """What one scores on the test set without looking (``engine.grounding.guess``), as JSON; learned from what the
        run learns from."""
        embedder = self.embedder(recipe)
        key = (_set_key(recipe, "train"), recipe.batch.share, recipe.slots.mask_directions, embedder.name)
        if key not in self._guesses:
            self._tell({"kind": "stage", "stage": "guessing without pictures"})
            training, test = (self.expressions(recipe, split) for split in ("train", "test"))
            self._guesses[key] = guess_metrics(only_share(training, recipe.batch.share), test, embedder)
        return self._guesses[key]

    def grounding_dino(self, recipe: GroundingRecipe) -> Scored | None:
        """What Grounding DINO's weights say to the test set; None where they are not on this machine."""
        # Only who asks for it waits for transformers.
        from engine.grounding.rivals.grounding_dino import GroundingDino, find_grounding_dino

        try:
            weights = find_grounding_dino()
        except ModelNotFound:
            return None
        key = (_set_key(recipe, "test"), recipe.slots.mask_directions, file_sha256(weights / WEIGHTS_FILE))
        kept = self.place(recipe.data, f"rivals/grounding-dino-{digest(key)}.npz")
        if kept is not None and kept.is_file():
            return Scored.read(kept)
        report = self.counted("asking Grounding DINO")
        scored = GroundingDino.load(weights, device=recipe.train.device).score_set(
            self.expressions(recipe, "test"), report=lambda share: report(round(100 * share), 100)
        )
        if kept is not None:
            scored.save(kept)
        return scored


class _Remembered:
    """An embedder that embeds each text once and holds its vector, for runs that keep nothing on disk."""

    def __init__(self, embedder: TextEmbedder) -> None:
        self._embedder = embedder
        self.name, self.width, self.pretrained = embedder.name, embedder.width, embedder.pretrained
        self._vectors: dict[str, Tensor] = {}

    def tokens_cut(self, text: str) -> int:
        return self._embedder.tokens_cut(text)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """See :class:`engine.nn.embeddings.TextEmbedder`."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if missing:
            self._vectors |= zip(missing, self._embedder.embed(missing), strict=True)
        return torch.stack([self._vectors[text] for text in texts]) if texts else torch.empty(0, self.width)


def _read_folder(*asked: Any, **how: Any) -> ExpressionSet:
    from engine.grounding.data.folders import expression_folder  # brings the raster library

    return expression_folder(*asked, **how)


def _set_key(recipe: GroundingRecipe, split: str) -> tuple[object, ...]:
    return set_key(recipe, split, recipe.model.image_size)
