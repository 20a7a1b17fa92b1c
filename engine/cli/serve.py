"""``rsqa serve``: the interactive worker process. The window starts it and speaks ``engine.protocol`` with it."""

from __future__ import annotations

import argparse
import os

HELP = "the interactive worker (used by the window)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument("--model", default="tgfnet-compact", help="the model to have at hand before the first question")


def run(args: argparse.Namespace) -> int:
    """Serve until standard input ends."""
    from engine.jobs.conversation import Conversation

    conversation = Conversation.on_standard_streams()
    from engine.jobs.device import leave_room_for_the_window

    leave_room_for_the_window()
    from engine.jobs.ask import Asker
    from engine.jobs.ask_tiles import TileAsker
    from engine.jobs.export import export
    from engine.jobs.find import Finder
    from engine.jobs.outline import Outliner
    from engine.jobs.redraw import redraw
    from engine.jobs.worker import Handler, Worker
    from engine.records import (
        AskRequest,
        AskTilesRequest,
        CheckRequest,
        ExportRequest,
        FindRequest,
        OutlineRequest,
        RedrawRequest,
    )

    asker = Asker(args.device)
    handlers: dict[type, Handler] = {
        AskRequest: asker.answer,
        AskTilesRequest: TileAsker(asker).answer,
        FindRequest: Finder(asker).find,
        OutlineRequest: Outliner(asker).outline,
        RedrawRequest: redraw,
        CheckRequest: asker.checks.handle,
        ExportRequest: export,
    }
    code = Worker(conversation, handlers, lambda: asker.prepare(args.model)).run()
    # A thread may still be importing torch; there is nothing to put in order that the system does not.
    os._exit(code)
