"""The exported page: nothing in it is anybody's markup, and the figures and hedges stand where they belong."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_store import ASSESSMENT  # type: ignore[import-not-found]

from lacie_chat.conversations import Store

ALLOWED = set(
    "html head meta title style body header h1 p main section h2 div details summary table tr th td footer "
    "span em strong code pre br hr ul ol li blockquote s a thead tbody h3 h4 h5 h6".split()
)
VOID = {"meta", "br", "hr"}


class Tags(HTMLParser):
    """Which tags a page has, that they are well nested, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(store: Store, question: str, answer: str, assessment: dict | None = None, thought: str = "") -> str:
    conversation = store.create_conversation("model", title=question)
    asked = store.add_message(conversation.id, None, "user", question)
    made = store.add_message(conversation.id, asked.id, "assistant", status="streaming", params={"seed": 7})
    store.append_thought(made.id, thought)
    store.append(made.id, answer)
    store.finish(made.id, "complete", usage={"completion_tokens": 5})
    if assessment is not None:
        store.attach_assessment(made.id, assessment)
        store.mark(made.id, False)
    return store.export(conversation.id, "html")


def test_what_an_answer_was_made_with_is_on_the_page_and_in_the_json(store: Store) -> None:
    sampling = {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "min_p": 0.05, "repeat_penalty": 1.1, "seed": 9}
    params = {"model": "m", "sampling": sampling, "system_prompt": "Be <brief>.", "preset": "short"}
    conversation = store.create_conversation("m", title="t")
    asked = store.add_message(conversation.id, None, "user", "Why?")
    store.add_message(conversation.id, asked.id, "assistant", "So.", params=params)
    page = Tags(store.export(conversation.id, "html")).text
    for row in ("told firstBe <brief>.", "presetshort", "temperature0.7", "top-p0.8", "top-k20", "min-p0.05", "seed9"):
        assert row in page
    written = store.export(conversation.id, "json")
    store.delete(conversation.id, now=True)
    back, is_new = store.import_text(written)
    assert is_new and store.messages(back.id)[1].params == params


def test_the_answer_its_figures_and_its_hedges_are_there(store: Store) -> None:
    answer = "I **think it** is Jane Austen.\n\n- perhaps `I think`\n\n```py\nx = 1 < 2\n```"
    start = answer.index("think")
    hedges = [
        {"text": answer[2:14], "start": 2, "end": 14},
        {"text": "perhaps", "start": answer.index("perhaps"), "end": answer.index("perhaps") + 7},
    ]
    assert start == 4
    assessment = {**ASSESSMENT, "response": answer, "hedges": hedges}
    page = page_of(store, "Who wrote Emma?", answer, assessment, thought="Is it </details>?")
    assert "hedges · right about 3 in 5 (60\u00a0%) · the tone fits" in page
    assert "Marked by you: wrong." in page and "Is it &lt;/details&gt;?" in page
    assert '<em class="hedge">perhaps</em>' in page
    assert re.search(r'<strong><em class="hedge">think it</em></strong>', page) or "<strong>think it</strong>" in page
    assert "x = 1 &lt; 2" in page and "<code>I think</code>" in page
    tags = Tags(page)
    assert {"details", "table", "section"} <= tags.found
    assert not {"script", "img", "link", "iframe", "base", "form"} & tags.found
    assert "default-src 'none'" in page and "prefers-color-scheme: dark" in page
    assert not re.search(r"https?://", page), "nothing is fetched"


HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style><img src=x onerror=alert(1)>",
    "[x](javascript:alert(1)) ![y](https://example.org/z.png)",
    '" onclick="alert(1)',
    "<!-- --> &lt;b&gt; <em class=hedge>",
    "\x1b]0;x\x07 \ufdd0a\ufdd2",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_anybody_wrote_is_text(store: Store, text: str) -> None:
    page = page_of(store, text, text, thought=text)
    tags = Tags(page)
    assert not {"script", "img", "b", "iframe"} & tags.found
    assert not {name for name in tags.attributes if name.startswith("on") or name == "src"}
    assert "javascript:" not in re.findall(r'href="([^"]*)', page)
    assert "\x1b" not in page
    for written in re.findall(r"[a-z]{4,}", text):
        assert tags.text.count(written) >= 4, "title, heading, question, answer"


@given(st.text(), st.integers(0, 20), st.integers(0, 20))
def test_any_answer_gives_a_sound_page(text: str, start: int, length: int) -> None:
    with Store.in_memory() as store:
        start = min(start, len(text))
        end = min(start + length, len(text))
        hedges = [{"text": text[start:end], "start": start, "end": end}] if end > start else []
        kept = re.sub("[\ud800-\udfff\\0]", "\ufffd", text)
        hedges = [{**each, "text": kept[start:end]} for each in hedges]
        assessment = {**ASSESSMENT, "response": kept, "answer_span": None, "hedges": hedges}
        page = page_of(store, "Q", text, assessment)
        assert Tags(page).found <= ALLOWED
