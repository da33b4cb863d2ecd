"""All screens beside the chat in their states (see states.py)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from drawn import VIENNA, answer_of
from driver import Driver
from scripted import Answer, ScriptedEngine, ScriptedReader
from states import ADAPTER, NAME, QUESTION, SURE, Make, chat, loaded, on, on_screen, state
from two_sided import TwoSided

from lacie_chat.chat.choices import Choice, Closer
from lacie_chat.chat.choosing import Fetching, Found, Offered, OnProgress, Refused
from lacie_chat.chat.others import Other
from lacie_chat.chat.speaker import ChatSpeaker, Origin
from lacie_chat.confidence import ASSESSMENT_VERSION, Calibrator, Form, WayOfDrawing
from lacie_chat.conversations import Store
from lacie_chat.engine.settings import Sampling
from lacie_chat.models import Offer
from lacie_chat.settings import Settings, parse_settings
from lacie_chat.tui.app import LacieApp
from lacie_chat.tui.screens.branches import BranchesScreen
from lacie_chat.tui.screens.calibration import CalibrationScreen
from lacie_chat.tui.screens.compare import CompareScreen
from lacie_chat.tui.screens.confirm import ChoiceScreen, ConfirmScreen, NameScreen
from lacie_chat.tui.screens.help import HelpScreen
from lacie_chat.tui.screens.history import HistoryScreen
from lacie_chat.tui.screens.models import ModelsScreen
from lacie_chat.tui.screens.others import OthersScreen
from lacie_chat.tui.screens.settings import SettingsScreen
from lacie_chat.tui.screens.tokens import TokensScreen

WAY = WayOfDrawing.of(Sampling())
LONG_AGO = "2001-02-03T12:00:00.000000+00:00"
FILE = 'temperature = 0.3\n[presets.brief]\nsystem_prompt = "Answer in one sentence."\nmax_tokens = 64\n'
HERE = (
    Choice("embedded", NAME, 98_000_000, "Q4_1", "package", Path("/x/0")),
    Choice(
        "unsloth/Qwen3-4B-Instruct-2507-GGUF:Q4_K_M", "Qwen3 4B Instruct 2507 Q4_K_M", 2_497_281_120, "Q4_K_M",
        "Hub's cache", Path("/x/1"), "unsloth/Qwen3-4B-Instruct-2507-GGUF",
    ),
    Choice("ollama:gpt-oss:120b", "gpt-oss:120b", 65_000_000_000, "MXFP4", "Ollama", Path("/x/2")),
    Choice("/models/nomic-embed.gguf", "nomic-embed", 84_000_000, "", "folder", Path("/x/3")),
)  # fmt: skip
ADAPTERS = Choice("embedded+/models/mine-LoRA.gguf", "mine-LoRA", 0, facts=("adapter · 10 MB · folder",))
THERE = (
    Choice(
        "unsloth/Qwen3.5-2B-GGUF:Q4_K_M", "Qwen3.5 2B", 1_280_000_000, "Q4_K_M", "", None, "unsloth/Qwen3.5-2B-GGUF",
        ("2 B", "thinks if asked", "Apache-2.0"), "Small, quick and much better than the embedded one.",
    ),
)  # fmt: skip
CLOSER = {
    "embedded": Closer("", "LACIE", True, True),
    HERE[1].ref: Closer("", None, True, False),
    HERE[3].ref: Closer("embedding model: it can't chat"),
}
OTHERS = [
    Other("embedded+none", "SmolLM2-135M-Instruct alone", "the baseline"),
    Other(None, "brief", "preset", "brief"),
    Other("embedded+/models/warm-LoRA.gguf", "warm-LoRA", "adapter · 10 MB · folder"),
    *(Other(choice.ref, choice.name, f"model · {choice.quantisation}") for choice in HERE[1:3]),
]
SAID = {
    "I think it is the Danube.": (0.4, 0.17, None),
    "It is certainly the Rhine.": (0.95, 0.17, False),
    "Perhaps [bold]neither[/bold].": (0.2, 0.3, True),
}
DECLINED = {"state": "abstained", "p_right": None, "confidence": None, "answer_span": None, "answer_offsets": None}
TITLES = (
    "Why is the sky blue?",
    "東京の人口と、世界の大都市について",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "مرحبا بالعالم",
    "A recipe with [bold]leeks[/bold] 🎉👩‍👩‍👧‍👦",
    "Rivers of Europe, and the lands through which they flow",
)
TOKYO = "It is certainly **Tokyo**, the seat of the government since 1868:\n\n1. the largest city\n2. it is by the sea"
PERHAPS = "I think it is probably **Tokyo**, or so I have heard:\n\n1. perhaps the largest city\n2. it is by the sea"


# The list of models


def never(ref: str, on_progress: OnProgress) -> Found:
    """Looks for a model for as long as a picture takes."""
    Event().wait(60)
    raise AssertionError(ref)


def shop(store: Store) -> LacieApp:
    return chat(find=never, adapter=ADAPTER)(store)


async def models(driver: Driver) -> ModelsScreen:
    """The list, all of which was looked at."""
    await loaded(driver)
    screen = await on_screen(driver, ModelsScreen, "alt+m")
    await driver.until(lambda: len(screen._closer) == len(HERE))
    return screen


@state(shop)
async def models_looked_for(driver: Driver) -> None:
    screen = await models(driver)
    screen._listed = None
    screen._fill()


@state(shop, main=True)
async def models_listed(driver: Driver) -> None:
    await models(driver)


@state(shop)
async def models_without_a_hit(driver: Driver) -> None:
    screen = await models(driver)
    await driver.pilot.press(*"nothing")
    await driver.until(lambda: screen.search.value == "nothing")


@state(shop)
async def models_fetching(driver: Driver) -> None:
    screen = await models(driver)
    screen._choosing.post(Fetching(0.4, "Qwen3.5 2B Q4_K_M: 512 MB of 1.3 GB"))
    await driver.until(lambda: "512 MB" in driver.text())


@state(shop)
async def models_refused(driver: Driver) -> None:
    screen = await models(driver)
    screen._choosing.post(Refused("someone/some-model-GGUF isn't on the Hub, or it is private: is the name right?"))
    await driver.until(lambda: "No change" in driver.text())


@state(shop)
async def models_offered(driver: Driver) -> None:
    screen = await models(driver)
    others = ("Q2_K", "Q3_K_M", "Q5_K_M", "Q6_K", "Q8_0", "BF16")
    offer = Offer("unsloth/Qwen3.5-2B-GGUF:Q4_K_M", "Qwen3.5 2B Q4_K_M", 1_280_000_000, 900_000_000, others)
    screen._choosing.post(Offered(offer, offer.ref))
    await driver.until(lambda: isinstance(driver.app.screen, ConfirmScreen))


# The settings


def with_settings(store: Store) -> LacieApp:
    return chat(settings=Settings(parse_settings(FILE, Path("config.toml"))))(store)


async def settings(driver: Driver) -> SettingsScreen:
    await loaded(driver)
    driver.session.making.take_preset("brief", None)
    return await on_screen(driver, SettingsScreen, "ctrl+x")


@state(with_settings, main=True)
async def settings_panel(driver: Driver) -> None:
    await settings(driver)


@state(with_settings)
async def settings_edited(driver: Driver) -> None:
    screen = await settings(driver)
    screen.editor.cursor_blink = False
    await driver.pilot.press("down", "down", "down", "enter", *" In the words of a sailor who has seen it all.")


@state(with_settings, main=True)
async def settings_wrong(driver: Driver) -> None:
    screen = await settings(driver)
    screen.editor.cursor_blink = False
    await driver.pilot.press("down", "down", "down", "down", "enter", "backspace", "backspace", "backspace", "8")


@state(with_settings)
async def settings_presets(driver: Driver) -> None:
    await settings(driver)
    await on_screen(driver, ChoiceScreen, "enter")


# The history, and the tree of branches


def assessment(text: str, acceptance: float, p_right: float) -> dict[str, Any]:
    """What is known of an answer with these figures."""
    hedges = [{"text": "I think", "start": 0, "end": 7}] if text.startswith("I think") else []
    return {
        "question": "Which river?", "response": text, "state": "answered", "answer_span": text[-7:-1],
        "answer_offsets": [len(text) - 7, len(text) - 1], "masked_response": "It is [answer].", "hedges": hedges,
        "acceptance": acceptance, "p_right": p_right, "confidence": {"value": p_right, "kind": "calibrated"},
        "boosters": [], "assessment_version": ASSESSMENT_VERSION,
    }  # fmt: skip


def filled(store: Store, titles: tuple[str, ...] = TITLES) -> None:
    """Conversations of some days, with three answers to their question and an abstention; the last one is pinned."""
    for number, title in enumerate(titles):
        made = store.create_conversation(NAME, "LACIE", title)
        question = store.add_message(made.id, None, "user", QUESTION)
        for text, (acceptance, p_right, mark) in SAID.items():
            answer = store.add_message(made.id, question.id, "assistant", text)
            store.attach_assessment(answer.id, assessment(text, acceptance, p_right))
            store.mark(answer.id, mark)
        sure = store.add_message(made.id, answer.id, "user", "Are you sure?")
        declined = store.add_message(made.id, sure.id, "assistant", "I can't say.")
        store.attach_assessment(declined.id, assessment("I can't say.", 0.2, 0.9) | DECLINED)
        store._connection.execute(
            "UPDATE conversations SET updated_at = ? WHERE id = ?",
            (LONG_AGO.replace("02-03", f"02-0{number // 2 + 1}"), made.id),
        )
    store.pin(made.id)
    store._connection.execute("UPDATE conversations SET pinned_at = ? WHERE id = ?", (LONG_AGO, made.id))


def with_conversations(store: Store) -> LacieApp:
    filled(store)
    return chat()(store)


def with_branches(store: Store) -> LacieApp:
    filled(store)
    return chat(resume=store.list_conversations()[-1].id)(store)


async def history(driver: Driver, typed: str = "") -> HistoryScreen:
    await loaded(driver)
    screen = await on_screen(driver, HistoryScreen, "ctrl+o", *("space" if key == " " else key for key in typed))
    await driver.until(lambda: screen.search.value == typed)
    return screen


@state(chat())
async def history_empty(driver: Driver) -> None:
    await history(driver)


@state(with_conversations, main=True)
async def history_by_day(driver: Driver) -> None:
    await history(driver)


@state(with_conversations)
async def history_found(driver: Driver) -> None:
    await history(driver, "is:wrong certainly")


@state(with_conversations)
async def history_without_a_hit(driver: Driver) -> None:
    await history(driver, "sounds:>99")


@state(with_conversations)
async def history_no_filter(driver: Driver) -> None:
    await history(driver, "sounds:loud")


@state(with_conversations, main=True)
async def history_deleted(driver: Driver) -> None:
    await history(driver)
    await driver.pilot.press("down", "ctrl+x")


@state(with_conversations)
async def history_renamed(driver: Driver) -> None:
    await history(driver)
    await on_screen(driver, NameScreen, "ctrl+r")


@state(with_branches, main=True)
async def tree_of_branches(driver: Driver) -> None:
    await loaded(driver)
    await on_screen(driver, BranchesScreen, "alt+g")
    await driver.pilot.press("up")


# Calibration, tokens, help


def marked_chat(store: Store, n: int) -> LacieApp:
    """A chat whose model has n marked answers, surer ones more often right, and a shipped calibrator."""
    conversation = store.create_conversation(NAME)
    for index in range(n):
        params = {"model": NAME, "fingerprint": "aa"}
        made = store.add_message(conversation.id, None, "assistant", "So it is.", params=params)
        acceptance = 0.2 + 0.75 * index / n
        right = index % 7 < 6 * acceptance - 1.5
        logprob = -0.3 - index % 5 * (0.2 if right else 0.6)
        read = {
            "state": "answered",
            "acceptance": acceptance,
            "answer_span": "So",
            "assessment_version": ASSESSMENT_VERSION,
            "signals": dict.fromkeys(("span_sum", "span_lowest", "span_first", "mean"), logprob),
        }
        store.attach_assessment(made.id, read)
        store.mark(made.id, right)
    forms = Form(-1.5, {"acceptance": 0.8}), Form(0.4, {"acceptance": 0.6, "span_sum": 0.9})
    shipped, own = (
        Calibrator(count, count // 3, source, "aa", ASSESSMENT_VERSION, WAY, (form,))
        for count, source, form in zip((500, 60), ("the maker's", "own marks"), forms, strict=True)
    )
    scripted = ScriptedEngine([Answer([SURE])], ScriptedReader("the Danube", acceptance=0.88))
    in_use = own if n >= 100 else shipped
    origin = Origin("embedded", None, "aa", shipped)
    return LacieApp(ChatSpeaker(lambda: scripted, NAME, calibrator=in_use, origin=origin), store, seed=lambda: 1234)


for count in (0, 41, 160):

    @state(partial(marked_chat, n=count), name=f"calibration_of_{count}_marks")
    async def plot(driver: Driver) -> None:
        await loaded(driver)
        await on_screen(driver, CalibrationScreen, "f9")


def with_tokens(store: Store) -> LacieApp:
    return on(ScriptedEngine([answer_of(*VIENNA)], ScriptedReader("Rhine", acceptance=0.7)), store)


@state(with_tokens, main=True)
async def tokens(driver: Driver) -> None:
    await loaded(driver)
    await driver.ask(QUESTION)
    await on_screen(driver, TokensScreen, "f12")
    await driver.pilot.press("n")


@state(chat(SURE))
async def tokens_unknown(driver: Driver) -> None:
    await loaded(driver)
    await driver.ask(QUESTION)
    await on_screen(driver, TokensScreen, "f12")


@state(chat(), main=True)
async def help_begins(driver: Driver) -> None:
    await loaded(driver)
    await on_screen(driver, HelpScreen, "f1")


@state(chat())
async def help_ends(driver: Driver) -> None:
    await loaded(driver)
    screen = await on_screen(driver, HelpScreen, "f1")
    screen.query_one("#help").scroll_end(animate=False)


# Comparing


def two(baseline: list[str | Answer], adapted: list[str | Answer]) -> Make:
    def make(store: Store) -> LacieApp:
        sides = [
            [each if isinstance(each, Answer) else Answer([each]) for each in side] for side in (baseline, adapted)
        ]
        return on(TwoSided(sides[0], [Answer(["First."]), *sides[1]]), store, adapter=ADAPTER, find=never)

    return make


async def comparison(driver: Driver, *keys: str, until: Callable[[Any], object] | None = None) -> CompareScreen:
    await loaded(driver)
    await driver.ask("What is the capital of Japan?")
    screen = await on_screen(driver, CompareScreen, "f2", *keys)
    samples = screen.comparison.samples.values()
    await driver.until(
        lambda: all((until or (lambda turn: turn.assessment))(turn) for side in samples for turn in side)
    )
    return screen


@state(two([TOKYO], [PERHAPS]), main=True)
async def compared(driver: Driver) -> None:
    await comparison(driver, "w")


@state(two(["It is Kyoto.", TOKYO, TOKYO], ["I'm sorry, but I don't know.", PERHAPS, PERHAPS]))
async def compared_with_samples(driver: Driver) -> None:
    await comparison(driver, "plus", "plus", "p")


@state(two([Answer(["It is", " Tokyo."], hold_after=1)], [Answer(["It is", " Tokyo."], hold_after=1)]))
async def compared_while_answering(driver: Driver) -> None:
    await comparison(driver, until=lambda turn: turn.text == "It is")


@state(two([TOKYO], [PERHAPS]), main=True)
async def compared_with_what(driver: Driver) -> None:
    await comparison(driver)
    screen = await on_screen(driver, OthersScreen, "s")
    await driver.until(lambda: screen._all is not None)
