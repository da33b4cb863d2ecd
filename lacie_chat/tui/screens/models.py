"""Another model to answer: what is on this machine, what is worth getting, or one of the Hub by its name.

One types to filter; what looks like a name on the Hub or a path can be taken as it is. The list opens at once and fills
as it is found out (chat/choosing.py); what isn't here is fetched after a question, with a line that says how far it is.
"""

from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from lacie_chat.chat.choices import Choice, Closer, ref_of
from lacie_chat.chat.choosing import (
    Choosing,
    Chosen,
    Fetching,
    Found,
    Listed,
    LookedAt,
    Offered,
    Refused,
)
from lacie_chat.chat.session import ChatSession
from lacie_chat.confidence import bar
from lacie_chat.models import Offer
from lacie_chat.models.needs import needed, too_big
from lacie_chat.names import pair_name
from lacie_chat.printable import printable
from lacie_chat.sizes import size_text
from lacie_chat.tui.figures import DIM
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.messages import FromChoosing
from lacie_chat.tui.screens.base import SHORT, STEPS, SizedScreen, TitleBar
from lacie_chat.tui.screens.confirm import ConfirmScreen
from lacie_chat.tui.widgets.fitting_footer import FittingFooter
from lacie_chat.tui.widgets.line_layout import WITHIN, unbroken


