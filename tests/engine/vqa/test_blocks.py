"""CFAR and AMEF against their equations, written out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from engine.nn.blocks import DecoderLayer
from engine.vqa.amef import AdaptiveFusion, Expert, RegionalFusion, nearest
from engine.vqa.cfar import CrossAttention, ImageEnhancement, KeyRegionRouting, KeyRegions, Refinement, region_codebook
from engine.vqa.network import ViewFeatures
from engine.vqa.single import CrossSensorFusion
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


@pytest.mark.parametrize("gated", [True, False])
def test_cross_attention_is_equations_2_and_3(inputs, gated):
    """Eq. 2 with each key's attention multiplied by its region's gate and normalised again; eq. 3 with residuals."""
    question, _, patches, mask = inputs
    gate = torch.rand(B, M) + 0.5
    regions = KeyRegions(patches, mask, gate.log() if gated else None, torch.zeros(B, 4), torch.zeros(B, 4).bool())
    cross = CrossAttention(CONFIG).requires_grad_(requires_grad=False)
    result = cross(question, regions)
    attention, d = cross.attention, D // H
    for b in range(B):
        q = attention.to_query(cross.norm_question(question[b]))
        k, v = attention.to_key(patches[b, mask[b]]), attention.to_value(patches[b, mask[b]])
        heads = []
        for h in range(H):
            part = slice(h * d, (h + 1) * d)
            share = (q[:, part] @ k[:, part].T / math.sqrt(d)).softmax(1)
            if gated:
                share = share * gate[b, mask[b]]
                share = share / share.sum(1, keepdim=True)
            heads.append(share @ v[:, part])
        x = question[b] + attention.project(torch.cat(heads, 1))
        expected = x + cross.mlp(cross.norm_mlp(x))
        torch.testing.assert_close(result[b], expected, atol=1e-5, rtol=1e-4)


def test_refinement_reads_the_key_regions_and_enhances_the_whole_picture(inputs):
    question, tokens, patches, mask = inputs
    refine = Refinement(CONFIG).requires_grad_(requires_grad=False)
    refined = refine(question, tokens, patches, mask)
    regions = refine.routing(question, tokens, patches, mask)
    F_OE, attention = refine.enhancement(refine.cross_attention(question, regions), tokens, patches, mask)
    torch.testing.assert_close(refined.patches, F_OE)
    torch.testing.assert_close(refined.attention, attention)
    assert refined.patches.shape == patches.shape


def test_enhancement_is_equations_4_and_5(inputs):
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


def test_a_patch_without_data_changes_nothing_however_loud(inputs):
    """Its score would be the maximum, hundreds above the others, and their weights lost in rounding."""
    question, tokens, optical, mask = inputs
    fuse = RegionalFusion(CONFIG).requires_grad_(requires_grad=False)
    loud = optical.clone()
    loud[1, :4] = 1e4 * (fuse.map_optical.weight.T @ fuse.map_question(question[1, tokens[1]]).mean(0))
    no_sar = torch.zeros_like(mask)
    for sar_mask in (mask, no_sar):
        quiet = fuse(question, tokens, optical, mask, optical, sar_mask)
        torch.testing.assert_close(fuse(question, tokens, loud, mask, optical, sar_mask), quiet)
        assert torch.isfinite(quiet[0]).all()
    nothing, trust = fuse(question, tokens, loud, no_sar, optical, no_sar)
    assert torch.isfinite(nothing).all()
    assert not trust.any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_regional_fusion_in_half_precision(inputs, dtype):
    """Weights are e^score, of which half precision holds few: far below its smallest number they still count."""
    question, tokens, optical, mask = inputs
    fuse = RegionalFusion(CONFIG).requires_grad_(requires_grad=False)
    for size in (1.0, 20.0):
        exact, exact_trust = fuse(size * question, tokens, optical, mask, optical, mask)
        with torch.autocast("cpu", dtype):
            result, trust = fuse(size * question, tokens, optical, mask, optical, mask)
        assert torch.isfinite(result).all()
        assert (trust - exact_trust).abs().max() < 0.2
        if size == 1.0:
            torch.testing.assert_close(result.float(), exact, atol=0.2, rtol=0.05)


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


def test_adaptive_fusion_is_equation_8():
    fusion = AdaptiveFusion(CONFIG).requires_grad_(requires_grad=False)
    predictions = torch.randn(B, 3, CONFIG.answers)
    found = fusion(predictions, torch.ones(B, 3, dtype=torch.bool))
    for b in range(B):
        W_A = (fusion.weigh.weight @ torch.cat([*predictions[b]]) + fusion.weigh.bias).sigmoid()
        torch.testing.assert_close(found.weights[b], W_A)
        torch.testing.assert_close(found.logits[b], sum(W_A[e] * predictions[b, e] for e in range(3)))


@pytest.mark.parametrize("heard", ["logits", "probabilities"])
def test_a_constant_on_all_of_an_experts_logits_moves_the_weights_only_where_logits_are_heard(heard):
    fusion = AdaptiveFusion(replace(CONFIG, adaptive_input=heard))
    predictions, present = torch.randn(B, 3, CONFIG.answers), torch.ones(B, 3, dtype=torch.bool)
    raised = predictions + torch.tensor([7.0, -5.0, 3.0])[:, None]
    one, two = fusion(predictions, present), fusion(raised, present)
    assert torch.allclose(one.weights, two.weights, atol=1e-5) == (heard == "probabilities")
    if heard == "probabilities":
        torch.testing.assert_close(one.logits.softmax(-1), two.logits.softmax(-1))


def twin_of(layer: DecoderLayer) -> torch.nn.TransformerDecoderLayer:
    """torch's own pre-norm decoder layer with ``layer``'s weights."""
    twin = torch.nn.TransformerDecoderLayer(
        D, H, layer.mlp[0].out_features, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    for ours, theirs in ((layer.self_attention, twin.self_attn), (layer.cross_attention, twin.multihead_attn)):
        maps = (ours.to_query, ours.to_key, ours.to_value)
        theirs.in_proj_weight.data = torch.cat([each.weight for each in maps])
        theirs.in_proj_bias.data = torch.cat([each.bias for each in maps])
        theirs.out_proj.load_state_dict(ours.project.state_dict())
    for ours, theirs in (
        (layer.norm1, twin.norm1), (layer.norm2, twin.norm2), (layer.norm3, twin.norm3),
        (layer.mlp[0], twin.linear1), (layer.mlp[2], twin.linear2),
    ):  # fmt: skip
        theirs.load_state_dict(ours.state_dict())
    return twin


def test_expert_is_equation_7_with_torchs_decoder(inputs):
    question, tokens, patches, mask = inputs
    expert = Expert(CONFIG).eval().requires_grad_(requires_grad=False)
    x = expert.query(question)
    for layer in expert.layers:
        for norm in (layer.norm1, layer.norm2, layer.norm3):
            torch.nn.init.normal_(norm.weight, 1.0, 0.2)  # so that no two norms are alike
        twin = twin_of(layer).eval().requires_grad_(requires_grad=False)
        x = twin(x, patches, tgt_key_padding_mask=~tokens, memory_key_padding_mask=~mask)
    pooled = torch.stack([expert.norm(x[b, tokens[b]]).mean(0) for b in range(B)])  # GAP over the real tokens
    first, _, _, last = expert.classify
    expected = last(torch.relu(first(pooled)))
    torch.testing.assert_close(expert(question, tokens, patches, mask), expected, atol=1e-5, rtol=1e-4)


def test_sensors_read_each_other_by_torchs_attention(inputs):
    """Table V's Transformer: in each layer both sensors query the other as it was before the layer."""
    _, _, optical, optical_mask = inputs
    sar, sar_mask = torch.randn(B, M, D), torch.ones(B, M, dtype=torch.bool)
    fusion = CrossSensorFusion(CONFIG).requires_grad_(requires_grad=False)

    def read(layer, own, other, other_mask):
        attention = torch.nn.MultiheadAttention(D, H, batch_first=True).requires_grad_(requires_grad=False)
        maps = (layer.attention.to_query, layer.attention.to_key, layer.attention.to_value)
        attention.in_proj_weight.data = torch.cat([each.weight for each in maps])
        attention.in_proj_bias.data = torch.cat([each.bias for each in maps])
        attention.out_proj.load_state_dict(layer.attention.project.state_dict())
        memory = layer.norm_other(other)
        x = own + attention(layer.norm_own(own), memory, memory, key_padding_mask=~other_mask)[0]
        return x + layer.mlp(layer.norm_mlp(x))

    o, s = optical, sar
    for of_optical, of_sar in zip(fusion.optical_reads, fusion.sar_reads, strict=True):
        o, s = read(of_optical, o, s, sar_mask), read(of_sar, s, o, optical_mask)
    found = fusion(ViewFeatures(optical, optical_mask, sar, sar_mask))
    torch.testing.assert_close(found.optical, o, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.sar, s, atol=1e-5, rtol=1e-4)


def test_a_sensor_with_nobody_to_read_hears_nothing(inputs):
    _, _, optical, _ = inputs
    fusion = CrossSensorFusion(CONFIG).requires_grad_(requires_grad=False)
    present, absent = torch.ones(B, M, dtype=torch.bool), torch.zeros(B, M, dtype=torch.bool)
    one, two = (fusion(ViewFeatures(optical, present, torch.randn(B, M, D), absent)).optical for _ in range(2))
    torch.testing.assert_close(one, two, atol=0, rtol=0)
