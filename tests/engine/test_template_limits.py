"""A chat template is somebody's program: whatever it computes, takes or writes, it freezes and fills nothing here."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from answers import GREEDY, collect
from thinking_copies import thinking_copy

from lacie_chat.engine import ChatTurn, EngineProcess, EngineSettings, Failed, Finished, Sampling, template_sandbox
from lacie_chat.engine.reasoning import habit_of
from lacie_chat.engine.rendering import Refusal, Rendering

QUESTION = [ChatTurn("user", "What is the capital of France?")]
LOOPS = "{% for a in range(99999) %}" * 4 + "{% endfor %}" * 4
TIME, MEMORY, SIZE = "computes for more than 1 second", "MiB of memory", "writes far more than it was given"
BEYOND = {
    "{{ 9 ** (9 ** 9) }}": TIME,  # while it is compiled
    "{% set n = 8 + messages | length %}{{ n ** (n ** n) }}": TIME,
    LOOPS: TIME,
    LOOPS.replace("%}{% end", "%}to and fro{% end", 1): SIZE,
    "{{ 'a' * 10 ** 8 }}": SIZE,
    "{{ 'a' * 10 ** 10 }}": MEMORY,
    "{% set x = 'a' * 10 ** 10 %}": MEMORY,
    "{% set n = namespace(x=['a' * 10000]) %}{% for i in range(9999) %}{% set n.x = n.x + n.x %}{% endfor %}": MEMORY,
    "{{ '%0999999999d' % 3 }}": MEMORY,
    "{{ 'a' | center(10 ** 10) }}": MEMORY,
    "{{ ('a' * 5000) | replace('a', 'b' * 900000) }}": MEMORY,
    "{{ range(9999) | list | map('string') | map('center', 99999) | list }}": MEMORY,
}
DEEP = {
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}": "recursion",
    "{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}": "recursion",
    "{{ raise_exception('no ' * 10 ** 6) }}": "no no no",
}
GOOD = "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_sandbox, "SECONDS", 1)


def refusal(source: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        Rendering(source, "it", {}).settle()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    return caught.value


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is looked after from time to time")
@pytest.mark.parametrize(("source", "reason"), BEYOND.items(), ids=[source[:30] for source in BEYOND])
def test_what_goes_beyond_the_limits_is_ended(source: str, reason: str, hasty: None) -> None:
    error = refusal(source)
    assert error.beyond and reason in error.reason
    assert Rendering(GOOD, "it", {}).render(QUESTION) == f"user: {QUESTION[0].content}", "others go on"


@pytest.mark.parametrize(("source", "reason"), DEEP.items(), ids=[source[:30] for source in DEEP])
def test_what_fails_by_itself_says_so(source: str, reason: str) -> None:
    error = refusal(source)
    assert not error.beyond and reason in error.reason


def test_what_a_template_says_of_thought_is_found_within_the_limits_too(hasty: None) -> None:
    assert habit_of("{% if enable_thinking %}<think>{% endif %}" + LOOPS + "</think>") is not None  # by its words
    assert habit_of("{{ 9 ** (9 ** 9) }}") is None


def test_a_long_conversation_is_within_them() -> None:
    turns = [ChatTurn(role, "To and fro. " * 1000) for _ in range(200) for role in ("user", "assistant")]
    assert len(Rendering(GOOD, "it", {}).render(turns)) > 4_800_000
    assert Rendering("{{ messages | tojson }}", "it", {}).render([ChatTurn("user", "\x00" * 10**6)]).count("u0000") == (
        10**6
    )


def test_what_isnt_unicode_comes_through() -> None:
    assert Rendering(GOOD, "it", {}).render([ChatTurn("user", "\ud800 🦜")]) == "user: \ud800 🦜"


def test_a_process_that_was_killed_meanwhile_is_started_again() -> None:
    rendering = Rendering(GOOD, "it", {})
    assert template_sandbox._process is not None
    pid = template_sandbox._process._popen.pid
    os.kill(pid, signal.SIGKILL)
    assert rendering.render(QUESTION) and template_sandbox._process._popen.pid != pid


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


STARTER = """
import threading
from lacie_chat.engine import template_sandbox
template_sandbox.SECONDS = 2
template_sandbox.check("x")
threading.Thread(target=template_sandbox.check, args=({source!r},)).start()
print(template_sandbox._process._popen.pid, flush=True)
threading.Event().wait()
"""


@pytest.mark.parametrize("source", ["x", "{{ 9 ** (9 ** 9) }}"])
def test_it_outlives_nobody(source: str) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER.format(source=source)], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    limit = time.monotonic() + 120
    while not ended(pid):
        assert time.monotonic() < limit, "the process for templates outlives who started it"
        time.sleep(0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is looked after from time to time")
def test_a_model_with_such_a_template_answers_for_all_that(embedded_model: Path, tmp_path: Path) -> None:
    model = thinking_copy(embedded_model, tmp_path / "greedy.gguf", "{{ 'a' * 10 ** 10 }}")
    with EngineProcess(EngineSettings(model, n_ctx=512), log_path=tmp_path / "engine.log") as engine:
        info = engine.load()
        assert MEMORY in info.asked_as and "ChatML" in info.asked_as and "\n" not in info.asked_as
        assert "Paris" in collect(engine.generate(QUESTION, GREEDY)).text


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is looked after from time to time")
def test_one_that_goes_too_far_in_mid_conversation_costs_that_answer_only(embedded_model: Path, tmp_path: Path) -> None:
    turns = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    own = turns + "<|im_start|>assistant\n"
    late = "{% if messages | length > 6 %}{% set x = 'a' * 10 ** 10 %}{% endif %}" + own
    model = thinking_copy(embedded_model, tmp_path / "late.gguf", late)
    with EngineProcess(EngineSettings(model, n_ctx=512), log_path=tmp_path / "engine.log") as engine:
        assert engine.load().asked_as == ""
        pid = engine.pid
        end = collect(engine.generate(QUESTION * 7, Sampling(max_tokens=4))).end
        assert isinstance(end, Failed) and MEMORY in end.message and not end.engine_died
        assert isinstance(collect(engine.generate(QUESTION, Sampling(max_tokens=4))).end, Finished)
        assert engine.pid == pid