class ModelsScreen(SizedScreen[Found | None]):
    """Dismissed with the model that was chosen, which is here and can answer, or None: then what is being fetched goes
    on. `ref` stands in the filter; `take`: and is taken at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Change to it", id="models.choose"),
        Binding("escape", "close", "Back", id="models.close"),
        Binding("ctrl+x", "stop", "Stop fetching", id="models.stop", priority=True),
        *STEPS,
    ]

    search = getters.query_one(Input)
    models = getters.query_one(OptionList)
    progress = getters.query_one("#models-progress", Static)

    def __init__(self, session: ChatSession, choosing: Choosing, ref: str = "", *, take: bool = False) -> None:
        super().__init__()
        self._speaker, info = session.speaker, session.info
        self._taken = info.size_bytes if info is not None else 0
        context = session.making.held("context", session.speaker).value
        self._context_set = context if isinstance(context, int) else None
        self._at_work = "" if session.load_error else ref_of(session.speaker)
        self._choosing, self._hears_else = choosing, choosing.post
        self._take = take
        self._ref = ref
        self._listed: Listed | None = None
        self._closer: dict[str, Closer] = {}
        self._rows: list[Choice | None] = []
        """What stands in each row of the list; None for a heading."""

    @property
    def writing_place(self) -> Input:
        return self.search

    def compose_screen(self) -> ComposeResult:
        yield TitleBar("models")
        yield Input(self._ref, placeholder="Filter, owner/repo[:QUANT] or path", id="search", compact=True)
        yield Static(id="models-progress", classes="-unused", markup=False)
        yield OptionList(id="models")
        yield FittingFooter()

    def on_mount(self) -> None:
        self._fill()
        self.search.focus()
        self._choosing.post = lambda event: self.post_message(FromChoosing(event))
        self._choosing.look(self._speaker, taken=self._taken, context=self._context_set)
        if self._choosing.fetching is not None:
            self._show_fetching(self._choosing.fetching)
        if self._take:
            self._choose(Choice(self._ref, self._ref, 0))

    def on_resize(self) -> None:
        self._fill()

    # What the user does

    def on_input_changed(self) -> None:
        self._fill()

    def on_input_submitted(self) -> None:
        self.action_choose()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._choose(self._rows[event.option_index])

    def action_move(self, action: str) -> None:
        getattr(self.models, f"action_{action}")()

    def action_choose(self) -> None:
        index = self.models.highlighted
        self._choose(self._rows[index] if index is not None and index < len(self._rows) else None)

    def action_close(self) -> None:
        if self._choosing.busy and self._choosing.fetching is None:
            self.stop()  # it was only being looked for
        elif self.search.value and not self._choosing.busy:
            self.search.value = ""
        else:
            self._leave(None)

    def action_stop(self) -> None:
        self.stop()

    def stop(self) -> bool:
        kept = " What was fetched is kept: it goes on from there." if self._choosing.fetching is not None else ""
        if not self._choosing.stop():
            return False
        self._show_progress("")
        self.notify(f"Stopped.{kept}", timeout=4)
        self.refresh_bindings()
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._choosing.busy if action == "stop" else True

    def _leave(self, found: Found | None) -> None:
        self._choosing.look_away()
        self._choosing.post = self._hears_else
        self.dismiss(found)

    def _choose(self, choice: Choice | None) -> None:
        if choice is None:
            return
        if self._choosing.busy:
            self.notify(f"One at a time: {key_of(self, 'models.stop')} stops what is being fetched.", timeout=4)
            return
        if choice.ref == self._at_work:
            self.notify(f"{choice.name} answers already.", timeout=3, markup=False)
            return
        self._show_progress(f"Looking at {choice.ref}…")
        self._choosing.choose(choice.ref)
        self.refresh_bindings()

    # What is found out

    def on_from_choosing(self, message: FromChoosing) -> None:
        match message.event:
            case Listed() as listed:
                self._listed = listed
                self._fill()
            case LookedAt(ref, closer):
                self._closer[ref] = closer
                self._redraw(ref)
            case Offered(offer, ref):
                self._show_progress("")
                self._ask(offer, ref)
            case Fetching() as fetching:
                self._show_fetching(fetching)
            case Chosen(found):
                self._leave(found)
            case Refused(reason):
                self.refresh_bindings()
                self._show_progress("")
                self.notify(reason, title="No change", severity="error", timeout=12, markup=False)

    def _ask(self, offer: Offer, ref: str) -> None:
        """Fetch it? With its size, what is here of it already, and what it needs."""
        lines = [f"Fetch {offer.name} ({size_text(offer.size_bytes)}) from the Hub?"]
        if offer.missing_bytes < offer.size_bytes:
            lines.append(f"{size_text(offer.size_bytes - offer.missing_bytes)} of it are here from an earlier try.")
        if told := too_big(needed(offer.size_bytes), self._listed.free if self._listed else None):
            lines.append(f"It needs {told}.")
        if offer.others:
            more = ", …" if len(offer.others) > 8 else ""
            lines.append(f"Also there: {', '.join(offer.others[:8])}{more} (type them behind a colon).")

        def answered(sure: bool | None) -> None:
            if sure:
                self._show_progress(f"Fetching {offer.name}…")
                self._choosing.fetch(ref)
                self.refresh_bindings()

        self.app.push_screen(ConfirmScreen(printable("\n".join(lines)), "Fetch", "Not now"), answered)

    # What is shown

    def _show_fetching(self, fetching: Fetching) -> None:
        self._show_progress(
            f"{bar(fetching.fraction)} {fetching.text}",
            f"{key_of(self, 'models.stop')} stops · {key_of(self, 'models.close')}: it goes on while you chat",
        )

    def _show_progress(self, text: str, hint: str = "") -> None:
        self.progress.set_class(not text, "-unused")
        self.progress.update(Content.assemble(printable(text), (f"  {unbroken(hint)}" if hint else "", DIM)))

    def _groups(self) -> list[tuple[str, list[Choice]]]:
        """The headings, and what stands under each, as the filter has it."""
        typed = self.search.value.strip()
        words = typed.split()
        listed = self._listed
        here = [choice for choice in (listed.here if listed else ()) if choice.matches(words)]
        here.sort(key=lambda choice: choice.ref != self._at_work)
        over = [choice for choice in (listed.adapters if listed else ()) if choice.matches(words)]
        there = [choice for choice in (listed.catalogue if listed else ()) if choice.matches(words)]
        groups = [
            ("On this machine", here),
            (f"Adapters over {self._speaker.model_name}", over),
            ("Worth getting", there),
        ]
        found = [*here, *over, *there]
        known = any(typed.lower() == choice.ref.lower() for choice in found)
        if typed and not known and (looks_like_ref(typed) or not found):
            groups.append(("As typed", [Choice(typed, typed, 0)]))
        return [group for group in groups if group[1]]

    def _fill(self) -> None:
        options = self.models
        before = self._highlighted()
        self._rows = []
        shown: list[Option] = []
        for heading, choices in self._groups():
            self._rows += [None, *choices]
            above = "\n" if shown and self.size.height >= SHORT else ""
            shown += [Option(Content.styled(above + heading, "bold $text-primary"), disabled=True)]
            shown += [Option(self._content(choice)) for choice in choices]
        if self._listed is None:
            self._rows.append(None)
            shown.append(Option(Content.styled("Looking what is on this machine…", DIM), disabled=True))
        else:
            notes = self._listed.notes if not self.search.value else ()
            self._rows += [None] * len(notes)
            shown += [Option(Content.styled(f"! {printable(note)}", "$text-warning"), disabled=True) for note in notes]
        options.set_options(shown)
        found = [index for index, row in enumerate(self._rows) if row is not None]
        same = [index for index in found if before is not None and self._rows[index] == before]
        options.highlighted = next(iter([*same, *found]), None)

    def _redraw(self, ref: str) -> None:
        for index, row in enumerate(self._rows):
            if row is not None and row.ref == ref and row.path is not None:
                self.models.replace_option_prompt_at_index(index, self._content(row))

    def _highlighted(self) -> Choice | None:
        index = self.models.highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def _content(self, choice: Choice) -> Content:
        """A row: the name and what marks it; its size, what it needs and where it is; why one would want it."""
        closer = self._closer.get(choice.ref, Closer()) if choice.path is not None else Closer()
        marks = [("current", "$text-success")] if choice.ref == self._at_work else []
        marks += [("LACIE-trained", "$text-primary")] if closer.trained and not closer.adapter else []
        marks += [("calibrated", "$text-primary")] if closer.calibrated else []
        title = Content.assemble(
            (printable(pair_name(choice.name, closer.adapter)), DIM if closer.unusable else "bold"),
            *((f"  {mark}", style) for mark, style in marks),
        )
        if not choice.size_bytes:
            about = unbroken(WITHIN.join(choice.facts)) or "Fetched from the Hub, if it isn't here"
            return title + Content.styled(f"\n{printable(about)}", DIM)
        facts = [size_text(choice.size_bytes), choice.quantisation, *choice.facts, choice.source]
        need = closer.needs or needed(choice.size_bytes)
        big = too_big(need, self._listed.free if self._listed else None)
        if closer.unusable:
            facts.append(closer.unusable)
        elif not big:
            facts.insert(2, f"needs about {size_text(need)}")
        lines = [title, Content.styled(unbroken(printable(WITHIN.join(filter(None, facts)))), DIM)]
        if big and not closer.unusable:
            lines.append(Content.styled(f"Too big for now: {big}", "$text-warning"))
        if self.size.height >= SHORT and not closer.unusable:
            more = choice.why or (choice.ref if choice.ref != choice.name else "")
            lines += [Content.styled(printable(more), DIM)] if more else []
        return Content("\n").join(lines)


def looks_like_ref(text: str) -> bool:
    """Is it a name on the Hub, an address or a path, rather than words to look for?"""
    return " " not in text.strip() and ("/" in text or "\\" in text or ":" in text or text.lower().endswith(".gguf"))
