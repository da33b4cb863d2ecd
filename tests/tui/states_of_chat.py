"""The chat in all its states (see states.py)."""

from pathlib import Path
from threading import Event
from typing import Any

from driver import Driver
from scripted import Answer, ScriptedReader
from states import ABSTAINED, ADAPTER, HEDGED, NAME, QUESTION, SURE, chat, engine_of, loaded, on_screen, send, state
from textual.command import CommandPalette
from textual.events import Paste

from lacie_chat.confidence import lexical_cues
from lacie_chat.conversations import Store
from lacie_chat.engine.errors import EngineError
from lacie_chat.engine.events import Cut, PromptSize
from lacie_chat.settings import Settings, parse_settings
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.screens.confirm import ChoiceScreen
from lacie_chat.tui.widgets.suggestions import Suggestions

UNFIT = PromptSize(12_300, 12_300, 7_680, 8_192, Cut(0, 4_620, 7_680, question=(100, 9_000), question_tokens=4_620))
THOUGHT = [
    "The user wants to know which river flows through Vienna. ",
    "I think that is the Danube, but let me check the others first.\n\n",
    "- The Rhine flows through Basel and Cologne.\n- The Wien is a small river, and gives the city its name.\n\n",
    "So the big one is **the Danube**. I am sure of that.",
]
HOSTILE = (
    "東京は日本の首都であり、世界で最も人口の多い都市の一つです。とても大きい。🎉👩‍👩‍👧‍👦 " * 2
    + "\n\nDonaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsgebäude "
    + "https://example.org/" + "a_long_path/" * 12 + "\n\nمرحبا بالعالم، هذا نص طويل من اليمين إلى اليسار.\n\n"
    + "| River | Length | 都市 |\n|---|---:|---|\n| Danube | 2,850 km | Вена, Budapest, Београд |\n| Rhine | 1,230 km "
    + "| Basel |\n\n" + "`" + "x" * 90 + "`\n\n<answer>[bold]no markup[/bold]</answer> e\u0301 a\u200db\x07"
)  # fmt: skip
OWN_KEYS = """[keys]
"view.help" = "alt+1"
"chat.history" = "alt+2"
"chat.model" = "alt+3"
"chat.settings" = "alt+4"
"chat.reload" = "alt+5"
"view.earlier" = "alt+6"
"answer.stop" = "alt+7"
"history.restore" = "alt+8"
"""


def own_keys(**more: Any) -> dict[str, Any]:
    """The settings of somebody with keys of their own."""
    return {"settings": Settings(parse_settings(OWN_KEYS, Path("config.toml"))), **more}


class Waiting(ScriptedReader):
    """Never hears anything while the picture is taken."""

    def __init__(self) -> None:
        super().__init__("the Danube")
        self.gate = Event()

    def _check(self) -> None:
        self.gate.wait(60)


def held(*pieces: str, after: int = 1, **more: Any) -> Answer:
    """An answer that waits after so many pieces."""
    return Answer(pieces, hold_after=after, **more)


async def asked(driver: Driver) -> None:
    """The question is answered, and the answer assessed."""
    await loaded(driver)
    await driver.ask(QUESTION)


@state(chat(), main=True)
async def welcome(driver: Driver) -> None:
    await loaded(driver)


@state(chat(right=0.31, adapter=ADAPTER))
async def welcome_with_a_calibrator(driver: Driver) -> None:
    await loaded(driver)


@state(chat(**own_keys()))
async def welcome_with_remapped_keys(driver: Driver) -> None:
    await loaded(driver)


@state(chat(engine=lambda: {"load_gate": Event()}))
async def loading(driver: Driver) -> None:
    driver.chat.composer.cursor_blink = False
    await driver.until(lambda: "40%" in driver.text())


@state(
    chat(engine=lambda: {"load_error": EngineError("/home/ann/models/broken.gguf is cut short: download it again")}),
    main=True,
)
async def load_failed(driver: Driver) -> None:
    await loaded(driver)


@state(chat(engine=lambda: {"load_error": EngineError("broken.gguf is cut short: download it again")}, **own_keys()))
async def load_failed_with_remapped_keys(driver: Driver) -> None:
    await loaded(driver)


