"""What the settings file says where no flag does, and the flags that are made of its options.

A command whose parser was marked by `fills_from_file` gets its model, adapter and machine from the file; how an answer
is drawn is asked of `settings_of`. All but the chat end at a file that is wrong: a script must not be answered
otherwise than its file says because of a slip in it.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.engine import Sampling
from lacie_chat.engine.recommended import recommended
from lacie_chat.gguf_header import GGUFError
from lacie_chat.settings import BY_NAME, NO_ADAPTER, OF_ANSWER, OPTIONS, Option, Settings, Value, read_settings

if TYPE_CHECKING:
    from lacie_chat.engine.reasoning import Habit

_MACHINE = ("context", "threads", "gpu_layers")


def add_option(parser: argparse._ActionsContainer, name: str, *flags: str, **more: Any) -> None:
    """The flag of an option of the settings; without it the file is asked."""
    option = BY_NAME[name]
    more.setdefault("help", f"{option.help} (default: {option.default_text})".replace("%", "%%"))
    parser.add_argument(
        *(flags or (option.flag,)), dest=name, metavar=option.metavar, type=argument_type(option), **more
    )


def add_answer_options(parser: argparse.ArgumentParser) -> None:
    """How an answer is made: a flag for each option that a preset can have, and the preset."""
    group = parser.add_argument_group("how an answer is made", "a flag goes before --preset, and that before the file")
    for option in OF_ANSWER:
        add_option(group, option.name)
    group.add_argument("--preset", metavar="NAME", help="a preset of the settings file (`lacie settings show`)")


def argument_type(option: Option) -> Callable[[str], Value]:
    """How argparse reads the option."""

    def parse(text: str) -> Value:
        try:
            return option.kind.parse(text)
        except ValueError as wanted:
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}") from None

    return parse


def fills_from_file(parser: argparse.ArgumentParser, *, forgiving: bool = False) -> None:
    """Let `fill` do its work for this parser; `forgiving`: what is right in a file counts, and the rest is told."""
    parser.set_defaults(fills_from_file=True, forgiving=forgiving)


def fill(args: argparse.Namespace) -> None:
    """Take from the file what no flag says of the model and how it is run. An adapter goes with the file's model: it is
    none of a model that a flag names. Raises SettingsError, one line, for what is wrong with the file."""
    if not getattr(args, "fills_from_file", False):
        return
    file = read_settings()
    args.settings_file = file if args.forgiving else file.checked()
    args.given = _given(args)
    values = file.values
    args.usual_model, args.usual_adapter = values.get("model", BY_NAME["model"].default), values.get("adapter")
    if args.model is None:
        args.model = args.usual_model
    for name in _MACHINE:
        if getattr(args, name, "") is None:
            setattr(args, name, values.get(name))


def settings_of(args: argparse.Namespace) -> Settings:
    """The file with the flags and the preset of this command. Raises SettingsError, one line."""
    found: Settings | None = getattr(args, "settings", None)
    if found is None:
        file = getattr(args, "settings_file", None) or read_settings().checked()
        given = args.given if hasattr(args, "given") else _given(args)
        found = args.settings = Settings(file, given, getattr(args, "preset", None))
    return found


def sampling_of(settings: Settings, model_path: Path) -> Sampling:
    """How this model is drawn from: as the settings say, else as its file recommends; it thinks as it can."""
    from lacie_chat.engine.reasoning import settled

    sampling = settings.sampling(recommended(model_path))
    return replace(sampling, reasoning=settled(sampling.reasoning, habit_at(model_path)))


def habit_at(model_path: Path) -> "Habit | None":
    """How a model thinks; None where it can't, or can't be read: who loads it says what is wrong with it."""
    from lacie_chat.engine.reasoning import habit_of_file

    try:
        return habit_of_file(model_path)
    except GGUFError:
        return None


def no_adapter(args: argparse.Namespace) -> bool:
    """Is the model to speak alone?"""
    return bool(getattr(args, "baseline", False)) or (not args.adapter and _usual_adapter(args) == NO_ADAPTER)


def usual_adapter(args: argparse.Namespace) -> str | None:
    """The adapter that the file names for the model at hand."""
    name = _usual_adapter(args)
    return None if name == NO_ADAPTER else name


def named_again(args: argparse.Namespace) -> bool:
    """Must the model be named to have the same speaker again? Not where a bare `lacie` has it."""
    return args.model != args.usual_model or ("model" in args.given and args.usual_adapter is not None)


def _usual_adapter(args: argparse.Namespace) -> str | None:
    found: str | None = getattr(args, "usual_adapter", None)
    return None if "model" in getattr(args, "given", {}) else found


def _given(args: argparse.Namespace) -> dict[str, Value]:
    return {option.name: value for option in OPTIONS if (value := getattr(args, option.name, None)) is not None}
