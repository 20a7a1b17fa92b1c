"""CLIP's towers: the numbers of transformers' CLIP, and what masks, sizes and batches must not change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import UsageError
from engine.nn.clip import (
    CLIP_MEAN,
    CLIP_STD,
    ClipTextEncoder,
    ClipTokenizer,
    ClipTowers,
    build_clip,
    clip_architecture,
    load_clip,
)
from tests.engine.nn.tiny_clip import PATCH, TINY, pictures, shake, some_patches, tiny_clip_file

QUESTIONS = (
    "Is there a ship?",
    "How many storage tanks are to the left of the runway?",
    "What covers most of the land?",
)


@pytest.fixture(scope="module")
def towers() -> ClipTowers:
    torch.manual_seed(2)
    towers = build_clip(TINY)
    shake(towers.vision)
    shake(towers.text)
    return towers


@pytest.fixture(scope="module")
def tokens(towers) -> tuple[Tensor, Tensor]:
    """``ids`` and ``mask`` [3, N] of the questions."""
    rows = [towers.tokenizer(question)[0] for question in QUESTIONS]
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    return ids, ids != 0


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.fixture(scope="module", params=["quick_gelu", "gelu"])
def pair(request, tmp_path_factory) -> tuple[torch.nn.Module, ClipTowers]:
    """transformers' CLIP with random weights, and ours of the file that it writes."""
    transformers = pytest.importorskip("transformers")
    vision, text = TINY["vision_cfg"], TINY["text_cfg"]
    both = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_act": request.param, "projection_dim": 32}
    config = transformers.CLIPConfig(
        vision_config={
            "hidden_size": vision["width"],
            "intermediate_size": 4 * vision["width"],
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            **both,
        },
        text_config={"hidden_size": text["width"], "intermediate_size": 4 * text["width"], **both},
        projection_dim=32,
    )
    reference = shake(transformers.CLIPModel(config))
    folder: Path = tmp_path_factory.mktemp(request.param)
    reference.save_pretrained(folder)
    model = tiny_clip_file(folder, quick_gelu=request.param == "quick_gelu")
    return reference, load_clip(model, f"{folder}/model.safetensors")


class TestParity:
    """Random weights of transformers' CLIP, written as it publishes them, give its numbers here."""

    @pytest.mark.parametrize("side", [32, 48, 24])
    def test_patch_tokens(self, pair, side):
        reference, ours = pair
        picture = pictures(2, side)
        with torch.inference_mode():
            hidden = reference.vision_model(picture, interpolate_pos_encoding=True).last_hidden_state  # [2, 1 + M, 48]
            expected = reference.visual_projection(reference.vision_model.post_layernorm(hidden))[:, 1:]
            close(ours.vision(picture, torch.ones(expected.shape[:2], dtype=torch.bool)), expected)
        assert expected.std() > 0.1

    def test_text_tokens(self, pair, tokens):
        reference, ours = pair
        ids, mask = tokens
        with torch.inference_mode():
            expected = reference.text_model(input_ids=ids).last_hidden_state  # [3, N, 32]
            close(ours.text(ids, mask)[mask], expected[mask])
        assert expected.std() > 0.1


def test_the_same_tokens_as_open_clip(tokens):
    import open_clip

    torch.manual_seed(4)
    theirs = shake(open_clip.CLIP(**TINY))
    picture, (ids, mask) = pictures(2), tokens
    padded = torch.nn.functional.pad(ids, (0, 77 - ids.shape[1]))
    with torch.inference_mode():
        theirs.visual.output_tokens = True
        patches = theirs.visual(picture)[1] @ theirs.visual.proj
        pooled = theirs.encode_text(padded)
        ours = build_clip(TINY)
        own = {name.replace("transformer.resblocks", "layers"): value for name, value in theirs.state_dict().items()}
        own = {name.replace("attn.in_proj_", "attn.in_proj."): value for name, value in own.items()}
        ours.vision.load_state_dict({k.removeprefix("visual."): v for k, v in own.items() if k.startswith("visual.")})
        ours.text.load_state_dict({name: own[name] for name in ours.text.state_dict()})
        close(ours.vision(picture, torch.ones(2, 16, dtype=torch.bool)), patches)
        ends = ours.text(ids, mask)[torch.arange(3), ids.argmax(1)]
        close(ends @ theirs.text_projection, pooled)


