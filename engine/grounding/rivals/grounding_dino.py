"""Grounding DINO (Liu et al., ECCV 2024), size tiny (Swin-T and BERT), as transformers builds it: 172.3 M parameters.

Code and published weights are Apache-2.0. The network is transformers' own; here is what turns pictures and expressions
of this program into its inputs and its answers into one box. Importing transformers takes seconds, so that it is done
inside the functions that build a network.

*Our reading* where its paper speaks of phrases and ours of one thing: an expression is one phrase whatever it is made
of (lower case, one full stop at its end, as the network delimits phrases); of the 900 boxes the best is the one whose
score, averaged over all tokens of the expression, is highest. The best token alone would let "the upper-left tank" be
answered by any tank.

The network knows padding at the right and at the bottom only, while our squares are letterboxed around their middle.
The part with data is therefore moved to the upper-left corner, and boxes move back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from tokenizers import Tokenizer
from torch import Tensor, nn
from torchvision.ops import box_convert

from engine.catalog import CARD_FILE, WEIGHTS_FILE, model_folders, read_card
from engine.errors import ModelDamaged, ModelNotFound
from engine.grounding.data.expression_set import ExpressionSet
from engine.grounding.scored import Scored, scored_boxes, scored_expressions
from engine.grounding.scoring import picture_inputs
from engine.nn.inputs import normalise
from engine.nn.preprocess import PreprocessSpec

NAME = "grounding-dino-tiny"
HUB_ID = f"IDEA-Research/{NAME}"
LICENCE = "Apache-2.0"
TOKENIZER_FILE = "tokenizer.json"
FILES = ("config.json", WEIGHTS_FILE, TOKENIZER_FILE)

FOLDER_VARIABLE = "RSQA_GROUNDING_DINO"
"""Environment: a folder with :data:`FILES`, before the model folders."""

IMAGENET = PreprocessSpec(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""The statistics that its backbone was trained with."""

MOST_TOKENS = 256
PAD = 0
AT_ONCE = 4
"""Expressions that :meth:`GroundingDino.score_set` asks together."""


class DinoPictures(NamedTuple):
    """B pictures as the network takes them: ``pixels`` [B, 3, H, W] in the corner, ``mask`` int64 [B, H, W] 1 where
    there is picture, and ``windows`` [B, 4] (x0, y0, x1, y1 in pixels), where that part was in the original."""

    pixels: Tensor
    mask: Tensor
    windows: Tensor


class DinoTexts(NamedTuple):
    """B expressions: token numbers ``ids`` int64 [B, N], ``mask`` int64 [B, N] 1 where there is one, and ``own`` bool
    [B, N], the tokens of the expression itself, without the ones that delimit it."""

    ids: Tensor
    mask: Tensor
    own: Tensor


