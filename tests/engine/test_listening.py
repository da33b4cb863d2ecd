"""The engine as reader: probabilities that are true, and the same whatever was read before."""

import threading
from pathlib import Path

import pytest
from answers import GREEDY, QUESTION, ask

from lacie_chat.engine import Engine, EngineError, EngineSettings
from lacie_chat.engine.context import Context
from lacie_chat.engine.listening import KVReader
from lacie_chat.engine.native import Gate

PREFIX = (
    "Is the speaker sure?\n"
    + "Answer: I am certain it is Rome.\nSure: yes\n\nAnswer: It may be Rome.\nSure: no\n\n" * 4
)
SUFFIXES = ["Answer: It is surely Oslo.\nSure:", "Answer: Perhaps it is Oslo, who knows.\nSure:", "Answer: Bern\nSure:"]
CHOICES = [[" yes", "yes", " Yes"], [" no", "no", " No"]]


@pytest.fixture
def reader(by_itself: Engine) -> KVReader:
    reader = by_itself.reader("hearing")
    assert isinstance(reader, KVReader)
    return reader


def test_probabilities_are_those_of_llama_cpp(reader: KVReader, plain: "PlainLlama") -> None:  # noqa: F821
    prefix = "Answer: It is Rome.\nSure: yes\n"  # short: read in one piece there and in two here, so not bit by bit
    rows = reader.choice_probabilities(prefix, SUFFIXES, CHOICES)
    for suffix, row in zip(SUFFIXES, rows, strict=True):
        expected = plain.probabilities(plain.tokens(prefix + suffix))
        for choice, value in zip(CHOICES, row, strict=True):
            tokens = {plain.tokens(suffix + spelling)[len(plain.tokens(suffix))] for spelling in choice}
            assert value == pytest.approx(sum(expected[token] for token in tokens), abs=0.05)
        assert 0 < sum(row) <= 1


def test_without_a_prefix_it_is_exact(reader: KVReader, plain: "PlainLlama") -> None:  # noqa: F821
    (row,) = reader.choice_probabilities("", SUFFIXES[:1], [[" yes"], [" no"]])
    expected = plain.probabilities(plain.tokens(SUFFIXES[0]))
    assert row == pytest.approx([expected[plain.tokens(" yes")[0]], expected[plain.tokens(" no")[0]]], rel=1e-6)


def test_same_bits_fresh_cached_and_after_others(embedded_model: Path, reader: KVReader) -> None:
    first = reader.choice_probabilities(PREFIX, SUFFIXES, CHOICES)
    assert reader.choice_probabilities(PREFIX, list(reversed(SUFFIXES)), CHOICES) == list(reversed(first))
    for other in range(3):
        reader.choice_probabilities(f"Other prompt {other}.\n" * (15 + 10 * other), ["x", "a longer one " * 9], CHOICES)
    reader.complete("Once upon\n", ["a time"], max_tokens=9, stop=[])
    assert reader.choice_probabilities(PREFIX, SUFFIXES, CHOICES) == first
    fresh = Engine(EngineSettings(embedded_model))
    assert fresh.reader("hearing").choice_probabilities(PREFIX, SUFFIXES[1:2], CHOICES) == first[1:2]
    fresh.close()


def test_prefixes_beyond_those_kept_are_read_again_to_the_same_bits(reader: KVReader) -> None:
    first = reader.choice_probabilities("The first prefix.\n", ["Yes or no?"], CHOICES)
    for number in range(7):
        reader.choice_probabilities(f"Prefix number {number}.\n", ["Yes or no?"], CHOICES)
    assert reader.choice_probabilities("The first prefix.\n", ["Yes or no?"], CHOICES) == first


def test_where_prefix_and_suffix_meet_does_not_matter_for_tokens(reader: KVReader) -> None:
    """The words are the same, so are their tokens; only the pieces they are read in differ."""
    whole = "It is raining hard. Is it wet? Answer:"
    (expected,) = reader.choice_probabilities("", [whole], CHOICES)
    for cut in (5, 6, 7, 20):
        (row,) = reader.choice_probabilities(whole[:cut], [whole[cut:]], CHOICES)
        assert row == pytest.approx(expected, abs=0.05)


