"""Every command in a pseudo-terminal, with hostile text in all that it reads: nothing of it is obeyed, byte for byte.

Text of every origin: a real model's answers and names, conversations, questions, studies, settings, files and their
names, a Hub's replies, the environment, the command line. `CASES` has an entry a command; one that has none fails.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pexpect
import pytest
import tomlkit
from hostile import HOSTILE, SHOWN, obeyed
from hostile_model import QUESTION, hostile_copy
from hub_server import Answer, HubServer
from odd import LACIE

from lacie_chat.cli import COMMANDS, build_parser
from lacie_chat.commands.parsing import every_parser, subcommands
from lacie_chat.confidence import ASSESSMENT_VERSION, Assessment, Span
from lacie_chat.conversations import Store
from lacie_chat.study.records import SPEAKERS, answer_id, begin, finish

LEAVES = [
    " ".join(path)
    for command in COMMANDS
    for path, parser in every_parser(build_parser(command.name))
    if path[:1] == (command.name,) and subcommands(parser) is None
]


@dataclass
class World:
    """Where the hostile things are. `name` is a file name of that kind, `folder` holds one of each, `id` is a
    conversation's, `gone` a deleted one's."""

    folder: Path
    name: str
    model: Path
    id: str = ""
    gone: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def file(self, ending: str) -> str:
        """The path of a file with a hostile name."""
        return str(self.folder / f"{self.name}{ending}")


@dataclass(frozen=True)
class Case:
    """Words after the command. `shows`: the hostile text stands in what is written (once in it, all of it is)."""

    words: Callable[[World], list[str]]
    status: int | tuple[int, ...] = 0
    typed: str = ""
    shows: bool = True
    variables: Callable[[World], dict[str, str]] = lambda world: {}


def words(*fixed: str) -> Callable[[World], list[str]]:
    return lambda world: [each.format(**vars(world)) for each in fixed]


def wrong_settings(world: World) -> dict[str, str]:
    return {"LACIE_CONFIG_DIR": str(world.folder / "wrong")}


MISSING = "{folder}/{name}"

CASES: dict[str, list[Case]] = {
    "chat": [
        Case(words("--plain", "--model", "{model}"), typed=f"{QUESTION}\r/quit\r"),
        Case(words("--plain", "--model", "{model}", "--resume", "{id}"), typed="/history\r/details\r/quit\r"),
        Case(words("--model", MISSING), 1),
        Case(words("--resume", HOSTILE), 1),
    ],
    "ask": [
        Case(words(QUESTION, "--model", "{model}", "--sentences", "--agreement", "2")),
        Case(words(QUESTION, "--model", "{model}", "--json")),
        Case(words(QUESTION, "--model", f"nobody/{HOSTILE}"), 1),
    ],
    "listen": [Case(words("--file", "{folder}/{name}.texts")), Case(words("--file", MISSING), 1)],
    "compare": [
        Case(words(QUESTION, "--left", "{model}", "--right", "embedded", "--max-tokens", "40")),
        Case(words("--questions", MISSING, "--out", "{folder}/out"), 1),
    ],
    "evaluate": [
        Case(words("--questions", "{folder}/{name}.jsonl", "--out", "{folder}/{name}", "--model", "{model}")),
        Case(words("--questions", MISSING, "--out", "{folder}/out"), 1),
    ],
    "study run": [Case(words("--out", MISSING), 1)],
    "study report": [Case(words("{folder}/{name} study"), 1), Case(words(MISSING), 1)],
    "calibrate": [Case(words("--questions", "{folder}/{name}.jsonl", "--model", "{model}"), 1, shows=False)],
    "calibration show": [Case(words()), Case(words("--json"))],
    "calibration plot": [Case(words("--out", "{folder}/{name}/missing/{name}.png"), 1)],
    "calibration fit": [Case(words("--questions", MISSING), 1), Case(words("--marks", "--model", MISSING), 1)],
    "models list": [Case(words()), Case(words("--json"))],
    "models pull": [
        Case(words("owner/repo:Q4_0"), 1, shows=False),
        Case(words("owner/broken"), 1, shows=False),
        Case(words(HOSTILE), 1),
    ],
    "models info": [Case(words("{model}")), Case(words("{model}", "--json")), Case(words(MISSING), 1)],
    "models remove": [Case(words("owner/" + HOSTILE), 1), Case(words(MISSING), 1)],
    "settings path": [Case(words())],
    "settings show": [Case(words()), Case(words("--json")), Case(words(), 2, variables=wrong_settings)],
    "settings init": [Case(words(), 1)],
    "settings edit": [Case(words(), (0, 1), variables=lambda world: {"EDITOR": f"false {HOSTILE}"})],
    "history list": [Case(words()), Case(words("--json"))],
    "history search": [Case(words(SHOWN)), Case(words(f"model:{HOSTILE}", SHOWN), (0, 1, 2), shows=False)],
    "history show": [Case(words("{id}")), Case(words(HOSTILE), 1)],
    "history export": [Case(words("{id}", "--format", each)) for each in ("md", "html", "json")],
    "history pin": [Case(words("{id}"), shows=False), Case(words(HOSTILE), 1)],
    "history unpin": [Case(words("{id}"), shows=False), Case(words(HOSTILE), 1)],
    "history duplicate": [Case(words("{id}"), shows=False), Case(words(HOSTILE), 1)],
    "history delete": [
        Case(words("{id}"), shows=False),
        Case(words("--now", "{id}"), typed="n\r"),
        Case(words(HOSTILE), 1),
    ],
    "history restore": [Case(words("{gone}"), shows=False), Case(words(HOSTILE), 1)],
    "history import": [
        Case(words("{folder}/{name}.json")),
        Case(words("{folder}/{name}.jsonl"), 1),
        Case(words(MISSING), 1),
    ],
    **{
        f"train {stage}": [
            Case(words("--recipe", MISSING), 1),
            Case(words("--recipe", "smoke", "--run", "{folder}/run", "--set", f"{HOSTILE}=1"), 1),
        ]
        for stage in ("sample", "judge", "pairs", "dpo", "evaluate", "run", "check")
    },
    "train mean": [Case(words(MISSING, MISSING + "b", "--run", "{folder}/mean"), 1)],
    "train figures": [Case(words("--run", MISSING, "--out", "{folder}/figures"), 1)],
    "train listener": [Case(words("--recipe", MISSING, "--out", "{folder}/listener"), 1)],
    **{
        f"export {stage}": [Case(words("--adapter", MISSING, "--base", "embedded", "--out", "{folder}/exported"), 1)]
        for stage in ("merge", "gguf", "adapter", "verify", "run")
    },
    "doctor": [Case(words("--model", MISSING), 1)],
    "completion": [Case(words(HOSTILE), 2)],
}
EVERY = [
    pytest.param(name, case, id=f"{name} {number}")
    for name in LEAVES
    for number, case in enumerate(CASES.get(name, ()))
]


def test_every_command_has_a_case() -> None:
    assert sorted(CASES) == sorted(LEAVES)


@pytest.fixture(scope="module")
def made(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """All that is hostile, and a Hub that is."""
    folder = tmp_path_factory.mktemp("world")
    name = HOSTILE.replace("/", "∕")[:100].rstrip()
    with HubServer() as hub:
        hub.add("owner/repo", {f"{name}-Q4_0.gguf": b"no model", f"{name}-Q8_0.gguf": b"no model either"})
        hub.add("owner/broken", {"model.gguf": b"x"})
        hub.answers["file"] = Answer(500, {"Content-Type": "application/json"}, json.dumps({"error": HOSTILE}).encode())
        (folder / "hub").mkdir()
        world = World(folder, name, folder / "hub" / f"{name}.gguf")
        hostile_copy(embedded_model, world.model)
        row = {"id": HOSTILE, "question": f"{QUESTION} {HOSTILE}", "answers": [HOSTILE, "Paris"]}
        Path(world.file(".jsonl")).write_text(json.dumps(row) + "\n", encoding="utf-8")
        for speaker in SPEAKERS:
            asked = {"id": answer_id(HOSTILE, speaker), "question_id": HOSTILE, "speaker": speaker, "correct": True}
            said = {
                "question": HOSTILE,
                "response": f"{speaker}: {HOSTILE}",
                "state": "answered",
                "acceptance": 0.9,
                "finish": "stop",
            }
            begin(folder / f"{name} study", {}, told_apart_by=[]).append([asked | said])
        finish(folder / f"{name} study")
        (folder / name).mkdir()
        config = folder / "config" / name
        config.mkdir(parents=True)
        settings = {"system_prompt": HOSTILE, "presets": {HOSTILE: {"temperature": 0.5}}}
        (config / "config.toml").write_text(tomlkit.dumps(settings), encoding="utf-8")
        (folder / "wrong").mkdir()
        (folder / "wrong" / "config.toml").write_text(tomlkit.dumps({HOSTILE: 1}), encoding="utf-8")
        texts = [{"text": f"It is {HOSTILE}", "question": HOSTILE}, {"text": "Perhaps."}]
        Path(world.file(".texts")).write_text("".join(json.dumps(each) + "\n" for each in texts), encoding="utf-8")
        data = folder / "data"
        world.variables = {
            "LACIE_DATA_DIR": str(data), "LACIE_CONFIG_DIR": str(config), "HF_ENDPOINT": hub.endpoint,
            "HF_HUB_CACHE": str(folder / "cache"), "LACIE_MODELS_DIR": str(folder / "hub"), "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }  # fmt: skip
        _conversations(world, data / "conversations.db")
        yield world


def _conversations(world: World, path: Path) -> None:
    """Two, of which one is deleted; in each an answer that was assessed, and marked."""
    heard = Assessment(
        HOSTILE,
        HOSTILE,
        "answered",
        Span(SHOWN, 0, len(SHOWN)),
        HOSTILE,
        0.9,
        0.5,
        (),
        (),
        assessment_version=ASSESSMENT_VERSION,
    )
    path.parent.mkdir()
    with Store.open(path) as store:
        ids = []
        for _ in range(2):
            made = store.create_conversation(HOSTILE, adapter=HOSTILE, title=HOSTILE)
            question = store.add_message(made.id, None, "user", f"{HOSTILE}\n{HOSTILE}")
            answer = store.add_message(made.id, question.id, "assistant", f"{HOSTILE} **{HOSTILE}** `{HOSTILE}`")
            store.append_thought(answer.id, HOSTILE)
            store.attach_assessment(answer.id, heard.to_dict())
            store.mark(answer.id, True)
            store.set_leaf(made.id, answer.id)
            ids.append(made.id)
        Path(world.file(".json")).write_text(store.export(ids[0], "json"), encoding="utf-8")
        world.id, world.gone = ids
        store.delete(world.gone)


def ran(world: World, arguments: list[str], typed: str, variables: dict[str, str]) -> tuple[int | None, bytes]:
    """`lacie ARGUMENTS` in a terminal, to its end: its exit status and all that it wrote."""
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
    child = pexpect.spawn(
        LACIE, arguments, dimensions=(40, 120), env={**environment, **world.variables, **variables}, timeout=600,
        echo=False,
    )  # fmt: skip
    for line in typed.splitlines(keepends=True):
        child.send(line)
    written: bytes = child.read()
    child.close()
    return child.exitstatus, written


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    """The same for each, with conversations of its own."""
    data = tmp_path / "data"
    shutil.copytree(made.variables["LACIE_DATA_DIR"], data)
    return replace(made, variables={**made.variables, "LACIE_DATA_DIR": str(data)})


@pytest.mark.parametrize(("name", "case"), EVERY)
def test_nothing_is_obeyed(name: str, case: Case, world: World) -> None:
    status, written = ran(world, [*name.split(), *case.words(world)], case.typed, case.variables(world))
    assert b"Traceback" not in written, written.decode(errors="replace")
    assert obeyed(written) == []
    log = Path(world.variables["LACIE_DATA_DIR"]) / "logs" / "engine.log"
    assert not log.exists() or obeyed(log.read_bytes()) == [], "somebody will look at it"
    assert (SHOWN.encode() in written) or not case.shows, written.decode(errors="replace")
    assert status in (case.status if isinstance(case.status, tuple) else (case.status,)), written.decode()


@pytest.mark.parametrize("name", {name.split()[0]: name for name in LEAVES}.values())
def test_a_wrong_option_is_named_harmlessly(name: str, world: World) -> None:
    status, written = ran(world, [*name.split(), f"--quiet={HOSTILE}"], "", {})
    assert status == 2 and SHOWN.encode() in written
    assert obeyed(written) == []


def test_a_wrong_command_is_named_harmlessly(world: World) -> None:
    status, written = ran(world, [HOSTILE], "", {})
    assert status == 2 and SHOWN.encode() in written
    assert obeyed(written) == []
