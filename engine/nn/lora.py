"""LoRA (Hu et al., 2022, section 4.1) by peft: a tower is tuned through small factors beside its linear layers.

The paper only says that CLIP is fine-tuned; LoRA on every linear layer, attention and MLP alike, is *our reading* of a
way to do it on one small GPU. peft takes seconds to import, so only these functions import it.
"""

from __future__ import annotations

from torch import nn

from engine.errors import UsageError


def add_lora(module: nn.Module, rank: int, alpha: float) -> nn.Module:
    """Freeze ``module`` and put W + (alpha / rank) B A in place of the W of every linear layer inside, in place.

    A [rank, in] starts random, B [out, rank] at 0, so nothing changes at first; A has no gradient until B has moved.
    The factors alone require a gradient, and are the parameters whose name contains ``lora_``. Raises UsageError for a
    rank or alpha that is not positive, and for a module without linear layers or with LoRA already.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from peft.tuners.lora import LoraLayer

    if rank < 1 or alpha <= 0:
        raise UsageError(f"LoRA needs a rank of 1 or more and a positive alpha, not {rank} and {alpha:g}.")
    layers = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    if not layers or any(isinstance(part, LoraLayer) for part in module.modules()):
        kind = type(module).__name__
        raise UsageError(f"LoRA cannot be added to this {kind}: it has no linear layers, or LoRA already.")
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=layers)  # type: ignore[arg-type]  # divides only
    return inject_adapter_in_model(config, module)


def merge_lora(module: nn.Module) -> nn.Module:
    """Add what LoRA learned to the linear layers themselves, in place; gives ``module`` back.

    It is then what it was before :func:`add_lora`, names and all, with other weights; its parameters stay frozen.
    """
    from peft.tuners.lora import LoraLayer

    for name, layer in list(module.named_modules()):
        if isinstance(layer, LoraLayer):
            layer.merge()
            module.set_submodule(name, layer.get_base_layer())
    for part in module.modules():
        part.__dict__.pop("peft_config", None)  # peft's note of what it did, where add_lora was called
    return module
