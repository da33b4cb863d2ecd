"""The installed `lacie` in a real terminal on the real model: an answer is marked, drawn, and known to the command."""

import json
import subprocess
from pathlib import Path

from terminal import LACIE, Terminal, answered, ask

from lacie_chat.confidence import ASSESSMENT_VERSION
from lacie_chat.conversations import Store
from lacie_chat.models import pair_fingerprint, prompted_listener

F6, F7, F9 = "\x1b[17~", "\x1b[18~", "\x1b[20~"
QUESTION = "What is the capital of Japan?"


def test_an_answer_is_marked_and_drawn(embedded_model: Path) -> None:
    with Terminal("chat", "--baseline", "--context", "2048") as terminal:
        terminal.wait_for("Ask something")
        terminal.type(F9)
        terminal.wait_for("No answer of this model is marked yet")
        terminal.type("q")
        terminal.wait_for("Ask something")
        ask(terminal, QUESTION)
        terminal.wait_for(answered(QUESTION))
        terminal.type(F7)
        terminal.wait_for("marked wrong")
        terminal.type(F6)
        terminal.wait_for("marked right")
        terminal.type(F9)
        terminal.wait_for("1 of 1 answers that you marked are right")
    with Store.open() as store:
        (marked,) = store.marks()
    assert (marked.question, marked.correct) == (QUESTION, True)
    assert (marked.fingerprint, marked.assessment_version) == (pair_fingerprint(embedded_model), ASSESSMENT_VERSION)
    (shown,) = json.loads(subprocess.check_output([LACIE, "calibration", "show", "--baseline", "--json"]))
    assert (shown["n"], shown["right"], shown["note"]) == (1, 1, None)


def test_a_chat_heard_by_another_listener_has_marks_of_its_own(embedded_model: Path) -> None:
    with Terminal("chat", "--baseline", "--context", "2048", "--listener", str(embedded_model)) as terminal:
        terminal.wait_for("Ask something")
        ask(terminal, QUESTION)
        terminal.wait_for(answered(QUESTION))
        terminal.type(F6)
        terminal.wait_for("marked right")
        terminal.type(F9)
        terminal.wait_for("1 of 1 answers that you marked are right")
    with Store.open() as store:
        (marked,) = store.marks()
    assert marked.assessment_version == prompted_listener(embedded_model).version != ASSESSMENT_VERSION
    for listener, figures in (((), (0, 1)), (("--listener", "embedded"), (1, 0))):
        show = [LACIE, "calibration", "show", "--baseline", "--json", *listener]
        (shown,) = json.loads(subprocess.check_output(show))
        assert (shown["n"], shown["left_out"]) == figures
    with Terminal("chat", "--baseline", "--context", "2048", "--resume", marked.conversation_id) as terminal:
        terminal.wait_for("heard by another listener")