@state(chat(held("It is **the Danube**, ", "which …")), main=True)
async def answering(driver: Driver) -> None:
    await loaded(driver)
    await send(driver, QUESTION)
    await driver.until(engine_of(driver).held.is_set)
    await driver.until(lambda: "the Danube" in driver.text())


@state(chat(Answer([SURE], thought=THOUGHT, hold_thought_after=3), engine=lambda: {"thinks": True}))
async def thinking(driver: Driver) -> None:
    await loaded(driver)
    await send(driver, QUESTION)
    await driver.until(engine_of(driver).held.is_set)
    turn = driver.session.tree.leaf
    assert turn is not None and turn.thinks_since is not None
    turn.thought_until = turn.thinks_since + 12
    await driver.pilot.press("ctrl+@")
    await driver.until(
        lambda: "thought for 12" in driver.text() or "thinks for 12" in driver.text() or "12 s" in driver.text()
    )


@state(chat(SURE, reader=Waiting))
async def listening(driver: Driver) -> None:
    await loaded(driver)
    await send(driver, QUESTION)
    await driver.until(lambda: "istening" in driver.text())


@state(chat(SURE, right=0.17, adapter=ADAPTER), main=True)
async def sounds_surer_than_it_is(driver: Driver) -> None:
    await asked(driver)


@state(chat(HEDGED, acceptance=0.31))
async def hedges_and_boosters(driver: Driver) -> None:
    await asked(driver)


@state(chat(ABSTAINED, acceptance=0.1), main=True)
async def abstained(driver: Driver) -> None:
    await asked(driver)


@state(chat(Answer(["One, two.\n\n- three\n- ", "four"], reason="length")), main=True)
async def stopped_early(driver: Driver) -> None:
    await asked(driver)


@state(chat(Answer([], dies=True), Answer([])))
async def engine_gone(driver: Driver) -> None:
    await loaded(driver)
    await send(driver, QUESTION)
    await driver.until(lambda: driver.session.tree.leaf is not None and driver.session.tree.leaf.phase == "done")
    await driver.shows("The engine stopped 2 times", "f2 Compare")  # not a third time by itself


@state(chat(engine=lambda: {"sizes": [UNFIT]}), main=True)
async def does_not_fit(driver: Driver) -> None:
    await loaded(driver)
    await send(driver, "A question that is far too long")
    await driver.until(lambda: driver.session.undecided is not None)


@state(chat(Answer([f"line {number}\n\n" for number in range(60)], hold_after=40)))
async def new_text_below(driver: Driver) -> None:
    await loaded(driver)
    await send(driver, "Count")
    await driver.until(engine_of(driver).held.is_set)
    await driver.pilot.press("pageup", "pageup")
    engine_of(driver).go_on.set()
    await driver.until(lambda: driver.chat.below.display and not driver.session.busy)


@state(chat(SURE), main=True)
async def commands_to_complete(driver: Driver) -> None:
    await asked(driver)
    await driver.pilot.press("/")
    await driver.until(lambda: driver.chat.query_one(Suggestions).display)


@state(chat())
async def files_to_complete(driver: Driver) -> None:
    await loaded(driver)
    for key in "see @":
        await driver.pilot.press("space" if key == " " else key)
    await driver.until(lambda: driver.chat.query_one(Suggestions).display)


@state(chat("An answer."))
async def long_question_folded(driver: Driver) -> None:
    await loaded(driver)
    await driver.ask("\n".join(f"line {number} of it" for number in range(214)))


@state(chat())
async def long_paste_folded(driver: Driver) -> None:
    await loaded(driver)
    await driver.pilot.press("s", "e", "e", "space")
    driver.app.post_message(Paste("".join(f"line {number}\n" for number in range(214))))
    await driver.until(lambda: "pasted" in driver.chat.composer.text)


@state(chat("It is the Danube.", "It is the Rhine.", right=0.17), main=True)
async def branch_selected(driver: Driver) -> None:
    await asked(driver)
    await driver.pilot.press("ctrl+r")
    await driver.until(lambda: "the Rhine" in driver.text() and not driver.session.busy)
    await driver.pilot.press("alt+up")


@state(chat(HEDGED, right=0.17, acceptance=0.31, adapter=ADAPTER), main=True)
async def details(driver: Driver) -> None:
    await asked(driver)
    await driver.pilot.press("ctrl+t", "alt+up")
    turn = driver.session.tree.leaf
    await driver.until(lambda: turn is not None and turn.assessment is not None and turn.assessment.sentences)


