"""The training loop: one for every network. It knows steps, schedules, checkpoints and events, and no network.

What it trains is a :class:`Task`. Everything random in step n is drawn from (seed, n), so a run that was stopped and
resumed makes the same losses as one that was not, to the last bit, on one machine with one number of threads.

To read: ``task`` (what a network has to offer), ``settings`` (every number), ``loop`` (the steps); then ``batches``
(shares, prepared ahead), ``optimisation`` (groups, averaged weights), ``processes``, ``stopping``, ``checkpoint``,
``events``; ``folder_lock`` for those who call the loop, ``stored`` for data that take long to make, ``pictures`` for
files of published data sets.

Several GPUs, or several machines with a shared file system, train one run together through accelerate's launcher
(``--num_machines``, ``--machine_rank``, ``--main_process_ip`` and ``--main_process_port`` for the latter)::

    accelerate launch --multi_gpu --num_processes 4 --module engine.cli.main train RECIPE --out DIR \\
        --set train.device=cuda
    torchrun --standalone --nproc_per_node 2 -m engine.cli.main train RECIPE --out DIR

The second is for CPUs, where accelerate's launcher starts one process whatever it is told, and hands no signal on.

A step's batch is then shared by the processes, which average their gradients: the losses are those of one process with
the same batch, within float error, where there is no dropout (each process draws its own) and no batch norm. With batch
norms that still holds on GPUs, where they share their statistics (SyncBatchNorm); on CPUs, and wherever
``accumulation`` cuts a batch, they see one part at a time, so that two processes train as two accumulated parts do. The
main process alone validates, writes the folder and reports; the others wait for it.
"""

from engine.training.events import read_events
from engine.training.folder_lock import folder_locked
from engine.training.loop import TrainingResult, train
from engine.training.processes import is_main_process, main_process_first
from engine.training.settings import TrainSettings
from engine.training.task import GroupedTask, SparingTask, Task, Validation

__all__ = [
    "GroupedTask",
    "SparingTask",
    "Task",
    "TrainSettings",
    "TrainingResult",
    "Validation",
    "folder_locked",
    "is_main_process",
    "main_process_first",
    "read_events",
    "train",
]
