from __future__ import annotations

import torch

from tests.engine.vqa.rivals.fed import output_of, rival
from tests.engine.vqa.tiny import tiny_batch


def test_logits_are_an_mlp_of_the_product_of_both_vectors():
    model = rival("rsvqa").eval()
    batch = tiny_batch(3)
    with torch.inference_mode():
        view = model.encode(batch["optical"], batch["optical_mask"], batch["sar"], batch["sar_mask"])
        picture = (view.optical + view.sar).mean(1)
        _, sentence = model.recur(model.text(batch["tokens"]), batch["token_mask"])
        joint = model.of_picture[0](picture).tanh() * model.of_question[0](sentence).tanh()
        expected = model.classify[4](model.classify[1](joint).tanh())
        torch.testing.assert_close(output_of(model, batch).logits, expected)
    assert joint.shape == (3, 1200)


def test_the_order_of_words_matters_and_that_of_patches_does_not():
    model = rival("rsvqa").eval()
    batch = tiny_batch(1)
    view = model.encode(batch["optical"], batch["optical_mask"], batch["sar"], batch["sar_mask"])
    shuffled = view._replace(optical=view.optical.flip(1), sar=view.sar.roll(3, 1))
    with torch.inference_mode():
        before = model(view, batch["tokens"], batch["token_mask"]).logits
        torch.testing.assert_close(model(shuffled, batch["tokens"], batch["token_mask"]).logits, before)
        assert not torch.allclose(model(view, batch["tokens"].flip(1), batch["token_mask"]).logits, before)
