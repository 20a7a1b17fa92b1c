"""``rsqa models list|verify``: what is installed, and whether it is what its card says. Imports no torch."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from engine.catalog import (
    CARD_FILE,
    WEIGHTS_FILE,
    find_model,
    installed_models,
    missing_models,
    read_card,
    verify_weights,
)
from engine.errors import ModelDamaged, ModelNotFound

HELP = "list or verify the installed models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="names, tasks, sizes and hashes")
    verify = actions.add_parser("verify", help="check weights against their cards")
    verify.add_argument("model", nargs="*", help="names or folders (default: all)")
    for action in (listing, verify):
        action.add_argument("--json", action="store_true", help="print one JSON array")


def run(args: argparse.Namespace) -> int:
    """Print one row per model; 3 where one that was to be verified is missing or damaged."""
    names = getattr(args, "model", [])
    folders = [find_model(name) for name in names] if names else list(installed_models())
    rows = [describe(folder) for folder in folders]
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            state = "verified" if row["verified"] else f"DAMAGED: {row['problem']}"
            size = f"{row['size_bytes'] / 2**20:.1f} MiB" if row["size_bytes"] else "-"
            print(f"{row['name']:<20} {row['task']:<9} {row['preset']:<9} {size:>9}  {row['sha256'][:12]}  {state}")
        if not rows:
            print("No model is installed.")
        for model in missing_models() if not names else ():
            print(f"{model.name:<20} {model.task:<9} {model.preset:<9} {'-':>9}  not installed. {model.how_to_get}")
    return 3 if args.action == "verify" and not all(row["verified"] for row in rows) else 0


def describe(folder: Path) -> dict[str, Any]:
    """One model as ``--json`` prints it; a damaged one is a row with its problem, not an error."""
    row: dict[str, Any] = {
        "name": folder.name, "task": "", "preset": "", "sha256": "", "size_bytes": 0,
        "card": str(folder / CARD_FILE), "weights": str(folder / WEIGHTS_FILE), "verified": False, "problem": None,
    }  # fmt: skip
    try:
        card = read_card(folder)
        row |= {"name": card.name, "task": card.task, "preset": card.preset}
        row |= {"sha256": card.sha256, "size_bytes": card.size_bytes, "metrics": card.metrics, "guess": card.guess}
        verify_weights(folder, card)
        row["verified"] = True
    except (ModelNotFound, ModelDamaged) as error:
        row["problem"] = error.sentence
    return row