@state(chat(SURE))
async def editing(driver: Driver) -> None:
    await asked(driver)
    await driver.pilot.press("ctrl+g")


@state(chat(held("It is the Danube, ", "…"), "And the second."))
async def question_queued(driver: Driver) -> None:
    await loaded(driver)
    await send(driver, QUESTION)
    await driver.until(engine_of(driver).held.is_set)
    await send(driver, "And how long is it?")
    await driver.until(lambda: "more waiting" in driver.text() or "waiting" in driver.text())


@state(chat(SURE, right=0.17), main=True)
async def notice(driver: Driver) -> None:
    await asked(driver)
    driver.chat.notify("Exported to /home/ann/conversations/which-river-flows-through-vienna-kmrt42ds.html", timeout=60)
    driver.chat.notify("broken.gguf is cut short: download it again", title="No change", severity="error", timeout=60)


@state(chat(HOSTILE, right=0.93, acceptance=0.2, adapter="Обучено-そして長い名前のアダプター"))
async def hostile_text(driver: Driver) -> None:
    await loaded(driver)
    await driver.ask(
        "東京の人口は？ " + "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 2 + " مرحبا 🎉"
    )
    driver.chat.transcript.scroll_home(animate=False)


@state(chat(SURE, "It is the Rhine.", ABSTAINED, "So it is.", right=0.93, acceptance=0.9))
async def several_answers_marked(driver: Driver) -> None:
    await asked(driver)
    await driver.pilot.press("f6")
    await driver.ask("Really?")
    await driver.pilot.press("f7")
    await driver.ask("And the Inn?")
    await driver.ask("Is it so?")


@state(chat(SURE, right=0.17, answer_from=0.5))
async def answer_folded(driver: Driver) -> None:
    await asked(driver)
    await driver.until(lambda: "Folded" in driver.text())


@state(chat(SURE))
async def command_palette(driver: Driver) -> None:
    await asked(driver)
    await on_screen(driver, CommandPalette, "ctrl+p")
    await driver.until(lambda: "Again" in driver.text())


@state(chat(SURE))
async def export_format(driver: Driver) -> None:
    await asked(driver)
    await on_screen(driver, ChoiceScreen, "alt+e")


def long_conversation(store: Store) -> LacieApp:
    """Of which only the end is shown at first."""
    made, parent = store.create_conversation(NAME, title="東京 " + "a title without end " * 8), None
    for number in range(60):
        parent = store.add_message(made.id, parent, "user", f"question {number}.").id
        parent = store.add_message(made.id, parent, "assistant", f"answer {number}.", status="failed").id
    return chat(resume=made.id, **own_keys())(store)


@state(long_conversation)
async def earlier_messages(driver: Driver) -> None:
    await loaded(driver)
    await driver.until(lambda: "answer 59." in driver.text())
    driver.chat.transcript.scroll_home(animate=False)


SENTENCES = (
    "The river is **the Danube**. It is certainly the longest river of the European Union, and it passes ten "
    "countries.\n\n- It rises in the Black Forest.\n- Perhaps its name comes from a Celtic word, but I'm not sure "
    "about that.\n\nIt ends in the Black Sea."
)


class ByWording(ScriptedReader):
    """Sounds unsure of what has hedges."""

    def choice_probabilities(self, prefix: str, suffixes: Any, choices: Any) -> list[list[float]]:
        super().choice_probabilities(prefix, suffixes, choices)
        sure = [0.23 if lexical_cues(suffix)[0] else 0.9 - len(suffix) / 400 for suffix in suffixes]
        return [[acceptance, 1 - acceptance] for acceptance in sure]


@state(chat(SENTENCES, reader=lambda: ByWording("the Danube"), agreement=5))
async def sentence_by_sentence(driver: Driver) -> None:
    await asked(driver)
    await driver.pilot.press("ctrl+t")
    turn = driver.session.tree.leaf
    assert turn is not None and turn.assessment is not None
    await driver.until(lambda: turn.assessment.sentences is not None and turn.assessment.agreement is not None)
    await driver.pilot.press("alt+up")
    driver.chat.details.scroll_to(y=9, animate=False)
