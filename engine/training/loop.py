"""The loop: step, log, validate, checkpoint, stop. See the package's docstring for what makes it resume exactly."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import EngineFailed, UsageError
from engine.training.batches import Batches, share
from engine.training.checkpoint import (
    BEST_FILE,
    CHECKPOINT_FILE,
    flat,
    gather,
    read_tensors,
    refuse_other_run,
    remove_unfinished,
    scatter,
    write_tensors,
)
from engine.training.events import EVENTS_FILE, EventLog, Report, cut_log, read_events
from engine.training.optimisation import AveragedWeights, build_optimiser, set_rate, trained
from engine.training.processes import memory_errors_said, share_statistics, start
from engine.training.settings import TrainSettings
from engine.training.stopping import stop_on_signal
from engine.training.task import Task

if TYPE_CHECKING:
    from accelerate import Accelerator

STOP_FILE = "stop"
SMALLEST_SCALE = 1e-6
"""A float16 loss scaled down to this has had gradients that are no numbers for more than thirty steps."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a run ended: after ``steps`` steps, ``finished`` or stopped; ``best`` holds the best averaged weights."""

    steps: int
    finished: bool
    best_score: float
    best: Path


@dataclass(slots=True)
class Progress:
    """Where a run is: the numbers that a checkpoint keeps beside the tensors."""

    step: int = 0  # steps done
    validated: int = 0  # after which step the last validation was
    best_score: float | None = None
    stale: int = 0  # validations since the best one


