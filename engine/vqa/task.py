"""TGFNet on synthetic scenes, as a task for the training loop: batches, loss and validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.metrics import BOTH_SENSOR_TYPES
from engine.nn.text import TextEncoder
from engine.text import ANSWERS
from engine.training import Validation
from engine.vqa.augment import AugmentedPair, AugmentSettings, augment_pair
from engine.vqa.config import TgfnetConfig
from engine.vqa.dense_loss import TrainedTgfnet
from engine.vqa.model import Tgfnet
from engine.vqa.network import VqaOutput
from engine.vqa.predictor import normalise
from engine.vqa.preprocess import PreprocessSpec, patch_mask
from engine.vqa.scene_data import AskedQuestion, SceneSet

NEEDS_OPTICAL = ("fog-dark",)
"""Types of question that nobody can answer without the optical image; they ask about that image alone."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a training batch is put together. Each view is encoded once for all of its questions."""

    views: int = 16
    questions: int = 6  # per view
    label_smoothing: float = 0.0
    patch_weight: float = 0.5  # of the dense loss (patch_truth) beside eq. 10; the mean over both sensors
    augment: AugmentSettings = field(default_factory=AugmentSettings)


class QuestionTable:
    """Questions as tensors: frozen text features (float16, padded), answers, groups.

    Each wording is encoded once, alone and without padding, exactly as the predictor does it. ``answer`` [Q] indexes
    the vocabulary ``answers``; an answer that is not in it is -1, which no model gives.
    """

    def __init__(
        self, questions: Sequence[AskedQuestion], encoder: TextEncoder, answers: Sequence[str] = ANSWERS
    ) -> None:
        texts = list(dict.fromkeys(question.text for question in questions))
        features = [encoder(text).tokens for text in texts]
        longest = max(len(tokens) for tokens in features)
        self.features = torch.zeros(len(texts), longest, features[0].shape[1], dtype=torch.float16)
        for row, tokens in enumerate(features):
            self.features[row, : len(tokens)] = tokens
        self.lengths = torch.tensor([len(tokens) for tokens in features])
        place = {text: row for row, text in enumerate(texts)}
        index = {answer: number for number, answer in enumerate(answers)}
        self.text_row = torch.tensor([place[question.text] for question in questions])
        self.answer = torch.tensor([index.get(question.answer, -1) for question in questions])

    def text(self, questions: Tensor) -> tuple[Tensor, Tensor]:
        """Features [Q, N, width] float32 and mask [Q, N] of the ``questions`` [Q], padded to the longest of them."""
        rows = self.text_row[questions]
        lengths = self.lengths[rows]
        longest = int(lengths.max())
        mask = torch.arange(longest) < lengths.unsqueeze(1)
        return self.features[rows, :longest].float(), mask


