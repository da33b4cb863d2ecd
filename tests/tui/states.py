"""The states in which one sees the interface, each by its name: the one place that lists them.

A state is an app on a scripted engine and what one does to get there. test_states.py takes a picture of each, at
every size; whatever is shown anew gets its state here. Those of the chat itself stand in states_of_chat.py, those of
all other screens in states_of_screens.py.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from driver import Driver
from figures import calibrator
from scripted import Answer, ScriptedEngine, ScriptedReader

from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.conversations import Store
from lacie_chat.tui.app import LacieApp

NAME, ADAPTER = "SmolLM2-135M-Instruct", "SmolLM2-LACIE-LoRA"
QUESTION = "Which river flows through Vienna?"
SURE = "It is certainly **the Danube**, which rises in the Black Forest and ends in the Black Sea."
HEDGED = (
    "I think it is probably **the Danube**:\n\n- it might be the *Wien*, which is smaller\n"
    "- it is definitely not the Rhine\n\n```python\nriver = 'perhaps'\n```"
)
ABSTAINED = "I'm sorry, but I don't know."

Act = Callable[[Driver], Awaitable[object]]
Make = Callable[[Store], LacieApp]


@dataclass(frozen=True)
class State:
    """`main` ones are looked at in light and in 16 colours too."""

    make: Make
    act: Act
    main: bool = False


STATES: dict[str, State] = {}


def state(make: Make, *, main: bool = False, name: str = "") -> Callable[[Act], Act]:
    """What it decorates leads there; its name is the state's."""

    def listed(act: Act) -> Act:
        STATES[name or act.__name__] = State(make, act, main)  # type: ignore[attr-defined]
        return act

    return listed


def chat(
    *answers: Answer | str,
    acceptance: float = 0.88,
    right: float | None = None,
    adapter: str | None = None,
    reader: Callable[[], ScriptedReader] | None = None,
    engine: Callable[[], dict[str, Any]] = dict,
    **app: Any,
) -> Make:
    """A chat whose engine gives these answers; `right` is what its calibrator says of every one; `engine` gives further
    arguments of the engine. What can be used once is made anew each time."""

    def make(store: Store) -> LacieApp:
        given = [answer if isinstance(answer, Answer) else Answer([answer]) for answer in answers]
        heard = reader() if reader is not None else ScriptedReader("the Danube", acceptance)
        scripted = ScriptedEngine(given, heard, **engine())
        return on(scripted, store, right=right, adapter=adapter, **app)

    return make


def on(engine: Any, store: Store, *, right: float | None = None, adapter: str | None = None, **app: Any) -> LacieApp:
    """The app on this engine."""
    fitted = calibrator(right) if right is not None else None
    origin = Origin("embedded", "embedded" if adapter else None, "aa", fitted)
    speaker = ChatSpeaker(
        lambda: engine, NAME, adapter, calibrator=fitted, origin=origin,
        baseline_calibrator=None, baseline_origin=Origin("embedded", None, "aa"),
    )  # fmt: skip
    return LacieApp(speaker, store, seed=lambda: 1234, **app)


def engine_of(driver: Driver) -> Any:
    """The scripted engine of a chat."""
    return driver.session.speaker.engine_factory()


async def loaded(driver: Driver) -> None:
    """The model is there, or couldn't be loaded; nothing blinks."""
    driver.chat.composer.cursor_blink = False
    await driver.until(lambda: driver.session.info is not None or driver.session.load_error)


async def send(driver: Driver, text: str) -> None:
    """Type and send, and don't wait for the answer."""
    await driver.type(text)
    await driver.pilot.press("enter")


async def on_screen(driver: Driver, kind: type, *keys: str) -> Any:
    """Press these keys, and wait until such a screen stands there."""
    await driver.pilot.press(*keys)
    await driver.until(lambda: isinstance(driver.app.screen, kind))
    for search in driver.app.screen.query("#search, #name, #settings-editor"):
        search.cursor_blink = False  # type: ignore[attr-defined]
    return driver.app.screen
