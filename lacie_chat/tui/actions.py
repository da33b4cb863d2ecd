"""Everything one can do, once: key bindings, footer, help screen and command palette all read this list.

In the chat whatever writes text goes to the composer, whichever widget has the focus (typed_text.py): its actions have
a modifier, a function key or a key that writes nothing. Letters with ctrl and function keys reach a program in every
terminal, letters with alt as escape and the letter (alt+b and alt+f are moves by a word there; ctrl+shift is told apart
in few). ctrl+h, ctrl+i and ctrl+m are backspace, tab and enter; f10 opens the menu of some terminals, and f11 makes
most of them fill the screen. Arrows and enter are commands only while an answer, not the composer, has the focus.
Ctrl+space is a byte of its own too, which is called ctrl+@ where a terminal knows no better. Screens on which nothing
is written (comparing, tokens) have single letters. A user remaps an action by its id under [keys] of the settings
file (own_keys.py).
"""

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Action:
    """`name` is the id. What it does: on the chat screen a function of handlers/, on the others the screen's method,
    with the dot as underscore (`compare.pick` is `action_compare_pick`). `argument` names what may follow its word
    where it is typed (slash.py); the function then takes it, too."""

    name: str
    keys: str
    label: str
    help: str
    footer: bool = False
    priority: bool = False
    argument: str = ""

    @property
    def word(self) -> str:
        """What is typed for it after a slash."""
        return self.label.lower().replace(" ", "-")

    @property
    def method(self) -> str:
        return self.name.replace(".", "_")

    @property
    def group(self) -> str:
        return self.name.partition(".")[0]

    def binding(self, performed_by: str = "") -> Binding:
        """As Textual has it: calls the screen's method, or one that takes the name."""
        return Binding(
            self.keys,
            f"{performed_by}({self.name!r})" if performed_by else self.method,
            self.label,
            id=self.name,
            tooltip=self.help,
            show=self.footer,
            priority=self.priority,
        )


PERFORM = "perform"
"""The chat screen's method for all its actions; it takes the name of one."""

GROUPS = {
    "chat": "The chat",
    "answer": "An answer",
    "view": "The view",
    "compare": "Comparing two answers",
    "tokens": "The tokens of an answer",
    "history": "The history",
    "branches": "The tree of branches",
}

