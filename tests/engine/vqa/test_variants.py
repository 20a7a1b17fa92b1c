"""Every network that a configuration can name, against the contract: Tables III, IV and V of the paper."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.vqa.build import NETWORKS, build_network
from tests.engine.vqa.contract import VqaContract
from tests.engine.vqa.tiny import CONFIG, output_of, tiny_batch

TABLE_IV = {
    "Exp2": {"cfar": False, "fusion": "add"},
    "Exp3": {"fusion": "add"},
    "Exp4": {},
    "RQAF without CFAR": {"cfar": False},
    "AF hears probabilities": {"adaptive_input": "probabilities"},
}
TABLE_V = {  # "Add" is Table IV's Exp1
    "OPT": {"network": "single", "fusion": "add", "sensors": "optical"},
    "SAR": {"network": "single", "fusion": "add", "sensors": "sar"},
    "Add": {"network": "single", "fusion": "add"},
    "Concat": {"network": "single", "fusion": "concat"},
    "Transformer": {"network": "single", "fusion": "transformer"},
}
RIVALS = [name for name in NETWORKS if name not in ("tgfnet", "single")]
TABLE_III = {
    f"{rival} {sensors}": {"network": rival, "fusion": "add", "sensors": sensors}
    for rival in RIVALS
    for sensors in ("optical", "sar", "both")
}
VARIANTS = TABLE_IV | TABLE_V | TABLE_III


# Rivals with both sensors are also in tests/engine/vqa/rivals; of the other modalities one is quick enough.
SLOW = [name for name in TABLE_III if not name.endswith("sar")]


@pytest.fixture(
    params=[pytest.param(c, marks=[pytest.mark.slow] if n in SLOW else []) for n, c in VARIANTS.items()], ids=VARIANTS
)
def variant(request):
    return replace(CONFIG, **request.param)


class TestVariants(VqaContract):
    """The whole contract for each."""

    config = None

    @pytest.fixture(autouse=True)
    def _of_this_variant(self, variant):
        self.config = variant


def test_every_network_of_the_table_is_tried():
    assert {changes.get("network", "tgfnet") for changes in VARIANTS.values()} == set(NETWORKS)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")
def test_answers_on_a_gpu_equal_the_cpus(variant):
    torch.manual_seed(3)
    model = build_network(variant).eval()
    batch = tiny_batch(4)
    with torch.inference_mode():
        here = output_of(model, batch)
        there = output_of(model.cuda(), {name: value.cuda() for name, value in batch.items()})
    torch.testing.assert_close(there.logits.cpu(), here.logits, atol=1e-3, rtol=1e-3)  # convolutions in TF32
    torch.testing.assert_close(there.weights.cpu(), here.weights, atol=1e-3, rtol=1e-3)
