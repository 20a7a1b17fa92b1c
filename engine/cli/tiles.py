"""``rsqa tiles``: the tile reader process. The window starts it and speaks ``engine.protocol`` with it."""

from __future__ import annotations

import argparse
import os

HELP = "the tile reader (used by the window)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none: all it needs comes in the greeting."""


def run(args: argparse.Namespace) -> int:
    """Serve until standard input ends."""
    from engine.jobs.conversation import Conversation

    conversation = Conversation.on_standard_streams()
    from engine.jobs.tiles import TileReader

    code = TileReader(conversation).run()
    # A decoder may be inside GDAL; nothing it does is worth waiting for once the window is gone.
    os._exit(code)
