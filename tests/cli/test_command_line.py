"""How words are understood: questions without quotes, slips, what is called otherwise in another program."""

import pytest

from lacie_chat import cli
from lacie_chat.commands.parsing import ELSEWHERE


def wrong(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line of a command that can't be; its exit status is 2 and nothing is on standard output."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    [line] = said.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "question"),
    [
        (["What", "is", "this"], "What is this"),
        (["What", "is", "--json", "this?"], "What is this?"),
        (["--json", "What", "is", "--seed", "3", "this"], "What is this"),
        (["What", "is", "this", "--json"], "What is this"),
        (["history"], "history"),
        (["history", "list", "of", "Rome"], "history list of Rome"),
        (["--", "-x", "means", "what?"], "-x means what?"),
        (["--json", "--", "--json", "is", "what?"], "--json is what?"),
        (["-5", "plus", "3", "is", "what?"], "-5 plus 3 is what?"),
        (["What is this", "-"], "What is this -"),
    ],
)
def test_a_question_needs_no_quotes(words: list[str], question: str) -> None:
    for command in ("ask", "compare"):
        assert " ".join(cli.parsed([command, *words]).question) == question


def test_nor_do_other_texts() -> None:
    assert cli.parsed(["listen", "I", "think", "so", "--json", "now"]).text == ["I", "think", "so", "now"]
    assert cli.parsed(["history", "search", "capital", "of", "--json", "Japan"]).query == ["capital", "of", "Japan"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("What is this", "lacie: there is no command 'What'; to ask it as a question: lacie ask What is this"),
        ("history of Rome",
         "lacie history: there is no action 'of'; to ask it as a question: lacie ask history of Rome"),
        ("chat about Rome", "lacie chat: takes no 'about Rome'; to ask it as a question: lacie ask about Rome"),
        ("histroy list", "lacie: there is no command 'histroy'; did you mean history?"),
        ("models lst", "lacie models: there is no action 'lst'; did you mean list?"),
        ("train juge", "lacie train: there is no stage 'juge'; did you mean judge?"),
        ("pull hf.co/a/b", "lacie: there is no command 'pull'; here it is: lacie models pull hf.co/a/b"),
        ("ask --modle x Q", "lacie ask: there is no option --modle; did you mean --model?"),
        ("ask --tempurature=3 Q", "lacie ask: there is no option --tempurature; did you mean --temperature?"),
        ("ask Q --kv-type q80", "lacie ask: argument --kv-type: 'q80' is none of f32, f16, bf16, q8_0, q5_1, q5_0, "
         "q4_1, q4_0, iq4_nl; did you mean q8_0?"),
        ("ask -what is it", "lacie ask: there is no option -what; text that begins with a dash stands after --, as in: "
         "lacie ask -- -what …"),
        ("models", "lacie models: which action? there are: list, pull, info, remove; see: lacie models --help"),
        ("models list more", "lacie models list: takes no 'more'; see: lacie models list --help"),
        ("evaluate",
         "lacie evaluate: the following arguments are required: --questions, --out; see: lacie evaluate --help"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_one_line(words: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert wrong(capsys, *words.split()) == line


def test_a_question_in_quotes_is_told_from_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert wrong(capsys, "What is this?").endswith("to ask it as a question: lacie ask 'What is this?'")


def test_codes_in_a_word_are_not_carried_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in wrong(capsys, "\x1b[31mred")


@pytest.mark.parametrize("word", list(ELSEWHERE))
def test_what_another_program_calls_it_is_something_here(word: str) -> None:
    words = [*ELSEWHERE[word].split(), *([] if ELSEWHERE[word].startswith("--") else ["x"])]
    if word in ("ls", "list", "continue"):
        words.pop()
    assert word not in [command.name for command in cli.COMMANDS]
    if words != ["--version"]:
        assert cli.parsed(words)


@pytest.mark.parametrize(
    ("given", "in_order"),
    [
        ([], ["chat"]),
        (["--continue"], ["chat", "--continue"]),
        (["-q", "ask", "What"], ["ask", "What", "-q"]),
        (["--verbose", "ask", "--", "-x"], ["ask", "--verbose", "--", "-x"]),
        (["-v", "models", "info", "x"], ["models", "info", "x", "-v"]),
        (["-v"], ["chat", "-v"]),
        (["help"], ["--help"]),
        (["help", "ask"], ["ask", "--help"]),
        (["--version"], ["--version"]),
    ],
)
def test_the_command_comes_first(given: list[str], in_order: list[str]) -> None:
    assert cli.in_order(given) == in_order
