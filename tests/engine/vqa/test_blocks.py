"""CFAR and AMEF against their equations, written out."""

from __future__ import annotations

import math

import pytest
import torch

from engine.vqa.amef import AdaptiveFusion, RegionalFusion, nearest
from engine.vqa.cfar import ImageEnhancement, KeyRegionRouting, region_codebook
from tests.engine.vqa.tiny import CONFIG

B, N, M, D, H = 2, 4, CONFIG.patches, CONFIG.width, CONFIG.heads


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    mask = torch.ones(B, M, dtype=torch.bool)
    mask[1, :4] = False
    tokens = torch.tensor([[True] * 4, [True, True, False, False]])
    return torch.randn(B, N, D), tokens, torch.randn(B, M, D), mask


def test_codebook_is_two_by_two_patches_in_reading_order():
    assert region_codebook(4, 2).tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_routing_scores_are_equation_1(inputs):
    question, tokens, patches, mask = inputs
    mask = torch.ones_like(mask)
    routing = KeyRegionRouting(CONFIG).requires_grad_(requires_grad=False)
    found = routing(question, tokens, patches, mask)
    for b in range(B):
        pooled = torch.stack([patches[b, region].mean(0) for region in routing.codebook])
        similarity = routing.text_map(question[b, tokens[b]]) @ routing.image_map(pooled).T / math.sqrt(D)
        torch.testing.assert_close(found.scores[b], similarity.mean(0))
        best = similarity.mean(0).topk(2).indices
        assert set(found.kept[b].nonzero().flatten().tolist()) == set(best.tolist())
        expected = torch.cat([patches[b, routing.codebook[region]] for region in best])
        torch.testing.assert_close(found.patches[b], expected)


def test_gates_have_mean_one_over_the_kept_regions(inputs):
    question, tokens, patches, mask = inputs
    found = KeyRegionRouting(CONFIG)(question, tokens, 5 * patches, mask)
    torch.testing.assert_close(found.log_gate.exp().mean(1), torch.ones(B))
    assert found.log_gate.std() > 0


def test_a_region_without_data_is_never_kept(inputs):
    question, tokens, patches, mask = inputs
    mask[:] = False
    mask[:, 0] = True  # one patch, so one region
    found = KeyRegionRouting(CONFIG)(question, tokens, patches, mask)
    assert found.kept.sum(1).tolist() == [1, 1]
    assert found.mask.sum(1).tolist() == [1, 1]


def test_enhancement_is_equation_4(inputs):
    question, tokens, patches, mask = inputs
    enhance = ImageEnhancement(CONFIG).requires_grad_(requires_grad=False)
    result, attention = enhance(question, tokens, patches, mask)
    d = D // H
    for b in range(B):
        q = enhance.to_query(enhance.norm_question(question[b, tokens[b]]))
        k, v = enhance.to_key(patches[b]), enhance.to_value(patches[b])
        heads, shares = [], []
        for h in range(H):
            part = slice(h * d, (h + 1) * d)
            similarity = (q[:, part] @ k[:, part].T / math.sqrt(d)).mean(0)
            share = similarity.masked_fill(~mask[b], -torch.inf).softmax(0)
            shares.append(share)
            heads.append(M * share.unsqueeze(1) * v[:, part])
        x = patches[b] + enhance.project(torch.cat(heads, 1))
        torch.testing.assert_close(result[b], x + enhance.mlp(enhance.norm_mlp(x)), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(attention[b], torch.stack(shares).mean(0))


def test_regional_fusion_is_equation_6(inputs):
    question, tokens, optical, optical_mask = inputs
    sar, sar_mask = torch.randn(B, M, D), torch.ones(B, M, dtype=torch.bool)
    fuse = RegionalFusion(CONFIG).requires_grad_(requires_grad=False)
    result, trust = fuse(question, tokens, optical, optical_mask, sar, sar_mask)
    d = D // H
    for b in range(B):
        o, s = fuse.map_optical(optical[b]), fuse.map_sar(sar[b])
        q = fuse.map_question(question[b, tokens[b]])
        near_o, near_s = (torch.nn.functional.cosine_similarity(x[:, None], x[None], dim=-1) for x in (o, s))
        near_o = near_o.masked_fill(~optical_mask[b][None], -9.0)
        for i in range(M):
            mine = near_o[i].topk(3).indices if optical_mask[b, i] else torch.tensor([], dtype=torch.long)
            union = torch.cat([o[mine], s[near_s[i].topk(3).indices]])
            fused, share = [], []
            for h in range(H):
                part = slice(h * d, (h + 1) * d)
                weight = (q[:, part] @ union[:, part].T / math.sqrt(d)).mean(0).softmax(0)
                fused.append(weight @ union[:, part])
                share.append(weight[: len(mine)].sum())
            expected = fuse.mlp(fuse.norm(torch.cat(fused)))
            torch.testing.assert_close(result[b, i], expected, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(trust[b, i], torch.stack(share).mean(), atol=1e-6, rtol=1e-5)


def test_regional_fusion_survives_scores_of_any_size(inputs):
    question, tokens, optical, mask = inputs
    fuse = RegionalFusion(CONFIG)
    result, trust = fuse(1e3 * question, tokens, 1e3 * optical, mask, optical, mask)
    assert torch.isfinite(result).all()
    assert ((trust >= 0) & (trust <= 1)).all()


def test_nearest_counts_itself_and_only_patches_with_data(inputs):
    _, _, patches, mask = inputs
    member = nearest(patches, mask, 3)
    assert (member.diagonal(dim1=1, dim2=2) == mask).all()
    assert (member.sum(2) == 3 * mask).all()
    assert (member[1, :, :4] == 0).all()


def test_adaptive_fusion_does_not_hear_the_absent():
    fusion = AdaptiveFusion(CONFIG)
    predictions = torch.randn(1, 3, CONFIG.answers)
    present = torch.tensor([[True, False, True]])
    quiet = fusion(predictions, present)
    predictions[0, 1] = 1e3
    loud = fusion(predictions, present)
    torch.testing.assert_close(quiet.logits, loud.logits)
    assert quiet.weights[0, 1] == 0
