"""A pretrained tower that a network uses and does not own: never trained, never stored with the network's weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from torch import Tensor, nn


class Frozen(nn.Module):
    """``tower`` without gradients and always in evaluation mode, left out of every state dictionary.

    What is written is then only what was trained; on reading, the tower keeps the weights it was given. It moves
    between devices with the network as any part does.
    """

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower.requires_grad_(requires_grad=False).eval()
        self.register_state_dict_post_hook(_leave_out)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_keep_own)  # type: ignore[no-untyped-call]

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation mode whatever the network does."""
        return super().train(mode=False)

    def forward(self, *inputs: Tensor) -> Tensor:
        """The tower's own output."""
        return self.tower(*inputs)  # type: ignore[no-any-return]


def _leave_out(module: nn.Module, state: dict[str, Any], prefix: str, metadata: object) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        del state[name]


def _keep_own(module: nn.Module, state: dict[str, Any], prefix: str, *rest: object) -> None:
    """Complete what is loaded with the tower's own values, so that a strict reading misses nothing."""
    own: Mapping[str, Any] = module.get_submodule("tower").state_dict()
    state.update({f"{prefix}tower.{name}": value for name, value in own.items()})