class SceneQuestionTask:
    """See ``engine.training.Task``. ``training`` and ``validation`` are rendered sets."""

    def __init__(
        self,
        model: TrainedTgfnet,
        config: TgfnetConfig,
        preprocess: PreprocessSpec,
        batch: BatchSettings,
        training: SceneSet,
        validation: SceneSet,
        encoder: TextEncoder,
        device: str = "cpu",
    ) -> None:
        self.model = model
        self.config, self.preprocess, self.batch = config, preprocess, batch
        self.device = torch.device(device)
        self.training, self.validation = training, validation
        self._training_table = QuestionTable(training.questions, encoder)
        self._validation_table = QuestionTable(validation.questions, encoder)
        self._by_scene = [np.array(questions) for questions in training.by_scene()]
        self._asked_about = np.flatnonzero([len(questions) for questions in self._by_scene])
        types = np.array([question.type for question in training.questions])
        self._needs_optical = np.isin(types, (*NEEDS_OPTICAL, *BOTH_SENSOR_TYPES))
        self._needs_sar = np.isin(types, [kind for kind in BOTH_SENSOR_TYPES if kind not in NEEDS_OPTICAL])
        self._same_place = torch.tensor([pair != "other" for pair in training.pair])

    def loss(self, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """A batch of views and questions -> eq. 10 plus the dense loss; its parts, and the share of right answers."""
        scenes = rng.choice(self._asked_about, self.batch.views, replace=False)
        pairs = [augment_pair(self.training.optical[s], self.training.sar[s], self.batch.augment, rng) for s in scenes]
        asked = [self._draw_questions(int(s), pair, rng) for s, pair in zip(scenes, pairs, strict=True)]
        view_of = torch.from_numpy(np.repeat(np.arange(len(pairs)), [len(a) for a in asked])).to(self.device)
        questions = torch.from_numpy(np.concatenate(asked))
        tokens, token_mask = self._training_table.text(questions)
        view = self.model.network.encode(*pair_inputs(pairs, self.config, self.preprocess, self.device))
        output = self.model.network(view.rows(view_of), tokens.to(self.device), token_mask.to(self.device))
        answer = self._training_table.answer[questions].to(self.device)
        loss, parts = self.model.network.loss(_in_float32(output), answer, label_smoothing=self.batch.label_smoothing)
        truth = torch.from_numpy(self.training.patches[scenes]).to(self.device)
        of_scene = self._same_place[scenes].to(self.device).unsqueeze(1)  # the truth is not that of another place
        parts["patches"] = 0.5 * (
            self.model.patch_loss(view.optical, view.optical_mask, truth)
            + self.model.patch_loss(view.sar, view.sar_mask & of_scene, truth)
        )
        loss = loss + self.batch.patch_weight * parts["patches"]
        parts["accuracy"] = (output.logits.argmax(-1) == answer).float().mean()
        return loss, {name: part.detach() for name, part in parts.items()}

    def _draw_questions(self, scene: int, pair: AugmentedPair, rng: np.random.Generator) -> NDArray[np.int64]:
        """Questions that the sensors at hand can answer, as far as there are any."""
        questions = self._by_scene[scene]
        for valid, needed in ((pair.optical_valid, self._needs_optical), (pair.sar_valid, self._needs_sar)):
            if not valid.any():
                answerable = questions[~needed[questions]]
                questions = answerable if len(answerable) else questions
        return rng.choice(questions, self.batch.questions, replace=len(questions) < self.batch.questions)

    def validate(self) -> Validation:
        """OA on the validation set with both sensors as they are; the experts' own accuracies beside it."""
        right = {"accuracy": 0, "optical": 0, "sar": 0, "fusion": 0}
        loss, count = 0.0, 0
        for output, questions in score_set(
            self.model.network, self.validation, self._validation_table, self.config, self.preprocess, self.device
        ):
            answer = self._validation_table.answer[questions].to(self.device)
            loss += float(torch.nn.functional.cross_entropy(output.logits, answer, reduction="sum"))
            right["accuracy"] += int((output.logits.argmax(-1) == answer).sum())
            for e, name in enumerate(("optical", "sar", "fusion")):
                right[name] += int((output.expert_logits[:, e].argmax(-1) == answer).sum())
            count += len(answer)
        metrics = {name: number / count for name, number in right.items()}
        return Validation(metrics["accuracy"], metrics | {"cross_entropy": loss / count})


def score_set(
    model: Tgfnet,
    scenes: SceneSet,
    table: QuestionTable,
    config: TgfnetConfig,
    preprocess: PreprocessSpec,
    device: torch.device,
    *,
    mute: Sequence[str] = (),
    views: int = 8,
) -> Iterator[tuple[VqaOutput, Tensor]]:
    """The model's output on every question of a set, batch by batch, with the questions' indices [Q].

    ``mute`` takes a sensor away. The model has to be in evaluation mode.
    """
    lists = scenes.by_scene()
    for start in range(0, len(lists), views):
        batch = [s for s in range(start, min(start + views, len(lists))) if lists[s]]
        if not batch:
            continue
        pairs = [_plain_pair(scenes, s, mute) for s in batch]
        questions = torch.tensor([q for s in batch for q in lists[s]])
        view_of = torch.tensor([i for i, s in enumerate(batch) for _ in lists[s]], device=device)
        tokens, token_mask = table.text(questions)
        with torch.inference_mode():
            view = model.encode(*pair_inputs(pairs, config, preprocess, device))
            yield model(view.rows(view_of), tokens.to(device), token_mask.to(device)), questions


def _plain_pair(scenes: SceneSet, scene: int, mute: Sequence[str]) -> AugmentedPair:
    optical = scenes.optical[scene].astype(np.float32) / np.float32(255)
    sar = scenes.sar[scene].astype(np.float32) / np.float32(255)
    return AugmentedPair(optical, sar, np.full(sar.shape, "optical" not in mute), np.full(sar.shape, "sar" not in mute))


def pair_inputs(
    pairs: Sequence[AugmentedPair], config: TgfnetConfig, preprocess: PreprocessSpec, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pairs as the network takes them: optical [V, 3, S, S], its patch mask [V, M], SAR likewise."""
    tensors = []
    for name in ("optical", "sar"):
        values = torch.from_numpy(np.stack([getattr(pair, name) for pair in pairs]))
        valid = np.stack([getattr(pair, f"{name}_valid") for pair in pairs])
        if name == "sar":
            values = values.unsqueeze(1)
        pixels = normalise(values, torch.from_numpy(valid), preprocess).expand(-1, 3, -1, -1)
        mask = np.stack([patch_mask(v.astype(np.float32), config.patch, preprocess) for v in valid])
        tensors += [pixels.to(device), torch.from_numpy(mask).to(device)]
    optical, optical_mask, sar, sar_mask = tensors
    return optical, optical_mask, sar, sar_mask


def _in_float32(output: VqaOutput) -> VqaOutput:
    """Logits in full precision, whatever the autocast made of them: the loss is taken in float32."""
    return output._replace(logits=output.logits.float(), expert_logits=output.expert_logits.float())
