from __future__ import annotations

import math

import torch

from engine.nn.blocks import Attention
from engine.vqa.rivals.hrvqa import GatedAttention, MutualFusion, relative_offsets
from tests.engine.vqa.rivals.fed import attention_map, rival_config, some_mask

CONFIG = rival_config("hrvqa")
H, D = CONFIG.heads, CONFIG.width


def test_offsets_are_columns_rows_and_the_square_of_both():
    offsets = relative_offsets(4)
    assert offsets.shape == (16, 16, 3)
    first, one_right_two_down = 0, 9
    assert offsets[first, one_right_two_down].tolist() == [0.25, 0.5, 0.25**2 + 0.5**2]
    assert offsets[one_right_two_down, first].tolist() == [-0.25, -0.5, 0.25**2 + 0.5**2]
    assert (offsets.diagonal() == 0).all()


def test_attention_is_blended_by_a_gate_for_each_head():
    torch.manual_seed(0)
    attend = GatedAttention(CONFIG).requires_grad_(requires_grad=False)
    attend.gate.copy_(torch.linspace(-2, 2, H))
    x, mask = torch.randn(2, 16, D), some_mask()
    logits = torch.randn(2, H, 16, 16)
    got = attention_map(attend, logits, x, mask)
    torch.testing.assert_close(got.sum(-1), torch.ones(2, H, 16))
    assert (got[1, :, :, ~mask[1]] == 0).all()
    for h in range(H):
        share = torch.sigmoid(attend.gate[h])
        by_place = attend.offsets @ attend.by_offset.weight[h]  # [M, M]
        for b in range(2):
            content = logits[b, h].masked_fill(~mask[b], -torch.inf).softmax(-1)
            place = by_place.masked_fill(~mask[b], -torch.inf).softmax(-1)
            torch.testing.assert_close(got[b, h], (1 - share) * content + share * place)


def test_with_its_gates_shut_it_is_plain_self_attention():
    torch.manual_seed(0)
    gated, plain = GatedAttention(CONFIG), Attention(D, H)
    plain.load_state_dict({name: value for name, value in gated.state_dict().items() if name in plain.state_dict()})
    with torch.no_grad():
        gated.gate.fill_(-math.inf)
    x, mask = torch.randn(2, 16, D), some_mask()
    torch.testing.assert_close(gated(x, mask), plain(x, x, mask))


def test_mutual_fusion_weighs_the_channels_of_both_sides_alike():
    torch.manual_seed(0)
    fuse = MutualFusion(CONFIG).requires_grad_(requires_grad=False)
    patches, words, mask = torch.randn(2, 16, D), torch.randn(2, 4, D), some_mask()
    word_mask = torch.ones(2, 4, dtype=torch.bool)
    fused = fuse(patches, mask, words, word_mask)
    picture = fuse.map_patches(fuse.pool_patches(patches, mask))
    question = fuse.map_words(fuse.pool_words(words, word_mask))
    weight = fused / (picture + question)
    torch.testing.assert_close(weight.mean(1), torch.ones(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(weight, D * fuse.weigh(picture + question).softmax(-1), atol=1e-4, rtol=1e-3)
