"""The chat needs no screen: it talks in a process that has no Textual."""

import subprocess
import sys
from pathlib import Path

WITHOUT_TEXTUAL = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("textual", "rich") or name.startswith(("lacie_chat.tui", "lacie_chat.commands")):
            raise ImportError(f"{name} is blocked here")

sys.meta_path.insert(0, Blocked())
"""

EVERY_MODULE = """
import importlib, pkgutil, lacie_chat.chat

names = [module.name for module in pkgutil.walk_packages(lacie_chat.chat.__path__, "lacie_chat.chat.")]
for name in names:
    importlib.import_module(name)
print(*names)
"""

CONVERSATION = """
from queue import SimpleQueue
from lacie_chat.chat.comparing import Comparison
from lacie_chat.chat.events import TurnChanged
from lacie_chat.chat.session import ChatSession
from lacie_chat.chat.speaker import ChatSpeaker
from lacie_chat.conversations import Store
from scripted import Answer
from two_sided import TwoSided

engine = TwoSided([Answer(["I think it is Tokyo."])], [Answer(["It is ", "Tokyo."]), Answer(["Kyoto."])])
events = SimpleQueue()

def heard(turns):
    while not all(turn.assessment and turn.phase == "done" for turn in turns):
        events.get(timeout=20)

with Store.open() as store:
    session = ChatSession(ChatSpeaker(lambda: engine, "model", "adapter"), store, events.put)
    session.start()
    answer = session.send("What is the capital of Japan?")
    heard([answer])
    comparison = Comparison(session, answer.parent, events.put)
    comparison.begin()
    heard([*comparison.samples["left"], *comparison.samples["right"]])
    print(answer.text, "|", comparison.difference(0).sounds, "|", comparison.changed())
    session.close()
"""


def run(code: str) -> str:
    tests = Path(__file__).parent.parent
    code = f"{WITHOUT_TEXTUAL}\nsys.path.insert(0, {str(tests)!r})\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_is_there_without_textual() -> None:
    here = {"session", "tree", "answering", "comparing", "afterwards", "events", "lane"}
    assert {name.removeprefix("lacie_chat.chat.") for name in run(EVERY_MODULE).split()} >= here


def test_a_conversation_and_a_comparison_without_textual() -> None:
    assert run(CONVERSATION) == "It is Tokyo. | surer | (1, 1)"