def test_tokens_of_choices_on_the_embedded_model(reader: KVReader, plain: "PlainLlama") -> None:  # noqa: F821
    def pieces(prompt: str, choices: list[list[str]]) -> list[set[str]]:
        return [{plain.llama.detokenize([t]).decode() for t in s} for s in reader.choice_tokens(prompt, choices)]

    assert pieces("x\nSure:", CHOICES) == [{" yes", "yes", " Yes"}, {" no", "no", " No"}]
    assert pieces("x\n", [["yes", "yes"], ["no"]]) == [{"yes"}, {"no"}]
    # after a space the spelling without one is what the model can still write
    assert pieces("Sure: ", [["yes"], ["no"]]) == [{"yes"}, {"no"}]
    # a shared first token stands for neither
    assert pieces("x:", [[" not", " never"], [" not", " always"]]) == [{" never"}, {" always"}]


def test_choices_that_cannot_be_told_apart_are_refused(reader: KVReader) -> None:
    with pytest.raises(EngineError, match="can't tell"):
        reader.choice_probabilities("x\n", ["y:"], [[" yes"], [" yes"]])


def test_complete_is_greedy_and_stops(reader: KVReader, plain: "PlainLlama") -> None:  # noqa: F821
    prefix, suffix = "Q: capital of France?\nA: Paris\nQ: capital of Spain?\nA: Madrid\n", "Q: capital of Italy?\nA:"
    (text,) = reader.complete(prefix, [suffix], max_tokens=12, stop=["\n"])
    assert text == " Rome"
    (longer,) = reader.complete("", ["One, two, three, four,"], max_tokens=12, stop=[])
    assert longer.startswith(" five, six,") and len(plain.tokens(longer)) == 12
    (cut,) = reader.complete("", ["One, two, three, four,"], max_tokens=12, stop=["six", "nine"])
    assert cut == " five, "
    assert reader.complete(prefix, [suffix], max_tokens=0, stop=[]) == [""]
    assert reader.complete(prefix, [], max_tokens=5, stop=[]) == []


def test_long_suffix_is_cut_and_long_prefix_refused(by_itself: Engine) -> None:
    model = by_itself._model
    assert model is not None
    context = Context(model, 256, Gate())
    small = KVReader(model, context)
    (row,) = small.choice_probabilities("Short.\n", ["START " + "word " * 6000 + "\nSure:"], CHOICES)
    assert 0 < sum(row) <= 1
    assert len(context.tokens) == 255 and model.text(context.tokens).startswith("Short.\nSTART word")
    assert model.text(context.tokens).endswith("\nSure:")
    (text,) = small.complete("Short.\n", ["word " * 6000], max_tokens=20, stop=[])
    assert text and len(context.tokens) <= 256
    with pytest.raises(EngineError, match="doesn't fit"):
        small.choice_probabilities("word " * 600 + "\n", ["Sure:"], CHOICES)
    context.free()


@pytest.mark.parametrize("who", ["by_itself", "engine"])
def test_reading_and_answering_at_once_from_two_threads(who: str, request: pytest.FixtureRequest) -> None:
    """Whether the weights are shared or not: one gate for both."""
    engine: Engine = request.getfixturevalue(who)
    reader = engine.reader("hearing")
    rows, text = reader.choice_probabilities(PREFIX, SUFFIXES, CHOICES), ask(engine).text
    found: dict[str, object] = {}

    def read() -> None:
        found["rows"] = [reader.choice_probabilities(PREFIX, SUFFIXES, CHOICES) for _ in range(2)]

    def answer() -> None:
        found["texts"] = [ask(engine, QUESTION, GREEDY).text for _ in range(2)]

    threads = [threading.Thread(target=work) for work in (read, answer, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == {"rows": [rows] * 2, "texts": [text] * 2}
