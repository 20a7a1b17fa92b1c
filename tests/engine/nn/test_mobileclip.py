"""MobileCLIP2-B's text tower: open_clip's numbers, its size, and that nothing is fetched before the licence is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from engine.errors import ModelDamaged, ModelNotFound
from engine.nn import clip_sources
from engine.nn.embeddings import build_embedder
from engine.nn.mobileclip import FOLDER_VARIABLE, LICENCE_NOTICE, MODEL, MobileClipEmbedder, build_tower
from tests.engine.nn.tiny_clip import shake

TEXTS = (
    "the ship",
    "the largest white storage tank to the left of the pier in the top right of the SAR image",
    "a bridge",
    "tank " * 100,
)
TINY = {
    "embed_dim": 24,
    "vision_cfg": {"timm_model_name": "resnet18", "timm_model_pretrained": False, "image_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 2},
    "custom_text": True,
}


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch) -> list[str]:
    """No weights anywhere, and a hub that only notes what it is asked for."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(clip_sources, "model_folders", lambda: (tmp_path / "models",))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    asked: list[str] = []

    def hub(repository: str, name: str) -> str:
        asked.append(f"{repository}/{name}")
        raise OSError("no network")

    monkeypatch.setattr(clip_sources, "hf_hub_download", hub)
    return asked


def written(model: torch.nn.Module, folder: Path) -> Path:
    path = folder / "open_clip_model.safetensors"
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
    return path


def reference(config) -> torch.nn.Module:
    from open_clip.model import CustomTextCLIP

    torch.manual_seed(0)
    return shake(CustomTextCLIP(**{name: value for name, value in config.items() if name != "custom_text"}))


def theirs(model: torch.nn.Module) -> torch.Tensor:
    import open_clip

    with torch.no_grad():
        return model.encode_text(open_clip.get_tokenizer(MODEL)(list(TEXTS)), normalize=True)


def test_it_computes_what_open_clip_does(tmp_path):
    model = reference(TINY)
    embedder = MobileClipEmbedder(written(model, tmp_path), config=TINY)
    ours = embedder.embed(TEXTS)
    assert ours.shape == (4, embedder.width)
    torch.testing.assert_close(ours, theirs(model), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_so_does_the_real_architecture(tmp_path):
    import open_clip

    torch.manual_seed(0)
    model = open_clip.create_model(MODEL).eval()
    ours = MobileClipEmbedder(written(model, tmp_path)).embed(TEXTS)
    torch.testing.assert_close(ours, theirs(model), atol=1e-5, rtol=0)


def test_its_size_is_the_papers():
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in build_tower().parameters())
    assert count == 63_428_096  # the paper: 63.4 M


def test_the_licence_is_said_before_a_fetch_and_stands_on_the_record(tmp_path, bare_machine):
    said: list[tuple[str, int]] = []
    with pytest.raises(ModelNotFound, match="could not be fetched"):
        build_embedder("mobileclip2", before_fetch=lambda notice: said.append((notice, len(bare_machine))))
    assert said == [(LICENCE_NOTICE, 0)]
    assert "research only" in LICENCE_NOTICE
    assert bare_machine == ["timm/MobileCLIP2-B-OpenCLIP/open_clip_model.safetensors"]
    written(reference(TINY), tmp_path)
    part = MobileClipEmbedder(tmp_path, config=TINY).pretrained
    assert "research only" in part.licence
    assert len(part.files_sha256["open_clip_model.safetensors"]) == 64


def test_nothing_is_fetched_unasked_and_a_refusal_stops_it(bare_machine):
    with pytest.raises(ModelNotFound, match="not on this machine") as caught:
        build_embedder("mobileclip2")
    assert FOLDER_VARIABLE in caught.value.remedy

    def refuse(notice: str) -> None:
        raise PermissionError(notice)

    with pytest.raises(PermissionError):
        build_embedder("mobileclip2", before_fetch=refuse)
    assert bare_machine == []


def test_other_weights_are_refused(tmp_path):
    with pytest.raises(ModelDamaged, match="shape"):
        MobileClipEmbedder(written(reference(TINY), tmp_path))
