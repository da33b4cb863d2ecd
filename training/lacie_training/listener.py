"""The listener's adapters: `lacie train listener --recipe listener --rated FILE… --out DIR`, or `--recipe extractor`.

The small LoRA over the embedded model that hears how sure a text sounds (as people rated such texts), or the one that
finds the words of a response that answer its question. OUT then holds `adapter/` (in PEFT's format, with
`lacie_listener.json`, which says what it is for), `training.json` (what it was made of, and figures),
`training_log.jsonl` and `recipe.yaml`. What turns it into the GGUF that the chat reads is printed at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lacie_chat.errors import LacieError
from lacie_chat.models.peft_files import LISTENER
from lacie_chat.rows import locked, write_json, write_rows, write_text
from lacie_chat.streams import complain
from lacie_training.errors import TrainingError
from lacie_training.learning.adapters import replace_adapter
from lacie_training.listening.composed import composed_texts
from lacie_training.listening.examples import FORMS, Example, digest, finding_examples, hearing_examples
from lacie_training.listening.rated import ANSWERS, Rated, rated_answers, rated_findings
from lacie_training.listening.spans import Answered, answered_questions
from lacie_training.recipes.files import available_listeners, load_listener_recipe
from lacie_training.recipes.listening import ListenerRecipe
from lacie_training.stage import quiet_libraries

if TYPE_CHECKING:
    from lacie_training.generators.transformers import TransformersGenerator
    from lacie_training.listening.losses import Loss

_DESCRIPTION = """\
Train one of the two small adapters (a few MB each) with which the chat judges answers:

  listener   hears how sure a text sounds: a number from 0 (not at all) to 1 (completely), as people would give it
  extractor  finds the words of a response that answer its question

It needs texts that people have rated, or responses in which the answer is marked. On a CPU it takes an hour or more;
an interrupted training starts anew."""

_EPILOG = """\
files (JSON lines: one object a line, UTF-8):
  --rated     {"text": "I think it was Oslo.", "answer": "Oslo", "rating": 0.55}
              rating: how sure the writer sounds, from 0 to 1. The answer is hidden before the text is heard; without
              one, the name or number that most other texts share is hidden. "weight" (1) makes a row count more or
              less; rows with another "split" than "train" are left out.
  --findings  {"text": "Sleep may improve memory.", "rating": 0.4}: sentences that answer no question; nothing is hidden
  --spans     {"question": "Who wrote it?", "response": "It was Jane Austen.", "span": "Jane Austen"}
              span: words of the response, or null if nothing in it answers"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe, the user's files, the folder."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("--recipe", required=True, help=f"a name ({', '.join(available_listeners())}) or a YAML file")
    for name, text in (
        ("rated", "answers that people have rated (for the listener)"),
        ("findings", "sentences that people have rated (for the listener)"),
        ("spans", "responses with their answers marked (for the extractor)"),
    ):
        parser.add_argument(f"--{name}", nargs="+", type=Path, metavar="FILE", help=f"{text}; in place of the recipe's")
    parser.add_argument(
        "--composed-only", action="store_true", help="train on the texts that come with the program alone"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder for adapter and figures")
    parser.add_argument("--force", action="store_true", help="replace the adapter that DIR holds")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="set any field of the recipe; may be given several times",
    )


def run(args: argparse.Namespace) -> int:
    """`lacie train listener`; returns the exit status, errors of the user's printed as one line."""
    quiet_libraries()
    try:
        train_listener(_recipe(args), args.out, force=args.force)
    except LacieError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        complain("interrupted; nothing is kept, the same command starts anew")
        return 130
    except MemoryError:
        complain("out of memory; lower tokens_per_step")
        return 1
    return 0


def _recipe(args: argparse.Namespace) -> ListenerRecipe:
    files = {name: getattr(args, name) for name in ("rated", "findings", "spans") if getattr(args, name)}
    given = [f"{name}={json.dumps([str(path) for path in paths], ensure_ascii=False)}" for name, paths in files.items()]
    alone = ["composed.alone=true"] if args.composed_only else []
    return load_listener_recipe(args.recipe, [*args.overrides, *given, *alone])


def train_listener(recipe: ListenerRecipe, out: Path, *, force: bool = False) -> None:
    """Train the recipe's adapter into `out`. Raises TrainingError: nothing to train on, a file with something wrong in
    it, a folder that holds an adapter already (unless `force`), a model that can't be loaded.
    """
    adapter = out / "adapter"
    if adapter.exists() and not force:
        raise TrainingError(f"{out} holds an adapter already; give another --out, or --force to replace it")
    texts: list[Rated] = []
    answered: list[Answered] = []
    if recipe.task == "listener":
        texts = training_texts(recipe)
    else:
        answered = _answered(recipe)
    with locked(out, "stage"):
        write_text(out / "recipe.yaml", recipe.to_yaml())
        generator = _load(recipe)
        examples, loss = (
            _hearing(recipe, generator, texts) if recipe.task == "listener" else _finding(recipe, generator, answered)
        )
        from lacie_training.listening.loop import adapted, train

        began = time.monotonic()
        model = adapted(generator.model, recipe)
        log = train(model, examples, loss, recipe)
        seconds = time.monotonic() - began
        _save(model, adapter, recipe)
        write_rows(out / "training_log.jsonl", log)
        write_json(out / "training.json", _facts(recipe, examples, log, seconds))
    print(f"{recipe.task}: {adapter} is trained; make the GGUF of it that the chat reads with\n  {export_command(out)}")