def train(
    task: Task,
    settings: TrainSettings,
    folder: Path,
    *,
    resume: bool = False,
    report: Report | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> TrainingResult:
    """Train ``task`` into ``folder``: ``events.jsonl``, ``checkpoint.safetensors`` and ``best.safetensors``.

    SIGTERM, Ctrl-C or a file ``stop`` in the folder end the run after the current step, with a checkpoint;
    ``resume`` goes on from it. ``recipe`` (tables of JSON values) is what has to be the same then, beside the
    settings; leave out of it what may change. ``report`` hears every event, in the main process.

    Raises EngineFailed where loss or gradient are no numbers, OutOfDeviceMemory, and UsageError where a batch cannot
    be shared, a new run would overwrite another one, or a resumed one is not what it was; for a checkpoint that is
    missing or damaged ModelNotFound and ModelDamaged.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    accelerator = start(settings)
    # All batches are as long as the first: what cannot be cut is refused before the run leaves anything behind.
    share(task.draw(0), accelerator.process_index, accelerator.num_processes, settings.accumulation)
    identity = flat({**(recipe or {}), "train": settings.that_bind()})
    with memory_errors_said(), stop_on_signal() as heard:
        run = _Run(task, settings, folder, identity, accelerator)
        try:
            run.open(resume=resume, report=report)
            finished = run.to_the_end(heard)
        finally:
            run.close()
    best = -math.inf if run.now.best_score is None else run.now.best_score
    return TrainingResult(run.now.step, finished, best, folder / BEST_FILE)


class _Run:
    """The state of one run in one process: what a checkpoint holds, and the steps that change it.

    All processes hold the same weights and progress; the main one alone validates, writes files and reports.
    """

    def __init__(
        self, task: Task, settings: TrainSettings, folder: Path, identity: dict[str, Any], accelerator: Accelerator
    ) -> None:
        self.task, self.settings, self.folder = task, settings, folder
        self.now = Progress()
        self._identity = identity
        self._accelerator = accelerator
        share_statistics(task.model, accelerator)
        task.model.to(accelerator.device)
        self._optimiser = build_optimiser(task, settings)
        self._average = AveragedWeights(task.model, settings.ema_decay)
        self._log: EventLog | None = None
        self._saved_at = self._logged_at = 0.0  # on the monotonic clock
        self._logged_step = 0
        self._finished_at = -1  # the step after which the log says that the run is finished

    def open(self, *, resume: bool, report: Report | None) -> None:
        """Take up the folder and, to resume, the checkpoint in it."""
        accelerator = self._accelerator
        # The two with accelerate around them: processes average gradients, float16 scales the loss.
        self._loss = accelerator.prepare_model(_Loss(self.task.model))
        self._stepper = accelerator.prepare_optimizer(self._optimiser)
        if resume:
            self._restore()
        elif (self.folder / CHECKPOINT_FILE).exists():
            raise UsageError(
                f"There is a run in {self.folder} already.", remedy="Resume it, or name another folder for the new run."
            )
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_unfinished(self.folder)
            (self.folder / STOP_FILE).unlink(missing_ok=True)
            log = self.folder / EVENTS_FILE
            cut_log(log, self.now.step, self.now.validated)
            ends = [event["step"] for event in read_events(log) if event["kind"] == "finished"]
            self._finished_at = max(ends, default=-1)
            self._log = EventLog(self.folder, report, tensorboard=self.settings.tensorboard, from_step=self.now.step)
        self._tell("started", step=self.now.step, steps=self.settings.steps, resumed=resume)
        if not resume:
            self._checkpoint()  # whenever the run is killed, there is something to resume
        self._saved_at = self._logged_at = time.monotonic()

    def close(self) -> None:
        """End the log."""
        if self._log is not None:
            self._log.close()

    def to_the_end(self, heard: Sequence[int]) -> bool:
        """Train until the last step, an early end (both True) or a request to stop (False)."""
        if self._validate_if_due():  # a run that was stopped saved itself before it would have validated
            self._checkpoint()
        accelerator = self._accelerator
        with Batches(
            self.task,
            self.now.step,
            self.settings.steps,
            rank=accelerator.process_index,
            processes=accelerator.num_processes,
            accumulation=self.settings.accumulation,
        ) as batches:
            while not self._is_over():
                asked, due = self._advance(batches.parts(), heard)
                if asked:
                    self._checkpoint()
                    self._tell("stopped", step=self.now.step)
                    return False
                self._validate_if_due()
                if due or self._is_over():
                    self._checkpoint()
        if self.now.step != self._finished_at:  # else the log has it from the time before
            early = self.now.step < self.settings.steps
            self._tell("finished", step=self.now.step, best=self.now.best_score, early=early)
        return True

    def _is_over(self) -> bool:
        early = 0 < self.settings.patience <= self.now.stale
        return early or self.now.step >= self.settings.steps

    def _advance(self, parts: Sequence[Any], heard: Sequence[int]) -> tuple[bool, bool]:
        """One optimiser step. Whether, as all processes agree, somebody asked to stop, and a checkpoint is due."""
        rate = self.settings.rate(self.now.step)
        set_rate(self._optimiser, rate, self.settings.beta(self.now.step))
        self._optimiser.zero_grad(set_to_none=True)
        figures = self._backward(parts)
        flags = [float(bool(heard)), 0.0]
        if self._accelerator.is_main_process:
            flags[0] += (self.folder / STOP_FILE).exists()
            flags[1] = time.monotonic() - self._saved_at >= 60 * self.settings.checkpoint_minutes
        vector = torch.stack([*figures.values(), *torch.tensor(flags, device=self._accelerator.device)])  # [N + 2]
        *means, asked, due = self._accelerator.reduce(vector, "mean").tolist()
        of_all = dict(zip(figures, means, strict=True))
        norm = self._apply(of_all["loss"])
        self.now.step += 1
        if self.now.step % self.settings.log_every == 0:
            self._log_step(of_all, rate, norm)
        return asked > 0, due > 0

    def _backward(self, parts: Sequence[Any]) -> dict[str, Tensor]:
        """Gradients of the whole batch, averaged over processes; loss and its parts, averaged in this one."""
        from accelerate.utils import send_to_device

        accelerator = self._accelerator
        self.task.model.train()
        figures: dict[str, Tensor] = {}
        for index, part in enumerate(parts):
            _seed(self.settings.seed, self.now.step, accelerator.process_index, index)
            with accelerator.accumulate(self._loss):
                loss, pieces = self._loss(send_to_device(part, accelerator.device))
                accelerator.backward(loss)
            for name, value in {**pieces, "loss": loss}.items():
                share = value.detach().float() / len(parts)
                figures[name] = figures[name] + share if index else share
        return figures

    def _apply(self, loss: float) -> float:
        """Move the weights, unless loss or gradient are no numbers. The gradient's norm."""
        accelerator, step = self._accelerator, self.now.step
        if not math.isfinite(loss):
            raise _broken(step, f"the loss is {loss}")
        norm: float = accelerator.clip_grad_norm_(
            trained(self.task.model).values(), self.settings.clip_norm or math.inf
        ).item()
        if accelerator.scaler is None and not math.isfinite(norm):
            raise _broken(step, f"the gradient's norm is {norm}")
        self._stepper.step()
        if not self._stepper.step_was_skipped:
            self._average.update(step)
        elif accelerator.scaler.get_scale() < SMALLEST_SCALE:
            raise _broken(step, "float16 gradients stay no numbers however small the loss is made")
        return norm

    def _validate_if_due(self) -> bool:
        """Score the averaged weights, at most once per step, and keep them if they are the best so far."""
        now, settings = self.now, self.settings
        last = now.step >= settings.steps
        if now.step == now.validated or not (last or now.step % settings.validate_every == 0):
            return False
        from accelerate.utils import broadcast_object_list

        message: list[Any] = [None]
        if self._accelerator.is_main_process:
            _seed(settings.seed, now.step)
            self.task.model.eval()
            with self._average.in_place(), torch.inference_mode():
                validation = self.task.validate(self.task.model)
                if not math.isfinite(validation.score):
                    raise _broken(now.step, f"the validation's score is {validation.score}")
                if now.best_score is None or validation.score > now.best_score:
                    state = {"step": now.step, "score": validation.score}
                    write_tensors(self.folder / BEST_FILE, self.task.model.state_dict(), state)
            message = [validation.score]
        score = broadcast_object_list(message)[0]
        better = now.best_score is None or score > now.best_score
        now.validated, now.stale = now.step, 0 if better else now.stale + 1
        now.best_score = score if better else now.best_score
        if self._accelerator.is_main_process:
            self._tell("validated", step=now.step, score=score, best=now.best_score, **validation.metrics)
        return True

    def _checkpoint(self) -> None:
        if self._accelerator.is_main_process:
            scaler = self._accelerator.scaler
            state = {
                "progress": asdict(self.now),
                "run": self._identity,
                "scaler": None if scaler is None else scaler.state_dict(),
            }
            tensors = gather(self.task.model, self._average, self._optimiser)
            write_tensors(self.folder / CHECKPOINT_FILE, tensors, state)
        self._accelerator.wait_for_everyone()
        self._saved_at = time.monotonic()
        self._tell("checkpoint", step=self.now.step)

    def _restore(self) -> None:
        tensors, state = read_tensors(self.folder / CHECKPOINT_FILE)
        refuse_other_run(state["run"], self._identity)
        scatter(tensors, self.task.model, self._average, self._optimiser)
        self.now = Progress(**state["progress"])
        if self.now.step > self.settings.steps:
            raise UsageError(
                f"The run has done {self.now.step} steps already, and is to have {self.settings.steps}.",
                remedy="Set train.steps to at least as many.",
            )
        if state["scaler"] is not None:
            self._accelerator.scaler.load_state_dict(state["scaler"])
        self._logged_step = self.now.step

    def _tell(self, kind: str, **body: Any) -> None:
        if self._log is not None:
            self._log.tell(kind, **body)

    def _log_step(self, figures: Mapping[str, float], rate: float, norm: float) -> None:
        now = time.monotonic()
        per_step = (now - self._logged_at) / max(1, self.now.step - self._logged_step)
        self._logged_at, self._logged_step = now, self.now.step
        self._tell(
            "step",
            step=self.now.step,
            steps=self.settings.steps,
            rate=rate,
            gradient_norm=norm,
            seconds_per_step=round(per_step, 4),
            seconds_left=round(per_step * (self.settings.steps - self.now.step)),
            **figures,
        )


class _Loss(nn.Module):
    """A task's model as accelerate is to wrap it: the model itself stays as it came, and its parts are only for show.

    DistributedDataParallel would wait for gradients of all that a part of the loss was made from.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss with a gradient, parts without one."""
        loss, parts = self.model(batch)
        return loss, {name: part.detach() for name, part in parts.items()}


def _broken(step: int, reason: str) -> EngineFailed:
    return EngineFailed(
        f"Training broke at step {step}: {reason}.",
        remedy="Resume from the last checkpoint with a lower learning rate.",
    )


def _seed(*numbers: int) -> None:
    """Seed torch's generators, on all devices, from ``numbers``."""
    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]))
