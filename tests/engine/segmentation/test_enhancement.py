"""LGCE against equations 2 to 5 written out, and what each of its ablations changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from engine.segmentation.enhancement import CrossScaleEnhancement, with_token
from engine.segmentation.network import Words
from tests.engine.segmentation.tiny import CONFIG, TEXT, output_of, tiny_batch, tiny_network

B, N = 2, 5
_, _, C3, C4 = CONFIG.widths


def enhancement(**changes: object) -> CrossScaleEnhancement:
    torch.manual_seed(1)
    return CrossScaleEnhancement(replace(CONFIG, **changes)).eval()


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def third(seed: int = 3) -> torch.Tensor:
    return drawn(B, 4, 4, C3, seed=seed)


def fourth(seed: int = 4) -> torch.Tensor:
    return drawn(B, 2, 2, C4, seed=seed)


def everywhere() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.ones(B, 4, 4, dtype=torch.bool), torch.ones(B, 2, 2, dtype=torch.bool)


def words() -> Words:
    return Words(drawn(B, N, TEXT, seed=2), torch.tensor([[True] * N, [True, True, False, False, False]]))


def attended(attention, z: torch.Tensor) -> torch.Tensor:
    """Multi-head self-attention of one sequence [K, C] by torch's own function, with the block's weights."""
    query, key, value = (
        part(z).unflatten(1, (attention.heads, -1)).transpose(0, 1)
        for part in (attention.to_query, attention.to_key, attention.to_value)
    )
    seen = F.scaled_dot_product_attention(query, key, value)  # [h, K, d]
    return attention.project(seen.transpose(0, 1).flatten(1))


def layer_by_hand(layer, z: torch.Tensor) -> torch.Tensor:
    """Equation 1."""
    z = z + attended(layer.attention, layer.norm1(z))
    return z + layer.mlp(layer.norm2(z))


def test_the_module_is_equations_2_to_5_written_out():
    lgce = enhancement(low_blocks=2)
    V3, V4, said = third(), fourth(), words()
    new_third, new_fourth = lgce(V3, V4, everywhere(), said)
    for row in range(B):
        mean = said.vectors[row, said.mask[row]].mean(0)
        z_h = torch.cat([lgce.high.project(mean)[None], V3[row].flatten(0, 1)])  # eq. 2
        z_l = torch.cat([lgce.low.project(mean)[None], V4[row].flatten(0, 1)])
        for layer in lgce.high.layers:
            z_h = layer_by_hand(layer, z_h)
        for layer in lgce.low.layers:
            z_l = layer_by_hand(layer, z_l)
        (L_h, V_h), (L_l, V_l) = (z_h[:1], z_h[1:]), (z_l[:1], z_l[1:])  # eq. 3
        x_h = torch.cat([lgce.fuse_high.align(L_l), V_h])  # eq. 4
        x_l = torch.cat([lgce.fuse_low.align(L_h), V_l])
        x_h = x_h + attended(lgce.fuse_high.attention, lgce.fuse_high.norm(x_h))
        x_l = x_l + attended(lgce.fuse_low.attention, lgce.fuse_low.norm(x_l))
        torch.testing.assert_close(new_third[row].flatten(0, 1), x_h[1:])  # eq. 5
        torch.testing.assert_close(new_fourth[row].flatten(0, 1), x_l[1:])


def test_stage_4_reaches_stage_3_and_the_other_way_round():
    lgce = enhancement()
    before = lgce(third(), fourth(), everywhere(), words())
    other_fourth = lgce(third(), fourth(seed=9), everywhere(), words())
    other_third = lgce(third(seed=9), fourth(), everywhere(), words())
    assert (other_fourth[0] - before[0]).abs().max() > 1e-4
    assert (other_third[1] - before[1]).abs().max() > 1e-4


@pytest.mark.parametrize("changes", [{"cross_scale": False}, {"fusion": "class_token"}], ids=str)
def test_without_cross_scale_fusion_or_with_a_token_alone_scales_do_not_meet(changes):
    lgce = enhancement(**changes)
    before = lgce(third(), fourth(), everywhere(), words())
    torch.testing.assert_close(lgce(third(), fourth(9), everywhere(), words())[0], before[0], atol=0, rtol=0)
    torch.testing.assert_close(lgce(third(9), fourth(), everywhere(), words())[1], before[1], atol=0, rtol=0)


def test_a_token_alone_makes_the_full_model_the_one_without_cross_scale_fusion():
    """V' = V: the reading of equation 4 that the published count fits would make an ablation of Table III the model."""
    token, without = enhancement(fusion="class_token"), enhancement(cross_scale=False)
    without.load_state_dict({name: token.state_dict()[name] for name in without.state_dict()})
    for ours, theirs in zip(
        token(third(), fourth(), everywhere(), words()), without(third(), fourth(), everywhere(), words()), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)


