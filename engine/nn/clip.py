"""CLIP's two towers as token encoders (Radford et al., 2021), on open_clip's architectures, weights and tokenizer.

TGFNet reads CLIP per token, not pooled: from pictures the patch tokens after the last LayerNorm, mapped by CLIP's
visual projection, without the class token; from questions the tokens after the final LayerNorm.

open_clip makes the modules, and everything is run here, step by step, for three reasons: masked patches have to be
out of every layer's attention, open_clip gives no text tokens, and its ``nn.MultiheadAttention`` keeps its weights
where LoRA can only reach them by rewriting them before and after every call. So attention is :class:`ClipAttention`,
the same formula with two plain linear layers. A test holds all of it to ``transformers``' CLIP.

open_clip takes seconds to import, so it is imported by the functions that need it and by nobody else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.errors import ModelDamaged, UsageError
from engine.nn.blocks import merge_heads, split_heads
from engine.nn.clip_sources import ClipFile, find_clip_weights, pretrained_record, read_clip_weights
from engine.nn.text import CACHED_QUESTIONS, TextFeatures

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Mean of each channel, red, green, blue on a scale of 0..1, that CLIP's pictures were normalised with."""

CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Standard deviation of each channel on the same scale."""


class ClipVisionShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``vision_cfg`` of open_clip, for the plain Vision Transformer: heads are ``width / head_width``."""

    layers: int = 12
    width: int = 768
    head_width: int = 64
    mlp_ratio: float = 4.0
    patch_size: int = 16
    image_size: int = 224


class ClipTextShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``text_cfg`` of open_clip, for the plain causal Transformer."""

    context_length: int = 77
    vocab_size: int = 49408
    width: int = 512
    heads: int = 8
    layers: int = 12
    mlp_ratio: float = 4.0


class ClipArchitecture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sizes of a plain CLIP: the fields, names and defaults of open_clip's model configuration.

    What has other parts than these (ResNet or timm images, other tokenizers, layer scale) is not a plain CLIP.
    """

    embed_dim: int
    vision_cfg: ClipVisionShape
    text_cfg: ClipTextShape
    quick_gelu: bool = False


@dataclass(frozen=True, slots=True)
class ClipTowers:
    """Both towers and what must be known to feed them. ``width`` is that of the tokens of either tower.

    ``mean`` and ``std`` normalise pictures on a scale of 0..1, channel by channel; ``image_size`` is the native side in
    pixels, ``patch`` the side of a patch. ``file`` tells which weights were loaded; None where they are random.
    """

    vision: ClipVision
    text: ClipText
    tokenizer: ClipTokenizer
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    image_size: int
    patch: int
    width: int
    file: ClipFile | None = None


