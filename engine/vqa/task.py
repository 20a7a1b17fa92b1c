"""Training and validating any network of this room on a question set, as a task for the training loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import UsageError
from engine.metrics import AnswerTally
from engine.nn.preprocess import PreprocessSpec
from engine.training.task import Validation
from engine.vqa.augment import PairPixels, augment_pair
from engine.vqa.config import TgfnetConfig
from engine.vqa.data.drawing import BatchSettings, TrainingItem, TrainingOrder
from engine.vqa.data.features import FeatureCache
from engine.vqa.data.inputs import PairInputs, pair_inputs, pair_pixels
from engine.vqa.data.question_set import QuestionSet
from engine.vqa.data.table import UNKNOWN_ANSWER, FeatureEncoder, Numberer, QuestionTable
from engine.vqa.data.weathers import with_drawn_weather
from engine.vqa.dense_loss import PatchHead
from engine.vqa.network import EXPERTS, ViewFeatures, VqaNetwork, VqaOutput

__all__ = ["BatchSettings", "TrainedVqa", "VqaBatch", "VqaTask", "asked", "score_set"]

QUESTIONS_AT_ONCE = 128
"""Questions that :func:`score_set` asks together: each has a copy of its view's tokens."""


class VqaBatch(NamedTuple):
    """V views with the same number of questions each, Q in all.

    ``optical`` and ``sar`` are pictures [V, 3, S, S], or the tokens [V, M, D] that a frozen encoder made of them;
    masks are [V, M]. ``view_of`` [Q] says which view a question is about; ``question`` is its text, features
    [Q, N, text width] or token numbers [Q, N] for a network with a text tower, with ``question_mask`` [Q, N].
    ``truth`` uint8 [V, M, channels] is what lies in each patch (no channels where that is not known), ``same_place``
    bool [V] whether SAR shows it, too. ``progress`` [] is how much of the training is done, 0..1.
    """

    optical: Tensor
    optical_mask: Tensor
    sar: Tensor
    sar_mask: Tensor
    view_of: Tensor
    question: Tensor
    question_mask: Tensor
    answer: Tensor
    truth: Tensor
    same_place: Tensor
    progress: Tensor