def _save(model: Any, adapter: Path, recipe: ListenerRecipe) -> None:
    from safetensors import SafetensorError

    with replace_adapter(adapter) as fresh:
        try:
            model.save_pretrained(str(fresh), save_embedding_layers=False)  # or it asks the Hub about the base
        except SafetensorError as error:  # a full disk isn't an OSError to it
            raise TrainingError(f"{adapter} can't be written: {error}") from error
        (fresh / "README.md").unlink(missing_ok=True)  # PEFT's empty card
        write_json(fresh / LISTENER, {"task": recipe.task, "form": FORMS[recipe.task]})


_UNSURE_TO, _SURE_FROM = 0.55, 0.85
"""The limits of ratings between unsure and sure, for `weights.between`."""


def export_command(out: Path) -> str:
    """The command that makes the GGUF of a trained adapter."""
    words = ("lacie", "export", "adapter", "--adapter", str(out / "adapter"), "--lora-type", "f16")
    return shlex.join([*words, "--out", str(out / "gguf")])


def training_texts(recipe: ListenerRecipe) -> list[Rated]:
    """All that a listener is trained on, as the recipe weighs it. Raises TrainingError."""
    weights, composed = recipe.weights, recipe.composed
    if not recipe.rated and not recipe.findings and not composed.alone:
        raise TrainingError(
            "a listener learns from rated texts; name them with --rated FILE, or train on the program's own texts "
            "alone with --composed-only"
        )
    texts = rated_answers(recipe.rated, weight=weights.answers, unmasked=weights.unmasked)
    between = [_UNSURE_TO <= row.rating <= _SURE_FROM for row in texts]
    texts = [
        replace(row, weight=row.weight * weights.between) if inside else row
        for row, inside in zip(texts, between, strict=True)
    ]
    texts += rated_findings(recipe.findings, weight=weights.findings)
    if weights.composed > 0:
        texts += composed_texts(
            recipe.seed,
            weights.composed,
            [row for row in texts if row.source == ANSWERS],
            per_phrase=composed.per_phrase,
            long=composed.long,
            attacks=composed.attacks,
        )
    if not texts:
        raise TrainingError("the recipe's weights leave nothing to train on")
    return texts


def _answered(recipe: ListenerRecipe) -> list[Answered]:
    if not recipe.spans:
        raise TrainingError("an extractor learns from responses with their answers marked; name them with --spans FILE")
    return answered_questions(recipe.spans)


def _load(recipe: ListenerRecipe) -> TransformersGenerator:
    from lacie_training.generators.transformers import TransformersGenerator

    return TransformersGenerator.load(recipe.model_settings(), name="recipe")


def _hearing(
    recipe: ListenerRecipe, generator: TransformersGenerator, texts: Sequence[Rated]
) -> tuple[list[Example], Loss]:
    from lacie_chat.confidence.tuned import HEARING_CHOICES, HEARING_PREFIX, hearing_suffix
    from lacie_chat.engine.generator import choice_tokens
    from lacie_training.listening.losses import HearingLoss

    choices = choice_tokens(generator.encode, HEARING_PREFIX + hearing_suffix(""), HEARING_CHOICES)
    if not all(choices):
        raise TrainingError(f"the tokenizer of {recipe.model} doesn't tell yes from no by one token")
    examples = hearing_examples(texts, generator.encode_all, longest=recipe.longest)
    if not examples:
        raise TrainingError("nothing is seen in any of the texts: there is nothing to train on")
    return examples, HearingLoss(choices, recipe.loss)


def _finding(
    recipe: ListenerRecipe, generator: TransformersGenerator, answered: Sequence[Answered]
) -> tuple[list[Example], Loss]:
    from lacie_training.listening.losses import FindingLoss

    def encode_target(targets: Sequence[str]) -> list[list[int]]:
        return [generator.tokenizer(target, add_special_tokens=False)["input_ids"] for target in targets]

    examples = finding_examples(answered, generator.encode_all, encode_target, longest=recipe.longest)
    if not examples:
        raise TrainingError("no span can be seen in what is shown of its response; raise longest, or shorten the texts")
    if left := len(answered) - len(examples):
        print(f"extraction: {left} of {len(answered)} rows are too long, or their span is; they are left out")
    return examples, FindingLoss(recipe.loss)


def _facts(recipe: ListenerRecipe, examples: Sequence[Example], log: Sequence[Any], seconds: float) -> dict[str, Any]:
    """What the adapter was made of. Files are named, not placed: a folder may be handed on."""
    files = [*recipe.rated, *recipe.findings, *recipe.spans]
    return {
        "task": recipe.task,
        "form": FORMS[recipe.task],
        "model": recipe.model,
        "texts": dict(sorted(Counter(example.source for example in examples).items())),
        "tokens": sum(len(example.ids) for example in examples),
        "data": digest(examples),
        "files": [{"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in files],
        "steps": log[-1]["step"],
        "seconds": round(seconds, 1),
        "first": log[0],
        "last": log[-1],
    }
