"""From `--left` and `--right` to two sides that can be started; for `lacie compare`, one question or a file of them.

A side is any model, perhaps with any adapter over it. Where both sides have the same weights, these are in memory once,
under either's adapter. A side may have a preset of the settings file: it is then drawn, and told first, as that says;
all else is alike on both. Both sides are heard by one listener: two acceptances can only be compared if the same ears
judged both. Each has a calibrator of its own, or none.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lacie_chat.commands.machine import add_machine_arguments, machine_of
from lacie_chat.commands.settled import habit_at, settings_of, usual_adapter
from lacie_chat.commands.speaker import (
    ADAPTER_HELP,
    Pair,
    Speaker,
    add_listener_argument,
    add_model_argument,
    add_reasoning_argument,
    calibrators_of,
    listener_of,
    reasoning_of,
    say,
)
from lacie_chat.confidence import WayOfDrawing
from lacie_chat.engine import EngineLike, Sampling
from lacie_chat.errors import LacieError
from lacie_chat.models import ResolvedModel, default_adapter, fingerprint, resolve, resolve_adapter
from lacie_chat.models.pair_refs import model_and_adapter
from lacie_chat.names import pair_name
from lacie_chat.progress import DownloadLine
from lacie_chat.settings import Settings

BASELINE, ADAPTER = "baseline", "adapter"
_ADAPTER_PREFIX = "adapter:"
NONE = "no preset"
_FLAGS = ("system_prompt", "temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "reasoning")


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One side: what to call it, what answers, and how the files are told from all others."""

    name: str
    speaker: Speaker
    model_print: str
    adapter_print: str | None
    preset: str | None = None
    system: str = ""
    """What the model is told first."""

    def to_dict(self) -> dict[str, str | None]:
        adapter = self.speaker.adapter
        return {"name": self.name, "model": self.speaker.model.ref, "adapter": adapter.ref if adapter else None}


@dataclass(frozen=True, slots=True)
class StartedSide:
    """A side whose engine is loaded: `engine.generate(…, baseline=baseline, adapter=adapter)` answers."""

    compared: ComparedSide
    engine: EngineLike
    baseline: bool = False
    adapter: Path | None = None
    """Where it isn't the engine's own."""


def add_side_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say what is compared."""
    side_ref = (
        "`baseline` (the --model alone), `adapter` (the --model with the --adapter), `adapter:REF` (the --model with "
        "this adapter), or a model as --model takes it (alone), and with an adapter: MODEL+ADAPTER"
    )
    add_model_argument(parser)
    parser.add_argument("--adapter", metavar="REF", help=ADAPTER_HELP)
    add_listener_argument(parser)
    add_reasoning_argument(parser)
    parser.add_argument(
        "--left",
        metavar="REF",
        help=f"{side_ref}. Default: `baseline`, or `adapter` where the right side is another and --adapter is given",
    )
    parser.add_argument(
        "--right", metavar="REF", help="the same for the right side. Default: `adapter`, else `baseline`"
    )
    add_machine_arguments(parser)


def add_preset_arguments(parser: argparse.ArgumentParser) -> None:
    """A preset for each side."""
    parser.add_argument(
        "--left-preset",
        metavar="NAME",
        help="the left side answers as this preset of the settings file says (flags go before it); where presets are "
        "all that differs, --left and --right need not be given",
    )
    parser.add_argument("--right-preset", metavar="NAME", help="the same for the right side")


def find_sides(args: argparse.Namespace, sampling: Sampling) -> tuple[ComparedSide, ComparedSide]:
    """Resolve both sides; downloads from the Hub if need be. Raises LacieError: no adapter to compare with, an adapter
    that no side uses, two sides that are the same, and what can't be resolved.

    A calibrator that was fitted for another way of drawing than `sampling` is not used; a line says so."""
    own = usual_adapter(args) or default_adapter(args.model)
    presets = [getattr(args, f"{side}_preset", None) for side in ("left", "right")]
    given = args.left, args.right
    if any(presets) and None in given:  # they may be all that differs
        given = (args.left or args.right or (ADAPTER if args.adapter or own else BASELINE),) * 2
    refs = side_refs(*given, args.adapter, own)
    progress = DownloadLine()
    try:
        found = [_resolve_side(ref, args.model, args.adapter or own, progress) for ref in refs]
    finally:
        progress.close()
    prints = [(fingerprint(model.path), fingerprint(adapter.path) if adapter else None) for model, adapter in found]
    if prints[0] == prints[1] and presets[0] == presets[1]:
        raise LacieError(
            f"both sides are the same ({' and '.join(dict.fromkeys(refs))}): there is nothing to compare; "
            "give another REF with --left or --right"
        )
    sides = []
    listener, machine = listener_of(args, found[0][0]), machine_of(args)
    same_model = found[0][0].path == found[1][0].path
    choices = [reasoning_of(args, model) for model, _ in found[: 1 if same_model else 2]]
    names = _names(refs, found) if prints[0] != prints[1] else [f"preset {name}" if name else NONE for name in presets]
    for name, (model, adapter), (model_print, adapter_print), reasoning, preset in zip(
        names, found, prints, [choices[0], choices[-1]], presets, strict=True
    ):
        drawn, system = replace(sampling, reasoning=reasoning), (getattr(args, "system_prompt", None) or "").strip()
        if preset is not None:
            drawn, system = _by_preset(args, preset, drawn, model.path)
            name = name if prints[0] == prints[1] else f"{name}, preset {preset}"
        calibrators = calibrators_of(Pair(model, adapter), WayOfDrawing.of(drawn, system), listener)
        speaker = Speaker(model, adapter, *calibrators, listener, drawn, machine)
        sides.append(ComparedSide(name, speaker, model_print, adapter_print, preset, system))
    return sides[0], sides[1]


def _by_preset(args: argparse.Namespace, preset: str, usual: Sampling, model_path: Path) -> tuple[Sampling, str]:
    """How a side with this preset is drawn, and what it is told first. Flags go before it, and the seed is both
    sides'. Raises SettingsError, one line, where there is none of the name."""
    from lacie_chat.engine.reasoning import settled

    flags = {name: value for name in _FLAGS if (value := getattr(args, name, None)) is not None}
    settings = Settings(replace(settings_of(args).file, values={}), flags | {"seed": usual.seed}, preset)
    drawn = settings.sampling(usual)
    if drawn.reasoning != usual.reasoning:
        drawn = replace(drawn, reasoning=settled(drawn.reasoning, habit_at(model_path)))
    return drawn, settings.system_prompt()