ACTIONS: tuple[Action, ...] = (
    # before the stop, with which it shares a key: only a thought takes it, and only once
    Action("answer.now", "escape", "Answer", "End the thought and go on to the answer; once more stops", footer=True),
    Action("answer.stop", "escape", "Stop", "Stop the answer and keep what is there", footer=True),
    Action(
        "chat.stop_loading",
        "escape",
        "Stop loading",
        "Load the model no further; the one before answers again",
        footer=True,
    ),
    Action("chat.new", "ctrl+n", "New", "Start a new conversation", footer=True),
    Action(
        "chat.history",
        "ctrl+o",
        "History",
        "Find, resume, rename, pin, copy, export or delete a conversation",
        footer=True,
    ),
    Action("answer.again", "ctrl+r", "Again", "Answer the question once more, as a branch", footer=True),
    Action("chat.edit", "ctrl+g", "Edit", "Edit your last question, as a branch"),
    Action("answer.copy", "ctrl+y", "Copy", "Copy the selected answer, or the last one", footer=True, priority=True),
    Action(
        "answer.copy_code",
        "ctrl+f",
        "Copy code",
        "Copy the code in the answer; once more: its next block",
        priority=True,
    ),
    Action("answer.copy_thought", "alt+y", "Copy thought", "Copy what the model thought, without the answer"),
    # before the details, with which it shares a key: only a foldable answer takes it
    Action("answer.unfold", "ctrl+b,enter", "Unfold", "Show a folded answer, question or paste; once more folds it"),
    Action(
        "answer.details",
        "ctrl+t,enter",
        "Details",
        "Show all that is known of the answer: both figures, and what they rest on",
        footer=True,
    ),
    Action("answer.tokens", "f12", "Tokens", "Show how probable each token was, and what else could have stood there"),
    Action("answer.right", "f6", "Right", "Mark the answer right; once more takes it back", priority=True),
    Action("answer.wrong", "f7", "Wrong", "Mark the answer wrong; once more takes it back", priority=True),
    Action("answer.compare", "f2", "Compare", "Compare the answers with and without the adapter to this question"),
    Action(
        "answer.go_on",
        "f5",
        "Go on",
        "Let an answer that stopped go on; send a question without what doesn't fit",
        footer=True,
    ),
    Action("answer.previous", "left,alt+left", "Previous branch", "Show the previous version of the selected message"),
    Action("answer.next", "right,alt+right", "Next branch", "Show the next version of the selected message"),
    Action("chat.baseline", "ctrl+l", "Baseline", "Let the model answer with or without its adapter", footer=True),
    Action(
        "chat.thinking", "alt+t", "Thinking", "Let a model that can think do so before it answers, or not; goes round"
    ),
    Action("chat.calibration", "f9", "Calibration", "See how often answers are right, by your marks"),
    Action(
        "chat.agreement", "f4", "Agreement", "Draw samples after each answer to see if they agree; once more: stop that"
    ),
    Action(
        "chat.answer_from",
        "ctrl+s",
        "Answer from",
        "Fold answers that are right less often than 25, 50 or 75 %; then: none",
    ),
    Action(
        "chat.model",
        "alt+m",
        "Model",
        "Change the model: those on this machine, others worth getting, any on the Hub",
        argument="name",
    ),
    Action(
        "chat.editor", "ctrl+e", "Editor", "Write in your own editor ($VISUAL, $EDITOR); nothing is sent", priority=True
    ),
    # what is selected in the composer is cut by this key, as ever
    Action(
        "chat.settings",
        "ctrl+x",
        "Settings",
        "Set how answers are made, for this conversation or for all; presets",
        priority=True,
    ),
    Action("chat.export", "alt+e", "Export", "Write the conversation as Markdown, HTML or JSON", argument="format"),
    Action("chat.duplicate", "alt+d", "Duplicate", "Copy it up to the selected message, and go on with the copy"),
    Action("chat.branches", "alt+g", "Branches", "See all branches as a tree, and show another one"),
    Action("chat.reload", "alt+r", "Reload", "Load the model again"),
    Action("view.back", "escape", "Back", "Leave an edit, the details or a selection; back to the composer"),
    Action("view.answer_before", "alt+up", "Answer before", "Select the answer before; first the last one"),
    Action("view.answer_after", "alt+down", "Answer after", "Select the answer after"),
    Action("view.up", "up", "Select up", "Select the message before, question or answer"),
    Action("view.down", "down", "Select down", "Select the message after"),
    Action(
        "view.next_doubtful",
        "ctrl+down",
        "Next doubtful",
        "Go to the next answer that sounds surer than it is, or unsure",
    ),
    Action("view.previous_doubtful", "ctrl+up", "Previous doubtful", "Go to the one before"),
    Action("view.earlier", "f3", "Earlier", "Show earlier messages of a long conversation"),
    Action("view.latest", "ctrl+end", "Newest", "Go to the newest text, and follow it", priority=True),
    Action("view.first", "ctrl+home", "First", "Go to the first message of the conversation", priority=True),
    Action("view.page_up", "pageup", "Page up", "Scroll the conversation up", priority=True),
    Action("view.page_down", "pagedown", "Page down", "Scroll the conversation down", priority=True),
    Action("view.code_left", "shift+left,alt+shift+left", "Code left", "Scroll long lines of code to their start"),
    Action("view.code_right", "shift+right,alt+shift+right", "Code right", "Scroll long lines of code to their end"),
    Action(
        "view.theme", "f8", "Theme", "Choose colours: dark, light, high contrast, for the colour-blind", argument="name"
    ),
    Action("view.help", "f1", "Help", "Show what the figures mean, and all keys", footer=True),
    Action("chat.quit", "ctrl+q", "Quit", "Quit; everything is kept", footer=True, priority=True),
    # last in the footer, which may be too long: the line of the thought names the key too
    Action(
        "answer.thought",
        "ctrl+space,ctrl+@",
        "Thought",
        "Show what the model thought before it answered; once more folds it",
        footer=True,
    ),
)
"""In the order of the footer and the help."""

COMPARE_ACTIONS: tuple[Action, ...] = (
    # before the way back, with which it shares a key
    Action("compare.now", "escape", "Answer", "End the thoughts and go on to the answers", footer=True),
    Action("compare.back", "escape", "Back", "Stop both answers and keep what is there; else back", footer=True),
    Action("compare.send", "f5", "Send", "Send a question that doesn't fit without what doesn't", footer=True),
    Action("compare.other", "tab", "Side", "Select the other side", footer=True),
    Action("compare.pick", "enter", "Pick", "Go on from the selected answer; all others stay as branches", footer=True),
    Action("compare.words", "w", "Words", "Highlight the words that differ", footer=True),
    Action("compare.more", "plus,equals_sign", "More", "One more sample of both sides, up to 8", footer=True),
    Action("compare.fewer", "minus", "Fewer", "One sample less; its answers stay as branches", footer=True),
    Action("compare.next", "n", "Next", "Show the next sample of both sides", footer=True),
    Action("compare.previous", "p", "Previous", "Show the previous sample of both sides"),
    Action("compare.again", "r", "Again", "Answer again what was cut off; else all, with another seed", footer=True),
    Action(
        "compare.against",
        "s",
        "Against",
        "Choose what to compare with: the baseline, a preset, an adapter, a model",
        footer=True,
    ),
    Action("compare.left", "left,h", "Left", "Select the left side"),
    Action("compare.right", "right,l", "Right", "Select the right side"),
    Action(
        "compare.thought",
        "o,ctrl+space,ctrl+@",
        "Thoughts",
        "Show what was thought before both answers; once more folds it",
        footer=True,
    ),
    Action("compare.copy", "y,c,ctrl+y", "Copy", "Copy the selected answer"),
    Action(
        "compare.copy_code", "ctrl+f", "Copy code", "Copy the code in the selected answer; once more: the next block"
    ),
    Action("compare.code_left", "shift+left", "Code left", "Scroll long lines of code to their start"),
    Action("compare.code_right", "shift+right", "Code right", "Scroll long lines of code to their end"),
    Action("compare.copy_thought", "Y", "Copy thought", "Copy what was thought before the selected answer"),
    Action("compare.up", "up,k", "Up", "Scroll the selected answer up"),
    Action("compare.down", "down,j", "Down", "Scroll the selected answer down"),
    Action("compare.page_up", "pageup", "Page up", "Scroll the selected answer a page up"),
    Action("compare.page_down", "pagedown,space", "Page down", "Scroll the selected answer a page down"),
    Action("compare.help", "f1,question_mark", "Help", "Show what the figures mean, and all keys", footer=True),
)
"""Of the compare screen."""

