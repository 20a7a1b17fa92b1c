"""``rsqa doctor``: what this machine computes on, why not on its GPU, and what to install."""

from __future__ import annotations

import argparse

from engine.jobs.doctor import Gpu, Report, examine
from engine.protocol import to_json

HELP = "say what this machine computes on, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Only ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, on stdout")


def run(args: argparse.Namespace) -> int:
    """Look and print; always 0, as finding a fault is this command's success."""
    report = examine()
    print(to_json(report).decode() if args.json else report_text(report))
    return 0


def report_text(report: Report) -> str:
    """The report as a person reads it in a terminal."""
    rows = [("Device", report.device), ("Why", report.reason)]
    driver, torch = report.driver, report.torch
    rows.append(("Driver", driver.problem or f"NVIDIA {driver.version}, runs CUDA up to {driver.cuda or '?'}"))
    rows += [("GPU", _gpu_text(gpu)) for gpu in driver.gpus]
    rows.append(("PyTorch", torch.problem or f"{torch.version}, {f'CUDA {torch.cuda}' if torch.cuda else 'CPU only'}"))
    rows.append(("Cores", str(report.cores)))
    free, total = report.memory_available_bytes / 2**30, report.memory_total_bytes / 2**30
    rows.append(("Memory", f"{free:.1f} of {total:.1f} GiB available"))
    rows += [("Model", model.problem or f"{model.name} ({model.path})") for model in report.models]
    rows += [] if report.models else [("Model", "none found")]
    rows += [(name, value) for name, value in report.versions.items() if name != "torch"]
    rows += [("Do", advice) for advice in report.advice]
    return "\n".join(f"{name:<13} {value}" for name, value in rows if value)


def _gpu_text(gpu: Gpu) -> str:
    capability = gpu.compute_capability or "unknown"
    return f"{gpu.name}, compute capability {capability}, {gpu.free_mb} of {gpu.memory_mb} MB free"
