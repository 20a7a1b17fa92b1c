"""``rsqa ask OPT SAR "question"``: an answer, who said what, and why; with ``--tiles`` over a grid of tiles."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from engine.cli.area_arguments import add_area_arguments
from engine.cli.pair_arguments import add_gate_arguments, add_pair_arguments, gate_choice, pair_paths
from engine.cli.progress import progress_line
from engine.cli.query_arguments import (
    add_band_arguments,
    add_device_argument,
    array_folder,
    arrays_outlive,
    as_text,
    asked_window,
    formats_of,
    require_out,
)
from engine.cli.tiled_answer import tiled_text
from engine.errors import UsageError
from engine.export import (
    FORMATS,
    TILED_FORMATS,
    answer_object,
    refused_formats,
    tiled_object,
    write_answer,
    write_tiled_answer,
)
from engine.export.properties import all_messages
from engine.export.wording import (
    answer_set_sentence,
    expert_rows,
    pair_sentence,
    percent,
    runners_up,
    scale_sentence,
    valid_sentence,
)
from engine.protocol import to_json
from engine.records import Answer, AskRequest, AskTilesRequest
from engine.records.query import DEFAULT_ERROR_RATE, DEFAULT_MAX_TILES

HELP = "answer a question about an optical/SAR pair"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The pair, the question, the area, the model, and where the files go."""
    add_pair_arguments(parser)
    parser.add_argument("question", help="in English, for example “Is there a river?”")
    add_area_arguments(parser)
    add_band_arguments(parser)
    parser.add_argument("--mute", choices=("optical", "sar"), help="answer without this sensor")
    parser.add_argument(
        "--weights", default="tgfnet-compact", metavar="NAME|PATH", help="model (see: rsqa models list)"
    )
    parser.add_argument(
        "--error-rate",
        type=float,
        metavar="SHARE",
        help="how often the answer set may miss the truth, one that the model has: 0.05, 0.1, 0.2 (default: 0.1); "
        "tiles have none",
    )
    parser.add_argument("--strict", action="store_true", help="refuse a question too long for the model, do not cut it")
    _add_tile_arguments(parser)
    add_device_argument(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the answer and its reasons into this folder")
    parser.add_argument(
        "--formats",
        type=formats_of(*FORMATS, *TILED_FORMATS),
        help=f"what to write, of {','.join(FORMATS)}; of tiles {','.join(TILED_FORMATS)} (default: all)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else, on stdout")
    add_gate_arguments(parser, may_correct=True)


def _add_tile_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the same question over a grid of tiles")
    group.add_argument("--tiles", action="store_true", help="ask of every tile at native scale; gives counts and a map")
    group.add_argument(
        "--tile-gsd",
        type=float,
        metavar="M",
        help="metres per pixel of the tiles (default: the raster's own, or the nearest that the model was trained for)",
    )
    group.add_argument(
        "--max-tiles", type=int, metavar="N", help=f"refuse more tiles than this (default: {DEFAULT_MAX_TILES})"
    )


def run(args: argparse.Namespace) -> int:
    """Ask, write what was asked for, print. Returns 0; everything else is raised."""
    known = TILED_FORMATS if args.tiles else FORMATS
    require_out(args)
    if unknown := [name for name in args.formats or () if name not in known]:
        raise UsageError(f"“{unknown[0]}” is no format of this answer.", remedy=f"Use some of {', '.join(known)}.")
    if not args.tiles and (args.tile_gsd is not None or args.max_tiles is not None):
        raise UsageError("--tile-gsd and --max-tiles are about tiles.", remedy="Add --tiles.")
    if args.tiles and args.error_rate is not None:
        raise UsageError(
            "--error-rate is about answer sets, which tiles do not have.",
            remedy="Leave it out, or ask about a single tile's window without --tiles.",
        )
    return _run_tiles(args) if args.tiles else _run_once(args)


def _run_once(args: argparse.Namespace) -> int:
    formats = args.formats or FORMATS
    with array_folder("ask", keep=arrays_outlive(args, formats)) as folder, progress_line() as say:
        request = _request(args, folder)
        from engine.jobs.ask import answer as ask  # torch: seconds, so only after the arguments were found good

        answer = ask(request, progress=say, cancelled=lambda: False)
        if args.out is not None:
            refused = tuple(refused_formats(answer, formats).values())
            files = write_answer(answer, args.out, formats)
            answer = replace(answer, files=tuple(map(str, files)), messages=(*answer.messages, *refused))
        elif not args.json:
            answer = replace(answer, files=())  # the arrays go when this block is left
    print(to_json(answer_object(answer)).decode() if args.json else answer_text(answer))
    return 0


def _run_tiles(args: argparse.Namespace) -> int:
    """Arrays of tiles are never named outside: what they hold is in the JSON, tile by tile."""
    formats = args.formats or TILED_FORMATS
    with array_folder("ask", keep=False) as folder, progress_line() as say:
        request = _tiles_request(args, _request(args, folder))
        from engine.jobs.ask_tiles import answer as ask  # torch: seconds

        answer = replace(ask(request, progress=say, cancelled=lambda: False), files=())
        if args.out is not None:
            refused = tuple(refused_formats(answer, formats).values())
            files = write_tiled_answer(answer, args.out, formats)
            answer = replace(answer, files=tuple(map(str, files)), messages=(*answer.messages, *refused))
        said = to_json(tiled_object(answer)).decode() if args.json else tiled_text(answer)
    print(said)
    return 0


def answer_text(answer: Answer) -> str:
    """The answer as a person reads it in a terminal."""
    rows = [("Answer", f"{answer.answer} ({percent(answer.confidence)})")]
    rows += [("Set", certain)] if (certain := answer_set_sentence(answer)) else []
    rows += [("Runners-up", others)] if (others := runners_up(answer)) else []
    rows += [("Experts", "own answer, AF weight (raw sigmoid) and its share")] if answer.experts else []
    rows += [
        (f"  {one.name}", f"{one.answer} ({percent(one.probability)}), {one.weight:.2f}, {percent(one.share)}")
        for one in expert_rows(answer)
    ]
    valid = valid_sentence(answer.area)
    rows.append(("Pair", " · ".join(part for part in (pair_sentence(answer.gate), valid) if part)))
    rows.append(("Scale", scale_sentence(answer.area)))
    by = answer.provenance
    rows.append(("Model", f"{by.model} {by.model_sha256[:8]} on {by.device}, {answer.seconds:.2f} s"))
    rows += [("Note", message) for message in all_messages(answer)]
    rows += [("Note", "For the grid of tiles: --tiles.")] if answer.area.tiles_show_more else []
    rows += [("Wrote", path) for path in answer.files]
    return "\n".join(f"{name:<11} {text}" for name, text in rows)


def _request(args: argparse.Namespace, folder: Path) -> AskRequest:
    optical, sar = pair_paths(args)
    request = AskRequest(
        question=as_text(args.question),
        optical=optical,
        sar=sar,
        folder=str(folder),
        model=args.weights,
        device=args.device,
        gate=gate_choice(args),
        optical_bands=args.bands,
        sar_bands=args.sar_band,
        mute=(args.mute,) if args.mute else (),
        error_rate=DEFAULT_ERROR_RATE if args.error_rate is None else args.error_rate,
        strict=args.strict,
    )
    return replace(request, window=asked_window(args, optical, sar))


def _tiles_request(args: argparse.Namespace, ask: AskRequest) -> AskTilesRequest:
    most = DEFAULT_MAX_TILES if args.max_tiles is None else args.max_tiles
    return AskTilesRequest(ask, args.tile_gsd, most)
