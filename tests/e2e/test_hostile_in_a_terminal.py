"""Chat and study fill a real terminal with hostile conversations and answers: nothing in them is obeyed."""

import unicodedata
from pathlib import Path

from hostile import HOSTILE, ORDERS, SHOWN
from terminal import Terminal

from lacie_chat.confidence import ASSESSMENT_VERSION, Assessment, Span
from lacie_chat.conversations import Store
from lacie_chat.study.records import SPEAKERS, answer_id, begin, finish
from lacie_chat.tui.interface_state import InterfaceState, write_state
from lacie_chat.tui.prompts import keep_prompt


def obeyed(sent: bytes) -> list[str]:
    """A screen is drawn by codes of the program's own; so what is looked for are those of the text, and the characters
    that the program itself never writes."""
    found = [name for name in ("title", "clipboard", "link", "colour", "device") if ORDERS[name].encode() in sent]
    text = sent.decode("utf-8", "surrogateescape")
    return found + [f"{mark!a}" for mark in set(text) if _is_none_of_ours(mark)]


def _is_none_of_ours(mark: str) -> bool:
    return unicodedata.category(mark) in ("Cf", "Cs") or "\x7f" <= mark <= "\x9f" or mark in "\x01\x05\x0b\x0c"


def test_they_are_found_where_they_are() -> None:
    assert len(obeyed(HOSTILE.encode())) > 30 and obeyed(b"It is Paris.") == []


def test_the_chat() -> None:
    heard = Assessment(
        HOSTILE, HOSTILE, "answered", Span(SHOWN, 0, len(SHOWN)), HOSTILE, 0.9, 0.5, (), (),
        assessment_version=ASSESSMENT_VERSION,
    )  # fmt: skip
    with Store.open() as store:
        made = store.create_conversation("embedded", title=HOSTILE)
        question = store.add_message(made.id, None, "user", HOSTILE)
        answer = store.add_message(made.id, question.id, "assistant", f"{HOSTILE} `{HOSTILE}` <{HOSTILE}> &rlm;")
        store.append_thought(answer.id, HOSTILE)
        store.attach_assessment(answer.id, heard.to_dict())
        store.set_leaf(made.id, answer.id)
    keep_prompt(HOSTILE, made.id)
    write_state(InterfaceState(draft=f"{SHOWN} draft {HOSTILE}", explained=3))
    with Terminal("chat", "--context", "2048", "--resume", made.id, columns=120, rows=50) as terminal:
        terminal.wait_for("draft")
        terminal.wait_for("Ready")
        for key, seen in (("\x0f", "history"), ("\x1bm", "models"), ("\x1bg", "branches"), ("\x18", "settings")):
            terminal.type(key)
            terminal.wait_for(f"lacie · {seen}")
            terminal.type("\x1b")
            terminal.wait_for(lambda screen, seen=seen: f"lacie · {seen}" not in screen and "draft" in screen)
        terminal.type("\x11")
        assert terminal.wait_for_end() == 0
    assert terminal.sent.count(SHOWN.encode()) > 5
    assert obeyed(terminal.sent) == []


def test_the_study(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    for speaker in SPEAKERS:
        asked = {"id": answer_id("q", speaker), "question_id": "q", "speaker": speaker, "question": HOSTILE}
        said = {"response": f"{speaker} {HOSTILE}", "correct": True, "state": "answered", "acceptance": 0.9}
        begin(folder, {}, told_apart_by=[]).append([asked | said | {"finish": "stop"}])
    finish(folder)
    with Terminal("study", "run", "--out", str(folder), "--person", "Ada", columns=120, rows=50) as terminal:
        terminal.wait_for("lacie · study")
        terminal.type("\r")
        terminal.wait_for(SHOWN)
        terminal.type("\x11")
        terminal.wait_for_end()
    assert obeyed(terminal.sent) == []
