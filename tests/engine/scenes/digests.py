"""Digests of the truth of a few seeds: the same on every machine, for as long as the world is.

``python -m tests.engine.scenes.digests`` prints them, with ``--freeze`` it writes them down. A new digest is a new
world: ``WORLD_VERSION`` goes up with it, and models have to be trained again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from engine.scenes import WORLD_VERSION, make_truth

FROZEN = Path(__file__).with_name("truth_digests.json")
SEEDS = tuple(range(24))


def truth_digest(seed: int) -> str:
    """Of scene, condition, description, questions in both groups of wordings, and referrals of one seed."""
    train, held_out = (make_truth(seed, wording=wording, questions_per_type=3) for wording in ("train", "held-out"))  # type: ignore[arg-type]
    truth = {
        "scene": repr(train.scene),
        "condition": asdict(train.condition),
        "description": asdict(train.description),
        "questions": [asdict(question) for question in (*train.questions, *held_out.questions)],
        "referrals": [asdict(referral) for referral in (*train.referrals, *held_out.referrals)],
    }
    return hashlib.sha256(json.dumps(truth, sort_keys=True).encode()).hexdigest()[:16]


def digests() -> dict[str, object]:
    return {"world_version": WORLD_VERSION, "digests": {str(seed): truth_digest(seed) for seed in SEEDS}}


if __name__ == "__main__":
    text = json.dumps(digests(), indent=2) + "\n"
    if "--freeze" in sys.argv[1:]:
        FROZEN.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
