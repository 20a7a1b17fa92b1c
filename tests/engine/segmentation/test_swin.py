"""Swin's stages are timm's: the same numbers, from the same weights, at any size, and from published files."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from timm.models.swin_transformer import SwinTransformer

from engine.errors import ModelDamaged, ModelNotFound
from engine.nn.swin_weights import SWIN, load_swin
from engine.segmentation.build import build_network, start_from_swin
from engine.segmentation.config import SegmentationConfig
from engine.segmentation.network import PairInput, Words
from engine.segmentation.swin import SensorStage, build_swin
from tests.engine.segmentation.tiny import CONFIG, TEXT, tiny_network

OPTICAL = replace(CONFIG, sensors="optical")


def timms(config: SegmentationConfig, image_size: int) -> SwinTransformer:
    """timm's own network at a fixed size, with weights drawn anew."""
    torch.manual_seed(9)
    return SwinTransformer(
        img_size=image_size,
        num_classes=0,
        embed_dim=config.first_width,
        depths=config.depths,
        num_heads=config.heads,
        window_size=config.window,
        drop_path_rate=config.drop_path,
    ).eval()


def last_cells(network, picture):
    """What the last stage returns, where no word changes anything: the language gates are shut."""
    for gate in network.gates:
        for parameter in gate.parameters():
            torch.nn.init.zeros_(parameter)
    seen = []
    hook = network.stages[-1].register_forward_hook(lambda _module, _inputs, cells: seen.append(cells))
    valid = torch.ones(len(picture), *picture.shape[-2:], dtype=torch.bool)
    words = Words(torch.randn(len(picture), 3, TEXT), torch.ones(len(picture), 3, dtype=torch.bool))
    network(network.encode(PairInput(picture, picture, valid, valid)), words)
    hook.remove()
    return seen[0]


@pytest.mark.parametrize("image_size", [64, 96, 160], ids=lambda size: f"{size} px")
def test_stages_are_timms_forward_with_the_language_gates_shut(image_size):
    """At 64 px windows of 4 divide all stages but the last, which is one window; at 96 and 160 they do not."""
    config = replace(OPTICAL, image_size=image_size)
    swin = timms(config, image_size)
    network = build_network(config).eval()
    network.start_from(swin)
    picture = torch.randn(2, 3, image_size, image_size)
    with torch.inference_mode():
        theirs = swin.forward_features(picture)
        torch.testing.assert_close(swin.norm(last_cells(network, picture)), theirs, atol=1e-5, rtol=0)


def test_with_the_gates_open_words_go_in():
    network = build_network(OPTICAL).eval()
    swin = timms(OPTICAL, OPTICAL.image_size)
    network.start_from(swin)
    picture = torch.randn(1, 3, 64, 64)
    cells = []
    network.stages[-1].register_forward_hook(lambda _module, _inputs, x: cells.append(x))
    valid = torch.ones(1, 64, 64, dtype=torch.bool)
    with torch.inference_mode():
        words = Words(torch.randn(1, 3, TEXT), torch.ones(1, 3, dtype=torch.bool))
        network(network.encode(PairInput(picture, picture, valid, valid)), words)
        assert (swin.norm(cells[0]) - swin.forward_features(picture)).abs().max() > 1e-3


def test_another_size_than_the_configured_one_is_cut_into_the_same_windows():
    """The first stage at 64 and 96 px is timm's at either size, with the same weights."""
    stage = SensorStage(*_first_parts(build_swin(OPTICAL))).eval()
    for size in (64, 96):
        swin = timms(OPTICAL, size)
        stage.patch_embed.load_state_dict(swin.patch_embed.state_dict())
        stage.stage.load_state_dict(swin.layers[0].state_dict())
        picture = torch.randn(1, 3, size, size)
        with torch.inference_mode():
            cells, _ = stage(picture, torch.ones(1, size, size, dtype=torch.bool))
            torch.testing.assert_close(cells, swin.layers[0](swin.patch_embed(picture)), atol=1e-5, rtol=0)


