"""What LGCE's runs are made of: referring sets, the words of all their expressions, and what one guesses of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.nn.kept import AT_ONCE
from engine.segmentation.data.drawing import only_share
from engine.segmentation.data.referring_set import ReferringSet
from engine.segmentation.data.scenes import render_referrals
from engine.segmentation.guess import guess_metrics
from engine.segmentation.recipe import SegmentationRecipe
from engine.segmentation.words import WordSource, build_words
from engine.training.materials import SPLITS, KeptMaterials, set_key
from engine.training.trainer import Tell


class SegmentationMaterials(KeptMaterials):
    """Makes and keeps what recipes need, below ``folder``; ``tell`` hears how far it is."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        super().__init__(folder, tell)
        self._words: dict[Any, WordSource] = {}
        self._read_words: set[Any] = set()
        self._guesses: dict[Any, dict[str, Any]] = {}

    def referrals(self, recipe: SegmentationRecipe, split: str) -> ReferringSet:
        """The set of a split. Raises UsageError or DataSetUnreadable where there is none."""
        size = recipe.model.image_size
        return self.made_set(recipe, split, size, "segmentation", render_referrals, _read_folder)

    def words(self, recipe: SegmentationRecipe) -> WordSource:
        """The recipe's text encoder.

        A frozen one is shared by all runs, and has read every expression of the sets; one that is trained begins each
        run anew. Raises UsageError where it is of another width than the network, ModelNotFound where it is nowhere.
        """
        model, device = recipe.model, recipe.train.device
        if model.train_text:
            # The weights of a model that the run starts from have the text encoder's in them.
            whole = bool(recipe.recipe.start) and recipe.recipe.start_parts == "all"
            return build_words(model, device=device, stored=whole)
        key = model.text_encoder, model.text_width, model.tokens
        if key not in self._words:
            self._words[key] = build_words(model, keep_in=self.place(recipe.data, "texts"), device=device)
        for split in SPLITS:
            self._read_all(recipe, split, self._words[key])
        return self._words[key]

    def _read_all(self, recipe: SegmentationRecipe, split: str, words: WordSource) -> None:
        """Have every expression of a split read once, so that its words are found again."""
        tokens = recipe.model.tokens
        key = (set_key(recipe, split, recipe.model.image_size), words.name, tokens)
        if key in self._read_words:
            return
        texts = list(dict.fromkeys(one.text for one in self.referrals(recipe, split).expressions))
        report = self.counted(f"reading the words of the {split} set")
        for start in range(0, len(texts), AT_ONCE):
            words.words(texts[start : start + AT_ONCE], tokens)
            report(min(start + AT_ONCE, len(texts)), len(texts))
        self._read_words.add(key)

    def guess(self, recipe: SegmentationRecipe) -> dict[str, Any]:
        """What one scores on the test set without looking (``engine.segmentation.guess``), as JSON; learned from what
        the run learns from."""
        sensors, size = recipe.model.sensors, recipe.model.image_size
        key = (set_key(recipe, "train", size), recipe.batch.share, sensors)
        if key not in self._guesses:
            self._tell({"kind": "stage", "stage": "guessing without pictures"})
            training, test = (self.referrals(recipe, split) for split in ("train", "test"))
            self._guesses[key] = guess_metrics(only_share(training, recipe.batch.share), test, sensors)
        return self._guesses[key]


def _read_folder(*asked: Any, **how: Any) -> ReferringSet:
    from engine.segmentation.data.folders import referring_folder  # brings the raster library

    return referring_folder(*asked, **how)
