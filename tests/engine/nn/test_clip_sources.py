"""Where CLIP's weights are looked for, what is refused, and what the refusals say. No test uses a network."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.catalog import file_sha256
from engine.errors import ModelDamaged, ModelNotFound, UsageError
from engine.nn import clip_sources
from engine.nn.clip import load_clip
from engine.nn.clip_sources import FOLDER_VARIABLE, find_clip_weights, pretrained_record
from tests.engine.nn.tiny_clip import TINY, pictures, shake, tiny_clip_file

PAPER = ("ViT-B-16-quickgelu", "openai")
HUB_ID = "timm/vit_base_patch16_clip_224.openai"
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch) -> Path:
    """No variable set, an empty model folder and an empty cache; the hub cannot be reached."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(clip_sources, "model_folders", lambda: (tmp_path / "models", tmp_path / "shipped"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    def no_hub(repository: str, name: str) -> str:
        raise AssertionError(f"the hub was asked for {name} of {repository}")

    monkeypatch.setattr(clip_sources, "hf_hub_download", no_hub)
    return tmp_path


def put(path: Path, content: bytes = b"weights") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def put_in_cache(folder: Path, repository: str, name: str) -> Path:
    place = folder / "cache" / f"models--{repository.replace('/', '--')}"
    put(place / "refs" / "main", REVISION.encode())
    return put(place / "snapshots" / REVISION / name)


class TestPlaces:
    def test_the_order(self, bare_machine, monkeypatch):
        """Every place has the weights; the best is taken away one after the other."""
        cached = put_in_cache(bare_machine, HUB_ID, "open_clip_model.safetensors")
        shipped = put(bare_machine / "shipped/ViT-B-16-quickgelu-openai/model.safetensors")
        user = put(bare_machine / "models/ViT-B-16-quickgelu-openai/open_clip_model.safetensors")
        named = put(bare_machine / "any/open_clip_pytorch_model.bin")
        monkeypatch.setenv(FOLDER_VARIABLE, str(named.parent))
        given = put(bare_machine / "given/clip.safetensors")
        assert find_clip_weights(*PAPER, folder=given).path == given
        for best in (named, user, shipped, cached):
            assert find_clip_weights(*PAPER).path == best
            best.unlink()
        with pytest.raises(ModelNotFound):
            find_clip_weights(*PAPER)

    def test_the_variable_may_name_a_file(self, bare_machine, monkeypatch):
        path = put(bare_machine / "ViT-B-16.safetensors")
        monkeypatch.setenv(FOLDER_VARIABLE, str(path))
        found = find_clip_weights(*PAPER)
        assert found.path == path
        assert found.sha256 == file_sha256(path)
        assert (found.repository, found.revision, found.licence) == ("", "", "MIT")

    def test_what_comes_from_the_cache_says_from_which_revision(self, bare_machine):
        put_in_cache(bare_machine, "openai/clip-vit-base-patch16", "model.safetensors")
        found = find_clip_weights(*PAPER)
        assert (found.repository, found.revision) == ("openai/clip-vit-base-patch16", REVISION)

    @pytest.mark.parametrize("name", ["mine.pt", "mine.safetensors", "folder"])
    def test_weights_may_be_a_path_and_are_found_again_elsewhere_by_its_name(self, bare_machine, monkeypatch, name):
        """Whoever loads a card gives the stem. A path that is not there is not replaced by what is elsewhere."""
        path = bare_machine / name
        put(path / "model.safetensors" if name == "folder" else path)
        assert path in (found := find_clip_weights("ViT-B-16", str(path)).path, found.parent)
        elsewhere = put(bare_machine / f"models/ViT-B-16-{path.stem}/model.safetensors")
        assert find_clip_weights("ViT-B-16", path.stem).path == elsewhere
        monkeypatch.setenv(FOLDER_VARIABLE, str(elsewhere))
        with pytest.raises(ModelNotFound, match=f"/not/here/{name}") as caught:
            find_clip_weights("ViT-B-16", f"/not/here/{name}", fetch=True)
        assert "path" in caught.value.remedy

    def test_a_hash_chooses_among_files(self, bare_machine, monkeypatch):
        monkeypatch.setenv(FOLDER_VARIABLE, str(put(bare_machine / "other.safetensors", b"other")))
        right = put(bare_machine / "models/ViT-B-16-quickgelu-openai/model.safetensors", b"right")
        assert find_clip_weights(*PAPER, sha256=file_sha256(right)).path == right
        with pytest.raises(ModelDamaged, match="SHA-256") as caught:
            find_clip_weights(*PAPER, sha256="0" * 64)
        assert FOLDER_VARIABLE in caught.value.remedy

    def test_not_found_says_what_to_fetch_and_where_to_put_it(self, bare_machine):
        with pytest.raises(ModelNotFound, match="not on this machine") as caught:
            find_clip_weights(*PAPER)
        for part in ("open_clip_model.safetensors", HUB_ID, f"{bare_machine}/models/ViT-B-16-quickgelu-openai"):
            assert part in caught.value.remedy
        assert "Hugging Face cache" in str(caught.value)

    def test_weights_that_nobody_knows(self, bare_machine):
        with pytest.raises(ModelNotFound, match="mine of CLIP ViT-B-16") as caught:
            find_clip_weights("ViT-B-16", "mine")
        assert FOLDER_VARIABLE in caught.value.remedy

    def test_a_folder_that_is_given_is_the_only_place(self, bare_machine):
        put_in_cache(bare_machine, HUB_ID, "open_clip_model.safetensors")
        with pytest.raises(ModelNotFound, match="empty"):
            find_clip_weights(*PAPER, folder=bare_machine / "empty")