def test_cells_without_data_are_zero_and_what_lies_there_is_not_seen():
    stage = SensorStage(*_first_parts(build_swin(OPTICAL))).eval()
    picture, valid = torch.randn(1, 3, 64, 64), torch.ones(1, 64, 64, dtype=torch.bool)
    valid[:, :, 38:] = False
    with torch.inference_mode():
        cells, mask = stage(picture, valid)
        loud = picture.masked_fill(~valid.unsqueeze(1), 1e3)
        torch.testing.assert_close(stage(loud, valid)[0], cells, atol=0, rtol=0)
    assert mask[0, 0].tolist() == [True] * 10 + [False] * 6  # a cell of which any pixel has data
    assert not cells[:, :, 10:].any()
    assert cells[:, :, :10].abs().sum(-1).min() > 0


def test_published_weights_fill_every_sensors_first_stage(tmp_path):
    """timm's file has a classifier; the last norm and the classifier are not read."""
    swin = timms(CONFIG, CONFIG.image_size)
    path = tmp_path / SWIN.file
    save_file(swin.state_dict() | {"head.fc.weight": torch.zeros(5, 64), "head.fc.bias": torch.zeros(5)}, path)
    network = tiny_network()
    start_from_swin(network, CONFIG, SWIN.find(tmp_path))
    for sensor in network.sensors.values():
        torch.testing.assert_close(sensor.stage.state_dict(), swin.layers[0].state_dict())
    torch.testing.assert_close(network.stages[2].state_dict(), swin.layers[3].state_dict())
    assert SWIN.part(path, "image encoder").licence == "MIT"


def test_weights_of_the_first_release_are_read(tmp_path):
    """There, patches are merged where a stage ends, and tables of indices are stored."""
    swin = timms(CONFIG, CONFIG.image_size)
    earlier = {f"layers.{stage}.downsample": f"layers.{stage - 1}.downsample" for stage in (1, 2, 3)}
    old = {earlier.get(name[:19], name[:19]) + name[19:]: value for name, value in swin.state_dict().items()}
    old |= {"head.weight": torch.zeros(5, 64), "layers.0.blocks.0.attn.relative_position_index": torch.zeros(16, 16)}
    save_file(old, tmp_path / SWIN.file)
    read = build_swin(CONFIG)
    load_swin(read, tmp_path / SWIN.file)
    torch.testing.assert_close(read.state_dict(), swin.state_dict())


@pytest.mark.parametrize(
    "change",
    [{"first_width": 16}, {"depths": (2, 2, 4, 1)}, {"depths": (2, 2, 1, 1)}, {"heads": (2, 2, 4, 8)}],
    ids=str,
)
def test_weights_of_other_sizes_are_refused(tmp_path, change):
    save_file(build_swin(replace(CONFIG, **change)).state_dict(), tmp_path / SWIN.file)
    with pytest.raises(ModelDamaged, match="configured sizes"):
        load_swin(build_swin(CONFIG), tmp_path / SWIN.file)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / SWIN.file).write_bytes(b"no tensors")
    with pytest.raises(ModelDamaged, match="cannot be read"):
        load_swin(build_swin(CONFIG), tmp_path / SWIN.file)


def test_weights_are_found_where_the_environment_says(tmp_path, monkeypatch):
    save_file({"a": torch.zeros(1)}, tmp_path / SWIN.file)
    monkeypatch.setenv(SWIN.variable, str(tmp_path))
    assert SWIN.find() == tmp_path / SWIN.file


def test_weights_that_are_not_here_are_asked_for_by_name(tmp_path, monkeypatch):
    with pytest.raises(ModelNotFound, match="swin_base_patch4_window12_384") as missing:
        SWIN.find(tmp_path)
    assert SWIN.hub_id in missing.value.remedy
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("engine.nn.published_weights.model_folders", lambda: (tmp_path,))
    with pytest.raises(ModelNotFound, match="not on this machine"):
        SWIN.fetch()


def _first_parts(swin):
    return swin.patch_embed, swin.layers[0]
