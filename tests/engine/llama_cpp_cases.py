"""What llama.cpp's own tests say of thoughts: cases read out of its tests/test-chat.cpp.

They are chains of calls on a template: `tst.test("…").reasoning_format(…).enable_thinking(true).expect(…).run();`.
Only those are taken that are about thought and answer alone: no tools, no grammar, no prefilled turn, no partial text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|R"([a-z]*)\((.*?)\)\2"', re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "r": "\r", "'": "'"}
_ELSE = re.compile(r"\.(tools|json_schema|continue_final_message|messages|is_partial|tool_choice|expect_tool_calls)\(")


@dataclass(frozen=True)
class Case:
    """What a model wrote after a template's prompt, and the two texts that llama.cpp makes of it."""

    template: str
    line: int
    written: str
    thinking: bool
    thought: str
    answer: str

    def __str__(self) -> str:
        return f"{self.template}-{self.line}"


def cases(path: Path) -> Iterator[Case]:
    """All cases of the file that are about thought and answer alone."""
    source = path.read_text(encoding="utf-8")
    named = {m[1]: _message(m[2]) for m in re.finditer(r"(\w+)\s*=\s*simple_assist_msg\((.*?)\);", source, re.DOTALL)}
    plain = re.search(r"simple_assist_msg\(const std::string & content", source)
    assert plain and named.get("message_assist_thoughts") == ("Hello, world!\nWhat's up?", "I'm\nthinking"), named
    template = ""
    for m in re.finditer(r'= peg_tester\((?:"models/templates/([^"]+)\.jinja")?|\btst\s*\.test\(', source):
        if "peg_tester" in m[0]:
            template = m[1] or ""  # of a loop over several
            continue
        if not template:
            continue
        chain = source[m.end() : source.index(".run()", m.end())]
        if "reasoning_format(COMMON_REASONING_FORMAT_NONE)" in chain or _ELSE.search(chain):
            continue
        if "add_generation_prompt(false)" in chain:
            continue
        found = _expected(chain, named)
        if found is None:
            continue
        if "reasoning_format(" not in chain and found[1]:
            continue  # not told to split
        if "reasoning_format(" not in chain and re.search(r"[<\[]", found[0]):
            continue
        written = _strings(chain[: _end_of_call(chain)])
        line = source.count("\n", 0, m.start()) + 1
        yield Case(template, line, written, "enable_thinking(false)" not in chain, found[1], found[0])


def _expected(chain: str, named: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    """(answer, thought)."""
    made = re.search(r"\.expect\(simple_assist_msg\((.*?)\)\)", chain, re.DOTALL)
    if made:
        return _message(made[1])
    known = re.search(r"\.expect\((\w+)\)", chain)
    if known:
        return named.get(known[1])
    answer, thought = (
        re.search(rf"\.expect_{part}\((.*?)\)\s*\.", chain + ".", re.DOTALL) for part in ("content", "reasoning")
    )
    if not answer and not thought:
        return None
    return tuple(_strings(each[1]) if each else "" for each in (answer, thought))  # type: ignore[return-value]


def _message(arguments: str) -> tuple[str, str] | None:
    parts = re.split(r',\s*(?=")', arguments)
    strings = [_strings(part) for part in parts if _STRING.search(part)]
    return (strings[0], strings[1] if len(strings) > 1 else "") if 1 <= len(strings) <= 2 else None


def _end_of_call(chain: str) -> int:
    """Where the argument of `.test(` ends."""
    depth, at = 1, 0
    while depth:
        string = _STRING.match(chain, at)
        if string:
            at = string.end()
            continue
        depth += {"(": 1, ")": -1}.get(chain[at], 0)
        at += 1
    return at


def _strings(text: str) -> str:
    return "".join(
        m[3] if m[3] is not None else re.sub(r"\\(.)", lambda e: _ESCAPES.get(e[1], e[1]), m[1])
        for m in _STRING.finditer(text)
    )
