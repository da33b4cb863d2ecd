"""`lacie chat`: open the terminal interface."""

import argparse
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lacie_chat.commands.settled import add_answer_options, add_option, fills_from_file, settings_of
from lacie_chat.commands.speaker import (
    Speaker,
    adapter_ref,
    add_speaker_arguments,
    find_pair,
    find_speaker,
    speaker_options,
)
from lacie_chat.conversations import Store, StoreError
from lacie_chat.errors import LacieError
from lacie_chat.loudness import note
from lacie_chat.models import ResolvedModel, pair_fingerprint, shipped_calibrator
from lacie_chat.models.hub import OnProgress
from lacie_chat.models.pair_refs import model_and_adapter
from lacie_chat.settings import SettingsFile
from lacie_chat.streams import take_the_terminal, terminal_name, terminal_takes_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from lacie_chat.chat.choosing import Find
    from lacie_chat.chat.events import ChatEvent
    from lacie_chat.chat.speaker import ChatSpeaker
    from lacie_chat.tui.app import LacieApp

_MANY = 1000
"""Conversations among which the last one that was begun is looked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `lacie chat`."""
    add_speaker_arguments(parser)
    fills_from_file(parser, forgiving=True)
    add_answer_options(parser)
    going_on = parser.add_mutually_exclusive_group()
    going_on.add_argument(
        "--resume",
        metavar="ID",
        help="go on with this conversation (`lacie history list`), "
        "by the model of its last answer unless --model names one",
    )
    going_on.add_argument("--continue", dest="go_on", action="store_true", help="the same with the last conversation")
    parser.add_argument(
        "--plain",
        action="store_true",
        help="in plain lines, without a screen or colours: for a screen reader, a dumb terminal, a pipe",
    )
    add_option(parser, "agreement")
    add_option(parser, "answer_from")


def run(args: argparse.Namespace) -> int:
    """Resolve the model, open the store, hand both to the interface. A store that won't open doesn't stop a chat."""
    if not args.plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise LacieError("the chat needs a terminal; in a pipe use: lacie ask QUESTION, or lacie chat --plain")
    if not args.plain and not terminal_takes_codes():
        raise LacieError(f"the chat can't draw on {terminal_name()}; without a screen: lacie chat --plain")
    notices = told_at_the_start(settings_of(args).file)
    try:
        store = Store.open(say=notices.append)
        resume = _to_go_on_with(store, args)
    except StoreError as error:
        if args.resume or args.go_on:
            raise
        store, resume = Store.in_memory(str(error).rstrip(".")), None
        notices.append(f"{store.why_in_memory}. This chat is kept in memory only.")
    with store:
        args = _as_it_was(args, store, resume, notices)
        speaker = find_speaker(args)
        if args.plain:
            return _plain(args, speaker, store, resume, notices)
        take_the_terminal()
        app = app_of(args, speaker, store, resume=resume, notice="\n".join(notices) or None)
        app.run()
        for line in app.session.saving.rescue():
            note(line)
        _say_how_to_go_on(app.session.tree.conversation_id, store, _options_now(args, speaker, app.session.speaker))
        return app.return_code or 0


def _plain(args: argparse.Namespace, speaker: Speaker, store: Store, resume: str | None, notices: list[str]) -> int:
    from lacie_chat.chat.session import ChatSession
    from lacie_chat.commands.plain_chat import PlainChat

    settings = settings_of(args)
    agreement = settings.held("agreement").value

    def open_session(post: "Callable[[ChatEvent], object]") -> ChatSession:
        return ChatSession(
            chat_speaker(speaker),
            store,
            post,
            agreement=agreement if isinstance(agreement, int) else 0,
            decides=True,
            settings=settings,
        )

    for notice in notices:
        note(notice)
    session = PlainChat(open_session, store, resume, finder(args)).run()
    options = _options_now(args, speaker, session.speaker)
    for line in session.saving.rescue():
        note(line)
    _say_how_to_go_on(session.tree.conversation_id, store, " ".join(filter(None, (options, "--plain"))))
    return 0


def told_at_the_start(file: SettingsFile) -> list[str]:
    """What to say at the start of a file that is wrong: a slip in it doesn't keep the chat from opening."""
    if not file.problems:
        return []
    count = f" ({len(file.problems) - 1} more)" if len(file.problems) > 1 else ""
    first = file.problems[0] if file.problems[0].endswith("?") and not count else f"{file.problems[0]}{count}."
    return [f"{first} What is wrong there does not count; lacie settings edit opens it."]


def _to_go_on_with(store: Store, args: argparse.Namespace) -> str | None:
    """The id of the conversation that `--resume` or `--continue` asks for. Raises LacieError, one line, for none."""
    if args.resume:
        return store.find(args.resume).id
    if not args.go_on:
        return None
    newest = next((each for each in store.list_conversations(_MANY) if each.messages), None)
    if newest is None:
        raise LacieError("there is no conversation to go on with yet; lacie opens a new one")
    return newest.id


