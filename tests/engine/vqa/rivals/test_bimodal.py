from __future__ import annotations

import torch

from tests.engine.vqa.rivals.fed import output_of, rival
from tests.engine.vqa.tiny import tiny_batch


def test_the_answer_is_the_average_of_two_decoders_that_query_each_others_side():
    model = rival("bimodal").eval()
    batch = tiny_batch(3)
    with torch.inference_mode():
        view = model.encode(batch["optical"], batch["optical_mask"], batch["sar"], batch["sar_mask"])
        picture, words = view.optical + view.sar, model.text(batch["tokens"])
        one = model.by_words(words, batch["token_mask"], picture, view.optical_mask)
        two = model.by_patches(picture, view.optical_mask, words, batch["token_mask"])
        torch.testing.assert_close(output_of(model, batch).logits, (one + two) / 2)
    assert not torch.allclose(one, two)


def test_both_decoders_read_picture_and_question():
    model = rival("bimodal").eval()
    words, words_mask = torch.randn(1, 4, 32, requires_grad=True), torch.ones(1, 4, dtype=torch.bool)
    patches, patch_mask = torch.randn(1, 16, 32, requires_grad=True), torch.ones(1, 16, dtype=torch.bool)
    for logits in (
        model.by_words(words, words_mask, patches, patch_mask),
        model.by_patches(patches, patch_mask, words, words_mask),
    ):
        gradients = torch.autograd.grad(logits[0, 0], (words, patches))
        assert all((g.abs().amax(-1) > 0).all() for g in gradients)
