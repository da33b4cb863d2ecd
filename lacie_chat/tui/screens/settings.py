"""The settings: every option, what holds and who says so; changed in place, for this conversation or for all.

For all means the settings file. What only the file has (who answers, how the model is run, the chat) goes there at
once. A model that is to be run otherwise is loaded again when one goes back, once for all that was changed.
"""

from collections.abc import Callable
from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.message import Message
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option as Row

from lacie_chat.chat.session import ChatSession
from lacie_chat.printable import printable
from lacie_chat.settings import BY_NAME, OPTIONS, PRESET, SCOPES, Option, SettingsError, Value
from lacie_chat.tui.figures import DIM
from lacie_chat.tui.key_names import key_of
from lacie_chat.tui.screens.base import SizedScreen, TitleBar
from lacie_chat.tui.screens.confirm import ChoiceScreen, NameScreen
from lacie_chat.tui.screens.settings_rows import editable_text, row_content
from lacie_chat.tui.widgets.composer import NEWLINE_KEYS
from lacie_chat.tui.widgets.fitting_footer import FittingFooter, hints_of

NO_PRESET, NEW_PRESET = "none", "save all that is set as a new one…"
WRITING = {"settings.edit": "Keep", "settings.close": "As it was"}
"""What the keys do while a value is written."""
AT_ONCE: dict[str, str] = {
    "model": "From the next start on; {chat.model} in the chat changes it now.",
    "adapter": "From the next start on.",
    "context": "The model is loaded again when you go back.",
    "threads": "The model is loaded again when you go back.",
    "gpu_layers": "The model is loaded again when you go back.",
}
"""When a change holds that doesn't at once."""


class Editor(TextArea):
    """Where a value is written. Enter keeps it, as in the composer; a text of several lines gets its own by ctrl+j."""

    class Kept(Message):
        """Enter was pressed."""

    def __init__(self) -> None:
        super().__init__(id="settings-editor", soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False)
        self.display = False
        self.several_lines = False

    async def on_key(self, event: Key) -> None:
        if event.key == "enter" or event.key in NEWLINE_KEYS:
            event.stop()
            event.prevent_default()
            if event.key == "enter":
                self.post_message(self.Kept())
            elif self.several_lines:
                self.replace("\n", *self.selection, maintain_selection_offset=False)


