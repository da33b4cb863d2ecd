"""What is to be read of an answer's Markdown, for tests that look for words in it."""

from collections.abc import Sequence

from markdown_it.token import Token


def shown_text(tokens: Sequence[Token]) -> str:
    """The text that tokens show, a line a block."""
    parts: list[str] = []
    for token in tokens:
        if token.type == "inline":
            parts.append("".join("\n" if each.type == "hardbreak" else each.content for each in token.children or ()))
        elif token.type in ("fence", "code_block"):
            parts += [token.info, token.content]
        elif token.type == "list_item_open":
            parts.append(token.info)
    return "\n".join(parts)