TOKEN_ACTIONS: tuple[Action, ...] = (
    Action("tokens.back", "escape,f12,t,q", "Back", "Back to the chat", footer=True),
    Action("tokens.next", "n", "Next unlikely", "Go to the next token under 50 %", footer=True),
    Action("tokens.previous", "p", "Previous", "Go to the previous token under 50 %", footer=True),
    Action("tokens.left", "left,h", "Left", "Go to the token before; a click chooses any"),
    Action("tokens.right", "right,l", "Right", "Go to the token after"),
    Action("tokens.up", "up,k", "Up", "Go a line up"),
    Action("tokens.down", "down,j", "Down", "Go a line down"),
    Action("tokens.page_up", "pageup", "Page up", "Go a page up"),
    Action("tokens.page_down", "pagedown,space", "Page down", "Go a page down"),
    Action("tokens.first", "home", "First", "Go to the first token"),
    Action("tokens.last", "end", "Last", "Go to the last token"),
    Action("tokens.help", "f1,question_mark", "Help", "Show all keys", footer=True),
)
"""Of the tokens screen."""

HISTORY_ACTIONS: tuple[Action, ...] = (
    Action("history.resume", "enter", "Resume", "Go on with the highlighted conversation", footer=True),
    # only where something was deleted: then nothing is nearer
    Action("history.restore", "alt+z,f7", "Take back", "Take a deletion back", footer=True, priority=True),
    Action("history.delete", "ctrl+x", "Delete", "Delete it; it can be taken back", footer=True, priority=True),
    Action("history.rename", "ctrl+r,f2", "Rename", "Give it another title", footer=True, priority=True),
    Action("history.pin", "alt+p,f4", "Pin", "Let it stand first; once more: no longer", footer=True, priority=True),
    Action("history.duplicate", "alt+d,f5", "Copy", "Copy the branch that is shown", footer=True, priority=True),
    Action("history.export", "alt+e,f6", "Export", "Write it as Markdown, HTML or JSON", footer=True, priority=True),
    Action("history.close", "escape", "Back", "Leave the filter; then back to the chat", footer=True),
)
"""Of the history. One types there, so all but enter and escape have a modifier or a function key."""

BRANCH_ACTIONS: tuple[Action, ...] = (
    Action("branches.show", "enter", "Show", "Show the branch of the chosen message", footer=True, priority=True),
    Action("branches.fold", "left", "Fold", "Fold what is below; else go a level up", footer=True, priority=True),
    Action("branches.unfold", "right", "Unfold", "Unfold what is below", footer=True, priority=True),
    Action("branches.back", "escape,alt+g", "Back", "Back to the chat", footer=True),
)
"""Of the tree of branches."""

SCREENS = (ACTIONS, COMPARE_ACTIONS, TOKEN_ACTIONS, HISTORY_ACTIONS, BRANCH_ACTIONS)
"""All of them, a screen's together; in the order of the help."""
EVERY = tuple(action for actions in SCREENS for action in actions)

EDITING = (
    ("enter", "Send"),
    ("ctrl+j", "New line; also alt+enter, enter after a backslash, shift+enter where the terminal knows it"),
    ("ctrl+_", "Undo what was typed"),
    ("up  down", "Your earlier questions, of other conversations too, at the first and last line"),
    ("tab", "From the composer to the conversation and back"),
    ("ctrl+c", "Copy what is selected; else stop, clear, twice: quit"),
    ("ctrl+z", "Back to the shell; fg comes back"),
    ("ctrl+p", "Find any of these by name"),
    ("@", "A file: @notes.md puts its text into the question; tab completes"),
    ("/", "Type it by name: /copy, /history; // sends what begins with a slash"),
)
"""What the composer does with keys of its own; for the help screen."""


def bindings() -> list[Binding]:
    """All actions as bindings of the chat screen."""
    return [action.binding(PERFORM) for action in ACTIONS]
