"""`lacie chat`: open the terminal interface."""

import argparse
import sys

from lacie_chat.commands.speaker import find_speaker
from lacie_chat.conversations import Store, StoreError
from lacie_chat.errors import LacieError


def run(args: argparse.Namespace) -> int:
    """Resolve the model, open the store, hand both to the interface. A store that won't open doesn't stop a chat."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LacieError("the chat needs a terminal; in a pipe use: lacie ask QUESTION")
    speaker = find_speaker(args)
    notice = None
    try:
        store = Store.open()
        resume = store.find(args.resume).id if args.resume else None
    except StoreError as error:
        if args.resume:
            raise
        store, resume = Store.in_memory(), None
        notice = f"{str(error).rstrip('.')}. This chat is kept in memory only."

    from lacie_chat.tui.app import LacieApp

    with store:
        app = LacieApp(
            engine_factory=speaker.engine,
            store=store,
            model_name=speaker.model.name,
            adapter_name=speaker.adapter.name if speaker.adapter else None,
            calibrator=speaker.calibrator,
            baseline_calibrator=speaker.baseline_calibrator,
            resume=resume,
            notice=notice,
        )
        app.run()
        return app.return_code or 0
