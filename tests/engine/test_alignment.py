"""Which characters a token wrote: for every way in which bytes can be cut, and on real answers."""

import itertools

import pytest
import sentencepiece
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lacie_chat.confidence import signals_of
from lacie_chat.engine.alignment import aligned, written
from lacie_chat.engine.settings import ChatTurn, Sampling
from lacie_chat.engine.text_stream import TextStream


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in pieces, cut at these places (also in the middle of a character)."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


@given(st.text(max_size=40), st.lists(st.integers(0, 200), max_size=20))
def test_every_character_is_written_by_the_tokens_that_have_its_bytes(text: str, places: list[int]) -> None:
    text = text.encode("utf-8", "replace").decode()
    pieces = cut(text.encode(), places)
    tokens = aligned([(piece, -float(i + 1)) for i, piece in enumerate(pieces)], text)
    byte_of = [len(text[:i].encode()) for i in range(len(text) + 1)]
    begins = 0
    wanted = []
    for i, piece in enumerate(pieces):
        ends = begins + len(piece)
        inside = [c for c in range(len(text)) if byte_of[c] < ends and byte_of[c + 1] > begins]
        if inside:
            wanted.append((inside[0], inside[-1] + 1, -float(i + 1)))
        begins = ends
    assert list(tokens) == wanted


@given(st.text(max_size=30), st.text(alphabet=" \n", max_size=3), st.lists(st.integers(0, 200), max_size=12))
def test_what_is_shown_may_begin_later_and_end_earlier(text: str, blank: str, places: list[int]) -> None:
    text = text.encode("utf-8", "replace").decode()
    pieces = cut((blank + text + "STOP and more").encode(), places)
    stream = TextStream(["STOP"])
    shown = ("".join(stream.feed(piece) for piece in pieces) + stream.end()).strip()
    tokens = aligned([(piece, -1.0) for piece in pieces], shown)
    assert {c for start, end, _ in tokens for c in range(start, end)} == set(range(len(shown)))


def test_what_can_not_be_aligned_has_no_tokens() -> None:
    assert aligned([(b"Paris", -0.1)], "Rome") == ()
    assert aligned([(b"Paris", -0.1)], "") == ()
    assert signals_of((), (0, 5)) is None


def test_the_span_s_own_tokens() -> None:
    pieces = [(b"It", -0.1), (b" is", -0.2), (b" M", -1.0), (b"\xc3", -2.0), (b"\xbcnchen", -3.0), (b".", -0.5)]
    text = "It is München."
    signals = signals_of(aligned(pieces, text), (6, 13))
    assert signals is not None
    assert (signals.span_sum, signals.span_lowest, signals.span_first, signals.span_tokens) == (-6.0, -3.0, -1.0, 3)
    assert signals.mean == pytest.approx(-6.8 / 6) and signals.tokens == 6
    without = signals_of(aligned(pieces, text), None)
    assert without is not None and without.span_sum is None and without.span_tokens == 0


def test_a_real_answer_is_covered_by_its_tokens(engine) -> None:
    events = list(engine.generate([ChatTurn("user", "Say: naïve café, 東京, 🎉!")], Sampling(max_tokens=40)))
    text = "".join(event.text for event in events if type(event).__name__ == "Delta")
    finished = events[-1]
    covered = {c for start, end, _ in finished.tokens for c in range(start, end)}
    assert covered == set(range(len(text)))
    assert all(logprob <= 0 for *_, logprob in finished.tokens)
    assert len(finished.tokens) <= finished.completion_tokens


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Co", "Cn"])
    | st.sampled_from(" \n  aeinrst.,München東京🎉"),
    max_size=40,
)


def _is_spelt(pieces: list[bytes], text: str) -> None:
    """Every character is its tokens', a token's characters are those that its bytes are part of."""
    assert b"".join(pieces).decode("utf-8", "replace") == text
    tokens = aligned([(piece, -1.0) for piece in pieces], text)
    assert {c for start, end, _ in tokens for c in range(start, end)} == set(range(len(text)))
    place = 0
    for (start, end, _), piece in zip(tokens, [piece for piece in pieces if piece], strict=True):
        first = len(text.encode()[:place].decode("utf-8", "ignore"))
        place += len(piece)
        assert start == first and len(text[start:end].encode()) >= len(piece)


@given(TEXTS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_embedded_models_tokens_find_their_characters(engine, text: str) -> None:
    model = engine._model
    _is_spelt([model.piece(token) for token in model.tokenise(text)], text)


@pytest.fixture(scope="module")
def sentencepieces(tmp_path_factory: pytest.TempPathFactory) -> sentencepiece.SentencePieceProcessor:
    """A SentencePiece tokenizer with bytes to fall back on, as Llama 2's and Gemma's."""
    folder = tmp_path_factory.mktemp("sentencepiece")
    (folder / "text.txt").write_text("The river runs past the old mill, and the miller's house stands near.\n" * 60)
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "small"), vocab_size=330, model_type="bpe",
        byte_fallback=True, add_dummy_prefix=False, remove_extra_whitespaces=False, normalization_rule_name="identity",
        minloglevel=2,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "small.model"))


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_a_sentencepiece_tokenizers_tokens_find_their_characters(
    sentencepieces: sentencepiece.SentencePieceProcessor, text: str
) -> None:
    ids = sentencepieces.encode(text)
    pieces = [
        bytes([int(sentencepieces.id_to_piece(each)[3:-1], 16)])
        if sentencepieces.is_byte(each)
        else sentencepieces.id_to_piece(each).replace("\u2581", " ").encode()
        for each in ids
    ]
    _is_spelt(pieces, text.replace("\u2581", " "))


@pytest.mark.parametrize(
    ("piece", "text"),
    [
        (b" Vienna", " Vienna"),
        ("東".encode(), "東"),
        (b"\xe6\x9d", "‹0xE6›‹0x9D›"),
        (b"\xb1!", "‹0xB1›!"),
        (b"caf\xc3", "caf‹0xC3›"),
        (b"\xff\xfe", "‹0xFF›‹0xFE›"),
        (b"\xed\xa0\x80", "‹0xED›‹0xA0›‹0x80›"),  # half of a surrogate pair, which UTF-8 has none of
        (b"", ""),
    ],
)
def test_a_token_by_itself_shows_the_bytes_that_are_no_whole_character(piece: bytes, text: str) -> None:
    assert written(piece) == text
