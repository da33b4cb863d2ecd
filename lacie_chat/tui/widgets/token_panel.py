"""What is known of one token: how probable it was, in figures and in words, and what else could have stood there."""

from math import exp

from textual.content import Content

from lacie_chat.chat.answer_tokens import AnswerToken
from lacie_chat.confidence import bar, percent
from lacie_chat.printable import printable

DIM = "$foreground 65%"
SIGNS = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"})
COLOURS = {"likely": "$text", "rather": "$text-primary", "unlikely": "$text-warning", "rare": "$text-error"}


def token_content(token: AnswerToken, index: int, count: int, written: str) -> Content:
    """The panel's text for the token `index` of `count`; `written`: the characters that it had a part in."""
    part = f"  a part of {quoted(written)}" if "‹0x" in token.text else ""
    head = Content.assemble(
        (f"Token {index + 1} of {count}  ", DIM), (quoted(token.text), "bold"), (part, DIM),
    )  # fmt: skip
    return Content("\n").join([head, Content(in_words(token)), *_rows(token)])


def in_words(token: AnswerToken) -> str:
    """A sentence on how probable the token was beside the likeliest other one."""
    given = f"The model gave this token {per_cent(token.probability)}"
    others = [each for place, each in enumerate(token.likeliest) if place != token.drawn]
    if not others:
        return f"{given}; what else it had in mind is not known."
    text, share = quoted(others[0][0]), per_cent(exp(others[0][1]))
    return f"{given}; next was {text} with {share}." if token.drawn == 0 else f"{given}; {text} had {share}."


def _rows(token: AnswerToken) -> list[Content]:
    """The alternatives, the drawn one marked, and how much is left for all others."""
    if not token.likeliest:
        return []
    rows = [_row(exp(logprob), text, place == token.drawn) for place, (text, logprob) in enumerate(token.likeliest)]
    rest = 1 - sum(exp(logprob) for _, logprob in token.likeliest)
    if token.drawn is None:
        rows.append(_row(token.probability, token.text, True))
        rest -= token.probability
    rows.append(Content.styled(f"  {per_cent(max(0.0, rest)):>5} {bar(max(0.0, rest))}  all others", DIM))
    return rows


def _row(probability: float, text: str, drawn: bool) -> Content:
    return Content.assemble(
        ("▸ " if drawn else "  ", "bold $accent"),
        (f"{per_cent(probability):>5} ", "bold" if drawn else ""),
        (bar(probability), "$text-primary"),
        "  ",
        (quoted(text), "bold" if drawn else ""),
        ("  drawn" if drawn else "", DIM),
    )


def quoted(text: str) -> str:
    """A token in quotes, its white space as signs."""
    return f"“{printable(text.translate(SIGNS), instead='�')}”"


def per_cent(probability: float) -> str:
    """`12 %`; what would round to 0 or 100 says on which side of it it is."""
    if probability < 0.005:
        return "<1\u00a0%"
    return ">99\u00a0%" if probability >= 0.995 else percent(probability).strip()
