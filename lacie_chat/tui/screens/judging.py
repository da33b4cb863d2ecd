"""The study as a person sees it: one question, one answer, three keys; nothing that tells who answered.

It knows only what it shows (`Shown`) and the person's own file. A judgement is on the disk before the next item comes
up, so quitting, at any time and in any way, loses at most the item in hand.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from lacie_chat.errors import LacieError
from lacie_chat.printable import printable
from lacie_chat.settings import read_settings
from lacie_chat.study import SURE_WORDS, Judgement, PersonFile, Shown
from lacie_chat.tui.drawing import DrawsWhole
from lacie_chat.tui.harmless import ShowsHarmless
from lacie_chat.tui.interface_state import read_state
from lacie_chat.tui.screens.base import SHORT, SizedScreen, TitleBar
from lacie_chat.tui.themes import Coloured
from lacie_chat.tui.told_to_end import EndsWhenTold
from lacie_chat.tui.widgets.fitting_footer import FittingFooter
from lacie_chat.tui.widgets.line_layout import flowed

DIM = "$foreground 65%"
LABEL_WIDTH = 20
NARROW = 60
"""Columns of a terminal under which what can be chosen stands below the question."""

STEPS = ("verdict", "sure", "known")
LABELS = {"verdict": "Do you accept it?", "sure": "How sure are you?", "known": "Did you know it?"}
CHOICES: dict[str, tuple[tuple[str, str], ...]] = {
    "verdict": (("a", "accept"), ("r", "reject")),
    "sure": tuple((str(number), word) for number, word in SURE_WORDS.items()),
    "known": (("y", "yes"), ("n", "no")),
}

INTRO = (
    "You will read questions, each with an answer that a language model gave. Some answers are right, some are wrong.",
    ("Accept or reject.", " Going by how the answer sounds, would you take it as true? Then accept it."
     " Would you rather not rely on it? Then reject it."),
    ("How sure?", " How sure you are of that, from 1 (guessing) to 5 (certain)."),
    ("Did you know it?", " Whether you could have answered the question before you read the answer."
     " Neither is a fault. Please look nothing up."),
    "A few items check that answers are read to their end; do as they say.",
    "Each judgement is kept at once. Quit when you like, and go on later under the same name.",
)  # fmt: skip


class StudyApp(DrawsWhole[None], EndsWhenTold[None], ShowsHarmless[None], Coloured[None]):
    """`plan`: all that this person is shown, in order; `file`: where their judgements go, and what is there already."""

    TITLE = "lacie study"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["../styles/lacie.tcss", "../styles/study.tcss"]
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(self, plan: Sequence[Shown], file: PersonFile, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._judging = JudgingScreen(plan, file, clock)

    def get_default_screen(self) -> Screen[None]:
        return self._judging

    def on_mount(self) -> None:
        self.show_theme(str(read_settings().values.get("theme", read_state().theme)))
        self.push_screen(IntroScreen(self._judging.done, self._judging.total))


class IntroScreen(SizedScreen[None]):
    """What is asked of the person; at the start, and on a key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space,escape", "dismiss", "Go on", key_display="enter"),
        Binding("q", "app.quit", "Quit"),
    ]

    def __init__(self, done: int, total: int) -> None:
        super().__init__()
        self._done, self._total = done, total

    def compose_screen(self) -> ComposeResult:
        yield TitleBar("study")
        with VerticalScroll(id="study-intro"):
            yield Static(self._text(), markup=False)
        yield FittingFooter()

    def on_mount(self) -> None:
        self.query_one("#study-intro").focus()

    def _text(self) -> Content:
        parts = [
            Content(part) if isinstance(part, str) else Content.assemble((part[0], "bold $text-primary"), part[1])
            for part in INTRO
        ]
        where = f"{self._done} of {self._total} are done; enter goes on." if self._done else f"{self._total} items."
        return Content("\n\n").join([*parts, Content.styled(where, "bold")])


