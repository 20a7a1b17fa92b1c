from __future__ import annotations

import torch

from engine.nn.blocks import Attention
from engine.vqa.rivals.trar import ORDERS, PathController, RoutedAttention, span_masks
from tests.engine.vqa.rivals.fed import attention_map, rival_config, some_mask

CONFIG = rival_config("trar")
H, D = CONFIG.heads, CONFIG.width


def test_spans_are_everything_and_windows_of_three_five_and_seven_patches():
    spans = span_masks(9)
    middle, corner = 40, 0
    assert [int(span[middle].sum()) for span in spans] == [81, 9, 25, 49]
    assert [int(span[corner].sum()) for span in spans] == [81, 4, 9, 16]
    assert (spans == spans.transpose(1, 2)).all()
    window = spans[1][middle].view(9, 9).nonzero()
    assert window.amin(0).tolist() == [3, 3]
    assert window.amax(0).tolist() == [5, 5]


def test_path_weights_sum_to_one_and_depend_on_the_picture():
    torch.manual_seed(0)
    control = PathController(D)
    paths = control(torch.randn(2, 16, D), some_mask())
    assert paths.shape == (2, len(ORDERS))
    torch.testing.assert_close(paths.sum(1), torch.ones(2))
    assert not torch.allclose(paths[0], paths[1])


def test_attention_is_the_sum_of_spans_by_their_path_weights():
    torch.manual_seed(0)
    attend = RoutedAttention(CONFIG).requires_grad_(requires_grad=False)
    x, mask, logits = torch.randn(2, 16, D), some_mask(), torch.randn(2, H, 16, 16)
    got = attention_map(attend, logits, x, mask)
    paths = attend.control(x, mask)
    for b in range(2):
        for i in mask[b].nonzero().flatten():
            row, column = divmod(int(i), 4)
            expected = torch.zeros(H, 16)
            for k, path in zip(ORDERS, paths[b], strict=True):
                near = [
                    j for j in range(16) if mask[b, j] and (k == 0 or max(abs(j // 4 - row), abs(j % 4 - column)) <= k)
                ]
                expected[:, near] += path * logits[b, :, i, near].softmax(-1)
            torch.testing.assert_close(got[b, :, i], expected)


def test_attention_survives_logits_of_any_size():
    torch.manual_seed(0)
    attend = RoutedAttention(CONFIG)
    x, mask, logits = torch.randn(2, 16, D), some_mask(), 1e3 * torch.randn(2, H, 16, 16)
    logits[..., ~mask[1]] += 1e5  # the loudest have no data in the second picture
    got = attention_map(attend, logits, x, mask)
    rows = got.sum(-1)
    torch.testing.assert_close(rows[1][:, mask[1]], torch.ones(H, int(mask[1].sum())))
    assert (got[1, :, :, ~mask[1]] == 0).all()
    assert torch.isfinite(rows).all()


def test_routed_to_the_global_span_it_is_plain_self_attention():
    torch.manual_seed(0)
    routed, plain = RoutedAttention(CONFIG), Attention(D, H)
    plain.load_state_dict({name: value for name, value in routed.state_dict().items() if name in plain.state_dict()})
    with torch.no_grad():
        routed.control.mlp[2].weight.zero_()
        routed.control.mlp[2].bias.copy_(torch.tensor([60.0, 0.0, 0.0, 0.0]))
    x, mask = torch.randn(2, 16, D), some_mask()
    torch.testing.assert_close(routed(x, mask), plain(x, x, mask))