class SettingsScreen(SizedScreen[bool]):
    """Dismissed with whether the model is to be loaded again. `apply` is told of a changed option of the chat, which
    holds at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Change", id="settings.edit"),
        Binding("ctrl+s", "for_all", "For all", id="settings.for_all", priority=True),
        Binding("delete,ctrl+d", "reset", "Take back", id="settings.reset"),
        Binding("escape,ctrl+x", "close", "Back", id="settings.close", priority=True),
    ]

    rows = getters.query_one(OptionList)
    editor = getters.query_one(Editor)
    hint = getters.query_one("#settings-hint", Static)

    def __init__(self, session: ChatSession, apply: Callable[[str, Value | None], object]) -> None:
        super().__init__()
        self._session, self._apply = session, apply
        self._edited: Option | None = None
        self._reload = False
        self._names: list[str | None] = []
        """The option in each row; None for a heading."""

    @property
    def writing_place(self) -> Editor | None:
        return self.editor if self._edited is not None else None

    def compose_screen(self) -> ComposeResult:
        yield TitleBar("settings")
        yield OptionList(id="settings-rows")
        yield Editor()
        yield Static(id="settings-hint", markup=False)
        yield FittingFooter(lambda: hints_of(self, WRITING if self._edited is not None else None))

    def on_mount(self) -> None:
        self._fill()
        self.rows.highlighted = self._names.index(PRESET)
        self.rows.focus()

    def on_resize(self) -> None:
        self._fill()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        name = self._option_name
        if action == "reset":
            return self._edited is None and name is not None
        if action == "for_all":
            return name in BY_NAME and BY_NAME[str(name)].of_answer
        return True

    # What the user does

    def on_option_list_option_highlighted(self) -> None:
        self._show_help()
        self.refresh_bindings()

    def on_option_list_option_selected(self) -> None:
        self.action_edit()

    def on_key(self, event: Key) -> None:
        """What is typed on an option begins another value, as in a table; no key is lost."""
        if not event.is_printable or event.character is None:
            return
        name = self._option_name
        if self._edited is None and name in BY_NAME:
            self._begin(BY_NAME[str(name)])
            self.editor.clear()
        if self._edited is not None:
            event.stop()
            self.editor.insert(event.character)

    def action_edit(self) -> None:
        name = self._option_name
        if name == PRESET:
            self._choose_preset()
        elif name is not None and self._edited is None:
            self._begin(BY_NAME[name])

    def on_text_area_changed(self) -> None:
        if self._edited is not None:
            self._check(self._edited)

    def on_editor_kept(self) -> None:
        self._keep(for_all=False)

    def action_for_all(self) -> None:
        """Keep what is written in the file; with nothing being written, what holds now."""
        name = self._option_name
        if self._edited is None and name is not None:
            held = self._session.making.held(name, self._session.speaker)
            if held.value is not None:
                self._change(BY_NAME[name], held.value, for_all=True)
            return
        self._keep(for_all=True)

    def action_reset(self) -> None:
        """Take back who says it first: this conversation or a flag, else the file."""
        name = self._option_name
        if name == PRESET:
            self._take_preset(None)
        elif name is not None:
            source = self._session.making.held(name, self._session.speaker).source
            if source in ("default", "model"):
                self._say("Nobody sets this; so it is.")
            elif source.startswith("preset "):
                self._say(f"The {source} says so: choose another, or set this here.")
            else:
                self._change(BY_NAME[name], None, for_all=source == "file")

    def action_close(self) -> None:
        if self._edited is not None:
            self._end()
        else:
            self.dismiss(self._reload)

    # Writing a value

    def _begin(self, option: Option) -> None:
        self._edited = option
        self.editor.several_lines = option.kind.several_lines
        self.editor.load_text(editable_text(self._session, option, self.app.theme))
        self.editor.move_cursor(self.editor.document.end)
        self.editor.border_title = option.name
        self.editor.display = True
        self.editor.focus()
        self._check(option)
        self._keep_in_sight()
        self.refresh_bindings()

    def _end(self) -> None:
        self._edited = None
        self.editor.display = False
        self.rows.focus()
        self._show_help()
        self.refresh_bindings()

    def _value(self, option: Option) -> Value | None:
        """What is written; None for nothing, which takes the option back. Raises ValueError with what is allowed."""
        text = self.editor.text
        if not text.strip():
            return None
        value = option.kind.parse(text)
        if option.name == "theme" and value not in self.app.available_themes:
            raise ValueError("a theme that there is; /theme in the chat lists them")
        return value

    def _check(self, option: Option) -> bool:
        try:
            self._value(option)
        except ValueError as wanted:
            self._say(f"✗ not {wanted}", wrong=True)
            return False
        lines = " · ctrl+j: new line" if option.kind.several_lines else ""
        if option.of_answer:
            for_all = key_of(self, "settings.for_all")
            self._say(f"enter: this conversation · {for_all}: for all (file) · escape: as it was{lines}")
        else:
            self._say(f"enter: for all (file) · escape: as it was. {self._when(option)}".rstrip())
        return True

    def _keep(self, *, for_all: bool) -> None:
        option = self._edited
        if option is None or not self._check(option):
            return
        if self._change(option, self._value(option), for_all=for_all or not option.of_answer):
            self._end()

    def _change(self, option: Option, value: Value | None, *, for_all: bool) -> bool:
        """Set it; False, and one line, where the file can't be written."""
        session = self._session
        try:
            if for_all:
                session.making.set_for_all(option.name, value, session.tree.conversation_id)
            else:
                session.making.set_here(option.name, value, session.tree.conversation_id)
        except SettingsError as error:
            self._say(f"✗ {error}", wrong=True)
            return False
        if option.scope == "chat":
            self._apply(option.name, value)
        self._reload |= option.scope == "machine"
        self._fill()
        self._show_help()
        return True

    # Presets

    def _choose_preset(self) -> None:
        making = self._session.making
        names = list(making.settings.file.presets)

        def chosen(name: str | None) -> None:
            if name == NEW_PRESET:
                self.app.push_screen(NameScreen("The new preset's name (one of that name is replaced)", ""), self._save)
            elif name is not None:
                self._take_preset(None if name == NO_PRESET else name)

        now = making.settings.preset_in_use(making.own) or NO_PRESET
        self.app.push_screen(ChoiceScreen("Preset of this conversation", [NO_PRESET, *names, NEW_PRESET], now), chosen)

    def _take_preset(self, name: str | None) -> None:
        self._session.making.take_preset(name, self._session.tree.conversation_id)
        self._fill()
        self._show_help()

    def _save(self, name: str | None) -> None:
        if name is None:
            return
        try:
            self._session.making.save_preset(name, self._session.tree.conversation_id)
        except SettingsError as error:
            self._say(f"✗ {error}", wrong=True)
            return
        self._fill()
        self._show_help()

    # What is shown

    @property
    def _option_name(self) -> str | None:
        index = self.rows.highlighted
        return self._names[index] if index is not None and index < len(self._names) else None

    def _fill(self) -> None:
        """Draw all rows anew; the highlight stays on its option."""
        session, width = self._session, max(self.rows.scrollable_content_region.width - 2, 20)
        kept = self.rows.highlighted
        self._names, rows = [PRESET], [Row(row_content(session, None, width, self.app.theme))]
        for scope, title in SCOPES.items():
            self._names.append(None)
            rows.append(Row(Content.styled(title.partition(";")[0], "bold $text-primary"), disabled=True))
            for option in OPTIONS:
                if option.scope == scope:
                    self._names.append(option.name)
                    rows.append(Row(row_content(session, option, width, self.app.theme)))
        self.rows.clear_options()
        self.rows.add_options(rows)
        self.rows.highlighted = kept
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        """The list has another height now."""
        self.rows.call_after_refresh(self.rows.scroll_to_highlight)

    def _show_help(self) -> None:
        name = self._option_name
        if self._edited is not None or name is None:
            return
        if name == PRESET:
            self._say("A named set of the options of an answer: enter chooses one, or saves what is set as a new one.")
            return
        option = BY_NAME[name]
        help_text = f"{option.help[0].upper()}{option.help[1:]}."
        self._say(f"{help_text} {self._when(option)}".rstrip())

    def _when(self, option: Option) -> str:
        """When a change holds, where that isn't at once."""
        return AT_ONCE.get(option.name, "").replace("{chat.model}", key_of(self, "chat.model"))

    def _say(self, text: str, *, wrong: bool = False) -> None:
        self.hint.update(Content.styled(printable(text), "$text-error" if wrong else DIM))
