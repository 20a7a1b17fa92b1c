"""A CLIP small enough for tests: every part of the real one, 1.7 M numbers (CLIP's vocabulary has its full length)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

TINY: dict[str, Any] = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "layers": 2, "width": 48, "head_width": 12},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 2},
}
PATCH = 8


def tiny_clip_file(folder: Path, **changes: Any) -> str:
    """The path of a file with the tiny architecture, which ``build_clip`` and ``clip_model`` take for a name."""
    path = folder / "tiny.json"
    path.write_bytes(msgspec.json.encode(TINY | changes))
    return str(path)


def shake(module: nn.Module) -> nn.Module:
    """Random numbers added to every parameter, so that none is 0 or 1 and none drops out of a comparison."""
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return module.eval()


def pictures(count: int, side: int = 32) -> Tensor:
    """[count, 3, side, side], the same ones on every call."""
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(5))


def some_patches(count: int, side: int = 32) -> Tensor:
    """[count, M] True for about two patches of three, the first always."""
    mask = torch.rand(count, (side // PATCH) ** 2, generator=torch.Generator().manual_seed(6)) < 0.67
    mask[:, 0] = True
    return mask
