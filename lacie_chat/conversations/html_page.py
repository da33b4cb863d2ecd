"""A conversation as one page that needs nothing else: no script, no picture, nothing fetched; light and dark.

Answers are read as Markdown as in the chat, hedges and boosters set off; all that anybody wrote is text there, never
markup of the page.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from lacie_chat.confidence import Assessment, percent, right_percent
from lacie_chat.conversations.export import SPEAKERS, notes_of, origin, with_fences_closed
from lacie_chat.conversations.records import Conversation, Message
from lacie_chat.conversations.wording import thought_seconds, thought_text
from lacie_chat.highlights import SIGNS, Highlight, HighlightingParser, HighlightKind, pieces
from lacie_chat.printable import printable

_STYLE = """
:root { color-scheme: light dark; --text: #1c1e21; --back: #fdfdfc; --soft: #5a5f66; --line: #d9dbdf; --code: #f1f2f4;
  --you: #e8eef7; --surer: #b3261e; --fits: #1b6e3c; --better: #1f5fa8; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e3; --back: #17181a; --soft: #a3a8b0; --line: #3a3d42;
  --code: #232529; --you: #202a38; --surer: #ff9d93; --fits: #86d6a3; --better: #9cc4ff; } }
body { margin: 2rem auto; max-width: 46rem; padding: 0 1rem; color: var(--text); background: var(--back);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .2rem; }
h2 { font-size: .85rem; font-weight: 600; color: var(--soft); margin: 1.8rem 0 .4rem; }
.origin, footer, details { color: var(--soft); font-size: .85rem; }
.written { white-space: pre-wrap; }
.user .written { background: var(--you); border-radius: .4rem; padding: .6rem .8rem; }
.notes { border-left: 3px solid var(--line); margin: .6rem 0; padding: .1rem 0 .1rem .8rem; font-size: .9rem; }
.notes p { margin: .15rem 0; }
.surer { border-color: var(--surer); } .fits { border-color: var(--fits); } .better { border-color: var(--better); }
pre, code { font-family: ui-monospace, monospace; font-size: .9em; background: var(--code); border-radius: .3rem; }
code { padding: .1em .25em; } pre { padding: .7rem; overflow-x: auto; } pre code { padding: 0; }
table { border-collapse: collapse; margin: .5rem 0; } th, td { border: 1px solid var(--line); padding: .2rem .5rem;
  text-align: left; vertical-align: top; }
.hedge { font-style: italic; text-decoration: underline; font-weight: inherit; }
.booster { font-weight: bold; text-decoration: underline; font-style: inherit; }
blockquote { border-left: 3px solid var(--line); margin: .5rem 0; padding-left: .8rem; color: var(--soft); }
footer { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: .8rem; }
@media print { body { margin: 0; max-width: none; } }
"""
_VERDICTS = {"sounds surer than it is": "surer", "sounds about right": "fits", "surer than it sounds": "better"}
_TAGS = re.compile(r"(<[^>]*>)")
# what a browser would not show, or obey, as the sign that stands for it
_CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n\r"} | {0x7F: "\u2421"}


def to_html(conversation: Conversation, thread: Sequence[Message]) -> str:
    """The page of a branch."""
    title = _escaped(conversation.title or conversation.id)
    return f"""<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="origin">{_escaped(origin(conversation))}</p>
</header>
<main>
{"".join(_message(message) for message in thread)}</main>
<footer>The bar and the word say how sure an answer sounds, the share how often such answers are right.
<span class="hedge">Hedges</span> weaken what is said, <span class="booster">boosters</span> strengthen it.
Written by lacie-chat.</footer>
</body>
</html>
"""


def _message(message: Message) -> str:
    heard = Assessment.from_dict(message.assessment) if message.assessment is not None else None
    return "\n".join([f'<section class="{message.role}" id="m{message.id}">', *_parts(message, heard), "</section>\n"])


def _parts(message: Message, heard: Assessment | None) -> Iterator[str]:
    yield f"<h2>{SPEAKERS[message.role]}</h2>"
    if message.reasoning.strip():
        length = thought_text(message.reasoning, thought_seconds(message.timings)).capitalize()
        thought = _escaped(message.reasoning.strip("\n"))
        yield f'<details><summary>{_escaped(length)}</summary><div class="written">{thought}</div></details>'
    if message.text.strip():
        if message.role == "assistant":
            yield f"<div>{_rendered(message.text, heard)}</div>"
        else:
            yield f'<div class="written">{_escaped(message.text.strip(chr(10)))}</div>'
    if notes := notes_of(message):
        verdict = _VERDICTS.get(heard.verdict or "", "") if heard is not None else ""
        yield f'<div class="notes {verdict}">{"".join(f"<p>{_escaped(note)}</p>" for note in notes)}</div>'
    if rows := list(_figures(message, heard)):
        cells = "".join(f"<tr><th>{name}</th><td>{_escaped(value)}</td></tr>" for name, value in rows)
        yield f"<details><summary>What is known of it</summary><table>{cells}</table></details>"


def _figures(message: Message, heard: Assessment | None) -> Iterator[tuple[str, str]]:
    if heard is not None:
        if heard.confidence is not None and heard.acceptance is not None:
            yield "sounds sure", percent(heard.acceptance).strip()
        if heard.p_right is not None:
            yield "right", f"{right_percent(heard.p_right)} of such answers"
        if heard.answer_span is not None:
            yield "answer", heard.answer_span.text
        for name, spans in (("hedges", heard.hedges), ("boosters", heard.boosters)):
            if spans:
                yield name, ", ".join(dict.fromkeys(span.text for span in spans))
    params: dict[str, Any] = {**message.params, **(message.params.get("sampling") or {})}
    for name, shown in _PARAMS.items():
        if params.get(name) is not None:
            yield shown, str(params[name])
    if (tokens := (message.usage or {}).get("completion_tokens")) is not None:
        yield "tokens", str(tokens)


_PARAMS = {
    "model": "model", "adapter": "adapter", "system_prompt": "told first", "preset": "preset",
    "temperature": "temperature", "top_p": "top-p", "top_k": "top-k", "min_p": "min-p",
    "repeat_penalty": "repeat penalty", "reasoning": "reasoning", "max_tokens": "length at most", "seed": "seed",
}  # fmt: skip


def _rendered(text: str, heard: Assessment | None) -> str:
    """An answer as it reads, its cues set off."""
    source = _harmless(with_fences_closed(text))
    kinds: list[tuple[HighlightKind, Sequence[Any]]] = []
    if heard is not None and heard.response == text:
        kinds = [("hedge", heard.hedges), ("booster", heard.boosters)]
    highlights = [Highlight(span.start, span.end, kind) for kind, spans in kinds for span in spans]
    page: str = HighlightingParser(highlights).render(source)
    if SIGNS.search(source):  # then they are the answer's own
        return page
    # a highlight may begin in one tag and end in another: each piece of text gets its own
    parts, kind = [], None
    for part in _TAGS.split(page):
        if part.startswith("<"):
            parts.append(part)
            continue
        for number, (piece, found) in enumerate(pieces(part)):
            kind = found if number else kind
            parts.append(f'<em class="{kind}">{piece}</em>' if kind and piece.strip() else piece)
    return "".join(parts)


def _escaped(text: str) -> str:
    return escape(_harmless(text))


def _harmless(text: str) -> str:
    """A sign for each character that is none to a reader, so that the places of hedges hold."""
    return printable(text.translate(_CONTROLS), instead="\ufffd")