class TestHub:
    def test_it_is_asked_only_on_request(self, bare_machine, monkeypatch):
        asked: list[tuple[str, str]] = []

        def hub(repository: str, name: str) -> str:
            asked.append((repository, name))
            return str(put_in_cache(bare_machine, repository, name))

        monkeypatch.setattr(clip_sources, "hf_hub_download", hub)
        with pytest.raises(ModelNotFound):
            find_clip_weights(*PAPER)
        assert asked == []
        found = find_clip_weights(*PAPER, fetch=True)
        assert asked == [(HUB_ID, "open_clip_model.safetensors")]
        assert found.revision == REVISION
        find_clip_weights(*PAPER, fetch=True)  # now cached
        assert len(asked) == 1

    def test_a_user_who_is_offline_stays_so(self, monkeypatch):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(ModelNotFound, match="not on this machine"):
            find_clip_weights(*PAPER, fetch=True)

    @pytest.mark.parametrize("error", [LocalEntryNotFoundError("no route"), OSError("no route")])
    def test_no_connection_is_said(self, monkeypatch, error):
        def broken(repository: str, name: str) -> str:
            raise error

        monkeypatch.setattr(clip_sources, "hf_hub_download", broken)
        with pytest.raises(ModelNotFound, match="no route"):
            find_clip_weights(*PAPER, fetch=True)


class TestRecord:
    def test_the_papers(self):
        record = pretrained_record(*PAPER)
        assert record.quick_gelu
        assert record.hub[0] == (HUB_ID, "open_clip_model.safetensors")
        assert record.hub[-1] == ("openai/clip-vit-base-patch16", "model.safetensors")

    @pytest.mark.parametrize(
        ("model", "weights", "right"),
        [("ViT-B-16", "openai", "ViT-B-16-quickgelu"), ("ViT-B-16-quickgelu", "laion400m_e32", "ViT-B-16")],
    )
    def test_weights_of_another_activation_are_refused(self, model, weights, right):
        with torch.device("meta"), pytest.raises(UsageError, match="GELU") as caught:
            load_clip(model, weights)
        assert caught.value.remedy == f"Use the model {right}."


@pytest.fixture(scope="module")
def whole() -> dict[str, Tensor]:
    """A state dictionary as open_clip writes it."""
    import open_clip

    return {name: value.clone() for name, value in shake(open_clip.CLIP(**TINY)).state_dict().items()}


