"""Other listeners over the stored answers of an evaluation: does what was learned hold for ears it was not trained on?

Nothing is answered again. The answers, their spans, their states and whether they are right stay as the recipe's
listener found them; only the acceptance of the masked text is given anew. So what differs is the ear, and nothing else.
A listener is a GGUF in llama.cpp that is asked by a prompt, `tuned` (the chat's own), or `lexicon`: hedges and
boosters counted, no model asked. What a model has heard is
kept in files beside the rows, and a start that was interrupted goes on there.
"""

import hashlib
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lacie_chat.confidence import Listener, lexical_cues
from lacie_chat.confidence.version import ASSESSMENT_VERSION, version_of_prompted
from lacie_chat.models import fingerprint, resolve
from lacie_chat.progress import progress
from lacie_training.errors import TrainingError
from lacie_training.generators import load_listener
from lacie_training.generators.listeners import Closeable
from lacie_training.recipes.models import TUNED
from lacie_training.recipes.schema import Recipe
from lacie_training.row_kinds import HEARD, TEXTS, check_rows, rows_of_kind
from lacie_training.run_folder import Row, RowFile, RunFolder, to_do
from lacie_training.samples.threshold import accept_threshold

LEXICON = "lexicon"
SAMPLES_FOR_THRESHOLD = 500
"""Training samples that another listener's threshold is taken from; enough to know it to about ± .03."""


@dataclass(frozen=True, slots=True)
class OtherListener:
    """A listener by `name`; `key` tells apart what may have one name, and is part of its files' names."""

    name: str
    key: str
    path: Path | None


def other_listeners(recipe: Recipe) -> list[OtherListener]:
    """Those of the recipe, looked up (and fetched) before any work is done. Raises LacieError, one line."""
    found: list[OtherListener] = []
    for ref in recipe.evaluate.other_listeners:
        if ref == LEXICON:
            found.append(OtherListener(LEXICON, LEXICON, None))
        elif ref == TUNED:
            found.append(OtherListener(TUNED, f"{TUNED}-{ASSESSMENT_VERSION}", None))
        else:
            path = resolve(ref).path
            version = version_of_prompted(fingerprint(path)[:8])
            found.append(OtherListener(path.stem, f"{path.stem}-{version}", path))
    found = list(dict.fromkeys(found))
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise TrainingError(f"evaluate.other_listeners has two listeners called {name!r}; rename one of the files")
    return found


def lexicon_acceptance(text: str) -> float:
    """How sure a text sounds by its hedges and boosters alone.

    Log-odds of ln 3 for a plain claim (.75), as much again for a booster, and twice as much off for a hedge: a plain
    claim is accepted, a hedged one (.25) is not, and a hedge outweighs a booster (.5). Set, not fitted.
    """
    hedges, boosters = lexical_cues(text)
    return 1 / (1 + math.exp(-math.log(3) * (1 + len(boosters) - 2 * len(hedges))))


class Ear:
    """A listener at work: masked texts in, acceptances out, each text of a file's rows heard once."""

    def __init__(self, listener: OtherListener, hear: Callable[[Sequence[str]], list[float]], batch: int) -> None:
        self.listener, self._hear, self._batch = listener, hear, batch

    def rows(self, rows: Sequence[Row], folder: Path, label: str) -> list[Row]:
        """The rows with this listener's acceptance; what claims nothing keeps its own."""
        heard = self._acceptances([row for row in rows if row["state"] == "answered"], folder, label)
        return [{**row, "acceptance": heard.get(_key(row), row["acceptance"])} for row in rows]

    def threshold(self, run: RunFolder) -> float:
        """That of the pairs, as this listener hears the training samples."""
        path = run.file("judged.jsonl")
        rows = [row for row in rows_of_kind(path, HEARD) if row["acceptance"] is not None]
        check_rows(rows, path, TEXTS)
        if len(rows) > SAMPLES_FOR_THRESHOLD:
            rows = random.Random(f"threshold {run.recipe.seed}").sample(rows, SAMPLES_FOR_THRESHOLD)
        heard = self._acceptances(rows, run.path / "evaluation" / "threshold", "training samples")
        rows = [{**row, "acceptance": heard.get(_key(row))} for row in rows]
        return accept_threshold(rows, run.recipe.pairs)

    def _acceptances(self, rows: Sequence[Row], folder: Path, label: str) -> dict[str, float]:
        texts = {_key(row): row["masked_response"] for row in rows if row["masked_response"].strip()}
        if self.listener.name == LEXICON:
            return {key: lexicon_acceptance(text) for key, text in texts.items()}
        file = RowFile(folder / f"heard-{self.listener.key}.jsonl")
        keys = list(texts)
        todo = to_do(file, keys, self._batch)
        already = len(keys) - sum(len(keys[chunk]) for chunk in todo)
        with progress(f"{self.listener.name}, {label}", len(keys), "answers", already=already) as advance:
            for chunk in todo:
                heard = self._hear([texts[key] for key in keys[chunk]])
                file.append([{"id": key, "acceptance": value} for key, value in zip(keys[chunk], heard, strict=True)])
                advance(len(heard))
        stored = {row["id"]: row["acceptance"] for row in rows_of_kind(file.path, HEARD)}
        return {key: stored[key] for key in texts}


def _key(row: Row) -> str:
    """A row by its id and what a listener reads of it: a row that was made anew is heard anew."""
    return f"{row['id']}|{hashlib.sha256(row['masked_response'].encode()).hexdigest()[:12]}"


@contextmanager
def listening(listener: OtherListener, recipe: Recipe) -> Iterator[Ear]:
    """The listener, its model loaded when the first text is to be heard, and freed at the end."""
    settings = recipe.listener.model_copy(
        update={
            "model": TUNED if listener.path is None else str(listener.path),
            "revision": None,
            "generator": "llama_cpp",
            "prompt": "examples",
            "data_parallel": 1,
        }
    )
    loaded: list[tuple[Listener, Closeable]] = []

    def hear(texts: Sequence[str]) -> list[float]:
        if not loaded:
            loaded.append(load_listener(recipe.model_copy(update={"listener": settings})))
        return loaded[0][0].acceptances(texts)

    try:
        yield Ear(listener, hear, recipe.listener.together)
    finally:
        for _, each in loaded:
            each.close()