class ClipAttention(nn.Module):
    """Multi-head self-attention with CLIP's joined map to queries, keys and values."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        """Take over the parameters of open_clip's ``attention``."""
        super().__init__()
        width = attention.embed_dim
        self.heads = attention.num_heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.in_proj.weight, self.in_proj.bias = attention.in_proj_weight, attention.in_proj_bias
        self.out_proj = attention.out_proj

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` [B, N, D] -> [B, N, D]; ``mask``, broadcastable to [B, heads, N, N], True where a query may look."""
        query, key, value = (split_heads(part, self.heads) for part in self.in_proj(x).chunk(3, -1))  # [B, h, N, D / h]
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # [B, h, N, D / h]
        return self.out_proj(merge_heads(seen))  # type: ignore[no-any-return]


class ClipLayer(nn.Module):
    """Pre-norm Transformer layer: self-attention and MLP, each with a residual."""

    def __init__(self, block: Any) -> None:
        """Take over the modules of open_clip's ``ResidualAttentionBlock``."""
        super().__init__()
        self.ln_1: nn.Module = block.ln_1
        self.attn = ClipAttention(block.attn)
        self.ln_2: nn.Module = block.ln_2
        self.mlp: nn.Module = block.mlp

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` [B, N, D], ``mask`` as for :class:`ClipAttention` -> [B, N, D]."""
        x = x + self.attn(self.ln_1(x), mask)
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class ClipVision(nn.Module):
    """CLIP's Vision Transformer: picture in, one token per patch out."""

    def __init__(self, tower: Any) -> None:
        """Take over the modules of open_clip's ``VisionTransformer``."""
        super().__init__()
        self.patch: int = tower.patch_size[0]
        self.conv1: nn.Module = tower.conv1
        self.class_embedding: nn.Parameter = tower.class_embedding
        self.positional_embedding: nn.Parameter = tower.positional_embedding
        self.ln_pre: nn.Module = tower.ln_pre
        self.layers = nn.ModuleList(ClipLayer(block) for block in tower.transformer.resblocks)
        self.ln_post: nn.Module = tower.ln_post
        self.proj: nn.Parameter = tower.proj

    def forward(self, picture: Tensor, patch_mask: Tensor) -> Tensor:
        """``picture`` [B, 3, S, S], ``patch_mask`` [B, M] True where a patch has data -> tokens [B, M, embed].

        S is any multiple of the patch's side, M = (S / patch)², row by row. No token at a real patch depends on what is
        at the others. Raises UsageError for another S.
        """
        B, _, height, side = picture.shape
        if height != side or side % self.patch:
            raise UsageError(f"A picture of {side} x {height} px is no square of whole {self.patch} px patches.")
        patches = self.conv1(picture).flatten(2).transpose(1, 2)  # [B, M, D]
        tokens = torch.cat([self.class_embedding.to(patches.dtype).expand(B, 1, -1), patches], 1)  # [B, 1 + M, D]
        tokens = self.ln_pre(tokens + self.positions(side // self.patch).to(tokens.dtype))
        # The class token is always real, so that no query is ever without a key.
        seen = F.pad(patch_mask, (1, 0), value=True)[:, None, None, :]  # [B, 1, 1, 1 + M]
        for layer in self.layers:
            tokens = layer(tokens, seen)
        return self.ln_post(tokens[:, 1:]) @ self.proj  # type: ignore[no-any-return]  # [B, M, embed]

    def positions(self, grid: int) -> Tensor:
        """The position table for a grid of ``grid`` x ``grid`` patches, the class token's first -> [1 + grid², D].

        At the native size the table itself; else interpolated (bicubic) in float32, as transformers does.
        """
        own, patches = self.positional_embedding[:1], self.positional_embedding[1:]
        native = round(len(patches) ** 0.5)
        if grid == native:
            return self.positional_embedding
        table = patches.float().T.reshape(1, -1, native, native)  # [1, D, native, native]
        table = F.interpolate(table, (grid, grid), mode="bicubic", align_corners=False)  # [1, D, grid, grid]
        return torch.cat([own.float(), table[0].flatten(1).T])


class ClipText(nn.Module):
    """CLIP's causal text Transformer: token numbers in, features of every token out."""

    def __init__(self, clip: Any) -> None:
        """Take over the modules of open_clip's ``CLIP``, whose text tower is its own top level."""
        super().__init__()
        self.token_embedding: nn.Module = clip.token_embedding
        self.positional_embedding: nn.Parameter = clip.positional_embedding
        self.layers = nn.ModuleList(ClipLayer(block) for block in clip.transformer.resblocks)
        self.ln_final: nn.Module = clip.ln_final

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """``ids`` [B, N] int64, real where ``mask`` [B, N], padding at the end -> [B, N, embed]; N <= 77.

        Every token looks back only, so padding behind the end token changes nothing before it; its own rows are 0.
        """
        N = ids.shape[1]
        tokens = self.token_embedding(ids)  # [B, N, D]
        tokens = tokens + self.positional_embedding[:N].to(tokens.dtype)
        back = torch.ones(N, N, dtype=torch.bool, device=ids.device).tril()
        for layer in self.layers:
            tokens = layer(tokens, back)
        return self.ln_final(tokens).masked_fill(~mask.unsqueeze(-1), 0.0)  # type: ignore[no-any-return]


class ClipTokenizer:
    """CLIP's byte-pair encoding. ``max_tokens`` counts the start and the end token."""

    def __init__(self, max_tokens: int = 77) -> None:
        from open_clip import SimpleTokenizer  # type: ignore[import-untyped]

        self.max_tokens = max_tokens
        self._tokenizer = SimpleTokenizer()
        self.vocab_size: int = self._tokenizer.vocab_size

    def __call__(self, text: str) -> tuple[tuple[int, ...], int]:
        """The text's token numbers, start and end token included, and how many did not fit.

        Of a longer text the first ones are kept, and the end token.
        """
        start, end = self._tokenizer.sot_token_id, self._tokenizer.eot_token_id
        ids = (start, *self._tokenizer.encode(text), end)
        cut = max(0, len(ids) - self.max_tokens)
        return ((*ids[: self.max_tokens - 1], end) if cut else ids), cut


class ClipTextEncoder:
    """The frozen text tower with the interface of :class:`engine.nn.text.TextEncoder`: text in, token features out."""

    def __init__(self, text: ClipText, tokenizer: ClipTokenizer) -> None:
        """``text`` is frozen and stays on its device; features come back on the CPU, in float32."""
        self._tower = text.eval().requires_grad_(requires_grad=False)
        self._tokenizer = tokenizer
        self.max_tokens = tokenizer.max_tokens
        self._kept: OrderedDict[str, TextFeatures] = OrderedDict()

    def __call__(self, text: str) -> TextFeatures:
        """Features of the text's tokens, start and end token included; kept for the next time."""
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        self._kept[text] = self.encode_all([text])[0]
        if len(self._kept) > CACHED_QUESTIONS:
            self._kept.popitem(last=False)
        return self._kept[text]

    def encode_all(self, texts: Sequence[str], batch: int = 64) -> list[TextFeatures]:
        """The features of each of ``texts``, ``batch`` of them at a time; as one call for each gives them."""
        features: list[TextFeatures] = []
        for start in range(0, len(texts), batch):
            prepared = [self._tokenizer(text) for text in texts[start : start + batch]]
            features += [
                TextFeatures(tokens, cut)
                for tokens, (_, cut) in zip(self._encode([ids for ids, _ in prepared]), prepared, strict=True)
            ]
        return features

    @torch.no_grad()
    def _encode(self, rows: list[tuple[int, ...]]) -> list[Tensor]:
        """Token numbers of several texts -> the features [N, embed] of each."""
        device = self._tower.positional_embedding.device
        ids = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True).to(device)  # [B, N]
        lengths = torch.tensor([len(row) for row in rows], device=device)
        mask = torch.arange(ids.shape[1], device=device) < lengths.unsqueeze(1)  # [B, N]
        tokens = self._tower(ids, mask).float().cpu()  # [B, N, embed]
        return [found[: len(row)].clone() for found, row in zip(tokens, rows, strict=True)]


def clip_architecture(model: str | Mapping[str, Any]) -> ClipArchitecture:
    """The sizes of ``model``: open_clip's name, the path of a ``.json`` file, or the file's content.

    The file has open_clip's format; that of the hub, with the sizes under ``model_cfg``, will do. Raises UsageError
    for a name that open_clip does not know, and for what is not a plain CLIP.
    """
    try:
        found = _named_config(model) if isinstance(model, str) else model
        shape = msgspec.convert(found.get("model_cfg", found), ClipArchitecture)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise UsageError(
            f"The architecture {model} cannot be used: {error}.",
            remedy="Use one of two plain Transformers, such as ViT-B-16-quickgelu.",
        ) from error
    if shape.text_cfg.width != shape.embed_dim:
        raise UsageError(
            f"The text tokens of {model} are {shape.text_cfg.width} wide, its image tokens {shape.embed_dim}; "
            "the networks need one width for both."
        )
    return shape


def _named_config(model: str) -> Mapping[str, Any]:
    if model.endswith(".json"):
        try:
            return msgspec.json.decode(Path(model).expanduser().read_bytes(), type=dict[str, Any])
        except OSError as error:
            raise UsageError(f"The architecture {model} cannot be read: {error.strerror}.") from error
    import open_clip

    if model not in open_clip.list_models():
        raise UsageError(
            f"open_clip knows no model “{model}”.",
            remedy="Name a plain one such as ViT-B-16-quickgelu or ViT-B-32, or a .json file of that format.",
        )
    config: Mapping[str, Any] = open_clip.get_model_config(model)
    return config


def build_clip(model: str | Mapping[str, Any]) -> ClipTowers:
    """CLIP's towers with random weights, for a ``model`` of :func:`clip_architecture`, in training mode, on the CPU.

    Raises UsageError where there is no such model or where it is not a plain CLIP.
    """
    shape = clip_architecture(model)
    import open_clip

    tokenizer = ClipTokenizer(shape.text_cfg.context_length)
    if shape.text_cfg.vocab_size < tokenizer.vocab_size:
        raise UsageError(
            f"CLIP's tokenizer has {tokenizer.vocab_size} tokens, {model} only {shape.text_cfg.vocab_size}."
        )
    whole = open_clip.CLIP(**msgspec.to_builtins(shape))
    return ClipTowers(
        vision=ClipVision(whole.visual),
        text=ClipText(whole),
        tokenizer=tokenizer,
        mean=CLIP_MEAN,
        std=CLIP_STD,
        image_size=shape.vision_cfg.image_size,
        patch=shape.vision_cfg.patch_size,
        width=shape.embed_dim,
    )


def load_clip(
    model: str, weights: str, *, folder: Path | None = None, fetch: bool = False, sha256: str = ""
) -> ClipTowers:
    """CLIP's towers with ``weights``, in evaluation mode, on the CPU, float32; ``file`` of the result tells which.

    ``weights`` is open_clip's tag ("openai"), a name of the user's own, or the path of a file or folder. A path is the
    only place that is looked at, and so is ``folder`` (a file or folder, too) where it is given;
    :func:`find_clip_weights` tells the places and what ``fetch`` does. ``sha256``, where given, is what the file's hash
    must be (a card has it).

    Raises UsageError for an unknown model or weights of another activation than the model's, ModelNotFound where no
    place has the weights, ModelDamaged where the file does not fit the model or has another hash.
    """
    towers = build_clip(model)
    record = pretrained_record(model, weights)
    if record is not None and record.quick_gelu != clip_architecture(model).quick_gelu:
        twin = model.removesuffix("-quickgelu") if model.endswith("-quickgelu") else f"{model}-quickgelu"
        raise UsageError(
            f"The weights {weights} were trained with {'QuickGELU' if record.quick_gelu else 'GELU'}, which is not "
            f"what {model} computes.",
            remedy=f"Use the model {twin}.",
        )
    file = find_clip_weights(model, weights, folder=folder, fetch=fetch, sha256=sha256)
    vision, text = read_clip_weights(file.path)
    fill_tower(towers.vision, vision, file.path)
    fill_tower(towers.text, text, file.path)
    mean, std = (CLIP_MEAN, CLIP_STD) if record is None else (record.mean, record.std)
    return replace(towers, file=file, mean=mean, std=std)


def fill_tower(tower: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load exactly ``state`` into ``tower``. Raises ModelDamaged, naming the first thing that does not fit."""
    own = tower.state_dict()
    for name in sorted(set(own) | set(state)):
        if name not in state:
            fault = f"{name} is missing"
        elif name not in own:
            fault = f"{name} is too much"
        elif state[name].shape != own[name].shape:
            fault = f"{name} has shape {[*state[name].shape]} and should have {[*own[name].shape]}"
        else:
            continue
        raise ModelDamaged(
            f"The weights {path} do not fit this CLIP: {type(tower).__name__}'s {fault}.",
            remedy="Name the architecture that they were trained with, or other weights.",
        )
    tower.load_state_dict(state)
    tower.eval()
