"""The synthetic world."""

from engine.scenes.sample import Sample, make_sample
from engine.scenes.scene import Scene
from engine.scenes.truth import Question, Truth

__all__ = ["Question", "Sample", "Scene", "Truth", "make_sample"]
