"""A sentence in the details is what was written, on one line: emphasis goes, products, names and comparisons stay."""

import pytest
from textual.content import Content

from lacie_chat.confidence.assessment import Assessment, SentenceAcceptance, Span
from lacie_chat.tui.widgets.details import _on_one_line, _sentence
from lacie_chat.tui.widgets.highlighted_markdown import STYLES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It is **Perhaps** so, **two** x", "It is Perhaps so, two x"),
        ("5**2 + 3**2 and f(**kwargs) or g(**opts)", "5**2 + 3**2 and f(**kwargs) or g(**opts)"),
        ("if a > b\n> quoted  x", "if a > b quoted x"),
        ("self.__init__ `code` <b>", "self.__init__ `code` <b>"),
    ],
)
def test_on_one_line(text: str, shown: str) -> None:
    assert _on_one_line(Content(text)).plain == shown


def test_cues_stay_on_their_words() -> None:
    text = "So **perhaps** it\nis certainly <b>."
    hedge, booster = text.index("perhaps"), text.index("certainly")
    assessment = Assessment(
        question="q",
        response=text,
        state="no_claim",
        answer_span=None,
        masked_response=text,
        acceptance=0.5,
        p_right=None,
        hedges=(Span("perhaps", hedge, hedge + 7),),
        boosters=(Span("certainly", booster, booster + 9),),
    )
    content = _sentence(SentenceAcceptance(text, 0, len(text), 0.5), assessment)
    assert content.plain == "So perhaps it is certainly <b>."
    found = {content.plain[span.start : span.end]: span.style for span in content.spans}
    assert found == {"perhaps": STYLES["hedge"], "certainly": STYLES["booster"]}
