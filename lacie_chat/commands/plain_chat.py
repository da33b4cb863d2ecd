"""`lacie chat --plain`: the chat in plain lines, for a screen reader, a dumb terminal, a pipe.

Nothing here moves a cursor, draws a colour or writes over what stands there. An answer comes in whole sentences, since
a screen reader says what it gets at once; then one line with its figures in words. It is the same session as the
screen's (chat/): what is asked here is kept in the same history, branches and marks as there.

A line that ends with a backslash goes on in the next one: a terminal gives a program at most 4,095 characters of one.
"""

import io
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from queue import Empty, Queue

from lacie_chat.chat.choosing import Find
from lacie_chat.chat.events import ChatEvent, Loaded, LoadFailed, Notice, TextAdded, ThoughtAdded, TurnChanged
from lacie_chat.chat.fit import what_goes
from lacie_chat.chat.going_on import stopped_early, why_it_stays
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.chat.tree import Turn
from lacie_chat.commands.plain_models import PlainModels
from lacie_chat.commands.plain_saving import PlainSaving
from lacie_chat.commands.plain_settings import set_by_line, settings_lines
from lacie_chat.commands.plain_words import HELP, SHOWN, details_lines, ending_line, figures_line, named
from lacie_chat.conversations import Store, StoreError, why_unmarkable
from lacie_chat.cut_off import not_sent_words
from lacie_chat.engine.events import PromptSize
from lacie_chat.errors import LacieError
from lacie_chat.names import pair_name
from lacie_chat.printable import printable
from lacie_chat.streams import read_line

QUIT_SECONDS = 5.0
"""How soon a second ctrl+c must follow to quit: longer than on the screen, for what the first says takes its time."""

_COMMAND = re.compile(r"/([a-zA-Z-]*)(?:[ \t]+(\S.*))?", re.DOTALL)
_TAKE_MORE = ("export", "history", "model", "settings")
"""Commands that something may follow."""
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)*_]*[ \n]|\n")
_SILENT = "(The engine doesn't answer. Ctrl+c stops the answer and starts a new engine.)"
_WAIT = 0.2

_LEAVING_UNDECIDED = ("go-on", "help", "details")
"""Commands that leave it open what becomes of a question that doesn't fit."""


class _Ended(Exception):
    """There is nothing more to read, or the user has had enough."""