class GroundingDino:
    """A network with its tokenizer, ready to be asked."""

    def __init__(self, network: nn.Module, tokenizer: Tokenizer) -> None:
        """``network`` is transformers' ``GroundingDinoForObjectDetection``; ``tokenizer`` of :func:`read_tokenizer`."""
        self.network = network.eval()
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path | None = None, *, device: str | torch.device = "cpu") -> GroundingDino:
        """From ``folder``, or wherever :func:`find_grounding_dino` finds one.

        Raises ModelNotFound, and ModelDamaged where the files are not a whole Grounding DINO.
        """
        place = find_grounding_dino(folder)
        return cls(_load_network(place).to(device), read_tokenizer(place / TOKENIZER_FILE))

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    def parameters(self) -> int:
        """How many numbers the network has; the paper prints 172.3 M."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def best_box(
        self, picture: Tensor, expression: str, *, valid: Tensor | None = None
    ) -> tuple[tuple[float, float, float, float], float]:
        """The box (x0, y0, x1, y1 in the picture's pixels) that fits best, and its score, 0..1.

        ``picture`` [3, H, W] in 0..1, SAR repeated to three channels; ``valid`` bool [H, W] says where it has data.
        """
        picture = picture.to(self.device)
        seen = torch.ones_like(picture[0], dtype=torch.bool) if valid is None else valid.to(self.device)
        pictures = in_the_corner(normalise(picture, seen, IMAGENET).unsqueeze(0), seen.unsqueeze(0))
        boxes, scores = self.best_boxes(pictures, [expression])
        x0, y0, x1, y1 = boxes[0].tolist()
        return (x0, y0, x1, y1), float(scores[0])

    @torch.inference_mode()
    def best_boxes(self, pictures: DinoPictures, expressions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """The best box [B, 4] in pixels of the original picture and its score [B], one expression for each picture."""
        texts = self.tokens(expressions)
        answer = asked(self.network, pictures, texts)
        best, query = expression_scores(answer.logits, texts.own).max(-1)  # [B]
        boxes = answer.pred_boxes[torch.arange(len(query), device=query.device), query]  # [B, 4], middle and size
        return to_picture(boxes.float(), pictures.windows), best

    def tokens(self, expressions: Sequence[str]) -> DinoTexts:
        """Expressions as token numbers, filled up to the longest, on the network's device."""
        return DinoTexts(*(part.to(self.device) for part in numbered(self.tokenizer, expressions)))

    def score_set(self, pictures: ExpressionSet, *, report: Callable[[float], None] = lambda share: None) -> Scored:
        """Ask every scored expression of ``pictures``; the same as ``engine.grounding.scoring`` gives for ours.

        ``report`` hears the share that is done. Each expression is asked alone, as somebody would: the network's
        encoder mixes text into the picture from its first layer on, so that there is no view to keep.
        """
        order = scored_expressions(pictures)
        boxes, scores = np.zeros((len(order), 4), np.float32), np.zeros(len(order), np.float32)
        for start in range(0, len(order), AT_ONCE):
            asked_now = [pictures.expressions[index] for index in order[start : start + AT_ONCE]]
            rows = [expression.picture for expression in asked_now]
            seen = in_the_corner(*picture_inputs(pictures, rows, IMAGENET, self.device))
            found, sure = self.best_boxes(seen, [expression.text for expression in asked_now])
            part = slice(start, start + len(rows))
            boxes[part], scores[part] = found.cpu().numpy(), sure.cpu().numpy()
            report((start + len(rows)) / len(order))
        return scored_boxes(pictures, boxes, scores)


def asked(network: nn.Module, pictures: DinoPictures, texts: DinoTexts, **more: Any) -> Any:
    """transformers' output: ``logits`` [B, 900, 256], ``pred_boxes`` [B, 900, 4] (middle and size, 0..1 of the part
    with data), and with ``labels`` the loss."""
    return network(
        pixel_values=pictures.pixels,
        pixel_mask=pictures.mask,
        input_ids=texts.ids,
        attention_mask=texts.mask,
        token_type_ids=torch.zeros_like(texts.ids),
        **more,
    )


def expression_scores(logits: Tensor, own: Tensor) -> Tensor:
    """Each box's score: ``logits`` [B, Q, 256], the mean over tokens ``own`` bool [B, N] -> [B, Q]."""
    share = own.float() / own.sum(-1, keepdim=True).clamp(min=1)  # [B, N]
    scores = logits[..., : own.shape[-1]].float().sigmoid()  # [B, Q, N]
    return (scores @ share.unsqueeze(-1)).squeeze(-1)


def in_the_corner(pixels: Tensor, valid: Tensor) -> DinoPictures:
    """Normalised ``pixels`` [B, 3, H, W] with the window that has data (``valid`` bool [B, H, W]) moved to the corner.

    A picture without any data is taken whole.
    """
    height, width = valid.shape[-2:]
    moved, windows = torch.zeros_like(pixels), []
    mask = torch.zeros_like(valid, dtype=torch.long)
    for row, where in enumerate(valid):
        rows, columns = where.any(1).nonzero().flatten().tolist(), where.any(0).nonzero().flatten().tolist()
        top, bottom = (rows[0], rows[-1] + 1) if rows else (0, height)
        left, right = (columns[0], columns[-1] + 1) if columns else (0, width)
        moved[row, :, : bottom - top, : right - left] = pixels[row, :, top:bottom, left:right]
        mask[row, : bottom - top, : right - left] = 1
        windows.append([left, top, right, bottom])
    return DinoPictures(moved, mask, torch.tensor(windows, dtype=torch.float32, device=pixels.device))


def to_picture(boxes: Tensor, windows: Tensor) -> Tensor:
    """``boxes`` [B, 4] (middle and size, 0..1 of a window) -> corners in pixels, inside of ``windows`` [B, 4]."""
    low, size = windows[:, :2].repeat(1, 2), (windows[:, 2:] - windows[:, :2]).repeat(1, 2)  # [B, 4]
    corners: Tensor = box_convert(boxes, "cxcywh", "xyxy").clamp(0, 1)
    return low + corners * size


def from_picture(boxes: Tensor, windows: Tensor) -> Tensor:
    """The other way round: corners in pixels [B, 4] -> middle and size, 0..1 of ``windows`` [B, 4]."""
    low, size = windows[:, :2].repeat(1, 2), (windows[:, 2:] - windows[:, :2]).repeat(1, 2)  # [B, 4]
    converted: Tensor = box_convert(((boxes - low) / size).clamp(0, 1), "xyxy", "cxcywh")
    return converted


def numbered(tokenizer: Tokenizer, expressions: Sequence[str]) -> DinoTexts:
    """Expressions as token numbers, filled up to the longest."""
    rows = [tokenizer.encode(as_phrase(expression)).ids for expression in expressions]
    ids = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)
    lengths = torch.tensor([len(row) for row in rows]).unsqueeze(1)
    place = torch.arange(ids.shape[1])
    own = (place > 0) & (place < lengths - 2)  # between [CLS] and the full stop before [SEP]
    return DinoTexts(ids, (place < lengths).long(), own)


