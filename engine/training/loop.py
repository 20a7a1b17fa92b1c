"""The loop: step, log, validate, checkpoint, stop. See the package's docstring for what makes it resume exactly."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import EngineFailed
from engine.training.checkpoint import CHECKPOINT_FILE, gather, read_tensors, scatter, write_tensors
from engine.training.settings import TrainSettings
from engine.training.task import Task, Validation

EVENTS_FILE = "events.jsonl"
BEST_FILE = "best.safetensors"
STOP_FILE = "stop"
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a run ended: after ``steps`` steps, ``finished`` or stopped; ``best`` holds the best averaged weights."""

    steps: int
    finished: bool
    best_score: float
    best: Path


def train(
    task: Task, settings: TrainSettings, folder: Path, *, resume: bool = False, report: Report | None = None
) -> TrainingResult:
    """Train ``task`` into ``folder``: ``events.jsonl``, ``checkpoint.safetensors`` and ``best.safetensors``.

    SIGTERM, Ctrl-C or a file ``stop`` in the folder end the run after the current step, with a checkpoint;
    ``resume`` goes on from it. ``report`` hears every event. Raises EngineFailed where the loss is no number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    run = _Run(task, settings, folder, report)
    if resume:
        run.restore()
    (folder / STOP_FILE).unlink(missing_ok=True)
    with _stop_on_signal() as stopped:
        run.tell("started", step=run.step, steps=settings.steps, resumed=resume)
        while run.step < settings.steps:
            run.advance()
            last = run.step == settings.steps
            if last or run.step % settings.validate_every == 0:
                run.validate()
            asked = bool(stopped) or (folder / STOP_FILE).exists()
            if last or asked or run.checkpoint_is_due():
                run.checkpoint()
            if asked and not last:
                run.tell("stopped", step=run.step)
                break
    finished = run.step >= settings.steps
    if finished:
        run.tell("finished", step=run.step, best=run.best_score)
    return TrainingResult(run.step, finished, run.best_score, folder / BEST_FILE)


class _Run:
    """The state of one run: what a checkpoint holds, and the steps that change it."""

    def __init__(self, task: Task, settings: TrainSettings, folder: Path, report: Report | None) -> None:
        self.task, self.settings, self.folder, self.report = task, settings, folder, report
        self.model = task.model.to(settings.device)
        self.optimiser = torch.optim.AdamW(
            parameter_groups(self.model, settings.weight_decay), lr=settings.learning_rate, betas=settings.betas
        )
        self.average = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.step = 0
        self.best_score = float("-inf")
        self._saved_at = self._logged_at = time.monotonic()
        self._logged_step = 0

    def restore(self) -> None:
        tensors, state = read_tensors(self.folder / CHECKPOINT_FILE)
        scatter(tensors, self.model, self.average, self.optimiser)
        self.step, self.best_score = int(state["step"]), float(state["best_score"])
        self._logged_step = self.step

    def advance(self) -> None:
        """One optimiser step; all its randomness comes from (seed, step)."""
        settings = self.settings
        rng = np.random.default_rng([settings.seed, self.step])
        torch.manual_seed(int(rng.integers(2**62)))
        rate = settings.rate(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        device = torch.device(settings.device).type
        with torch.autocast(device, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            loss, parts = self.task.loss(rng)
        if not torch.isfinite(loss):
            raise EngineFailed(
                f"Training broke at step {self.step}: the loss is {loss.item()}.",
                remedy="Resume from the last checkpoint with a lower learning rate.",
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm)
        self.optimiser.step()
        self._update_average()
        self.step += 1
        if self.step % settings.log_every == 0:
            self._log(loss, parts, rate, norm)

    def _update_average(self) -> None:
        # Young averages follow faster, so that the random start is soon forgotten.
        decay = min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                self.average[name].lerp_(parameter, 1 - decay)

    def validate(self) -> Validation:
        """Score the averaged weights and keep them if they are the best so far."""
        with self._averaged():
            self.model.eval()
            with torch.inference_mode():
                validation = self.task.validate()
            if validation.score > self.best_score:
                self.best_score = validation.score
                state = {"step": self.step, "score": validation.score}
                write_tensors(self.folder / BEST_FILE, self.model.state_dict(), state)
        self.tell("validated", step=self.step, score=validation.score, best=self.best_score, **validation.metrics)
        return validation

    def checkpoint_is_due(self) -> bool:
        return time.monotonic() - self._saved_at >= 60 * self.settings.checkpoint_minutes

    def checkpoint(self) -> None:
        state = {"step": self.step, "best_score": self.best_score, "settings": asdict(self.settings)}
        tensors = gather(self.model, self.average, self.optimiser)
        write_tensors(self.folder / CHECKPOINT_FILE, tensors, state)
        self._saved_at = time.monotonic()
        self.tell("checkpoint", step=self.step)

    def tell(self, kind: str, **body: Any) -> None:
        """Append an event to the run's log and pass it on."""
        event = {"time": round(time.time(), 3), "kind": kind, **body}
        with (self.folder / EVENTS_FILE).open("a", encoding="utf-8") as log:
            log.write(json.dumps(event) + "\n")
        if self.report is not None:
            self.report(event)

    def _log(self, loss: Tensor, parts: dict[str, Tensor], rate: float, norm: Tensor) -> None:
        now = time.monotonic()
        per_step = (now - self._logged_at) / max(1, self.step - self._logged_step)
        self._logged_at, self._logged_step = now, self.step
        self.tell(
            "step",
            step=self.step,
            steps=self.settings.steps,
            loss=loss.item(),
            rate=rate,
            gradient_norm=norm.item(),
            seconds_per_step=round(per_step, 4),
            seconds_left=round(per_step * (self.settings.steps - self.step)),
            **{name: part.item() for name, part in parts.items()},
        )

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The model with its averaged weights for a while."""
        own = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        _fill(self.model, self.average)
        try:
            yield
        finally:
            _fill(self.model, own)


def _fill(model: nn.Module, values: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(values[name])


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """AdamW's groups: decay on matrices and kernels, none on biases, norms and single-row tables."""
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for parameter in model.parameters():
        matrix = parameter.ndim > 1 and parameter.shape[0] > 1
        (decayed if matrix else free).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


@contextmanager
def _stop_on_signal() -> Iterator[list[int]]:
    """A list that is no longer empty once SIGTERM or SIGINT arrived; the old handlers come back afterwards."""
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    try:
        old = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # not the main thread: the stop file still works
        yield heard
        return
    try:
        yield heard
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
