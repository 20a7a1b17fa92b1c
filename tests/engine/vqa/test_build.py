"""Networks put together from a config: which encoders they own, and the paper's preset as a whole."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.nn.clip import ClipTextEncoder, ClipTokenizer, build_clip
from engine.nn.frozen import Frozen
from engine.nn.vision import ConvTransformer
from engine.nn.weights import load_weights, save_weights
from engine.training.trainer import load_recipe
from engine.vqa.build import build_network
from engine.vqa.config import TgfnetConfig
from engine.vqa.network import TextProjection, VqaNetwork
from engine.vqa.predictor import TgfnetPredictor
from tests.engine.nn.contract import NetworkContract
from tests.engine.vqa.tiny import CONFIG, output_of, tiny_batch, tiny_card, view_of

SMALL_CLIP = {
    "embed_dim": 32,
    "vision_cfg": {"layers": 2, "width": 48, "head_width": 16, "patch_size": 16, "image_size": 64},
    "text_cfg": {"width": 32, "heads": 2, "layers": 2, "vocab_size": 49408},
    "quick_gelu": True,
}
QUESTIONS = ("is there a river ?", "how many ships are at the quay ?", "where is the road ?", "is it urban ?")


@pytest.fixture(scope="module")
def clip_model(tmp_path_factory):
    """A CLIP of the paper's form, small, as a file of open_clip's format."""
    path = tmp_path_factory.mktemp("clip") / "small.json"
    path.write_text(json.dumps(SMALL_CLIP))
    return str(path)


@pytest.fixture(scope="module")
def tokenizer():
    return ClipTokenizer()


@pytest.fixture
def config(clip_model):
    return replace(
        CONFIG, vision="clip", text_encoder="clip", clip_model=clip_model, clip_weights="random", text_width=32
    )


def test_a_frozen_clip_is_no_part_of_the_networks_weights(config, clip_model, tmp_path):
    towers = build_clip(clip_model)
    network = build_network(config, towers)
    assert isinstance(network.vision, Frozen)
    assert network.text_tower is None
    assert not [name for name in network.state_dict() if name.startswith(("vision", "text_tower"))]
    twin = build_network(config, towers)
    load_weights(twin, save_weights(network, tmp_path))
    load_weights(network, tmp_path / "model.safetensors")  # now rounded to half precision
    features = ClipTextEncoder(towers.text, towers.tokenizer)(QUESTIONS[0]).tokens.unsqueeze(0)
    mask = torch.ones(1, features.shape[1], dtype=torch.bool)
    view = view_of(network, tiny_batch(1))
    answers = [model.eval()(view, features, mask).logits for model in (network, twin)]
    torch.testing.assert_close(answers[0], answers[1], atol=0, rtol=0)


def test_a_tuned_clip_is_stored_and_needs_no_other_file(config, tmp_path):
    torch.manual_seed(0)
    tuned = replace(config, clip_stored=True)
    network, twin = build_network(tuned), build_network(tuned)
    load_weights(twin, save_weights(network, tmp_path))
    load_weights(network, tmp_path / "model.safetensors")
    batch = tiny_batch(2)
    torch.testing.assert_close(view_of(twin.eval(), batch).sar, view_of(network.eval(), batch).sar, atol=0, rtol=0)
    assert {"vision", "text_tower"} <= {name.split(".")[0] for name in network.state_dict()}


def test_clips_text_features_of_the_networks_width_come_as_they_are(config, clip_model):
    towers = build_clip(clip_model)
    assert isinstance(build_network(config, towers).text, torch.nn.Identity)
    small = replace(CONFIG, text_encoder="clip", clip_model=clip_model, text_width=32, width=64)
    network = build_network(small, towers)
    assert isinstance(network.text, TextProjection)
    assert isinstance(network.vision, ConvTransformer)


def test_clips_pictures_may_go_with_another_text_encoder(config, clip_model):
    network = build_network(replace(config, text_encoder="all-MiniLM-L6-v2", text_width=24, clip_stored=True))
    assert network.text_tower is None
    assert output_of(network.eval(), tiny_batch(2)).logits.shape == (2, CONFIG.answers)


def test_towers_that_are_missing_or_do_not_fit_are_refused(config, clip_model):
    with pytest.raises(UsageError, match="needs the towers"):
        build_network(config)
    towers = build_clip(clip_model)
    with pytest.raises(UsageError, match="32 wide") as refused:
        build_network(replace(config, width=64), towers)
    assert "model.width to 32" in refused.value.remedy
    with pytest.raises(UsageError, match="text features"):
        build_network(replace(config, vision="conv", text_width=24), towers)
    with pytest.raises(UsageError, match="reads 77 tokens"):
        build_network(replace(config, max_tokens=78), towers)


class TestTunedClip(NetworkContract):
    """The whole contract with both towers trained, as in Table IV."""

    @pytest.fixture(autouse=True)
    def _of_this_config(self, config, tokenizer):
        self.config, self.tokenizer = replace(config, clip_stored=True), tokenizer

    def build(self):
        return build_network(self.config)

    def batch(self, count):
        rows = [torch.tensor(self.tokenizer(question)[0]) for question in QUESTIONS]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)  # [4, N]
        mask = torch.arange(ids.shape[1]) < torch.tensor([len(row) for row in rows])[:, None]
        pictures = {name: value for name, value in tiny_batch(count).items() if "token" not in name}
        return pictures | {"ids": ids[:count], "mask": mask[:count]}

    def output(self, model: VqaNetwork, batch):
        question = model.text_tower(batch["ids"], batch["mask"])
        return model(view_of(model, batch), question, batch["mask"])

    def run(self, model, batch):
        return self.output(model, batch).logits

    def loss(self, model, batch):
        return model.loss(self.output(model, batch), torch.arange(len(batch["ids"])))[0]

    def padded(self, batch):
        more = torch.full((len(batch["ids"]), 3), 7)
        return batch | {
            "ids": torch.cat([batch["ids"].where(batch["mask"], 9), more], 1),
            "mask": torch.cat([batch["mask"], more < 0], 1),
        }

    def run_odd_size(self, model, height, width):
        text = ClipTextEncoder(model.text_tower, self.tokenizer)
        predictor = TgfnetPredictor(model, tiny_card(config=self.config.as_json()), text)
        optical = np.random.default_rng(0).uniform(0, 3000, (3, height, width)).astype(np.float32)
        sar = np.random.default_rng(1).uniform(-20, 0, (1, height, width)).astype(np.float32)
        return predictor.answer(predictor.encode(optical, None, sar, None, "db"), QUESTIONS[0]).probabilities


def parameters_by_part(network: VqaNetwork) -> dict[str, int]:
    return {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}


def test_the_papers_preset_counted_by_hand():
    """D = 512, MLPs of 4 D, 140 answers; the towers are what OpenAI's CLIP ViT-B/16 has (149,620,737 with the text's
    projection and the logit scale, which per-token features have no use for)."""
    with torch.device("meta"):  # shapes without numbers
        network = build_network(replace(TgfnetConfig.paper(140), clip_stored=True))
    D, C = 512, 140
    linear, norm, mlp = D * D + D, 2 * D, D * 4 * D + 4 * D + 4 * D * D + D
    cross_attention = enhancement = 2 * norm + 4 * linear + mlp
    expert = linear + 2 * (3 * norm + 8 * linear + mlp) + norm + (D * 2 * D + 2 * D) + (2 * D * C + C)
    assert parameters_by_part(network) == {
        "vision": 86_192_640,
        "text_tower": 149_620_737 - 86_192_640 - D * D - 1,
        "text": 0,
        "refine_optical": 2 * D * D + cross_attention + enhancement,
        "refine_sar": 2 * D * D + cross_attention + enhancement,
        "fuse": 3 * linear + norm + mlp,
        "expert_optical": expert,
        "expert_sar": expert,
        "expert_fusion": expert,
        "adapt": 3 * C * 3 + 3,
    }


@pytest.mark.parametrize("name", ["tgfnet_paper_osvqa", "tgfnet_paper_osvqa_modern"])
def test_the_papers_recipes_train_the_papers_preset(name):
    """Less what a recipe decides for itself: how long questions may be, and whether CLIP is tuned."""
    model = load_recipe(name, data="somewhere").model
    assert replace(model, answers=140, max_tokens=77, clip_stored=False) == TgfnetConfig.paper(140)


@pytest.mark.slow
def test_the_papers_preset_answers_a_picture_of_224_px():
    torch.manual_seed(0)
    config = TgfnetConfig.paper(140)
    towers = build_clip(config.clip_model)
    network = build_network(config, towers).eval()
    tokens = ClipTextEncoder(towers.text, towers.tokenizer)("Is there a wide road at the top of the image ?").tokens
    mask = torch.ones(1, config.patches, dtype=torch.bool)
    with torch.inference_mode():
        view = network.encode(torch.randn(1, 3, 224, 224), mask, torch.randn(1, 1, 224, 224).expand(1, 3, -1, -1), mask)
        output = network(view, tokens.unsqueeze(0), torch.ones(1, len(tokens), dtype=torch.bool))
    assert view.optical.shape == view.sar.shape == (1, 196, 512)
    assert output.logits.shape == (1, 140)
    assert output.expert_logits.shape == (1, 3, 140)
    assert output.trust.shape == (1, 196)
    assert output.optical.kept.sum() == output.sar.kept.sum() == 12
    assert all(torch.isfinite(part).all() for part in (output.logits, output.expert_logits, output.trust))