class TrainedVqa(nn.Module):
    """A network with its losses: eq. 10 or the network's own, and the dense loss where patches' truth is known.

    ``patch_width`` is the width of the network's tokens, 0 for no dense loss (no truth, or an encoder that is not
    trained).
    """

    def __init__(
        self, network: VqaNetwork, *, patch_width: int = 0, patch_weight: float = 0.5, label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        self.network = network
        self.patch_head = PatchHead(patch_width) if patch_width else None
        self.patch_weight, self.label_smoothing = patch_weight, label_smoothing

    def forward(self, batch: VqaBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, a mean over views and their questions, and its parts, with the share of right answers."""
        view = self._view(batch)
        output = asked(self.network, view.rows(batch.view_of), batch.question, batch.question_mask)
        loss, parts = self.network.loss(
            output, batch.answer, label_smoothing=self.label_smoothing, progress=float(batch.progress)
        )
        if self.patch_head is not None:
            parts["patches"] = self.patch_head(view, batch.truth, batch.same_place)
            loss = loss + self.patch_weight * parts["patches"]
        parts["accuracy"] = (output.logits.argmax(-1) == batch.answer).float().mean()
        return loss, {name: part.detach() for name, part in parts.items()}

    def _view(self, batch: VqaBatch) -> ViewFeatures:
        sensors = batch.optical, batch.optical_mask, batch.sar, batch.sar_mask
        is_encoded = batch.optical.ndim == 3  # [V, M, D]
        return ViewFeatures(*sensors) if is_encoded else self.network.encode(*sensors)


def asked(network: VqaNetwork, view: ViewFeatures, question: Tensor, mask: Tensor) -> VqaOutput:
    """The network's output on Q questions about Q views, its logits in full precision whatever the autocast made them.

    ``question`` is features [Q, N, text width], or token numbers [Q, N] where the network has a text tower.
    """
    if network.text_tower is not None:
        question = network.text_tower(question, mask)  # [Q, N, text width]
    output: VqaOutput = network(view, question, mask)
    return output._replace(logits=output.logits.float(), expert_logits=output.expert_logits.float())


class VqaTask:
    """See ``engine.training.Task``.

    ``encoder`` reads the texts (a tokenizer for a network with a text tower), ``answers`` is the vocabulary; questions
    whose answer is not in it are not trained on. ``features`` are the tokens of ``training`` where the image encoder is
    frozen, ``validation_features`` those of ``validation``; a view's variant and its missing sensor are then all that
    is varied, and ``batch.variant_share`` needs a set with variants. ``steps`` is the length of the training, for
    networks with a curriculum. ``backbone_rate`` is the encoders' factor of the learning rate. ``tables`` are the
    questions of both sets as ``encoder`` read them, where that was done before.

    Raises :class:`~engine.errors.UsageError` where there is nothing to train on, and where weather is to be put over
    pictures of which only the tokens are there.
    """

    def __init__(
        self,
        model: TrainedVqa,
        config: TgfnetConfig,
        preprocess: PreprocessSpec,
        batch: BatchSettings,
        training: QuestionSet,
        validation: QuestionSet,
        encoder: FeatureEncoder | Numberer,
        answers: Sequence[str],
        *,
        seed: int,
        steps: int = 0,
        backbone_rate: float = 1.0,
        features: FeatureCache | None = None,
        validation_features: FeatureCache | None = None,
        tables: tuple[QuestionTable, QuestionTable] | None = None,
    ) -> None:
        if features is not None and batch.variant_share and len(training.variants) == 1:
            raise UsageError(
                f"Adverse weather cannot be shown in {batch.variant_share:.0%} of the visits: the image encoder is "
                "frozen, its tokens are kept, and the training set has no pictures in other weather.",
                remedy="Name weathers in data.variants, set batch.variant_share to 0, or set tune.cache to false.",
            )
        self._model = model
        self.config, self.preprocess, self.batch = config, preprocess, batch
        self.training, self.validation = training, validation
        self.training_table, self.validation_table = tables or (
            QuestionTable(training.questions, encoder, answers),
            QuestionTable(validation.questions, encoder, answers),
        )
        self._features, self._validation_features = features, validation_features
        usable = (self.training_table.answer != UNKNOWN_ANSWER).numpy()
        self._order = TrainingOrder(training, _drawn_for(config, batch), seed, usable)
        self._steps, self._backbone_rate = steps, backbone_rate
        self._same_place = torch.tensor([pair != "other" for pair in training.pair])

    @property
    def model(self) -> TrainedVqa:
        """The network with its losses."""
        return self._model

    def groups(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The encoders at ``backbone_rate``; what is frozen is in no group."""
        network = self._model.network
        encoders = [network.vision, *([network.text_tower] if network.text_tower is not None else [])]
        return [(self._backbone_rate, [p for encoder in encoders for p in encoder.parameters() if p.requires_grad])]

    def draw(self, step: int) -> list[TrainingItem]:
        """``batch.views`` visits; every view comes once before one comes twice."""
        return self._order.items(step)

    def collate(self, items: Sequence[TrainingItem], step: int) -> VqaBatch:
        """The items' pictures or tokens, augmented, and their questions."""
        views = [item.view for item in items]
        questions = torch.from_numpy(np.concatenate([item.questions for item in items]))
        text, text_mask = self.training_table.text(questions)
        if self._features is None:
            seen: PairInputs | ViewFeatures = pair_inputs(
                [self._augmented(item) for item in items], self.config, self.preprocess
            )
        else:
            variants, missing = [item.variant for item in items], [item.missing for item in items]
            seen = self._features.view(views, variants, missing)
        return VqaBatch(
            optical=seen.optical,
            optical_mask=seen.optical_mask,
            sar=seen.sar,
            sar_mask=seen.sar_mask,
            view_of=torch.arange(len(items)).repeat_interleave(self.batch.questions),
            question=text,
            question_mask=text_mask,
            answer=self.training_table.answer[questions],
            truth=self._truth(views),
            same_place=self._same_place[views],
            progress=torch.tensor(min(1.0, step / self._steps) if self._steps else 1.0),
        )

    def _augmented(self, item: TrainingItem) -> PairPixels:
        pair = pair_pixels(self.training, item.view, item.variant, mute=item.missing)
        rng = np.random.default_rng(item.seed)
        if item.weather is not None:
            pair = with_drawn_weather(pair, item.weather, rng, self.preprocess)
        return augment_pair(pair, self.batch.augment, rng)

    def _truth(self, views: Sequence[int]) -> Tensor:
        """[V, M, channels] uint8."""
        if self.training.patches is None:
            return torch.zeros(len(views), self.config.patches, 0, dtype=torch.uint8)
        return torch.from_numpy(self.training.patches[views])

    def validate(self, model: nn.Module) -> Validation:
        """OA on the validation set with both sensors as they are; AA, cross-entropy and the experts' OA beside it."""
        trained = cast(TrainedVqa, model)
        answer, types = self.validation_table.answer, [question.type for question in self.validation.questions]
        right = torch.zeros(len(answer), dtype=torch.bool)
        by_expert: Counter[str] = Counter()
        cross_entropy, known = 0.0, max(1, int((answer != UNKNOWN_ANSWER).sum()))
        was_training = trained.training
        trained.eval()
        for output, questions in score_set(
            trained.network, self.validation, self.validation_table, self.config, self.preprocess,
            next(trained.parameters()).device, features=self._validation_features,
        ):  # fmt: skip
            logits, true = output.logits.cpu(), answer[questions]
            right[questions] = logits.argmax(-1) == true
            cross_entropy += float(F.cross_entropy(logits, true, ignore_index=UNKNOWN_ANSWER, reduction="sum"))
            for e in range(output.expert_logits.shape[1]):
                by_expert[EXPERTS[e]] += int((output.expert_logits[:, e].argmax(-1).cpu() == true).sum())
        trained.train(was_training)
        tally = AnswerTally.of(zip(types, right.tolist(), strict=True))
        metrics = {"accuracy": tally.overall, "AA": tally.average, "cross_entropy": cross_entropy / known}
        return Validation(tally.overall, metrics | {name: count / len(answer) for name, count in by_expert.items()})


def _drawn_for(config: TgfnetConfig, batch: BatchSettings) -> BatchSettings:
    """``batch`` as visits are drawn with it: no sensor is withheld from a network that looks at one, which would then
    learn to answer without seeing anything where networks of both sensors still see one."""
    if config.sensors == "both":
        return batch
    return replace(batch, augment=replace(batch.augment, drop_sensor=0.0))


def score_set(
    network: VqaNetwork,
    question_set: QuestionSet,
    table: QuestionTable,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    device: torch.device | str,
    *,
    mute: Collection[str] = (),
    variant: int = 0,
    views: int = 8,
    features: FeatureCache | None = None,
) -> Iterator[tuple[VqaOutput, Tensor]]:
    """The network's output on every question of a set, batch by batch, with the questions' indices [Q].

    ``mute`` takes sensors away. ``variant`` says which of the set's optical pictures is shown (where a view lacks it,
    the picture as it is). ``features`` are the set's tokens, where they were kept. ``views`` views are encoded
    together. The network has to be in evaluation mode.
    """
    own = question_set.by_view()
    asked_about = [view for view, questions in enumerate(own) if questions]
    for start in range(0, len(asked_about), views):
        batch = asked_about[start : start + views]
        questions = torch.tensor([index for view in batch for index in own[view]])
        view_of = torch.tensor([place for place, view in enumerate(batch) for _ in own[view]])
        with torch.inference_mode():
            if features is None:
                pairs = [pair_pixels(question_set, view, variant, mute) for view in batch]
                inputs = pair_inputs(pairs, config, preprocess)
                seen = network.encode(*(part.to(device) for part in inputs))
            else:
                kept = features.view(batch, [variant] * len(batch), [tuple(mute)] * len(batch))
                seen = ViewFeatures(*(part.to(device) for part in kept))
        for first in range(0, len(questions), QUESTIONS_AT_ONCE):
            part = slice(first, first + QUESTIONS_AT_ONCE)
            text, text_mask = table.text(questions[part])
            with torch.inference_mode():
                view = seen.rows(view_of[part].to(device))
                output = asked(network, view, text.to(device), text_mask.to(device))
            yield output, questions[part]
