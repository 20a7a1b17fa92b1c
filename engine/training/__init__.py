"""The training loop: one for every network. It knows steps, schedules, checkpoints and events, and no network.

What it trains is a :class:`Task`. Everything random in step n is drawn from (seed, n), so a run that was stopped and
resumed makes the same losses as one that was not, to the last bit, on one machine with one number of threads.
"""

from engine.training.loop import TrainingResult, train
from engine.training.settings import TrainSettings
from engine.training.task import Task, Validation

__all__ = ["Task", "TrainSettings", "TrainingResult", "Validation", "train"]
