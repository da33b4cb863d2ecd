"""What the documents tell a reader to type is taken by the command, and what they point to is there."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest
from lacie_training.recipes.files import load_listener_recipe, load_recipe
from lacie_training.run import accelerate_config

from lacie_chat.cli import build_parser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    "README.md",
    "NOTICE",
    "Makefile",
    "training/lacie_training/recipes/README.md",
    "lacie_chat/models/lacie/MODEL_CARD.md",
)
OPERATORS = "|&;\n"


def commands(text: str) -> list[list[str]]:
    """The words after `lacie` of every command in a block of shell, and of every `lacie train run …` (or `listener`) in
    the text.
    """
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    found: list[list[str]] = []
    for block in [*blocks, *re.findall(r"`(lacie train (?:run|listener --recipe) [^`]*)`", text)]:
        plain = re.sub(r"\s+#.*| \[[^]\n]*…\]| [<>] \S+", "", block).replace("\\\n", " ")
        lexer = shlex.shlex(plain, posix=True, punctuation_chars=OPERATORS)
        lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
        words: list[str] = []
        for word in [*lexer, "\n"]:
            if word[0] in OPERATORS:
                if words and Path(words[0]).name == "lacie":
                    found.append(words[1:])
                words = []
            else:
                words.append(word)
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_points_to_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    paths = re.findall(r"(?<![\w./-])(?:lacie_chat|training|export|tests)/[\w./-]*\w", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    modules = re.findall(r"(?<![\w./])lacie_(?:chat|training|export)(?:\.[a-z_]+)+", text)
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.endswith(".md")])
def test_commands_of_a_document_are_taken(document: str) -> None:
    found = commands((ROOT / document).read_text(encoding="utf-8"))
    assert found
    for words in found:
        options = build_parser(words[0]).parse_args(words)
        if words[:2] == ["train", "run"]:
            load_recipe(options.recipe, options.overrides)
            assert not options.launch or accelerate_config(options.launch)
        elif words[:2] == ["train", "listener"]:
            load_listener_recipe(options.recipe, options.overrides)