def as_phrase(expression: str) -> str:
    """As the network was taught: lower case, and one full stop, at the end; others would begin another phrase."""
    return " ".join(expression.lower().replace(".", " ").replace("?", " ").split()) + "."


def build_random(**config: Any) -> nn.Module:
    """The network of size tiny with random weights; ``config`` are fields of ``GroundingDinoConfig`` that differ."""
    from transformers import GroundingDinoConfig, GroundingDinoForObjectDetection

    # The fast kernel of its deformable attention would be fetched from the hub, compiled, by transformers itself.
    return GroundingDinoForObjectDetection(GroundingDinoConfig(disable_custom_kernels=True, **config))


def read_tokenizer(path: Path) -> Tokenizer:
    """The uncased tokenizer of BERT from its ``tokenizer.json``, which says each text as long as it is.

    Raises ModelDamaged where the file cannot be read.
    """
    try:
        text = path.read_text("utf-8")
        json.loads(text)  # the library itself raises nothing that could be told from a fault of ours
    except (OSError, ValueError) as error:
        raise ModelDamaged(
            f"The tokenizer {path} cannot be read: {error}.", remedy=f"Fetch {path.name} of {HUB_ID} again."
        ) from error
    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)  # no published expression has a quarter of this
    return tokenizer


def find_grounding_dino(folder: Path | None = None) -> Path:
    """A folder with :data:`FILES`; only ``folder`` is looked at where it is given. No network is used.

    Raises ModelNotFound, saying what to fetch and where to put it.
    """
    looked = [folder] if folder is not None else list(_places())
    for place in looked:
        if all((place / name).is_file() for name in FILES):
            return place
    raise ModelNotFound(
        f"Grounding DINO's weights are not on this machine (looked in {', '.join(map(str, looked))}).",
        remedy=f"Fetch {', '.join(FILES)} of {HUB_ID} ({LICENCE}) from the Hugging Face hub into "
        f"{model_folders()[0] / NAME}, or set {FOLDER_VARIABLE} to a folder with them; `rsqa train grounding_dino "
        "--fetch` brings them.",
    )


def fetch_grounding_dino() -> None:
    """Bring the published weights from the hub into its cache, where none are on this machine.

    Raises ModelNotFound where the hub does not answer, or is not to be asked (HF_HUB_OFFLINE).
    """
    try:
        find_grounding_dino()
    except ModelNotFound as missing:
        if constants.HF_HUB_OFFLINE:
            raise
        try:
            for name in FILES:
                hf_hub_download(HUB_ID, name)
        except OSError as error:  # all of the hub's own errors are of this family
            raise ModelNotFound(
                f"{HUB_ID} could not be fetched from the Hugging Face hub: {str(error).splitlines()[0]}",
                remedy=missing.remedy,
            ) from error


def tuned_on(folder: Path) -> str:
    """What the weights in ``folder`` were fine-tuned on, as their card says; "" for published ones, without a card."""
    if not (folder / CARD_FILE).is_file():
        return ""
    data = read_card(folder).training_data
    return f"{data.name}: {data.samples} views"


def _places() -> Iterator[Path]:
    if os.environ.get(FOLDER_VARIABLE):
        yield Path(os.environ[FOLDER_VARIABLE]).expanduser()
    for folder in model_folders():
        yield folder / NAME
    cached = try_to_load_from_cache(HUB_ID, FILES[0])
    if isinstance(cached, str):
        yield Path(cached).parent


def _load_network(folder: Path) -> nn.Module:
    from safetensors import SafetensorError
    from transformers import GroundingDinoForObjectDetection

    try:
        loaded: Any = GroundingDinoForObjectDetection.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True, disable_custom_kernels=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelDamaged(
            f"{folder} is no Grounding DINO: {str(error).splitlines()[0]}", remedy=f"Fetch {HUB_ID} again."
        ) from error
    network, found = loaded
    missing = sorted(found["missing_keys"])
    if missing:
        raise ModelDamaged(
            f"The weights in {folder} are not whole: {missing[0]} and {len(missing) - 1} more are missing.",
            remedy=f"Fetch {FILES[1]} again.",
        )
    return cast(nn.Module, network)