def test_words_guide_it_and_a_learned_token_does_not_hear_them():
    other = Words(drawn(B, N, TEXT, seed=8), words().mask)
    for guidance, hears in ((True, True), (False, False)):
        lgce = enhancement(guidance=guidance)
        before, after = (lgce(third(), fourth(), everywhere(), said)[0] for said in (words(), other))
        assert bool((before - after).abs().max() > 1e-4) is hears


def test_only_the_mean_of_the_words_that_are_there_goes_in():
    said = words()
    loud = Words(said.vectors.masked_fill(~said.mask.unsqueeze(-1), 1e3), said.mask)
    mean = Words(torch.stack([v[m].mean(0) for v, m in zip(*said, strict=True)])[:, None], torch.ones(B, 1).bool())
    lgce = enhancement()
    expected = lgce(third(), fourth(), everywhere(), said)[0]
    for same in (loud, mean):
        torch.testing.assert_close(lgce(third(), fourth(), everywhere(), same)[0], expected, atol=1e-5, rtol=0)


def test_cells_without_data_are_nobodys_keys():
    lgce = enhancement()
    masks = everywhere()
    masks[0][:, :, 2:], masks[1][:, :, 1:] = False, False
    V3, V4 = third(), fourth()
    loud = [V.masked_fill(~mask.unsqueeze(-1), 1e3) for V, mask in zip((V3, V4), masks, strict=True)]
    narrow = [V[:, :, : V.shape[2] // 2] for V in (V3, V4)]
    narrow_masks = (masks[0][:, :, :2], masks[1][:, :, :1])
    expected = lgce(*narrow, narrow_masks, words())
    for maps in ((V3, V4), loud):
        for new, alone in zip(lgce(*maps, masks, words()), expected, strict=True):
            torch.testing.assert_close(new[:, :, : alone.shape[2]], alone, atol=1e-5, rtol=0)


def test_every_layer_counts():
    """As many as the configuration has, all of them with an effect."""
    lgce = enhancement(high_blocks=2, low_blocks=3)
    assert (len(lgce.high.layers), len(lgce.low.layers)) == (2, 3)
    before = lgce(third(), fourth(), everywhere(), words())
    for layers, scale in ((lgce.high.layers, 0), (lgce.low.layers, 1)):
        for layer in layers:
            kept = layer.mlp[2].bias.detach().clone()
            with torch.no_grad():
                layer.mlp[2].bias.copy_(drawn(*kept.shape))
                after = lgce(third(), fourth(), everywhere(), words())
                layer.mlp[2].bias.copy_(kept)
            assert (after[scale] - before[scale]).abs().max() > 1e-4


def test_the_decoder_gets_what_the_enhancement_makes():
    network, batch = tiny_network().eval(), tiny_batch(1)
    with torch.inference_mode():
        before = output_of(network, batch).logits
        torch.nn.init.normal_(network.enhancement.fuse_high.attention.project.bias)
        assert (output_of(network, batch).logits - before).abs().max() > 1e-4
    assert tiny_network(enhancement=False).enhancement is None


def test_the_token_is_always_there():
    real = torch.tensor([[True, False], [False, False]])
    assert with_token(real).tolist() == [[True, True, False], [True, False, False]]
