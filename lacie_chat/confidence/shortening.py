"""A long text cut in the middle, for a model that reads only so much of it."""


def shorten(text: str, head: int, tail: int) -> str:
    """`text`, or its first `head` and last `tail` characters around an ellipsis, cut at white space if possible."""
    if len(text) <= head + tail:
        return text
    start, end = text[:head], text[-tail:]
    if " " in start:
        start = start.rsplit(" ", 1)[0]
    if " " in end:
        end = end.split(" ", 1)[1]
    return f"{start} … {end}"