class TestFiles:
    @pytest.fixture
    def model(self, tmp_path) -> str:
        return tiny_clip_file(tmp_path)

    def test_the_formats_of_open_clip_hold_the_same(self, model, whole, tmp_path):
        save_file(whole, tmp_path / "plain.safetensors")
        torch.save({"epoch": 3, "state_dict": {f"module.{k}": v for k, v in whole.items()}}, tmp_path / "trained.pt")
        split = {name if name.startswith(("visual.", "logit")) else f"text.{name}": v for name, v in whole.items()}
        torch.save(split, tmp_path / "custom_text.bin")
        picture, mask = pictures(1), torch.ones(1, 16, dtype=torch.bool)
        ids = torch.arange(5).view(1, 5)
        seen = []
        for name in ("plain.safetensors", "trained.pt", "custom_text.bin"):
            towers = load_clip(model, str(tmp_path / name))
            assert towers.file.sha256 == file_sha256(tmp_path / name)
            assert not towers.vision.training
            with torch.inference_mode():
                seen.append((towers.vision(picture, mask), towers.text(ids, ids >= 0)))
        for vision, text in seen[1:]:
            assert torch.equal(vision, seen[0][0])
            assert torch.equal(text, seen[0][1])
        assert torch.equal(load_clip(model, str(tmp_path / name)).vision.proj, whole["visual.proj"])

    def test_half_precision_becomes_float32(self, model, whole, tmp_path):
        save_file({name: value.half() for name, value in whole.items()}, tmp_path / "half.safetensors")
        towers = load_clip(model, "half", folder=tmp_path / "half.safetensors")
        assert {p.dtype for tower in (towers.vision, towers.text) for p in tower.parameters()} == {torch.float32}

    def test_what_does_not_fit_is_named(self, model, whole, tmp_path):
        path = tmp_path / "model.safetensors"
        key = "visual.transformer.resblocks.1.attn.in_proj_weight"
        for change, said in (
            ({key: None}, r"ClipVision's layers\.1\.attn\.in_proj\.weight is missing"),
            ({"visual.extra": torch.zeros(1)}, "ClipVision's extra is too much"),
            ({"ln_final.bias": torch.zeros(7)}, r"ClipText's ln_final\.bias has shape \[7\] and should have \[32\]"),
        ):
            save_file({k: v for k, v in (whole | change).items() if v is not None}, path)
            with pytest.raises(ModelDamaged, match=said):
                load_clip(model, str(path))

    def test_an_unfinished_copy_is_refused(self, model, whole, tmp_path):
        path = tmp_path / "model.safetensors"
        save_file(whole, path)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(ModelDamaged, match="cannot be read"):
            load_clip(model, str(path))
        with pytest.raises(ModelDamaged, match="cannot be read"):
            load_clip(model, str(path.rename(tmp_path / "model.bin")))

    def test_a_pickle_of_more_than_tensors_is_not_run(self, model, tmp_path):
        torch.save({"visual.proj": Touch(tmp_path / "run")}, tmp_path / "model.bin")
        with pytest.raises(ModelDamaged, match="tensors alone") as caught:
            load_clip(model, str(tmp_path / "model.bin"))
        assert "safetensors" in caught.value.remedy
        assert not (tmp_path / "run").exists()

    def test_openais_own_archive_is_refused_with_the_way_out(self, model, tmp_path):
        with zipfile.ZipFile(tmp_path / "ViT-B-16.pt", "w") as archive:  # TorchScript's mark is its constants
            archive.writestr("ViT-B-16/data.pkl", b"")
            archive.writestr("ViT-B-16/constants.pkl", b"")
        with pytest.raises(ModelDamaged, match="TorchScript") as caught:
            load_clip(model, str(tmp_path / "ViT-B-16.pt"))
        assert HUB_ID in caught.value.remedy

    def test_an_older_transformers_file_may_number_its_positions_but_lack_no_part(self, model, tmp_path):
        transformers = pytest.importorskip("transformers")
        sizes = {"num_hidden_layers": 2, "num_attention_heads": 4, "projection_dim": 32}
        vision = {"hidden_size": 48, "intermediate_size": 192, "image_size": 32, "patch_size": 8}
        config = transformers.CLIPConfig(
            vision_config=vision | sizes, text_config={"hidden_size": 32, "intermediate_size": 128} | sizes,
            projection_dim=32,
        )  # fmt: skip
        transformers.CLIPModel(config).save_pretrained(tmp_path)
        path = tmp_path / "model.safetensors"
        stored = load_file(path) | {"vision_model.embeddings.position_ids": torch.arange(17).view(1, 17)}
        save_file(stored, path)
        assert torch.equal(load_clip(model, str(path)).vision.proj, stored["visual_projection.weight"].T)
        del stored["vision_model.encoder.layers.0.self_attn.k_proj.bias"]
        save_file(stored, path)
        with pytest.raises(ModelDamaged, match=r"layers\.0\.attn\.in_proj\.bias is missing"):
            load_clip(model, str(path))


class Touch:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)