def _as_it_was(
    args: argparse.Namespace, store: Store, conversation_id: str | None, notices: list[str]
) -> argparse.Namespace:
    """The options with the model that gave the conversation's last answer, where they name none themselves. Of one that
    isn't on this machine any more there is a notice, and the usual one answers."""
    if conversation_id is None or "model" in args.given or args.adapter or args.baseline:
        return args
    leaf = store.conversation(conversation_id).leaf_id
    answers = [message for message in store.thread(leaf) if message.role == "assistant"] if leaf is not None else []
    params = answers[-1].params if answers else {}
    ref, adapter = params.get("model_ref"), params.get("adapter_ref")
    if not ref:
        return args
    found = _others(args, ref) if params.get("baseline") else _pair_of(args, ref, adapter)
    try:
        find_pair(found, download=False)
    except LacieError as error:
        notices.append(f"The model of this conversation can't answer: {error}.")
        return args
    return found


def _options_now(args: argparse.Namespace, speaker: Speaker, last: "ChatSpeaker") -> str:
    """The options that name what answered `last`: another model or adapter may have been chosen inside."""
    now = last.origin
    if now is None or (now.model_ref, now.adapter_ref) == (speaker.model.ref, speaker.adapter and speaker.adapter.ref):
        return speaker_options(args)
    return speaker_options(_pair_of(args, now.model_ref, now.adapter_ref))


def _pair_of(args: argparse.Namespace, model: str, adapter: str | None) -> argparse.Namespace:
    """The options as they are, with another model, and this adapter or none."""
    found = _others(args, model)
    if adapter != adapter_ref(found):
        found.adapter, found.baseline = adapter, adapter is None
    return found


def _others(args: argparse.Namespace, ref: str) -> argparse.Namespace:
    """The options as they are, with another model, and the adapter that `lacie chat --model` takes for it, or that of
    MODEL+ADAPTER."""
    model, adapter = model_and_adapter(ref)
    alone = adapter is None and model != ref  # MODEL+none
    given = {name: value for name, value in args.given.items() if name not in ("model", "adapter")}
    if adapter is not None or model != args.usual_model:  # to which the settings file may give an adapter
        given["model"] = model
    settings = settings_of(args)  # the context and the like may have been changed inside, too
    run = {name: settings.held(name).value for name in ("context", "threads", "gpu_layers")}
    who = {"model": model, "adapter": adapter, "baseline": alone}
    return argparse.Namespace(**{**vars(args), **run, **who, "given": given})


def _say_how_to_go_on(conversation_id: str | None, store: Store, options: str) -> None:
    """One line when the screen is given back; nothing for a conversation that is empty, deleted or kept nowhere."""
    if conversation_id is None or store.path is None:
        return
    with suppress(StoreError):
        known = store.conversation(conversation_id).id
        note(f"to go on: {' '.join(filter(None, ('lacie', options, '--resume', known)))}")


def app_of(args: argparse.Namespace, speaker: Speaker, store: Store, **more: Any) -> "LacieApp":
    """The interface over a speaker, as the options ask for it; not running yet. `more` are LacieApp's own arguments."""
    from lacie_chat.tui.app import LacieApp

    return LacieApp(chat_speaker(speaker), store, settings=settings_of(args), find=finder(args), **more)


def finder(args: argparse.Namespace) -> "Find":
    """What gives the speaker of another model by its REF."""
    from lacie_chat.chat.choosing import Found

    def find(ref: str, on_progress: OnProgress) -> Found:
        """Another model, run as this one."""
        told: list[str] = []
        found = find_speaker(_others(args, ref), on_progress=on_progress, tell=told.append)
        return Found(chat_speaker(found), tuple(filter(None, told)))

    return find


def chat_speaker(speaker: Speaker) -> "ChatSpeaker":
    """The same as a chat takes it."""
    from lacie_chat.chat.speaker import ChatSpeaker, Origin

    def origin_of(model: ResolvedModel, adapter: ResolvedModel | None) -> Origin:
        paths = model.path, adapter.path if adapter else None
        shipped = shipped_calibrator(*paths, speaker.listener.version)
        return Origin(model.ref, adapter.ref if adapter else None, pair_fingerprint(*paths), shipped)

    return ChatSpeaker(
        engine_factory=speaker.engine,
        engine_with=speaker.engine_with,
        calibrators_at=speaker.calibrators_at,
        model_name=speaker.model.name,
        adapter_name=speaker.adapter.name if speaker.adapter else None,
        calibrator=speaker.calibrator,
        baseline_calibrator=speaker.baseline_calibrator,
        origin=origin_of(speaker.model, speaker.adapter),
        baseline_origin=origin_of(speaker.model, None),
        sampling=speaker.recommended,
        can_think=speaker.can_think,
        assessment_version=speaker.listener.version,
        adapter_path=speaker.adapter_path,
    )
