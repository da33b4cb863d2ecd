"""`lacie history export|import`: conversations as files."""

import argparse
import sys
from pathlib import Path

from lacie_chat.conversations import Store, StoreError
from lacie_chat.conversations.files import FORMATS, format_of, write_new
from lacie_chat.conversations.importing import LARGEST
from lacie_chat.errors import LacieError
from lacie_chat.foreign_json import beginning
from lacie_chat.loudness import note
from lacie_chat.paths import expanded
from lacie_chat.printable import printable


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the export."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="default: what FILE's name ends in, else md; json has all, for the import",
    )
    parser.add_argument("--out", metavar="FILE", help="a new file (default: standard output)")


def export(store: Store, args: argparse.Namespace) -> int:
    """Write a conversation out."""
    path = None if args.out is None else expanded(args.out)
    written_as = FORMATS[args.format] if args.format else format_of(path) if path else "markdown"
    text = store.export(store.find(args.id).id, written_as)
    if path is None:
        print(text, end="")
    else:
        write_new(path, text)
    return 0


def import_file(store: Store, args: argparse.Namespace) -> int:
    """Read one in, and print its id."""
    try:
        most = LARGEST + 1  # what is longer is refused, and not read to its end
        raw = sys.stdin.buffer.read(most) if args.file == "-" else beginning(expanded(args.file), most)
    except OSError as error:
        raise LacieError(f"can't read {args.file}: {error.strerror}") from None
    name = "standard input" if args.file == "-" else Path(args.file).name
    try:
        conversation, is_new = store.import_text(raw.decode("utf-8-sig", errors="replace"))
    except StoreError as error:
        raise LacieError(f"{name}: {error}") from None
    print(conversation.id)
    note(f"{'imported' if is_new else 'it is here already:'} {printable(conversation.title)}")
    return 0