@dataclass
class PlainChat:
    """One chat in lines. `open_session` makes its session over what hears the events; `resume` is the id of a
    conversation to go on with. Lines come from standard input and go to standard output."""

    open_session: Callable[[Callable[[ChatEvent], object]], ChatSession]
    store: Store
    resume: str | None = None
    find: Find | None = None
    """Gives the speaker of another model."""
    _events: "Queue[ChatEvent]" = field(default_factory=Queue)
    _interrupted: float = float("-inf")
    _held_back: str = ""
    _models: PlainModels | None = None

    def run(self) -> ChatSession:
        """Until its end; the session is returned, closed. Raises LacieError where the model can't be loaded."""
        self.session = session = self.open_session(self._events.put)
        self._saving = PlainSaving(session, self._say)
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # a byte that is no text takes no line along
        try:
            session.start()
            self._wait_for_model()
            if self.resume is not None:
                self._open(self.resume)
            else:
                self._say(f"{self._who()}. Type a question and press enter; /help says the commands, /quit ends.")
            while True:
                self._take(self._read())
        except _Ended:
            return session
        finally:
            session.close()

    # Reading and saying

    def _say(self, line: str) -> None:
        print(printable(line), flush=True)

    def _read(self) -> str:
        """What is asked next, of one line or of several that end with a backslash."""
        lines: list[str] = []
        while True:
            try:
                line = self._line("You: " if not lines else "... ")
            except KeyboardInterrupt:
                print(flush=True)
                lines = []
                self._interrupt()
                continue
            self._interrupted = float("-inf")
            lines.append(line.removesuffix("\\"))
            if not line.endswith("\\"):
                return "\n".join(lines).strip()

    @staticmethod
    def _line(prompt: str) -> str:
        """Read without readline, which draws over the line that is typed."""
        print(prompt, end="", flush=True)
        line = read_line()
        if not line:
            print(flush=True)
            raise _Ended
        if not sys.stdin.isatty():
            print(printable(line.rstrip("\r\n")), flush=True)  # nobody has typed it here: what is said belongs to it
        return line.rstrip("\r\n")

    def _interrupt(self) -> None:
        if time.monotonic() - self._interrupted < QUIT_SECONDS:
            raise _Ended
        self._interrupted = time.monotonic()
        self._say("Ctrl+c once more quits; /quit does, too.")

    def _take(self, text: str) -> None:
        """Do what a line asks for. As in the screen's composer: a lone word after a slash is never sent, `//` sends
        one. A question that doesn't fit is kept and not sent, unless the next line says otherwise."""
        command = _COMMAND.fullmatch(text)
        self._saving.heard(text)
        if text and (command is None or command[1].lower() not in _LEAVING_UNDECIDED):
            self._leave_undecided()
        if text.startswith("//"):
            self._follow(self.session.send(text[1:]))
        elif command is None or (command[2] and command[1].lower() not in _TAKE_MORE):
            if text:
                self._follow(self.session.send(text))
        elif command[1].lower() in HELP:
            getattr(self, f"_do_{command[1].lower().replace('-', '_')}")(command[2] or "")
        else:
            near = get_close_matches(command[1].lower(), HELP, n=1)
            meant = f" Is it /{near[0]}?" if near else ""
            self._say(
                f"There is no command /{command[1]} here.{meant} /help says them, //{command[1]} sends it as text."
            )

    # An answer

    def _follow(self, turn: Turn) -> None:
        """Say an answer as it comes, and then its figures. Ctrl+c stops it; what is there already is kept."""
        self._held_back, began, thought, noted, waits = "", False, False, "", True
        while waits and turn.phase != "undecided" and not (began and _settled(turn) and self._events.empty()):
            try:
                if not began:
                    print("Answer: ", end="", flush=True)
                    began = True
                match self._next():
                    case ThoughtAdded(which) if which is turn and not thought:
                        thought = True
                        self._say("(thinking)")
                    case TextAdded(which, text) if which is turn:
                        self._add(text)
                    case TurnChanged(which) if which is turn and turn.note not in ("", noted) and turn.unfit is None:
                        noted = turn.note
                        self._say(f"({noted})")
                    case Notice(message):
                        self._say(f"Note: {message}")
                    case _ if self.session.keeper.silent and noted != _SILENT:
                        noted = _SILENT
                        self._say(noted)
            except KeyboardInterrupt:  # wherever in it: the terminal may be slow
                waits = self.session.cancel()  # else it is written, and being listened to
                if self.session.keeper.silent:
                    self.session.keeper.renew()
        if turn.phase == "undecided" and turn.unfit is not None:
            self._ask_what_to_do(turn, turn.unfit, began=began)
            return
        self._add("", whole=True)
        self._say_how_it_ended(turn)
        self._saving.remind()
        if not waits:
            self._say("Not waited for: how sure it sounds. It is found out all the same.")

    def _ask_what_to_do(self, turn: Turn, size: PromptSize, *, began: bool) -> None:
        print("" if began else "Answer: ", end="", flush=True)
        self._say("none yet." if turn.earlier is None else "not gone on yet.")
        sends, leaves = ("goes on", "leaves it as it is") if size.said else ("sends it", "doesn't send it")
        self._say(f"It doesn't fit. {turn.note}")
        self._say(f"/go-on {sends} without {what_goes(size)}; any other line {leaves}.")

    def _leave_undecided(self) -> None:
        turn = self.session.undecided
        if turn is not None:
            goes_on = turn.earlier is not None
            self.session.cancel()
            self._say("Left as it is." if goes_on else f"The question before is kept, {not_sent_words(turn.usage)}.")

    def _say_how_it_ended(self, turn: Turn) -> None:
        for line in filter(None, (ending_line(turn), figures_line(turn))):
            self._say(line)

    def _next(self) -> ChatEvent | None:
        try:
            return self._events.get(timeout=_WAIT)
        except Empty:
            return None

    def _add(self, text: str, *, whole: bool = False) -> None:
        """Say what is a sentence or a line by now; the `whole` at the end of the answer."""
        self._held_back += text
        ends = [found.end() for found in _SENTENCE_END.finditer(self._held_back)]
        cut = len(self._held_back) if whole else ends[-1] if ends else 0
        said, self._held_back = self._held_back[:cut], self._held_back[cut:]
        if said:
            print(printable(said), end="", flush=True)
        if whole:
            print(flush=True)

    # The commands

    def _do_help(self, _: str) -> None:
        for word, meaning in HELP.items():
            self._say(f"/{word}: {meaning}.")
        self._say("Ctrl+c stops an answer, twice quits. A line that ends with a backslash goes on in the next one.")

    def _do_again(self, _: str) -> None:
        if (turn := self._last()) is not None:
            self._follow(self.session.regenerate(turn))

    def _do_go_on(self, _: str) -> None:
        if (undecided := self.session.undecided) is not None:
            self.session.send_cut()
            self._follow(undecided)
        elif (turn := self._last()) is not None:
            if not stopped_early(turn):
                self._say("The last answer has come to its end.")
            elif reason := why_it_stays(self.session, turn):
                self._say(reason)
            else:
                self.session.go_on(turn)
                self._follow(turn)

    def _do_right(self, _: str) -> None:
        self._mark(True)

    def _do_wrong(self, _: str) -> None:
        self._mark(False)

    def _mark(self, correct: bool) -> None:
        if (turn := self._last()) is None:
            return
        if reason := why_unmarkable(turn.role, turn.assessment.state if turn.assessment else None):
            self._say(f"{reason[0].upper()}{reason[1:]}.")
            return
        self.session.tree.mark(turn, None if turn.correct is correct else correct)
        word = "right" if correct else "wrong"
        self._say(f"Marked {word}." if turn.correct is correct else "The mark is taken back.")

    def _do_details(self, _: str) -> None:
        if (turn := self._last()) is not None:
            for line in details_lines(turn):
                self._say(line)

    def _do_model(self, wanted: str) -> None:
        if self.find is None:
            self._say("No other model can be chosen here.")
            return
        self._models = self._models or PlainModels(self.session, self.find, self._say)
        if not wanted:
            self._models.show()
        elif reason := self.session.why_unchangeable:
            self._say(reason)
        elif found := self._models.take(wanted):
            for line in found.told:
                self._say(f"Note: {line}")
            self._change(found.speaker)

    def _do_settings(self, text: str) -> None:
        if not text:
            for line in settings_lines(self.session):
                self._say(line)
            return
        lines, loads = set_by_line(self.session, text)
        for line in lines:
            self._say(line)
        if loads:
            self._change(self.session.making.run_otherwise(self.session.speaker))

    def _change(self, speaker: ChatSpeaker) -> None:
        """Let this one answer; ctrl+c stops its loading, and the one before is back."""
        while not self._events.empty():
            self._events.get()  # what came before it
        self.session.change_speaker(speaker)
        self._say(f"Loading {speaker.model_name}.")
        while True:
            try:
                event = self._next()
            except KeyboardInterrupt:
                self.session.stop_loading()
                continue
            match event:
                case Loaded():
                    break
                case LoadFailed(reason):
                    self._say(f"{reason.rstrip('.')}.")
                    return
                case Notice(message):
                    self._say(f"Note: {message}")
        self._say(f"From now on: {self._who()}.")

    def _do_baseline(self, _: str) -> None:
        if self.session.speaker.adapter_name is None:
            self._say("This model has no adapter: it is its own baseline.")
            return
        self.session.baseline = not self.session.baseline
        self._say(f"From now on: {self._who()}.")

    def _do_export(self, place: str) -> None:
        self._saving.export(place)

    def _do_keep(self, _: str) -> None:
        self._saving.keep()

    def _do_new(self, _: str) -> None:
        if self._saving.may_leave("new"):
            self.session.new_chat()
            self._say("A new conversation.")

    def _do_history(self, which: str) -> None:
        try:
            kept = [each for each in self.store.list_conversations(5 * SHOWN) if each.messages][:SHOWN]
            if which and self._saving.may_leave(f"history {which}"):
                place = int(which) if which.isdecimal() and len(which) < 3 else 0
                self._open(kept[place - 1].id if 0 < place <= len(kept) else self.store.find(which).id)
        except StoreError as error:
            self._say(f"{error}.")
            return
        if which:
            return
        if not kept:
            self._say("There is no conversation yet.")
        for number, each in enumerate(kept, 1):
            count = f"{each.messages} message{'' if each.messages == 1 else 's'}"
            self._say(f"{number}: {named(each.title)} {count}, {each.updated_at.astimezone():%Y-%m-%d %H:%M}.")

    def _do_quit(self, _: str) -> None:
        if self._saving.may_leave("quit"):
            raise _Ended

    # What is there

    def _open(self, conversation_id: str) -> None:
        """Go on with a conversation, and say how it ended."""
        self.session.open(conversation_id)
        self._say(f"{self._who()}. Going on with: {named(self.session.tree.title)}")
        if self.session.tree.damage:
            self._say(self.session.tree.damage)
        for turn in self.session.tree.path()[-2:]:
            self._say(f"{'You' if turn.role == 'user' else 'Answer'}: {turn.text}")
        if (leaf := self.session.tree.leaf) is not None and leaf.role == "assistant":
            self._say_how_it_ended(leaf)

    def _last(self) -> Turn | None:
        turn = next((each for each in reversed(self.session.tree.path()) if each.role == "assistant"), None)
        if turn is None:
            self._say("There is no answer yet.")
        return turn

    def _who(self) -> str:
        speaker = self.session.speaker
        if self.session.baseline:
            return f"{speaker.model_name}, the baseline"
        return pair_name(speaker.model_name, speaker.adapter_name)

    def _wait_for_model(self) -> None:
        """Raises LacieError with the reason if it can't be loaded, _Ended where the user doesn't want to wait."""
        while True:
            try:
                event = self._next()
            except KeyboardInterrupt:
                raise _Ended from None
            match event:
                case Loaded():
                    return
                case LoadFailed(reason):
                    raise LacieError(reason)
                case Notice(message):
                    self._say(f"Note: {message}")


def _settled(turn: Turn) -> bool:
    """Is all there that is to come of it? Between its end and the listener it is done for an instant."""
    heard = turn.assessment is not None or bool(turn.problem)
    to_hear = turn.status in ("complete", "cancelled") and bool(turn.text.strip()) and not turn.thought_only
    return turn.status != "streaming" and turn.phase == "done" and not turn.drawing and (heard or not to_hear)
