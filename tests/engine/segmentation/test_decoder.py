"""The decoder: written out, and that a cell stays where it was seen."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.segmentation.decoder import Decoder, grown

WIDTHS, WIDTH = (4, 8, 16, 32), 6


def maps(rows: int = 16, columns: int = 16) -> list[torch.Tensor]:
    drawn = torch.Generator().manual_seed(2)
    sizes = [(rows // n, columns // n) for n in (1, 2, 4, 8)]
    return [torch.randn(2, width, *size, generator=drawn) for width, size in zip(WIDTHS, sizes, strict=True)]


@pytest.fixture
def decoder():
    torch.manual_seed(1)
    return Decoder(WIDTHS, WIDTH).eval()


def test_it_is_three_steps_from_the_deepest_map_up(decoder):
    first, second, third, x = maps()
    for step, skip in zip(decoder.steps, (third, second, first), strict=True):
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = torch.cat([x, skip], 1)
        for conv, norm in ((step[0], step[1]), (step[3], step[4])):
            assert conv.bias is None
            x = F.relu(norm(F.conv2d(x, conv.weight, padding=1)))
    torch.testing.assert_close(decoder(maps()), F.conv2d(x, decoder.classify.weight, decoder.classify.bias))


def test_every_stages_map_counts(decoder):
    before = decoder(maps())
    for index in range(4):
        other = maps()
        other[index] = other[index] + 1
        assert (decoder(other) - before).abs().max() > 1e-4


def test_any_size_runs(decoder):
    assert decoder(maps(8, 24)).shape == (2, 2, 8, 24)


def test_growing_leaves_centres_where_they_are():
    """A ramp of cells' centres stays the ramp of pixels' centres, but for half a cell at the edges."""
    centres = (torch.arange(6.0) + 0.5) * 4  # of cells of 4 px, in px
    ramp = grown(centres.view(1, 1, 1, 6).expand(1, 1, 6, 6), (24, 24))[0, 0, 0]
    torch.testing.assert_close(ramp[2:-2], torch.arange(2, 22) + 0.5)


def test_what_is_grown_in_parts_is_what_is_grown_at_once():
    """Away from its edges, a window's map grows as it would inside of a larger one."""
    x = torch.randn(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    whole, part = grown(x, (48, 48)), grown(x[..., 4:, 4:], (32, 32))
    torch.testing.assert_close(part[..., 4:, 4:], whole[..., 20:, 20:])
