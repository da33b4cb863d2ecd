"""`lacie history`: the conversations, without the interface."""

import argparse
import sys

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lacie_chat.commands.answer_text import AnswerText, question_text
from lacie_chat.commands.argument_types import positive
from lacie_chat.commands.history_files import export, export_arguments, import_file
from lacie_chat.console import make_console, show
from lacie_chat.conversations import DELETED_DAYS, EXAMPLES, Query, Store, StoreError, damage_words, parse_query
from lacie_chat.conversations.export import parts_of
from lacie_chat.conversations.filters import STATES
from lacie_chat.errors import LacieError
from lacie_chat.loudness import note
from lacie_chat.printable import exact_json, printable
from lacie_chat.streams import typed_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions and their options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listing = actions.add_parser("list", help="the newest conversations, the pinned ones first", description=_FILTERS)
    listing.add_argument("query", metavar="QUERY", nargs="*", help="words and filters")
    listing.add_argument("--limit", type=positive, default=20, help="how many (default 20)")
    listing.add_argument("--json", action="store_true", help="print a JSON list")
    search = actions.add_parser("search", help="find words and answers in all conversations", description=_FILTERS)
    search.add_argument("query", metavar="QUERY", nargs="+", help="words and filters")
    search.add_argument("--json", action="store_true", help="print a JSON list")
    for name, text in _ON_ONE.items():
        action = actions.add_parser(name, help=text)
        action.add_argument("id", metavar="ID", help="its id, or the start of it")
        if name == "export":
            export_arguments(action)
        if name == "delete":
            action.add_argument("--now", action="store_true", help="for good, also one that is deleted already")
            action.add_argument("--yes", action="store_true", help="don't ask before it is gone for good")
    importing = actions.add_parser("import", help="read in what 'export --format json' wrote")
    importing.add_argument("file", metavar="FILE", help="the file; - is standard input")


_ON_ONE = {
    "show": "read one",
    "export": "write one out",
    "pin": "let one stand before the others",
    "unpin": "let it stand among the others again",
    "duplicate": "copy the branch of one that is shown into a new one",
    "delete": f"delete one; it can be taken back for {DELETED_DAYS} days",
    "restore": "take a deletion back",
}
_FILTERS = (
    f"filters: {EXAMPLES}, of one and the same answer; is: takes {', '.join(STATES)}; figures are percents; "
    "a minus before a word or a filter turns it round"
)


def run(args: argparse.Namespace) -> int:
    """Do the one action that `args.action` names."""
    with Store.open() as store:
        return _ACTIONS[args.action](store, args)


def _query(args: argparse.Namespace) -> Query:
    """The words and filters; a word that the shell had in quotes stays one."""
    return parse_query(typed_text(" ".join(args.query)))


def _list(store: Store, args: argparse.Namespace) -> int:
    rows = store.list_conversations(args.limit, query=_query(args), pinned_first=True)
    if args.json:
        found = [
            {
                "id": row.id,
                "title": row.title,
                "model": row.model,
                "adapter": row.adapter,
                "messages": row.messages,
                "pinned": row.pinned_at is not None,
                "created_at": row.created_at.isoformat(),
                "updated_at": row.updated_at.isoformat(),
                **({"damaged": row.damaged} if row.damaged else {}),
            }
            for row in rows
        ]
        print(exact_json(found, indent=2))
        return 0
    if not rows:
        note("nothing found" if args.query else "no conversations yet")
        return 0
    table = Table.grid(padding=(0, 2))
    for row in rows:
        when = row.updated_at.astimezone().strftime("%Y-%m-%d %H:%M")
        title = f"{'★ ' if row.pinned_at else ''}{printable(row.title)}"
        table.add_row(Text(row.id, style="bold"), when, Text(f"{row.messages} messages"), Text(title))
    show(table)
    for row in rows:
        if damage := damage_words(f"conversation {row.id}", row.damaged):
            note(printable(damage))
    return 0


def _search(store: Store, args: argparse.Namespace) -> int:
    hits = store.search(_query(args))
    if args.json:
        found = [
            {
                "id": hit.conversation_id,
                "title": hit.title,
                "role": hit.role,
                "snippet": hit.snippet,
                "created_at": hit.created_at.isoformat(),
            }
            for hit in hits
        ]
        print(exact_json(found, indent=2))
        return 0
    if not hits:
        note("nothing found")
    console = make_console()
    for hit in hits:
        snippet = Text(printable(hit.snippet, instead="�"))  # a mark for each, so that the matches' places hold
        for start, end in hit.matches:
            snippet.stylize("bold underline", start, end)
        console.print(Text(f"{hit.conversation_id}  {printable(hit.title)}", style="bold"))
        console.print(Text(f"  {hit.role}: ").append_text(snippet))
    return 0


def _show(store: Store, args: argparse.Namespace) -> int:
    conversation = store.find(args.id)
    if not sys.stdout.isatty():
        print(store.export(conversation.id, "markdown"), end="")
        return 0
    thread = store.thread(conversation.leaf_id) if conversation.leaf_id is not None else []
    console = make_console()
    for number, part in enumerate(parts_of(conversation, thread)):
        if number:
            console.print()
        if part.thought:
            console.print(Text(f"{part.thought}:", style="dim italic"))
            console.print(Padding(Text(printable(part.text), style="dim"), (0, 0, 0, 2)))
        else:
            console.print(question_text(part.text) if part.message == "user" else AnswerText(part.text))
    return 0


def _pin(store: Store, args: argparse.Namespace) -> int:
    conversation = store.find(args.id)
    store.pin(conversation.id, args.action == "pin")
    note(f"{args.action}ned {conversation.id}")
    return 0


def _duplicate(store: Store, args: argparse.Namespace) -> int:
    print(store.duplicate(store.find(args.id).id).id)
    return 0


def _delete(store: Store, args: argparse.Namespace) -> int:
    from lacie_chat.tui.prompts import read_prompts

    if not args.now:
        conversation = store.find(args.id)
        store.delete(conversation.id)
        note(
            f"deleted {conversation.id}; to take it back within {DELETED_DAYS} days: "
            f"lacie history restore {conversation.id}"
        )
        return 0
    try:
        conversation = store.find(args.id, deleted=True)
    except StoreError:
        conversation = store.find(args.id)
    if not args.yes:
        if not sys.stdin.isatty():
            raise LacieError(f"to delete {conversation.id} for good without being asked, add --yes")
        try:
            said = input(f"Delete '{printable(conversation.title)}' for good? [y/N] ")
        except EOFError:  # ctrl+d
            said = ""
        if said.strip().lower() not in ("y", "yes"):
            note("kept")
            return 0
    store.delete(conversation.id, now=True)
    read_prompts(store)  # lets its questions go, too
    note(f"deleted {conversation.id} for good")
    return 0


def _restore(store: Store, args: argparse.Namespace) -> int:
    conversation = store.find(args.id, deleted=True)
    store.restore(conversation.id)
    note(f"{conversation.id} is back")
    return 0


_ACTIONS = {
    "list": _list,
    "search": _search,
    "show": _show,
    "export": export,
    "import": import_file,
    "pin": _pin,
    "unpin": _pin,
    "duplicate": _duplicate,
    "delete": _delete,
    "restore": _restore,
}
