"""TextStream: whole characters only, and nothing of a stop string."""

from hypothesis import given
from hypothesis import strategies as st

from lacie_chat.engine.text_stream import TextStream


@given(st.text(), st.lists(st.integers(1, 5)))
def test_any_cut_of_the_bytes_gives_the_text(text: str, cuts: list[int]) -> None:
    data = text.encode("utf-8", "replace")
    stream, parts = TextStream(()), []
    for size in cuts:
        parts.append(stream.feed(data[:size]))
        data = data[size:]
    parts += [stream.feed(data), stream.end()]
    assert "".join(parts) == text.encode("utf-8", "replace").decode()


@given(st.text("abx", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3))
def test_ends_before_the_first_stop_string(text: str, stops: list[str]) -> None:
    stream = TextStream(stops)
    shown = ""
    for character in text:
        shown += stream.feed(character.encode())
        assert not any(stop in shown for stop in stops)
        if stream.stopped:
            break
    shown += stream.end()
    found = [text.find(stop) for stop in stops if stop in text]
    # One character at a time, the stop string that ends first wins; it can't be later than the earliest end.
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    assert stream.stopped == bool(found)
    if found:
        first_end = min(ends)
        begins = [text.find(stop) for stop in stops if stop in text[:first_end]]
        assert shown == text[: min(begins)]
    else:
        assert shown == text


def test_half_a_character_at_the_end_is_dropped() -> None:
    stream = TextStream(())
    assert stream.feed("é".encode()[:1]) == ""
    assert stream.end() == ""


def test_invalid_bytes_become_the_replacement_character() -> None:
    stream = TextStream(())
    assert stream.feed(b"a\xffb") + stream.end() == "a\ufffdb"