class TestVision:
    def test_what_lies_in_masked_patches_changes_nothing_at_real_ones(self, towers):
        mask = some_patches(3)
        hidden = (~mask).view(3, 1, 4, 4).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)
        picture = pictures(3).requires_grad_()
        loud = torch.where(hidden, 1e3 * picture, picture)
        tokens = towers.vision(picture, mask)
        close(towers.vision(loud, mask)[mask], tokens[mask])
        (gradient,) = torch.autograd.grad(tokens[mask].square().sum(), picture)
        assert not gradient[hidden.expand_as(gradient)].any()
        assert gradient.any()

    def test_a_mask_is_as_if_the_patches_were_not_there(self, towers):
        mask = some_patches(1)
        vision, picture = towers.vision, pictures(1)
        with torch.inference_mode():
            kept = torch.cat([torch.tensor([True]), mask[0]])  # the class token and the real patches
            patches = vision.conv1(picture).flatten(2).transpose(1, 2)
            embedded = torch.cat([vision.class_embedding.view(1, 1, -1), patches], 1) + vision.positional_embedding
            left = vision.ln_pre(embedded[:, kept])
            for layer in vision.layers:
                left = layer(left, torch.ones(1, 1, dtype=torch.bool))
            close(vision(picture, mask)[mask], (vision.ln_post(left[:, 1:]) @ vision.proj)[0])

    def test_a_picture_without_any_data_gives_finite_numbers_and_gradients(self, towers):
        picture = pictures(2).requires_grad_()
        tokens = towers.vision(picture, torch.zeros(2, 16, dtype=torch.bool))
        assert torch.isfinite(tokens).all()
        (gradient,) = torch.autograd.grad(tokens.square().sum(), picture)
        assert torch.isfinite(gradient).all()

    def test_a_batch_of_one_equals_a_row(self, towers):
        picture, mask = pictures(3), some_patches(3)
        with torch.inference_mode():
            together = towers.vision(picture, mask)
            for row in range(3):
                close(towers.vision(picture[row : row + 1], mask[row : row + 1])[0], together[row])

    @pytest.mark.parametrize("side", [8, 16, 24, 56])
    def test_any_whole_number_of_patches(self, towers, side):
        with torch.inference_mode():
            tokens = towers.vision(pictures(2, side), some_patches(2, side))
        assert tokens.shape == (2, (side // PATCH) ** 2, 32)
        assert torch.isfinite(tokens).all()

    @pytest.mark.parametrize(("height", "width"), [(33, 33), (32, 40), (4, 4)])
    def test_other_sizes_are_refused(self, towers, height, width):
        with pytest.raises(UsageError, match="8 px patches"):
            towers.vision(torch.zeros(1, 3, height, width), torch.ones(1, 16, dtype=torch.bool))

    def test_positions_at_the_native_size_are_the_table_itself(self, towers):
        assert towers.vision.positions(4) is towers.vision.positional_embedding

    def test_positions_of_another_size_are_in_the_same_places(self, towers):
        """A table that says each patch's row and column, in 0..1, says so at any size, away from the edges."""
        vision = build_clip(TINY).vision

        def places(grid: int) -> Tensor:
            centres = (torch.arange(grid) + 0.5) / grid
            return torch.stack(torch.meshgrid(centres, centres, indexing="ij"), -1)  # [grid, grid, 2]

        with torch.no_grad():
            vision.positional_embedding[1:, :2] = places(4).view(16, 2)
            inside = vision.positions(8)[1:, :2].view(8, 8, 2)[2:6, 2:6]
        torch.testing.assert_close(inside, places(8)[2:6, 2:6], atol=0.03, rtol=0)  # half a patch is 0.06

    def test_every_parameter_gets_a_gradient(self, towers):
        vision = build_clip(TINY).vision
        vision(pictures(2), some_patches(2)).square().sum().backward()
        for name, parameter in vision.named_parameters():
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.any(), name

    def test_half_precision_by_autocast(self, towers):
        picture, mask = pictures(2), some_patches(2)
        with torch.inference_mode():
            exact = towers.vision(picture, mask)
            with torch.autocast("cpu", torch.bfloat16):
                rounded = towers.vision(picture, mask).float()
        assert (rounded - exact).norm() < 0.02 * exact.norm()


class TestText:
    def test_padding_changes_nothing_and_comes_out_as_zeros(self, towers, tokens):
        ids, mask = tokens
        longer = torch.cat([ids, torch.randint(1, 49000, (3, 20))], 1)
        longer[:, : ids.shape[1]][~mask] = 321
        real = torch.nn.functional.pad(mask, (0, 20))
        with torch.inference_mode():
            plain, padded = towers.text(ids, mask), towers.text(longer, real)
        close(padded[real], plain[mask])
        assert not padded[~real].any()

    def test_a_token_sees_only_what_stands_before_it(self, towers, tokens):
        ids, mask = (part[1:2] for part in tokens)
        other = ids.clone()
        other[0, 5] = 1000
        with torch.inference_mode():
            before, after = towers.text(ids, mask), towers.text(other, mask)
        close(after[:, :5], before[:, :5])
        assert (after[:, 5:] - before[:, 5:]).abs().amax(-1).min() > 1e-3

    def test_a_batch_of_one_equals_a_row(self, towers, tokens):
        ids, mask = tokens
        with torch.inference_mode():
            together = towers.text(ids, mask)
            for row in range(3):
                close(towers.text(ids[row : row + 1], mask[row : row + 1])[0], together[row])

    def test_no_text_at_all_gives_finite_numbers(self, towers):
        assert not towers.text(torch.zeros(2, 4, dtype=torch.long), torch.zeros(2, 4, dtype=torch.bool)).any()

    def test_every_parameter_gets_a_gradient(self, towers, tokens):
        text = build_clip(TINY).text
        text(*tokens).square().sum().backward()
        for name, parameter in text.named_parameters():
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.any(), name


class TestTokenizer:
    @pytest.mark.parametrize("text", [*QUESTIONS, "", "  Schiffe & Häuser:  42?"])
    def test_the_numbers_are_open_clips(self, towers, text):
        import open_clip

        ids, cut = towers.tokenizer(text)
        expected = open_clip.get_tokenizer("ViT-B-16")([text])[0]  # [77], padded with 0
        assert (*ids, *[0] * (77 - len(ids))) == tuple(expected.tolist())
        assert cut == 0

    def test_a_long_question_is_cut_keeping_both_ends_and_says_by_how_much(self):
        short = ClipTokenizer(max_tokens=10)
        whole, none = ClipTokenizer(max_tokens=77)(QUESTIONS[1])
        ids, cut = short(QUESTIONS[1])
        assert (none, len(ids), cut) == (0, 10, len(whole) - 10)
        assert ids == (*whole[:9], whole[-1])


@pytest.fixture(scope="module")
def encoder(towers) -> ClipTextEncoder:
    return ClipTextEncoder(towers.text, ClipTokenizer(max_tokens=12))


class TestTextEncoder:
    def test_features_are_the_towers_frozen_and_kept(self, encoder, towers):
        features = encoder("Is there a ship?")
        assert features.tokens.shape == (7, 32)  # start, is there a ship ?, end
        assert features.cut == 0
        assert encoder("Is there a ship?").tokens is features.tokens
        assert not features.tokens.requires_grad
        ids = torch.tensor([towers.tokenizer("Is there a ship?")[0]])
        close(features.tokens, towers.text(ids, ids > 0)[0])

    @pytest.mark.parametrize("batch", [1, 2, 64])
    def test_many_at_once_equal_one_by_one(self, encoder, batch):
        texts = [*QUESTIONS, "a " * 30, QUESTIONS[0]]
        together = encoder.encode_all(texts, batch)
        for text, features in zip(texts, together, strict=True):
            close(features.tokens, encoder(text).tokens)
            assert features.cut == encoder(text).cut
        assert [features.cut for features in together] == [0, 2, 0, 20, 0]
        assert encoder.encode_all([]) == []


class TestArchitecture:
    def test_the_papers_has_its_published_size(self):
        with torch.device("meta"):  # shapes alone
            towers = build_clip("ViT-B-16-quickgelu")
        count = sum(p.numel() for tower in (towers.vision, towers.text) for p in tower.parameters())
        # CLIP ViT-B/16 has 149,620,737 numbers; tokens need neither the temperature nor the 512 x 512 text projection.
        assert count == 149_620_737 - 1 - 512 * 512
        assert (towers.image_size, towers.patch, towers.width, towers.file) == (224, 16, 512, None)
        assert (towers.mean, towers.std) == (CLIP_MEAN, CLIP_STD)
        assert towers.tokenizer.max_tokens == 77

    def test_quick_gelu_is_the_names(self):
        assert clip_architecture("ViT-B-16-quickgelu").quick_gelu
        assert not clip_architecture("ViT-B-16").quick_gelu

    def test_a_file_names_one_in_either_form(self, tmp_path):
        flat, nested = tiny_clip_file(tmp_path), tmp_path / "hub.json"
        nested.write_text('{"model_cfg": ' + Path(flat).read_text(encoding="utf-8") + ', "preprocess_cfg": {}}')
        assert clip_architecture(flat) == clip_architecture(str(nested)) == clip_architecture(TINY)

    @pytest.mark.parametrize("model", ["ViT-B-17", "", "/no/such/file.json"])
    def test_an_unknown_one_is_refused(self, model):
        with pytest.raises(UsageError, match=r"knows no model|cannot be read"):
            build_clip(model)

    @pytest.mark.parametrize("model", ["RN50", "ViT-B-16-SigLIP", "coca_ViT-B-32", "roberta-ViT-B-32"])
    def test_what_is_no_plain_clip_is_refused(self, model):
        with pytest.raises(UsageError, match="cannot be used") as caught:
            build_clip(model)
        assert "ViT-B-16-quickgelu" in caught.value.remedy

    def test_towers_of_two_widths_or_too_few_words_are_refused(self):
        with pytest.raises(UsageError, match="one width"):
            build_clip(TINY | {"embed_dim": 40})
        with pytest.raises(UsageError, match="tokens"):
            build_clip(TINY | {"text_cfg": TINY["text_cfg"] | {"vocab_size": 100}})


def test_nothing_slow_is_imported_before_it_is_needed():
    program = (
        "import sys\nimport engine.nn.clip, engine.nn.clip_sources, engine.nn.lora\n"
        "assert not {'open_clip', 'peft', 'transformers', 'timm', 'torchvision'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.cuda
def test_a_gpu_gives_the_cpus_features(tokens):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    torch.manual_seed(2)
    towers = build_clip("ViT-B-16-quickgelu")
    generator = torch.Generator().manual_seed(7)
    picture = torch.randn(4, 3, 224, 224, generator=generator)
    mask = torch.rand(4, 196, generator=generator) < 0.7
    mask[3] = False
    with torch.inference_mode():
        patches, words = towers.vision(picture, mask), towers.text(*tokens)
        towers.vision.cuda()
        towers.text.cuda()
        on_gpu = towers.vision(picture.cuda(), mask.cuda()).cpu()
        words_on_gpu = towers.text(*(part.cuda() for part in tokens)).cpu()
    torch.testing.assert_close(on_gpu[mask], patches[mask], atol=2e-3, rtol=0)
    torch.testing.assert_close(words_on_gpu, words, atol=2e-3, rtol=0)
    assert torch.isfinite(on_gpu).all()