def side_refs(left: str | None, right: str | None, adapter: str | None, own: str | None = None) -> tuple[str, str]:
    """Both REFs, the missing ones filled in: the baseline against the adapter, which is the one asked for, else the
    model's `own`. Raises LacieError, one line."""
    any_adapter = adapter or own
    if left is None and right is None:
        left, right = BASELINE, ADAPTER
    elif left is None or right is None:
        given = left or right or BASELINE
        other = ADAPTER if given == BASELINE or (any_adapter is not None and given != ADAPTER) else BASELINE
        left, right = (given, other) if right is None else (other, given)
    if any_adapter is None and ADAPTER in (left, right):
        raise LacieError(
            "there is no adapter to compare with: give one with --adapter, or another model with --left or --right"
        )
    if adapter is not None and ADAPTER not in (left, right):
        raise LacieError("no side uses the --adapter: give `adapter` as --left or --right, or leave --adapter out")
    return left, right


def _resolve_side(
    ref: str, model: str, adapter: str | None, progress: DownloadLine
) -> tuple[ResolvedModel, ResolvedModel | None]:
    if ref == BASELINE:
        return resolve(model, on_progress=progress), None
    if ref == ADAPTER or ref.startswith(_ADAPTER_PREFIX):
        wanted = adapter if ref == ADAPTER else ref.removeprefix(_ADAPTER_PREFIX)
        if not wanted:
            raise LacieError(f"{ref!r} names no adapter: write {_ADAPTER_PREFIX} and the path or owner/repo of one")
        return resolve(model, on_progress=progress), resolve_adapter(wanted, on_progress=progress)
    alone, over = model_and_adapter(ref)
    return resolve(alone, on_progress=progress), resolve_adapter(over, on_progress=progress) if over else None


def _names(refs: tuple[str, str], found: list[tuple[ResolvedModel, ResolvedModel | None]]) -> list[str]:
    """What to call the sides: the part that each plays, else the file that makes it another."""
    both_adapters = all(adapter for _, adapter in found)
    same_model = found[0][0].path == found[1][0].path
    names = []
    for ref, (model, adapter) in zip(refs, found, strict=True):
        is_part = ref in (BASELINE, ADAPTER) or ref.startswith(_ADAPTER_PREFIX) or (same_model and "+" in ref)
        if adapter is None:
            names.append(BASELINE if is_part else model.name)
        elif both_adapters:
            names.append(adapter.name if same_model else pair_name(model.name, adapter.name))
        else:
            names.append(ADAPTER if is_part else pair_name(model.name, adapter.name))
    return names if names[0] != names[1] else [f"{names[0]} (left)", f"{names[1]} (right)"]


@contextmanager
def started(left: ComparedSide, right: ComparedSide) -> Iterator[tuple[StartedSide, StartedSide]]:
    """Both sides loaded: in one engine, over one copy of the weights, where these are the same; else in two, of which
    only one works at a time. Raises EngineError: a model or an adapter that can't be loaded."""
    engines: list[EngineLike] = []
    try:
        if left.model_print == right.model_print:
            own, other = (left, right) if left.adapter_print else (right, left)
            further = other.speaker.adapter_path if other.adapter_print != own.adapter_print else None
            engines.append(own.speaker.engine(further_adapters=(further,) if further else ()))
            say(engines[0].load().asked_as)
            sides = {
                own.name: StartedSide(own, engines[0]),
                other.name: StartedSide(other, engines[0], baseline=other.adapter_print is None, adapter=further),
            }
            yield sides[left.name], sides[right.name]
            return
        for side in (left, right):
            engines.append(side.speaker.engine())
            asked_as = engines[-1].load().asked_as
            say(f"{side.name}: {asked_as}" if asked_as else "")
        yield StartedSide(left, engines[0]), StartedSide(right, engines[1])
    finally:
        for engine in engines:
            engine.close()