class JudgingScreen(SizedScreen[None]):
    """One item after the other; the three steps of each are keys alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "verdict(True)", "Accept", show=False),
        Binding("r", "verdict(False)", "Reject", show=False),
        *(Binding(str(number), f"sure({number})", word, show=False) for number, word in SURE_WORDS.items()),
        Binding("y", "known(True)", "Knew it", show=False),
        Binding("n", "known(False)", "Didn't know it", show=False),
        Binding("enter", "keep", "Keep as it was", key_display="enter"),
        Binding("b,backspace", "back", "Back", key_display="b"),
        Binding("f1,question_mark", "intro", "What to do", key_display="f1"),
        Binding("q", "app.quit", "Quit"),
    ]

    def __init__(self, plan: Sequence[Shown], file: PersonFile, clock: Callable[[], float]) -> None:
        super().__init__()
        self._plan, self._file, self._clock = list(plan), file, clock
        self._place = 0
        self._accepted: bool | None = None
        self._sure: int | None = None
        self._since = clock()
        self._problem = ""

    @property
    def total(self) -> int:
        return len(self._plan)

    @property
    def done(self) -> int:
        """How many items are judged."""
        return sum(each.item in self._file.judgements for each in self._plan)

    @property
    def step(self) -> str:
        """What is to be answered next; empty at the end."""
        if self._place >= self.total:
            return ""
        return STEPS[(self._accepted is not None) + (self._sure is not None)]

    def compose_screen(self) -> ComposeResult:
        yield Static(id="study-title", classes="title-bar", markup=False)
        yield Static(id="study-progress", markup=False)
        with VerticalScroll(id="study-item"):
            yield Static("Question", classes="label of-item")
            yield Static(id="study-question", classes="of-item", markup=False)
            yield Static("Answer", classes="label of-item")
            yield Static(id="study-answer", classes="of-item", markup=False)
            yield Static(id="study-earlier", classes="of-item", markup=False)
            yield Static(id="study-end", markup=False)
        yield Static(id="study-steps", markup=False)
        yield FittingFooter()

    def on_mount(self) -> None:
        self.query_one("#study-item").focus()
        self._go_on()

    def on_resize(self) -> None:
        self._draw()

    def on_screen_resume(self) -> None:
        self._since = self._clock()  # reading what to do is no time spent on the item

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key works only in its step, and shows in the footer only where it does something."""
        if action in STEPS:
            return action == self.step
        if action == "back":
            return self._place > 0 or self._accepted is not None
        if action == "keep":
            return bool(self.step) and self._plan[self._place].item in self._file.judgements
        return True

    # The keys

    def action_verdict(self, accepted: bool) -> None:
        self._accepted = accepted
        self._draw()

    def action_sure(self, sure: int) -> None:
        self._sure = sure
        self._draw()

    def action_known(self, known: bool) -> None:
        assert self._accepted is not None and self._sure is not None  # check_action holds this
        seconds = self._clock() - self._since
        item = self._plan[self._place].item
        try:
            self._file.add(Judgement(item, self._accepted, self._sure, known, seconds))
        except LacieError as error:
            self._problem = f"Not kept: {error}"
            self._draw()
            return
        self._go_on()

    def action_back(self) -> None:
        """Take back the last key; at the first of an item, go to the item before, to correct it."""
        if self._sure is not None:
            self._sure = None
        elif self._accepted is not None:
            self._accepted = None
        else:
            self._show(self._place - 1)
            return
        self._draw()

    def action_keep(self) -> None:
        """Leave an earlier judgement as it was."""
        self._go_on()

    def action_intro(self) -> None:
        self.app.push_screen(IntroScreen(self.done, self.total))

    # What is seen

    def _go_on(self) -> None:
        """To the first item that is not judged yet; past the last, to the end."""
        todo = (place for place, each in enumerate(self._plan) if each.item not in self._file.judgements)
        self._show(next(todo, self.total))

    def _show(self, place: int) -> None:
        self._place, self._problem = place, ""
        self._accepted = self._sure = None
        self._since = self._clock()
        ended = place >= self.total
        self.set_class(ended, "-ended")
        self.set_class(not ended, "-judging")
        if ended:
            self.query_one("#study-end", Static).update(self._end())
        else:
            shown = self._plan[place]
            self.query_one("#study-question", Static).update(_shown(shown.question))
            self.query_one("#study-answer", Static).update(answer_content(shown))
            earlier = self._file.judgements.get(shown.item)
            line = self.query_one("#study-earlier", Static)
            line.display = earlier is not None
            line.update(Content(f"You said: {in_words(earlier)}. Enter keeps that." if earlier else ""))
        self.query_one("#study-item").scroll_home(animate=False)
        self._draw()

    def _draw(self) -> None:
        self._draw_progress()
        if self.step:
            self.query_one("#study-steps", Static).update(self._steps())
        self.refresh_bindings()

    def _draw_progress(self) -> None:
        where = f"{self._place + 1} of {self.total}" if self.step else f"all {self.total} judged"
        title = Content.assemble(("lacie", "bold"), f" · study · {self._file.person}")
        room = max(1, self.size.width - 2 - title.cell_length - len(where))
        self.query_one("#study-title", Static).update(title + f"{' ' * room}{where}")
        width = max(1, self.size.width - 2)
        full = width * self.done // max(1, self.total)
        bar = Content.assemble(("━" * full, "$primary"), ("━" * (width - full), "$foreground 20%"))
        self.query_one("#study-progress", Static).update(bar)

    def _steps(self) -> Content:
        said = {
            "verdict": None if self._accepted is None else "accepted" if self._accepted else "rejected",
            "sure": None if self._sure is None else SURE_WORDS[self._sure],
            "known": None,
        }
        lines = []
        for step in STEPS:
            label = f"{LABELS[step]:<{LABEL_WIDTH}}"
            if step == self.step:
                keys = [("  ", Content.assemble((key, "bold $accent"), f" {word}")) for key, word in CHOICES[step]]
                head = Content.assemble(("▸ ", "bold $accent"), (label, "bold"))
                hang = 2 if self.size.width < NARROW else head.cell_length
                rows = flowed(keys, self.size.width - 2 - hang).split("\n")
                lines.append(head if hang == 2 else Content.assemble(head, rows.pop(0)))
                lines += [Content(" " * hang) + row for row in rows]
            elif self.size.height < SHORT:
                continue  # the answer needs the room
            elif said[step] is not None:
                lines.append(Content.assemble(("✓ ", "$success"), (label, DIM), said[step] or ""))
            else:
                lines.append(Content.styled(f"  {label}", "$foreground 40%"))
        if self._problem:
            lines.append(_shown(self._problem).stylize("$text-error"))
        return Content("\n").join(lines)

    def _end(self) -> Content:
        return Content.assemble(
            ("That was the last one. Thank you!", "bold"),
            f"\n\nYour {self.total} judgements are kept in\n{self._file.path}\n\n",
            ("q quits; b goes back to the last one.", DIM),
        )


def answer_content(shown: Shown) -> Content:
    """The answer as it is shown: its text as it is, and a mark where it ran out of room."""
    text = _shown(shown.response).plain.strip()
    if not text:
        return Content.styled("(no answer)", DIM)
    return Content.assemble(text, (" …" if shown.cut else "", DIM))


def _shown(text: str) -> Content:
    """Text of others as the terminal may have it; the layout of the answer stays, so what goes leaves a space."""
    return Content(printable(text.replace("\t", "    "), instead=" "))


def in_words(judgement: Judgement) -> str:
    """An earlier judgement, to read."""
    knew = "knew it" if judgement.known else "did not know it"
    return f"{'accepted' if judgement.accepted else 'rejected'}, {SURE_WORDS[judgement.sure]}, {knew}"
